from __future__ import annotations

import json
import logging
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import ConfigurationError
from common.logs import (
    LONGEST_MESSAGE,
    TRACEBACK_LINES,
    Formatter,
    LogFile,
    Logs,
    forbid_core_dumps,
    hide,
)
from common.redaction import Redactor, clean, escape, redactor
from common.settings_types import Secret

CANARY = 'canary-"sécret"/+=&\\-1234567890'
log = logging.getLogger("tests.logs")


@pytest.fixture
def logs(tmp_path: Path) -> Iterator[Logs]:
    root = logging.getLogger()
    level = root.level
    result = Logs(tmp_path)
    result.start()
    yield result
    result.stop()
    root.setLevel(level)


@pytest.fixture(autouse=True)
def _canary() -> None:
    hide([Secret(CANARY)])


def written(logs: Logs) -> str:
    return logs.path.read_text(encoding="utf-8")


def test_a_record_is_one_line_in_utc_with_its_origin(logs: Logs) -> None:
    log.info("placed %s %d", "order", 3)
    (line,) = written(logs).splitlines()
    assert line.endswith(" INFO    MainThread tests.logs: placed order 3")
    assert line[4] == line[7] == "-"
    assert line[10] == " "
    assert line[19] == "."


def test_secrets_are_hidden_in_every_form_a_library_quotes(logs: Logs) -> None:
    forms = [CANARY, quote(CANARY, safe=""), json.dumps(CANARY), repr(CANARY), repr([CANARY])]
    for form in forms:
        log.warning("sent %s", form)
    log.warning("object %s", {"secret": CANARY})
    log.warning(CANARY)
    text = written(logs)
    assert text.count("***") == len(forms) + 2
    assert "canary" not in text
    assert "1234567890" not in text


def test_secrets_are_hidden_in_tracebacks_and_their_causes(logs: Logs) -> None:
    try:
        try:
            raise KeyError(CANARY)
        except KeyError as error:
            raise RuntimeError(f"wrapped {CANARY}") from error
    except RuntimeError:
        log.exception("failed")
    text = written(logs)
    assert "RuntimeError: wrapped ***" in text
    assert "canary-" not in text


def test_a_secret_is_hidden_before_a_long_text_is_cut(logs: Logs) -> None:
    log.info("%s%s", "x" * (LONGEST_MESSAGE - 8), CANARY)
    assert "canary" not in written(logs)


def test_signatures_are_hidden_without_being_registered(logs: Logs) -> None:
    signature = "0123456789abcdef" * 4
    log.info("api-signature: %s", signature)
    assert signature not in written(logs)


def test_a_message_cannot_forge_a_line_or_steer_a_terminal(logs: Logs) -> None:
    log.info("text\n2026-01-01 ERROR forged\x1b[2J\u202egnp.exe\x00\u2028end")
    (line,) = written(logs).splitlines()
    assert r"text\n2026-01-01 ERROR forged\x1b[2J\u202egnp.exe\x00\u2028end" in line


def test_traceback_lines_cannot_be_taken_for_records(logs: Logs) -> None:
    try:
        raise ValueError("one\n2026-01-01 00:00:00.000 INFO forged")
    except ValueError:
        log.exception("failed")
    first, *rest = written(logs).splitlines()
    assert first.endswith("failed")
    assert rest
    assert all(line.startswith("    | ") for line in rest)


def test_long_messages_and_tracebacks_are_cut(logs: Logs) -> None:
    log.info("x" * 100_000)
    assert len(written(logs)) < LONGEST_MESSAGE + 200
    try:
        raise ValueError("\n".join(str(number) for number in range(1_000)))
    except ValueError:
        log.exception("failed")
    assert len(written(logs).splitlines()) < TRACEBACK_LINES + 10


def test_arguments_that_do_not_fit_cost_no_record() -> None:
    record = logging.makeLogRecord({"msg": "%d and %d", "args": ("one",)})
    assert "'%d and %d' (arguments do not fit: TypeError)" in Formatter().format(record)


def test_chatty_libraries_are_quiet(logs: Logs) -> None:
    for name in ("websocket", "urllib3.connectionpool"):
        logging.getLogger(name).info("noise")
        logging.getLogger(name).debug("noise")
    assert written(logs) == ""


if os.name == "posix":

    def test_only_the_owner_can_read_the_log(logs: Logs, tmp_path: Path) -> None:
        assert logs.path.stat().st_mode & 0o777 == 0o600
        handler = LogFile(tmp_path / "small.log", size=100, kept=2)
        for _ in range(10):
            handler.emit(logging.makeLogRecord({"msg": "x" * 50}))
        handler.close()
        modes = {path.stat().st_mode & 0o777 for path in tmp_path.glob("small.log*")}
        assert modes == {0o600}


def test_b25_files_rotate_and_old_ones_go(tmp_path: Path) -> None:
    handler = LogFile(tmp_path / "small.log", size=100, kept=2)
    for number in range(50):
        handler.emit(logging.makeLogRecord({"msg": f"{number:050}"}))
    handler.close()
    assert len(list(tmp_path.glob("small.log*"))) == 3
    assert handler.lost == 0


def test_l4_a_full_disk_loses_lines_and_says_so_afterwards(logs: Logs) -> None:
    (handler,) = (h for h in logging.getLogger().handlers if isinstance(h, LogFile))
    stream = handler.stream
    with open(os.devnull, encoding="utf-8") as unwritable:  # noqa: PTH123 - not a path of ours
        handler.stream = unwritable
        log.info("lost")
        log.info("lost")
        handler.stream = stream
    log.info("after")
    assert logs.lost == 2
    assert "2 log lines could not be written before this one" in written(logs)
    assert "after" in written(logs)
    log.info("more")
    assert written(logs).count("could not be written") == 1


if Path("/dev/full").exists():

    def test_l4_a_disk_that_stays_full_disturbs_nobody(tmp_path: Path) -> None:
        logs = Logs(tmp_path)
        logs.path.symlink_to("/dev/full")
        logs.start()
        for _ in range(3):
            log.warning("nobody will read this")
        assert logs.lost == 3
        logs.stop()


def test_a_log_that_cannot_be_renamed_goes_on_in_the_same_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = LogFile(tmp_path / "held.log", size=100, kept=2)

    def refuse(*_: object) -> None:
        raise PermissionError("held by another program")

    monkeypatch.setattr(handler, "rotate", refuse)
    for _ in range(10):
        handler.emit(logging.makeLogRecord({"msg": "x" * 50}))
    handler.close()
    assert handler.lost == 0
    assert len((tmp_path / "held.log").read_text(encoding="utf-8").splitlines()) == 10


def test_uncaught_exceptions_reach_the_log_and_one_line_the_user(
    logs: Logs, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        raise RuntimeError(CANARY)
    except RuntimeError as error:
        sys.excepthook(RuntimeError, error, error.__traceback__)
    assert "RuntimeError: ***" in written(logs)
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert str(logs.path) in told
    assert "canary" not in told


def test_uncaught_exceptions_of_threads_reach_the_log(logs: Logs) -> None:
    def fail() -> None:
        raise RuntimeError(CANARY)

    thread = threading.Thread(target=fail, name="worker-7")
    thread.start()
    thread.join()
    assert "uncaught exception in worker-7" in written(logs)
    assert "RuntimeError: ***" in written(logs)


def test_stopping_gives_the_hooks_back_and_closes_the_file(tmp_path: Path) -> None:
    before = (sys.excepthook, threading.excepthook, list(logging.getLogger().handlers))
    logs = Logs(tmp_path)
    logs.start()
    assert sys.excepthook is not before[0]
    logs.stop()
    logs.stop()
    assert (sys.excepthook, threading.excepthook, list(logging.getLogger().handlers)) == before


def test_a_log_that_cannot_be_opened_is_named_with_the_remedy(tmp_path: Path) -> None:
    logs = Logs(tmp_path)
    logs.path.mkdir()
    before = sys.excepthook
    with pytest.raises(ConfigurationError, match="make the file yours or remove it") as raised:
        logs.start()
    assert str(logs.path) in str(raised.value)
    assert sys.excepthook is before


@given(st.text(max_size=200))
def test_escaped_text_is_one_printable_line(text: str) -> None:
    assert all(c == " " or c.isprintable() for c in escape(text))


@given(st.text(st.characters(codec="utf-8"), min_size=4, max_size=40), st.text(), st.text())
def test_a_registered_secret_never_remains(secret: str, before: str, after: str) -> None:
    mine = Redactor()
    mine.register(secret)
    assert secret not in mine.redact(before + secret + after).replace("***", "\0")


def test_texts_too_short_to_be_secrets_stay_readable() -> None:
    redactor.register("a")
    redactor.register("")
    assert clean("a banana", 100) == "a banana"


def test_no_core_dump_is_written_after_a_crash() -> None:
    forbid_core_dumps()
    if sys.platform != "win32":
        import resource  # noqa: PLC0415 - does not exist on Windows

        assert resource.getrlimit(resource.RLIMIT_CORE)[0] == 0

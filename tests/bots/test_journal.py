"""The log file of each bot."""

from __future__ import annotations

import sys
from datetime import datetime, timezone
from pathlib import Path

import pytest

from bots.journal import FILE_SIZE, BotJournal, log_path
from common.domain.bots import BotLine
from common.engine.bot_items import BotFailed
from common.redaction import redactor
from tests.bots.terminal import bar, terminal, view, write_algo

AT = datetime(2026, 1, 5, 12, 0, 0, 7000, tzinfo=timezone.utc)


def test_a_failed_strategy_leaves_its_traceback_in_its_own_log(tmp_path: Path) -> None:
    body = """
def one(robot, **_):
    print("before")
    robot["NO SUCH"]

def two(robot, **_):
    print("all is well")
"""
    one, two = view("one"), view("two")
    with terminal(write_algo(tmp_path, body), logs=tmp_path / "logs") as desk:
        desk.load(one, two, history={"one": [bar(0, 1.0)], "two": [bar(0, 1.0)]})
        desk.bar(two)
        desk.call(one)
        desk.wait(BotFailed, "one")
    mine = log_path(tmp_path / "logs", "one").read_text(encoding="utf-8")
    other = log_path(tmp_path / "logs", "two").read_text(encoding="utf-8")
    assert "INFO  before" in mine
    assert "ERROR KeyError: 'NO SUCH' (algo/strategy.py:" in mine
    assert "    | " in mine and 'robot["NO SUCH"]' in mine
    assert "worker.py" not in mine
    assert "all is well" in other and "NO SUCH" not in other
    assert [line.error for emi, line in desk.said if emi == "one"].count(True) == 1


def test_s6_lines_are_redacted_and_cannot_forge_others(tmp_path: Path) -> None:
    redactor.register("hunter2-hunter2")
    journal = BotJournal(tmp_path)
    journal.start()
    journal.write("a", (BotLine(AT, "key hunter2-hunter2 \x1b[31m\nsecond", error=True),))
    journal.stop()
    text = log_path(tmp_path, "a").read_text(encoding="utf-8")
    assert text == "2026-01-05 12:00:00.007 ERROR key *** \\x1b[31m\n    | second\n"
    if sys.platform != "win32":
        assert log_path(tmp_path, "a").stat().st_mode & 0o077 == 0


def test_s2_names_of_bots_cannot_leave_the_folder_or_meet() -> None:
    folder = Path("logs")
    names = ["a", "../a", "a/b", "a.b", "CON:", "ü"]
    paths = [log_path(folder, name) for name in names]
    assert {path.parent for path in paths} == {folder}
    assert len(set(paths)) == len(names)


def test_a_full_file_is_kept_beside_a_new_one(tmp_path: Path) -> None:
    path = log_path(tmp_path, "a")
    path.write_text("x" * (FILE_SIZE + 1), encoding="utf-8")
    journal = BotJournal(tmp_path)
    journal.start()
    journal.write("a", (BotLine(AT, "new"),))
    journal.stop()
    assert path.read_text(encoding="utf-8").endswith("INFO  new\n")
    assert path.with_suffix(".log.1").stat().st_size == FILE_SIZE + 1


def test_a_folder_that_cannot_be_written_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "logs").write_text("a file", encoding="utf-8")
    journal = BotJournal(tmp_path / "logs")
    journal.start()
    for _ in range(3):
        journal.write("a", (BotLine(AT, "lost"),))
    journal.stop()
    assert caplog.text.count("the log of bot a cannot be written") == 1

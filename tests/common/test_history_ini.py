from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.domain.books import AccountKey
from common.domain.executions import Network
from common.history_ini import EVERYTHING, HistoryFile

NOW = datetime(2026, 11, 1, 12, tzinfo=timezone.utc)
DATE = datetime(2023, 12, 8, 12, 53, 36, tzinfo=timezone.utc)
KEY = AccountKey("Bitmex", Network.TEST, 42)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.ini"


@pytest.mark.parametrize(
    "text",
    [
        b"2023-12-08 12:53:36",
        b"2023-12-08 12:53:36\r\n",
        b"\xef\xbb\xbf2023-12-08 12:53:36\n",
        b"\n\n  2023-12-08 12:53:36  \n",
        b"# a note\n; another\n2023-12-08 12:53:36\n",
        b"2023-12-08T12:53:36.123Z\n",
        b'"2023-12-08 12:53:36"\n',
    ],
)
def test_a_date_of_the_user_is_taken(path: Path, text: bytes) -> None:
    path.write_bytes(text)
    result = HistoryFile(path).read(KEY, NOW)
    assert (result.at, result.by_user, result.warning) == (DATE, True, "")


def test_a_day_alone_means_its_beginning(path: Path) -> None:
    path.write_text("2023-12-08", encoding="utf-8")
    assert HistoryFile(path).read(KEY, NOW).at == DATE.replace(hour=0, minute=0, second=0)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"", "is empty"),
        (b" \r\n# only a note\n", "is empty"),
        (b"yesterday", "does not begin with a date like"),
        (b"2023-13-41 12:53:36", "does not begin with a date like"),
        (b"08.12.2023 12:53:36", "does not begin with a date like"),
        ("٢٠٢٣-12-08 12:53:36".encode(), "does not begin with a date like"),
        (b"\xff\xfe2\x000\x00", "cannot be read"),
        (b"\0" * 100_000, "does not begin with a date like"),
        (b"2032-12-08 12:53:36", "has a date in the future, 2032-12-08 12:53:36"),
        (b"9999-12-31 23:59:59", "has a date in the future"),
    ],
)
def test_l5_a_useless_file_gives_a_sentence_and_fetches_everything(
    path: Path, text: bytes, sentence: str
) -> None:
    path.write_bytes(text)
    result = HistoryFile(path).read(KEY, NOW)
    assert (result.at, result.by_user) == (EVERYTHING, False)
    assert f"{path} {sentence}" in result.warning


def test_a_profile_that_has_no_file_yet_fetches_everything_without_a_word(path: Path) -> None:
    result = HistoryFile(path).read(KEY, NOW)
    assert (result.at, result.by_user, result.warning) == (EVERYTHING, False, "")


def test_a_folder_of_that_name_is_no_reason_to_refuse(path: Path) -> None:
    path.mkdir()
    assert "cannot be read" in HistoryFile(path).read(KEY, NOW).warning
    assert "cannot be" in HistoryFile(path).write(DATE, KEY)


def test_a_date_before_every_exchange_means_everything(path: Path) -> None:
    path.write_text("0001-01-01 00:00:00", encoding="utf-8")
    result = HistoryFile(path).read(KEY, NOW)
    assert (result.at, result.by_user, result.warning) == (EVERYTHING, True, "")


def test_a_written_date_is_read_again_rounded_down(path: Path) -> None:
    file = HistoryFile(path)
    assert file.write(DATE + timedelta(milliseconds=999), KEY) == ""
    assert path.read_text(encoding="utf-8").splitlines()[0] == "2023-12-08 12:53:36"
    for reader in (file, HistoryFile(path)):
        result = reader.read(KEY, NOW)
        assert (result.at, result.by_user, result.warning) == (DATE, False, "")
        assert result.wished(DATE + timedelta(days=9)) == DATE  # a wish that was half fulfilled
        assert result.wished(None) is None  # books that are empty are filled from the beginning


def test_a_date_is_written_in_utc(path: Path) -> None:
    file = HistoryFile(path)
    file.write(DATE.astimezone(timezone(timedelta(hours=5))), KEY)
    assert HistoryFile(path).read(KEY, NOW).at == DATE


@pytest.mark.parametrize(
    "other",
    [
        AccountKey("Bitmex", Network.TEST, 43),
        AccountKey("Bitmex", Network.REAL, 42),
        AccountKey("Elsewhere", Network.TEST, 42),
    ],
)
def test_l27_a_date_written_for_another_account_is_ignored(path: Path, other: AccountKey) -> None:
    HistoryFile(path).write(DATE, other)
    result = HistoryFile(path).read(KEY, NOW)
    assert result.at == EVERYTHING
    assert result.wished(DATE) is None
    assert "was written for another account or network" in result.warning


def test_a_date_that_the_user_put_over_the_programs_own_counts_for_every_account(
    path: Path,
) -> None:
    HistoryFile(path).write(DATE, AccountKey("Bitmex", Network.REAL, 1))
    changed = path.read_text(encoding="utf-8").replace(
        "2023-12-08 12:53:36", "2020-01-01 00:00:00", 1
    )
    path.write_text(changed, encoding="utf-8")
    result = HistoryFile(path).read(KEY, NOW)
    assert result.at == datetime(2020, 1, 1, tzinfo=timezone.utc)
    assert result.by_user


def test_a_change_made_by_hand_while_the_program_runs_is_not_overwritten(path: Path) -> None:
    file = HistoryFile(path)
    file.write(DATE, KEY)
    path.write_text("2000-01-01 00:00:00\n", encoding="utf-8")
    assert "was changed by hand" in file.write(NOW, KEY)
    assert path.read_text(encoding="utf-8") == "2000-01-01 00:00:00\n"


def test_a_file_deleted_while_the_program_runs_is_written_anew(path: Path) -> None:
    file = HistoryFile(path)
    file.write(DATE, KEY)
    path.unlink()
    assert file.write(NOW, KEY) == ""
    assert HistoryFile(path).read(KEY, NOW).at == NOW


def test_l2_l28_a_crash_while_writing_leaves_the_old_file(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = HistoryFile(path)
    file.write(DATE, KEY)
    before = path.read_bytes()

    def crash(_number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", crash)
    assert "cannot be written (No space left on device)" in file.write(NOW, KEY)
    assert path.read_bytes() == before


@given(st.binary(max_size=200))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_l5_no_content_prevents_a_start(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    result = HistoryFile(path).read(KEY, NOW)
    assert EVERYTHING <= result.at <= NOW


if os.name == "posix":

    def test_only_its_owner_may_read_the_file(path: Path) -> None:
        HistoryFile(path).create(DATE)
        assert path.stat().st_mode & 0o777 == 0o600

"""`main.py --import FILE`, as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

from common.ledger.connecting import open_database
from common.settings_types import SqliteSettings
from tests.api.bitmex.test_files import FILL, FUNDING, LINEAR, as_csv
from tests.test_start import start


def test_a_file_is_imported_without_an_exchange_and_its_report_is_right(tmp_path: Path) -> None:
    file = tmp_path / "history.csv"
    file.write_text(
        as_csv(FILL, FUNDING, LINEAR, {**LINEAR, "execID": ""}), encoding="utf-8", newline=""
    )
    first = start(tmp_path / "profile", "--import", str(file))
    assert first.returncode == 1, first.stderr
    assert "line 7: refused: execution without an id: execID is missing" in first.stdout
    assert "history.csv: 4 rows: 3 booked, 0 known already, 0 without" in first.stdout
    file.write_text(json.dumps([FILL, FUNDING, LINEAR]), encoding="utf-8")
    again = start(tmp_path / "profile", "--import", str(file))
    assert again.returncode == 0, again.stderr
    assert again.stdout.endswith(
        "3 rows: 0 booked, 3 known already, 0 without contracts or money, 0 refused\n"
    )
    database = open_database(SqliteSettings(tmp_path / "profile" / "tmatic.db"))
    try:
        rows = database.query("SELECT EXECID, EMI, NETWORK, SUMREAL_I FROM coins ORDER BY EXECID")
    finally:
        database.close()
    assert rows == [
        ("e-1", "XBTUSD.inverse", "REAL", -393570),
        ("e-2", "XBTUSD.inverse", "REAL", 0),
        ("e-3", "XBTUSDT.linear", "REAL", -393570),
    ]


def test_rows_that_name_no_account_are_booked_to_the_one_on_the_command_line(
    tmp_path: Path,
) -> None:
    file = tmp_path / "history.json"
    file.write_text(json.dumps([{**FILL, "account": None}]), encoding="utf-8")
    refused = start(tmp_path / "profile", "--import", str(file))
    assert refused.returncode == 1
    assert "account is missing; --account says whose the rows are" in refused.stdout
    booked = start(tmp_path / "profile", "--import", str(file), "--account", "77")
    assert booked.returncode == 0, booked.stderr
    database = open_database(SqliteSettings(tmp_path / "profile" / "tmatic.db"))
    try:
        assert database.query("SELECT EXECID, ACCOUNT FROM coins") == [("e-1", 77)]
    finally:
        database.close()


def test_a_missing_file_is_a_sentence(tmp_path: Path) -> None:
    ended = start(tmp_path, "--import", str(tmp_path / "none.csv"))
    assert ended.returncode == 2
    assert "none.csv cannot be read" in ended.stderr
    assert "Traceback" not in ended.stderr

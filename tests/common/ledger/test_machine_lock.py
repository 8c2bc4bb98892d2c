"""Terminals of one computer on one account see each other, whatever their databases are."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from common.domain.executions import Network
from common.endpoints import netloc_of
from common.ledger.account_lock import take_lock
from common.ledger.lock_keeper import LockKeeper
from common.ledger.machine_lock import MachineLocks, state_folder
from common.settings_types import MysqlSettings, Secret, SqliteSettings
from tests.common.ledger.support import KEY
from tests.support.places import ROOT

PLACE = "www.example.org"


@pytest.fixture
def one(tmp_path: Path) -> SqliteSettings:
    return SqliteSettings(tmp_path / "one" / "tmatic.db")


@pytest.fixture
def two(tmp_path: Path) -> SqliteSettings:
    return SqliteSettings(tmp_path / "two" / "tmatic.db")


def keeper(folder: Path) -> LockKeeper:
    return LockKeeper(MachineLocks(folder / "locks"))


def test_the_second_database_waits_until_the_first_terminal_has_ended(
    tmp_path: Path, one: SqliteSettings, two: SqliteSettings
) -> None:
    first, second = keeper(tmp_path), keeper(tmp_path)
    assert first.take(one, KEY, PLACE) is not None
    assert second.take(two, KEY, PLACE) is None
    first.close()
    lock = second.take(two, KEY, PLACE)
    assert lock is not None
    assert lock.holds()
    second.close()


def test_an_address_with_its_usual_port_is_the_same_place(
    tmp_path: Path, one: SqliteSettings, two: SqliteSettings
) -> None:
    first, second = keeper(tmp_path), keeper(tmp_path)
    assert first.take(one, KEY, netloc_of(f"https://{PLACE}/api/v1/")) is not None
    assert second.take(two, KEY, netloc_of(f"https://{PLACE.upper()}:443/api/v1/")) is None
    assert second.take(two, KEY, netloc_of(f"https://{PLACE}:8443/api/v1/")) is not None
    first.close()
    second.close()


def test_a_folder_that_cannot_be_used_is_told_once(
    tmp_path: Path, one: SqliteSettings, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "locks").write_text("no folder", encoding="utf-8")
    only = keeper(tmp_path)
    lock = only.take(one, KEY, PLACE)
    assert lock is not None
    assert all(lock.holds() for _ in range(3))
    only.close()
    assert len([r for r in caplog.records if r.levelname == "WARNING"]) == 1


def test_other_accounts_networks_and_exchanges_do_not_concern_each_other(
    tmp_path: Path, one: SqliteSettings, two: SqliteSettings
) -> None:
    first, second = keeper(tmp_path), keeper(tmp_path)
    assert first.take(one, KEY, PLACE) is not None
    assert second.take(two, replace(KEY, account=5), PLACE) is not None
    assert second.take(two, replace(KEY, network=Network.REAL), PLACE) is not None
    assert second.take(two, KEY, "127.0.0.1:9") is not None
    assert second.take(two, KEY) is not None  # a demo
    first.close()
    second.close()


def test_of_terminals_with_one_database_its_own_lock_decides(
    tmp_path: Path, one: SqliteSettings, two: SqliteSettings
) -> None:
    first, second, third = keeper(tmp_path), keeper(tmp_path), keeper(tmp_path)
    frozen = first.take(one, KEY, PLACE)
    assert frozen is not None
    assert second.take(one, KEY, PLACE) is None
    for lock in first._locks.values():  # as a server does with a connection that says nothing
        lock.release()
    taken = second.take(one, KEY, PLACE)
    assert taken is not None
    assert taken.holds()
    assert third.take(two, KEY, PLACE) is None
    second.close()
    first.close()


def test_a_terminal_that_another_one_has_slipped_past_gives_way(
    tmp_path: Path, one: SqliteSettings, two: SqliteSettings
) -> None:
    first, second, third = keeper(tmp_path), keeper(tmp_path), keeper(tmp_path)
    assert first.take(one, KEY, PLACE) is not None
    for lock in first._locks.values():
        lock.release()
    heir = second.take(one, KEY, PLACE)
    first.close()
    assert heir is not None
    assert third.take(two, KEY, PLACE) is not None
    assert not heir.holds()
    third.close()
    assert heir.holds()
    assert third.take(two, KEY, PLACE) is None
    second.close()


def test_a_reload_with_another_database_keeps_the_account(
    tmp_path: Path, one: SqliteSettings, two: SqliteSettings
) -> None:
    first, second = keeper(tmp_path), keeper(tmp_path)
    assert first.take(one, KEY, PLACE) is not None
    assert first.take(two, KEY, PLACE) is not None
    assert second.take(one, KEY, PLACE) is None
    first.close()
    second.close()


HOLDER = """
import sys
from pathlib import Path
from common.ledger.machine_lock import MachineLocks
from common.settings_types import SqliteSettings
from tests.common.ledger.support import KEY
locks = MachineLocks(Path(sys.argv[1]))
print(locks.take(sys.argv[2], KEY, SqliteSettings(Path("other.db"))), flush=True)
sys.stdin.read()
"""


def test_the_lock_ends_with_its_process_however_that_ends(
    tmp_path: Path, two: SqliteSettings
) -> None:
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "locks"), PLACE]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "True\n"
        waiting = keeper(tmp_path)
        assert waiting.take(two, KEY, PLACE) is None
        holder.kill()
        holder.wait()
    assert waiting.take(two, KEY, PLACE) is not None
    waiting.close()


def test_where_no_file_can_be_locked_the_lock_of_the_database_still_stands(
    tmp_path: Path, one: SqliteSettings, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "locks").write_text("a file in its place", encoding="utf-8")
    first, second = keeper(tmp_path), keeper(tmp_path)
    assert first.take(one, KEY, PLACE) is not None
    assert "with another database is not seen" in caplog.text
    assert second.take(one, KEY, PLACE) is None
    assert take_lock(one, KEY) is None
    first.close()
    second.close()


def test_the_file_of_a_lock_tells_nothing_of_the_database(tmp_path: Path) -> None:
    settings = MysqlSettings("db.example.org", 3306, "keeper", Secret("hidden"), "books")
    locks = MachineLocks(tmp_path)
    assert locks.take("www.example.org:443", KEY, settings)
    locks.close()
    (file,) = tmp_path.iterdir()
    assert file.name == f"Market-DEMO-{KEY.account}-www.example.org_443.lock"
    told = file.read_text(encoding="utf-8")
    assert len(told) == 64
    assert not any(word in told for word in ("hidden", "keeper", "books", "db."))


if sys.platform not in ("win32", "darwin"):

    @pytest.mark.parametrize(
        ("given", "folder"),
        [("/state", "/state/tmatic"), ("relative", "/users/me/.local/state/tmatic")],
    )
    def test_the_folder_is_where_the_system_says(
        monkeypatch: pytest.MonkeyPatch, given: str, folder: str
    ) -> None:
        monkeypatch.setenv("HOME", "/users/me")
        monkeypatch.setenv("XDG_STATE_HOME", given)
        assert state_folder() == Path(folder)

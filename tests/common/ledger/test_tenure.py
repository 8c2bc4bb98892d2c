"""Two terminals on one account: one writes, the other reads; who was replaced writes nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from common.domain.books import AccountKey, Intent
from common.domain.executions import Network
from common.domain.orders import Side
from common.engine.items import Booked, IntentWritten, LedgerOpened, LedgerUp, WriterLost
from common.ledger import writer as writer_module
from common.ledger.account_lock import LONGEST_NAME, AccountLock, lock_name, take_lock
from common.ledger.database import DatabaseSettings
from common.ledger.lock_keeper import LockKeeper
from common.ledger.writer import LedgerWriter
from common.settings_types import MysqlSettings, Secret, SqliteSettings
from tests.common.ledger.conftest import mysql_settings
from tests.common.ledger.support import (
    CURRENCIES,
    KEY,
    XBTUSD,
    Bench,
    Recorder,
    coin_rows,
    positions,
    query,
    run,
    running,
    trade,
)
from tests.support.books import as_json
from tests.support.database import MariaDB
from tests.support.places import ROOT
from tests.support.waiting import wait_until

INTENT = Intent("1.a", "a", XBTUSD, Side.BUY, 100, Decimal(50_000), "POST")
OTHER = AccountKey(KEY.market, Network.REAL, KEY.account)
RAISE_EPOCH = "UPDATE writer_epoch SET EPOCH = EPOCH + 1"


class Losable:
    """Takes real locks, and lets go of them when the test says that the connection broke."""

    def __init__(self) -> None:
        self.locks: list[AccountLock] = []

    def __call__(self, settings: DatabaseSettings, key: AccountKey) -> AccountLock | None:
        lock = take_lock(settings, key)
        if lock is not None:
            self.locks.append(lock)
        return lock

    def break_off(self) -> None:
        for lock in self.locks:
            lock.release()


@contextmanager
def losable(settings: DatabaseSettings) -> Iterator[tuple[Bench, Losable]]:
    take, inbox = Losable(), Recorder()
    writer = LedgerWriter(settings, first_delay=0.05, take=take)
    writer.start(inbox)
    try:
        yield Bench(writer, inbox), take
    finally:
        writer.stop()


def test_the_second_sees_the_books_and_may_not_write(settings: DatabaseSettings) -> None:
    with running(settings) as one, running(settings) as two:
        assert not one.open().read_only
        one.book(trade(1, 100))
        seen = two.open()
        assert seen.read_only
        assert positions(seen) == {"XBTUSD.inverse": 100}
        one.book(trade(2, 50))
        assert positions(two.open()) == {"XBTUSD.inverse": 150}
        assert not one.open().read_only  # the holder may open again


def test_what_the_second_is_asked_to_write_is_refused(settings: DatabaseSettings) -> None:
    with running(settings) as one, running(settings) as two:
        one.open()
        two.open()
        two.writer.write_intent(KEY, INTENT)
        two.inbox.wait(WriterLost)
        told = two.book(trade(1, 100))
        assert told.entries == ()
        assert "shut" in told.problems[0]
    assert two.inbox.of(IntentWritten) == []
    assert coin_rows(settings) == []
    assert query(settings, "SELECT CLORDID FROM order_intents") == []


def test_accounts_and_networks_are_apart(settings: DatabaseSettings) -> None:
    with running(settings) as one, running(settings) as two:
        one.open()
        two.writer.open(OTHER, (XBTUSD,), CURRENCIES)
        assert not two.inbox.wait(LedgerOpened)[0].books.read_only


def test_the_second_takes_over_when_the_first_ends(settings: DatabaseSettings) -> None:
    with running(settings) as two:
        with running(settings) as one:
            one.open()
            one.writer.write_intent(KEY, INTENT)
            one.inbox.wait(IntentWritten)
            assert two.open().read_only
        taken = two.open()
        assert not taken.read_only
        assert [intent.cl_ord_id for intent in taken.open_intents] == ["1.a"]
        assert len(two.book(trade(1, 100)).entries) == 1


def test_l3_nothing_of_a_replaced_writer_becomes_durable(settings: DatabaseSettings) -> None:
    with running(settings) as ledger:
        ledger.open()
        ledger.book(trade(1, 100))
        run(settings, RAISE_EPOCH)
        ledger.writer.book(KEY, [trade(2, 100)], None)
        ledger.writer.write_intent(KEY, INTENT)
        ledger.inbox.wait(WriterLost)
        told = ledger.book(trade(3, 100))
        assert told.entries == ()
    assert [row[0] for row in coin_rows(settings)] == ["exec-000001"]
    assert query(settings, "SELECT CLORDID FROM order_intents") == []
    assert ledger.inbox.of(IntentWritten) == []


def test_a_lock_that_broke_is_taken_again_when_nobody_had_it(
    settings: DatabaseSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "IDLE_SECONDS", 0.05)
    with losable(settings) as (one, take), running(settings) as two:
        one.open()
        take.break_off()
        wait_until(lambda: len(take.locks) == 2, 30, "the lock to be taken again")
        assert len(one.book(trade(1, 100)).entries) == 1
        assert two.open().read_only
        assert one.inbox.of(WriterLost) == []


def test_a_lock_that_another_has_taken_is_noticed_without_work(
    settings: DatabaseSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "IDLE_SECONDS", 0.3)
    with losable(settings) as (one, take), running(settings) as two:
        one.open()
        take.break_off()
        taken = False
        while not taken and not one.inbox.of(WriterLost):
            taken = not two.open().read_only
            if not taken:
                take.break_off()
        assert taken
        assert one.inbox.wait(WriterLost)[0].key == KEY
        assert len(two.book(trade(1, 100)).entries) == 1
        assert one.open().read_only


def test_another_terminal_that_came_and_went_is_noticed(
    settings: DatabaseSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock is free again, but the orders and books have changed meanwhile: start anew."""
    monkeypatch.setattr(writer_module, "IDLE_SECONDS", 0.05)
    with losable(settings) as (one, take):
        one.open()
        run(settings, RAISE_EPOCH)
        take.break_off()
        one.inbox.wait(WriterLost)
        assert not one.open().read_only
        assert len(one.book(trade(1, 100)).entries) == 1


def test_a_database_that_was_away_leaves_the_account_with_its_writer(
    database_server: MariaDB,
) -> None:
    settings = mysql_settings(database_server, database_server.create_database())
    with running(settings) as ledger:
        ledger.open()
        ledger.book(trade(1, 100))
        database_server.kill()
        ledger.writer.book(KEY, [trade(2, 100)], None)
        database_server.start()
        ledger.inbox.wait(Booked, 2, seconds=60)
        assert ledger.inbox.of(WriterLost) == []
        with running(settings) as other:
            assert other.open().read_only
    assert len(coin_rows(settings)) == 2
    assert len(ledger.inbox.of(LedgerUp)) <= 1


def test_a_reload_does_not_hand_the_account_over(settings: DatabaseSettings) -> None:
    keeper = LockKeeper()
    with running(settings) as other:
        for session in (1, 2):
            writer, inbox = LedgerWriter(settings, take=keeper.take), Recorder()
            writer.start(inbox)
            bench = Bench(writer, inbox)
            assert not bench.open().read_only
            assert len(bench.book(trade(session, 100)).entries) == 1
            writer.stop()
            assert other.open().read_only  # between two sessions, too
        keeper.close()
        assert not other.open().read_only


def test_a_kept_lock_that_broke_is_taken_anew(settings: DatabaseSettings) -> None:
    keeper = LockKeeper()
    first = keeper.take(settings, KEY)
    assert first is not None
    assert first.holds()
    for lock in keeper._locks.values():
        lock.release()
    assert not first.holds()
    with running(settings) as other:
        assert not other.open().read_only
        assert keeper.take(settings, KEY) is None
    second = keeper.take(settings, KEY)
    assert second is not None
    assert second.holds()
    keeper.close()


def test_a_killed_writer_frees_the_account(settings: DatabaseSettings) -> None:
    command = [sys.executable, "-m", "tests.common.ledger.kill_victim"]
    first = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert first.stdin is not None
    assert first.stdout is not None
    with first, running(settings) as second:
        try:
            first.stdin.write(json.dumps(as_json(settings)) + "\n")
            first.stdin.close()
            assert first.stdout.readline() == "begun\n"
            assert second.open().read_only
            assert first.poll() is None
        finally:
            first.kill()
        first.wait()
        wait_until(lambda: not second.open().read_only, 30, "the account to be free")
        before = len(coin_rows(settings))
        assert len(second.book(trade(9999, 100)).entries) == 1
        assert len(coin_rows(settings)) == before + 1


if os.name == "posix":  # elsewhere links need rights that a test may not have

    def test_two_names_of_one_file_are_one_account(tmp_path: Path) -> None:
        (tmp_path / "one").mkdir()
        (tmp_path / "two").mkdir()
        first = SqliteSettings(tmp_path / "one" / "tmatic.db")
        second = SqliteSettings(tmp_path / "two" / "tmatic.db")
        with running(first) as one:
            one.open()
            second.path.symlink_to(first.path)
            with running(second) as two:
                assert two.open().read_only


def test_names_of_locks_fit_the_server_and_differ() -> None:
    settings = MysqlSettings("h", 1, "u", Secret("p"), "books")
    assert lock_name(settings, KEY) == "tmatic:books:Market:DEMO:1234567"
    long = replace(settings, database="d" * 64)
    names = {lock_name(long, key) for key in (KEY, OTHER, replace(KEY, account=2))}
    assert len(names) == 3
    assert all(len(name) <= LONGEST_NAME for name in names)

"""A database that is down, dies, or leaves a commit in doubt: nothing lost, nothing twice."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal

import pymysql
import pytest

from common.domain.books import Intent
from common.domain.orders import Side
from common.engine.items import (
    Booked,
    IntentWritten,
    LedgerDown,
    LedgerOpened,
    LedgerUp,
    NumbersReserved,
)
from common.errors import LedgerUnavailable
from common.ledger.connecting import open_database
from common.ledger.database import (
    Database,
    DatabaseSettings,
    DataRefused,
    DuplicateKey,
    LockConflict,
    Parameter,
    Value,
)
from common.ledger.mysql_database import _translated
from common.ledger.writer import LedgerWriter
from common.settings_types import SqliteSettings
from tests.common.ledger.conftest import mysql_settings
from tests.common.ledger.support import (
    CURRENCIES,
    KEY,
    MARKET,
    START,
    XBTUSD,
    Bench,
    Recorder,
    add_bots,
    coin_rows,
    funding,
    positions,
    query,
    running,
    trade,
)
from tests.support.database import MariaDB


class Shaky:
    """A database that fails where the test says: `plan` is asked before every step."""

    def __init__(self, real: Database, plan: Callable[[str, str], None]) -> None:
        self._real = real
        self._plan = plan
        self.dialect = real.dialect
        self.name = real.name

    def begin(self) -> None:
        self._plan("begin", "")
        self._real.begin()

    def execute(self, sql: str, parameters: Sequence[Parameter] = ()) -> int:
        self._plan("execute", sql)
        return self._real.execute(sql, parameters)

    def execute_many(self, sql: str, rows: Sequence[Sequence[Parameter]]) -> None:
        self._plan("execute_many", sql)
        self._real.execute_many(sql, rows)

    def query(self, sql: str, parameters: Sequence[Parameter] = ()) -> list[tuple[Value, ...]]:
        self._plan("query", sql)
        return self._real.query(sql, parameters)

    def commit(self) -> None:
        self._plan("commit", "")
        self._real.commit()
        self._plan("committed", "")

    def rollback(self) -> None:
        self._real.rollback()

    def table_exists(self, table: str) -> bool:
        return self._real.table_exists(table)

    def ping(self) -> None:
        self._plan("ping", "")
        self._real.ping()

    def close(self) -> None:
        self._real.close()


class Failures:
    """Raises an error the next `times` that a step is reached."""

    def __init__(self) -> None:
        self._armed: list[tuple[str, str, Exception]] = []
        self.raised = 0

    def arm(self, step: str, error: Exception, times: int = 1, sql: str = "") -> None:
        self._armed += [(step, sql, error)] * times

    def disarm(self) -> None:
        self._armed = []

    def __call__(self, step: str, sql: str) -> None:
        for number, (where, part, error) in enumerate(self._armed):
            if where == step and part in sql:
                del self._armed[number]
                self.raised += 1
                raise error


@contextmanager
def shaky(settings: DatabaseSettings, failures: Failures) -> Iterator[Bench]:
    writer = LedgerWriter(
        settings,
        connect=lambda s: Shaky(open_database(s), failures),
        first_delay=0.01,
    )
    inbox = Recorder()
    writer.start(inbox)
    try:
        yield Bench(writer, inbox)
    finally:
        writer.stop()


GONE = LedgerUnavailable("gone away")
STEPS = [
    ("begin", "", 3),
    ("query", "", 1),
    ("execute_many", "executions", 1),
    ("execute_many", "coins", 3),
    ("execute", "ledger_cursor", 1),
    ("commit", "", 1),
    ("commit", "", 3),
    ("committed", "", 1),
    ("committed", "", 3),
]


@pytest.mark.parametrize(("step", "sql", "times"), STEPS)
def test_a_break_at_any_step_loses_nothing_and_doubles_nothing(
    settings: DatabaseSettings, step: str, sql: str, times: int
) -> None:
    failures = Failures()
    add_bots(settings, "a", "b")
    with shaky(settings, failures) as ledger:
        ledger.open()
        ledger.book(trade(1, 300, cl_ord_id="1.a"), trade(2, -100, cl_ord_id="2.b"))
        failures.arm(step, GONE, times, sql)
        booked = ledger.book(
            trade(1, 300, cl_ord_id="1.a"), funding(3, 200, 41), trade(4, 5), cursor=START
        )
        assert failures.raised >= 1
        # Told exactly once: the rows of this job and not those of the one before.
        assert sorted(e.exec_id for e in booked.entries) == [
            *("exec-000003", "exec-000003", "exec-000004")
        ]
        books = ledger.open()
    assert positions(books) == {"a": 300, "b": -100, "XBTUSD.inverse": 5}
    assert books.cursor == START
    assert len(coin_rows(settings)) == 5
    assert len(ledger.inbox.of(Booked)) == 2


def test_l11_what_is_not_committed_leaves_neither_rows_nor_cursor(
    settings: DatabaseSettings,
) -> None:
    failures = Failures()
    with shaky(settings, failures) as ledger:
        ledger.open()
        failures.arm("commit", GONE, times=10_000)
        ledger.writer.book(KEY, [trade(1, 1)], START)
        ledger.inbox.wait(LedgerDown)
        for table in ("coins", "executions", "ledger_cursor"):
            assert query(settings, f"SELECT COUNT(*) FROM {table}") == [(0,)]
        assert ledger.inbox.of(Booked) == []
        failures.disarm()
        ledger.inbox.wait(Booked)
        assert ledger.open().cursor == START


def test_memory_goes_on_rightly_after_a_commit_in_doubt(settings: DatabaseSettings) -> None:
    failures = Failures()
    add_bots(settings, "a")
    with shaky(settings, failures) as ledger:
        ledger.open()
        failures.arm("committed", GONE)
        ledger.book(trade(1, 100, cl_ord_id="1.a"))
        booked = ledger.book(funding(2, 100, 40))  # split by the positions in memory
        assert {e.emi: e.commission for e in booked.entries} == {"a": 40}


@pytest.mark.parametrize("error", [LockConflict("deadlock"), DuplicateKey("another process")])
def test_a_lost_race_is_repeated_without_alarm(
    settings: DatabaseSettings, error: Exception
) -> None:
    failures = Failures()
    with shaky(settings, failures) as ledger:
        ledger.open()
        failures.arm("execute_many", error, times=4)
        assert len(ledger.book(trade(1, 1)).entries) == 1
    assert failures.raised == 4
    assert ledger.inbox.of(LedgerDown) == []


def test_a_row_that_only_the_database_refuses_is_found_among_the_others(
    settings: DatabaseSettings,
) -> None:
    failures = Failures()
    with shaky(settings, failures) as ledger:
        ledger.open()
        failures.arm("execute_many", DataRefused("out of range"), times=2, sql="coins")
        booked = ledger.book(trade(1, 1), trade(2, 1), trade(3, 1), cursor=START)
        assert [e.exec_id for e in booked.entries] == ["exec-000002", "exec-000003"]
        assert "out of range" in booked.problems[0]
        assert positions(ledger.open()) == {"XBTUSD.inverse": 2}
    assert query(settings, "SELECT EXECID FROM quarantine") == [("exec-000001",)]
    assert query(settings, "SELECT COUNT(*) FROM executions") == [(2,)]


def test_an_order_whose_intent_is_in_doubt_is_released_once(settings: DatabaseSettings) -> None:
    failures = Failures()
    intent = Intent("5.a", "a", XBTUSD, Side.BUY, 1, Decimal(1), "POST")
    with shaky(settings, failures) as ledger:
        ledger.open()
        failures.arm("committed", GONE)
        ledger.writer.write_intent(KEY, intent)
        ledger.inbox.wait(IntentWritten)
        ledger.open()
    assert len(ledger.inbox.of(IntentWritten)) == 1
    assert query(settings, "SELECT COUNT(*) FROM order_intents") == [(1,)]


def test_a_block_of_numbers_in_doubt_is_given_up_for_another(settings: DatabaseSettings) -> None:
    failures = Failures()
    with shaky(settings, failures) as ledger:
        ledger.open()
        ledger.writer.reserve_numbers(MARKET, 10)
        (first,) = ledger.inbox.wait(NumbersReserved)
        failures.arm("committed", GONE)
        ledger.writer.reserve_numbers(MARKET, 10)
        second = ledger.inbox.wait(NumbersReserved, 2)[1]
    assert second.first >= first.first + 10


def test_an_error_of_the_programs_own_is_told_logged_and_survived(
    sqlite: SqliteSettings, caplog: pytest.LogCaptureFixture
) -> None:
    failures = Failures()
    with shaky(sqlite, failures) as ledger:
        ledger.open()
        failures.arm("begin", ZeroDivisionError("a bug"), times=3)
        assert len(ledger.book(trade(1, 1)).entries) == 1
        ledger.inbox.wait(LedgerUp)
    (down,) = ledger.inbox.of(LedgerDown)
    assert "a bug" in down.reason
    assert any(record.exc_info for record in caplog.records if record.levelno >= logging.ERROR)


def test_b11_down_and_up_are_told_once_and_jobs_keep_their_order(sqlite: SqliteSettings) -> None:
    reachable = threading.Event()
    refused = threading.Semaphore(0)

    def connect(settings: DatabaseSettings) -> Database:
        if not reachable.is_set():
            refused.release()
            raise GONE
        return open_database(settings)

    writer, inbox = LedgerWriter(sqlite, connect=connect, first_delay=0.01), Recorder()
    writer.start(inbox)
    writer.open(KEY, (XBTUSD,), CURRENCIES)
    for number in range(20):
        writer.book(KEY, [trade(number, 1)], None)
    for _ in range(5):
        assert refused.acquire(timeout=20)
    assert [type(item) for item in inbox.items] == [LedgerDown]
    reachable.set()
    booked = inbox.wait(Booked, 20)
    inbox.wait(LedgerUp)
    writer.stop()
    assert [b.entries[0].exec_id for b in booked] == [f"exec-{n:06d}" for n in range(20)]
    assert [type(i) for i in inbox.items if not isinstance(i, Booked)] == [
        *(LedgerDown, LedgerOpened, LedgerUp)
    ]


def test_b11_a_connection_that_died_is_left_for_a_new_one(sqlite: SqliteSettings) -> None:
    dead: set[int] = set()
    made: list[Database] = []

    def connect(settings: DatabaseSettings) -> Database:
        number = len(made)

        def plan(_step: str, _sql: str) -> None:
            if number in dead:
                raise GONE

        made.append(Shaky(open_database(settings), plan))
        return made[-1]

    writer, inbox = LedgerWriter(sqlite, connect=connect, first_delay=0.01), Recorder()
    writer.start(inbox)
    try:
        ledger = Bench(writer, inbox)
        ledger.open()
        assert len(ledger.book(trade(1, 1)).entries) == 1
        dead.update(range(len(made)))
        assert len(ledger.book(trade(2, 1)).entries) == 1
    finally:
        writer.stop()
    assert len(made) == len(dead) + 1


def test_d5_a_full_disk_blocks_and_what_came_meanwhile_is_booked_once(
    sqlite: SqliteSettings,
) -> None:
    with running(sqlite) as ledger:
        ledger.open()
        ledger.book(trade(0, 1))
    room = threading.Event()

    def connect(settings: DatabaseSettings) -> Database:
        database = open_database(settings)
        if not room.is_set():  # the file may not grow by a page
            ((pages,),) = database.query("PRAGMA page_count")
            database.query(f"PRAGMA max_page_count = {pages}")
        return database

    writer, inbox = LedgerWriter(sqlite, connect=connect, first_delay=0.01), Recorder()
    writer.start(inbox)
    ledger = Bench(writer, inbox)
    ledger.open()
    writer.book(KEY, [trade(number, 1) for number in range(1, 900)], START)
    (down,) = inbox.wait(LedgerDown)
    assert "full" in down.reason
    room.set()
    assert len(inbox.wait(Booked)[-1].entries) == 899
    inbox.wait(LedgerUp)
    assert positions(ledger.open()) == {"XBTUSD.inverse": 900}
    writer.stop()
    assert query(sqlite, "SELECT COUNT(*), COUNT(DISTINCT EXECID) FROM coins") == [(900, 900)]


@pytest.mark.parametrize("code", [28, 1021, 1114])
def test_d5_a_server_without_room_is_no_fault_of_the_rows(code: int) -> None:
    """Rows that a full server refuses must not go to quarantine."""
    error = pymysql.err.OperationalError(code, "The table 'coins' is full")
    with pytest.raises(LedgerUnavailable, match="is full"), _translated("books"):
        raise error


def test_a_database_that_does_not_answer_is_told_while_it_is_waited_for(
    sqlite: SqliteSettings,
) -> None:
    thaw = threading.Event()
    frozen = threading.Event()

    def freeze(step: str, sql: str) -> None:
        if step == "commit" and frozen.is_set():
            assert thaw.wait(20)

    writer = LedgerWriter(
        sqlite, connect=lambda s: Shaky(open_database(s), freeze), slow_seconds=0.5
    )
    inbox = Recorder()
    writer.start(inbox)
    try:
        Bench(writer, inbox).open()  # a machine that is slow itself may have told of that, too
        before = len(inbox.of(LedgerDown))
        inbox.wait(LedgerUp, before)
        frozen.set()
        writer.book(KEY, [trade(1, 1)], START)
        down = inbox.wait(LedgerDown, before + 1)[-1]
        assert "has not answered" in down.reason
        assert not inbox.of(Booked)
        thaw.set()
        inbox.wait(Booked)
        inbox.wait(LedgerUp, before + 1)
    finally:
        thaw.set()
        writer.stop()
    assert len(inbox.of(LedgerDown)) == len(inbox.of(LedgerUp)) == before + 1


def test_an_idle_ledger_notices_that_the_database_is_gone(
    sqlite: SqliteSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("common.ledger.writer.IDLE_SECONDS", 0.02)
    failures = Failures()
    with shaky(sqlite, failures) as ledger:
        ledger.open()
        failures.arm("ping", GONE)
        failures.arm("begin", GONE, times=2)
        ledger.inbox.wait(LedgerDown)
        ledger.inbox.wait(LedgerUp)


def test_stop_ends_also_while_the_database_is_down(
    sqlite: SqliteSettings, caplog: pytest.LogCaptureFixture
) -> None:
    def connect(settings: DatabaseSettings) -> Database:
        raise GONE

    writer, inbox = LedgerWriter(sqlite, connect=connect, first_delay=0.01), Recorder()
    writer.start(inbox)
    writer.book(KEY, [trade(1, 1)], None)
    inbox.wait(LedgerDown)
    writer.stop()
    assert "1 jobs" in caplog.text


def test_an_unusable_schema_blocks_with_its_sentence(settings: DatabaseSettings) -> None:
    database = open_database(settings)
    database.begin()
    database.execute("CREATE TABLE coins (EXECID VARCHAR(45))")
    database.execute("INSERT INTO coins VALUES ('theirs')")
    database.commit()
    database.close()
    with shaky(settings, Failures()) as ledger:
        assert "`coins` with rows" in ledger.inbox.wait(LedgerDown)[0].reason


def test_a_killed_server_loses_no_execution_and_books_none_twice(
    database_server: MariaDB,
) -> None:
    settings = mysql_settings(database_server, database_server.create_database())
    add_bots(settings, "a", "b")
    stream = [
        trade(n, 10 if n % 3 else -10, cl_ord_id=f"{n}.{'ab'[n % 2]}")
        if n % 7
        else funding(n, 50, 1001)
        for n in range(1, 401)
    ]
    writer, inbox = LedgerWriter(settings, first_delay=0.05), Recorder()
    writer.start(inbox)
    ledger = Bench(writer, inbox)
    ledger.open()
    for round_number in range(2):
        part = stream[round_number * 200 : round_number * 200 + 200]
        for execution in part:
            writer.book(KEY, [execution], execution.at)
        inbox.wait(Booked, round_number * 200 + 20)
        database_server.kill()
        inbox.wait(LedgerDown, round_number + 1)
        database_server.start()
        inbox.wait(Booked, (round_number + 1) * 200, seconds=90)
    inbox.wait(LedgerUp, 2)
    books = ledger.open()
    writer.stop()
    told = [entry for booked in inbox.of(Booked) for entry in booked.entries]
    rows = [tuple(row) for row in coin_rows(settings)]
    assert [row[0] for row in sorted(rows)] == sorted(e.exec_id for e in told)
    assert sorted((e.exec_id, e.emi, e.quantity, e.sum_real, e.commission) for e in told) == (
        sorted(rows)
    )
    assert {row[0] for row in rows} == {e.exec_id for e in stream}
    assert sum(positions(books).values()) == sum(e.position_delta for e in told)
    fundings = [row for row in rows if row[0] == "exec-000007"]
    assert sum(int(str(row[4])) for row in fundings) == 1001

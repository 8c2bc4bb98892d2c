"""Executions of a file become rows of the books, each once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.domain.books import AccountKey
from common.domain.executions import Executed, ExecutionKind, Network
from common.domain.imports import UNKNOWN_TIME, FileRow, ImportResult, Place, in_time, oldest_first
from common.engine.items import Booked
from common.errors import ConfigurationError
from common.ledger import importing
from common.ledger.database import DatabaseSettings
from common.ledger.importing import import_executions
from common.ledger.store import Journaled, Store
from common.settings_types import SqliteSettings
from tests.common.ledger.support import (
    CURRENCIES,
    KEY,
    MARKET,
    START,
    add_bots,
    coin_rows,
    funding,
    query,
    run,
    running,
    trade,
)

SCALES = {"XBt": 8, "USDt": 6}
HISTORY = (
    trade(1, 300, cl_ord_id="1.a"),
    trade(2, -469, cl_ord_id="2.b"),
    funding(3, -169, -182),
    trade(4, 40),
)


def imported(
    settings: DatabaseSettings, executions: Sequence[Executed], *more: FileRow
) -> ImportResult:
    rows = [
        FileRow(Place(number), execution) for number, execution in enumerate(executions, start=2)
    ]
    return import_executions(
        settings,
        MARKET,
        Network.REAL,
        oldest_first([*rows, *more]),
        SCALES,
        lambda: START,
        lambda _result, _total: None,
    )


def test_a_file_is_booked_once_however_often_it_is_imported(settings: DatabaseSettings) -> None:
    add_bots(settings, "a", "b")
    first = imported(settings, HISTORY)
    rows = coin_rows(settings)
    again = imported(settings, HISTORY)
    assert (first.rows, first.booked, first.known) == (4, 4, 0)
    assert (again.rows, again.booked, again.known) == (4, 0, 4)
    assert coin_rows(settings) == rows
    assert [(r[1], r[4]) for r in rows if r[0] == "exec-000003"] == [("a", 323), ("b", -505)]
    assert query(settings, "SELECT DISTINCT NETWORK, ACCOUNT FROM coins") == [("REAL", KEY.account)]
    assert query(settings, "SELECT COUNT(*) FROM ledger_cursor") == [(0,)]


def test_the_order_of_a_file_does_not_matter(settings: DatabaseSettings) -> None:
    add_bots(settings, "a", "b")
    imported(settings, HISTORY[::-1])
    assert [(r[1], r[4]) for r in coin_rows(settings) if r[0] == "exec-000003"] == [
        ("a", 323),
        ("b", -505),
    ]


def test_what_the_terminal_booked_before_is_known(settings: DatabaseSettings) -> None:
    with running(settings) as ledger:
        real = AccountKey(MARKET, Network.REAL, KEY.account)
        ledger.writer.open(real, (), CURRENCIES)
        ledger.writer.book(real, HISTORY[:1], START)
        ledger.inbox.wait(Booked)
    result = imported(settings, [*HISTORY, HISTORY[3]])
    assert (result.booked, result.known) == (3, 2)


def test_refused_rows_are_told_with_their_lines_and_the_others_booked(
    settings: DatabaseSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "PAGE", 2)
    odd = replace(trade(9, 1), currency="DOGE", fee_currency="DOGE")
    strange = replace(trade(8, 1), kind=ExecutionKind.UNKNOWN, exec_type="Airdrop")
    report = replace(trade(7, 1), kind=ExecutionKind.REPORT)
    result = imported(
        settings, [HISTORY[0], odd, strange, report], FileRow(Place(9), None, "no execution at all")
    )
    assert (result.rows, result.booked, result.known, result.reports) == (5, 1, 0, 1)
    told = {place.line: reason for place, reason in result.refused}
    assert sorted(told) == [3, 4, 9]
    assert "decimal places of currency 'DOGE'" in told[3]
    assert "unknown type 'Airdrop'" in told[4]
    assert query(settings, "SELECT EXECID FROM quarantine") == [("exec-000009",)]


def test_a_file_of_new_executions_is_not_looked_up_in_the_journal(
    settings: DatabaseSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    lookup = Store.journaled

    def noted(store: Store, key: AccountKey, ids: Sequence[str]) -> dict[str, Journaled]:
        asked.append(len(ids))
        return lookup(store, key, ids)

    monkeypatch.setattr(Store, "journaled", noted)
    monkeypatch.setattr(importing, "PAGE", 2)
    fills = [trade(number, 1) for number in range(1, 7)]
    assert imported(settings, fills[:4]).booked == 4
    assert asked == []
    result = imported(settings, [fills[4], *fills[1:4], fills[5]])  # new ones among known ones
    assert (result.booked, result.known) == (2, 3)
    assert sum(asked) > 0
    assert sorted(str(row[0]) for row in coin_rows(settings)) == [fill.exec_id for fill in fills]


def test_rows_deleted_by_hand_come_back_with_a_file_that_begins_with_new_ones(
    settings: DatabaseSettings,
) -> None:
    fills = [trade(number, 100 * number) for number in range(1, 5)]
    imported(settings, fills[1:])
    before = coin_rows(settings)
    run(settings, "DELETE FROM coins WHERE EXECID = 'exec-000003'")
    result = imported(settings, fills)
    assert (result.booked, result.known) == (2, 2)
    assert sorted(map(str, coin_rows(settings))) == sorted(
        map(str, [*before, *(r for r in coin_rows(settings) if r[0] == "exec-000001")])
    )


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"exec_id": "e" * 65}, "EXECID .* is longer than 64"),
        ({"exec_id": "e\0"}, "EXECID .* not text"),
        ({"order_id": "o" * 65}, "ORDERID .* is longer than 64"),
        ({"cost": 2**63}, "beyond the range"),
        ({"fee": -(2**63)}, "beyond the range"),
        ({"leaves": 2**63}, "QTY_REST .* beyond the range"),
        ({"quantity": 2**63}, "QTY .* beyond the range"),
        ({"price": Decimal("1e-19")}, "PRICE .* more digits"),
        ({"price": Decimal("1e20")}, "PRICE .* more digits"),
        ({"trade_price": Decimal("Infinity")}, "not a number"),
    ],
)
def test_what_does_not_fit_is_refused_after_a_row_like_it(
    sqlite: SqliteSettings, change: dict[str, object], reason: str
) -> None:
    """The texts that both rows share are remembered as fitting; the rest is not."""
    good = trade(1, 100)
    odd = replace(trade(2, 100), **change)  # type: ignore[arg-type]
    result = imported(sqlite, [good, odd, trade(3, 100)])
    assert result.booked == 2
    ((place, told),) = result.refused
    assert (place.line, bool(re.search(reason, told))) == (3, True)
    assert [row[0] for row in coin_rows(sqlite)] == [good.exec_id, "exec-000003"]


@pytest.mark.parametrize("change", [{"cost": 2**63}, {"leaves": 2**63}])
def test_the_sign_of_an_account_hides_no_amount_beyond_the_range(
    sqlite: SqliteSettings, change: dict[str, int]
) -> None:
    good = replace(trade(1, 100), account=-5)
    odd = replace(trade(2, 100), account=-5, **change)  # type: ignore[arg-type]
    ((_, told),) = imported(sqlite, [good, odd]).refused
    assert "beyond the range of the column" in told


def test_the_books_of_a_running_terminal_are_left_alone(settings: DatabaseSettings) -> None:
    with running(settings) as ledger:
        ledger.open()
        other = [replace(e, account=KEY.account) for e in HISTORY]
        with pytest.raises(ConfigurationError, match="close it first"):
            import_executions(
                settings,
                MARKET,
                KEY.network,
                [FileRow(Place(1), other[0])],
                SCALES,
                lambda: START,
                lambda _result, _total: None,
            )
    assert coin_rows(settings) == []


class Pulled:
    """Rows that tell how many of them were asked for."""

    def __init__(self, rows: Sequence[FileRow]) -> None:
        self._rows = rows
        self.pulled = 0

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[FileRow]:
        for row in self._rows:
            self.pulled += 1
            yield row


def test_pages_are_booked_while_the_file_is_read(
    settings: DatabaseSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two accounts take turns; what each page holds is durable before the next row is asked for."""
    monkeypatch.setattr(importing, "PAGE", 2)
    fills = [replace(trade(number, 1), account=number % 2) for number in range(10)]
    rows = Pulled([FileRow(Place(number), fill) for number, fill in enumerate(fills)])
    told: list[tuple[int, int, int]] = []
    result = import_executions(
        settings,
        MARKET,
        Network.REAL,
        rows,
        SCALES,
        lambda: START,
        lambda result, total: told.append((rows.pulled, result.booked, total)),
    )
    assert told == [
        (0, 0, 10),
        *((3, 2, 10), (4, 4, 10), (7, 6, 10), (8, 8, 10)),
        *((10, 9, 10), (10, 10, 10)),
    ]
    assert (result.rows, result.booked) == (10, 10)
    assert len(coin_rows(settings)) == 10


def test_an_import_whose_books_another_terminal_takes_over_says_so(
    settings: DatabaseSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "PAGE", 1)

    def take_over(result: ImportResult, _total: int) -> None:
        if result.booked == 1:
            run(settings, "UPDATE writer_epoch SET EPOCH = EPOCH + 1")

    rows = [FileRow(Place(number), trade(number, 1)) for number in (1, 2, 3)]
    with pytest.raises(ConfigurationError, match="has begun to write the books of account"):
        import_executions(settings, MARKET, KEY.network, rows, SCALES, lambda: START, take_over)
    assert len(coin_rows(settings)) == 1


def test_rows_that_go_back_in_time_are_a_mistake_of_the_program(sqlite: SqliteSettings) -> None:
    rows = [FileRow(Place(number), trade(number, 1)) for number in (2, 1)]
    with pytest.raises(ValueError, match="older than the one before"):
        import_executions(
            sqlite, MARKET, KEY.network, rows, SCALES, lambda: START, lambda _r, _t: None
        )


@given(st.lists(st.none() | st.integers(0, 5), max_size=12))
def test_rows_are_put_in_order_by_their_times_alone(times: list[int | None]) -> None:
    known = [UNKNOWN_TIME if time is None else time for time in times]
    order = in_time(known)
    assert sorted(order) == list(range(len(times)))
    told = [times[number] for number in order if times[number] is not None]
    assert told == sorted(time for time in times if time is not None)

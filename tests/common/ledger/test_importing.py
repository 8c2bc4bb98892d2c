"""Executions of a file become rows of the books, each once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from common.domain.books import AccountKey
from common.domain.executions import Executed, ExecutionKind, Network
from common.domain.imports import FileRow, ImportResult
from common.engine.items import Booked
from common.errors import ConfigurationError
from common.ledger import importing
from common.ledger.database import DatabaseSettings
from common.ledger.importing import import_executions
from tests.common.ledger.support import (
    CURRENCIES,
    KEY,
    MARKET,
    START,
    add_bots,
    coin_rows,
    funding,
    query,
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
    rows = [FileRow(number, execution) for number, execution in enumerate(executions, start=2)]
    return import_executions(
        settings,
        MARKET,
        Network.REAL,
        [*rows, *more],
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
        settings, [HISTORY[0], odd, strange, report], FileRow(9, None, "no execution at all")
    )
    assert (result.rows, result.booked, result.known, result.reports) == (5, 1, 0, 1)
    told = dict(result.refused)
    assert sorted(told) == [3, 4, 9]
    assert "decimal places of currency 'DOGE'" in told[3]
    assert "unknown type 'Airdrop'" in told[4]
    assert query(settings, "SELECT EXECID FROM quarantine") == [("exec-000009",)]


def test_the_books_of_a_running_terminal_are_left_alone(settings: DatabaseSettings) -> None:
    with running(settings) as ledger:
        ledger.open()
        other = [replace(e, account=KEY.account) for e in HISTORY]
        with pytest.raises(ConfigurationError, match="close it first"):
            import_executions(
                settings,
                MARKET,
                KEY.network,
                [FileRow(1, other[0])],
                SCALES,
                lambda: START,
                lambda _result, _total: None,
            )
    assert coin_rows(settings) == []

"""Corrupted rows in a real database are found and named; sound ones are not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from common.domain.verification import Difference, Frame, Memory, Rule
from common.engine.items import LedgerRead
from common.ledger.database import DatabaseSettings
from common.ledger.verify import check
from tests.common.ledger.account import SCALES, Account
from tests.common.ledger.support import KEY, START, XBTUSD, Bench, add_bots, run, running


def session() -> Account:
    """Return an account whose executions the real ledger splits between bots."""
    account = Account()
    account.deposit("XBt", 10**8)
    account.trade("a", 300, -600_001, 45)
    account.trade("b", -469, 938_777, 70)
    account.trade("", 100, -200_020, 15)
    account.fund(-182)
    account.trade("a", -120, 250_000, 18)
    return account


def compare(bench: Bench, account: Account, since: datetime = START) -> Sequence[Difference]:
    """Read the tables anew and compare them; memory is what the ledger was opened with."""
    before = len(bench.inbox.of(LedgerRead))
    bench.writer.read(KEY, since, 7, every_row=True)
    answer = bench.inbox.wait(LedgerRead, before + 1)[-1]
    assert (answer.key, answer.token) == (KEY, 7)
    memory = Memory(account.memory().balances, account.memory().orders)
    return check(account.truth(), answer.books, memory, Frame(SCALES, {}))


@pytest.fixture
def account(settings: DatabaseSettings) -> Account:
    """Book a session; the settings are those of either database."""
    account = session()
    add_bots(settings, "a", "b")
    with running(settings) as bench:
        bench.open()
        bench.book(*account.executions)
        assert compare(bench, account) == ()
    return account


@pytest.mark.parametrize(
    ("change", "emi", "rules"),
    [
        (
            "UPDATE coins SET SUMREAL_I = SUMREAL_I + 1 WHERE EXECID = 'exec-000001'",
            "a",
            {Rule.FILL, Rule.RESULT, Rule.MEMORY},
        ),
        (
            "UPDATE coins SET COMMISS_I = COMMISS_I - 3 WHERE EMI = 'b' AND SIDE = -1",
            "b",
            {Rule.FILL, Rule.RESULT, Rule.MEMORY, Rule.FUNDING_SPLIT},
        ),
        (
            "UPDATE coins SET QTY = QTY + 1 WHERE EXECID = 'exec-000002'",
            "b",
            {Rule.FILL, Rule.POSITION, Rule.MEMORY},
        ),
        (
            "UPDATE coins SET COMMISS = '0.5' WHERE EXECID = 'exec-000005'",
            "a",
            {Rule.FILL},
        ),
        (
            "UPDATE coins SET EMI = 'b' WHERE EXECID = 'exec-000001'",
            "b",
            {Rule.FILL, Rule.MEMORY},
        ),
        (
            "DELETE FROM coins WHERE EMI = 'a' AND SIDE = -1",
            "a",
            {Rule.FILL, Rule.COMPLETE_ROWS, Rule.RESULT, Rule.MEMORY, Rule.FUNDING_SPLIT},
        ),
        (
            "UPDATE executions SET EXEC_COST = EXEC_COST + 1 WHERE EXECID = 'exec-000003'",
            "",
            {Rule.FILL},
        ),
    ],
)
def test_a_changed_row_is_named_by_symbol_currency_and_bot(
    settings: DatabaseSettings, account: Account, change: str, emi: str, rules: set[Rule]
) -> None:
    run(settings, change)
    with running(settings) as bench:
        bench.open()
        found = compare(bench, account)
        later = compare(bench, account, START + timedelta(hours=1))
    assert {each.rule for each in found} == rules
    named = [d for d in found if emi in d.emi.split(", ") and d.symbol == XBTUSD]
    assert named
    assert any(d.currency == "XBt" for d in named)
    # Sums are of all rows, whatever the span of the executions that are looked at.
    assert {d.rule for d in later} >= rules & {Rule.RESULT, Rule.POSITION, Rule.MEMORY}


def test_the_sums_that_are_kept_are_those_of_the_rows(
    settings: DatabaseSettings, account: Account
) -> None:
    with running(settings) as bench:
        bench.open()
        bench.writer.read(KEY, START, 1, every_row=True)
        bench.writer.read(KEY, START, 2, every_row=False)
        added, kept = (answer.books for answer in bench.inbox.wait(LedgerRead, 2))
    assert added.journal
    assert (added.journal, added.rows) == (kept.journal, kept.rows)
    by_name = {(b.emi, b.symbol): b for b in added.balances}
    assert by_name == {(b.emi, b.symbol): b for b in kept.balances}


def test_an_empty_ledger_can_be_read(settings: DatabaseSettings) -> None:
    with running(settings) as bench:
        bench.open()
        bench.writer.read(KEY, START, 1, every_row=False)
        books = bench.inbox.wait(LedgerRead)[0].books
    assert (list(books.journal), list(books.rows), books.first, books.executions) == (
        [],
        [],
        None,
        0,
    )
    assert list(books.balances) == []

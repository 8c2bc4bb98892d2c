"""Reports of random ledgers tie out: periods = rows of coins = the journal's own figures."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest

from common.domain.executions import Executed
from common.domain.reports import Period
from common.ledger.database import DatabaseSettings, to_int, to_text
from tests.common.ledger.support import (
    XBT_USDT,
    XBTUSD,
    XBTUSDT,
    add_bots,
    funding,
    query,
    run,
    running,
    settlement,
    trade,
)
from tests.common.ledger.test_reports import report

DAYS = 70
Key = tuple[str, ...]


def history(seed: int) -> list[Executed]:
    """Return trades of all kinds, funding and settlements over ten weeks."""
    chance = random.Random(seed)
    moments = sorted(chance.uniform(0, DAYS * 86_400) for _ in range(160))
    held, found = 0, []
    for number, at in enumerate(moments, start=1):
        what = chance.random()
        quantity = chance.choice((-1, 1)) * chance.randint(1, 10**6)
        money = chance.randint(-(10**12), 10**12), chance.randint(-(10**6), 10**6)
        name = f"{number}.{chance.choice(('a', 'b', 'stranger', ''))}"
        fill = trade(number, quantity, cl_ord_id=name, cost=money[0], fee=money[1], seconds=at)
        if what < 0.15 and held:
            found.append(funding(number, held, money[1], seconds=at))
        elif what < 0.2 and held:
            closing = settlement(number, held, *money)
            found.append(replace(closing, at=fill.at, written_at=fill.at))
            held = 0
        elif what < 0.4:
            fee = chance.choice(("USDt", "XBt"))
            spot = replace(fill, symbol=XBT_USDT, currency="USDt", fee_currency=fee)
            found.append(replace(spot, base_delta=quantity, base_currency="XBt"))
        elif what < 0.6:
            found.append(replace(fill, symbol=XBTUSDT, currency="USDt", fee_currency="USDt"))
        else:
            held += quantity
            found.append(fill)
    return found


def in_journal(settings: DatabaseSettings, bought: int) -> tuple[Counter[str], Counter[str]]:
    """Return by currency what was received and what was paid, by the exchange's integers."""
    received, paid = Counter[str](), Counter[str]()
    columns = "KIND, CURRENCY, EXEC_COST, FEE_CURRENCY, EXEC_COMM"
    rows = query(settings, f"SELECT {columns} FROM executions")
    for kind, currency, cost, fee_currency, fee in rows:
        if kind != "Funding":
            received[to_text(currency)] -= to_int(cost)
        paid[to_text(fee_currency)] += to_int(fee)
    received["XBt"] += bought
    return received, paid


@pytest.mark.parametrize("seed", [1, 2])
def test_reports_rows_and_journal_tell_the_same_to_the_last_unit(
    settings: DatabaseSettings, seed: int
) -> None:
    add_bots(settings, "a", "b")
    told = history(seed)
    with running(settings) as ledger:
        ledger.open()
        assert ledger.book(*told).problems == ()
    sums: dict[Key, Counter[str]] = {}
    rows = query(
        settings,
        "SELECT EMI, SYMBOL, CURRENCY, SUM(SUMREAL_I), SUM(CASE WHEN SIDE = -1 THEN 0 ELSE"
        " COMMISS_I END), SUM(CASE WHEN SIDE = -1 THEN COMMISS_I ELSE 0 END)"
        " FROM coins GROUP BY EMI, SYMBOL, CURRENCY",
    )
    for emi, symbol, currency, real, fee, paid in rows:
        figures = {"real": to_int(real), "fee": to_int(fee), "funding": to_int(paid)}
        sums[to_text(emi), to_text(symbol), to_text(currency)] = Counter(figures)
    received, fees = in_journal(settings, sum(e.base_delta for e in told))
    for period in Period:
        found = report(settings, period)
        by_bot: dict[Key, Counter[str]] = {key: Counter() for key in sums}
        for line in found.lines:
            mine = by_bot[line.emi, line.symbol.ticker, line.currency]
            mine["real"] += line.sums.sum_real
            mine["fee"] += line.sums.commission
            mine["funding"] += line.sums.funding
        assert by_bot == sums
        for total in found.totals:
            assert total.sums.sum_real == received[total.currency]
            assert total.sums.commission + total.sums.funding == fees[total.currency]
        assert {total.currency for total in found.totals} == {"XBt", "USDt"}


def test_one_unit_in_one_row_is_seen(sqlite: DatabaseSettings) -> None:
    with running(sqlite) as ledger:
        ledger.open()
        ledger.book(*history(3))
    run(sqlite, "UPDATE coins SET COMMISS_I = COMMISS_I + 1 WHERE ID = 20")
    _, fees = in_journal(sqlite, 0)
    found = {t.currency: t.sums for t in report(sqlite, Period.WEEK).totals}
    wrong = [c for c, s in found.items() if s.commission + s.funding != fees[c]]
    assert len(wrong) == 1
    assert XBTUSD in {line.symbol for line in report(sqlite, Period.WEEK).lines}

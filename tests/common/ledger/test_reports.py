"""Reports add up to the balances exactly, on both databases."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from common.domain.books import AccountKey, Books
from common.domain.executions import Network
from common.domain.reports import Line, Period, Report, Sums, make_report
from common.errors import ConfigurationError
from common.ledger.database import DatabaseSettings
from common.ledger.reports import (
    accounts,
    last_row,
    open_for_reading,
    read_entries,
    read_report,
)
from tests.common.ledger.support import (
    KEY,
    START,
    XBTUSD,
    XBTUSDT,
    add_bots,
    funding,
    run,
    running,
    trade,
)

DAY = 86_400
NOW = datetime(2026, 11, 23, tzinfo=timezone.utc)


def report(settings: DatabaseSettings, period: Period, key: AccountKey = KEY) -> Report:
    database = open_for_reading(settings)
    assert database is not None
    try:
        return read_report(database, key, period, NOW, last_row(database))
    finally:
        database.close()


def sums_of(found: Report) -> dict[tuple[str, object, str], Sums]:
    """Add the periods of each bot."""
    sums: dict[tuple[str, object, str], Sums] = defaultdict(Sums)
    for line in found.lines:
        sums[line.emi, line.symbol, line.currency] += line.sums
    return dict(sums)


def balances_of(books: Books) -> dict[tuple[str, object, str], tuple[int, ...]]:
    return {
        (b.emi, b.symbol, b.currency): (
            b.volume,
            b.position,
            b.sum_real,
            b.commission,
            b.funding,
        )
        for b in books.balances
    }


def fill_books(settings: DatabaseSettings) -> Books:
    """Book six weeks of trades and funding of three bots, one at each edge of a day."""
    add_bots(settings, "a", "b")
    with running(settings) as ledger:
        ledger.open()
        midnight = 12 * 3600.0  # START is noon
        number, held = 0, 0
        for day in range(42):
            for moment in (0.0, midnight - 1e-6, midnight):
                number += 1
                quantity = (-1) ** number * (100 + number)
                held += quantity
                emi = ("a", "b", "stranger")[number % 3]
                ledger.book(
                    trade(
                        number,
                        quantity,
                        cl_ord_id=f"{number}.{emi}",
                        cost=10**15 + number,
                        fee=number - 60,
                        seconds=day * DAY + moment,
                    )
                )
            number += 1
            ledger.book(funding(number, held, 1001 * number, seconds=day * DAY + midnight + 1))
        spot = trade(999, 5, symbol=XBTUSDT, currency="USDt", cost=77, fee=3, seconds=100)
        ledger.book(spot)
        return ledger.open()


def test_the_periods_of_every_bot_add_up_to_its_balance(settings: DatabaseSettings) -> None:
    books = fill_books(settings)
    for period in Period:
        found = report(settings, period)
        sums = sums_of(found)
        assert {
            where: (s.volume, s.change, s.sum_real, s.commission, s.funding)
            for where, s in sums.items()
        } == balances_of(books)
        assert sum(line.sums.trades for line in found.lines) == 42 * 3 + 1
        for total in found.totals:
            mine = [s for (_, _, currency), s in sums.items() if currency == total.currency]
            assert total.sums.net == sum(s.net for s in mine)
            assert total.sums.trades == sum(s.trades for s in mine)
        newest = {(b.emi, b.symbol): b.position for b in books.balances if b.currency == "XBt"}
        last: dict[tuple[str, object], int] = {}
        for line in found.lines:  # newest first
            last.setdefault((line.emi, line.symbol), line.position)
        assert {owner: last[owner] for owner in newest} == newest


def test_a_day_begins_at_midnight_utc(settings: DatabaseSettings) -> None:
    with running(settings) as ledger:
        ledger.open()
        before = trade(1, 100, seconds=12 * 3600 - 1e-6)
        after = trade(2, 100, seconds=12 * 3600)
        ledger.book(before, after)
    days = [
        (line.start.isoformat(), line.sums.volume) for line in report(settings, Period.DAY).lines
    ]
    assert days == [("2026-10-02", 100), ("2026-10-01", 100)]


def test_funding_is_apart_from_fees_and_counts_no_trade(settings: DatabaseSettings) -> None:
    with running(settings) as ledger:
        ledger.open()
        ledger.book(trade(1, 100, cost=-500, fee=7), funding(2, 100, -11))
    (line,) = report(settings, Period.MONTH).lines
    assert line.sums == Sums(1, 100, 100, 500, 7, -11)
    assert line.sums.net == 500 - 7 + 11
    assert (line.position, line.scale, line.currency) == (100, 8, "XBt")


def test_other_accounts_and_networks_do_not_mix(settings: DatabaseSettings) -> None:
    with running(settings) as ledger:
        ledger.open()
        ledger.book(trade(1, 100))
    database = open_for_reading(settings)
    assert database is not None
    assert accounts(database) == [KEY]
    database.close()
    assert (
        report(settings, Period.DAY, AccountKey(KEY.market, Network.REAL, KEY.account)).lines == ()
    )
    assert report(settings, Period.DAY, AccountKey(KEY.market, KEY.network, 1)).lines == ()


def test_a_reading_up_to_a_row_does_not_see_later_ones(settings: DatabaseSettings) -> None:
    with running(settings) as ledger:
        ledger.open()
        ledger.book(*(trade(n, 100) for n in range(3)))
        database = open_for_reading(settings)
        assert database is not None
        up_to = last_row(database)
        ledger.book(trade(3, 100))
        entries = [e.exec_id for e in read_entries(database, KEY, up_to)]
        lines = read_report(database, KEY, Period.DAY, NOW, up_to).lines
        later = [e.exec_id for e in read_entries(database, KEY, last_row(database))]
        database.close()
    assert entries == [f"exec-{n:06d}" for n in range(3)]
    assert [line.sums.trades for line in lines] == [3]
    assert len(later) == 4


def test_entries_come_whole_over_pages(
    settings: DatabaseSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("common.ledger.reports.PAGE", 2)
    paged = "common.ledger.reports.NEXT_ENTRIES"
    from common.ledger.reports import NEXT_ENTRIES  # noqa: PLC0415 -- read before it is replaced

    monkeypatch.setattr(paged, NEXT_ENTRIES.replace("LIMIT 5000", "LIMIT 2"))
    with running(settings) as ledger:
        ledger.open()
        ledger.book(*(trade(n, 100) for n in range(5)))
    database = open_for_reading(settings)
    assert database is not None
    assert len(list(read_entries(database, KEY, last_row(database)))) == 5
    assert len(list(read_entries(database, KEY, 4))) == 4
    database.close()


def test_without_books_there_is_nothing_to_read(settings: DatabaseSettings) -> None:
    assert open_for_reading(settings) is None


def test_tables_of_another_version_are_not_read(settings: DatabaseSettings) -> None:
    with running(settings) as ledger:
        ledger.open()
    run(settings, "UPDATE schema_version SET VERSION = VERSION + 1000")
    with pytest.raises(ConfigurationError, match="another version"):
        open_for_reading(settings)


lines = st.lists(
    st.builds(
        Line,
        start=st.dates(min_value=START.date(), max_value=START.date() + timedelta(days=500)),
        emi=st.sampled_from(("a", "b")),
        symbol=st.sampled_from((XBTUSD, XBTUSDT)),
        currency=st.sampled_from(("XBt", "USDt")),
        scale=st.just(8),
        sums=st.builds(Sums, *[st.integers(-(10**18), 10**18)] * 6),
    ),
    max_size=30,
    unique_by=lambda ln: (ln.start, ln.emi, ln.symbol, ln.currency),
)


@hypothesis_settings(deadline=None)
@given(lines, st.sampled_from(Period))
def test_no_period_loses_or_doubles_anything(days: list[Line], period: Period) -> None:
    found = make_report(KEY, period, NOW, days)
    whole, parts = Sums(), Sums()
    for line in days:
        whole += line.sums
    for line in found.lines:
        parts += line.sums
        assert period.start_of(line.start) == line.start
    assert parts == whole
    assert sum(total.sums.net for total in found.totals) == whole.net
    starts = [line.start for line in found.lines]
    assert starts == sorted(starts, reverse=True)


@pytest.mark.parametrize(
    ("day", "starts", "names"),
    [
        (
            "2026-12-31",
            ["2026-12-31", "2026-12-28", "2026-12-01"],
            ["2026-12-31", "2026-W53", "2026-12"],
        ),
        (
            "2027-01-03",
            ["2027-01-03", "2026-12-28", "2027-01-01"],
            ["2027-01-03", "2026-W53", "2027-01"],
        ),
        (
            "2027-01-04",
            ["2027-01-04", "2027-01-04", "2027-01-01"],
            ["2027-01-04", "2027-W01", "2027-01"],
        ),
    ],
)
def test_periods_begin_and_are_named_as_in_iso_8601(
    day: str, starts: list[str], names: list[str]
) -> None:
    date = datetime.fromisoformat(day).date()
    assert [period.start_of(date).isoformat() for period in Period] == starts
    assert [period.label(period.start_of(date)) for period in Period] == names

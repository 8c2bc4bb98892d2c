"""The tables of the window and the reports as CSV files.

Money is written in the currency itself with all its digits, times in UTC, quantities in contracts,
which is why their columns say so. A text that a spreadsheet would take for a formula gets an
apostrophe in front: texts of strangers (clOrdIDs of other programs) are among them.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path

from common.domain.books import SIDE_BUY, SIDE_FUNDING, AccountKey, Entry
from common.domain.reports import Report
from common.engine.snapshot import Snapshot
from common.ledger.rows import major_text
from common.ledger.table import Table

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
Cell = str | int | Decimal | datetime | Enum | None


@dataclass(frozen=True, slots=True)
class Sheet:
    """One file: its name without ending, the header, the rows (read while they are written)."""

    name: str
    header: Sequence[str]
    rows: Iterable[Sequence[Cell]]


def write_sheet(sheet: Sheet, path: Path) -> None:
    """Write a table as RFC 4180 describes it, in UTF-8. OSError when that is impossible."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(sheet.header)
        for row in sheet.rows:
            writer.writerow([_text(cell) for cell in row])


def window_sheets(snapshot: Snapshot) -> list[Sheet]:
    """Return the tables that show the state of a moment."""
    return [
        Sheet("positions", _POSITIONS, list(_positions(snapshot))),
        Sheet("orderbook", _BOOK, list(_books(snapshot))),
        Sheet("orders", _ORDERS, list(_orders(snapshot))),
        Sheet("account", _ACCOUNT, list(_accounts(snapshot))),
        Sheet("robots", _ROBOTS, list(_robots(snapshot))),
    ]


def trade_sheet(entries: Iterable[tuple[AccountKey, Entry]]) -> Sheet:
    """Return the rows of trades and settlements."""
    return Sheet("trades", _ENTRIES, _entries(entries, funding=False))


def funding_sheet(entries: Iterable[tuple[AccountKey, Entry]]) -> Sheet:
    """Return the rows of funding; QTY is that of the bot's position, PRICE the rate."""
    return Sheet("funding", _ENTRIES, _entries(entries, funding=True))


def result_sheet(name: str, reports: Iterable[Report]) -> Sheet:
    """Return the results by period, newest first."""
    return Sheet(name, RESULTS, _results(reports))


def table_sheet(table: Table, rows: Iterable[Sequence[Cell]]) -> Sheet:
    """Return a table of the books as it is."""
    return Sheet(f"table-{table.name}", [column.name for column in table.columns], rows)


_POSITIONS = (
    *("MARKET", "SYMBOL", "CATEGORY", "POS_CONTRACTS", "ENTRY", "PNL", "CURRENCY", "MCALL"),
    *("STATE", "VOL24h_CONTRACTS", "EXPIRY", "FUND"),
)
_BOOK = ("SYMBOL", "CATEGORY", "SIDE", "PRICE", "QTY_CONTRACTS", "OWN_CONTRACTS")
_ORDERS = (
    *("TIME", "SYMBOL", "CATEGORY", "EXCH", "SIDE", "PRICE", "STOP_PRICE", "QTY_CONTRACTS"),
    *("REST_CONTRACTS", "EMI", "STATE", "CLORDID"),
)
_ENTRIES = (
    *("TIME", "SYMBOL", "CATEGORY", "EXCH", "NETWORK", "ACCOUNT", "KIND", "SIDE", "PRICE"),
    *("TRADE_PRICE", "QTY_CONTRACTS", "EMI", "REFER", "CURRENCY", "SUMREAL", "COMMISS"),
    *("CLORDID", "EXECID"),
)
_ACCOUNT = (
    *("EXCH", "CURRENCY", "MARGINBAL", "AVAILABLE", "LEVERAGE", "RESULT", "COMMISS"),
    *("FUNDING", "CONTROL"),
)
_ROBOTS = (
    *("EXCH", "EMI", "SYMBOL", "CATEGORY", "CURRENCY", "TIMEFR", "CAPITAL", "STATUS"),
    *("VOL_CONTRACTS", "PNL", "POS_CONTRACTS", "PROBLEM"),
)
RESULTS = (
    *("EXCH", "NETWORK", "ACCOUNT", "PERIOD", "START", "EMI", "SYMBOL", "CATEGORY", "CURRENCY"),
    *("TRADES", "VOL_CONTRACTS", "SUMREAL", "COMMISS", "FUNDING", "NET", "POS_CONTRACTS"),
)


def _positions(snapshot: Snapshot) -> Iterator[Sequence[Cell]]:
    for row in snapshot.positions:
        money = _money(row.pnl, row.scale)
        yield (
            *(row.market, row.symbol.ticker, row.symbol.category, row.quantity, row.entry_price),
            *(money, row.currency, row.margin_call_price, row.state, row.volume24h, row.expiry),
            row.funding_rate,
        )


def _books(snapshot: Snapshot) -> Iterator[Sequence[Cell]]:
    for view in snapshot.books.values():
        where = (view.symbol.ticker, view.symbol.category)
        for price, quantity in reversed(view.book.asks):
            yield (*where, "Sell", price, quantity, view.own_asks.get(price, 0))
        for price, quantity in view.book.bids:
            yield (*where, "Buy", price, quantity, view.own_bids.get(price, 0))


def _orders(snapshot: Snapshot) -> Iterator[Sequence[Cell]]:
    for row in snapshot.orders:
        yield (
            *(row.at, row.symbol.ticker, row.symbol.category, row.market, row.side, row.price),
            *(row.stop_price, row.quantity, row.leaves, row.emi, row.phase, row.key),
        )


def _entries(
    entries: Iterable[tuple[AccountKey, Entry]], *, funding: bool
) -> Iterator[Sequence[Cell]]:
    for key, row in entries:
        if (row.side == SIDE_FUNDING) is not funding:
            continue
        side = "Fund" if funding else "Buy" if row.side == SIDE_BUY else "Sell"
        yield (
            *(row.at, row.symbol.ticker, row.symbol.category, key.market, key.network),
            *(key.account, row.kind, side, row.price, row.trade_price, row.quantity, row.emi),
            *(row.refer, row.currency, _money(row.sum_real, row.scale)),
            *(_money(row.commission, row.scale), row.number, row.exec_id),
        )


def _accounts(snapshot: Snapshot) -> Iterator[Sequence[Cell]]:
    for row in snapshot.accounts:
        parts = (row.result, row.commission, row.funding, row.control)
        yield (
            *(row.market, row.currency, _money(row.margin_balance, row.scale)),
            *(_money(row.available, row.scale), row.leverage),
            *(_money(part, row.scale) for part in parts),
        )


def _robots(snapshot: Snapshot) -> Iterator[Sequence[Cell]]:
    for row in snapshot.robots:
        yield (
            *(row.market, row.emi, row.symbol.ticker, row.symbol.category, row.currency),
            *(row.timeframe, row.capital, row.status, row.volume, _money(row.pnl, row.scale)),
            *(row.position, row.problem),
        )


def _results(reports: Iterable[Report]) -> Iterator[Sequence[Cell]]:
    for report in reports:
        key = report.key
        for line in report.lines:
            sums = line.sums
            parts = (sums.sum_real, sums.commission, sums.funding, sums.net)
            yield (
                *(key.market, key.network, key.account, report.period.label(line.start)),
                *(line.start.isoformat(), line.emi, line.symbol.ticker, line.symbol.category),
                *(line.currency, sums.trades, sums.volume),
                *(_money(part, line.scale) for part in parts),
                line.position,
            )


def _money(amount: int | None, scale: int) -> Decimal | None:
    return None if amount is None else Decimal(major_text(amount, scale))


def _text(cell: Cell) -> str | int:
    if cell is None:
        return ""
    if isinstance(cell, int):
        return cell
    if isinstance(cell, Decimal):
        return format(cell, "f")
    if isinstance(cell, datetime):
        return cell.replace(tzinfo=None).isoformat(" ")
    text = str(cell.value) if isinstance(cell, Enum) else cell
    return "'" + text if text.startswith(_FORMULA) else text

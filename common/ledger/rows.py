"""Domain values -> rows of the tables; refuses what a column cannot hold exactly.

The same limits are checked for both databases, so that a ledger can move between them and SQLite,
which takes texts of any length, refuses what MySQL refuses.

Rows come in hundreds of thousands when a file is imported. So what repeats from row to row (names
of bots, symbols, currencies) is looked at once and remembered, and what never does (ids, amounts)
is told good in a few operations; a row that this does not settle is looked at column by column.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from common.domain.books import AccountKey, Balance, Entry, Intent
from common.domain.executions import Executed, ExecutionKind, Network
from common.domain.instruments import Category
from common.ledger.booking import RowRefused
from common.ledger.database import (
    Parameter,
    decimal_text,
    time_text,
)
from common.ledger.schema import (
    CL_ORD_ID_SIZE,
    COINS,
    EXEC_ID_SIZE,
    EXECUTIONS,
)
from common.ledger.table import DECIMAL_DIGITS, DECIMAL_PLACES, Table
from common.ledger.texts import storable

BIGINT = 2**63 - 1
Row = tuple[Parameter, ...]
# The texts of enumerations: a look-up is much cheaper than `.value`, and rows come in millions.
_CATEGORIES = {member: member.value for member in Category}
_KINDS = {member: member.value for member in ExecutionKind}
_NETWORKS = {member: member.value for member in Network}
REMEMBERED = 10_000  # combinations of repeating texts


def insert(table: Table, columns: Sequence[str]) -> str:
    """Return the INSERT of these columns."""
    return _into("INSERT", table, columns)


def replace(table: Table, columns: Sequence[str]) -> str:
    """Return the REPLACE of these columns: inserts, or takes the place of the same key."""
    return _into("REPLACE", table, columns)


def _into(verb: str, table: Table, columns: Sequence[str]) -> str:
    marks = ", ".join("?" * len(columns))
    return f"{verb} INTO {table.name} ({', '.join(columns)}) VALUES ({marks})"


COIN_COLUMNS = tuple(c.name for c in COINS.columns if c.name not in ("ID", "DAT"))
EXECUTION_COLUMNS = tuple(c.name for c in EXECUTIONS.columns)


Looked = tuple[str | None, ...]  # texts of a row that repeat


class Check:
    """What to look at in the rows of a table before a database sees them."""

    def __init__(self, table: Table, columns: Sequence[str], ours: Sequence[str]) -> None:
        """ours: columns whose texts this program makes itself."""
        sizes = {column.name: column.size or BIGINT for column in table.columns}
        self._columns = [(n, c, sizes[c]) for n, c in enumerate(columns) if c not in ours]
        self._passed: set[Looked] = set()

    def passed(self, row: Row, repeating: Looked, bits: int, *ids: str) -> Row:
        """Return the row. RowRefused names the first column that cannot hold its value.

        `repeating` and `ids` are all its texts that were not made here; `bits` are the bits that
        its integers have, without signs.
        """
        if repeating not in self._passed or bits > BIGINT or not all(map(_plain_id, ids)):
            self._look_closely(row)
            if len(self._passed) >= REMEMBERED:
                self._passed.clear()
            self._passed.add(repeating)
        return row

    def _look_closely(self, row: Row) -> None:
        for number, column, size in self._columns:
            value = row[number]
            if type(value) is str:
                _check_text(column, value, size)
            elif type(value) is int and not -BIGINT <= value <= BIGINT:
                raise RowRefused(f"{column} {value} is beyond the range of the column")


def _plain_id(text: str) -> bool:
    """Return whether a text fits every column of ids for certain."""
    return len(text) <= EXEC_ID_SIZE and text.isascii() and "\0" not in text


_COIN_CHECK = Check(
    COINS,
    COIN_COLUMNS,
    (
        *("CATEGORY", "SIDE", "PRICE", "THEOR_PRICE", "TRADE_PRICE", "SUMREAL", "COMMISS"),
        *("TTIME", "NETWORK", "KIND", "SCALE"),
    ),
)
_EXECUTION_CHECK = Check(
    EXECUTIONS,
    EXECUTION_COLUMNS,
    ("NETWORK", "KIND", "CATEGORY", "CLORDID", "TTIME", "WRITTEN_AT", "ROW_COUNT", "RAW"),
)


def coin_row(key: AccountKey, entry: Entry, at: str | None = None) -> Row:
    """Return the values of COIN_COLUMNS. Raises RowRefused.

    `at`: the text of the entry's time, where it is known already.
    """
    if not 0 <= entry.scale <= DECIMAL_PLACES:
        raise RowRefused(f"{entry.currency} has {entry.scale} decimal places")
    price = None if entry.price is None else _price("PRICE", entry.price)
    theor_price = price  # usually the same
    if entry.theor_price is not entry.price:
        theor_price = (
            None if entry.theor_price is None else _price("THEOR_PRICE", entry.theor_price)
        )
    trade_price = None if entry.trade_price is None else _price("TRADE_PRICE", entry.trade_price)
    row = (
        entry.exec_id,
        entry.emi,
        entry.refer,
        key.market,
        entry.currency,
        entry.symbol.ticker,
        _CATEGORIES[entry.symbol.category],
        entry.side,
        entry.quantity,
        entry.rest,
        price,
        theor_price,
        trade_price,
        major_text(entry.sum_real, entry.scale),
        major_text(entry.commission, entry.scale),
        at or time_text(entry.at),
        entry.number,
        key.account,
        _NETWORKS[key.network],
        _KINDS[entry.kind],
        entry.sum_real,
        entry.commission,
        entry.scale,
    )
    repeating = (entry.emi, entry.refer, key.market, entry.currency, entry.symbol.ticker)
    bits = abs(entry.sum_real) | abs(entry.commission) | abs(entry.quantity) | abs(entry.rest)
    bits |= abs(key.account)  # of a negative one every higher bit would be set
    return _COIN_CHECK.passed(row, repeating, bits | entry.number, entry.exec_id)


def execution_row(key: AccountKey, execution: Executed, row_count: int, at: str) -> Row:
    """Return the values of EXECUTION_COLUMNS; `at`: its time as text. Raises RowRefused."""
    row = (
        key.market,
        _NETWORKS[key.network],
        key.account,
        execution.exec_id,
        _KINDS[execution.kind],
        execution.exec_type,
        execution.symbol.ticker,
        _CATEGORIES[execution.symbol.category],
        storable(execution.cl_ord_id, CL_ORD_ID_SIZE),
        execution.order_id,
        at,
        at if execution.written_at is execution.at else time_text(execution.written_at),
        execution.currency,
        execution.cost,
        execution.fee_currency,
        execution.fee,
        row_count,
        storable(execution.raw),
    )
    if not execution.exec_id:
        raise RowRefused(f"{execution.exec_type} of {execution.symbol} has no execution id")
    if execution.exec_id != execution.exec_id.strip():
        # Databases that pad with blanks would take it for another one.
        raise RowRefused(f"the execution id {execution.exec_id!r} begins or ends with a blank")
    repeating = (
        *(key.market, execution.exec_type, execution.symbol.ticker),
        *(execution.currency, execution.fee_currency),
    )
    bits = abs(execution.cost) | abs(execution.fee) | abs(key.account)
    return _EXECUTION_CHECK.passed(row, repeating, bits, execution.exec_id, execution.order_id)


def intent_row(key: AccountKey, intent: Intent, state: str, created: str) -> Row:
    """Return the values of INTENT_COLUMNS."""
    return (
        key.market,
        key.network.value,
        key.account,
        intent.cl_ord_id,
        intent.verb,
        intent.emi,
        intent.symbol.ticker,
        intent.symbol.category.value,
        intent.side.value,
        intent.quantity,
        decimal_text(intent.price),
        intent.order_id,
        state,
        created,
    )


INTENT_COLUMNS = (
    *("MARKET", "NETWORK", "ACCOUNT", "CLORDID", "VERB", "EMI", "SYMBOL", "CATEGORY"),
    *("SIDE", "QTY", "PRICE", "ORDERID", "STATE", "CREATED"),
)


def kept_row(key: AccountKey, balance: Balance, last_trade: str | None) -> Row:
    """Return the values of a row of `kept_sums`."""
    return (
        key.market,
        key.network.value,
        key.account,
        balance.emi,
        balance.symbol.ticker,
        balance.symbol.category.value,
        balance.currency,
        balance.position,
        balance.sum_real,
        balance.commission,
        balance.funding,
        balance.volume,
        last_trade,
    )


def major_text(amount: int, scale: int) -> str:
    """Return an amount of smallest units as decimal text of the currency itself, exactly."""
    digits = str(abs(amount)).rjust(scale + 1, "0")
    text = f"{digits[:-scale]}.{digits[-scale:]}" if scale else digits
    return f"-{text}" if amount < 0 else text


def _price(column: str, price: Decimal) -> str:
    short = str(price)
    if len(short) <= DECIMAL_PLACES and short.replace(".", "", 1).isdigit():
        return short  # nearly always: positive, without an exponent, and it fits
    if not price.is_finite():
        raise RowRefused(f"{column} {price} is not a number")
    text = format(price, "f")
    whole, _, places = text.lstrip("-").partition(".")
    if len(places.rstrip("0")) > DECIMAL_PLACES or len(whole) > DECIMAL_DIGITS - DECIMAL_PLACES:
        raise RowRefused(f"{column} {text} has more digits than the column holds")
    return text


def _check_text(column: str, text: str, size: int) -> None:
    if len(text) > size:
        raise RowRefused(f"{column} {storable(text, 80)!r} is longer than {size} characters")
    if text != storable(text):
        raise RowRefused(f"{column} {storable(text, 80)!r} has characters that are not text")

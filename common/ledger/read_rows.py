"""Rows of the tables -> domain values: what to select, and how it is read."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from common.domain.books import SIDE_BUY, SIDE_FUNDING, Balance, Entry, Intent
from common.domain.executions import ExecutionKind
from common.domain.instruments import Category, Symbol
from common.domain.orders import Side
from common.ledger.database import Value, to_decimal, to_int, to_text, to_time

READ_INTENT = "CLORDID, EMI, SYMBOL, CATEGORY, SIDE, QTY, PRICE, VERB, ORDERID, CREATED"
READ_ENTRY = (
    "EXECID, KIND, EMI, REFER, SYMBOL, CATEGORY, CURRENCY, SIDE, QTY, QTY_REST, PRICE,"
    " THEOR_PRICE, TRADE_PRICE, SUMREAL_I, COMMISS_I, SCALE, TTIME, CLORDID"
)
SIGNED_QTY = "CASE SIDE WHEN 0 THEN QTY WHEN 1 THEN -QTY ELSE 0 END"  # what a row adds to POS
READ_BALANCE = (
    f"EMI, SYMBOL, CATEGORY, CURRENCY, SUM({SIGNED_QTY}),"
    " SUM(CASE WHEN SIDE = -1 THEN 0 ELSE SUMREAL_I END),"
    " SUM(CASE WHEN SIDE = -1 THEN 0 ELSE COMMISS_I END),"
    " SUM(CASE WHEN SIDE = -1 THEN COMMISS_I ELSE 0 END),"
    " SUM(CASE WHEN SIDE = -1 THEN 0 ELSE QTY END)"
)


def to_entry(row: Sequence[Value]) -> Entry:
    """Return the entry of a row of READ_ENTRY."""
    side, quantity = to_int(row[7]), to_int(row[8])
    delta = 0 if side == SIDE_FUNDING else quantity if side == SIDE_BUY else -quantity
    return Entry(
        exec_id=to_text(row[0]),
        kind=ExecutionKind(to_text(row[1])),
        emi=to_text(row[2]),
        refer=None if row[3] is None else to_text(row[3]),
        symbol=_symbol(row[4], row[5]),
        currency=to_text(row[6]),
        side=side,
        quantity=quantity,
        rest=to_int(row[9]),
        price=to_decimal(row[10]),
        theor_price=to_decimal(row[11]),
        trade_price=to_decimal(row[12]),
        sum_real=to_int(row[13]),
        commission=to_int(row[14]),
        scale=to_int(row[15]),
        at=to_time(row[16]),
        number=to_int(row[17]),
        position_delta=delta,
    )


def to_balance(row: Sequence[Value]) -> Balance:
    """Return the balance of a row of READ_BALANCE."""
    return Balance(
        emi=to_text(row[0]),
        symbol=_symbol(row[1], row[2]),
        currency=to_text(row[3]),
        position=to_int(row[4]),
        sum_real=to_int(row[5]),
        commission=to_int(row[6]),
        funding=to_int(row[7]),
        volume=to_int(row[8]),
    )


def to_kept_balance(row: Sequence[Value]) -> Balance:
    """Return the balance of a row of `kept_sums`, whose columns are those of `kept_row`."""
    position, sum_real, commission, funding, volume = (to_int(value) for value in row[4:9])
    return Balance(
        emi=to_text(row[0]),
        symbol=_symbol(row[1], row[2]),
        currency=to_text(row[3]),
        position=position,
        sum_real=sum_real,
        commission=commission,
        funding=funding,
        volume=volume,
    )


def to_intent(row: Sequence[Value]) -> Intent:
    """Return the intent of a row of READ_INTENT."""
    return Intent(
        cl_ord_id=to_text(row[0]),
        emi=to_text(row[1]),
        symbol=_symbol(row[2], row[3]),
        side=Side(to_text(row[4])),
        quantity=to_int(row[5]),
        price=to_decimal(row[6]) or Decimal(0),
        verb=to_text(row[7]),
        order_id=to_text(row[8]),
        written=to_time(row[9]),
    )


def _symbol(ticker: Value, category: Value) -> Symbol:
    return Symbol(to_text(ticker), Category(to_text(category)))

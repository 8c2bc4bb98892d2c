"""What one execution writes into the books: its entries, computed from the exchange's figures.

Pure: no database, no clock. Money is copied (SUMREAL = -execution.cost, COMMISS = execution.fee)
and, where one execution concerns several bots, split by `allocate`; never computed from prices.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from common.domain.books import SIDE_BUY, SIDE_FUNDING, SIDE_SELL, Entry
from common.domain.executions import Executed, ExecutionKind
from common.domain.instruments import Symbol
from common.domain.orders import OrderNumber, Side, parse_cl_ord_id
from common.domain.robots import reserved_emi
from common.errors import TmaticError
from common.ledger.allocation import allocate
from common.ledger.texts import storable

log = logging.getLogger(__name__)

REFER_SIZE = 64  # characters of the column REFER; the whole clOrdID stands in the journal


class RowRefused(TmaticError):
    """An execution cannot be written as rows; it goes to the quarantine and a person must look."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What must be known just before an execution to book it."""

    claims: Mapping[str, Symbol]  # EMI in the table `robots` -> its symbol
    positions: Mapping[str, int]  # EMI -> contracts, of the execution's symbol only
    scales: Mapping[str, int]  # currency -> decimal places of its smallest unit
    asked: Decimal | None = None  # price the order was first placed with, where we placed it


def owner(order: OrderNumber, symbol: Symbol, standing: Standing) -> str:
    """Return the EMI that a fill of this order belongs to.

    That is the order's own EMI when `robots` has it for this very symbol, or when it holds a
    position in the symbol (a bot whose row was removed is closed by hand under its own name);
    in every other case the RESERVED EMI of the symbol.
    """
    emi = order.emi
    if emi is not None and (standing.claims.get(emi) == symbol or standing.positions.get(emi)):
        return emi
    return reserved_emi(symbol)


def book(execution: Executed, standing: Standing) -> tuple[Entry, ...]:
    """Return the entries of an execution: none for what moves neither contracts nor money.

    Raises RowRefused when a figure that the books need is missing.
    """
    if execution.kind is ExecutionKind.UNREADABLE:
        raise RowRefused(f"its row cannot be read: {execution.text}")
    if execution.kind is ExecutionKind.TRADE:
        return _book_trade(execution, standing)
    if execution.kind is ExecutionKind.FUNDING:
        return _book_funding(execution, standing)
    if execution.kind is ExecutionKind.SETTLEMENT:
        return _book_settlement(execution, standing)
    if execution.kind is ExecutionKind.TRANSFER:
        return _book_transfer(execution, standing)
    return ()


def _book_trade(execution: Executed, standing: Standing) -> tuple[Entry, ...]:
    side = _side(execution)
    order = parse_cl_ord_id(execution.cl_ord_id)
    own_fee = not execution.fee or execution.fee_currency in ("", execution.currency)
    entry = Entry(
        exec_id=execution.exec_id,
        kind=execution.kind,
        emi=owner(order, execution.symbol, standing),
        refer=_refer(order),
        symbol=execution.symbol,
        currency=execution.currency,
        side=_side_column(side.sign),
        quantity=execution.quantity,
        rest=execution.leaves,
        price=execution.price,
        theor_price=execution.price if standing.asked is None else standing.asked,
        trade_price=execution.trade_price,
        sum_real=-execution.cost,
        commission=execution.fee if own_fee else 0,
        scale=_scale(execution, execution.currency, standing),
        at=execution.at,
        number=order.number,
        position_delta=side.sign * execution.quantity,
    )
    return (
        entry,
        *(
            replace(
                entry,
                currency=currency,
                quantity=0,  # the contracts stand in the trade's own row
                position_delta=0,
                sum_real=received,
                commission=fee,
                scale=_scale(execution, currency, standing),
            )
            for currency, (received, fee) in _other_currencies(execution).items()
        ),
    )


def _other_currencies(execution: Executed) -> dict[str, tuple[int, int]]:
    """Return currency -> (received, fee) of what a trade moves beside the currency of its cost.

    Of a spot pair that is the currency which changes hands, and a fee may be in any currency.
    """
    moved: dict[str, tuple[int, int]] = {}
    if execution.base_currency and execution.base_delta:
        moved[execution.base_currency] = (execution.base_delta, 0)
    currency = execution.fee_currency
    if execution.fee and currency not in ("", execution.currency):
        received, _ = moved.get(currency, (0, 0))
        moved[currency] = (received, execution.fee)
    return moved


def _book_funding(execution: Executed, standing: Standing) -> tuple[Entry, ...]:
    position = _funded_position(execution, standing)
    weights = _weights(execution, position, standing)
    currency = execution.fee_currency or execution.currency  # only the fee moves
    fees = _shares(execution.fee, weights, execution)
    return tuple(
        _share(
            execution,
            standing,
            emi=emi,
            side=SIDE_FUNDING,
            weight=weights[emi],
            price=execution.rate,
            fee=fees[emi],
            currency=currency,
        )
        for emi in sorted(fees)
    )


def _book_settlement(execution: Executed, standing: Standing) -> tuple[Entry, ...]:
    if execution.fee and execution.fee_currency not in ("", execution.currency):
        raise RowRefused(
            f"settlement {execution.exec_id} is in {execution.currency}, its fee in "
            f"{execution.fee_currency}"
        )
    closing = _side(execution)  # Sell closes a long position
    weights = _weights(execution, -closing.sign * execution.quantity, standing)
    costs = _shares(execution.cost, weights, execution)
    fees = _shares(execution.fee, weights, execution)
    return tuple(
        _share(
            execution,
            standing,
            emi=emi,
            side=_side_column(-weights[emi] or closing.sign),
            weight=weights[emi],
            price=execution.price,
            fee=fees[emi],
            currency=execution.currency,
            sum_real=-costs[emi],
            position_delta=-weights[emi],
        )
        for emi in sorted(costs)
    )


def _book_transfer(execution: Executed, standing: Standing) -> tuple[Entry, ...]:
    """Close bots against each other; nothing where they do not offset each other to 0.

    The exchange tells no figure of it. What the long ones receive is valued as one closing, and
    the short ones pay just that, so that all shares sum to 0.
    """
    held = {emi: position for emi, position in standing.positions.items() if position}
    if sum(held.values()) or execution.closing is None:
        return ()
    long = {emi: position for emi, position in held.items() if position > 0}
    short = {emi: position for emi, position in held.items() if position < 0}
    value = execution.closing(sum(long.values()))
    shares = (allocate(value, long) | allocate(-value, short)) if held else {}
    return tuple(
        _share(
            execution,
            standing,
            emi=emi,
            side=_side_column(-held[emi]),
            weight=held[emi],
            price=execution.price,
            fee=0,
            currency=execution.currency,
            sum_real=shares[emi],
            position_delta=-held[emi],
        )
        for emi in sorted(shares)
    )


def _share(
    execution: Executed,
    standing: Standing,
    *,
    emi: str,
    side: int,
    weight: int,
    price: Decimal | None,
    fee: int,
    currency: str,
    sum_real: int = 0,
    position_delta: int = 0,
) -> Entry:
    order = parse_cl_ord_id(execution.cl_ord_id)
    return Entry(
        exec_id=execution.exec_id,
        kind=execution.kind,
        emi=emi,
        refer=_refer(order),
        symbol=execution.symbol,
        currency=currency,
        side=side,
        quantity=abs(weight),
        rest=execution.leaves,
        price=price,
        theor_price=None,
        trade_price=execution.trade_price,
        sum_real=sum_real,
        commission=fee,
        scale=_scale(execution, currency, standing),
        at=execution.at,
        number=order.number,
        position_delta=position_delta,
    )


def _weights(execution: Executed, position: int, standing: Standing) -> dict[str, int]:
    """Return EMI -> contracts: bots by their positions, RESERVED with the rest of `position`."""
    reserved = reserved_emi(execution.symbol)
    weights = {emi: held for emi, held in standing.positions.items() if held and emi != reserved}
    weights[reserved] = position - sum(weights.values())
    if weights[reserved] != standing.positions.get(reserved, 0):
        log.warning(
            "%s %s: the exchange reckons with %d contracts, the books with %d; %s takes the rest",
            execution.exec_type,
            execution.exec_id,
            position,
            sum(standing.positions.values()),
            reserved,
        )
    return weights


def _shares(amount: int, weights: Mapping[str, int], execution: Executed) -> dict[str, int]:
    if sum(weights.values()):
        return allocate(amount, weights)
    # Money without a position to split it by belongs to nobody's strategy.
    return {reserved_emi(execution.symbol): amount}


def _funded_position(execution: Executed, standing: Standing) -> int:
    """Return the signed position that was funded: the row's quantity and side."""
    if execution.side is not None:
        return execution.side.sign * execution.quantity
    held = sum(standing.positions.values())
    if abs(held) == execution.quantity:  # the row does not tell its side, the books do
        return held
    raise RowRefused(
        f"funding {execution.exec_id} of {execution.symbol} tells no side, and the books hold "
        f"{held} contracts instead of {execution.quantity}"
    )


def _refer(order: OrderNumber) -> str | None:
    return None if order.emi is None else storable(order.emi, REFER_SIZE)


def _side(execution: Executed) -> Side:
    if execution.side is None:
        raise RowRefused(f"{execution.exec_type} {execution.exec_id} has no side")
    return execution.side


def _side_column(sign: int) -> int:
    return SIDE_BUY if sign > 0 else SIDE_SELL


def _scale(execution: Executed, currency: str, standing: Standing) -> int:
    if currency not in standing.scales:
        raise RowRefused(
            f"{execution.exec_type} {execution.exec_id}: the decimal places of currency "
            f"{currency!r} are not known"
        )
    return standing.scales[currency]

"""The books against the exchange: every identity that must hold between them. Pure.

No figure is computed from a price. Sums are of the exchange's own integers and must be equal to
the last unit. docs/ledger.md lists the identities in words.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from common.domain.account import PositionFigures
from common.domain.books import Balance
from common.domain.executions import Executed, ExecutionKind
from common.domain.instruments import Category, Symbol
from common.domain.orders import Order, Phase
from common.domain.verification import (
    BooksRead,
    Difference,
    ExchangeTruth,
    Frame,
    Memory,
    OpenOrder,
    Rule,
)
from common.ledger.verify_figures import money
from common.ledger.verify_money import check_money, unknown_types
from common.ledger.verify_rows import check_executions

_END_MAY_LAG = timedelta(minutes=1)  # the time that an order tells of its end, behind its last fill
ABOUT_ALL_HISTORY = (Rule.POSITION, Rule.RESULT)


def check(
    truth: ExchangeTruth, books: BooksRead, memory: Memory, frame: Frame
) -> tuple[Difference, ...]:
    """Return every difference between exchange, books and memory, none when all is well.

    All three must have been looked at while nothing was under way; a difference that is found
    twice with the same figures is real. Where the books begin later than the account, positions
    and results cannot agree: such differences are told with `blocks` False.
    """
    begins = _late_beginning(truth, books)
    executions = [e for e in truth.executions if e.at >= truth.since]
    if begins is not None:
        executions = [e for e in executions if e.at >= begins]
    found = [
        *check_executions(executions, books.journal, books.rows, frame),
        *_older_holes(books.holes, truth.since),
        *position_differences(truth.positions, books.balances),
        *_orders(truth, executions, books, begins),
        *check_money(truth, books.balances, frame),
        *unknown_types(truth.wallets, frame),
        *_open_orders(truth.orders, memory),
        *_memory(books.balances, memory.balances, frame),
    ]
    if begins is None:
        return tuple(found)
    return tuple(
        replace(each, blocks=False) if each.rule in ABOUT_ALL_HISTORY else each for each in found
    )


def _late_beginning(truth: ExchangeTruth, books: BooksRead) -> datetime | None:
    if truth.first is not None and books.first is not None and truth.first < books.first:
        return books.first
    return None


def position_differences(
    positions: Iterable[PositionFigures], balances: Iterable[Balance]
) -> Iterator[Difference]:
    """Return where what the bots hold together is not what the account holds."""
    told = {p.symbol: p for p in positions if p.symbol.category is not Category.SPOT}
    held: dict[Symbol, dict[str, int]] = defaultdict(dict)
    for balance in balances:
        if balance.symbol.category is not Category.SPOT:
            bots = held[balance.symbol]
            bots[balance.emi] = bots.get(balance.emi, 0) + balance.position
    for symbol in sorted(told.keys() | held.keys()):
        books = sum(held[symbol].values())
        position = told.get(symbol)
        exchange = position.quantity if position else 0
        if books != exchange:
            emis = sorted(emi for emi, quantity in held[symbol].items() if quantity)
            yield Difference(
                Rule.POSITION,
                symbol,
                position.currency if position else "",
                ", ".join(emis),
                "position",
                books,
                exchange,
                f"position of {symbol}: the bots hold {books} contracts together, the account "
                f"holds {exchange}",
            )


def lacking(holes: Sequence[datetime]) -> str:
    """Say what a person can do about executions that lack rows, by their times; "": none does."""
    if not holes:
        return ""
    return (
        f"{len(holes)} executions from {holes[0]:%Y-%m-%d %H:%M:%S} to "
        f"{holes[-1]:%Y-%m-%d %H:%M:%S} lack rows in the table coins. To have them booked again, "
        "write an earlier date into history.ini and start anew; what the exchange does not tell "
        "any more comes back with --import and a file that has it"
    )


def _older_holes(holes: Iterable[datetime], since: datetime) -> Iterator[Difference]:
    """Executions that lack rows and are too old to be told one by one.

    Trading need not wait for them: where they matter positions or results differ, and that blocks.
    """
    older = sorted(at for at in holes if at < since)
    if older:
        yield Difference(
            Rule.COMPLETE_ROWS,
            None,
            "",
            "",
            "executions with all their rows",
            0,
            len(older),
            lacking(older),
            blocks=False,
        )


def _orders(
    truth: ExchangeTruth,
    executions: Iterable[Executed],
    books: BooksRead,
    begins: datetime | None,
) -> Iterator[Difference]:
    """What an order has filled is the sum of its executions, as they are booked."""
    booked: dict[str, int] = defaultdict(int)  # execution -> contracts
    for row in books.rows:
        booked[row.entry.exec_id] += row.entry.position_delta
    said = {row.exec_id: row.kind for row in books.journal}
    fills: dict[str, list[Executed]] = defaultdict(list)
    for exec_id, execution in {e.exec_id: e for e in executions}.items():
        # What nobody knew may have been said to be a trade.
        unknown = execution.kind is ExecutionKind.UNKNOWN
        kind = said.get(exec_id, execution.kind) if unknown else execution.kind
        if exec_id and kind is ExecutionKind.TRADE and execution.order_id:
            fills[execution.order_id].append(execution)
    whole = begins is None and (truth.first is None or truth.first >= truth.since)
    since = truth.since if begins is None else max(truth.since, begins)
    for order in (*truth.orders, *truth.ended):
        found = fills.get(order.order_id, [])
        here = sum(abs(booked[each.exec_id]) for each in found)
        before = 0 if whole else _filled_before(order, found, since)
        if here > order.filled or (before is not None and here != order.filled - before):
            filled = order.filled - (before or 0)
            yield _order(order, "filled", here, filled, "its executions sum to")
        rest = order.quantity - order.filled
        if not order.phase.ended and order.leaves != rest:
            yield _order(order, "rest", rest, order.leaves, "its quantity and fills leave")


def _filled_before(order: Order, found: Iterable[Executed], since: datetime) -> int | None:
    """Return what an order had filled before the executions that were asked for; None: unknown."""
    first = min(found, key=lambda each: each.cumulative, default=None)
    if first is not None:
        return first.cumulative - first.quantity if first.cumulative else None
    # The end of a filled order was a fill: it lies after `since`, and is not among the executions.
    return 0 if order.phase is Phase.FILLED and order.at > since + _END_MAY_LAG else None


def _order(order: Order, what: str, books: int, told: int, words: str) -> Difference:
    return Difference(
        Rule.ORDER,
        order.symbol,
        "",
        "",
        f"{what} of order {order.order_id}",
        books,
        told,
        f"{what} of order {order.order_id} of {order.symbol}: {words} {books}, the exchange says "
        f"{told}",
    )


def _open_orders(orders: Iterable[Order], memory: Memory) -> Iterator[Difference]:
    told = {o.order_id: _open_order(o) for o in orders if o.order_id not in memory.passed_over}
    shown = {o.order_id: o for o in memory.orders if o.order_id not in memory.passed_over}
    for order_id in sorted(told.keys() | shown.keys()):
        here, there = shown.get(order_id), told.get(order_id)
        order = here or there
        if order is None or (here and there and _same(here, there)):
            continue
        yield Difference(
            Rule.OPEN_ORDERS,
            order.symbol,
            "",
            here.emi if here else "",
            f"order {order_id}",
            here.leaves if here else 0,
            there.leaves if there else 0,
            f"order {order_id} of {order.symbol}: {_seen(here)} here, {_seen(there)} at the "
            "exchange",
        )


def _open_order(order: Order) -> OpenOrder:
    return OpenOrder(
        order.order_id, "", order.symbol, order.side, order.price, order.quantity, order.leaves
    )


def _same(one: OpenOrder, other: OpenOrder) -> bool:
    return replace(one, emi="") == replace(other, emi="")


def _seen(order: OpenOrder | None) -> str:
    if order is None:
        return "not there"
    price = "" if order.price is None else f" at {order.price}"
    return f"{order.side} {order.leaves} of {order.quantity}{price}"


def _memory(
    rows: Iterable[Balance], shown: Iterable[Balance], frame: Frame
) -> Iterator[Difference]:
    """What the program shows of every bot are the sums of its rows."""
    there = {(b.emi, b.symbol, b.currency): b for b in rows}
    here = {(b.emi, b.symbol, b.currency): b for b in shown}
    for key in sorted(there.keys() | here.keys()):
        mine, theirs = here.get(key, Balance(*key)), there.get(key, Balance(*key))
        emi, symbol, currency = key
        for what, in_money in (
            ("position", False),
            ("volume", False),
            ("sum_real", True),
            ("commission", True),
            ("funding", True),
        ):
            one, other = getattr(mine, what), getattr(theirs, what)
            if one == other:
                continue
            name = {"sum_real": "SUMREAL", "commission": "COMMISS"}.get(what, what)
            one_text, other_text = (
                (money(one, currency, frame), money(other, currency, frame))
                if in_money
                else (str(one), str(other))
            )
            yield Difference(
                Rule.MEMORY,
                symbol,
                currency,
                emi,
                name,
                one,
                other,
                f"{name} of {emi} in {symbol}: {one_text} here, the rows of coins sum to "
                f"{other_text}",
            )

"""One execution of the exchange against its journal row and its rows of `coins`. Pure.

Every row must repeat the figures of its execution, and its shares must sum to the exchange's own
integers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from common.domain.books import SIDE_FUNDING, Entry
from common.domain.executions import Executed, ExecutionKind
from common.domain.orders import parse_cl_ord_id
from common.domain.robots import reserved_emi
from common.domain.verification import Difference, Frame, JournalRow, Rule
from common.ledger.rows import major_text
from common.ledger.texts import storable

_SIGNS = (1, -1)
_MOST_SUMS = 10_000


def check_figures(
    execution: Executed, row: JournalRow, entries: Sequence[Entry], frame: Frame
) -> Iterator[Difference]:
    """Compare the figures of an execution, `row` in the journal and `entries` in `coins`."""
    yield from _journal_figures(execution, row, frame)
    if execution.kind is ExecutionKind.UNKNOWN or not entries:
        return
    yield from _sums(execution, entries, frame)
    yield from _row_figures(execution, entries)
    yield from _attribution(execution, entries)
    if execution.kind is ExecutionKind.FUNDING:
        yield from _funding_shares(execution, entries, frame)


def money(amount: int, currency: str, frame: Frame) -> str:
    """Return an amount in words, e.g. `1.000000 USDt`."""
    scale = frame.scales.get(currency)
    if scale is None:
        return f"{amount} smallest units of {currency}"
    return f"{major_text(amount, scale)} {currency}"


def emis(entries: Iterable[Entry]) -> str:
    """Return the bots of rows for a message."""
    return ", ".join(sorted({entry.emi for entry in entries}))


def _journal_figures(execution: Executed, row: JournalRow, frame: Frame) -> Iterator[Difference]:
    figures = (
        ("EXEC_COST", execution.currency, row.cost, execution.cost),
        ("EXEC_COMM", execution.fee_currency, row.fee, execution.fee),
    )
    # Of funding the cost is only the base of the payment; rows taken over never knew it.
    unknown = row.kind is ExecutionKind.FUNDING and not row.cost
    for name, currency, books, told in figures[unknown:]:
        if books != told:
            yield _figure(execution, "", name, currency, (books, told), frame)
    for name, here, there in (
        ("KIND", row.kind.value, execution.kind.value),
        ("SYMBOL", str(row.symbol), str(execution.symbol)),
        ("CURRENCY", row.currency, execution.currency),
        ("FEE_CURRENCY", row.fee_currency, execution.fee_currency),
        ("TTIME", row.at.isoformat(), execution.at.isoformat()),
    ):
        # An instrument that was not known any more may have been given its category by guess.
        guessed = name == "SYMBOL" and row.symbol.ticker == execution.symbol.ticker
        said = name == "KIND" and execution.kind is ExecutionKind.UNKNOWN  # by a person
        if here != there and not guessed and not said:
            yield _words(execution, "", f"{name} in the journal", here, there)


def _sums(execution: Executed, entries: Sequence[Entry], frame: Frame) -> Iterator[Difference]:
    """The shares of all bots sum to what the exchange says, currency by currency."""
    real: dict[str, int] = defaultdict(int)
    paid: dict[str, int] = defaultdict(int)
    if execution.kind is not ExecutionKind.FUNDING:
        real[execution.currency] -= execution.cost
    paid[execution.fee_currency or execution.currency] += execution.fee
    real[execution.base_currency] += execution.base_delta
    bots = emis(entries)
    for name, wanted, column in (("SUMREAL", real, "sum_real"), ("COMMISS", paid, "commission")):
        found: dict[str, int] = defaultdict(int)
        for entry in entries:
            found[entry.currency] += getattr(entry, column)
        for currency in sorted(found.keys() | wanted.keys()):
            if found[currency] != wanted[currency]:
                pair = (found[currency], wanted[currency])
                yield _figure(execution, bots, name, currency, pair, frame)


def _row_figures(execution: Executed, entries: Sequence[Entry]) -> Iterator[Difference]:
    side = execution.side
    for entry in entries:
        if entry.at != execution.at:
            here, there = entry.at.isoformat(), execution.at.isoformat()
            yield _words(execution, entry.emi, "TTIME", here, there)
        if entry.trade_price != execution.trade_price:
            here, there = str(entry.trade_price), str(execution.trade_price)
            yield _words(execution, entry.emi, "TRADE_PRICE", here, there)
        if entry.symbol.ticker != execution.symbol.ticker:
            here, there = str(entry.symbol), str(execution.symbol)
            yield _words(execution, entry.emi, "SYMBOL", here, there)
    if execution.kind is ExecutionKind.FUNDING:
        for entry in entries:
            if entry.side != SIDE_FUNDING:
                yield _quantity(execution, entry.emi, "SIDE", entry.side, SIDE_FUNDING)
        return
    if side is None:
        return
    moved = sum(entry.position_delta for entry in entries)
    if moved != side.sign * execution.quantity:
        wanted = side.sign * execution.quantity
        yield _quantity(execution, emis(entries), "QTY", moved, wanted)


def _attribution(execution: Executed, entries: Sequence[Entry]) -> Iterator[Difference]:
    """A fill belongs to the bot that its clOrdID names, or to the RESERVED one."""
    if execution.kind is not ExecutionKind.TRADE:
        return
    order = parse_cl_ord_id(execution.cl_ord_id)
    owners = {storable(order.emi or ""), reserved_emi(execution.symbol)}
    for entry in entries:
        if entry.emi not in owners and entry.symbol == execution.symbol:
            there = " or ".join(sorted(owners - {""}))
            yield _words(execution, entry.emi, "EMI", entry.emi, there)
        if entry.number != order.number:
            yield _quantity(execution, entry.emi, "CLORDID", entry.number, order.number)


def _funding_shares(
    execution: Executed, entries: Sequence[Entry], frame: Frame
) -> Iterator[Difference]:
    """Each share is less than one unit away from fee x position / whole position.

    A row tells the size of its bot's position and not its side: the sides must be such that the
    positions sum to the one that was funded.
    """
    if not execution.quantity:
        return
    # Where the row tells no side either will do: with it the signs of all shares change.
    whole = execution.quantity * (execution.side.sign if execution.side is not None else 1)
    reached = {0}
    for entry in entries:
        fits = [sign for sign in _SIGNS if _is_share(entry, sign, execution.fee, whole)]
        if not fits:
            pair = (entry.commission, _nearest_quota(entry, execution.fee, whole))
            yield _figure(
                execution, entry.emi, "COMMISS", entry.currency, pair, frame, Rule.FUNDING_SPLIT
            )
            return
        reached = {total + sign * entry.quantity for total in reached for sign in fits}
        if len(reached) > _MOST_SUMS:
            return  # so many bots with shares near 0 that any position could be meant
    if whole not in reached:
        found, bots = max(reached, key=abs), emis(entries)
        yield _quantity(execution, bots, "QTY", found, whole, Rule.FUNDING_SPLIT)


def _nearest_quota(entry: Entry, fee: int, whole: int) -> int:
    quotas = [fee * sign * entry.quantity // whole for sign in _SIGNS]
    return min(quotas, key=lambda quota: abs(quota - entry.commission))


def _is_share(entry: Entry, sign: int, fee: int, whole: int) -> bool:
    return abs(entry.commission * whole - fee * sign * entry.quantity) < abs(whole)


def _figure(
    execution: Executed,
    emi: str,
    name: str,
    currency: str,
    figures: tuple[int, int],
    frame: Frame,
    rule: Rule = Rule.FILL,
) -> Difference:
    books, told = figures
    return Difference(
        rule,
        execution.symbol,
        currency,
        emi,
        f"{name} of execution {execution.exec_id}",
        books,
        told,
        f"{name} of {_where(execution, emi)} is {money(books, currency, frame)} in the books, "
        f"by the exchange's figures {money(told, currency, frame)}",
    )


def _quantity(
    execution: Executed, emi: str, name: str, books: int, told: int, rule: Rule = Rule.FILL
) -> Difference:
    return Difference(
        rule,
        execution.symbol,
        execution.currency,
        emi,
        f"{name} of execution {execution.exec_id}",
        books,
        told,
        f"{name} of {_where(execution, emi)} is {books} in the books, {told} by the exchange's "
        "figures",
    )


def _words(execution: Executed, emi: str, name: str, books: str, told: str) -> Difference:
    return Difference(
        Rule.FILL,
        execution.symbol,
        execution.currency,
        emi,
        f"{name} of execution {execution.exec_id}",
        0,
        1,
        f"{name} of {_where(execution, emi)} is {books} in the books, {told} by the exchange",
    )


def _where(execution: Executed, emi: str) -> str:
    bots = f"{emi} in " if emi else ""
    return f"{bots}execution {execution.exec_id} of {execution.symbol}"

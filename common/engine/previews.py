"""What a kill level would do now, said beforehand. Pure: computed from what the screen shows.

The window shows these lines before it asks, and the terminal without a window prints them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from common.domain.closing import BAND, Estimate, estimate
from common.domain.commands import CancelAll, Flatten, Scope
from common.domain.instruments import Instrument, Symbol
from common.domain.money import amount, closing_value
from common.domain.orders import Side
from common.domain.robots import Status
from common.engine.snapshot import Health, OrderRow, RobotRow, Snapshot


@dataclass(frozen=True, slots=True)
class Plan:
    """A kill level in words: what it is, what it will do line by line, what to know about it."""

    title: str  # of the button that does it
    lines: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    refusal: str = ""  # why it cannot be done now; "": it can
    sides: tuple[tuple[str, Side], ...] = ()  # of `Flatten`
    orders: tuple[OrderRow, ...] = ()  # that will be cancelled

    def text(self) -> str:
        """Return all of it, one line below the other."""
        marked = [f"! {line}" for line in self.warnings]
        return "\n".join([*self.lines, *marked, *([self.refusal] if self.refusal else [])])


# ---- no new entries ---------------------------------------------------------------------------


def plan_exits_only(snapshot: Snapshot) -> Plan:
    """Say what TRADING ON, exits only would do."""
    entering = [row for row in snapshot.orders if _enters(row, snapshot)]
    working = sorted(row.emi for row in snapshot.robots if row.status is Status.WORK)
    lines = [
        f"{_count(working, 'bot')} may only reduce positions from now on: {_names(working)}",
        "orders that would open, enlarge or turn a position are refused",
    ]
    warnings = [
        f"stays at the exchange and can still open a position: {describe_order(row)}"
        for row in entering
    ]
    if not snapshot.trading:
        warnings.append("TRADING is OFF: this switches it ON for exits")
    refusal = "" if snapshot.entries or not snapshot.trading else "it is so already"
    return Plan("Stop new entries", tuple(lines), tuple(warnings), refusal)


def _enters(row: OrderRow, snapshot: Snapshot) -> bool:
    """Whether an order would open, enlarge or turn the position of its bot."""
    position = next(
        (r.position for r in snapshot.robots if (r.market, r.emi) == (row.market, row.emi)), 0
    )
    return row.side.sign * position + row.leaves > 0


# ---- cancel all -------------------------------------------------------------------------------


def plan_cancel(snapshot: Snapshot, scope: Scope) -> Plan:
    """Say which orders `CancelAll` of this scope would cancel."""
    meant = orders_of(snapshot, scope)
    lines = [f"cancel {_count(meant, 'order')} of {scope}"]
    lines += [f"  {describe_order(row)}" for row in meant]
    warnings = []
    foreign = sum(1 for row in meant if not Scope(row.market, own=True).means(*_marks(row)))
    if foreign:
        warnings.append(f"{_count(range(foreign), 'order')} came from outside this program")
    if snapshot.trading:
        warnings.append("TRADING is ON: bots may place new orders at once; F9 switches it OFF")
    refusal = "" if meant else "there is no such order"
    return Plan(
        f"Cancel {_count(meant, 'order')}", tuple(lines), tuple(warnings), refusal, (), meant
    )


def cancel_command(event: int, scope: Scope) -> CancelAll:
    """Return the command that a plan of `plan_cancel` stands for."""
    return CancelAll(event, scope)


def orders_of(snapshot: Snapshot, scope: Scope) -> tuple[OrderRow, ...]:
    """Return the open orders of a scope."""
    return tuple(
        row for row in snapshot.orders if row.market == scope.market and scope.means(*_marks(row))
    )


def _marks(row: OrderRow) -> tuple[Symbol, str, str]:
    return row.symbol, row.emi, row.key


# ---- flatten ----------------------------------------------------------------------------------


def plan_flatten(snapshot: Snapshot, market: str, symbol: Symbol, emi: str | None = None) -> Plan:
    """Say what closing would do for one bot, or for every bot with something in the symbol."""
    orders = orders_of(snapshot, Scope(market, symbol, emi))
    busy = {row.emi for row in orders}
    bots = [
        row
        for row in snapshot.robots
        if row.market == market
        and row.symbol == symbol
        and (row.emi == emi or (emi is None and (row.position or row.emi in busy)))
    ]
    held = [row for row in bots if row.position]
    working = sorted(row.emi for row in bots if row.status is Status.WORK)
    lines = [f"switch OFF: {_names(working)}"] if working else []
    lines += [f"cancel {describe_order(row)}" for row in orders]
    estimates = {row.emi: _estimate(snapshot, row) for row in held}
    lines += [_closing(row, estimates[row.emi]) for row in held]
    sides = tuple((emi, each.side) for emi, each in estimates.items() if each is not None)
    return Plan(
        title=f"Flatten {emi or symbol}",
        lines=tuple(lines),
        warnings=tuple(_flatten_warnings(held, estimates)),
        refusal=_flatten_refusal(snapshot, market, symbol, bots, bool(lines)),
        sides=sides,
        orders=orders,
    )


def flatten_command(
    event: int, plan: Plan, market: str, symbol: Symbol, emi: str | None = None
) -> Flatten:
    """Return the command that a plan of `plan_flatten` stands for."""
    return Flatten(event, market, symbol, emi, plan.sides)


def _estimate(snapshot: Snapshot, row: RobotRow) -> Estimate | None:
    view = snapshot.books.get(row.symbol)
    if view is None:
        return None
    return estimate(view.instrument, view.book, row.position, row.scale)


def _closing(row: RobotRow, closing: Estimate | None) -> str:
    instrument = row.instrument
    if closing is None or instrument is None:
        return f"{row.emi}: {row.position} contracts of {row.symbol}, which is not subscribed"
    quantity = instrument.shown(closing.quantity)
    text = f"{closing.side} {quantity} {row.symbol.ticker} of {row.emi}"
    if closing.price is None or closing.limit is None:
        return f"{text}: the order book is empty, the price is not known"
    text += f" at about {_price(closing.price, instrument)} (limit {closing.limit})"
    result = _result(row, closing, instrument)
    if result is None or closing.fee is None:
        return text
    fee = f"fee about {amount(closing.fee, row.scale):f}"
    return f"{text}; its result then about {amount(result, row.scale):+f} {row.currency} ({fee})"


def _result(row: RobotRow, closing: Estimate, instrument: Instrument) -> int | None:
    """Return what the bot will have made in all: its PNL with this closing instead of the best."""
    view_value = closing.received
    if row.pnl is None or view_value is None or closing.fee is None or closing.best is None:
        return None
    signed = closing.quantity if row.position > 0 else -closing.quantity
    at_best = closing_value(instrument, closing.best, signed, row.scale)
    return row.pnl - at_best + view_value - closing.fee


def _flatten_warnings(held: Sequence[RobotRow], estimates: dict[str, Estimate | None]) -> list[str]:
    warnings = []
    if len(held) > 1 and sum(row.position for row in held) != sum(abs(r.position) for r in held):
        warnings.append(
            "these bots offset each other: each is closed by an order of its own and pays its fee"
        )
    for row in held:
        closing = estimates[row.emi]
        if closing is None or closing.limit is None:
            continue
        if not closing.covered:
            warnings.append(
                f"{row.emi}: the levels shown do not hold all of it within {_percent(BAND)} of "
                "the best price; what is left is priced anew until it is closed"
            )
        if closing.rest:
            warnings.append(f"{row.emi}: {closing.rest} contracts are less than a lot and stay")
    return warnings


def _flatten_refusal(
    snapshot: Snapshot, market: str, symbol: Symbol, bots: Sequence[RobotRow], anything: bool
) -> str:
    row = next((each for each in snapshot.markets if each.market == market), None)
    if row is None:
        return f"{market} is not in the settings any more"
    if row.read_only:
        return "another terminal trades on this account"
    if not anything:
        return f"there is nothing to close in {symbol}"
    if any(each.instrument is None for each in bots):
        return f"{symbol} is not subscribed: add it to the settings to close it"
    if row.health is not Health.LIVE:
        return (
            f"{market} is {row.health}: nothing can be sold or bought now; cancelling is possible"
        )
    return ""


# ---- words ------------------------------------------------------------------------------------


def describe_order(row: OrderRow) -> str:
    """Return side, rest, ticker, price and owner of an order."""
    price = row.kind if row.price is None else f"at {row.price}"
    if row.price is None and row.stop_price is not None:
        price = f"{row.kind} {row.stop_price}"
    rest = row.instrument.shown(row.leaves)
    return f"{row.side} {rest} {row.symbol.ticker} {price} ({row.emi})"


def _price(price: Decimal, instrument: Instrument) -> str:
    return f"{price:.{instrument.price_decimals}f}"


def _percent(share: Decimal) -> str:
    return f"{(share * 100).normalize():f} %"


def _count(things: Sequence[object], word: str) -> str:
    return f"{len(things)} {word}{'' if len(things) == 1 else 's'}"


def _names(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"

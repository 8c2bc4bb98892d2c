"""The kill levels that a person is offered, and for each of them what it can be about. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from common.domain.commands import Command, Scope, SetTrading
from common.domain.instruments import Symbol
from common.domain.orders import parse_cl_ord_id
from common.engine.previews import (
    Plan,
    cancel_command,
    flatten_command,
    plan_cancel,
    plan_exits_only,
    plan_flatten,
)
from common.engine.snapshot import Snapshot


class Level(Enum):
    """The kill levels, from the mildest; the value is what a person reads."""

    ENTRIES = "Stop new entries"
    CANCEL = "Cancel orders"
    FLATTEN = "Flatten: close positions"


@dataclass(frozen=True, slots=True)
class Target:
    """What a level is about. `symbol` None: the whole market; `emi` None: all bots."""

    market: str
    symbol: Symbol | None = None
    emi: str | None = None
    own: bool = False

    def __str__(self) -> str:
        return str(self.scope) if self.symbol or self.emi or self.own else f"all of {self.market}"

    @property
    def scope(self) -> Scope:
        """The orders that are meant."""
        return Scope(self.market, self.symbol, self.emi, self.own)


def targets(snapshot: Snapshot, level: Level) -> list[Target]:
    """Return what a level can be about now; empty for what is always about everything."""
    if level is Level.ENTRIES:
        return []
    return _with_orders(snapshot) if level is Level.CANCEL else _with_something(snapshot)


def _with_orders(snapshot: Snapshot) -> list[Target]:
    """Return markets, then symbols, then bots with open orders."""
    orders = snapshot.orders
    markets = list(dict.fromkeys(row.market for row in snapshot.markets))
    own = {row.market for row in orders if parse_cl_ord_id(row.key).number}
    foreign = {row.market for row in orders if not parse_cl_ord_id(row.key).number}
    return [
        *(Target(market) for market in markets),
        *(Target(market, own=True) for market in markets if market in own & foreign),
        *dict.fromkeys(Target(row.market, row.symbol) for row in orders),
        *dict.fromkeys(Target(row.market, emi=row.emi) for row in orders),
    ]


def _with_something(snapshot: Snapshot) -> list[Target]:
    """Return bots, then symbols, with a position or orders."""
    busy = {(row.market, row.emi, row.symbol) for row in snapshot.orders}
    rows = [
        row for row in snapshot.robots if row.position or (row.market, row.emi, row.symbol) in busy
    ]
    return [
        *(Target(row.market, row.symbol, row.emi) for row in rows),
        *dict.fromkeys(Target(row.market, row.symbol) for row in rows),
    ]


def plan_of(snapshot: Snapshot, level: Level, target: Target | None) -> Plan | None:
    """Return what would be done; None while nothing is chosen."""
    if level is Level.ENTRIES:
        return plan_exits_only(snapshot)
    if target is None:
        return None
    if level is Level.CANCEL:
        return plan_cancel(snapshot, target.scope)
    if target.symbol is None:
        return None
    return plan_flatten(snapshot, target.market, target.symbol, target.emi)


def command_of(event: int, level: Level, target: Target | None, plan: Plan) -> Command:
    """Return the command that carries a plan out."""
    if level is Level.CANCEL and target is not None:
        return cancel_command(event, target.scope)
    if level is Level.FLATTEN and target is not None and target.symbol is not None:
        return flatten_command(event, plan, target.market, target.symbol, target.emi)
    return SetTrading(on=True, entries=False)

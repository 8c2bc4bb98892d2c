"""Kill levels as words, where there is no window: what is meant, what it will do, is it done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from common.domain.commands import Command
from common.engine.previews import Plan, orders_of
from common.engine.snapshot import Snapshot
from common.engine.stop_levels import Level, Target, command_of, plan_of
from common.errors import ConfigurationError

WORDS = {
    "stop-entries": Level.ENTRIES,
    "cancel-all": Level.CANCEL,
    "flatten": Level.FLATTEN,
}
USAGE = "cancel-all [BOT or SYMBOL] or flatten BOT or SYMBOL"


@dataclass(frozen=True, slots=True)
class Wish:
    """A kill level, and the bot or the symbol that was named; "": everything."""

    level: Level
    name: str = ""

    @classmethod
    def parse(cls, words: Sequence[str]) -> Wish:
        """Return what was written; ConfigurationError in words."""
        level = WORDS.get(words[0]) if words else None
        most = 1 if level is Level.ENTRIES else 2
        if level is None or len(words) > most or (level is Level.FLATTEN and len(words) < most):
            raise ConfigurationError(f"{' '.join(words)!r} is not understood: {USAGE}")
        return cls(level, words[1] if len(words) > 1 else "")

    def targets(self, snapshot: Snapshot) -> list[Target]:
        """Return what is meant now; ConfigurationError when nothing has this name."""
        if self.level is Level.ENTRIES:
            return []
        if not self.name:
            return [Target(row.market) for row in snapshot.markets]
        bots = [row for row in snapshot.robots if row.emi == self.name]
        if bots and self.level is Level.FLATTEN:
            return [Target(row.market, row.symbol, row.emi) for row in bots]
        if bots:
            return [Target(row.market, emi=row.emi) for row in bots]
        symbols = dict.fromkeys(
            (row.market, row.symbol)
            for rows in (snapshot.positions, snapshot.orders, snapshot.robots)
            for row in rows
            if row.symbol.ticker == self.name
        )
        if not symbols:
            raise ConfigurationError(f"there is no bot and no symbol {self.name!r}")
        return [Target(market, symbol) for market, symbol in symbols]


@dataclass(frozen=True, slots=True)
class Intended:
    """What a wish comes to at one moment: said beforehand, then done."""

    wish: Wish
    parts: tuple[tuple[Target | None, Plan], ...]

    @classmethod
    def of(cls, wish: Wish, snapshot: Snapshot) -> Intended:
        """Return what the wish would do now; ConfigurationError when it means nothing."""
        targets: list[Target | None] = [*wish.targets(snapshot)] or [None]
        plans = [(each, plan_of(snapshot, wish.level, each)) for each in targets]
        return cls(wish, tuple((target, plan) for target, plan in plans if plan is not None))

    @property
    def lines(self) -> list[str]:
        """All of it in words."""
        return [line for _, plan in self.parts for line in plan.text().splitlines()]

    @property
    def refusal(self) -> str:
        """Why none of it can be done; "": it can."""
        refusals = [plan.refusal for _, plan in self.parts]
        return "" if not all(refusals) else "; ".join(refusals)

    def commands(self, next_event: Callable[[], int]) -> list[Command]:
        """Return what carries it out."""
        return [
            command_of(next_event(), self.wish.level, target, plan)
            for target, plan in self.parts
            if not plan.refusal
        ]


def left(wish: Wish, snapshot: Snapshot) -> str:
    """Return in words what is left of what a wish was to take away; "": nothing."""
    try:
        targets = wish.targets(snapshot)
    except ConfigurationError:  # its last contract is gone, and it with it
        return ""
    orders = sum(len(orders_of(snapshot, target.scope)) for target in targets)
    words = [f"{orders} open order{'' if orders == 1 else 's'}"] if orders else []
    if wish.level is Level.FLATTEN:
        words += [
            f"{row.position} contracts of {row.symbol} of {row.emi}"
            for row in snapshot.robots
            for target in targets
            if row.position
            and (row.market, row.symbol) == (target.market, target.symbol)
            and target.emi in (None, row.emi)
        ]
    return ", ".join(words)

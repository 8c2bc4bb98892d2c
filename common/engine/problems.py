"""What is wrong now: cause, since when, what the program does about it, what a person can do.

Computed from what the screen shows, so that a problem is gone as soon as its cause is. The notices
keep the history.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from common.domain.bots import OnStop
from common.domain.money import amount
from common.domain.orders import Phase
from common.domain.robots import Status
from common.domain.verification import Rule
from common.engine.orders import UNCONFIRMED
from common.engine.snapshot import (
    Health,
    Level,
    MarketRow,
    OrderRow,
    Problem,
    RobotRow,
    Snapshot,
)

SKEW = 30  # seconds between the clocks from which on it is a problem
SLOW_START = timedelta(seconds=20)  # a market that takes longer to come up is mentioned

_WAITS = {
    Health.OFFLINE: (
        "connects again by itself, at least every 30 s; no order leaves, bots wait",
        "check the network; open orders stay at the exchange",
    ),
    Health.STALE: (
        "asks the exchange for a word and connects again without one; no order leaves",
        "wait; check the network if it stays so",
    ),
    Health.BLOCKED: (
        "sends no orders; cancelling is possible, and it goes on when the cause is gone",
        "do what the cause asks for, then press F3",
    ),
}
_SLOW = (
    "goes on reading; no order leaves before everything agrees",
    "wait; a long history takes a while, the exchange box says how far it is",
)


@dataclass(frozen=True, slots=True)
class Trouble:
    """A problem of this moment, before it is known since when."""

    key: str
    level: Level
    cause: str
    doing: str
    remedy: str


FROZEN = Trouble(
    "window",
    Level.ERROR,
    "the window does not draw",
    "has switched TRADING OFF; orders and books are followed as ever",
    "wait, or end the program; F9 switches trading on again once you can see",
)


class Problems:
    """Remembers since when each problem has been there."""

    def __init__(self) -> None:
        self._since: dict[str, datetime] = {}

    def present(self, snapshot: Snapshot, more: Iterable[Trouble] = ()) -> tuple[Problem, ...]:
        """Return the problems of a snapshot, the worst and oldest first."""
        troubles = [*_of_markets(snapshot), *_others(snapshot), *more]
        now = snapshot.at
        self._since = {each.key: self._since.get(each.key, now) for each in troubles}
        told = [
            Problem(
                each.key, each.level, each.cause, self._since[each.key], each.doing, each.remedy
            )
            for each in troubles
            if not _too_young(each, now - self._since[each.key])
        ]
        return tuple(sorted(told, key=lambda each: (each.level is not Level.ERROR, each.since)))


def _too_young(trouble: Trouble, age: timedelta) -> bool:
    return trouble.key.startswith("slow ") and age < SLOW_START


def _of_markets(snapshot: Snapshot) -> Iterator[Trouble]:
    for row in snapshot.markets:
        yield from _health(row)
        if abs(row.clock_ahead) > SKEW:
            yield Trouble(
                f"clock {row.market}",
                Level.WARNING,
                f"the clock of this computer is {abs(row.clock_ahead)} s "
                f"{'behind' if row.clock_ahead > 0 else 'ahead of'} that of {row.market}",
                "signs requests and closes bars by the exchange's clock",
                "let the system set its clock from the network",
            )
        for each in row.verification.differences:
            if each.rule is Rule.COMPLETE_ROWS and not each.blocks:
                yield Trouble(
                    f"holes {row.market}",
                    Level.WARNING,
                    f"{row.market}: {each.text.partition('. ')[0]}",
                    "does not stop for it: where positions or results differ, that blocks",
                    "write an earlier date into history.ini and start anew, or --import a file",
                )
        switch = row.dead_man
        if switch is not None and switch.problem:
            yield Trouble(
                f"switch {row.market}",
                Level.ERROR,
                f"{row.market}: {switch.problem}",
                "tries again; unheard, the exchange cancels ALL orders of the account"
                + (f" at {switch.until:%H:%M:%S}" if switch.until else ""),
                "check the network",
            )


def _health(row: MarketRow) -> Iterator[Trouble]:
    name, health = row.market, row.health
    if health is Health.LIVE:
        return
    if health in (Health.STARTING, Health.RECONCILING):
        yield Trouble(f"slow {name}", Level.WARNING, f"{name} is not up yet", *_SLOW)
        return
    doing, remedy = _WAITS[health]
    if row.read_only:
        doing = "follows the books of the other terminal and takes over when that ends"
        remedy = "close the other terminal to trade here"
    elif any(each.blocks for each in row.verification.differences):
        doing = "compares again every 30 s and goes on when books and exchange agree"
        remedy = "F7 compares now, F3 reads everything again; docs/ledger.md tells what to do then"
    elif row.reason.startswith("database"):
        doing = "keeps what comes and writes it when the database answers; no order leaves"
        remedy = "check the database server or the disk"
    level = Level.WARNING if row.read_only or health is Health.STALE else Level.ERROR
    # The reason of STALE counts seconds; the problem says since when.
    silent = health is Health.STALE and row.reason.startswith("no data")
    reason = "no word from the exchange" if silent else row.reason
    yield Trouble(f"health {name}", level, f"{name} is {health}: {reason}", doing, remedy)


def _others(snapshot: Snapshot) -> Iterator[Trouble]:
    for order in snapshot.orders:
        yield from _of_order(order)
    for robot in snapshot.robots:
        if robot.status is Status.ERROR or (robot.status is Status.OFF and robot.problem):
            yield _stopped(robot)
    for account in snapshot.accounts:
        if account.alarm and account.control is not None:
            yield Trouble(
                f"control {account.market} {account.currency}",
                Level.ERROR,
                f"CONTROL of {account.currency} is {amount(account.control, account.scale):f}, "
                "not what was deposited",
                "compares books and exchange again",
                "F7 compares now; docs/ledger.md tells what CONTROL means",
            )


def _of_order(order: OrderRow) -> Iterator[Trouble]:
    rest = order.instrument.shown(order.leaves)
    name = f"{order.side} {rest} {order.symbol.ticker} at {order.price} ({order.emi})"
    if order.phase is Phase.UNKNOWN:
        yield Trouble(
            f"order {order.market} {order.key}",
            Level.WARNING,
            f"outcome unknown: {name}",
            "asks the exchange for it by its number until it is known; never sends it again",
            "wait; do not place it a second time",
        )
    if order.cancel_problem:
        refused = order.cancel_problem != UNCONFIRMED
        yield Trouble(
            f"cancel {order.market} {order.key}",
            Level.ERROR,
            f"not cancelled: {name}: {order.cancel_problem}",
            "leaves it as it is" if refused else "asks again every few seconds until it is gone",
            "cancel it once more, or reckon with its fill" if refused else "reckon with its fill",
        )


def _stopped(robot: RobotRow) -> Trouble:
    """Return the problem of a bot that its own fault has stopped; one that a click has is none."""
    faulty = robot.status is Status.ERROR
    left = "its position stays" if robot.on_stop is OnStop.CANCEL else "orders and position stay"
    click = "a click on it in the list of robots lets it work again; its log says more"
    return Trouble(
        f"robot {robot.market} {robot.emi}",
        Level.ERROR if faulty else Level.WARNING,
        f"{robot.emi} is stopped: {robot.problem}",
        f"does not call it any more; the other bots go on, {left}",
        "correct its strategy or its row in the table robots, then press F3" if faulty else click,
    )


NOT_FLAT = "flatten "  # begins the key of such a problem


def not_flat(emi: str, why: str) -> Trouble:
    """Return the problem of a bot whose position could not be closed."""
    return Trouble(
        f"{NOT_FLAT}{emi}",
        Level.ERROR,
        f"{emi}: its position is not closed: {why}",
        "has given up; the bot is OFF and its orders are cancelled",
        "F4 flattens again, or close it by hand from the order book",
    )

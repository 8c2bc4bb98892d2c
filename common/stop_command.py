"""`--stop`: cancels orders or closes positions where no terminal runs, and says so beforehand."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Protocol

from common.domain.commands import Command
from common.engine.problems import NOT_FLAT
from common.engine.snapshot import Health, Snapshot
from common.engine.stop_levels import Level
from common.errors import ConfigurationError
from common.headless import Reporter, StopSignals
from common.redaction import clean
from common.stop_words import USAGE, Intended, Wish, left

POLL_SECONDS = 0.1
UNREACHABLE_SECONDS = 10.0  # how long a market may be OFFLINE or BLOCKED before it is given up
CANCEL_SECONDS = 30.0  # the same for cancelling, which waits for the list of orders only
LIVE_SECONDS = 120.0  # how long it may take to be LIVE
DONE_SECONDS = 90.0  # how long nothing may become of what was asked for
LONGEST_LINE = 500  # characters
DONE, NOT_DONE = 0, 1  # exit codes


class Running(Protocol):
    """The terminal that does it."""

    def snapshot(self) -> Snapshot:
        """Return the newest state."""

    def submit(self, command: Command) -> None:
        """Take what a person asks for."""

    def next_event(self) -> int:
        """Return a number for a user action."""


def stop_wish(words: Sequence[str]) -> Wish:
    """Return what the command line asks for; ConfigurationError in words."""
    wish = Wish.parse(words)
    if wish.level is Level.ENTRIES:
        raise ConfigurationError(
            f"no bot trades while no terminal runs, so that there are no entries to stop: {USAGE}"
        )
    return wish


def run_stop(
    program: Running,
    wish: Wish,
    stop: StopSignals,
    *,
    agreed: bool,
    write: Callable[[str], None] = lambda line: print(line, flush=True),
    sleep: Callable[[float], None] = time.sleep,
    monotonic: Callable[[], float] = time.monotonic,
) -> int:
    """Say what a kill level will do, do it when that was `agreed`; return the exit code.

    0: nothing is left of what was to be taken away. 1: it is not done, the last line says why.
    """
    reporter = Reporter()
    since = monotonic()

    def waiting(seconds: float) -> bool:
        for line in reporter.lines(program.snapshot()):
            write(line)
        sleep(POLL_SECONDS)
        return not stop.requested and monotonic() - since < seconds

    def end(code: int, text: str) -> int:
        write(clean(text, LONGEST_LINE))
        return code

    while not _ready(wish, program.snapshot()):
        away = _patience(wish, program.snapshot())
        if not waiting(away):
            return end(NOT_DONE, f"NOT DONE: {_why(program.snapshot())}")
    intended = Intended.of(wish, program.snapshot())
    for line in intended.lines:
        write(clean(f"WILL {line}" if not line.startswith("!") else line, LONGEST_LINE))
    if not left(wish, program.snapshot()):
        return end(DONE, "there is nothing to do")
    if intended.refusal or not agreed:
        why = intended.refusal or "say --yes to have it done"
        return end(NOT_DONE, f"NOT DONE: {why}")
    for command in intended.commands(program.next_event):
        program.submit(command)
    rest = ""
    while now := left(wish, program.snapshot()):
        since = since if now == rest else monotonic()
        rest = now
        if not waiting(DONE_SECONDS) or _failed(program.snapshot()):
            return end(NOT_DONE, f"NOT DONE: still there: {rest}")
    waiting(0.0)  # tells what the last step was
    return end(DONE, "done")


def _ready(wish: Wish, snapshot: Snapshot) -> bool:
    """Whether a wish can be carried out: cancelling needs neither books nor stream."""
    rows = snapshot.markets
    if wish.level is Level.CANCEL and _away(snapshot):
        return all(row.orders_known for row in rows)
    return bool(rows) and all(row.health is Health.LIVE or row.read_only for row in rows)


def _patience(wish: Wish, snapshot: Snapshot) -> float:
    """Return how many seconds a start may take, as it stands."""
    if not _away(snapshot):
        return LIVE_SECONDS
    return CANCEL_SECONDS if wish.level is Level.CANCEL else UNREACHABLE_SECONDS


def _away(snapshot: Snapshot) -> bool:
    return any(row.health in (Health.OFFLINE, Health.BLOCKED) for row in snapshot.markets)


def _failed(snapshot: Snapshot) -> bool:
    """Whether closing a position was given up; the lines before say why."""
    return any(problem.key.startswith(NOT_FLAT) for problem in snapshot.problems)


def _why(snapshot: Snapshot) -> str:
    return "; ".join(f"{row.market} is {row.health}: {row.reason}" for row in snapshot.markets)

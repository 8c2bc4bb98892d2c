"""The terminal without a window: one line per event on standard output.

Compares the snapshots that the engine publishes; decides nothing and keeps only what the last
snapshot held.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from types import FrameType

from common.domain.books import SIDE_BUY, SIDE_FUNDING
from common.domain.instruments import Instrument
from common.engine.snapshot import EntryRow, MarketRow, OrderRow, RobotRow, Snapshot
from common.redaction import clean

POLL_SECONDS = 0.1
SHOWN_SKEW = 2  # seconds between the clocks up to which nothing is said
LONGEST_LINE = 500  # characters

log = logging.getLogger(__name__)

_EntryKey = tuple[str, str, str, int]
_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")  # those that the system has


class StopSignals:
    """Turns SIGINT, SIGTERM, SIGHUP and SIGBREAK into `requested` while it is entered.

    Main thread only. The handler sets a plain attribute: the lock of a threading.Event might be
    held by the very thread that the signal interrupts.
    """

    def __init__(self) -> None:
        self.requested = False
        self._former: dict[signal.Signals, object] = {}

    def __enter__(self) -> StopSignals:
        for name in _SIGNALS:
            number = getattr(signal, name, None)
            # nohup ignores SIGHUP on purpose: leave it so.
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                self._former[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal() returned
        self._former.clear()

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        self.requested = True


class Reporter:
    """Lines for what changed from one snapshot to the next."""

    def __init__(self) -> None:
        self._trading: bool | None = None
        self._markets: dict[str, str] = {}
        self._notice = 0  # number of the last one told
        self._orders: dict[str, tuple[object, ...]] = {}
        self._entries: frozenset[_EntryKey] = frozenset()
        self._brought_up = False
        self._robots: dict[tuple[str, str], str] = {}
        self._problems: dict[str, str] = {}

    def lines(self, snapshot: Snapshot) -> list[str]:
        """Return one line for each event, oldest kind first: state, notices, orders, books."""
        events = [
            *self._trading_events(snapshot),
            *self._market_events(snapshot),
            *self._robot_events(snapshot),
            *self._problem_events(snapshot),
        ]
        lines = [_line(snapshot.at, *event) for event in events]
        lines += self._notice_lines(snapshot)
        lines += [_line(snapshot.at, *event) for event in self._order_events(snapshot)]
        lines += self._entry_lines(snapshot)
        return lines

    def _trading_events(self, snapshot: Snapshot) -> Iterator[tuple[str, str]]:
        if snapshot.trading is not self._trading:
            self._trading = snapshot.trading
            yield "TRADING", f"{'ON' if snapshot.trading else 'OFF'} ({snapshot.network})"

    def _market_events(self, snapshot: Snapshot) -> Iterator[tuple[str, str]]:
        for row in snapshot.markets:
            text = _market(row)
            if self._markets.get(row.market) != text:
                self._markets[row.market] = text
                yield "MARKET", text

    def _robot_events(self, snapshot: Snapshot) -> Iterator[tuple[str, str]]:
        robots = {(row.market, row.emi): _robot(row) for row in snapshot.robots}
        for key, text in robots.items():
            if self._robots.get(key) != text:
                yield "ROBOT", text
        self._robots = robots

    def _problem_events(self, snapshot: Snapshot) -> Iterator[tuple[str, str]]:
        """Tell what is wrong now, what is done about it, what can be done; and when it is over."""
        present = {each.key: each for each in snapshot.problems}
        for key, problem in present.items():
            if self._problems.get(key) != problem.cause:
                yield (
                    "PROBLEM",
                    f"{problem.cause} | the program {problem.doing} | you: {problem.remedy}",
                )
        for key, cause in self._problems.items():
            if key not in present:
                yield "SOLVED", cause
        self._problems = {key: problem.cause for key, problem in present.items()}

    def _notice_lines(self, snapshot: Snapshot) -> list[str]:
        fresh = [notice for notice in snapshot.notices if notice.number > self._notice]
        if fresh:
            self._notice = fresh[-1].number
        return [_line(n.at, "NOTICE", f"{n.level.value}: {n.text}") for n in fresh]

    def _order_events(self, snapshot: Snapshot) -> Iterator[tuple[str, str]]:
        orders = {row.key: _order_state(row) for row in snapshot.orders}
        for row in reversed(snapshot.orders):  # newest first there, oldest first here
            if self._orders.get(row.key) != orders[row.key]:
                yield "ORDER", f"{_order(row)} {row.phase.value}"
        for key in self._orders:
            if key not in orders:
                yield "ORDER", f"{key} ended"
        self._orders = orders

    def _entry_lines(self, snapshot: Snapshot) -> list[str]:
        """Tell rows that are new in the books; those found there at the start are old news."""
        rows = (*snapshot.trades, *snapshot.funding)
        known, self._entries = self._entries, frozenset(_entry_key(row) for row in rows)
        first, self._brought_up = not self._brought_up, self._brought_up or snapshot.reloads > 0
        if first:
            return []
        fresh = [row for row in rows if _entry_key(row) not in known]
        fresh.sort(key=lambda row: row.entry.at)
        return [_line(row.entry.at, *_entry(row)) for row in fresh]


def run_headless(
    snapshot: Callable[[], Snapshot],
    stop: StopSignals,
    write: Callable[[str], None] | None = None,
    sleep: Callable[[float], None] = time.sleep,
    console: Callable[[Snapshot], list[str]] = lambda _: [],
) -> int:
    """Print events until a signal asks for the end; returns the exit code, 0.

    Runs on the main thread. `console` returns what to say to what was typed. `write` takes one line
    without its end; by default standard output, and an output that nobody reads any more ends the
    run as a signal does.
    """
    reporter = Reporter()
    output = write or _standard_output()
    last = -1
    while not stop.requested:
        now = snapshot()
        lines = reporter.lines(now) if now.beat != last else []
        lines += [clean(line, LONGEST_LINE) for line in console(now)]
        last = now.beat
        if not _write(lines, output):
            break
        sleep(POLL_SECONDS)
    return 0


def _write(lines: list[str], output: Callable[[str], None]) -> bool:
    """Write lines; returns False when nobody reads them any more."""
    try:
        for line in lines:
            output(line)
    except BrokenPipeError:
        _discard_output()
        return False
    except OSError as error:
        # Say, a full disk under a redirected output: no reason to stop trading.
        log.error("%d lines could not be printed: %s", len(lines), error)
    return True


def _standard_output() -> Callable[[str], None]:
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")  # consoles that cannot show every letter

    def write(line: str) -> None:
        print(line, flush=True)

    return write


def _discard_output() -> None:
    """Send the rest nowhere, so that the interpreter's last flush does not fail."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _line(at: datetime, word: str, text: str) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} {word} {clean(text, LONGEST_LINE)}"


def _market(row: MarketRow) -> str:
    account = f" account {row.account}" if row.account is not None else ""
    reason = f": {row.reason}" if row.reason else ""
    return f"{row.market} {row.network}{account} {row.health}{reason}{_skew(row.clock_ahead)}"


def _skew(ahead: int) -> str:
    """Return how far the clocks are apart, "" while it does not matter."""
    return f" (clocks {abs(ahead)} s apart)" if abs(ahead) > SHOWN_SKEW else ""


def _robot(row: RobotRow) -> str:
    problem = f": {row.problem}" if row.problem else ""
    return f"{row.market} {row.emi} {row.symbol} {row.status}{problem}"


def _order_state(row: OrderRow) -> tuple[object, ...]:
    return (row.price, row.quantity, row.leaves, row.phase)


def _order(row: OrderRow) -> str:
    price = f"@ {_price(row.price, row.instrument)}" if row.price is not None else row.kind
    leaves, quantity = (_quantity(n, row.instrument) for n in (row.leaves, row.quantity))
    return (
        f"{row.key} {row.market} {row.symbol} {row.side} {leaves} of {quantity} {price} {row.emi}"
    )


def _entry_key(row: EntryRow) -> _EntryKey:
    return (row.market, row.entry.exec_id, row.entry.emi, row.entry.side)


def _entry(row: EntryRow) -> tuple[str, str]:
    entry = row.entry
    where = f"{row.market} {entry.symbol}"
    fee = f"{Decimal(entry.commission).scaleb(-entry.scale):f} {entry.currency}"
    if entry.side == SIDE_FUNDING:
        return "FUNDING", f"{where} paid {fee} {entry.emi}"
    side = "Buy" if entry.side == SIDE_BUY else "Sell"
    quantity = _quantity(entry.quantity, row.instrument)
    price = _price(entry.trade_price, row.instrument)
    return "TRADE", f"{where} {side} {quantity} @ {price} fee {fee} {entry.emi}"


def _quantity(contracts: int, instrument: Instrument | None) -> str:
    """Return contracts in the unit that the screen shows."""
    if instrument is None:
        return f"{contracts} contracts"
    units = Decimal(contracts) / Decimal(instrument.contracts_per_unit)
    return f"{units:.{instrument.quantity_decimals}f}"


def _price(price: Decimal | None, instrument: Instrument | None) -> str:
    if price is None:
        return "-"
    exponent = int(price.normalize().as_tuple().exponent)
    # A trade may be at a finer price than the tick (an average): nothing is rounded away.
    decimals = max(instrument.price_decimals if instrument else 0, -exponent)
    return f"{price:.{decimals}f}"

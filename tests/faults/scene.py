"""A terminal on the exchange inside the process, stepped by the test through virtual time.

The engine, its books and the decoding of the client are the real ones; only sockets and time are
not. Everything runs on the thread of the test, but for the books' own thread.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from api.simulator.direct import DirectExchange
from api.simulator.ports import ApiKey
from api.simulator.request_faults import Raw
from api.simulator.time_machine import TimeMachine
from api.simulator.venue import DEMO_ACCOUNT, Customer, LiveVenue, seeded_key
from api.simulator.virtual_clock import VirtualClock
from common.domain.instruments import Category, Symbol
from common.domain.orders import Side
from common.engine.ports import BotRunner
from common.engine.snapshot import Health, Problem
from common.ledger.database import DatabaseSettings
from tests.api.simulator.venues import START
from tests.api.terminal.support import Terminal, money_moves, orders_by_name, position_of

SYMBOL = Symbol("XBTUSDT", Category.LINEAR)
STEP = 0.1  # virtual seconds


class Recorded(DirectExchange):
    """An exchange that remembers every request that changes something, and looks for an order."""

    asked: list[tuple[str, str, str]]
    looks: list[float]  # when, in virtual seconds

    def ask(self, key: ApiKey, method: str, target: str, body: str) -> Raw:
        if method == "GET" and target.startswith("/order?") and "clOrdID" in target:
            self.looks.append(self.clock.monotonic())
        if method != "GET":
            self.asked.append((method, target, body))
        return super().ask(key, method, target, body)


class Scene:
    """One terminal; `with` starts and stops it."""

    def __init__(
        self,
        folder: Path,
        *,
        seed: int = 5,
        account: int = DEMO_ACCOUNT,
        reloads: int = 0,
        step: float = STEP,
        pace: float = 5.0,
        symbols: tuple[Symbol, ...] = (SYMBOL,),
        runner: BotRunner | None = None,
        history_days: float = 0.0,
        more: tuple[str, ...] = (),
        database: DatabaseSettings | None = None,
        former: Scene | None = None,
        start: datetime = START,
    ) -> None:
        """Build a terminal, on the exchange of a `former` one where that has ended."""
        self.account = account
        self.key = seeded_key(seed, account)
        if former is None:
            self.clock = VirtualClock(start)
            self.venue = LiveVenue(
                seed=seed,
                now=start,
                accounts=[Customer(account, f"trader{account}", keys=[self.key])],
                symbols=sorted({"XBTUSDT", *more, *(symbol.ticker for symbol in symbols)}),
                pace=pace,
            )
            self.exchange = Recorded(self.venue, self.clock)
        else:
            self.clock, self.venue, self.exchange = former.clock, former.venue, former.exchange
        self.exchange.asked, self.exchange.looks = [], []
        self._step = step
        self._folder = folder
        self._symbols = symbols
        self._runner = runner
        self._history_days = history_days
        self._database = database
        self.terminal = self.new_terminal(reloads)
        self.engine = self.terminal.engine

    def __enter__(self) -> Scene:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # ---- starts and ends ----------------------------------------------------------------------

    def new_terminal(self, reloads: int) -> Terminal:
        """Return the terminal that is to be started; a campaign makes one of its own."""
        return Terminal(
            self.exchange.gateway(self.key),
            self._symbols,
            self._folder / "books.db",
            self.clock,
            refresh_rate=5,
            reloads=reloads,
            runner=self._runner,
            history_days=self._history_days,
            database=self._database,
        )

    def start(self) -> None:
        """Start the terminal."""
        engine, ledger = self.engine, self.terminal.ledger
        engine.inbox = TimeMachine(
            self.exchange,
            10.0**9,
            self._step,
            busy=lambda: ledger.waiting > 0 or self.others_work(),
        )
        engine._ledger.start(engine._ledger_inbox(engine.inbox))
        engine._runner.start(engine.inbox)
        for market in engine._markets.values():
            market.gateway.start(engine.inbox)
            market.start()

    def stop(self, *, disarm: bool = True) -> None:
        """End the terminal in the order of `Engine.stop`; not disarm: as a crash would."""
        self.engine.inbox.close()
        self.engine._runner.stop()
        for market in self.engine._markets.values():
            if disarm:
                market.dead_man.disarm()
            market.gateway.stop()
        self.engine._ledger.stop()

    def restart(self, reloads: int = 0) -> None:
        """Start another terminal, which knows what the books know, where one has ended."""
        self.terminal = self.new_terminal(reloads)
        self.engine = self.terminal.engine
        self.start()

    def others_work(self) -> bool:
        """Whether time must wait for somebody beside the ledger."""
        return False

    # ---- time -------------------------------------------------------------------------------

    @property
    def now(self) -> float:
        return self.clock.monotonic()

    def run(self, seconds: float) -> None:
        """Let virtual time pass."""
        end = self.now + seconds
        while self.now < end or len(self.engine.inbox):
            self.turn()

    def turn(self) -> None:
        """Let the engine do what is due, and time pass while nothing is."""
        self.engine.turn()

    def sleep(self, seconds: float) -> None:
        """Let time pass at the exchange while no terminal runs."""
        self.exchange.run_until(self.now + seconds)

    def until(self, condition: Callable[[], object], seconds: float = 60.0) -> float:
        """Let time pass until something is so; return the virtual seconds it took."""
        began = self.now
        while not condition():
            assert self.now - began <= seconds, (
                f"in vain for {seconds} s: {self.health} {self.reason}"
            )
            self.turn()
        return self.now - began

    def at(self, seconds: float, action: Callable[[], object]) -> None:
        """Do something in a number of seconds."""
        self.exchange.later(seconds, lambda: (action(), None)[1])

    def live(self, seconds: float = 60.0) -> float:
        """Wait until the market is LIVE; return the virtual seconds it took."""
        return self.until(lambda: self.health is Health.LIVE, seconds)

    # ---- what is done -----------------------------------------------------------------------

    def arm(self, **rule: Any) -> None:
        """Arm a fault."""
        self.exchange.faults.arm(rule)

    def fired(self, fault: str) -> int:
        return self.exchange.faults.fired.get(fault, 0)

    def place(self, side: Side = Side.BUY, quantity: int = 1000, away: str = "500") -> int:
        """Click an order that rests away from the market; return the number of the click."""
        ticker = self.terminal.gateway.ticker(SYMBOL)
        own = (ticker.bid if side is Side.BUY else ticker.ask) or Decimal(60_000)
        return self.terminal.place(SYMBOL, side, quantity, own - side.sign * Decimal(away))

    def rest(self, side: Side = Side.BUY) -> dict[str, Any]:
        """Place an order and wait until the exchange has it; return it as the exchange sees it."""
        before = len(self.orders_there())
        self.place(side)
        self.until(lambda: len(self.orders_there()) > before)
        self.run(1)
        return self.orders_there()[-1]

    def buy_and_fill(self, parts: int = 3) -> None:
        """Have an order filled in parts."""
        order = self.rest()
        self.venue.interventions.fill_order(order["orderID"], parts=parts)
        self.run(3)

    def sql(self, statement: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Run a statement on the books in the file, and return its rows."""
        with closing(sqlite3.connect(self.terminal.books)) as connection, connection:
            return connection.execute(statement, tuple(values)).fetchall()

    # ---- what is so -------------------------------------------------------------------------

    @property
    def market(self) -> Any:
        return next(iter(self.engine._markets.values()))

    @property
    def health(self) -> Health:
        health: Health = self.market.health()[0]
        return health

    @property
    def reason(self) -> str:
        return str(self.market.health()[1])

    def problems(self) -> tuple[Problem, ...]:
        """Return what the screen says is wrong now."""
        self.run(0.5)
        return tuple(self.engine.snapshot.problems)

    def told(self, words: str) -> list[str]:
        return [n.text for n in self.terminal.notices.all() if words in n.text]

    def orders_there(self) -> list[dict[str, Any]]:
        """Return the orders that the exchange ever had of the account."""
        truth: Any = self.venue.interventions.truth()
        mine = next(row for row in truth["accounts"] if row["account"] == self.account)
        return list(mine["orders"])

    def open_there(self) -> list[dict[str, Any]]:
        return [order for order in self.orders_there() if order["open"]]

    def sent(self, method: str) -> int:
        """Return how many requests of a kind the exchange carried out."""
        return sum(asked == method for asked, _, _ in self.exchange.asked)

    def doubles(self) -> int:
        """Return the most orders that the exchange ever had under one clOrdID."""
        names = orders_by_name(self.venue.interventions.truth(), self.account)
        return max(names.values(), default=0)

    def differences(self) -> list[str]:
        """Compare books, mirror and exchange by the exchange's own ledger."""
        truth: Any = self.venue.interventions.truth()
        expected = money_moves(truth, self.account)
        booked: Counter[str] = self.terminal.booked()
        found = [f"lost {sorted(expected - set(booked))}"] if expected - set(booked) else []
        found += [f"invented {set(booked) - expected}"] if set(booked) - expected else []
        found += [f"doubled {booked}"] if set(booked.values()) - {1} else []
        held = position_of(truth, self.account, SYMBOL)
        here = self.market.state.booked_position(SYMBOL)
        found += [f"position {here}, exchange {held}"] if here != held else []
        return found + self.differing_orders()

    def differing_orders(self) -> list[str]:
        """Compare the mirror of open orders with the exchange's own, and look for doubles."""
        there = {(o["clOrdID"], o["leaves"]) for o in self.open_there()}
        mirror = {(o.cl_ord_id, o.leaves) for o in self.market.state.orders}
        found = [f"orders {mirror}, exchange {there}"] if mirror != there else []
        found += [f"{self.doubles()} orders of one number"] if self.doubles() > 1 else []
        return found

    def agrees(self, seconds: float = 60.0) -> float:
        """Wait until LIVE and in agreement with the exchange; return the virtual seconds."""
        took = self.until(lambda: self.health is Health.LIVE and not self.differences(), seconds)
        assert self.doubles() <= 1
        return took


def after_one_fill(folder: Path) -> Scene:
    """Return a terminal that has booked one fill, and has ended."""
    with Scene(folder) as scene:
        scene.live()
        scene.buy_and_fill(parts=1)
    return scene

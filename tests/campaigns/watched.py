"""A terminal whose every order is recorded: wishes, intents, bytes, switches, starts and ends."""

from __future__ import annotations

import queue
import random
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from api.simulator.ports import Request
from common.domain.commands import SetRobotStatus, SetTrading
from common.domain.orders import Side, parse_cl_ord_id
from common.domain.robots import Status
from common.engine.bot_items import BotAnswer, BotOrder
from common.engine.snapshot import Health
from common.ledger import jobs
from common.ledger.robots_table import add_robot
from common.settings_types import SqliteSettings
from tests.api.terminal.support import MARKET, CountingLedger, Terminal
from tests.campaigns import history
from tests.campaigns.line import QueuedGateway
from tests.campaigns.scripted_bots import ScriptedBots
from tests.faults.scene import SYMBOL, Scene

BOTS = ("botA", "botB")
CAPITAL = 6  # lots
LOT = 100  # contracts
NOBODY = f"{SYMBOL.ticker}.{SYMBOL.category}"
RIGHTS = frozenset({"order"})


class Valve(queue.SimpleQueue[jobs.Job]):
    """The queue of the ledger; closed, it takes nothing more, as when the process has died."""

    shut = False
    given = 0  # jobs that were put in
    taken = 0  # jobs that the ledger's thread has got

    def put(self, item: jobs.Job, block: bool = True, timeout: float | None = None) -> None:
        if not self.shut or isinstance(item, jobs.Stop):
            self.given += 1
            super().put(item, block, timeout)

    def get(self, block: bool = True, timeout: float | None = None) -> jobs.Job:
        job = super().get(block, timeout)
        self.taken += 1
        return job


class MortalLedger(CountingLedger):
    """Books that may die with jobs in their queue, on the virtual clock."""

    def __init__(self, path: Path, now: Callable[[], datetime]) -> None:
        super().__init__(SqliteSettings(path))
        self._now = now
        self._queue = self.valve = Valve()
        self._done = 0
        self._changed = threading.Condition()

    @property
    def waiting(self) -> int:
        """None: time waits for `wait`, and nobody for the answers of the dead."""
        return 0

    @waiting.setter
    def waiting(self, count: int) -> None:
        """Two threads count here; what counts is the queue."""

    def wait(self) -> None:
        """Wait until every job is carried out: the same seed has to do the same again."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._done == self.valve.given, 30.0)

    def _work(self) -> bool:
        ends = super()._work()
        with self._changed:
            self._done = self.valve.taken - len(self._pending)
            self._changed.notify_all()
        return ends


class Watched(Scene):
    """A scene with two bots that records its history."""

    def __init__(self, folder: Path, seed: int, chance: random.Random, dead_man: int = 0) -> None:
        self.events: list[history.Event] = []
        self.happened: Counter[str] = Counter()
        self.chance = chance
        self.strangers: set[str] = set()  # clOrdIDs that somebody else has used
        self.steal = False  # the next number of a click is used by somebody else first
        self.most_open = 0
        self._dead_man = dead_man
        self._of_bots: set[str] = set()  # clOrdIDs that strategies got
        self._wanted_on = False
        self._wanted_entries = True
        self._off: set[str] = set()  # bots that a person has switched OFF
        self._seen: dict[str, object] = {}
        for emi in BOTS:
            books = SqliteSettings(folder / "books.db")
            add_robot(books, MARKET, emi, SYMBOL.ticker, SYMBOL.category.value, 1, CAPITAL)
        super().__init__(folder, seed=seed, step=0.25, history_days=0.02)

    # ---- starts and ends ----------------------------------------------------------------------

    def new_terminal(self, reloads: int) -> Terminal:
        self.line = QueuedGateway(self.exchange, self.key, self._written, self.chance)
        self.bots = ScriptedBots(self.chance, self.exchange.later, self._asked, self._told)
        self.books = MortalLedger(self._folder / "books.db", self.clock.now)
        return Terminal(
            self.line,
            self._symbols,
            self._folder / "books.db",
            self.clock,
            refresh_rate=5,
            dead_man=self._dead_man,
            reloads=reloads,
            runner=self.bots,
            history_days=self._history_days,
            ledger=self.books,
        )

    def start(self) -> None:
        self.events.append(history.Started(self.now))
        self._wanted_on, self._wanted_entries = False, True
        self._seen = {}
        ledger, answers = self.terminal.ledger, self.engine._ledger_inbox
        self.engine._ledger_inbox = lambda inbox: answers(_Noted(inbox, self))
        assert isinstance(ledger, MortalLedger)
        write = ledger.write_intent

        def minted(key: Any, intent: Any) -> None:
            self.events.append(history.Minted(self.now, intent.cl_ord_id, intent.verb))
            write(key, intent)

        ledger.write_intent = minted  # type: ignore[method-assign]
        super().start()

    def stop(self, *, disarm: bool = True) -> None:
        super().stop(disarm=disarm)
        self.happened["withdrawn before it was written"] += self.line.withdrawn
        self.events.append(history.Ended(self.now, clean=disarm))

    def kill(self, *, lost: bool, writing: bool) -> bool:
        """End the process anywhere; lost: with jobs of the last moments not committed.

        writing: while an order is being written to the socket; say whether there was one.
        """
        if lost:
            self.books.valve.shut = True
            self.run(self.chance.uniform(0.0, 1.5))
        written = self.line.die(writing=writing)
        self.stop(disarm=False)
        return written

    # ---- what is done -------------------------------------------------------------------------

    def switch(self, on: bool, entries: bool = True) -> None:
        """Press F9."""
        self._wanted_on, self._wanted_entries = on, entries
        if not (on and entries):
            closed = history.Switched(self.now, on and bool(self._seen.get("F9")), entries)
            self.events.append(closed)
            self._seen["F9"], self._seen["entries"] = closed.on, closed.entries
        self.engine.submit(SetTrading(on, entries))

    def switch_bot(self, emi: str, on: bool) -> None:
        """Click a bot's status."""
        if on:
            self._off.discard(emi)
        else:
            self._off.add(emi)
            self.events.append(history.BotSwitched(self.now, emi, on=False))
            self._seen[emi] = False
        self.engine.submit(SetRobotStatus(MARKET, emi, on))

    @property
    def trading(self) -> bool:
        """Whether F9 is ON, exits only included."""
        return bool(self.engine._trading.on)

    def others_work(self) -> bool:
        self.books.wait()
        return False

    def turn(self) -> None:
        self.books.wait()
        super().turn()
        self._observe()

    # ---- what happened ------------------------------------------------------------------------

    def _observe(self) -> None:
        """Note what the engine says of itself, but never ON against a person's OFF."""
        trading, robots = self.engine._trading, self.market.state.robots
        on = trading.on and self._wanted_on
        entries = trading.entries and self._wanted_entries
        live = self.health is Health.LIVE
        if self._seen.get("health") != live:
            self.events.append(history.Health(self.now, live))
        if (self._seen.get("F9"), self._seen.get("entries")) != (on, entries):
            self.events.append(history.Switched(self.now, on, entries))
        self._seen |= {"health": live, "F9": on, "entries": entries}
        for emi in BOTS:
            robot = robots.get(emi)
            works = robot is not None and robot.status is Status.WORK and emi not in self._off
            if self._seen.get(emi) != works:
                self.events.append(history.BotSwitched(self.now, emi, works))
                self._seen[emi] = works

    def durable(self, name: str, verb: str) -> None:
        """The database has an intent."""
        self.events.append(history.Kept(self.now, name, verb))

    def _asked(self, order: BotOrder) -> None:
        self.events.append(history.Asked(self.now, order.emi, order.call))

    def _told(self, emi: str, call: int, order: BotOrder, answer: BotAnswer) -> None:
        self.events.append(history.Told(self.now, emi, call))
        if order.verb == "post" and answer.cl_ord_id:
            self._of_bots.add(answer.cl_ord_id)
        self.happened[f"bot {order.verb} {'done' if answer.cl_ord_id else 'refused'}"] += 1

    def _written(self, verb: str, target: str, body: dict[str, Any]) -> None:
        """Bytes go to the exchange."""
        path = target.partition("?")[0]
        if path.endswith("cancelAllAfter"):
            self.events.append(history.DeadMan(self.now, body["timeout"] / 1000))
        elif verb in history.ORDERS:
            self._order_written(verb, path, body)
        else:
            self.events.append(history.Sent(self.now, verb, path))

    def _order_written(self, verb: str, path: str, body: dict[str, Any]) -> None:
        rows = self.orders_there()
        name = str(body.get("clOrdID") or body.get("origClOrdID") or "")
        row = next((r for r in rows if r["orderID"] == body.get("orderID")), None)
        name = name or (row["clOrdID"] if row else "")
        emi = parse_cl_ord_id(name).emi or ""
        by_bot = name in self._of_bots if verb == "POST" else emi in BOTS
        sign = int(row["side"]) if row else Side(body.get("side", "Buy")).sign
        filled = row["filled"] if row else 0
        leaves = int(body.get("orderQty") or (row["quantity"] if row else 0)) - filled
        click = int(body["orderQty"]) // LOT if verb == "POST" and emi == NOBODY else None
        if self.steal and click is not None:
            self.steal = False
            self._take_number(name)
        smaller = row is not None and leaves < row["leaves"]  # always allowed
        reach = self._reach(rows, emi, sign, name) + leaves if by_bot and not smaller else 0
        self.most_open = max(self.most_open, sum(r["open"] for r in rows))
        self.events.append(
            history.Sent(
                self.now, verb, path, name, emi if by_bot else "", click, reach, CAPITAL * LOT
            )
        )

    def _reach(self, rows: list[dict[str, Any]], emi: str, sign: int, without: str) -> int:
        """Return the contracts that a bot may come to have in a direction, by the exchange."""
        mine = [r for r in rows if parse_cl_ord_id(r["clOrdID"]).emi == emi]
        held = sum(r["side"] * r["filled"] for r in mine)
        resting = sum(
            r["leaves"] for r in mine if r["open"] and r["side"] == sign and r["clOrdID"] != without
        )
        return int(sign * held + resting)

    def _take_number(self, name: str) -> None:
        """Somebody else places an order with our next number."""
        self.foreign(clOrdID=name, orderQty=7 * LOT)
        self.strangers.add(name)
        self.happened["duplicate of another's order"] += 1

    def foreign(self, **more: object) -> None:
        """Another program on the account places an order."""
        order = {"symbol": SYMBOL.ticker, "side": "Buy", "orderQty": 300, "price": 1000, **more}
        answer = self.venue.handle(Request("POST", "/order", order, self.account, RIGHTS))
        assert answer.status == 200, answer.body

    # ---- what is so ---------------------------------------------------------------------------

    def quiet(self) -> history.Quiet:
        """Return what is so at a quiet point."""
        rows = self.orders_there()
        listed: Any = self.venue.handle(
            Request("GET", "/order", {"filter": {"open": True}, "count": 500}, self.account, RIGHTS)
        ).body
        there = {
            (r["orderID"], r["symbol"], r["side"], float(r["price"]), r["orderQty"], r["leavesQty"])
            for r in listed
        }
        here = {
            (o.order_id, o.symbol.ticker, o.side.value, float(o.price), o.quantity, o.leaves)
            for o in self.market.state.orders
        }
        with closing(sqlite3.connect(self.terminal.books)) as connection:
            intents = connection.execute("SELECT CLORDID, VERB, STATE FROM order_intents")
            written = tuple((str(n), str(v), str(s)) for n, v, s in intents)
        return history.Quiet(
            self.now,
            frozenset(here),
            frozenset(there),
            Counter(r["clOrdID"] for r in rows if r["clOrdID"]),
            frozenset(self.strangers),
            written,
            self.most_open,
        )


class _Noted:
    """Notes what becomes durable, on its way to the engine."""

    def __init__(self, inbox: Any, scene: Watched) -> None:
        self._inbox = inbox
        self._scene = scene

    def put(self, item: Any) -> None:
        if type(item).__name__ == "IntentWritten":
            self._scene.durable(item.intent.cl_ord_id, item.intent.verb)
        self._inbox.put(item)

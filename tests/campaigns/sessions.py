"""Long random sessions, then the books against the exchange's own ledger: `--seeds N`.

    python -m tests.campaigns.sessions --seeds 100 [--first 0] [--database sqlite|mariadb]

In every session several bots trade in each of five contracts and a spot pair, a person clicks
orders for them, other programs trade under clOrdIDs of all kinds, and money comes and goes. Funding
is paid, a dated contract is settled, the account is liquidated, prices leap; the stream breaks, the
terminal and the exchange are started anew, and things happen while the terminal is away. At quiet
points and at the end the tables are compared with `/control/truth` by execution, symbol, currency
and sum over all EMIs, each bot's position with what was traded in its name, CONTROL with net
deposits, and the program's own verification must find nothing. The same seed does the same again,
and every kind of event must have happened.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from api.simulator.ports import Request
from api.simulator.refusals import Refused
from common.domain.commands import AmendOrder, SetTrading, VerifyBooks
from common.domain.instruments import Category, Symbol
from common.domain.orders import Side, parse_cl_ord_id
from common.domain.robots import reserved_emi
from common.engine.bot_items import BotLoaded, BotOrder
from common.engine.snapshot import Health
from common.ledger.database import DatabaseSettings
from common.ledger.robots_table import add_robot
from common.settings_types import SqliteSettings
from tests.api.terminal.support import MARKET
from tests.campaigns.switches import SWITCHES, rule_of
from tests.campaigns.truth import TRANSFER, Tables, wrongs
from tests.common.engine.support import FakeRunner
from tests.common.ledger.conftest import mysql_settings
from tests.faults.scene import Scene
from tests.support.database import MariaDB

LINEAR = Symbol("XBTUSDT", Category.LINEAR)
INVERSE = Symbol("XBTUSD", Category.INVERSE)
QUANTO = Symbol("ETHUSD", Category.QUANTO)
DATED = Symbol("XBTZ26", Category.INVERSE)
SPOT = Symbol("XBT_USDT", Category.SPOT)
UNNAMED = Symbol("SOLUSDT", Category.LINEAR)  # traded by others; the settings do not name it
SYMBOLS = (LINEAR, INVERSE, QUANTO, DATED, SPOT)
LOTS = {LINEAR: 100, INVERSE: 100, QUANTO: 1, DATED: 100, SPOT: 1_000, UNNAMED: 100}
PERPETUAL = (LINEAR, INVERSE, QUANTO, UNNAMED)
BOTS = {
    **{"one": LINEAR, "two": LINEAR, "three": LINEAR},
    **{"in": INVERSE, "out": INVERSE, "left": QUANTO, "right": QUANTO},
    **{"near": DATED, "far": DATED, "cash": SPOT, "coin": SPOT},
}
# What others call their orders; {n} is a number, {bot} one of ours.
FOREIGN = (
    "",
    "mm_strange/x.y{n}",
    "{n}.unknown",
    ".{n}",
    "no-dot-{n}",
    "9{n}99.{bot}",
    "x{n}.{bot}",
)
CALM = 60.0  # virtual seconds within which everything must be settled
OUTAGE = 300.0  # virtual seconds within which faults let a terminal come up
STEP = 0.25  # virtual seconds
ACTIONS = 200  # of a session
QUIET_POINTS = 4  # of a session, the end counted in
USUAL = (
    *("strategy", "strategy", "manual", "manual", "foreign", "foreign", "foreign"),
    *("fill", "fill", "fill", "funding", "cancel", "amend"),
)
SELDOM = ("fault", "fault", "credit", "move", "reconnect", "restart", "venue", "away")
ONCE = {"settlement": 0.5, "liquidation": 0.7}  # when, as a part of the session
EVENTS = (
    *dict.fromkeys((*USUAL, *SELDOM, *ONCE)),
    "spot",
    "split",
    "offset",
    "transfer",
    "verified",
)


@dataclass
class Outcome:
    """What came of one seed."""

    seed: int
    executions: int = 0
    rows: int = 0
    happened: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)


class Bots(FakeRunner):
    """Strategies that are loaded at once; their orders come from the session."""

    def start(self, inbox: Any) -> None:
        self._inbox = inbox

    def start_bot(self, call: Any) -> None:
        super().start_bot(call)
        self._inbox.put(BotLoaded(call.view.robot.emi))


class Session:
    """One seed on one database."""

    def __init__(
        self, seed: int, folder: Path, database: DatabaseSettings, actions: int = ACTIONS
    ) -> None:
        self.outcome = Outcome(seed)
        self._chance = random.Random(f"session {seed}")
        self._folder = folder
        self._database = database
        self._numbers = iter(range(1, 10**9))
        self._seed = seed % 7 + 1
        self._actions = actions
        self._scenes = ExitStack()
        self._scene: Scene | None = None
        self._bots = Bots()
        self._expired = False  # the dated contract

    @property
    def scene(self) -> Scene:
        """The terminal of now."""
        assert self._scene is not None
        return self._scene

    def run(self) -> Outcome:
        """Live through everything and compare."""
        for emi, symbol in BOTS.items():
            add_robot(self._database, MARKET, emi, symbol.ticker, symbol.category.value, 1, 1000)
        once = {int(part * self._actions): what for what, part in ONCE.items()}
        quiet = {self._actions * n // QUIET_POINTS - 1 for n in range(1, QUIET_POINTS + 1)}
        try:
            with self._scenes:
                self._begin()
                for number in range(self._actions):
                    seldom = self._chance.random() < 0.2
                    what = once.get(number) or self._chance.choice(SELDOM if seldom else USUAL)
                    self._do(what)
                    if number in quiet:
                        self._compare()
        except AssertionError as error:
            self.outcome.violations.append(str(error))
        return self.outcome

    # ---- the terminal and its exchange ----------------------------------------------------------

    def _begin(self) -> None:
        """Start a terminal, on the exchange of the former one where there was one."""
        self._bots = Bots()
        former, self._scene = (
            self._scene,
            Scene(
                self._folder,
                seed=self._seed,
                step=STEP,
                symbols=SYMBOLS,
                more=(UNNAMED.ticker,),
                runner=self._bots,
                database=self._database,
                former=self._scene,
            ),
        )
        self._scenes.enter_context(self._scene)
        if former is None:
            self.scene.exchange.faults.random.seed(self._seed)
        self.scene.live(OUTAGE)

    def _do_restart(self) -> None:
        self._scenes.close()
        self._begin()

    def _do_away(self) -> None:
        """The terminal is off while others trade and funding is paid."""
        scene = self.scene
        self._scenes.close()
        for what in ("foreign", "funding", "fill", "foreign", "credit"):
            later = scene.clock.monotonic() + self._chance.uniform(0.1, 5.0)
            scene.exchange.run_until(later)
            self._do(what, live=False)
        self._begin()

    def _do_venue(self) -> None:
        """The exchange goes away and comes back from its state."""
        venue = self.scene.venue
        self.scene.arm(fault="maintenance", until=6.0)
        self.scene.arm(fault="drop")
        self.scene.at(3.0, lambda: venue.load(json.loads(json.dumps(venue.dump()))))
        self.scene.run(4.0)
        self.scene.live(OUTAGE)

    def _do_fault(self) -> None:
        """Something of what the campaign of faults does."""
        self.scene.arm(**rule_of(self._chance.choice(list(SWITCHES))))

    def _do_reconnect(self) -> None:
        before = self.scene.fired("drop")
        self.scene.arm(fault="drop")
        self.scene.until(lambda: self.scene.fired("drop") > before)

    # ---- what happens ---------------------------------------------------------------------------

    def _do(self, what: str, *, live: bool = True) -> None:
        """Let something happen; what the exchange refuses has not happened."""
        try:
            done = getattr(self, f"_do_{what}")()
        except Refused:
            return
        if done is not False:
            self.outcome.happened[what] += 1
        if live:
            self.scene.run(self._chance.uniform(0.2, 4.0))

    def _quantity(self, symbol: Symbol) -> int:
        return self._chance.randint(1, 20) * LOTS[symbol]

    def _price(self, symbol: Symbol, side: Side) -> Decimal | None:
        """Return a price that rests, or one that trades at once."""
        row: Any = self._ask("GET", "/instrument", symbol=symbol.ticker)[0]
        if row["state"] != "Open":
            return None
        part = self._chance.choice((-2, -2, 2, 8)) * side.sign
        tick = Decimal(str(row["tickSize"]))
        return round(Decimal(str(row["midPrice"])) * (1000 - part) / 1000 / tick) * tick

    def _do_strategy(self) -> bool:
        """A strategy places an order."""
        emi, symbol = self._chance.choice(list(BOTS.items()))
        side = self._chance.choice(tuple(Side))
        price = self._price(symbol, side)
        if price is None:
            return False
        self._switch(on=True)
        call = next(self._numbers)
        order = BotOrder(
            emi, call, "post", MARKET, symbol, emi, side, price, self._quantity(symbol)
        )
        self.scene.engine.inbox.put(order)
        self.scene.run(STEP)
        return any(of == call and answer.cl_ord_id for _, of, answer in self._bots.answers)

    def _switch(self, *, on: bool) -> None:
        """Press F9: strategies trade while it is ON, people while it is OFF."""
        self.scene.engine.inbox.put(SetTrading(on=on))
        self.scene.run(STEP)

    def _do_manual(self) -> bool:
        """A person clicks an order for a bot or for nobody's."""
        symbol, side = self._chance.choice(SYMBOLS), self._chance.choice(tuple(Side))
        price, before = self._price(symbol, side), len(self.scene.orders_there())
        if price is None:
            return False
        mine = [emi for emi, own in BOTS.items() if own == symbol]
        emi = self._chance.choice((*mine, ""))
        self._switch(on=False)
        self.scene.terminal.place(symbol, side, self._quantity(symbol), price, emi)
        self.scene.run(2 * STEP)
        return len(self.scene.orders_there()) > before

    def _do_foreign(self) -> bool:
        """Another program places an order with this account's key."""
        symbol, side = self._chance.choice(list(LOTS)), self._chance.choice(tuple(Side))
        name = self._chance.choice(FOREIGN)
        bots = [emi for emi, own in BOTS.items() if own == symbol] or list(BOTS)
        name = name.format(n=next(self._numbers), bot=self._chance.choice(bots))
        price = self._price(symbol, side)
        if price is None:
            return False
        order = {"symbol": symbol.ticker, "side": str(side), "orderQty": self._quantity(symbol)}
        kind = {"ordType": "Market"} if self._chance.random() < 0.4 else {"price": float(price)}
        return bool(
            self._ask("POST", "/order", **order, **kind, **({"clOrdID": name} if name else {}))
        )

    def _do_fill(self) -> bool:
        """Somebody trades with a resting order, in parts."""
        there = self.scene.open_there()
        if not there:
            return False
        order = self._chance.choice(there)
        lot = next(lot for symbol, lot in LOTS.items() if symbol.ticker == order["symbol"])
        lots = self._chance.randint(1, order["leaves"] // lot)
        parts = self._chance.randint(1, min(4, lots))
        self.scene.venue.interventions.fill_order(order["orderID"], lots * lot, parts)
        return True

    def _do_cancel(self) -> bool:
        there = self.scene.open_there()
        if not there:
            return False
        order = self._chance.choice(there)
        self.scene.terminal.cancel(order["clOrdID"] or order["orderID"])
        return True

    def _do_amend(self) -> bool:
        orders = [o for o in self.scene.market.state.orders if o.price is not None]
        if not orders:
            return False
        order = self._chance.choice(orders)
        lots = self._chance.randint(1, 20) * LOTS[order.symbol]
        event = 10**6 + next(self._numbers)
        self.scene.engine.inbox.put(AmendOrder(event, MARKET, order.key, None, lots))
        return True

    def _do_funding(self) -> None:
        symbol = self._chance.choice(PERPETUAL).ticker
        rate = self._chance.choice((-1, 1)) * self._chance.randint(1, 400)
        self.scene.venue.interventions.force_funding(symbol, rate)

    def _do_settlement(self) -> None:
        """A position in the dated contract is settled; where nobody has one, somebody buys."""
        self._trade_dated(500, "near")
        if self._seed % 2:  # nothing is left for the exchange to settle
            self._trade_dated(-self.scene.market.state.booked_position(DATED), "far")
        self.scene.venue.interventions.expire(DATED.ticker)
        self._expired = True

    def _trade_dated(self, contracts: int, emi: str) -> None:
        side = "Buy" if contracts > 0 else "Sell"
        self._ask("POST", "/order", symbol=DATED.ticker, side=side, orderQty=abs(contracts),
                  ordType="Market", clOrdID=f"{next(self._numbers)}77.{emi}")  # fmt: skip
        self.scene.run(2.0)

    def _do_liquidation(self) -> None:
        self.scene.venue.interventions.liquidate(self.scene.account)

    def _do_credit(self) -> None:
        amount = self._chance.choice((-1, 1, 1)) * self._chance.randint(1, 10**7)
        currency = self._chance.choice(("XBt", "USDt"))
        self.scene.venue.interventions.credit(self.scene.account, currency, amount)

    def _do_move(self) -> None:
        asset = self._chance.choice(("XBT", "ETH", "SOL"))
        self.scene.venue.interventions.move_market(asset, self._chance.uniform(0.99, 1.01))

    def _ask(self, method: str, path: str, **params: Any) -> Any:
        """Ask the exchange as another program of the account; None where it refuses."""
        scene = self.scene
        scene.exchange.settle()
        request = Request(method, path, params, scene.account, frozenset({"order"}))
        answer = scene.venue.handle(request)
        scene.exchange.settle()
        return answer.body if answer.status == 200 else None

    # ---- what must be so ------------------------------------------------------------------------

    def _compare(self) -> None:
        """Wait until nothing is under way, then look at everything."""
        self.scene.exchange.faults.disarm()
        found = self._settle()
        if found and self.scene.health is Health.LIVE:
            # A row that the stream lost without a trace is only found by the program's own look.
            self._own_verdict()
            found = self._settle()
        self.outcome.violations += dict.fromkeys([*found, *(self._wrongs() if found else [])])
        if not found:
            self.outcome.violations += self._own_verdict()
            self.outcome.violations += controls(self.scene, self._sent())
            self.outcome.happened["verified"] += not self.outcome.violations
        self._count_events()

    def _settle(self) -> list[str]:
        """Return what differs still when time is up."""
        scene, found = self.scene, ["nothing was compared"]
        end = scene.now + CALM
        while found and scene.now < end:
            scene.run(1.0)
            found = [] if scene.health is Health.LIVE else [f"{scene.health} {scene.reason}"]
            found = found or [*scene.differing_orders(), *self._wrongs()]
        return found

    def _sent(self) -> Any:
        truth: Any = self.scene.venue.interventions.truth()
        return next(each for each in truth["accounts"] if each["account"] == self.scene.account)

    def _wrongs(self) -> list[str]:
        sent, tables = self._sent(), Tables.read(self._database)
        self.outcome.executions, self.outcome.rows = len(sent["executions"]), len(tables.coins)
        return [*wrongs(sent, tables), *positions_of_bots(sent, tables, self.scene, self._expired)]

    def _own_verdict(self) -> list[str]:
        """Press the button; what the stream got wrong is read again, then nothing may be found."""
        found, end = self._asked_verdict(), self.scene.now + CALM
        if found:
            self.outcome.happened["healed"] += 1
        while found and self.scene.now < end:
            self.scene.run(5.0)
            found = self._asked_verdict() if self.scene.health is Health.LIVE else found
        return found

    def _asked_verdict(self) -> list[str]:
        scene, verifier = self.scene, self.scene.market.verifier
        before = verifier.status.finished
        scene.engine.inbox.put(VerifyBooks())
        scene.until(lambda: verifier.status.finished > before, CALM)
        scene.run(1.0)
        status = verifier.status
        problem = [status.problem] if status.problem else []
        return [*problem, *(each.text for each in status.differences)]

    def _count_events(self) -> None:
        """Count what the exchange's own figures show to have happened."""
        sent, happened = self._sent(), self.outcome.happened
        happened["spot"] += any(row["symbol"] == SPOT.ticker for row in sent["executions"])
        shares = Counter(c.exec_id for c in Tables.read(self._database).coins if c.is_funding)
        happened["transfer"] += any(
            coin.exec_id.startswith(TRANSFER) for coin in Tables.read(self._database).coins
        )
        happened["split"] += any(count > 2 for count in shares.values())
        signs: dict[str, set[bool]] = defaultdict(set)
        for row in self.scene.terminal.snapshot.robots:
            if row.position:
                signs[row.symbol.ticker].add(row.position > 0)
        happened["offset"] += any(len(both) == 2 for both in signs.values())


def positions_of_bots(sent: Any, tables: Tables, scene: Scene, expired: bool = False) -> list[str]:
    """Compare every EMI's position in the tables and on the screen with what was traded for it.

    Whose a trade is follows from its clOrdID alone; a settlement closes everybody, and so does the
    end of the dated contract where there was nothing to settle.
    """
    expected: Counter[tuple[str, str]] = Counter()
    symbols = {symbol.ticker: symbol for symbol in LOTS}
    for row in sent["executions"]:
        symbol = symbols[row["symbol"]]
        if row["kind"] == "Settlement":
            for key in [key for key in expected if key[1] == symbol.ticker]:
                del expected[key]
        elif row["kind"] == "Trade":
            emi = parse_cl_ord_id(row["clOrdID"]).emi or ""
            owner = emi if BOTS.get(emi) == symbol else reserved_emi(symbol)
            expected[owner, symbol.ticker] += row["contracts"]
    if expired:
        expected = Counter({key: n for key, n in expected.items() if key[1] != DATED.ticker})
    booked: Counter[tuple[str, str]] = Counter()
    for coin in tables.coins:
        booked[coin.emi, coin.symbol] += coin.contracts
    shown = Counter({(r.emi, r.symbol.ticker): r.position for r in scene.terminal.snapshot.robots})
    return [
        f"position of {key}: {booked[key]} booked, {shown[key]} shown, {expected[key]} traded"
        for key in expected.keys() | booked.keys()
        if not booked[key] == expected[key] == shown[key]
    ]


def controls(scene: Scene, sent: Any) -> list[str]:
    """Compare CONTROL of every currency with what was deposited, by the exchange's ledger."""
    found, ledger = [], sent["ledger"]
    deposits = Counter(ledger["money"])
    money = {
        symbol.ticker: "XBt" if symbol in (INVERSE, QUANTO, DATED) else "USDt" for symbol in LOTS
    }
    for ticker, sums in ledger["instruments"].items():
        deposits[money[ticker]] += sums["cost"] + sums["fee"] + sums["funding"]
        deposits["XBt"] -= sums["contracts"] if ticker == SPOT.ticker else 0
    rows = {row.currency: row for row in scene.terminal.snapshot.accounts}
    for currency, deposited in deposits.items():
        row = rows[currency]
        if row.control is None or row.control != deposited or row.alarm:
            found.append(f"CONTROL of {currency} is {row.control}, deposited were {deposited}")
    return found


def campaign(
    seeds: Sequence[int],
    database: Callable[[Path], DatabaseSettings],
    actions: int = ACTIONS,
) -> tuple[list[Outcome], Counter[str]]:
    """Run seeds one after the other; return what came of them and how often what happened."""
    outcomes, happened = [], Counter[str]()
    for seed in seeds:
        with tempfile.TemporaryDirectory() as folder:
            outcome = Session(seed, Path(folder), database(Path(folder)), actions).run()
        outcomes.append(outcome)
        happened += outcome.happened
    return outcomes, happened


def in_file(folder: Path) -> DatabaseSettings:
    """Return the settings of a file."""
    return SqliteSettings(folder / "books.db")


def on_server(server: MariaDB, _: Path) -> DatabaseSettings:
    """Return the settings of an empty database of a server."""
    return mysql_settings(server, server.create_database())


def never(happened: Counter[str]) -> list[str]:
    """Return the events that did not happen."""
    return [event for event in EVENTS if not happened[event]]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.campaigns.sessions", description=__doc__)
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--database", choices=("sqlite", "mariadb"), default="sqlite")
    given = parser.parse_args()
    logging.disable(logging.CRITICAL)
    began = time.monotonic()
    seeds = range(given.first, given.first + given.seeds)
    with tempfile.TemporaryDirectory() as folder:
        if given.database == "mariadb":
            server = MariaDB(Path(folder))
            server.start()
            try:
                outcomes, happened = campaign(seeds, partial(on_server, server))
            finally:
                server.stop()
        else:
            outcomes, happened = campaign(seeds, in_file)
    for outcome in outcomes:
        if outcome.violations:
            print(f"seed {outcome.seed}: {outcome.violations[:10]}")
    for event in EVENTS:
        print(f"{event:18}{happened[event]:8}")
    bad = sum(bool(outcome.violations) for outcome in outcomes)
    print(
        f"{given.database}: {len(outcomes)} sessions, {sum(o.executions for o in outcomes)} "
        f"executions, {sum(o.rows for o in outcomes)} rows, {happened['verified']} times compared, "
        f"{happened['healed']} times a fault of the stream was found and mended; "
        f"{bad} sessions with differences; {time.monotonic() - began:.0f} s"
    )
    if never(happened):
        print(f"never happened: {', '.join(never(happened))}")
    return 1 if bad or never(happened) else 0


if __name__ == "__main__":
    sys.exit(main())

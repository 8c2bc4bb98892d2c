"""Seeded histories of orders, checked against I-19 to I-25: `--seeds N`.

    python -m tests.campaigns.orders --seeds 100 [--first 0]

Two bots trade through their own door while a person switches F9 and them in the middle of strategy
calls, of orders that wait to be written and of faults; places, moves and cancels orders by hand;
uses the kill levels; and starts the terminal again, cleanly, with F3, or because it was killed with
what its database had committed. Another program trades on the account and uses our numbers. After
each of two storms the exchange behaves; within a minute all must be settled. What never happened
fails the campaign.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path

from common.domain.commands import (
    AmendOrder,
    CancelAll,
    CancelOrder,
    Flatten,
    PlaceOrder,
    Scope,
)
from common.domain.orders import Side
from common.engine.order_gate import Ticket
from common.engine.requests import Request, SendOrder
from common.engine.snapshot import Health
from tests.api.terminal.support import MARKET
from tests.campaigns import driver, history
from tests.campaigns.driver import Outcome, Results, arm, open_intents, run_seeds
from tests.campaigns.switches import ORDER_SWITCHES, rule_of
from tests.campaigns.watched import BOTS, LOT, NOBODY, Watched
from tests.faults.scene import SYMBOL

STORM = 240.0  # virtual seconds
STORMS = 2  # of one seed
CALM = 60.0  # virtual seconds within which everything must be settled
SWITCHED = 8  # switches of one storm
MOST_ACTIONS = 3.0  # virtual seconds between two actions, at most
DEAD_MAN = 60  # seconds, in every third seed
MOST_OPEN = 20  # orders that a person lets stand

# What is done, and how often beside the others.
ACTS = {
    **{"f9": 10, "bot": 6, "fill": 14, "manual": 6, "amend": 5, "cancel": 4},
    **{"kill level": 2, "foreign": 2, "steal": 1, "end": 1},
}
# What has to happen in a campaign, beside the faults.
HAPPENS = (
    *("F9 OFF in a call", "F9 OFF over a queued order", "F9 OFF in a storm", "F9 ON"),
    *("bot OFF in a call", "bot OFF over a queued order", "bot OFF in a storm", "bot ON"),
    *("bot post done", "bot put done", "bot del done", "bot post refused"),
    *("manual order", "manual amendment", "manual cancel", "double click", "EXITS ONLY"),
    *("cancel all", "cancel a bot's", "flatten", "foreign order", "duplicate of another's order"),
    *("clean restart", "F3", "kill", "kill with jobs lost", "kill while an order is written"),
    *("withdrawn before it was written", "BLOCKED by a stranger's order", "dead man armed"),
)


def is_of_a_bot(request: Request) -> bool:
    """Whether a strategy has asked for a new order."""
    ticket = request.permit if isinstance(request, SendOrder) else None
    return isinstance(ticket, Ticket) and ticket.permit is not None


class OrderStorm:
    """One seed."""

    def __init__(self, seed: int, folder: Path) -> None:
        self._chance = random.Random(f"orders {seed}")
        names = list(ORDER_SWITCHES)
        dealt = [names[(seed * SWITCHED + place) % len(names)] for place in range(SWITCHED)]
        self.outcome = Outcome(seed, dealt)
        self._folder = folder
        self._click = 0
        self._reloads = 0

    def run(self) -> Outcome:
        """Storm, settle and compare, twice."""
        seed = self.outcome.seed
        dead_man = DEAD_MAN if seed % 3 == 0 else 0
        scene = Watched(self._folder, seed % 7 + 1, self._chance, dead_man)
        with scene:
            try:
                for _ in range(STORMS):
                    self._brave(scene)
            except AssertionError as error:
                self.outcome.violations.append(str(error))
        for name, found in history.check(scene.events).items():
            self.outcome.violations += [f"{name}: {each}" for each in found]
        self._count(scene)
        return self.outcome

    def _count(self, scene: Watched) -> None:
        scene.happened["dead man armed"] += sum(
            isinstance(event, history.DeadMan) and event.seconds > 0 for event in scene.events
        )
        self.outcome.fired += scene.happened
        self.outcome.fired += Counter(scene.exchange.faults.fired)
        self.outcome.orders = len(scene.orders_there())
        self.outcome.executions = len(scene.terminal.booked())

    def _brave(self, scene: Watched) -> None:
        self._answer(scene)
        scene.live(CALM)
        scene.exchange.faults.random.seed(self.outcome.seed)
        rules = [rule_of(name, ORDER_SWITCHES) for name in self.outcome.switches]
        arm(scene, rules, self._chance, STORM)
        scene.switch(True)
        end = scene.now + STORM
        while scene.now < end:
            scene.run(self._chance.uniform(0.1, MOST_ACTIONS))
            self._act(scene)
        scene.exchange.faults.disarm()
        drops = scene.fired("drop")  # a message that was lost alone shows at the next image only
        scene.arm(fault="drop")
        end = scene.now + CALM
        while scene.fired("drop") == drops and scene.now < end:
            self._answer(scene)
            scene.turn()
        scene.exchange.faults.disarm()
        self._settle(scene)

    def _settle(self, scene: Watched) -> None:
        """Wait until LIVE, in agreement, and every intent has its end."""
        scene.steal = False
        scene.switch(False)
        began = scene.now
        while not (self._agreed(scene) and scene.now - began > 1.0):
            if scene.now > began + CALM:
                here = f"{scene.health} {scene.reason}".strip()
                self.outcome.violations += [f"after a minute: {here}", *scene.differences()]
                break
            self._answer(scene)
            scene.run(0.5)
        self.outcome.took = max(self.outcome.took, scene.now - began)
        scene.events.append(scene.quiet())

    def _agreed(self, scene: Watched) -> bool:
        return (
            scene.health is Health.LIVE
            and not scene.line.orders_waiting
            and not scene.bots.running
            and not scene.differences()
            and not open_intents(scene.terminal.books)
        )

    # ---- what is done -------------------------------------------------------------------------

    def _act(self, scene: Watched) -> None:
        self._answer(scene)
        acts: dict[str, Callable[[Watched], None]] = {
            "f9": self._f9,
            "bot": self._bot,
            "fill": self._fill,
            "manual": self._manual,
            "amend": self._amend,
            "cancel": self._cancel,
            "kill level": self._kill_level,
            "foreign": self._foreign,
            "steal": self._steal,
            "end": self._end,
        }
        [name] = self._chance.choices(list(ACTS), list(ACTS.values()))
        acts[name](scene)

    def _answer(self, scene: Watched) -> None:
        """A stranger's order under our number blocks until a person has pressed F3."""
        if scene.health is Health.BLOCKED and "belongs to another order" in scene.reason:
            scene.happened["BLOCKED by a stranger's order"] += 1
            self._reload(scene)

    def _when(self, scene: Watched, what: str) -> None:
        """Wait for the wrong moment, and note which it is."""
        moments: dict[str, Callable[[], object]] = {
            "in a call": lambda: scene.bots.running,
            "over a queued order": lambda: any(is_of_a_bot(r) for r in scene.line.orders_waiting),
            "in a storm": lambda: True,
        }
        moment = self._chance.choice(list(moments))
        end = scene.now + 20.0
        while not moments[moment]() and scene.now < end:
            scene.turn()
        for name, is_so in moments.items():
            scene.happened[f"{what} {name}"] += bool(is_so())

    def _f9(self, scene: Watched) -> None:
        if not scene.trading:
            scene.switch(True)
            scene.happened["F9 ON"] += 1
        elif self._chance.random() < 0.1:
            scene.switch(True, entries=False)
            scene.happened["EXITS ONLY"] += 1
        elif self._chance.random() < 0.3:
            self._when(scene, "F9 OFF")
            scene.switch(False)

    def _bot(self, scene: Watched) -> None:
        emi = self._chance.choice(BOTS)
        if self._chance.random() < 0.75:
            scene.switch_bot(emi, on=True)
            scene.happened["bot ON"] += 1
        else:
            self._when(scene, "bot OFF")
            scene.switch_bot(emi, on=False)

    def _fill(self, scene: Watched) -> None:
        resting = scene.open_there()
        if resting:
            order = self._chance.choice(resting)
            parts = self._chance.randint(1, max(1, min(3, order["leaves"] // LOT)))
            scene.venue.interventions.fill_order(order["orderID"], parts=parts)

    def _manual(self, scene: Watched) -> None:
        """A click on Buy or Sell: its number is its quantity, so that it is known again."""
        if len(scene.open_there()) >= MOST_OPEN:
            return
        if scene.trading and self._chance.random() < 0.3:
            scene.switch(False)
        self._click += 1
        side = self._chance.choice((Side.BUY, Side.SELL))
        ticker = scene.terminal.gateway.ticker(SYMBOL)
        own = (ticker.bid if side is Side.BUY else ticker.ask) or Decimal(60_000)
        price = own - side.sign * self._chance.choice((Decimal(300), Decimal(900), Decimal(-100)))
        click = PlaceOrder(self._click, MARKET, SYMBOL, NOBODY, side, price, LOT * self._click)
        scene.engine.submit(click)
        scene.happened["manual order"] += 1
        if self._chance.random() < 0.3:
            scene.engine.submit(click)
            scene.happened["double click"] += 1

    def _amend(self, scene: Watched) -> None:
        mine = [o for o in scene.market.state.orders if o.emi == NOBODY and o.price is not None]
        if mine:
            order = self._chance.choice(mine)
            price = order.price + self._chance.choice((-2, -1, 0, 1, 2)) * Decimal(10)
            leaves = self._chance.choice((None, order.leaves + LOT))
            change = AmendOrder(self._event(), MARKET, order.key, price, leaves)
            scene.engine.submit(change)
            scene.happened["manual amendment"] += 1

    def _cancel(self, scene: Watched) -> None:
        orders = list(scene.market.state.orders)
        if orders:
            key = self._chance.choice(orders).key
            scene.engine.submit(CancelOrder(self._event(), MARKET, key))
            scene.happened["manual cancel"] += 1

    def _kill_level(self, scene: Watched) -> None:
        what = self._chance.choice(("cancel all", "cancel a bot's", "flatten"))
        emi = self._chance.choice(BOTS)
        scene.happened[what] += 1
        if what == "flatten":
            position = scene.market.state.position(emi, SYMBOL)
            sides = ((emi, Side.SELL if position > 0 else Side.BUY),) if position else ()
            scene.switch(False)
            scene.engine.submit(Flatten(self._event(), MARKET, SYMBOL, emi, sides))
            return
        scope = Scope(MARKET, emi=emi if what == "cancel a bot's" else None)
        scene.engine.submit(CancelAll(self._event(), scope))

    def _foreign(self, scene: Watched) -> None:
        scene.happened["foreign order"] += 1
        scene.foreign(price=1000 + self._chance.randrange(50), clOrdID=f"web-{scene.now:.2f}")

    def _steal(self, scene: Watched) -> None:
        scene.steal = True

    def _end(self, scene: Watched) -> None:
        """The process ends in one of the ways in which it may, and is started again."""
        how = self._chance.choice(("clean restart", "F3", "kill", "kill", "kill", "kill"))
        if how == "F3":
            self._reload(scene)
            return
        scene.happened[how] += 1
        if how == "kill":
            self._kill(scene)
        else:
            scene.stop()
        if self._chance.random() < 0.3:  # nobody starts it for a while
            scene.exchange.run_until(scene.now + self._chance.uniform(1.0, 90.0))
        self._reloads = 0
        scene.restart()

    def _kill(self, scene: Watched) -> None:
        lost, writing = self._chance.random() < 0.5, self._chance.random() < 0.5
        if writing:
            end = scene.now + 20.0
            while not scene.line.orders_waiting and scene.now < end:
                scene.turn()
        scene.happened["kill with jobs lost"] += lost
        scene.happened["kill while an order is written"] += scene.kill(lost=lost, writing=writing)

    def _reload(self, scene: Watched) -> None:
        scene.happened["F3"] += 1
        self._reloads += 1
        scene.stop()
        scene.restart(self._reloads)

    def _event(self) -> int:
        self._click += 1
        return self._click


def campaign(seeds: range) -> Results:
    """Run seeds one after the other; return what came of them and how often what happened."""
    return run_seeds(seeds, lambda seed, folder: OrderStorm(seed, folder).run())


def silent(fired: Counter[str]) -> list[str]:
    """Return what should have happened in the campaign and never did."""
    faults = {str(rule_of(name, ORDER_SWITCHES)["fault"]) for name in ORDER_SWITCHES}
    return sorted(what for what in (*faults, *HAPPENS) if not fired[what])


def summary(outcomes: Sequence[Outcome], fired: Counter[str]) -> str:
    """Say what else came of the seeds."""
    return (
        f"{fired['withdrawn before it was written']} orders withdrawn at the gate; settled after "
        f"{max(o.took for o in outcomes):.1f} s of virtual time at the latest"
    )


def main() -> int:
    name = "tests.campaigns.orders"
    return driver.run_from_command_line(name, __doc__, campaign, silent, summary)


if __name__ == "__main__":
    sys.exit(main())

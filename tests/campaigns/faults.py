"""Seeded storms of faults over a trading terminal, each followed by a calm: `--seeds N`.

    python -m tests.campaigns.faults --seeds 1000 [--first 0]

Every seed draws some switches and rates, trades through them for ten minutes of virtual time, then
the exchange behaves. Within 60 s the terminal must be LIVE and agree with the exchange's own
ledger: every execution booked once, the same position and open orders, no clOrdID used twice, no
intent without an end. The same seed does the same again. A switch that never fired fails.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from common.domain.commands import AmendOrder
from common.domain.orders import Side
from common.engine.snapshot import Health
from tests.api.terminal.support import MARKET
from tests.campaigns import driver
from tests.campaigns.driver import Outcome, Results, arm, open_intents, run_seeds
from tests.campaigns.switches import ANSWERED, SWITCHES, rule_of
from tests.faults.scene import Scene

STORM = 600.0  # virtual seconds
CALM = 60.0  # virtual seconds within which everything must be right again
DEALT = 6  # switches that a seed gets from the deck, so that all have their turn
MOST_ACTIONS = 6.0  # virtual seconds between two actions, at most
ANSWERED_EVERY = 10  # seeds in which somebody presses F3


def drawn(seed: int) -> list[str]:
    """Return the switches of a seed: the next of the deck, and some by chance."""
    names = list(SWITCHES)
    random.Random("deck").shuffle(names)
    dealt = [names[(seed * DEALT + place) % len(names)] for place in range(DEALT)]
    chance = random.Random(seed)
    more = chance.sample(names, min(len(names), int(chance.expovariate(0.5))))
    return list(dict.fromkeys([*dealt, *more]))


class Storm:
    """One seed."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.outcome = Outcome(seed, drawn(seed))
        self._chance = random.Random(f"storm {seed}")
        self._folder = folder
        self._event = 10_000

    def run(self) -> Outcome:
        """Trade through the storm, then compare."""
        try:
            with Scene(self._folder, seed=self.outcome.seed % 7 + 1, step=0.25) as scene:
                self._brave(scene)
            if self.outcome.seed % ANSWERED_EVERY == 0:
                self._answer()
        except AssertionError as error:
            self.outcome.violations.append(str(error))
        return self.outcome

    def _brave(self, scene: Scene) -> None:
        scene.live()
        scene.exchange.faults.random.seed(self.outcome.seed)
        rules = [rule_of(switch) for switch in self.outcome.switches]
        arm(scene, rules, self._chance, STORM)
        for at in (STORM * 0.3, STORM * 0.6, STORM * 0.9):  # images and pages are asked for again
            scene.at(at, lambda: scene.arm(fault="drop"))
        end = scene.now + STORM
        while scene.now < end:
            scene.run(self._chance.uniform(0.2, MOST_ACTIONS))
            self._act(scene)
        scene.exchange.faults.disarm()
        began = scene.now
        self._settle(scene)
        self.outcome.took = scene.now - began
        self.outcome.fired += Counter(scene.exchange.faults.fired)
        self.outcome.orders = len(scene.orders_there())
        self.outcome.executions = len(scene.terminal.booked())

    def _act(self, scene: Scene) -> None:
        what = self._chance.choice(("rest", "cross", "fill", "fill", "cancel", "amend", "foreign"))
        side = self._chance.choice((Side.BUY, Side.SELL))
        there = scene.open_there()
        if what in ("rest", "cross"):
            if len(there) < 15:
                scene.place(side, away="300" if what == "rest" else "-300")
        elif there:
            order = self._chance.choice(there)
            if what == "fill":
                parts = self._chance.randint(1, max(1, min(5, order["leaves"] // 100)))
                scene.venue.interventions.fill_order(order["orderID"], parts=parts)
            elif what == "cancel":
                scene.terminal.cancel(order["clOrdID"])
            elif what == "amend":
                self._amend(scene, order["clOrdID"])

    def _amend(self, scene: Scene, key: str) -> None:
        order = scene.market.state.orders.get(key)
        if order is None or order.price is None:
            return
        self._event += 1
        price = order.price + self._chance.choice((-1, 1)) * Decimal(5)
        scene.engine.inbox.put(AmendOrder(self._event, MARKET, key, price, None))

    def _settle(self, scene: Scene) -> None:
        """Wait until LIVE, in agreement, and every intent has its end."""

        def settled() -> bool:
            return (
                scene.health is Health.LIVE
                and not scene.differences()
                and not open_intents(scene.terminal.books)
            )

        end = scene.now + CALM
        while not settled():
            if scene.now > end:
                self.outcome.violations += [
                    f"{scene.health} {scene.reason}".strip(),
                    *scene.differences(),
                    *open_intents(scene.terminal.books),
                ]
                return
            scene.run(0.5)
        if scene.doubles() > 1:
            self.outcome.violations.append("a clOrdID was used twice")

    def _answer(self) -> None:
        """A key of another account blocks until somebody presses F3."""
        with Scene(self._folder, seed=self.outcome.seed % 7 + 1, account=4711) as scene:
            scene.until(lambda: scene.health is Health.BLOCKED, CALM)
        with Scene(self._folder, seed=1, account=4711, reloads=1) as scene:
            scene.arm(fault=ANSWERED)
            scene.live()
            scene.arm(fault="drop")
            scene.until(lambda: scene.fired("drop") > 0, CALM)
            scene.run(CALM)
            self.outcome.fired += Counter(scene.exchange.faults.fired)


def campaign(seeds: range) -> Results:
    """Run seeds one after the other; return what came of them and how often what fired."""
    return run_seeds(seeds, lambda seed, folder: Storm(seed, folder).run())


def silent(fired: Counter[str]) -> list[str]:
    """Return the faults of the campaign that never happened."""
    wanted = {rule_of(switch)["fault"] for switch in SWITCHES} | {ANSWERED}
    return sorted(fault for fault in wanted if not fired[fault])


def summary(outcomes: Sequence[Outcome], fired: Counter[str]) -> str:
    """Say what else came of the seeds."""
    took = sorted(outcome.took for outcome in outcomes)
    return (
        f"{sum(fired.values())} faults; right again after {took[len(took) // 2]:.1f} s (median), "
        f"{took[-1]:.1f} s (longest) of virtual time"
    )


def main() -> int:
    name = "tests.campaigns.faults"
    return driver.run_from_command_line(name, __doc__, campaign, silent, summary)


if __name__ == "__main__":
    sys.exit(main())

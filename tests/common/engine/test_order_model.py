"""The desk in thousands of orders of requests, answers, news, losses and restarts, by seed."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest

from common.domain.orders import Phase
from common.engine.orders import Change, LiveOrder
from tests.common.engine.order_model import (
    LATEST,
    LOST,
    OUTCOMES,
    PRICES,
    SIZES,
    Model,
    table_rules,
)

WALKS = 3500
STEPS = 60
MOST_ORDERS = 3  # at a time: what goes wrong goes wrong with few


class Walk:
    """One seed: it chooses what happens next, then there is calm."""

    def __init__(self, seed: int) -> None:
        self.model = Model()
        self.story: list[str] = []
        self._chance = random.Random(seed)
        self._bent = self._chance.choice(OUTCOMES)  # an outcome that is frequent in this walk

    def run(self) -> None:
        """Go all steps; whatever breaks a promise raises AssertionError."""
        kinds: dict[Callable[[], None], int] = {
            self._go_on: 8,
            self._answer: 26,
            self._carry_out: 12,
            self._place: 14,
            self._amend: 16,
            self._cancel: 4,
            self._fill: 7,
            self._hear: 8,
            self._write: 16,
            self._wait: 10,
            self._work_on: 2,
            self._switch: 2,
            self._lose_stream: 3,
            self._restart: 1,
        }
        # Each walk has its own temper: what is seldom in one is frequent in another.
        often = [weight * self._chance.choice([0.2, 1.0, 4.0]) for weight in kinds.values()]
        for _ in range(STEPS):
            self._chance.choices(list(kinds), often)[0]()
        self._say("calm")
        self.model.calm()

    def _say(self, *what: object) -> None:
        self.story.append(" ".join(map(str, what)))

    # ---- people, bots, exchange ---------------------------------------------------------------

    def _place(self) -> None:
        if len(self.model.state.orders.live) < MOST_ORDERS:
            bot, price = self._coin(), self._chance.choice(PRICES)
            self._say("place", f"{bot=}", price)
            self.model.place(bot=bot, price=price, quantity=self._chance.choice(SIZES))

    def _some(self) -> LiveOrder | None:
        orders = list(self.model.state.orders)
        return self._chance.choice(orders) if orders else None

    def _amend(self) -> None:
        if order := self._some():
            price = self._chance.choice([None, *PRICES])
            change = Change(price, self._chance.choice([None, *SIZES]), bot=self._coin())
            change = replace(change, event=None if change.bot else 3)
            self._say("amend", order.key, change)
            self.model.amend(order, change)

    def _cancel(self) -> None:
        if order := self._some():
            self._say("cancel", order.key)
            self.model.cancel(order)

    def _switch(self) -> None:
        on = self._chance.random() < 0.7
        self._say("F9", on)
        self.model.switch(on=on)

    def _fill(self) -> None:
        orders = self.model.exchange.open()
        if not orders:
            return
        order, quantity = self._chance.choice(orders), self._chance.choice(SIZES)
        self._say("fill", order.cl_ord_id, quantity)
        if quantity <= order.leaves:
            self.model.exchange.fill(order, quantity)
        else:  # somebody cancels it by another way
            self.model.exchange.tell(order, phase=Phase.CANCELED, leaves=0)

    # ---- network, stream, database --------------------------------------------------------------

    def _go_on(self) -> None:
        self._say("go on")
        if not self.model.connected and self._chance.random() < 0.2:
            self._say("connect")
            self.model.connect()
        for _ in range(self._chance.choice([1, 3])):
            self.model.go_on()

    def _work_on(self) -> None:
        """Half a minute in which all but the stream works."""
        self._say("work on")
        for _ in range(60):
            self.model.wait(0.5)
            self.model.go_on()

    def _wire(self) -> str:
        return self._chance.choice([name for name, queue in self.model.queues.items() if queue])

    def _answer(self) -> None:
        if any(self.model.queues.values()):
            name = self._wire()
            how = self._chance.choice(["good", self._bent, self._chance.choice(OUTCOMES)])
            delay = self._chance.choice([0.25, 2.0, LATEST])
            self._say("answer", self.model.queues[name][0].request, how, delay)
            self.model.answer(name, how, delay)

    def _carry_out(self) -> None:
        if any(self.model.queues.values()):
            name = self._wire()
            self._say("carry out", self.model.queues[name][0].request)
            self.model.carry_out(name)

    def _hear(self) -> None:
        if self.model.connected and self.model.exchange.news:
            self._say("hear", self.model.exchange.news[0])
            self.model.hear()

    def _write(self) -> None:
        if self.model.ledger.waiting:
            self._say("write", self.model.ledger.waiting[0])
            self.model.write()

    def _wait(self) -> None:
        seconds = self._chance.choice([0.25, 0.5, 2.0, 6.0])
        self._say("wait", seconds)
        self.model.wait(seconds)

    def _lose_stream(self) -> None:
        if self.model.connected:
            self._say("disconnect")
            self.model.disconnect()
        else:
            self._say("connect")
            self.model.connect()

    def _restart(self) -> None:
        arrives = self._coin()
        self._say("restart", f"{arrives=}")
        self.model.restart(arrives=arrives)

    def _coin(self) -> bool:
        return self._chance.random() < 0.5


def test_no_order_of_events_sends_an_order_twice_or_leaves_one_unknown() -> None:
    seen: Counter[str] = Counter()
    with table_rules():
        for seed in range(WALKS):
            walk = Walk(seed)
            try:
                walk.run()
            except AssertionError as error:
                story = "\n".join(walk.story)
                raise AssertionError(f"seed {seed}: {error}\n{story}") from error
            seen.update(walk.model.seen)
    missing = {f"{kind} {how}" for kind in ("SendOrder", "SendAmend") for how in OUTCOMES}
    missing |= {f"SendCancel {how}" for how in ("good", *LOST)}
    missing |= {"ACCEPTED", "REFUSED", "NOT_PLACED", "given up", "Withdrawn"}
    assert missing - {name for name, count in seen.items() if count >= 10} == set()


def test_the_model_notices_a_state_that_the_table_does_not_allow() -> None:
    model = Model()
    model.place(bot=False, price=PRICES[0], quantity=SIZES[0])
    model.go_on()
    model.go_on()
    [order] = model.state.orders
    assert order.phase is Phase.OPEN
    with table_rules(), pytest.raises(AssertionError, match="not in the table"):
        order.phase = Phase.PENDING

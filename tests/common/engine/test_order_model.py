"""Every order of requests, answers, news, losses and restarts that hypothesis can think of."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from common.domain.orders import Phase
from common.engine.orders import Change
from tests.common.engine import order_model
from tests.common.engine.order_model import LATEST, OUTCOMES, PRICES, SIZES, Model

BOTH = st.booleans()
WIRE = st.sampled_from(["orders", "orders", "orders", "cancels"])
SELDOM = st.sampled_from([False, False, False, True])
WHICH = st.integers(0, 3)
MOST_ORDERS = 3  # at a time: what goes wrong goes wrong with few


class Orders(RuleBasedStateMachine):
    """The model, driven by hypothesis."""

    def __init__(self) -> None:
        super().__init__()
        self.table = order_model.table_rules()
        self.table.__enter__()
        self.model = Model()

    def teardown(self) -> None:
        try:
            self.model.calm()
        finally:
            self.table.__exit__(None, None, None)

    # ---- people and bots --------------------------------------------------------------------

    @precondition(lambda self: len(self.model.state.orders.live) < MOST_ORDERS)
    @rule(bot=BOTH, price=st.sampled_from(PRICES), quantity=st.sampled_from(SIZES))
    def place(self, bot: bool, price: Decimal, quantity: int) -> None:
        self.model.place(bot=bot, price=price, quantity=quantity)

    @precondition(lambda self: self.model.state.orders.live)
    @rule(
        which=WHICH,
        bot=BOTH,
        price=st.sampled_from([None, *PRICES]),
        leaves=st.sampled_from([None, *SIZES]),
    )
    def amend(self, which: int, bot: bool, price: Decimal | None, leaves: int | None) -> None:
        order = order_model.chosen(list(self.model.state.orders), which)
        if order is not None:
            self.model.amend(order, Change(price, leaves, None if bot else 3, bot))

    @precondition(lambda self: self.model.state.orders.live)
    @rule(which=WHICH)
    def cancel(self, which: int) -> None:
        order = order_model.chosen(list(self.model.state.orders), which)
        if order is not None:
            self.model.cancel(order)

    @rule(on=BOTH)
    def switch(self, on: bool) -> None:
        self.model.switch(on=on)

    # ---- the exchange -----------------------------------------------------------------------

    @precondition(lambda self: self.model.exchange.open())
    @rule(which=WHICH, quantity=st.sampled_from(SIZES))
    def fill(self, which: int, quantity: int) -> None:
        orders = self.model.exchange.open()
        self.model.exchange.fill(orders[which % len(orders)], quantity)

    @precondition(lambda self: self.model.exchange.open())
    @rule(which=WHICH)
    def cancelled_elsewhere(self, which: int) -> None:
        orders = self.model.exchange.open()
        self.model.exchange.tell(orders[which % len(orders)], phase=Phase.CANCELED, leaves=0)

    # ---- network, stream, database ------------------------------------------------------------

    @precondition(lambda self: any(self.model.queues.values()))
    @rule(name=WIRE)
    def carry_out(self, name: str) -> None:
        if self.model.queues[name]:
            self.model.carry_out(name)

    @precondition(lambda self: any(self.model.queues.values()))
    @rule(name=WIRE, how=st.sampled_from(OUTCOMES), delay=st.sampled_from([0.25, 2.0, LATEST]))
    def answer(self, name: str, how: str, delay: float) -> None:
        if self.model.queues[name]:
            self.model.answer(name, how, delay)

    @precondition(lambda self: self.model.connected and self.model.exchange.news)
    @rule()
    def hear(self) -> None:
        self.model.hear()

    @precondition(lambda self: self.model.ledger.waiting)
    @rule()
    def write(self) -> None:
        self.model.write()

    @rule(seconds=st.sampled_from([0.25, 1.0, 4.0, 16.0]))
    def wait(self, seconds: float) -> None:
        self.model.wait(seconds)

    @rule()
    def go_on(self) -> None:
        self.model.go_on()

    @precondition(lambda self: self.model.connected)
    @rule(really=SELDOM)
    def disconnect(self, really: bool) -> None:
        if really:
            self.model.disconnect()

    @precondition(lambda self: not self.model.connected)
    @rule()
    def connect(self) -> None:
        self.model.connect()

    @rule(really=SELDOM, arrives=BOTH)
    def restart(self, really: bool, arrives: bool) -> None:
        if really:
            self.model.restart(arrives=arrives)


def test_every_order_of_events_keeps_orders_once_and_known() -> None:
    run_state_machine_as_test(
        Orders,
        settings=settings(
            max_examples=250,
            stateful_step_count=40,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )

"""The order desk: what may leave, how its outcome is learned, and that nothing is sent twice."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from common.domain.account import Account
from common.domain.books import SIDE_BUY, Entry, Intent
from common.domain.executions import ExecutionKind
from common.domain.orders import Phase, Side
from common.domain.robots import Robot, Status
from common.domain.trading_limits import TradingLimits
from common.engine.desk import Ask, Desk
from common.engine.inquiry import MIN_UNKNOWN
from common.engine.items import IntentWritten, Reply
from common.engine.notices import NoticeBoard
from common.engine.orders import Change
from common.engine.requests import FindOrder, SendAmend, SendCancel, SendOrder
from common.engine.state import MarketState
from common.errors import (
    ExchangeUnavailable,
    OrderNotFound,
    OrderRefused,
    OutcomeUnknown,
    TmaticError,
)
from tests.common.engine.support import (
    INVERSE,
    KEY,
    LINEAR,
    START,
    USDT,
    XBT,
    XBTUSD,
    XBTUSDT,
    FakeGateway,
    FakeLedger,
    ManualClock,
    Timers,
    accepted,
    order,
    robot,
)


class Bench:
    """A desk with everything it needs."""

    def __init__(self, limits: TradingLimits | None = None) -> None:
        self.clock = ManualClock()
        self.timers = Timers(self.clock)
        self.gateway = FakeGateway()
        self.ledger = FakeLedger()
        self.notices = NoticeBoard(self.clock.now)
        self.live = True
        self.in_touch = True
        self.blocked = ""
        self.trading = True
        self.looked: list[float] = []  # when looks for an order were answered
        self.state = MarketState("Venue", KEY.network, (XBTUSDT, XBTUSD), limits=limits)
        self.state.instruments = {XBTUSDT: LINEAR, XBTUSD: INVERSE}
        self.state.currencies = {"USDt": USDT, "XBt": XBT}
        self.state.robots = {"bot1": robot(), "XBTUSDT.linear": robot("XBTUSDT.linear")}
        self.state.account = Account(1, "somebody")
        self.desk = Desk(
            self.state,
            self.gateway,
            self.ledger,
            self.clock,
            self.notices,
            later=self.timers.later,
            is_live=lambda: self.live,
            in_touch=lambda: self.in_touch,
            bots_may_trade=lambda _: self.trading,
            block=self.block,
        )
        self.desk.numbers.reserved(1, 500)

    def ask(
        self,
        *,
        emi: str = "bot1",
        side: Side = Side.BUY,
        price: str = "100.5",
        quantity: int = 100,
        event: int | None = 1,
    ) -> Ask:
        return Ask(XBTUSDT, emi, side, Decimal(price), quantity, event)

    def place(self, **wish: object) -> str:
        """Place an order and make its intent durable, so that the request leaves."""
        key = self.desk.place(self.ask(**wish)).key  # type: ignore[arg-type]
        self.durable()
        return key

    @staticmethod
    def rich() -> Robot:
        """Return bot1 with as many lots as it may want."""
        return replace(robot(), capital=10**6)

    def block(self, reason: str) -> None:
        self.blocked = reason

    def durable(self) -> None:
        intent = self.ledger.of("intent")[-1]
        assert isinstance(intent, Intent)
        self.desk.intent_written(IntentWritten(KEY, intent))

    def open_order(self, **wish: object) -> str:
        """Place an order that the exchange has accepted."""
        key = self.place(**wish)
        number, request = self.gateway.last(SendOrder)
        assert isinstance(request, SendOrder)
        answer = order(
            key, f"o-{key}", side=request.side, price=str(request.price), quantity=request.quantity
        )
        self.desk.wire.replied(accepted(number, request, answer))
        return key

    def lost(self) -> str:
        """Place an order whose answer does not come."""
        key = self.place()
        self.fail(SendOrder, OutcomeUnknown("timed out"))
        return key

    def cancel_in_vain(self, key: str) -> None:
        """Ask for the cancellation of an order that the exchange does not find."""
        self.desk.cancel(key)
        self.fail(SendCancel, OrderNotFound("not found"))

    def fail(self, kind: type, error: TmaticError) -> None:
        number, request = self.gateway.last(kind)
        self.desk.wire.replied(Reply("Venue", number, request, None, error))

    def settled(self) -> list[object]:
        return self.ledger.of("settle")

    def answer_looks(self, seconds: float, error: TmaticError | None = None) -> int:
        """Let time pass in which the exchange knows no order; return how often it was asked."""
        before = len(self.looked)
        for _ in range(round(2 * seconds)):
            self.timers.move(0.5)
            while (number := self.open_look()) is not None:
                look = Reply("Venue", number, FindOrder(""), None, error)
                self.desk.wire.replied(look)
                self.looked.append(self.clock.seconds)
        return len(self.looked) - before

    def open_look(self) -> int | None:
        """Return the number of a look that waits for its answer."""
        waiting = self.desk.wire.inquiry._asked
        looks = (n for n, asked in self.gateway.sent if isinstance(asked, FindOrder))
        return next((number for number in looks if number in waiting), None)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def phase_of(bench: Bench, key: str) -> Phase | None:
    live = bench.state.orders.get(key)
    return live.phase if live else None


def test_nothing_leaves_before_its_intent_is_durable(bench: Bench) -> None:
    key = bench.desk.place(bench.ask()).key

    assert bench.state.orders.get(key).phase is Phase.PENDING  # type: ignore[union-attr]
    assert bench.gateway.sent == []
    bench.durable()
    assert bench.gateway.count(SendOrder) == 1


def test_an_accepted_order_is_open_and_its_intent_settled(bench: Bench) -> None:
    key = bench.open_order()

    live = bench.state.orders.get(key)
    assert live is not None
    assert live.phase is Phase.OPEN
    assert bench.settled() == [(key, "ACCEPTED")]
    assert bench.notices.all()[-1].event == 1


def test_m4_a_refused_order_disappears_with_the_reason(bench: Bench) -> None:
    key = bench.place()
    bench.fail(SendOrder, OrderRefused("Invalid price"))

    assert bench.state.orders.get(key) is None
    assert bench.settled() == [(key, "REFUSED")]
    notice = bench.notices.all()[-1]
    assert notice.refused
    assert "Invalid price" in notice.text


def test_m4_an_order_of_unknown_outcome_is_asked_about_and_never_sent_again(bench: Bench) -> None:
    key = bench.lost()
    bench.timers.move(0.6)
    number, request = bench.gateway.last(FindOrder)
    bench.desk.wire.replied(accepted(number, request, order(key, "o9")))

    assert bench.gateway.count(SendOrder) == 1
    live = bench.state.orders.get(key)
    assert live is not None
    assert (live.phase, live.order_id) == (Phase.OPEN, "o9")
    assert bench.settled() == [(key, "ACCEPTED")]


def test_an_unknown_order_that_is_never_found_counts_as_not_placed(bench: Bench) -> None:
    key = bench.lost()
    bench.answer_looks(MIN_UNKNOWN)
    assert bench.settled() == []
    bench.answer_looks(1)

    assert bench.settled() == [(key, "NOT_PLACED")]
    assert bench.looked == [0.5, 1.5, 3.5, 7.5, 15.5]  # after 0.5, 1, 2, 4 and 8 seconds
    assert bench.gateway.count(FindOrder) == 5
    assert bench.gateway.count(SendOrder) == 1


def test_a_look_that_fails_does_not_count_as_not_found(bench: Bench) -> None:
    key = bench.lost()
    asked = bench.answer_looks(60, ExchangeUnavailable("no route"))
    assert asked <= 30  # the requests of a minute are for more than this
    assert bench.state.orders.get(key) is not None
    assert bench.settled() == []
    assert bench.answer_looks(3) == 2  # of the five that it takes
    assert bench.settled() == []
    bench.answer_looks(14)
    assert bench.settled() == [(key, "NOT_PLACED")]


def test_many_looks_in_a_short_time_do_not_replace_the_waiting(bench: Bench) -> None:
    """A request may be on its way for longer than five quick looks take."""
    key = bench.lost()
    for _ in range(6):
        bench.cancel_in_vain(key)
        bench.answer_looks(0.5)

    assert bench.gateway.count(FindOrder) > 5
    bench.answer_looks(MIN_UNKNOWN - 4)
    assert bench.settled() == []
    bench.answer_looks(8)
    assert bench.settled() == [(key, "NOT_PLACED")]


def test_asking_again_and_again_leaves_one_look_at_a_time(bench: Bench) -> None:
    key = bench.lost()
    for _ in range(6):
        bench.cancel_in_vain(key)
    bench.answer_looks(0.5)
    bench.in_touch = False
    bench.answer_looks(20)
    assert bench.answer_looks(80) == 10


def test_n10_an_order_is_not_given_up_while_the_stream_could_not_show_it(bench: Bench) -> None:
    key = bench.lost()
    bench.in_touch = False
    bench.answer_looks(60)

    assert phase_of(bench, key) is Phase.UNKNOWN
    assert bench.settled() == []
    bench.in_touch = True
    bench.answer_looks(8)
    assert bench.settled() == [(key, "NOT_PLACED")]


def test_the_stream_settles_an_unknown_order_even_if_it_filled_at_once(bench: Bench) -> None:
    key = bench.place()
    bench.fail(SendOrder, OutcomeUnknown("reset"))
    bench.desk.wire.reported(order(key, "o1", phase=Phase.FILLED, filled=100))

    assert bench.state.orders.get(key) is None
    assert bench.settled() == [(key, "ACCEPTED")]


def test_the_stream_settles_an_order_whose_answer_is_still_to_come(bench: Bench) -> None:
    """Else a break of the stream would ask about it anew, as of one that nobody has answered."""
    key = bench.place()
    bench.desk.wire.reported(order(key, "o1", seconds=2))
    assert bench.settled() == [(key, "ACCEPTED")]


def test_an_answer_that_comes_after_the_fill_does_not_revive_the_order(bench: Bench) -> None:
    key = bench.place()
    bench.desk.wire.reported(order(key, "o1", phase=Phase.FILLED, filled=100, seconds=2))
    number, request = bench.gateway.last(SendOrder)
    bench.desk.wire.replied(accepted(number, request, order(key, "o1", seconds=1)))

    assert bench.state.orders.get(key) is None


def test_p21_an_order_found_under_our_number_that_is_not_ours_is_an_alarm(bench: Bench) -> None:
    key = bench.lost()
    bench.timers.move(0.6)
    number, request = bench.gateway.last(FindOrder)
    bench.desk.wire.replied(accepted(number, request, order(key, "o9", side=Side.SELL)))

    assert "belongs to another order at the exchange" in bench.blocked
    assert bench.state.orders.get(key) is None
    assert bench.settled() == [(key, "REFUSED")]


def test_m2_p19_an_amendment_asks_for_filled_plus_wanted_rest(bench: Bench) -> None:
    key = bench.open_order(quantity=300)
    bench.desk.wire.reported(
        order(key, f"o-{key}", quantity=300, filled=100, seconds=5, phase=Phase.OPEN)
    )
    bench.desk.amend(key, Change(Decimal("100.6"), 400, event=2))
    bench.durable()

    _, request = bench.gateway.last(SendAmend)
    assert isinstance(request, SendAmend)
    assert (request.quantity, request.price) == (500, Decimal("100.6"))


def test_an_amendment_that_changes_nothing_sends_nothing(bench: Bench) -> None:
    key = bench.open_order()
    bench.desk.amend(key, Change(Decimal("100.50"), 100, bot=True))

    assert bench.gateway.count(SendAmend) == 0


def test_only_one_amendment_is_under_way_and_the_newest_wish_follows(bench: Bench) -> None:
    key = bench.open_order()
    bench.desk.amend(key, Change(Decimal("100.6"), None, event=2))
    bench.desk.amend(key, Change(Decimal("100.7"), None, event=3))
    bench.durable()
    bench.desk.amend(key, Change(Decimal("100.8"), None, event=4))
    assert bench.gateway.count(SendAmend) == 1
    number, request = bench.gateway.last(SendAmend)
    bench.desk.wire.replied(
        accepted(number, request, order(key, f"o-{key}", price="100.6", seconds=3))
    )
    bench.durable()

    assert bench.gateway.count(SendAmend) == 2
    _, newest = bench.gateway.last(SendAmend)
    assert isinstance(newest, SendAmend)
    assert newest.price == Decimal("100.8")


def test_an_order_that_fills_as_it_is_moved_is_told_with_its_new_price(bench: Bench) -> None:
    key = bench.open_order()
    bench.desk.amend(key, Change(Decimal("100.6"), None, event=2))
    bench.durable()
    number, request = bench.gateway.last(SendAmend)
    filled = order(key, f"o-{key}", price="100.6", filled=100, phase=Phase.FILLED, seconds=3)
    bench.desk.wire.reported(filled)
    bench.desk.wire.replied(accepted(number, request, filled))

    assert bench.notices.all()[-1].text == "Buy 0.0001 XBTUSDT at 100.6 (bot1) moved"


def test_an_order_may_be_moved_before_the_exchange_has_answered(bench: Bench) -> None:
    key = bench.place()
    bench.desk.amend(key, Change(Decimal("100.9"), None, bot=True))
    assert bench.gateway.count(SendAmend) == 0
    number, request = bench.gateway.last(SendOrder)
    bench.desk.wire.replied(accepted(number, request, order(key, "o1")))
    bench.durable()

    assert bench.gateway.count(SendAmend) == 1


def test_a_cancel_before_the_intent_is_durable_keeps_the_order_from_leaving(bench: Bench) -> None:
    key = bench.desk.place(bench.ask()).key
    bench.desk.cancel(key, event=2)
    bench.durable()

    assert bench.gateway.sent == []
    assert bench.state.orders.get(key) is None
    assert bench.settled() == [(key, "NOT_PLACED")]


def test_a_cancel_while_the_order_is_on_its_way_goes_out_after_the_answer(bench: Bench) -> None:
    key = bench.place()
    bench.desk.cancel(key, event=2)
    assert bench.gateway.count(SendCancel) == 0
    number, request = bench.gateway.last(SendOrder)
    bench.desk.wire.replied(accepted(number, request, order(key, "o1")))

    assert bench.gateway.count(SendCancel) == 1


def test_m5_a_cancel_is_allowed_when_nothing_else_is(bench: Bench) -> None:
    key = bench.open_order()
    bench.live = False
    bench.desk.cancel(key, event=2)

    assert bench.gateway.count(SendCancel) == 1


def test_an_unconfirmed_cancel_is_repeated_until_the_order_is_gone(bench: Bench) -> None:
    key = bench.open_order()
    bench.desk.cancel(key, event=2)
    for _ in range(3):
        bench.fail(SendCancel, OutcomeUnknown("503"))
        bench.timers.move(4.1)
    assert bench.gateway.count(SendCancel) == 4
    number, request = bench.gateway.last(SendCancel)
    ended = order(key, f"o-{key}", phase=Phase.CANCELED, seconds=9)
    bench.desk.wire.replied(accepted(number, request, ended))
    bench.timers.move(10)

    assert bench.state.orders.get(key) is None
    assert bench.gateway.count(SendCancel) == 4


def test_a_second_cancel_click_sends_no_second_request(bench: Bench) -> None:
    key = bench.open_order()
    bench.desk.cancel(key, event=2)
    bench.desk.cancel(key, event=3)

    assert bench.gateway.count(SendCancel) == 1


def test_every_click_is_answered_even_when_the_stream_was_faster(bench: Bench) -> None:
    key = bench.place(event=1)
    bench.desk.wire.reported(order(key, "o1", seconds=2))
    bench.desk.cancel(key, event=2)
    bench.desk.wire.reported(order(key, "o1", phase=Phase.CANCELED, seconds=3))
    for kind, phase in ((SendOrder, Phase.OPEN), (SendCancel, Phase.CANCELED)):
        number, request = bench.gateway.last(kind)
        bench.desk.wire.replied(accepted(number, request, order(key, "o1", phase=phase)))

    assert [n.event for n in bench.notices.all()] == [1, 2]


def test_a_cancel_that_comes_after_the_fill_is_answered_too(bench: Bench) -> None:
    key = bench.open_order()
    bench.desk.cancel(key, event=2)
    bench.desk.wire.reported(order(key, f"o-{key}", phase=Phase.FILLED, filled=100, seconds=5))
    bench.fail(SendCancel, OrderNotFound("Unable to cancel order"))

    assert bench.notices.all()[-1].event == 2


def test_cancelling_an_order_that_is_gone_is_refused_in_words(bench: Bench) -> None:
    with pytest.raises(OrderNotFound, match="no longer open"):
        bench.desk.cancel("7.bot1", event=2)


@pytest.mark.parametrize(
    ("wish", "reason"),
    [
        ({"price": "100.55"}, "not a multiple of 0.1"),
        ({"price": "0"}, "greater than 0"),
        ({"price": "-1"}, "greater than 0"),
        ({"price": "NaN"}, "greater than 0"),
        ({"price": "1000000.1"}, "above the maximum"),
        ({"quantity": 150}, "multiple of the lot"),
        ({"quantity": 0}, "greater than 0"),
        ({"quantity": -100}, "greater than 0"),
        ({"quantity": 10**12}, "exceeds the maximum"),
        ({"emi": "nobody"}, "no bot nobody"),
        ({"emi": "b" * 40}, "no bot"),
        ({"quantity": 1100, "event": None}, "CAPITAL"),
    ],
)
def test_an_order_that_does_not_fit_is_refused_with_its_reason(
    bench: Bench, wish: dict[str, object], reason: str
) -> None:
    with pytest.raises(OrderRefused, match=reason):
        bench.desk.place(bench.ask(**wish))  # type: ignore[arg-type]
    assert bench.ledger.of("intent") == []


def test_nothing_is_placed_while_the_market_is_not_live(bench: Bench) -> None:
    bench.live = False
    with pytest.raises(OrderRefused, match="not LIVE"):
        bench.desk.place(bench.ask())


def test_a_bot_whose_resting_orders_use_its_capital_up_gets_no_more(bench: Bench) -> None:
    bench.open_order(quantity=900, event=None)
    bench.desk.place(bench.ask(quantity=100, event=None))
    with pytest.raises(OrderRefused, match="CAPITAL"):
        bench.desk.place(bench.ask(quantity=100, event=None))
    bench.desk.place(bench.ask(quantity=1000, side=Side.SELL, event=None))


@pytest.mark.parametrize("status", [Status.NOT_DEFINED, Status.ERROR])
def test_a_bot_that_nobody_runs_may_only_close(bench: Bench, status: Status) -> None:
    bench.state.robots["old"] = robot("old", status=status)
    bench.state.take_entries([_bought("old", 300)])

    with pytest.raises(OrderRefused, match="only be closed"):
        bench.desk.place(bench.ask(emi="old", side=Side.BUY))
    with pytest.raises(OrderRefused, match="only be closed"):
        bench.desk.place(bench.ask(emi="old", side=Side.SELL, quantity=400))
    bench.desk.place(bench.ask(emi="old", side=Side.SELL, quantity=300))
    with pytest.raises(OrderRefused, match="only be closed"):
        bench.desk.place(bench.ask(emi="old", side=Side.SELL, quantity=100))


def test_a_bot_that_is_not_in_the_list_cannot_trade(bench: Bench) -> None:
    bench.state.robots["far"] = robot("far", status=Status.NOT_IN_LIST)
    with pytest.raises(OrderRefused, match="not subscribed"):
        bench.desk.place(bench.ask(emi="far"))


def test_a_bots_order_does_not_leave_after_trading_was_switched_off(bench: Bench) -> None:
    key = bench.desk.place(bench.ask(event=None)).key
    bench.trading = False
    bench.desk.withdraw_bots()
    bench.durable()

    assert bench.gateway.sent == []
    assert bench.state.orders.get(key) is None


def test_an_order_that_waited_too_long_for_the_database_does_not_leave(bench: Bench) -> None:
    key = bench.desk.place(bench.ask(event=1)).key
    bench.timers.move(6)
    bench.durable()

    assert bench.gateway.sent == []
    assert bench.settled() == [(key, "NOT_PLACED")]
    notice = bench.notices.all()[-1]
    assert (notice.event, notice.refused) == (1, True)


def test_an_order_does_not_leave_when_the_market_fell_meanwhile(bench: Bench) -> None:
    bench.desk.place(bench.ask())
    bench.live = False
    bench.durable()

    assert bench.gateway.sent == []


def test_a_bot_cannot_flood_the_exchange(bench: Bench) -> None:
    def flood() -> None:
        for _ in range(100):
            key = bench.desk.place(bench.ask(event=None)).key
            bench.desk.cancel(key)

    with pytest.raises(OrderRefused, match="in a minute"):
        flood()


def test_without_numbers_an_order_is_refused_and_numbers_are_asked_for() -> None:
    bench = Bench()
    bench.desk.numbers._left.clear()
    with pytest.raises(OrderRefused, match="no order numbers"):
        bench.desk.place(bench.ask())
    assert bench.ledger.of("reserve")


def _bought(emi: str, quantity: int) -> Entry:
    return Entry(
        exec_id=f"x{emi}{quantity}",
        kind=ExecutionKind.TRADE,
        emi=emi,
        refer=emi,
        symbol=XBTUSDT,
        currency="USDt",
        side=SIDE_BUY,
        quantity=quantity,
        rest=0,
        price=Decimal(100),
        theor_price=Decimal(100),
        trade_price=Decimal(100),
        sum_real=-quantity * 100,
        commission=1,
        scale=6,
        at=START,
        number=1,
        position_delta=quantity,
    )

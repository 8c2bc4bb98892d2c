"""The engine with fakes at its edges: start, trading, breaks, bots and clicks."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from common.domain.account import Margin, Position
from common.domain.books import Intent, Waiting
from common.domain.commands import (
    AmendOrder,
    CancelOrder,
    SetRobotStatus,
    SetTrading,
)
from common.domain.instruments import Category, Symbol
from common.domain.market import Ticker, Trade
from common.domain.orders import Phase, Side
from common.domain.robots import Status
from common.engine.bot_items import BotFailed, BotLoaded, BotOrder
from common.engine.bring_up import Missing
from common.engine.items import (
    LedgerDown,
    LedgerUp,
    MarginChanged,
    Message,
    OrderChanged,
    PositionChanged,
    RawText,
    StreamClosed,
)
from common.engine.requests import (
    FetchAccount,
    FetchCurrencies,
    FetchInstruments,
    FindOrder,
    SendAmend,
    SendCancel,
    SendOrder,
)
from common.engine.snapshot import Health
from common.errors import (
    AuthenticationFailed,
    ConfigurationError,
    ExchangeUnavailable,
    ProtocolError,
)
from tests.common.engine.support import (
    LINEAR,
    START,
    XBTUSD,
    XBTUSDT,
    executed,
    order,
    robot,
)
from tests.common.engine.world import World, place


@pytest.fixture
def world() -> World:
    return World(robot()).start()


def test_the_market_comes_up_and_says_so(world: World) -> None:
    assert world.health() is Health.LIVE
    assert world.engine.settled.is_set()
    assert [v.robot.emi for v in world.runner.loaded] == ["bot1"]
    assert any(n.text == "Venue: LIVE" for n in world.engine._notices.all())


def test_history_is_booked_before_the_market_is_live() -> None:
    world = World(robot())
    world.history = [executed()]
    world.start()
    assert world.health() is Health.LIVE
    assert world.state.position("bot1", XBTUSDT) == 100
    world.move(0.2)
    assert [row.entry.exec_id for row in world.engine.snapshot.trades][:1] == ["e1"]


def test_a_click_becomes_an_order_and_a_fill_becomes_a_row(world: World) -> None:
    world.put(place())
    assert [o.phase for o in world.state.orders] == [Phase.OPEN]
    filled = order("1.bot1", "o-1.bot1", phase=Phase.FILLED, filled=100, seconds=9)
    world.say(OrderChanged(filled), executed())
    world.settle()
    world.move(0.2)
    snapshot = world.engine.snapshot
    assert snapshot.orders == ()
    assert [row.entry.quantity for row in snapshot.trades] == [100]
    assert {r.emi: r.position for r in snapshot.robots}["bot1"] == 100
    assert any(n.text == "Bought 0.0001 XBTUSDT at 100.5 (bot1)" for n in snapshot.notices)


def test_the_screen_follows_the_books_and_not_the_stream(world: World) -> None:
    world.say(executed())
    world.engine.turn()
    assert world.state.position("bot1", XBTUSDT) == 0  # not durable yet
    world.settle()
    assert world.state.position("bot1", XBTUSDT) == 100


def test_the_same_click_twice_is_one_order(world: World) -> None:
    world.put(place(event=7), place(event=7))
    assert world.gateway.count(SendOrder) == 1


def test_manual_orders_are_refused_while_trading_is_on_but_cancels_are_not(world: World) -> None:
    world.put(place(event=1))
    world.put(SetTrading(on=True))
    world.put(place(event=2), AmendOrder(3, "Venue", "1.bot1", Decimal("100.6"), None))
    assert world.gateway.count(SendOrder) == 1
    assert world.gateway.count(SendAmend) == 0
    world.put(CancelOrder(4, "Venue", "1.bot1"))
    assert world.gateway.count(SendCancel) == 1
    refused = [n.event for n in world.engine._notices.all() if n.refused]
    assert refused == [2, 3]


def test_a_break_brings_the_market_up_again_by_itself(world: World) -> None:
    world.put(StreamClosed("Venue", 1, ExchangeUnavailable("reset")))
    assert world.health() is Health.OFFLINE
    world.move(3)
    assert world.health() is Health.LIVE
    first, second = world.gateway.sessions
    assert second > first  # what is still on its way from the first is not listened to
    assert world.market.completed == 2


def test_m5_orders_are_refused_and_cancels_taken_while_offline(world: World) -> None:
    world.put(place(event=1))
    world.put(StreamClosed("Venue", 1, ExchangeUnavailable("reset")))
    world.put(place(event=2))
    world.put(CancelOrder(3, "Venue", "1.bot1"))
    assert world.gateway.count(SendOrder) == 1
    assert world.gateway.count(SendCancel) == 1


def test_messages_of_an_earlier_session_are_not_listened_to(world: World) -> None:
    world.put(StreamClosed("Venue", 1, ExchangeUnavailable("reset")))
    world.move(3)
    world.gateway.messages["late"] = [executed("late")]
    world.put(RawText("Venue", 1, 0.0, "late"))
    assert world.state.position("bot1", XBTUSDT) == 0


def test_v4_silence_makes_the_market_stale(world: World) -> None:
    world.clock.seconds += 20
    assert world.health() is Health.STALE
    world.turn()
    assert not any(view.fresh for view in world.engine.snapshot.books.values())
    world.say()
    assert world.health() is Health.LIVE
    world.move(0.2)
    assert all(view.fresh for view in world.engine.snapshot.books.values())


def test_v10_the_time_of_an_order_is_the_exchanges(world: World) -> None:
    world.say(OrderChanged(order("9.bot1", "o9", seconds=-18_000)))
    world.move(0.2)
    assert [row.at for row in world.engine.snapshot.orders] == [START - timedelta(hours=5)]


def trading(world: World) -> bool:
    return world.engine.snapshot.trading


def test_v3_every_stop_of_trading_is_told_and_not_the_first_one_alone(world: World) -> None:
    for number in (1, 2, 3):
        world.put(SetTrading(on=True))
        world.move(0.2)
        assert trading(world) is True
        world.say(replace(executed(f"liquidation{number}"), forced=True))
        world.move(0.2)
        assert trading(world) is False
        told = [notice.text for notice in world.engine._notices.all()]
        assert len([text for text in told if text.startswith("LIQUIDATION")]) == number
        assert told.count("TRADING OFF") == number


def test_m10_prices_of_a_broken_stream_are_not_fresh(world: World) -> None:
    world.put(StreamClosed("Venue", 1, ExchangeUnavailable("reset")))
    world.move(0.2)
    assert not any(view.fresh for view in world.engine.snapshot.books.values())


def test_a_refused_key_blocks_in_words_and_is_tried_again_slowly() -> None:
    world = World(robot())
    world.errors[FetchAccount] = AuthenticationFailed("Invalid API Key.")
    world.start()
    assert world.health() is Health.BLOCKED
    assert "Invalid API Key" in world.market.health()[1]
    asked = world.gateway.count(FetchAccount)
    world.move(5)
    assert world.gateway.count(FetchAccount) == asked
    del world.errors[FetchAccount]
    world.move(30)
    assert world.health() is Health.LIVE


def test_an_unreachable_exchange_is_tried_again_and_the_window_need_not_wait() -> None:
    world = World(robot())
    world.errors[FetchCurrencies] = ExchangeUnavailable("no route to host")
    world.start()
    assert world.health() is Health.OFFLINE
    world.move(0.2)
    assert world.engine.settled.is_set()
    del world.errors[FetchCurrencies]
    world.move(60)
    assert world.health() is Health.LIVE


def test_settings_that_do_not_fit_the_exchange_end_the_bring_up() -> None:
    def check(_market: str, _found: object) -> Missing:
        raise ConfigurationError(".env.Venue, line 7: CURRENCIES lacks USDt")

    world = World(robot(), check=check).start()
    error = world.engine.configuration_error
    assert error is not None
    assert "line 7" in str(error)
    assert world.health() is Health.BLOCKED


def test_the_date_of_history_ini_is_read_before_waiting_rows_are_booked(world: World) -> None:
    again = World(robot())
    books, order = again._books, []
    again._books = lambda: replace(books(), waiting=(Waiting("x", "{}", None),))  # type: ignore[method-assign]

    def first_date(cursor: datetime | None) -> None:
        order.append((cursor, len(again.ledger.of("book"))))

    again.market.bring_up._first_date = first_date
    again.start()
    assert again.health() is Health.LIVE
    assert order == [(None, 0)]
    assert again.ledger.of("book")


def test_p12_a_symbol_that_the_exchange_lacks_is_left_out_and_the_rest_starts() -> None:
    def check(_market: str, _found: object) -> Missing:
        return {XBTUSD: ".env.Venue, line 1: INVERSE_SYMBOLS names XBTUSD"}

    world = World(robot(), check=check).start()
    assert world.health() is Health.LIVE
    assert world.state.symbols == (XBTUSDT,)
    world.put(StreamClosed("Venue", world.gateway.sessions[-1], ExchangeUnavailable("gone")))
    world.move(5)
    assert world.health() is Health.LIVE
    told = [n.text for n in world.engine.snapshot.notices if "line 1" in n.text]
    assert told == [".env.Venue, line 1: INVERSE_SYMBOLS names XBTUSD. It is left out"]


def test_a_database_that_is_down_blocks_orders_until_it_works_again(world: World) -> None:
    world.engine.inbox.put(LedgerDown("connection refused"))
    world.engine.turn()
    assert world.health() is Health.BLOCKED
    world.engine.inbox.put(place())
    world.engine.turn()
    assert world.gateway.count(SendOrder) == 0
    world.put(LedgerUp())
    assert world.health() is Health.LIVE


def test_a_few_unreadable_messages_are_survived_and_many_lead_to_a_new_session(
    world: World,
) -> None:
    def garble(item: RawText) -> list[Message]:
        raise ProtocolError("not JSON")

    good = world.gateway.receive
    world.gateway.receive = garble  # type: ignore[method-assign]
    world.put(RawText("Venue", 1, 0.0, "x"))
    world.put(RawText("Venue", 1, 0.0, "x"))
    assert world.health() is Health.LIVE
    world.put(RawText("Venue", 1, 0.0, "x"))
    assert world.health() is Health.OFFLINE
    world.gateway.receive = good  # type: ignore[method-assign]
    world.move(3)
    assert world.health() is Health.LIVE


def test_a_bot_is_called_at_the_close_of_its_bar_while_trading_is_on(world: World) -> None:
    world.gateway.tickers[XBTUSDT] = Ticker(XBTUSDT, bid=Decimal(100), ask=Decimal(101))
    world.put(BotLoaded("bot1"))
    world.move(61)
    assert world.runner.calls == []  # F9 is OFF after every start
    world.put(SetTrading(on=True))
    world.say(Trade(XBTUSDT, Decimal(102), 3, START + timedelta(seconds=80)))
    world.move(60)
    assert [emi for emi, _ in world.runner.calls] == ["bot1"]
    bar = world.runner.calls[0][1].candles[-1]
    assert bar.start == START + timedelta(minutes=1)
    assert (bar.high, bar.volume, bar.bid, bar.ask) == (102, 3, 100, 101)


def test_a_bot_that_is_off_is_not_called(world: World) -> None:
    world.put(BotLoaded("bot1"), SetTrading(on=True), SetRobotStatus("Venue", "bot1", False))
    world.move(61)
    assert world.runner.calls == []
    assert world.ledger.of("status") == [("bot1", False)]


def bot_post(
    call: int = 1, emi: str = "bot1", quantity: int = 100, for_emi: str = "bot1"
) -> BotOrder:
    return BotOrder(
        emi, call, "post", "Venue", XBTUSDT, for_emi, Side.BUY, Decimal("100.5"), quantity
    )


def test_a_bots_order_is_answered_at_once_and_then_sent(world: World) -> None:
    world.put(BotLoaded("bot1"), SetTrading(on=True))
    world.engine.inbox.put(bot_post())
    world.engine.turn()
    _, call, answer = world.runner.answers[-1]
    assert (call, answer.cl_ord_id) == (1, "1.bot1")
    assert answer.order is not None
    assert world.gateway.count(SendOrder) == 0
    world.settle()
    assert world.gateway.count(SendOrder) == 1


@pytest.mark.parametrize(
    ("prepare", "item", "reason"),
    [
        ((), bot_post(), "automatic trading is off"),
        (
            (SetTrading(on=True), SetRobotStatus("Venue", "bot1", False)),
            bot_post(),
            "the bot is OFF",
        ),
        ((SetTrading(on=True),), bot_post(for_emi="other"), "may not place orders for other"),
        ((SetTrading(on=True),), bot_post(quantity=2000), "CAPITAL"),
        (
            (SetTrading(on=True),),
            BotOrder("bot1", 1, "del", "Venue", None, "", None, None, None, "9.x"),
            "not open",
        ),
    ],
)
def test_what_a_bot_may_not_do_is_answered_with_the_reason(
    world: World, prepare: tuple[object, ...], item: BotOrder, reason: str
) -> None:
    world.put(BotLoaded("bot1"), *prepare)
    world.put(item)
    _, _, answer = world.runner.answers[-1]
    assert answer.cl_ord_id == ""
    assert reason in answer.reason
    assert world.gateway.count(SendOrder) == 0


def test_f9_off_keeps_a_bots_order_that_waits_for_its_intent_from_leaving(world: World) -> None:
    world.put(BotLoaded("bot1"), SetTrading(on=True))
    world.engine.inbox.put(bot_post())
    world.engine.inbox.put(SetTrading(on=False))
    world.engine.turn()
    world.settle()
    assert world.gateway.count(SendOrder) == 0


def test_a_bot_whose_orders_keep_being_refused_is_switched_off(world: World) -> None:
    world.put(BotLoaded("bot1"), SetTrading(on=True))
    for call in range(5):
        world.put(bot_post(call=call, quantity=150))
    assert world.state.robots["bot1"].status is Status.OFF


def test_a_strategy_that_failed_is_red_until_f3_and_the_others_run(world: World) -> None:
    world.put(BotLoaded("bot1"), SetTrading(on=True))
    world.put(BotFailed("bot1", "strategy.py, line 3: division by zero", "Traceback ..."))
    assert world.state.robots["bot1"].status is Status.ERROR
    world.put(SetRobotStatus("Venue", "bot1", True))
    assert world.state.robots["bot1"].status is Status.ERROR
    world.put(StreamClosed("Venue", 1, ExchangeUnavailable("reset")))
    world.move(3)
    assert world.state.robots["bot1"].status is Status.ERROR
    assert world.engine.snapshot.trading


def test_an_intent_of_a_killed_run_is_asked_about_at_the_next_start() -> None:
    world = World(robot())
    world.intents = (Intent("9.bot1", "bot1", XBTUSDT, Side.BUY, 100, Decimal(100), "POST"),)
    world.start()
    world.move(1)
    assert world.gateway.count(FindOrder) >= 1
    assert world.gateway.count(SendOrder) == 0


def test_the_account_table_balances(world: World) -> None:
    position = Position(XBTUSDT, 100, Decimal("100.5"), Decimal(101), 50, 10_050, None)
    margin = Margin("USDt", 999_995, 1_000_045, 900_000, 50, 0, None)
    world.say(executed(), PositionChanged(position), MarginChanged(margin))
    world.settle()
    world.move(0.2)
    row = next(r for r in world.engine.snapshot.accounts if r.currency == "USDt")
    assert (row.result, row.commission, row.funding) == (0, 5, 0)
    assert row.control == 1_000_000  # what was deposited


def test_a_position_in_a_symbol_that_the_settings_do_not_name_is_shown(world: World) -> None:
    foreign = Symbol("ETHZ24", Category.LINEAR)
    world.extra = (replace(LINEAR, symbol=foreign),)
    held = Position(foreign, 5, Decimal(100), Decimal(101), 50, 10_050, None)
    world.say(PositionChanged(held))
    world.settle()
    world.move(0.2)
    row = next(p for p in world.engine.snapshot.positions if p.symbol == foreign)
    assert (row.quantity, row.pnl) == (5, 50)
    asked = world.gateway.count(FetchInstruments)
    world.say(PositionChanged(held))
    world.settle()
    assert world.gateway.count(FetchInstruments) == asked


def test_a_liquidation_is_told_aloud_and_stops_the_bots(world: World) -> None:
    world.put(BotLoaded("bot1"), SetTrading(on=True))
    world.say(replace(executed("forced"), forced=True))
    world.settle()
    world.move(0.2)
    assert not world.engine.snapshot.trading
    notice = next(n for n in world.engine.snapshot.notices if "LIQUIDATION" in n.text)
    assert (notice.level.value, "XBTUSDT.linear" in notice.text) == ("error", True)


def test_b17_p11_an_instrument_that_has_ended_is_left_out_and_the_rest_starts() -> None:
    world = World(robot())
    ended = Symbol("ETHZ24", Category.LINEAR)
    world.state.symbols = (*world.state.symbols, ended)
    world.extra = (replace(LINEAR, symbol=ended, tradable=False, state="Settled", ended=True),)
    world.start()
    assert world.health() is Health.LIVE
    assert ended not in world.state.symbols
    assert any("ETHZ24" in n.text for n in world.engine._notices.all())


def test_a_snapshot_is_whole_and_frozen(world: World) -> None:
    before = world.engine.snapshot
    world.move(0.5)
    after = world.engine.snapshot
    assert after.beat > before.beat
    assert {p.symbol for p in after.positions} == {XBTUSDT, XBTUSD}
    assert {r.emi for r in after.robots} == {"bot1", "XBTUSDT.linear", "XBTUSD.inverse"}

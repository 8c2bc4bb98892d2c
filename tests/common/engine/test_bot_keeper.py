"""Creating, changing and deleting bots while the market runs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from common.domain.books import Balance
from common.domain.bot_form import BotForm
from common.domain.bots import OnStop
from common.domain.commands import DeleteBot, SaveBot
from common.domain.parameters import Catalog, ParameterKind, ParameterSpec, StrategyInfo
from common.domain.robots import Status
from common.engine.bot_items import BotLoaded, CatalogRead
from common.engine.items import OrderChanged
from common.engine.requests import FetchCandles
from common.engine.snapshot import RobotRow
from tests.common.engine.support import XBTUSD, XBTUSDT, executed, order, robot
from tests.common.engine.world import World

FORM = BotForm("new", XBTUSDT, 1, 2, "trend:Trend", (("period", "30"),), OnStop.CANCEL)
TREND = StrategyInfo(
    "trend:Trend", "", (ParameterSpec("period", ParameterKind.INTEGER, "20", "2", "500"),)
)


@pytest.fixture
def world() -> World:
    """A market that is LIVE, with one bot that works on minutes."""
    made = World(robot()).start()
    made.put(BotLoaded("bot1"), CatalogRead(Catalog((TREND,))))
    return made


def save(world: World, form: BotForm, *, new: bool = True, event: int = 7) -> None:
    world.put(SaveBot(event, "Venue", form, new))


def rows(world: World) -> dict[str, RobotRow]:
    world.move(0.2)
    return {each.emi: each for each in world.engine.snapshot.robots}


def last_notice(world: World) -> str:
    world.move(0.2)
    return [each.text for each in world.engine.snapshot.notices if each.event is not None][-1]


def test_a_new_bot_is_off_and_its_strategy_is_started_without_f3(world: World) -> None:
    save(world, FORM)
    row = rows(world)["new"]
    assert (row.status, row.strategy, row.parameters) == (
        Status.OFF,
        "trend:Trend",
        (("period", "30"),),
    )
    assert (row.capital, row.on_stop) == (2, OnStop.CANCEL)
    assert [call.view.robot.emi for call in world.runner.started] == ["new"]
    assert len(world.runner.started[0].candles) == 30
    assert [e.text for e in world.engine.snapshot.notices if e.event == 7] == [
        "new: created; it is OFF"
    ]


def test_a_name_with_trades_in_another_symbol_is_warned_of(world: World) -> None:
    old = replace(XBTUSDT, ticker="XBTUSDTZ26")
    for symbol, volume in ((old, 300), (XBTUSD, 0), (XBTUSDT, 500)):
        balance = Balance("new", symbol, "USDt", volume=volume)
        world.state.balances["new", symbol, "USDt"] = balance
    save(world, FORM)
    assert rows(world)["new"].status is Status.OFF
    (told,) = [e.text for e in world.engine.snapshot.notices if "begin with none" in e.text]
    assert told.startswith(f"new: the books have trades of this EMI in {old}, which")


def test_a_name_without_trades_elsewhere_is_not_warned_of(world: World) -> None:
    balance = Balance("new", XBTUSDT, "USDt", volume=500)
    world.state.balances["new", XBTUSDT, "USDt"] = balance
    save(world, FORM)
    assert not [e for e in world.engine.snapshot.notices if "begin with none" in e.text]


def test_rows_of_robots_stand_before_the_reserved_bots(world: World) -> None:
    save(world, replace(FORM, sort=0))
    assert list(rows(world))[:2] == ["bot1", "new"]


def test_the_other_bots_are_not_disturbed(world: World) -> None:
    save(world, FORM)
    assert world.runner.ended == []
    assert len(world.gateway.sessions) == 1
    assert rows(world)["bot1"].status is Status.WORK


def test_a_new_timeframe_is_downloaded_before_its_bot_is_started(world: World) -> None:
    before = world.gateway.count(FetchCandles)
    save(world, replace(FORM, timeframe=5))
    assert world.gateway.count(FetchCandles) == before + 1
    request = world.gateway.last(FetchCandles)[1]
    assert isinstance(request, FetchCandles)
    assert (request.symbol, request.timeframe) == (XBTUSDT, 5)


def test_a_symbol_whose_trades_are_not_streamed_yet_makes_the_market_connect_anew(
    world: World,
) -> None:
    save(world, replace(FORM, symbol=XBTUSD))
    assert len(world.gateway.sessions) == 2


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"emi": ""}, "must not be empty"),
        ({"emi": "a.b"}, "an EMI has no dot"),
        ({"emi": "BOT1"}, "there is a bot bot1 already"),
        ({"emi": "x" * 40}, "characters at most"),
        ({"emi": "XBTUSDT.linear"}, "RESERVED"),
        ({"symbol": replace(XBTUSDT, ticker="NOPE")}, "not among the symbols of the settings"),
        ({"timeframe": 7}, "divides a day"),
        ({"timeframe": 0}, "divides a day"),
        ({"timeframe": 2880}, "divides a day"),
        ({"strategy": "os.system"}, "not named like module:attribute"),
        ({"capital": 0}, "1 or more"),
        ({"capital": 2**63}, "1 or more"),
        ({"parameters": (("period", "1"),)}, "a whole number from 2 to 500"),
        ({"parameters": (("priod", "9"),)}, "no parameter 'priod'"),
    ],
)
def test_a_form_that_does_not_fit_is_refused_with_a_sentence(
    world: World, changes: dict[str, object], says: str
) -> None:
    save(world, replace(FORM, **changes))  # type: ignore[arg-type]
    assert says in last_notice(world)
    assert world.runner.started == []


def test_what_the_ledger_refuses_is_told(world: World) -> None:
    world.refusal = "it was taken"
    save(world, FORM)
    assert last_notice(world) == "new: it was taken"
    assert "new" not in rows(world)


def test_a_form_sent_twice_is_written_once(world: World) -> None:
    world.put(SaveBot(7, "Venue", FORM, True), SaveBot(8, "Venue", FORM, True))
    assert len(world.ledger.of("save")) == 1


def test_parameters_are_changed_in_a_second_worker_while_the_bot_goes_on(world: World) -> None:
    save(world, FORM)
    world.runner.started.clear()
    save(world, replace(FORM, parameters=(("period", "40"),), sort=3), new=False)
    assert rows(world)["new"].parameters == (("period", "40"),)
    assert world.runner.ended == []
    (started,) = world.runner.started
    assert dict(started.view.robot.parameters) == {"period": "40"}


def test_another_timeframe_ends_the_worker_that_knew_other_bars(world: World) -> None:
    save(world, FORM)
    save(world, replace(FORM, timeframe=5), new=False)
    assert world.runner.ended == ["new"]


def test_a_change_keeps_the_status(world: World) -> None:
    save(world, replace(FORM, emi="bot1", strategy=""), new=False)
    assert rows(world)["bot1"].status is Status.WORK


def test_the_symbol_of_a_bot_does_not_change(world: World) -> None:
    save(world, replace(FORM, emi="bot1", symbol=XBTUSD), new=False)
    assert "for ever" in last_notice(world)


def test_a_bot_that_is_not_there_is_not_changed(world: World) -> None:
    save(world, FORM, new=False)
    assert "no such bot" in last_notice(world)


def test_a_bot_without_orders_and_position_is_deleted(world: World) -> None:
    save(world, FORM)
    world.put(DeleteBot(9, "Venue", "new"))
    assert world.runner.ended == ["new"]
    assert world.ledger.of("delete") == [("new", 9)]
    assert "new" not in rows(world)
    assert last_notice(world) == "new: deleted; its rows in the books stay"


def test_a_bot_with_an_order_is_not_deleted(world: World) -> None:
    world.say(OrderChanged(order("5.bot1", "o5")))
    world.put(DeleteBot(9, "Venue", "bot1"))
    assert "open order; cancel them first" in last_notice(world)
    assert world.ledger.of("delete") == []


def test_a_bot_with_a_position_is_not_deleted(world: World) -> None:
    world.say(executed("e1", quantity=300))
    world.settle()
    world.put(DeleteBot(9, "Venue", "bot1"))
    assert "it holds 300 contracts of XBTUSDT.linear; flatten it first" in last_notice(world)


def test_a_reserved_bot_is_not_deleted(world: World) -> None:
    world.put(DeleteBot(9, "Venue", "XBTUSDT.linear"))
    assert "no such bot in the table robots" in last_notice(world)


def test_where_another_terminal_trades_nothing_is_written(world: World) -> None:
    world.state.read_only = True
    save(world, FORM)
    assert "another terminal trades" in last_notice(world)

from __future__ import annotations

from dataclasses import replace

import pytest

from common.domain.books import Balance
from common.domain.instruments import Category, Symbol
from common.domain.robots import EMI_LIMIT, Robot, Status
from common.errors import ConfigurationError
from common.ledger.database import DatabaseSettings, Value
from common.ledger.robots_table import add_robot, ensure_demo_robot, read_robots
from tests.common.ledger.support import (
    MARKET,
    XBTUSD,
    XBTUSDT,
    add_bots,
    query,
    run,
    running,
    trade,
)

Row = tuple[Value, ...]


def row(**changes: Value) -> Row:
    values: dict[str, Value] = {
        "emi": "myBot",
        "symbol": "XBTUSD",
        "category": "inverse",
        "sort": 1,
        "timefr": 5,
        "capital": 2,
        "margin": 3,
        "market": MARKET,
    }
    return tuple((values | changes).values())


def read(*rows: Row, balances: tuple[Balance, ...] = ()) -> list[Robot]:
    return read_robots(rows, {}, balances)[0]


def test_a_good_row_is_a_working_robot() -> None:
    (robot,) = read(row())
    assert robot == Robot("myBot", XBTUSD, MARKET, 5, 2, 1, 3, Status.WORK)


def test_a_row_without_capital_sort_or_margin_has_zeros() -> None:
    (robot,) = read(row(capital=None, sort=None, margin=None))
    assert (robot.capital, robot.sort, robot.margin, robot.status) == (0, 0, 0, Status.WORK)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"category": "futures"}, "CATEGORY 'futures'"),
        ({"category": None}, "CATEGORY None"),
        ({"symbol": ""}, "SYMBOL"),
        ({"symbol": None}, "SYMBOL"),
        ({"timefr": None}, "TIMEFR None"),
        ({"timefr": 0}, "TIMEFR 0"),
        ({"timefr": -5}, "TIMEFR -5"),
        ({"timefr": "often"}, "TIMEFR 'often'"),
        ({"capital": -1}, "CAPITAL -1"),
        ({"emi": "x" * (EMI_LIMIT + 1)}, f"{EMI_LIMIT} characters"),
        ({"emi": "my.linear"}, "RESERVED"),
        ({"emi": "mybot "}, "blank"),
        ({"emi": ""}, "empty"),
    ],
)
def test_a_bad_row_is_an_error_with_its_reason(changes: dict[str, Value], words: str) -> None:
    bad, good = read(row(**changes), row(emi="good"))
    assert bad.status is Status.ERROR
    assert words in bad.problem
    assert good.status is Status.WORK


def test_robots_whose_names_differ_by_case_are_errors() -> None:
    assert [r.status for r in read(row(), row(emi="MYBOT"))] == [Status.ERROR, Status.ERROR]


def test_a_row_without_emi_or_market_is_left_out_with_a_warning() -> None:
    robots, claims, warnings = read_robots([row(emi=None), row(market=None)], {}, ())
    assert (robots, claims, len(warnings)) == ([], {}, 2)


def test_a_row_in_error_still_owns_its_fills_when_its_symbol_is_known() -> None:
    assert read_robots([row(timefr=None)], {}, ())[1] == {"myBot": XBTUSD}
    assert read_robots([row(category="futures")], {}, ())[1] == {}


def test_a_symbol_changed_while_a_position_is_held_is_an_error() -> None:
    past = Balance("myBot", Symbol("ETHUSD", Category.QUANTO), "XBt", position=100, volume=100)
    (robot,) = read(row(), balances=(past,))
    assert robot.status is Status.ERROR
    assert "100 contracts of ETHUSD.quanto" in robot.problem
    assert read(row(), balances=(replace(past, position=0),))[0].status is Status.WORK
    assert read(row(emi="another"), balances=(past,))[0].status is Status.WORK


def test_past_rows_in_another_currency_are_an_error() -> None:
    past = Balance("myBot", XBTUSDT, "USDt", volume=100)
    seen = Balance("somebody", XBTUSD, "XBt", volume=100)
    (robot,) = read(row(), balances=(past, seen))
    assert robot.status is Status.ERROR
    assert "USDt" in robot.problem


def test_the_books_show_a_bot_whose_symbol_changed_as_an_error(settings: DatabaseSettings) -> None:
    add_bots(settings, "a")
    with running(settings) as ledger:
        ledger.open()
        ledger.book(trade(1, 100, cl_ord_id="1.a"))
        run(settings, "UPDATE robots SET SYMBOL = 'ETHUSD', CATEGORY = 'quanto'")
        (robot,) = ledger.open().robots
    assert robot.status is Status.ERROR


def test_added_robots_are_read_back_in_order(settings: DatabaseSettings) -> None:
    add_robot(settings, MARKET, "z", "XBTUSDT", "linear", "1440", "3")
    add_robot(settings, MARKET, "a", "XBTUSD", "inverse", 1, 1)
    add_robot(settings, "Elsewhere", "z", "XBTUSD", "inverse", 1, 1)
    with running(settings) as ledger:
        robots = ledger.open().robots
    assert [(r.emi, r.symbol, r.timeframe, r.capital, r.sort) for r in robots] == [
        ("z", XBTUSDT, 1440, 3, 1),
        ("a", XBTUSD, 1, 1, 2),
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("taken", "XBTUSD", "inverse", 1, 1), "already"),
        (("TAKEN", "XBTUSD", "inverse", 1, 1), "already"),
        (("my.bot", "XBTUSD", "inverse", 1, 1), "dot"),
        (("", "XBTUSD", "inverse", 1, 1), "empty"),
        (("x" * 30, "XBTUSD", "inverse", 1, 1), "characters"),
        (("bot", "XBTUSD", "perpetual", 1, 1), "CATEGORY 'perpetual'"),
        (("bot", "XBT/USD", "inverse", 1, 1), "SYMBOL"),
        (("bot", "XBTUSD", "inverse", 0, 1), "TIMEFR"),
        (("bot", "XBTUSD", "inverse", "1.5", 1), "TIMEFR"),
        (("bot", "XBTUSD", "inverse", 7, 1), "TIMEFR 7 does not divide a day"),
        (("bot", "XBTUSD", "inverse", 1, "-1"), "CAPITAL"),
        (("bot", "XBTUSD", "inverse", 1, "all"), "CAPITAL"),
    ],
)
def test_adding_a_wrong_robot_names_what_is_wrong(
    settings: DatabaseSettings, arguments: tuple[str, str, str, str, str], words: str
) -> None:
    add_bots(settings, "taken")
    with pytest.raises(ConfigurationError, match=words):
        add_robot(settings, MARKET, *arguments)
    assert query(settings, "SELECT COUNT(*) FROM robots") == [(1,)]


def test_the_demo_gets_its_robot_once(settings: DatabaseSettings) -> None:
    assert ensure_demo_robot(settings, MARKET, "demoBot", XBTUSDT, 1, 1)
    assert not ensure_demo_robot(settings, MARKET, "demoBot", XBTUSDT, 1, 1)
    run(settings, "DELETE FROM robots")
    assert not ensure_demo_robot(settings, MARKET, "demoBot", XBTUSDT, 1, 1)
    assert query(settings, "SELECT COUNT(*) FROM robots") == [(0,)]

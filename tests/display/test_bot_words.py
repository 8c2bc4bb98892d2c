"""What the panel of a bot says: figures, words and the line of its results. No window needed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from common.domain.books import SIDE_BUY, SIDE_FUNDING, SIDE_SELL, AccountKey, Entry
from common.domain.bot_story import BotKey, BotStory, Elsewhere, Point, StoryTeller
from common.domain.bots import BotCode
from common.domain.executions import Network
from common.domain.market import Book
from common.domain.reports import Period
from common.domain.robots import Status
from display.bot_words import (
    capital_text,
    code_line,
    entry_rows,
    facts,
    head_line,
    middle,
    note_line,
    period_rows,
    status_line,
    timeframe_text,
    unrealised,
)
from display.cells import Tone
from display.curve_shape import BOTTOM, LEFT, RIGHT, TOP, shape
from tests.display import support
from tests.display.support import MARKET, NOW, XBTUSD, XBTUSDT, robot_row

KEY = BotKey(AccountKey(MARKET, Network.DEMO, 1), "myBot", XBTUSDT.symbol, "USDt", 6)


def fill(contracts: int, price: str, minutes: int = 0, fee: int = 0) -> Entry:
    """Return a fill of XBTUSDT: 1,000 contracts at 68,400.5 are worth 68.4005 USDt."""
    return replace(
        support.entry_row(1).entry,
        exec_id=f"fill-{minutes}",
        emi="myBot",
        symbol=XBTUSDT.symbol,
        currency="USDt",
        side=SIDE_BUY if contracts > 0 else SIDE_SELL,
        quantity=abs(contracts),
        price=Decimal(price),
        trade_price=Decimal(price),
        sum_real=-int(Decimal(price) * contracts),
        commission=fee,
        scale=6,
        at=NOW + timedelta(minutes=minutes),
        position_delta=contracts,
    )


def story(*entries: Entry) -> BotStory:
    teller = StoryTeller(KEY)
    for entry in entries:
        teller.take(entry)
    return teller.story(NOW)


BOUGHT = story(fill(1000, "68400.0", fee=100), fill(1000, "68402.0", 1), fill(-1000, "68500.0", 2))


def test_position_entry_and_results_are_exact() -> None:
    row = robot_row("myBot", position=1000, pnl=112_900)
    view = support.book_view(0)  # best bid 68412.0
    assert unrealised(row, BOUGHT, view) == 11_000
    texts = {fact.caption: fact.text for fact in facts(row, BOUGHT, view)}
    assert texts == {
        "POSITION": "0.001",
        "ENTRY": "68401.0",
        "UNREALISED": "+0.011000",
        "REALISED": "+0.098900",
        "PNL": "+0.112900",
        "FEES": "0.000100",
        "FUNDING": "0.000000",
        "VOLUME": "0.037",
        "CURRENCY": "USDt",
    }
    short = story(fill(-1000, "68400.0"))
    assert unrealised(replace(row, position=-1000), short, view) == -13_000  # at the ask, 68413.0


def test_nothing_is_shown_that_is_not_of_one_moment() -> None:
    row = robot_row("myBot", position=2000)
    assert unrealised(row, BOUGHT, support.book_view(0)) is None  # the books are behind
    assert unrealised(replace(row, position=1000), BOUGHT, None) is None
    empty = replace(support.book_view(0), book=Book())
    assert unrealised(replace(row, position=1000), BOUGHT, empty) is None
    unread = {fact.caption: fact.text for fact in facts(row, None, support.book_view(0))}
    assert [unread[name] for name in ("ENTRY", "UNREALISED", "REALISED", "FEES")] == ["-"] * 4


def test_a_flat_bot_has_no_entry_and_nothing_unrealised() -> None:
    row = robot_row("myBot", position=0)
    closed = story(fill(1000, "68400.0"), fill(-1000, "68500.0", 2))
    texts = {fact.caption: fact.text for fact in facts(row, closed, None)}
    assert (texts["ENTRY"], texts["UNREALISED"], texts["REALISED"]) == ("-", "-", "+0.100000")


def test_the_status_says_its_reason() -> None:
    failed = robot_row("myBot", status=Status.ERROR, problem="NameError: x (strategy.py:9)")
    assert status_line(failed) == ("ERROR: NameError: x (strategy.py:9)", Tone.BAD)
    words, tone = status_line(robot_row("myBot"))
    assert words.startswith("WORK: trades")
    assert tone is Tone.GOOD
    for status in Status:
        assert status_line(robot_row("myBot", status=status))[0] != f"{status}: "


def test_timeframes_are_written_as_traders_do() -> None:
    assert [timeframe_text(m) for m in (0, 1, 45, 60, 90, 240, 1440)] == [
        *("no timeframe", "1m", "45m", "1h", "90m", "4h", "1D"),
    ]


def test_capital_is_lots_units_and_a_value() -> None:
    assert capital_text(10, XBTUSDT, Decimal("68412.0"), 6) == (
        "10 lots = 0.010 XBT, about 684.120000 USDt"
    )
    assert capital_text(3, XBTUSD, None, 8) == "3 lots = 300 contracts"
    assert capital_text(1, XBTUSD, None, 8) == "1 lot = 100 contracts"
    assert capital_text(3, None, None, 0) == "3 lots"
    assert head_line(robot_row("myBot"), middle(support.book_view(0))) == (
        "XBTUSDT linear   5m   CAPITAL 10 lots = 0.010 XBT, about 684.120000 USDt"
    )


def test_the_code_is_named_with_its_time_and_hash() -> None:
    row = robot_row("myBot")
    assert code_line(row) == "strategy as algo/init.py names it: not loaded"
    assert code_line(robot_row("x", status=Status.RESERVED)) == "no strategy"
    code = BotCode("algo/strategy.py", NOW, "ab12cd34")
    assert code_line(replace(row, code=code, strategy="trend:Trend")) == (
        "strategy trend:Trend   algo/strategy.py, saved 2026-11-23 04:05:06 UTC, code ab12cd34"
    )


def test_periods_begin_with_the_sum_and_colour_what_was_earned() -> None:
    told = story(fill(1000, "68400.0"), fill(-1000, "68500.0", 60 * 24), fill(0, "1", 60 * 48))
    total, last, second, first = period_rows(told, Period.DAY, XBTUSDT)
    assert total.texts[:2] == ("ALL", "2")
    assert [row.texts[0] for row in (last, second, first)] == [
        *("2026-11-25", "2026-11-24", "2026-11-23"),
    ]
    assert (first.texts[5], first.texts[6], first.texts[7]) == ("-68.400000", "0.000000", "0.001")
    assert (second.texts[6], second.tones[6]) == ("+0.100000", Tone.GOOD)
    assert total.texts[6] == "+0.100000"
    months = period_rows(told, Period.MONTH, XBTUSDT)
    assert [row.texts[0] for row in months] == ["ALL", "2026-11"]


def test_trades_of_another_symbol_are_not_shown_in_the_units_of_this_one() -> None:
    other = replace(fill(1000, "1.5"), symbol=XBTUSD.symbol)
    funding = replace(fill(1000, "1"), side=SIDE_FUNDING, position_delta=0)
    trades, paid = entry_rows(story(fill(1000, "2.5"), other, funding), robot_row("myBot"))
    assert [row.instrument for row in trades] == [None, XBTUSDT]
    assert len(paid) == 1


def test_the_note_names_money_that_is_not_in_the_figures() -> None:
    assert note_line(None) == "reading the books\u2026"
    told = replace(BOUGHT, elsewhere=(Elsewhere("XBt", 8, -5),))
    assert note_line(told).endswith("beside it -0.00000005 XBt of other symbols or currencies")


# ---- the line ----------------------------------------------------------------------------------


def test_the_line_fills_its_canvas_in_steps_from_zero() -> None:
    points = [
        Point(NOW, 50),
        Point(NOW + timedelta(hours=1), -50),
        Point(NOW + timedelta(hours=2), 100),
    ]
    found = shape(points, 2, 200, 156)
    assert found is not None
    room = 156 - TOP - BOTTOM
    assert found.zero == TOP + room * 100 // 150
    xs, ys = found.line[::2], found.line[1::2]
    assert (min(xs), max(xs)) == (LEFT, 200 - RIGHT)
    assert (min(ys), max(ys)) == (TOP, TOP + room)
    assert list(xs) == sorted(xs)
    assert (found.line[1], found.line[-1]) == (found.zero, TOP)
    assert (found.top, found.bottom, found.gain) == ("+1.00", "-0.50", 1)


def test_a_single_point_and_a_flat_line_can_be_drawn() -> None:
    for results in ([0], [0, 0], [7], [-7, -7]):
        points = [Point(NOW, each) for each in results]
        found = shape(points, 0, 100, 100)
        assert found is not None
        assert all(0 <= y <= 100 for y in found.line[1::2])
    assert shape([], 0, 100, 100) is None
    assert shape([Point(NOW, 1)], 0, 10, 10) is None

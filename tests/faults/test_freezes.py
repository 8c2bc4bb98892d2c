"""Defects that froze or stopped older terminals, B1 to B18: none of them is back."""

from __future__ import annotations

import ast
import sqlite3
import threading
import tracemalloc
from contextlib import closing
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from api.bitmex import bins, market_rows
from common.domain.candles import CandleSeries
from common.domain.commands import SetRobotStatus
from common.domain.market import Trade
from common.engine.orders import OrderMirror
from common.engine.snapshot import Health
from common.ledger.robots_table import add_robot
from common.settings_types import SqliteSettings
from tests.api.simulator.venues import START
from tests.api.terminal.support import MARKET
from tests.common.engine.support import order
from tests.faults.scene import SYMBOL, Scene
from tests.faults.test_network import LIVE_AGAIN
from tests.faults.test_protocol import foreign
from tests.support.source import imports, modules, tree


def test_b1_a_time_out_of_one_order_reloads_nothing(scene: Scene) -> None:
    session, completed = scene.market.bring_up.session, scene.market.completed
    scene.arm(fault="silent", after=True, method="POST", path="/order")
    scene.place()
    scene.run(200)
    assert scene.fired("silent") == 1
    assert (scene.market.bring_up.session, scene.market.completed) == (session, completed)
    assert scene.health is Health.LIVE


def test_b3_orders_that_change_while_they_are_looked_at_disturb_nobody(scene: Scene) -> None:
    for _ in range(3):
        scene.rest()
    shown = scene.engine.snapshot.orders
    rows = list(shown)
    for each in scene.market.state.orders:  # the mirror itself, while it loses every order
        scene.market.state.orders.drop(each.key)
    assert list(shown) == rows
    mirror = OrderMirror()
    for number in range(3):
        mirror.apply(order(f"{number}.bot1", f"o{number}"), "bot1", from_stream=True)
    assert len([mirror.drop(each.key) for each in mirror]) == 3


@pytest.mark.parametrize("table", ["orderBook10", "quote"])
def test_b4_a_one_sided_book_gives_no_price_and_no_error(scene: Scene, table: str) -> None:
    scene.buy_and_fill()
    scene.arm(fault="empty-book", table=table, times=0, until=60)
    for _ in range(60):
        scene.run(1)
        assert all(row.pnl is None or row.pnl for row in scene.engine.snapshot.robots)
    assert scene.health is Health.LIVE


def test_b5_a_bot_that_appears_at_run_time_has_a_row_at_once(scene: Scene) -> None:
    before = {row.emi for row in scene.engine.snapshot.robots}
    assert "stranger" not in before
    other = foreign(scene, clOrdID="7.stranger")
    scene.run(3)
    assert {row.emi for row in scene.engine.snapshot.robots} == {*before, "stranger"}
    scene.venue.interventions.fill_order(other["orderID"])
    scene.run(3)
    assert scene.health is Health.LIVE


def test_b6_a_bot_that_is_gone_after_a_reload_stops_nothing(tmp_path: Path) -> None:
    books = SqliteSettings(tmp_path / "books.db")
    add_robot(books, MARKET, "botA", "XBTUSDT", "linear", 1, 50)
    with Scene(tmp_path) as scene:
        scene.live()
        assert "botA" in {row.emi for row in scene.engine.snapshot.robots}
        scene.engine.inbox.put(SetRobotStatus(MARKET, "botA", False))  # the books remember it
        scene.run(1)
    with closing(sqlite3.connect(books.path)) as connection:
        connection.execute("DELETE FROM robots")
        connection.commit()
    with Scene(tmp_path, reloads=1) as scene:
        scene.live()
        scene.run(2)
        assert "botA" not in {row.emi for row in scene.engine.snapshot.robots}


def test_b8_the_first_start_of_an_account_without_trades_comes_up(tmp_path: Path) -> None:
    with Scene(tmp_path) as scene:
        scene.live(10)
        scene.run(5)
        assert scene.terminal.booked() == {}
        assert scene.engine.snapshot.accounts


@pytest.mark.parametrize("form", ["html", "empty", "garbage"])
def test_b9_a_history_that_cannot_be_read_is_asked_for_again(scene: Scene, form: str) -> None:
    order = scene.rest()
    scene.arm(fault="error-page", form=form, method="GET", path="/execution/tradeHistory", times=4)
    scene.arm(fault="drop")
    scene.until(lambda: scene.health is not Health.LIVE, 20)
    scene.venue.interventions.fill_order(order["orderID"])
    scene.agrees(LIVE_AGAIN)
    assert scene.fired("error-page")


def test_b10_an_open_order_without_a_price_does_not_prevent_a_start(scene: Scene) -> None:
    stop: dict[str, Any] = {"ordType": "Stop", "price": None, "stopPx": 10.0, "side": "Sell"}
    foreign(scene, **stop)
    scene.run(2)
    scene.arm(fault="drop")
    scene.until(lambda: scene.market.bring_up.running, 30)
    scene.agrees(LIVE_AGAIN)
    [shown] = scene.market.state.orders
    assert (shown.price, shown.stop_price) == (None, Decimal(10))
    assert scene.engine.snapshot.orders[0].stop_price == Decimal(10)


def test_b12_nothing_in_the_window_sleeps_or_speaks_to_the_network() -> None:
    forbidden = {"socket", "requests", "websocket", "sqlite3", "pymysql", "time.sleep"}
    for name, path in modules().items():
        if name.startswith("display"):
            assert not imports(name) & forbidden, name
            calls = [n for n in ast.walk(tree(path)) if isinstance(n, ast.Attribute)]
            assert not any(call.attr == "sleep" for call in calls), name


def test_b15_a_text_that_is_no_json_reboots_nothing(scene: Scene) -> None:
    completed = scene.market.completed
    scene.arm(fault="garble", table="orderBook10")
    scene.until(lambda: scene.fired("garble"), 60)
    scene.run(30)
    assert scene.market.completed == completed
    assert scene.health is Health.LIVE


def test_b16_public_trades_do_not_pile_up() -> None:
    series = CandleSeries(1, limit=500)
    series.resume(START)

    def trade(number: int) -> None:
        at = START + timedelta(milliseconds=10 * number)
        series.add_trade(Trade(SYMBOL, Decimal(60_000), 100, at))
        while series.next_close(at) <= at:
            series.close(at)

    for number in range(5_000):
        trade(number)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for number in range(5_000, 25_000):
        trade(number)
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 50_000  # 2.5 bytes a trade; kept whole each would take 1,900
    for minute in range(5, 2_000):
        trade(6_000 * minute)
    assert len(series) <= 500 * 65 // 64


def test_b18_candles_without_prices_or_of_any_timeframe_are_no_reason_to_fail() -> None:
    row = {"symbol": "XBTUSDT", "timestamp": "2026-11-23T12:00:00.000Z"}
    assert market_rows.bin_of(row, None) is None
    quiet = market_rows.bin_of(row, 100.0)
    assert quiet is not None
    assert bins.candles([quiet], 1)[0].close == 100.0
    for timeframe in (1, 2, 3, 7, 15, 45, 60, 240, 1440):
        assert bins.size_for(timeframe).minutes <= timeframe
    assert bins.candles([], 7) == ()


def test_b21_only_the_window_touches_tk() -> None:
    outside = [name for name in modules() if not name.startswith(("display", "main"))]
    assert [name for name in outside if "tkinter" in imports(name)] == []
    assert any("tkinter" in imports(name) for name in modules())


def test_b22_a_reload_leaves_no_thread_behind(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    for reloads in range(3):
        with Scene(tmp_path, reloads=reloads) as scene:
            scene.live()
            scene.engine.stop()
            assert set(threading.enumerate()) <= before

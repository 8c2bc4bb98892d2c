"""The terminal against an exchange that misbehaves: LIVE again, nothing lost, doubled or resent.

Each fault happens to a terminal that trades meanwhile. Afterwards the exchange's own ledger, which
knows nothing of rows and streams, is compared with the books: the same executions, each once, the
same position, the same open orders, and never two orders of one clOrdID.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from api.bitmex.gateway import BitmexGateway
from common.domain.instruments import Category, Symbol
from common.domain.orders import Side
from common.engine.snapshot import Health
from common.settings_types import Depth
from tests.api.bitmex.samples import settings
from tests.api.terminal.support import Terminal, money_moves, orders_by_name, position_of
from tests.support.venue import ExchangeProcess, start_exchange
from tests.support.waiting import wait_until

SYMBOL = Symbol("XBTUSDT", Category.LINEAR)
Rule = dict[str, Any]


class Scene:
    """An exchange that can be told to misbehave, and one terminal of its own account on it."""

    def __init__(self, exchange: ExchangeProcess, books: Path) -> None:
        self._root = exchange.rest.split("/api/")[0]
        opened = self.control("POST", "/account", money={"USDt": 10**12})
        self.account: int = opened["account"]
        market = settings(
            exchange.rest, exchange.ws, (SYMBOL,), Depth.TEN, opened["key"], opened["secret"]
        )
        self.terminal = Terminal(BitmexGateway(market), (SYMBOL,), books)

    def control(self, verb: str, path: str, /, **params: Any) -> Any:
        request = urllib.request.Request(
            f"{self._root}/control{path}",
            json.dumps(params).encode(),
            {"content-type": "application/json"},
            method=verb,
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read())

    def arm(self, rule: Rule) -> None:
        self.control("POST", "/faults", account=self.account, **rule)

    def truth(self) -> Any:
        return self.control("GET", "/truth")

    def own_orders(self) -> list[Any]:
        truth = self.truth()
        mine = next(row for row in truth["accounts"] if row["account"] == self.account)
        orders: list[Any] = mine["orders"]
        return orders

    def place(self) -> None:
        """Click a bid that rests; refused clicks are repeated by the caller."""
        bid = wait_until(lambda: self.terminal.gateway.ticker(SYMBOL).bid, 30, "a bid")
        price = (bid * Decimal("0.97")).quantize(Decimal("0.1"))
        self.terminal.place(SYMBOL, Side.BUY, 1000, price)

    def trade(self) -> None:
        """Place an order that the exchange must get, and have it filled in three parts."""
        known = len(self.own_orders())

        def placed() -> Any:
            return next((o for o in self.own_orders()[known:] if o["open"]), None)

        self.terminal.wait_live()
        self.place()
        order = wait_until(placed, 30, "an order at the exchange")
        self.control("POST", "/fill", orderID=order["orderID"], parts=3)

    def settle(self, seconds: float) -> None:
        """Wait until terminal and exchange agree about everything."""
        self.terminal.wait_live(seconds)
        wait_until(lambda: not self.differences(), seconds, "agreement with the exchange")
        assert max(orders_by_name(self.truth(), self.account).values(), default=0) <= 1

    def differences(self) -> list[str]:
        truth, terminal = self.truth(), self.terminal
        expected, booked = money_moves(truth, self.account), terminal.booked()
        found = [f"lost {len(expected - set(booked))}"] if expected - set(booked) else []
        found += [f"invented {set(booked) - expected}"] if set(booked) - expected else []
        found += [f"doubled {booked}"] if set(booked.values()) - {1} else []
        held = position_of(truth, self.account, SYMBOL)
        if terminal.position(SYMBOL) != held:
            found.append(f"position {terminal.position(SYMBOL)}, exchange {held}")
        mine = next(row for row in truth["accounts"] if row["account"] == self.account)
        open_there = {(o["clOrdID"], o["leaves"]) for o in mine["orders"] if o["open"]}
        open_here = {(o.key, o.leaves) for o in terminal.orders()}
        if open_there != open_here:
            found.append(f"orders {open_here}, exchange {open_there}")
        return found


@pytest.fixture(scope="module")
def exchange() -> Iterator[ExchangeProcess]:
    process = start_exchange(seed=11, no_limits=True)
    yield process
    process.stop()


@pytest.fixture(scope="module")
def scene(exchange: ExchangeProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    scene = Scene(exchange, tmp_path_factory.mktemp("books") / "books.db")
    scene.terminal.engine.start()
    yield scene
    scene.terminal.engine.stop()


# What the terminal lives with, or mends within seconds.
QUICK: list[Rule] = [
    {"fault": "late", "seconds": 1, "method": "POST"},
    {"fault": "late", "seconds": 1, "after": True, "method": "POST"},
    {"fault": "half-answer", "method": "POST"},
    {"fault": "reset", "after": True, "method": "POST"},
    {"fault": "error-page", "after": True, "method": "POST"},
    {"fault": "error-page", "after": True, "status": 200, "form": "garbage", "method": "POST"},
    {"fault": "error-json", "after": True, "method": "POST"},
    {"fault": "late-rows", "seconds": 3, "times": 5},
    {"fault": "drop", "table": "order"},
    {"fault": "drop", "table": "execution"},
    {"fault": "close", "table": "execution"},
    {"fault": "stream-refused", "times": 2},
    *(
        {"fault": fault, "table": table}
        for fault in (
            *("duplicate", "reorder", "truncate", "garble", "bad-utf8", "not-json", "binary"),
            *("unknown-table", "unknown-action", "unknown-field", "unknown-type", "unknown-row"),
            *("no-rows", "second-partial", "duplicate-key", "deep", "token-expired"),
        )
        for table in ("execution", "order")
    ),
    *({"fault": f, "table": "orderBook10"} for f in ("crossed-book", "empty-book", "garble")),
    {"fault": "unknown-symbol", "table": "position"},
    {"fault": "foreign-currency", "table": "margin"},
    {"fault": "huge", "table": "execution"},
    {"fault": "odd-number", "table": "order", "field": "leavesQty"},
    {"fault": "odd-number", "table": "execution", "field": "execCost"},
    {"fault": "odd-number", "table": "execution", "field": "execCost", "value": "9" * 5000},
    {"fault": "wrong-type", "table": "position", "field": "currentQty"},
    {"fault": "null-field", "table": "order", "field": "price"},
    {"fault": "absent-field", "table": "order", "field": "text"},
    {"fault": "empty-field", "table": "order", "field": "side"},
]


def name(rule: Rule) -> str:
    return " ".join(str(value)[:20] for value in rule.values())


@pytest.mark.parametrize("rule", QUICK, ids=name)
def test_a_trading_terminal_is_soon_in_order_again(scene: Scene, rule: Rule) -> None:
    before = scene.control("GET", "/faults")["fired"].get(rule["fault"], 0)
    scene.control("DELETE", "/faults")
    scene.terminal.wait_live(12.0)
    scene.arm(rule)
    if rule["fault"] in ("stream-refused", "late-rows"):
        scene.arm({"fault": "drop"})  # the stream has to be opened anew
    scene.trade()
    wait_until(
        lambda: scene.control("GET", "/faults")["fired"].get(rule["fault"], 0) > before,
        15.0,
        "the fault",
    )
    scene.settle(12.0)


# What takes the terminal its own patience to find out: each on an account of its own, at once.
SLOW: list[Rule] = [
    {"fault": "half-open", "table": "orderBook10"},
    {"fault": "slow", "rate": 500, "seconds": 5, "table": "orderBook10"},
    {"fault": "silent", "after": True, "method": "POST"},
    {"fault": "maintenance", "until": 3},
    {"fault": "error-page", "method": "GET", "times": 4},
    {"fault": "rate-limit", "method": "GET", "times": 2},
    {"fault": "no-partial", "table": "order"},
]


def test_terminals_outlive_what_takes_long(exchange: ExchangeProcess, tmp_path: Path) -> None:
    scenes = [Scene(exchange, tmp_path / f"books{n}.db") for n in range(len(SLOW))]
    scenes[0].control("DELETE", "/faults")
    for scene in scenes:
        scene.terminal.engine.start()
    try:
        for scene in scenes:
            scene.terminal.wait_live(60.0)
        for scene, rule in zip(scenes, SLOW, strict=True):
            scene.arm(rule)
            if rule["fault"] in ("error-page", "rate-limit", "no-partial"):
                scene.arm({"fault": "drop"})
        with ThreadPoolExecutor(len(scenes)) as pool:
            for outcome in [pool.submit(_trade_until_it_works, scene) for scene in scenes]:
                outcome.result(100.0)
        counts = scenes[0].control("GET", "/faults")["fired"]
        assert {rule["fault"] for rule in SLOW} <= set(counts)
    finally:
        for scene in scenes:
            scene.terminal.engine.stop()


def _trade_until_it_works(scene: Scene) -> None:
    """Click until an order is at the exchange, have it filled, and compare."""
    wait_until(lambda: _has_order(scene), 60.0, "an order at the exchange")
    for order in scene.own_orders():
        if order["open"]:
            scene.control("POST", "/fill", orderID=order["orderID"])
    scene.settle(60.0)


def _has_order(scene: Scene) -> bool:
    """Tell whether the exchange has an order; click once more unless one is on its way."""
    if scene.own_orders():
        return True
    if scene.terminal.health is Health.LIVE and not scene.terminal.orders():
        scene.place()
    return False

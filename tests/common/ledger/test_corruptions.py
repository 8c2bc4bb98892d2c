"""One thing in the tables is changed by hand; verification names it by symbol, currency and EMI.

Identities among the exchange's own figures (orders and their fills, margin, wallet, position rows)
have nothing in the tables that could be changed: their tests are in `test_verify.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.simulator.ports import Request
from common.domain.commands import VerifyBooks
from common.domain.instruments import Category, Symbol
from common.domain.verification import Difference, Rule
from common.engine.snapshot import Health
from common.ledger.database import DatabaseSettings
from common.ledger.robots_table import add_robot
from tests.api.terminal.support import MARKET
from tests.common.ledger.support import run
from tests.faults.scene import SYMBOL, Scene

INVERSE = Symbol("XBTUSD", Category.INVERSE)
TRADING = frozenset({"order"})
ORDERS = (  # symbol, bought > 0, clOrdID
    ("XBTUSDT", 3000, "1.one"),
    ("XBTUSDT", -1000, "2.two"),
    ("XBTUSDT", 700, ""),
    ("XBTUSD", 900, "4.three"),
)


@pytest.fixture
def scene(settings: DatabaseSettings, tmp_path: Path) -> Iterator[Scene]:
    """Return a terminal whose bots have traded and paid funding, and whose books are verified."""
    for emi, symbol in (("one", SYMBOL), ("two", SYMBOL), ("three", INVERSE)):
        add_robot(settings, MARKET, emi, symbol.ticker, symbol.category.value, 1, 1)
    with Scene(tmp_path, symbols=(SYMBOL, INVERSE), database=settings, step=0.25) as scene:
        scene.live()
        for ticker, quantity, name in ORDERS:
            side = "Buy" if quantity > 0 else "Sell"
            order = {"symbol": ticker, "side": side, "orderQty": abs(quantity), "ordType": "Market"}
            named = {"clOrdID": name} if name else {}
            asked = Request("POST", "/order", {**order, **named}, scene.account, TRADING)
            assert scene.venue.handle(asked).status == 200
            scene.exchange.settle()
        for ticker in ("XBTUSDT", "XBTUSD"):
            scene.venue.interventions.force_funding(ticker, 317)
            scene.exchange.settle()
        scene.run(2)
        scene.rest()
        assert verified(scene) == ()
        yield scene


def verified(scene: Scene) -> tuple[Difference, ...]:
    """Press the button and return what was found, twice."""
    verifier = scene.market.verifier
    before = verifier.status.finished
    scene.engine.inbox.put(VerifyBooks())
    scene.until(lambda: verifier.status.finished > before, 30)
    found: tuple[Difference, ...] = verifier.status.differences
    return found


def blamed(found: tuple[Difference, ...], rule: Rule) -> set[tuple[str, str, str]]:
    """Return the symbol, currency and EMI of every difference of a rule."""
    return {
        (each.symbol.ticker if each.symbol else "", each.currency, emi)
        for each in found
        if each.rule is rule
        for emi in each.emi.split(", ")
    }


OF_ONE = "WHERE EMI = 'one' AND SIDE = 0"
ITS_JOURNAL = f"WHERE EXECID = (SELECT EXECID FROM coins {OF_ONE})"
CORRUPTIONS: dict[str, tuple[tuple[str, ...], Rule, Any]] = {
    "i1 an execution is under another id": (
        (
            f"UPDATE executions SET EXECID = 'x' {ITS_JOURNAL}",
            f"UPDATE coins SET EXECID = 'x' {OF_ONE}",
        ),
        Rule.EXACTLY_ONCE,
        ("XBTUSDT", "USDt", "one"),
    ),
    "i2 a share belongs to no execution": (
        ("UPDATE coins SET EXECID = 'x' WHERE EMI = 'two' AND SIDE = -1",),
        Rule.COMPLETE_ROWS,
        ("XBTUSDT", "USDt", "two"),
    ),
    "i3 contracts that were never bought": (
        (f"UPDATE coins SET QTY = QTY + 100 {OF_ONE}",),
        Rule.POSITION,
        ("XBTUSDT", "USDt", "one"),
    ),
    "i4 a satoshi of cost": (
        ("UPDATE coins SET SUMREAL_I = SUMREAL_I + 1 WHERE EMI = 'three' AND SIDE = 0",),
        Rule.FILL,
        ("XBTUSD", "XBt", "three"),
    ),
    "i4 a price": (
        (f"UPDATE coins SET TRADE_PRICE = TRADE_PRICE + 1 {OF_ONE}",),
        Rule.FILL,
        ("XBTUSDT", "USDt", "one"),
    ),
    "i4 a bot": (
        ("UPDATE coins SET EMI = 'two' WHERE EMI = 'one' AND SIDE = 0",),
        Rule.FILL,
        ("XBTUSDT", "USDt", "two"),
    ),
    "i6 a fee, in the journal too": (
        (
            f"UPDATE executions SET EXEC_COMM = EXEC_COMM + 1 {ITS_JOURNAL}",
            f"UPDATE coins SET COMMISS_I = COMMISS_I + 1 {OF_ONE}",
        ),
        Rule.RESULT,
        ("XBTUSDT", "USDt", "one"),
    ),
    "i10 units of funding that changed hands": (
        (
            "UPDATE coins SET COMMISS_I = COMMISS_I + 5 WHERE EMI = 'one' AND SIDE = -1",
            "UPDATE coins SET COMMISS_I = COMMISS_I - 5 WHERE EMI = 'two' AND SIDE = -1",
        ),
        Rule.FUNDING_SPLIT,
        ("XBTUSDT", "USDt", "one"),
    ),
}


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_what_was_changed_by_hand_is_named_and_blocks(
    scene: Scene, settings: DatabaseSettings, name: str
) -> None:
    statements, rule, named = CORRUPTIONS[name]
    for statement in statements:
        run(settings, statement)
    found = verified(scene)
    assert named in blamed(found, rule), found
    assert all(each.text for each in found)
    scene.until(lambda: scene.health is not Health.LIVE, 10)
    assert scene.told("BOOKS DIFFER")


def test_i19_an_order_that_the_screen_has_lost_is_named(scene: Scene) -> None:
    [order] = list(scene.market.state.orders)
    scene.market.state.orders.drop(order.key)
    found = verified(scene)
    assert [(each.rule, each.symbol) for each in found] == [(Rule.OPEN_ORDERS, SYMBOL)]
    assert order.order_id in found[0].text

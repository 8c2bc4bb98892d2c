"""A dated contract ends while bots hold it: each is closed at the settlement price."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from api.simulator.ports import Request
from common.domain.instruments import Category, Symbol
from common.engine.snapshot import Health
from common.ledger.robots_table import add_robot
from common.settings_types import SqliteSettings
from tests.api.simulator.venues import BEFORE_EXPIRY
from tests.faults.scene import SYMBOL, Scene

DATED = Symbol("XBTZ26", Category.INVERSE)
Rows = list[tuple[Any, ...]]


def trade(scene: Scene, emi: str, side: str, quantity: int, number: int) -> None:
    """Have a bot's order filled at once."""
    body = {
        "symbol": DATED.ticker,
        "side": side,
        "orderQty": quantity,
        "ordType": "Market",
        "clOrdID": f"{number}.{emi}",
    }
    answer = scene.venue.handle(
        Request("POST", "/order", body, scene.account, frozenset({"order"}))
    )
    assert answer.status == 200, answer.body


def rows(scene: Scene, where: str) -> Rows:
    """Return EMI, SIDE, QTY, TRADE_PRICE and SUMREAL_I."""
    return scene.sql(
        f"SELECT EMI, SIDE, QTY, TRADE_PRICE, SUMREAL_I FROM coins WHERE {where} ORDER BY EMI"
    )


def held(scene: Scene) -> dict[str, int]:
    state = scene.market.state
    return {b.emi: b.position for b in state.balances.values() if b.symbol == DATED and b.position}


def verified(scene: Scene) -> None:
    """Have everything verified anew: no difference may be found."""
    scene.live()
    finished = scene.market.verifier.status.finished
    scene.market.verifier.asked()
    scene.until(lambda: scene.market.verifier.status.finished > finished)
    assert scene.market.verifier.status.differences == ()
    assert scene.market.verifier.status.problem == ""


@pytest.fixture
def opened(tmp_path: Path) -> Callable[[], Scene]:
    """Return what opens a terminal twenty seconds before the contract ends."""

    def open_scene() -> Scene:
        return Scene(tmp_path, symbols=(SYMBOL, DATED), start=BEFORE_EXPIRY, pace=2.0)

    with open_scene() as scene:
        scene.live()
    settings = SqliteSettings(tmp_path / "books.db")
    for emi in ("a", "b", "c"):
        add_robot(settings, "Bitmex", emi, "XBTZ26", "inverse", 1, 1)
    return open_scene


def settlement_price(scene: Scene) -> Any:
    request = Request("GET", "/settlement", {"symbol": DATED.ticker}, scene.account, frozenset())
    rows: Any = scene.venue.handle(request).body
    assert len(rows) == 1
    return rows[0]["settledPrice"]


def test_bots_that_offset_each_other_are_closed_though_no_execution_comes(
    opened: Callable[[], Scene],
) -> None:
    with opened() as scene:
        scene.live()
        for number, (emi, side, quantity) in enumerate(
            [("a", "Buy", 700), ("b", "Sell", 500), ("c", "Sell", 200)], start=1
        ):
            trade(scene, emi, side, quantity, number)
            scene.run(1)
        assert held(scene) == {"a": 700, "b": -500, "c": -200}
        scene.run(90)
        assert held(scene) == {}
        assert rows(scene, "KIND = 'Settlement'") == []
        closed = rows(scene, "KIND = 'Transfer'")
        assert [row[:3] for row in closed] == [("a", 1, 700), ("b", 0, 500), ("c", 0, 200)]
        assert {float(row[3]) for row in closed} == {settlement_price(scene)}
        per_lot = round(100 * 1e8 / settlement_price(scene))
        assert [row[4] for row in closed] == [-7 * per_lot, 5 * per_lot, 2 * per_lot]
        verified(scene)


def test_bots_that_offset_each_other_in_part_share_the_exchanges_settlement(
    opened: Callable[[], Scene],
) -> None:
    with opened() as scene:
        scene.live()
        trade(scene, "a", "Buy", 700, 1)
        trade(scene, "b", "Sell", 500, 2)
        scene.run(90)
        assert held(scene) == {}
        assert [row[:3] for row in rows(scene, "KIND = 'Settlement'")] == [
            ("a", 1, 700),
            ("b", 0, 500),
        ]
        assert rows(scene, "KIND = 'Transfer'") == []
        verified(scene)


def test_rows_of_a_transfer_that_were_deleted_come_back_at_the_next_bring_up(
    opened: Callable[[], Scene],
) -> None:
    with opened() as scene:
        scene.live()
        trade(scene, "a", "Buy", 700, 1)
        trade(scene, "b", "Sell", 700, 2)
        scene.run(90)
        before = rows(scene, "KIND = 'Transfer'")
        scene.sql("DELETE FROM coins WHERE KIND = 'Transfer' AND EMI = 'b'")
        scene.market.start()
        scene.until(lambda: rows(scene, "KIND = 'Transfer'") == before)
        scene.until(lambda: scene.health is Health.LIVE)
        assert held(scene) == {}
        verified(scene)


def test_a_contract_that_is_alive_closes_nobody(opened: Callable[[], Scene]) -> None:
    with opened() as scene:
        scene.live()
        trade(scene, "a", "Buy", 700, 1)
        trade(scene, "b", "Sell", 700, 2)
        scene.run(2)
        scene.market.offsets.look()
        scene.run(5)
        assert held(scene) == {"a": 700, "b": -700}
        verified(scene)

from __future__ import annotations

import pytest

from tests.api.simulator.venues import Desk, new_desk, reloaded

SYMBOL = "XBTUSDT"


@pytest.fixture
def desk() -> Desk:
    desk = new_desk()
    desk.order(SYMBOL, "Buy", 100_000, ordType="Market")
    return desk


def available(desk: Desk) -> int:
    free: int = desk.get("/user/margin", currency="USDt")["availableMargin"]
    return free


def test_margin_moves_to_an_isolated_position_and_back(desk: Desk) -> None:
    desk.body("POST", "/position/leverage", symbol=SYMBOL, leverage=10)
    free = available(desk)
    before = desk.get("/position", filter={"symbol": SYMBOL})[0]
    row = desk.body("POST", "/position/transferMargin", symbol=SYMBOL, amount=5000)
    assert row["posCross"] == 5000
    assert row["maintMargin"] == before["maintMargin"] + 5000
    assert available(desk) == free - 5000
    row = desk.body("POST", "/position/transferMargin", symbol=SYMBOL, amount=-5000)
    assert row["maintMargin"] == before["maintMargin"]
    assert available(desk) == free


def test_added_margin_lowers_the_liquidation_price_of_a_long(desk: Desk) -> None:
    before = desk.body("POST", "/position/leverage", symbol=SYMBOL, leverage=10)
    after = desk.body("POST", "/position/transferMargin", symbol=SYMBOL, amount=1_000_000)
    assert after["liquidationPrice"] < before["liquidationPrice"]
    assert after["bankruptPrice"] < before["bankruptPrice"]


def test_no_more_margin_moves_than_is_there(desk: Desk) -> None:
    refusal = desk.refusal("POST", "/position/transferMargin", symbol=SYMBOL, amount=1)
    assert refusal == (400, "Position is not isolated")
    desk.body("POST", "/position/leverage", symbol=SYMBOL, leverage=10)
    too_much = available(desk) + 1
    status, message = desk.refusal(
        "POST", "/position/transferMargin", symbol=SYMBOL, amount=too_much
    )
    expected = f"Account has insufficient Available Balance, {too_much} USDt required"
    assert (status, message) == (400, expected)
    desk.body("POST", "/position/transferMargin", symbol=SYMBOL, amount=10)
    status, _ = desk.refusal("POST", "/position/transferMargin", symbol=SYMBOL, amount=-11)
    assert status == 400
    refusal = desk.refusal("POST", "/position/transferMargin", symbol="XBTUSD", amount=1)
    assert refusal == (400, "Position is not open")


@pytest.mark.parametrize("quantity", [100_000, 150_000])
def test_added_margin_is_free_again_when_the_position_is_gone(desk: Desk, quantity: int) -> None:
    desk.body("POST", "/position/leverage", symbol=SYMBOL, leverage=10)
    desk.body("POST", "/position/transferMargin", symbol=SYMBOL, amount=5000)
    desk.order(SYMBOL, "Sell", quantity, ordType="Market")
    (row,) = desk.get("/position", filter={"symbol": SYMBOL})
    assert row["currentQty"] == 100_000 - quantity and row["posCross"] == 0


def test_cross_margin_gives_added_margin_back(desk: Desk) -> None:
    desk.body("POST", "/position/leverage", symbol=SYMBOL, leverage=10)
    desk.body("POST", "/position/transferMargin", symbol=SYMBOL, amount=5000)
    row = desk.body("POST", "/position/isolate", symbol=SYMBOL, enabled=False)
    assert row["posCross"] == 0 and row["crossMargin"] is True


def test_higher_risk_limit_asks_for_more_margin(desk: Desk) -> None:
    (before,) = desk.get("/position", filter={"symbol": SYMBOL})
    limit = before["riskLimit"] + 2 * desk.quote(SYMBOL)["riskStep"]
    row = desk.body("POST", "/position/riskLimit", symbol=SYMBOL.lower(), riskLimit=limit)
    assert row["riskLimit"] == limit
    step = before["maintMarginReq"]
    assert row["initMarginReq"] == pytest.approx(before["initMarginReq"] + 2 * step)
    assert row["maintMarginReq"] == pytest.approx(3 * step)
    assert row["maintMargin"] > before["maintMargin"]
    row = desk.body("POST", "/position/riskLimit", symbol=SYMBOL, riskLimit=before["riskLimit"])
    assert row["maintMargin"] == before["maintMargin"]


@pytest.mark.parametrize("change", [-1, 1, 51 * 10**12])
def test_risk_limit_off_its_steps_is_refused(desk: Desk, change: int) -> None:
    limit = desk.quote(SYMBOL)["riskLimit"] + change
    refusal = desk.refusal("POST", "/position/riskLimit", symbol=SYMBOL, riskLimit=limit)
    assert refusal == (400, "Invalid riskLimit")


def test_set_risk_limit_and_added_margin_survive_a_restart(desk: Desk) -> None:
    limit = desk.quote("XBTUSD")["riskLimit"] + desk.quote("XBTUSD")["riskStep"]
    desk.body("POST", "/position/riskLimit", symbol="XBTUSD", riskLimit=limit)
    desk.body("POST", "/position/leverage", symbol=SYMBOL, leverage=10)
    desk.body("POST", "/position/transferMargin", symbol=SYMBOL, amount=5000)
    again = {row["symbol"]: row for row in reloaded(desk).get("/position")}
    assert again[SYMBOL]["posCross"] == 5000
    assert again["XBTUSD"]["riskLimit"] == limit


@pytest.mark.parametrize(
    ("path", "given", "message"),
    [
        ("/position/leverage", {"symbol": SYMBOL}, "'leverage' is a required arg."),
        ("/position/leverage", {"symbol": SYMBOL, "leverage": 101}, "Invalid leverage"),
        ("/position/leverage", {"symbol": "XBT_USDT", "leverage": 1}, "Invalid symbol"),
        ("/position/isolate", {"symbol": "NOTHING"}, "Invalid symbol"),
        ("/position/riskLimit", {"symbol": SYMBOL}, "'riskLimit' is a required arg."),
        ("/position/transferMargin", {"symbol": SYMBOL}, "'amount' is a required arg."),
    ],
)
def test_missing_and_wrong_parameters_are_refused(
    desk: Desk, path: str, given: dict[str, object], message: str
) -> None:
    assert desk.refusal("POST", path, **given) == (400, message)

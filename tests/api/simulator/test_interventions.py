"""What the owner of an exchange may do: its rows, its books, its refusals."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from api.simulator.interventions import Interventions
from api.simulator.refusals import Refused
from tests.api.simulator.venues import SECOND_ACCOUNT, Desk, new_desk, reloaded

MILLION = 1_000_000


@pytest.fixture
def desk() -> Desk:
    return new_desk()


@pytest.fixture
def owner(desk: Desk) -> Interventions:
    return desk.venue.interventions


def books(owner: Interventions, account: int) -> dict[str, Any]:
    rows: Any = owner.truth()["accounts"]
    found: dict[str, Any] = next(row for row in rows if row["account"] == account)
    return found


def resting(desk: Desk, symbol: str = "XBTUSDT", quantity: int = 1000) -> dict[str, Any]:
    return desk.order(symbol, "Buy", quantity, price=desk.away(symbol, "Buy", 0.05))


def test_a_resting_order_is_filled_at_its_price_though_others_are_better(
    desk: Desk, owner: Interventions
) -> None:
    order = resting(desk)
    assert owner.fill_order(order["orderID"]) == 1000
    [fill] = [r for r in desk.get("/execution/tradeHistory") if r["execType"] == "Trade"]
    assert (fill["lastPx"], fill["lastQty"], fill["feeType"]) == (order["price"], 1000, "Maker")
    assert [p["currentQty"] for p in desk.get("/position")] == [1000]
    held = books(owner, desk.account)["positions"]["XBTUSDT"]
    assert (held["quantity"], held["cost"]) == (1000, fill["execCost"])


def test_an_order_is_filled_in_parts_of_one_time(desk: Desk, owner: Interventions) -> None:
    order = resting(desk, quantity=1000)
    assert owner.fill_order(order["orderID"], quantity=700, parts=3) == 700
    fills = desk.get("/execution/tradeHistory")
    assert [row["lastQty"] for row in fills] == [200, 200, 300]
    assert len({row["transactTime"] for row in fills}) == 1
    assert desk.get("/order", filter='{"open":true}')[0]["leavesQty"] == 300


@pytest.mark.parametrize(("quantity", "parts"), [(1100, 1), (150, 1), (300, 4), (0, 1), (100, 0)])
def test_a_fill_that_cannot_be_is_refused(
    desk: Desk, owner: Interventions, quantity: int, parts: int
) -> None:
    order = resting(desk)
    with pytest.raises(Refused, match="are open in lots"):
        owner.fill_order(order["orderID"], quantity, parts)
    assert desk.get("/execution/tradeHistory") == []


def test_forced_funding_is_paid_between_all_accounts(desk: Desk, owner: Interventions) -> None:
    desk.order("XBTUSD", "Buy", 10_000)
    before = books(owner, desk.account)["wallet"]["XBt"]
    owner.force_funding("XBTUSD", rate_ppm=300)
    [row] = [r for r in desk.get("/execution/tradeHistory") if r["execType"] == "Funding"]
    assert row["commission"] == 0.0003
    assert row["execComm"] == 300 * abs(row["execCost"]) // MILLION
    assert books(owner, desk.account)["wallet"]["XBt"] == before - row["execComm"]
    [paid] = desk.get("/funding", symbol="XBTUSD", reverse="true", count=1)
    assert (paid["fundingRate"], paid["timestamp"]) == (0.0003, row["transactTime"])


def test_a_perpetual_settles_at_its_index_and_takes_no_orders_afterwards(
    desk: Desk, owner: Interventions
) -> None:
    desk.order("XBTUSDT", "Buy", 1000)
    resting(desk)
    owner.expire("XBTUSDT")
    row = desk.get("/execution/tradeHistory")[-1]
    assert (row["execType"], row["lastQty"], row["side"]) == ("Settlement", 1000, "Sell")
    assert books(owner, desk.account)["positions"]["XBTUSDT"]["quantity"] == 0
    assert desk.get("/order", filter='{"open":true}') == []
    assert desk.quote("XBTUSDT")["state"] == "Settled"
    assert desk.refusal("POST", "/order", symbol="XBTUSDT", orderQty=100) == (
        400,
        "Instrument expired",
    )
    desk.wait(hours=9)  # funding, minutes and marks go on without it


def test_a_dated_future_that_is_expired_early_has_its_follower(
    desk: Desk, owner: Interventions
) -> None:
    desk.order("XBTZ26", "Buy", 100)
    owner.expire("XBTZ26")
    assert desk.quote("XBTH27")["state"] == "Open"
    settled = desk.get("/settlement")
    desk.wait(days=40)  # over the regular expiry: nothing settles twice
    assert desk.get("/settlement") == settled
    assert [r["execType"] for r in desk.get("/execution/tradeHistory")].count("Settlement") == 1


def test_a_delisted_contract_is_settled_and_unlisted(desk: Desk, owner: Interventions) -> None:
    desk.order("SOLUSDT", "Sell", 1000)
    owner.delist("SOLUSDT")
    assert "SOLUSDT" not in [row["symbol"] for row in desk.get("/instrument/active")]
    assert desk.quote("SOLUSDT")["state"] == "Unlisted"


def test_lot_and_tick_change_while_a_position_is_held(desk: Desk, owner: Interventions) -> None:
    desk.order("XBTUSDT", "Buy", 1000)
    resting(desk)
    owner.respecify("XBTUSDT", lot=1000, tick_size=Decimal("0.5"))
    for view in (desk, reloaded(desk)):
        row = view.quote("XBTUSDT")
        assert (row["lotSize"], row["tickSize"]) == (1000, 0.5)
        assert row["bidPrice"] * 2 == int(row["bidPrice"] * 2)
        assert view.get("/order", filter='{"open":true}') == []
        assert view.refusal("POST", "/order", symbol="XBTUSDT", orderQty=100)[1] == (
            "Order quantity must be a multiple of lot size: 1000"
        )
        price = row["bidPrice"] - 10
        refused = view.refusal("POST", "/order", symbol="XBTUSDT", orderQty=1000, price=price + 0.1)
        assert refused == (400, "Invalid price tickSize")
        view.order("XBTUSDT", "Buy", 1000, price=price)
        view.order("XBTUSDT", "Sell", 1000)  # what is held can be closed


@pytest.mark.parametrize(
    ("symbol", "lot", "tick"),
    [
        ("XBTUSD", 1, None),
        ("XBTUSDT", 0, None),
        ("XBTUSDT", None, "0.15"),
        ("XBTUSDT", None, "0.01"),
        ("XBTUSDT", None, "-0.1"),
    ],
)
def test_a_specification_that_cannot_be_is_refused(
    desk: Desk, owner: Interventions, symbol: str, lot: int | None, tick: str | None
) -> None:
    before = desk.quote(symbol)
    with pytest.raises(Refused):
        owner.respecify(symbol, lot, None if tick is None else Decimal(tick))
    assert desk.quote(symbol) == before


def test_liquidation_on_demand_closes_everything(desk: Desk, owner: Interventions) -> None:
    desk.order("XBTUSD", "Buy", 1000)
    desk.order("SOLUSDT", "Sell", 1000)
    resting(desk)
    owner.liquidate(desk.account)
    assert {p["currentQty"] for p in desk.get("/position")} == {0}
    assert desk.get("/order", filter='{"open":true}') == []
    assert "Liquidation" in desk.get("/order", reverse="true")[0]["text"]


def test_money_comes_and_goes_and_the_books_know_it(desk: Desk, owner: Interventions) -> None:
    before = books(owner, SECOND_ACCOUNT)["wallet"]["XBt"]
    assert owner.credit(SECOND_ACCOUNT, "XBt", 5) == before + 5
    assert owner.credit(SECOND_ACCOUNT, "XBt", -7) == before - 2
    truth = owner.truth()
    assert truth["money"] == truth["deposited"]


def test_a_moved_market_is_seen_at_once(desk: Desk, owner: Interventions) -> None:
    before = desk.quote("XBTUSDT")
    owner.move_market("XBT", 0.9)
    after = desk.quote("XBTUSDT")
    for name in ("bidPrice", "askPrice", "markPrice"):
        assert after[name] == pytest.approx(before[name] * 0.9, rel=0.002)


def test_a_move_fills_what_it_crosses_and_liquidates_what_it_ruins(
    desk: Desk, owner: Interventions
) -> None:
    desk.order("XBTUSD", "Buy", 500_000)
    far = desk.order("SOLUSDT", "Sell", 1000, price=desk.away("SOLUSDT", "Sell", 0.3))
    owner.move_market("XBT", 0.5)
    owner.move_market("SOL", 1.5)
    assert [p["currentQty"] for p in desk.get("/position", filter='{"symbol":"XBTUSD"}')] == [0]
    [order] = desk.get("/order", filter=f'{{"orderID":"{far["orderID"]}"}}')
    assert order["ordStatus"] == "Filled"


def test_accounts_and_keys_are_opened_and_revoked(desk: Desk, owner: Interventions) -> None:
    number = owner.open_account(None, "pupil", {"USDt": 5 * MILLION})
    key = owner.add_key(number, ["orderCancel"])
    assert desk.venue.find_key(key.key) == key
    pupil = Desk(desk.venue, desk.now, number)
    assert pupil.get("/user")["username"] == "pupil"
    assert pupil.get("/user/wallet", currency="USDt")["amount"] == 5 * MILLION
    owner.revoke_key(key.key)
    assert desk.venue.find_key(key.key) is None


REFUSALS: list[Callable[[Interventions], object]] = [
    lambda owner: owner.open_account(SECOND_ACCOUNT, None, {}),
    lambda owner: owner.open_account(None, None, {"EUR": 1}),
    lambda owner: owner.open_account(None, None, {"XBt": -1}),
    lambda owner: owner.add_key(SECOND_ACCOUNT, ["everything"]),
    lambda owner: owner.add_key(1, ["order"]),  # the exchange's own account
    lambda owner: owner.revoke_key("nobody"),
    lambda owner: owner.credit(4711, "XBt", 1),
    lambda owner: owner.move_market("DOGE", 2.0),
    lambda owner: owner.move_market("XBT", 0.0),
    lambda owner: owner.force_funding("XBT_USDT"),
    lambda owner: owner.expire("NOSUCH"),
    lambda owner: owner.fill_order("nothing"),
]


@pytest.mark.parametrize("attempt", REFUSALS)
def test_what_cannot_be_done_is_refused_and_changes_nothing(
    desk: Desk, owner: Interventions, attempt: Callable[[Interventions], object]
) -> None:
    before = desk.venue.dump()
    with pytest.raises(Refused):
        attempt(owner)
    assert desk.venue.dump() == before


def test_the_truth_adds_up_after_everything(desk: Desk, owner: Interventions) -> None:
    for symbol in ("XBTUSD", "XBTUSDT", "ETHUSD", "XBT_USDT"):
        desk.order(symbol, "Buy", desk.quote(symbol)["lotSize"] * 3)
    owner.force_funding("ETHUSD", 100)
    owner.move_market("XBT", 1.05)
    owner.expire("XBTUSD")
    desk.wait(seconds=timedelta(hours=1).total_seconds())
    truth = owner.truth()
    contracts: Any = truth["contracts"]
    assert set(contracts.values()) == {0}
    assert truth["money"] == truth["deposited"]
    mine = books(owner, desk.account)
    cash = {"XBt": 100_000_000, "USDt": 10_000_000_000}
    for row in mine["executions"]:
        cash[row["currency"]] -= row["fee"] + (0 if row["kind"] == "Funding" else row["cost"])
        if row["symbol"] == "XBT_USDT":
            cash["XBt"] += row["contracts"]
    for position in mine["positions"].values():
        cash[position["currency"]] += position["cost"]
    assert mine["wallet"] == cash

"""Random sessions of several accounts, good and bad requests mixed: nothing is made or lost."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from api.simulator.ports import Request
from api.simulator.venue import DEMO_ACCOUNT
from tests.api.simulator.venues import SECOND_ACCOUNT, TRADING, Desk, new_venue, reloaded

SYMBOLS = {
    "XBTUSD": 100,
    "XBTUSDT": 100,
    "SOLUSDT": 100,
    "ETHUSD": 1,
    "XBT_USDT": 1_000,
    "XBTZ26": 100,
}
STEPS = st.lists(
    st.tuples(
        st.sampled_from(("place", "place", "place", "amend", "cancel", "wait", "move", "all")),
        st.sampled_from(sorted(SYMBOLS)),
        st.sampled_from(("Buy", "Sell")),
        st.integers(1, 400),  # lots
        st.integers(-60, 60),  # ticks from the middle
        st.sampled_from((DEMO_ACCOUNT, SECOND_ACCOUNT)),
        st.sampled_from(
            (
                {},
                {"ordType": "Market", "price": None},
                {"timeInForce": "ImmediateOrCancel"},
                {"timeInForce": "FillOrKill"},
                {"execInst": "ParticipateDoNotInitiate"},
                {"execInst": "ReduceOnly"},
                {"execInst": "Close"},
                {"displayQty": 0},
                {"ordType": "StopLimit", "stopPx": True},
            )
        ),
    ),
    max_size=30,
)


def play(desks: dict[int, Desk], step: tuple[Any, ...]) -> None:
    what, symbol, side, lots, ticks, account, more = step
    desk = desks[account]
    row = desk.quote(symbol)
    price = round(row["midPrice"] / row["tickSize"] + ticks) * row["tickSize"]
    if what == "place":
        params = {"price": price, **more}
        if params.get("stopPx"):
            params["stopPx"] = price
        quantity = lots * SYMBOLS[symbol]
        desk.ask("POST", "/order", symbol=symbol, side=side, orderQty=quantity, **params)
    elif what in ("amend", "cancel"):
        orders = desk.get("/order", filter={"open": True})
        if orders:
            order = orders[lots % len(orders)]
            params = {"orderID": order["orderID"]}
            if what == "amend":
                params |= {"leavesQty": lots * SYMBOLS[order["symbol"]], "price": price}
            desk.ask("PUT" if what == "amend" else "DELETE", "/order", **params)
    elif what == "all":
        desk.ask("DELETE", "/order/all", symbol=symbol)
    else:
        if what == "move":
            desk.venue.move_market("XBT", 1 + ticks / 1_000)
        now = desk.now + timedelta(seconds=lots / 10)
        desk.venue.advance(now)
        for other in desks.values():
            other.now = now


def check_account(desk: Desk) -> None:
    """Check what an account is told against itself."""
    wallets = {row["currency"]: row["amount"] for row in desk.get("/user/wallet", currency="all")}
    history = desk.get("/user/walletHistory", currency="all", count=10_000, reverse="false")
    for currency, amount in wallets.items():
        booked = [r["amount"] for r in history if r["currency"] == currency and "transactID" in r]
        assert sum(booked) == amount
    rows = desk.get("/execution/tradeHistory", count=500)
    assert len({row["execID"] for row in rows}) == len(rows)
    for position in desk.get("/position"):
        quantity = sum(
            (1 if row["side"] == "Buy" else -1) * row["lastQty"]
            for row in rows
            if row["symbol"] == position["symbol"] and row["execType"] == "Trade"
        )
        assert (position["currentQty"] or 0) == (0 if "currency" not in position else quantity)
    for order in desk.get("/order", count=500):
        fills = [row["lastQty"] for row in rows if row.get("orderID") == order["orderID"]]
        assert order["cumQty"] == sum(fills)
        is_open = order["ordStatus"] in ("New", "PartiallyFilled")
        assert order["leavesQty"] == (order["orderQty"] - order["cumQty"] if is_open else 0)


@settings(max_examples=25, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(st.integers(0, 1_000), STEPS)
def test_books_balance_in_any_session(seed: int, steps: list[tuple[Any, ...]]) -> None:
    venue = new_venue(seed)
    desks = {number: Desk(venue, account=number) for number in (DEMO_ACCOUNT, SECOND_ACCOUNT)}
    for step in steps:
        play(desks, step)  # the venue raises BooksDoNotBalance by itself
    venue.drain()
    for desk in desks.values():
        check_account(desk)
        desk.ask("DELETE", "/order/all")  # a market that opens anew may meet resting orders
    again = reloaded(desks[DEMO_ACCOUNT])
    assert again.get("/position") == desks[DEMO_ACCOUNT].get("/position")
    assert json.dumps(again.venue.dump()["accounts"]) == json.dumps(venue.dump()["accounts"])


WORDS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["XBTUSD", "Buy", "Limit", "Close", "[", "{}", "[1]", "2026-01-01", "nan"]),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.sampled_from(["open", "symbol", "timestamp.hh"]), st.integers(), max_size=2),
)
NAMES = st.sampled_from(
    [
        "symbol",
        "side",
        "orderQty",
        "price",
        "stopPx",
        "ordType",
        "timeInForce",
        "execInst",
        "displayQty",
        "clOrdID",
        "orderID",
        "origClOrdID",
        "leavesQty",
        "text",
        "filter",
        "columns",
        "count",
        "start",
        "reverse",
        "startTime",
        "endTime",
        "depth",
        "binSize",
        "partial",
        "currency",
        "timeout",
        "leverage",
        "enabled",
        "pegPriceType",
        "pegOffsetValue",
    ]
)
SHARED = new_venue()
PATHS = sorted(set(SHARED.routes))


@settings(max_examples=400, deadline=None)
@example(("GET", "/execution"), {"startTime": 253_402_300_800_000})
@given(st.sampled_from(PATHS), st.dictionaries(NAMES, WORDS, max_size=6))
def test_no_request_breaks_the_exchange(path: tuple[str, str], params: dict[str, Any]) -> None:
    answer = SHARED.handle(Request(*path, params, DEMO_ACCOUNT, TRADING))
    assert answer.status in (200, 400, 404)
    json.dumps(answer.body)
    if answer.status != 200:
        body: Any = answer.body
        assert body["error"]["message"]

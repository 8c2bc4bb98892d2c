"""A little recorded market of one perpetual, and an account that trades in it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from api.simulator.ports import Answer, Json, Request, Row, TableEvent
from api.simulator.recording import read_recording
from api.simulator.replay import ReplayVenue
from tests.api.simulator.fakes import T0, TRADER, level, table_message, write_recording

XBT = "XBTUSD"
STARTED = datetime.fromisoformat("2021-07-22T22:36:07.865+00:00")
INSTRUMENT: Row = {
    "symbol": XBT,
    "rootSymbol": "XBT",
    "state": "Open",
    "typ": "FFWCSX",
    "listing": "2016-05-13T12:00:00.000Z",
    "positionCurrency": "USD",
    "underlying": "XBT",
    "quoteCurrency": "USD",
    "referenceSymbol": ".BXBT",
    "maxOrderQty": 10_000_000,
    "maxPrice": 1_000_000,
    "lotSize": 100,
    "tickSize": 0.5,
    "multiplier": -100_000_000,
    "settlCurrency": "XBt",
    "underlyingToSettleMultiplier": -100_000_000,
    "isQuanto": False,
    "isInverse": True,
    "initMargin": 0.01,
    "maintMargin": 0.0035,
    "riskLimit": 20_000_000_000,
    "riskStep": 10_000_000_000,
    "makerFee": -0.00025,
    "takerFee": 0.00075,
    "fundingTimestamp": "2021-07-22T22:46:07.865Z",  # ten minutes after the start
    "fundingRate": 0.0001,
    "markPrice": 30_000.25,
    "indicativeSettlePrice": 29_998.25,
    "lastPrice": 30_000,
}
BOOK = (
    0.5,
    table_message(
        "orderBookL2",
        "partial",
        level(XBT, 2, "Sell", 2_000, 30_001),
        level(XBT, 1, "Sell", 1_000, 30_000.5),
        level(XBT, 3, "Buy", 3_000, 30_000),
        level(XBT, 4, "Buy", 5_000, 29_999.5),
    ),
)
TAPE = (0.5, table_message("trade", "partial", {"symbol": XBT, "side": "Buy", "size": 100,
                           "price": 30_000, "timestamp": "2021-07-22T22:36:00.000Z"}))  # fmt: skip


def traded(at: float, side: str, size: int, price: float) -> tuple[float, Row]:
    """Return a recorded trade."""
    now = (STARTED + timedelta(seconds=at)).isoformat(timespec="milliseconds")
    row: Row = {"symbol": XBT, "side": side, "size": size, "price": price, "timestamp": now}
    return at, table_message("trade", "insert", row)


def changed(at: float, action: str, *rows: Row) -> tuple[float, Row]:
    """Return a recorded change of the book."""
    return at, table_message("orderBookL2", action, *rows)


class RecordedDesk:
    """The account's view of a replay whose clock is in the hand of the test."""

    def __init__(
        self, folder: Path, *messages: tuple[float, Row], opened: datetime | None = None
    ) -> None:
        path = write_recording(folder / "recording.jsonl", BOOK, TAPE, *messages)
        self.venue = ReplayVenue([INSTRUMENT], read_recording(path), [TRADER], opened=opened)
        self.venue.advance(T0)
        self.venue.drain()

    def play(self, seconds: float) -> Sequence[TableEvent]:
        """Let the recording play up to a time after its start; return what happened."""
        self.venue.advance(T0 + timedelta(seconds=seconds))
        return self.venue.drain()

    def ask(self, method: str, path: str, **params: Json) -> Answer:
        """Send a request."""
        request = Request(method, path, params, TRADER.account, TRADER.permissions)
        return self.venue.handle(request)

    def body(self, method: str, path: str, **params: Json) -> Any:
        """Return the body of a request that must succeed."""
        answer = self.ask(method, path, **params)
        assert answer.status == 200, answer.body
        return answer.body

    def order(self, side: str, quantity: int, price: float | None = None, **more: Json) -> Any:
        """Place an order that must be accepted; without a price a market order."""
        if price is not None:
            more["price"] = price
        return self.body("POST", "/order", symbol=XBT, side=side, orderQty=quantity, **more)

    def state(self, order: Row) -> tuple[Json, Json, Json]:
        """Return status, cumQty and avgPx of an order now."""
        rows = self.body("GET", "/order", filter={"orderID": order["orderID"]})
        return rows[0]["ordStatus"], rows[0]["cumQty"], rows[0].get("avgPx")

    def fills(self) -> list[tuple[Json, Json, Json, Json]]:
        """Return side, price, quantity and kind of fee of all executions that moved money."""
        rows = self.body("GET", "/execution/tradeHistory")
        return [(r["side"], r["lastPx"], r["lastQty"], r.get("feeType")) for r in rows]

    def margin(self) -> Any:
        """Return the margin account of now."""
        return self.body("GET", "/user/margin")

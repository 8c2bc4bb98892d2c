"""A small venue for tests of what stands around it, and a recording made by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

from api.simulator.ports import Action, Answer, ApiKey, Json, Partial, Request, Row, TableEvent

T0 = datetime(2026, 5, 3, 5, 1, 40, 510000, tzinfo=timezone.utc)
TRADER = ApiKey("trader-key", "trader-secret", 7, frozenset({"order"}))
READER = ApiKey("reader-key", "reader-secret", 8, frozenset())
CANCELLER = ApiKey("canceller-key", "canceller-secret", 9, frozenset({"orderCancel"}))


@dataclass
class FakeVenue:
    """Answers every request with what was asked; its tables are what the test puts there."""

    tables: dict[str, list[Row]] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    events: list[TableEvent] = field(default_factory=list)
    state: dict[str, Json] = field(default_factory=dict)
    now: datetime = T0

    def __post_init__(self) -> None:
        symbols = [("XBTUSD", "FFWCSX"), ("ETHUSD", "FFWCSX"), ("XBT_USDT", "IFXXXP")]
        self.tables.setdefault("instrument", [{"symbol": s, "typ": t} for s, t in symbols])

    @property
    def routes(self) -> Sequence[tuple[str, str]]:
        return [("GET", "/order"), ("POST", "/order")]

    def advance(self, now: datetime) -> None:
        assert now >= self.now, "time runs backwards"
        self.now = now

    def handle(self, request: Request) -> Answer:
        self.requests.append(request)
        if request.path == "/broken":
            raise ZeroDivisionError("a defect of the venue")
        if request.path == "/order/cancelAllAfter":
            timeout = request.params["timeout"]
            if not isinstance(timeout, int):
                message = {"message": "timeout is invalid", "name": "ValidationError"}
                return Answer(400, {"error": message})
            return Answer(200, {"now": "now", "cancelTime": timeout})
        if request.path == "/order" and request.method == "POST":
            row: Row = {"orderID": f"id-{len(self.requests)}", "symbol": "XBTUSD"}
            self.events.append(TableEvent("order", Action.INSERT, [row], request.account))
            self.state = {"orders": {**self._orders(), str(row["orderID"]): row}}
            return Answer(200, row)
        return Answer(200, {"params": dict(request.params), "account": request.account})

    def _orders(self) -> dict[str, Json]:
        orders = self.state.get("orders", {})
        assert isinstance(orders, dict)
        return orders

    def drain(self) -> Sequence[TableEvent]:
        events, self.events = self.events, []
        return events

    def partial(self, table: str, symbol: str | None, account: int | None) -> Partial | None:
        rows = self.tables.get(table, [])
        chosen = [row for row in rows if symbol is None or row.get("symbol") == symbol]
        owned = [row for row in chosen if row.get("account") == account]
        return Partial(["symbol"], {"symbol": "symbol"}, owned)

    def find_key(self, key: str) -> ApiKey | None:
        return {k.key: k for k in (TRADER, READER, CANCELLER)}.get(key)

    def dump(self) -> dict[str, Json]:
        return dict(self.state)

    def load(self, state: Mapping[str, Json]) -> None:
        self.state = dict(state)


def level(symbol: str, number: int, side: str, size: int, price: float | None = None) -> Row:
    """Return a row of orderBookL2; updates and deletes carry no price."""
    row: Row = {"symbol": symbol, "id": number, "side": side, "size": size}
    return row if price is None else {**row, "price": price}


def table_message(table: str, action: str, *rows: Row) -> Row:
    """Return a message of the realtime API."""
    return {"table": table, "action": action, "data": list(rows)}


def write_recording(path: Path, *messages: tuple[float, Row]) -> Path:
    """Write a recording that begins with a welcome at T0."""
    welcome: Row = {"info": "Welcome", "timestamp": "2021-07-22T22:36:07.865Z"}
    lines = [{"t": t, "dir": "recv", "m": m} for t, m in [(0.0, welcome), *messages]]
    path.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    return path

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import websocket

from api.simulator.credentials import sign
from tests.api.simulator.running import hang_up
from tests.api.simulator.trader import Trader
from tests.support.venue import ExchangeProcess

FOLLOWED = (
    *("instrument", "quote", "trade", "orderBookL2", "orderBookL2_25", "orderBook10"),
    *("tradeBin1m", "funding", "settlement", "liquidation"),
    *("order", "execution", "position", "margin", "wallet", "transact"),
)
AWAITED = {
    *((table, "partial") for table in FOLLOWED),
    *((table, "insert") for table in ("quote", "trade", "order", "execution", "position")),
    *((f"orderBook{kind}", "update") for kind in ("L2", "L2_25", "10")),
    *((table, "update") for table in ("instrument", "order", "position", "margin", "wallet")),
    *((f"orderBook{kind}", action) for kind in ("L2", "L2_25") for action in ("insert", "delete")),
}
PATIENCE = 60.0  # seconds
KINDS: dict[str, tuple[type, ...]] = {
    "long": (int,),
    "float": (int, float),
    "boolean": (bool,),
    **dict.fromkeys(("symbol", "guid", "timestamp", "timespan"), (str,)),
    "": (object,),
}


def trade(trader: Trader) -> None:
    """Cause messages of every private table."""
    trader.order(symbol="XBTUSDT", side="Buy", orderQty=1000, ordType="Market", clOrdID="a")
    trader.order(symbol="XBTUSD", side="Sell", orderQty=100, ordType="Market")
    trader.order(symbol="XBT_USDT", side="Buy", orderQty=1000, ordType="Market")
    rest = trader.order(symbol="XBTUSDT", side="Buy", orderQty=1000, price=50000)
    trader.ask("PUT", "order", {"orderID": rest["orderID"], "price": 50001})
    trader.ask("DELETE", "order", {"orderID": rest["orderID"]})


def fits(kind: str | None, value: object) -> bool:
    """Tell whether a value is of a column's kind; True and False are no numbers."""
    if kind is None or value is None:
        return kind is not None
    if isinstance(value, bool):
        return kind in ("boolean", "")
    return isinstance(value, KINDS[kind])


def test_every_row_on_the_stream_is_of_the_types_that_its_partial_names(
    exchange: Callable[..., ExchangeProcess],
) -> None:
    running = exchange(no_limits=True)
    stamp = str(int(time.time()) + 600)
    signature = sign(running.secret, "GET", "/realtime", stamp)
    headers = {"api-key": running.key, "api-expires": stamp, "api-signature": signature}
    client = websocket.create_connection(running.ws, header=headers, timeout=PATIENCE)
    client.send(json.dumps({"op": "subscribe", "args": FOLLOWED}))
    trade(Trader(running))
    seen: set[tuple[str, str]] = set()
    types: dict[str, dict[str, str]] = {}
    wrong: dict[tuple[str, str], Any] = {}
    deadline = time.monotonic() + PATIENCE
    while not seen >= AWAITED:
        assert time.monotonic() < deadline, f"not seen: {AWAITED - seen}"
        message = json.loads(client.recv())
        assert "error" not in message, message
        if "table" not in message:
            continue
        table = message["table"]
        types.setdefault(table, message.get("types"))
        seen.add((table, message["action"]))
        for row in message["data"]:
            for name, value in row.items():
                if not fits(types[table].get(name), value):
                    wrong[table, name] = (types[table].get(name), value)
    hang_up(client)
    assert wrong == {}

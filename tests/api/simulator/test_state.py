from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import requests

from api.simulator.ports import Json, Row
from tests.api.simulator.trader import Trader
from tests.support.venue import ExchangeProcess

Start = Callable[..., ExchangeProcess]
SYMBOL = "XBTUSDT"


def best_prices(exchange: ExchangeProcess) -> tuple[float, float]:
    url = f"{exchange.rest}orderBook/L2?symbol={SYMBOL}&depth=1"
    sell, buy = requests.get(url, timeout=10).json()
    return buy["price"], sell["price"]


def trade(trader: Trader, name: str, quantity: int) -> Row:
    side = "Buy" if quantity > 0 else "Sell"
    return trader.order(
        symbol=SYMBOL, side=side, orderQty=abs(quantity), ordType="Market", clOrdID=name
    )


def account_of(trader: Trader) -> dict[str, Json]:
    """Return what must not change by a restart."""
    positions = trader.rows("position")
    wallets = trader.ask("GET", "user/wallet", currency="all")
    assert isinstance(wallets, list)
    return {
        "open": {row["orderID"]: row for row in trader.rows("order", filter='{"open": true}')},
        "orders": {row["orderID"]: row for row in trader.rows("order", count=500)},
        "executions": trader.rows("execution/tradeHistory", count=500),
        "position": [(p["symbol"], p["currentQty"], p["currentCost"]) for p in positions],
        "wallet": [(w["currency"], w["amount"]) for w in wallets],
        "wallet history": [
            row for row in trader.rows("user/walletHistory", currency="all") if "transactID" in row
        ],
    }


def test_killed_exchange_comes_back_with_everything_it_accepted(
    exchange: Start, tmp_path: Path
) -> None:
    """Each round trades, is killed right after the last answer, and must find all of it again."""
    path = tmp_path / "exchange.state"
    seen: set[Json] = set()
    last: dict[str, Json] | None = None
    keys = set()
    for round_ in range(4):
        running = exchange(state=path, no_limits=True)
        keys.add((running.key, running.secret))
        trader = Trader(running)
        if last is not None:
            assert account_of(trader) == last
        bid, _ask = best_prices(running)
        rest = {"symbol": SYMBOL, "side": "Buy", "orderQty": 1000, "price": round(bid * 0.9)}
        placed = [trader.order(**rest, clOrdID=f"rest-{round_}")]
        placed += [trade(trader, f"take-{round_}-{n}", q) for n, q in enumerate((3000, -1000))]
        trader.ask("PUT", "order", {"orderID": placed[0]["orderID"], "orderQty": 2000})
        new = {row["orderID"] for row in placed}
        assert len(new) == 3 and not new & seen
        seen |= new
        last = account_of(trader)
        running.kill()
    assert len(keys) == 1
    assert last is not None
    executions = last["executions"]
    assert isinstance(executions, list) and isinstance(last["open"], dict)
    ids = [row["execID"] for row in executions]
    assert len(ids) >= 8 and len(set(ids)) == len(ids)
    assert len(last["open"]) == 4
    assert last["position"] == [(SYMBOL, 8000, last["position"][0][2])]  # type: ignore[index]


def test_order_is_kept_when_the_exchange_dies_at_once(exchange: Start, tmp_path: Path) -> None:
    path = tmp_path / "exchange.state"
    for number in range(3):
        running = exchange(state=path, no_limits=True)
        placed = trade(Trader(running), f"order-{number}", 1000)
        running.kill()
        again = exchange(state=path, no_limits=True)
        rows = Trader(again).rows("execution/tradeHistory", filter='{"execType": "Trade"}')
        fills = [row for row in rows if row["orderID"] == placed["orderID"]]
        assert sum(int(str(row["lastQty"])) for row in fills) == 1000
        again.stop()


def test_market_goes_on_near_where_it_was(exchange: Start, tmp_path: Path) -> None:
    path = tmp_path / "exchange.state"
    running = exchange(state=path)
    before, _ = best_prices(running)
    running.stop()
    again = exchange(state=path)
    after, _ = best_prices(again)
    assert abs(after / before - 1) < 0.01

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from typing import Any

from tests.api.simulator.trader import Trader
from tests.clients.foreign import DEADLINE, FOLDER, said_by
from tests.support.processes import reap
from tests.support.venue import ExchangeProcess
from tests.support.waiting import wait_until

SYMBOL = "XBTUSD"
Look = Callable[[], dict[str, Any]]


@contextmanager
def watching(python: Path, exchange: ExchangeProcess) -> Iterator[Look]:
    """Run bitmex-ws; gives a function that returns what it keeps at the moment."""
    process = subprocess.Popen(
        [str(python), str(FOLDER / "bitmex_ws_watch.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    assert process.stdin is not None and process.stdout is not None
    into, out = process.stdin, process.stdout
    watchdog = Timer(DEADLINE, process.kill)
    watchdog.start()

    def look(line: str = "") -> dict[str, Any]:
        into.write(line + "\n")
        into.flush()
        kept: dict[str, Any] = json.loads(out.readline())
        return kept

    try:
        first = look(said_by(exchange, symbol=SYMBOL))
        assert first["instrument"]["symbol"] == SYMBOL
        yield look
        into.close()
        assert process.wait(DEADLINE) == 0
    finally:
        watchdog.cancel()
        process.kill()
        reap(process)


def test_market_and_own_orders_are_followed(
    exchange: Callable[..., ExchangeProcess], clients_python: Path
) -> None:
    running = exchange(no_limits=True)
    trader = Trader(running)
    with watching(clients_python, running) as look:
        kept = look()
        assert kept["ticker"]["buy"] < kept["ticker"]["sell"]
        assert kept["funds"]["walletBalance"] == 100_000_000
        assert (kept["open orders"], kept["executions"]) == ([], [])
        price = round(kept["ticker"]["buy"] * 0.9)
        placed = trader.order(symbol=SYMBOL, orderQty=100, price=price, clOrdID="a")

        def open_ids() -> list[str]:
            return [order["orderID"] for order in look()["open orders"]]

        wait_until(lambda: open_ids() == [placed["orderID"]], message="the order")
        trader.ask("PUT", "order", {"orderID": placed["orderID"], "price": price + 1})
        wait_until(
            lambda: [o["price"] for o in look()["open orders"]] == [price + 1], message="the amend"
        )
        trader.ask("DELETE", "order", {"orderID": placed["orderID"]})
        wait_until(lambda: open_ids() == [], message="the cancel")
        trader.order(symbol=SYMBOL, side="Buy", orderQty=300, ordType="Market", clOrdID="b")
        wait_until(
            lambda: [p["currentQty"] for p in look()["positions"]] == [300], message="the position"
        )
        last = look()
        kinds = [row["execType"] for row in last["executions"]]
        assert kinds[:4] == ["New", "Replaced", "Canceled", "New"]
        fills = [row for row in last["executions"] if row["execType"] == "Trade"]
        assert sum(row["lastQty"] for row in fills) == 300
        spent = sum(row["execComm"] for row in fills)
        wait_until(
            lambda: look()["funds"]["walletBalance"] == 100_000_000 - spent, message="the fee"
        )


def test_book_it_builds_equals_the_one_it_could_fetch(
    exchange: Callable[..., ExchangeProcess], clients_python: Path
) -> None:
    running = exchange(no_limits=True)
    trader = Trader(running)

    def levels(rows: list[dict[str, Any]]) -> list[tuple[str, float, int]]:
        return sorted((row["side"], row["price"], row["size"]) for row in rows)

    with watching(clients_python, running) as look:
        wait_until(
            lambda: (
                levels(trader.rows("orderBook/L2", symbol=SYMBOL, depth=0))
                == levels(look()["book"])
            ),
            message="the same book",
        )

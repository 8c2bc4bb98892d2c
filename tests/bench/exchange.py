"""The embedded exchange: messages to one client, and orders over one connection."""

from __future__ import annotations

import asyncio
import http.client
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.registry import Figure, register

BURST = 20_000  # messages
ROUNDS = 5
ORDERS = 1_000


@register("exchange-stream", "table messages a second that the embedded exchange sends one client")
def stream() -> list[Figure]:
    """Let another process send bursts of books to an aiohttp client that only counts them."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.api.simulator.flooding"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).resolve().parents[2],
        text=True,
    )
    try:
        assert process.stdout is not None
        port = json.loads(process.stdout.readline())["port"]
        rate = asyncio.run(_receive(port))
    finally:
        process.communicate("")
    return [Figure("books of ten levels to one client", rate, "messages/s", at_least=5_000)]


async def _receive(port: int) -> float:
    """Return the median rate of the bursts."""
    import aiohttp  # noqa: PLC0415 -- listing costs nothing

    rates = []
    root = f"http://127.0.0.1:{port}"
    async with aiohttp.ClientSession() as session:
        topic = "/realtime?subscribe=orderBook10:XBTUSD"
        async with session.ws_connect(root + topic) as socket:
            for _ in range(3):  # welcome, acknowledgement, partial
                await socket.receive()
            for _ in range(ROUNDS):
                began = time.perf_counter()
                await session.post(f"{root}/api/v1/burst?count={BURST}")
                for _ in range(BURST):
                    await socket.receive()
                rates.append(BURST / (time.perf_counter() - began))
    return statistics.median(rates)


@register("exchange-orders", "order requests a second that the embedded exchange answers")
def orders() -> list[Figure]:
    """Place and cancel limit orders, one after another, with and without a state file."""
    from tests.support.venue import start_exchange  # noqa: PLC0415 -- listing costs nothing

    figures = []
    with tempfile.TemporaryDirectory() as folder:
        for title, state in (("", None), (", each saved first", Path(folder) / "state")):
            exchange = start_exchange(no_limits=True, state=state)
            try:
                took = _trade(exchange.rest, exchange.key, exchange.secret)
            finally:
                exchange.stop()
            rate = len(took) / sum(took)
            name = f"place and cancel over one connection{title}"
            figures.append(Figure(name, rate, "requests/s", at_least=500))
            name = f"round trip of such a request{title}, median"
            figures.append(Figure(name, 1000 * statistics.median(took), "ms", at_most=2))
    return figures


def _trade(rest: str, key: str, secret: str) -> list[float]:
    """Return the seconds of each request."""
    from api.simulator.credentials import sign  # noqa: PLC0415 -- listing costs nothing

    connection = http.client.HTTPConnection(rest.split("/")[2], timeout=10)
    took = []

    def ask(method: str, body: dict[str, object]) -> None:
        data, stamp = json.dumps(body).encode(), str(int(time.time()) + 60)
        headers = {
            "content-type": "application/json",
            "api-key": key,
            "api-expires": stamp,
            "api-signature": sign(secret, method, "/api/v1/order", stamp, data),
        }
        began = time.perf_counter()
        connection.request(method, "/api/v1/order", data, headers)
        answer = connection.getresponse()
        text = answer.read()
        took.append(time.perf_counter() - began)
        assert answer.status == 200, text

    for number in range(ORDERS // 2):
        name = f"bench-{number}"
        price = 50_000 + number % 100
        ask("POST", {"symbol": "XBTUSDT", "orderQty": 1000, "price": price, "clOrdID": name})
        ask("DELETE", {"clOrdID": name})
    connection.close()
    return took

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
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench.registry import Figure, register

if TYPE_CHECKING:
    from api.simulator.direct import DirectGateway

BURST = 20_000  # messages
ROUNDS = 5
ORDERS = 1_000
HOUR = 3600  # seconds


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


@register("exchange-direct", "how fast time passes for an exchange inside the process")
def direct() -> list[Figure]:
    """Let an hour pass for one symbol, with its stream decoded, in steps of five seconds."""
    from api.simulator.direct import DirectExchange  # noqa: PLC0415 -- listing costs nothing
    from api.simulator.venue import DEMO_ACCOUNT, LiveVenue, seeded_key  # noqa: PLC0415
    from api.simulator.virtual_clock import VirtualClock  # noqa: PLC0415
    from common.domain.instruments import Category, Symbol  # noqa: PLC0415
    from common.engine.items import RawText  # noqa: PLC0415
    from common.engine.requests import FetchInstruments  # noqa: PLC0415

    start, symbol = datetime(2026, 11, 23, tzinfo=timezone.utc), Symbol("XBTUSDT", Category.LINEAR)
    figures = []
    for pace in (1.0, 20.0):
        key = seeded_key(1, DEMO_ACCOUNT)
        venue = LiveVenue(seed=1, now=start, keys=[key], symbols=[symbol.ticker], pace=pace)
        exchange = DirectExchange(venue, VirtualClock(start))
        gateway = exchange.gateway(key)

        class Inbox:
            """Decodes what comes, as an engine does."""

            def put(self, item: object, gateway: DirectGateway = gateway) -> None:
                if isinstance(item, RawText):
                    gateway.receive(item)

        gateway.start(Inbox())
        gateway.request(FetchInstruments((symbol,)))
        gateway.connect(1, [symbol], [symbol])
        began = time.perf_counter()
        for second in range(0, HOUR, 5):
            exchange.run_until(float(second))
        rate = HOUR / (time.perf_counter() - began)
        title = f"one symbol that moves every {0.32 * pace:.1f} s"
        figures.append(Figure(title, rate, "times real speed", at_least=1000 if pace > 1 else None))
    return figures


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

"""An embedded exchange that floods its clients and has a long history; run as a process.

`python -m tests.e2e.flood EXECUTIONS`: prints the JSON line of an exchange, then sends book updates
at the rate (a second) that each line of standard input names, until that ends.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Sequence

from api.simulator.ports import Action, Request, Row, TableEvent
from api.simulator.server import ExchangeServer, utc_now
from api.simulator.venue import DEMO_ACCOUNT, Customer, LiveVenue, seeded_key

SYMBOLS = ("XBTUSDT", "XBTUSD", "ETHUSD", "SOLUSDT")
PARTS = 250  # executions of one order
MOST = 1000  # messages at once


class FloodingVenue(LiveVenue):
    """Sends further changes of its order books, `rate` a second."""

    rate = 0.0
    sent = 0
    _since = 0.0

    def flood(self, rate: float) -> None:
        """Begin now."""
        self.rate, self._since = rate, time.monotonic()

    def drain(self) -> Sequence[TableEvent]:
        """Return what happened and the flood since the last call."""
        now = time.monotonic()
        due = min(MOST, int((now - self._since) * self.rate)) if self.rate else 0
        if due:  # what a look falls short of a whole message stays due
            self._since = max(self._since + due / self.rate, now - MOST / self.rate)
        return [*super().drain(), *(self._update(number) for number in range(due))]

    def _update(self, number: int) -> TableEvent:
        self.sent += 1
        symbol = SYMBOLS[number % len(SYMBOLS)]
        image = self.partial("orderBook10", symbol, None)
        assert image is not None
        row: Row = dict(image.rows[0])
        for side in ("bids", "asks"):
            levels = row[side]
            assert isinstance(levels, list)
            row[side] = [[level[0], level[1] + 1000 * self.sent] for level in levels]
        return TableEvent("orderBook10", Action.UPDATE, [row])


def trade(venue: LiveVenue, executions: int) -> None:
    """Give the account a history: orders that are filled in many parts."""
    for _ in range(executions // PARTS):
        ask = {"symbol": "XBTUSDT", "side": "Buy", "orderQty": 1000 * PARTS, "price": 20_000}
        answer = venue.handle(Request("POST", "/order", ask, DEMO_ACCOUNT, frozenset({"order"})))
        assert isinstance(answer.body, dict), answer.body
        assert answer.status == 200, answer.body
        venue.interventions.fill_order(str(answer.body["orderID"]), parts=PARTS)


async def main(executions: int) -> None:
    """Serve until standard input ends."""
    key = seeded_key(5, DEMO_ACCOUNT)
    venue = FloodingVenue(seed=5, now=utc_now(), accounts=[Customer(keys=[key])])
    trade(venue, executions)
    server = ExchangeServer(venue, rate_limits=False)
    await server.start()
    base = f"127.0.0.1:{server.port}"
    told = {"rest": f"http://{base}/api/v1/", "ws": f"ws://{base}/realtime"}
    print(json.dumps({**told, "key": key.key, "secret": key.secret}), flush=True)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        venue.flood(float(line))
    print(json.dumps({"sent": venue.sent}), flush=True)
    await server.stop()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))

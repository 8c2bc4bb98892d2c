"""An exchange server whose venue emits a burst of book messages on request; run as a process."""

from __future__ import annotations

import asyncio
import json
import sys

from api.simulator.ports import Action, Answer, Request, Row, TableEvent
from api.simulator.server import ExchangeServer
from tests.api.simulator.fakes import T0, FakeVenue

SYMBOL = "XBTUSD"


class FloodingVenue(FakeVenue):
    """POST /burst with a count puts that many books on the stream at once."""

    def handle(self, request: Request) -> Answer:
        if request.path != "/burst":
            return super().handle(request)
        count = int(str(request.params["count"]))
        self.events.extend(book(number) for number in range(count))
        return Answer(200, {"count": count})


def book(number: int) -> TableEvent:
    """Return a message of ten levels a side."""
    bids = [[79000 + number % 100 - level, 100 * level + 100] for level in range(10)]
    asks = [[79101 + number % 100 + level, 100 * level + 100] for level in range(10)]
    row: Row = {"symbol": SYMBOL, "bids": bids, "asks": asks, "timestamp": T0.isoformat()}
    return TableEvent("orderBook10", Action.UPDATE, [row])


async def main() -> None:
    """Serve until standard input ends."""
    server = ExchangeServer(FloodingVenue(), rate_limits=False)
    await server.start()
    print(json.dumps({"port": server.port}), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await server.stop()


if __name__ == "__main__":
    asyncio.run(main())

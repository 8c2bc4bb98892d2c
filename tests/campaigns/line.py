"""The gateway of the exchange in this process, with requests that wait as they do behind threads.

Three queues, one request at a time in each; every request waits a while before its bytes are
written, in the request budget of the client too. A permit is looked at when they are.
"""

from __future__ import annotations

import json
import random
from collections import deque
from collections.abc import Callable
from typing import Any

from api.bitmex.answers import Purpose
from api.bitmex.budget import Budget
from api.bitmex.calls import Calls
from api.simulator.direct import DirectClient, DirectExchange, DirectGateway
from api.simulator.ports import ApiKey
from common.engine.items import Reply
from common.engine.requests import (
    ArmSwitch,
    DisarmSwitch,
    FindOrder,
    Request,
    SendAmend,
    SendCancel,
    SendOrder,
)
from common.errors import OrderRefused, TmaticError, Withdrawn
from common.settings_types import Depth

Written = Callable[[str, str, dict[str, Any]], None]  # verb, target, body
MOST_WAIT = 2.0  # seconds before a request is written, at most
PATIENCE = 1.0  # seconds that an order waits for the request budget, as in the client


class DoorClient(DirectClient):
    """Tells of every request in the moment in which it is written."""

    written: Written

    def _send(self, verb: str, target: str, purpose: Purpose, body: str) -> object:
        self.written(verb, target, json.loads(body) if body else {})
        return super()._send(verb, target, purpose, body)


class QueuedGateway(DirectGateway):
    """A `DirectGateway` whose requests wait for their turn."""

    def __init__(
        self, exchange: DirectExchange, key: ApiKey, written: Written, chance: random.Random
    ) -> None:
        super().__init__(exchange, key, "Bitmex", Depth.TEN)
        client = DoorClient(exchange, key)
        client.written = written
        self._client = client
        self._calls = Calls(client, self._directory, self._clock)
        self._budget = Budget(exchange.clock.monotonic)
        self._chance = chance
        self._queues: dict[str, deque[tuple[int, Request]]] = {
            "orders": deque(),
            "cancels": deque(),
            "reads": deque(),
            "switch": deque(),
        }
        self._written: set[str] = set()  # queues whose first request waits for its answer
        self._last_words: list[Request] = []
        self.withdrawn = 0  # requests whose permit was taken back while they waited
        self.gone = False

    @property
    def orders_waiting(self) -> list[Request]:
        """Requests for orders that have not been written yet."""
        waiting = [request for _, request in self._queues["orders"]]
        if "orders" in self._written:
            del waiting[0]
        return [r for r in waiting if isinstance(r, (SendOrder, SendAmend))]

    def request(self, request: Request) -> int:
        """Put a request into its queue."""
        number = next(self._numbers)
        name = "reads"
        if isinstance(request, DisarmSwitch):
            self._last_words.append(request)
            return number
        if isinstance(request, SendCancel):
            name = "cancels"
        elif isinstance(request, ArmSwitch):
            name = "switch"
        elif isinstance(request, (SendOrder, SendAmend, FindOrder)):
            name = "orders"
        self._queues[name].append((number, request))
        if len(self._queues[name]) == 1:
            self._next(name)
        return number

    def stop(self) -> None:
        """A clean end: cancels are still sent, then the last words; nothing else leaves."""
        if not self.gone:
            self.gone = True
            cancels = [request for _, request in self._queues["cancels"]]
            for request in cancels["cancels" in self._written :]:
                self._outcome(request)
            for request in self._last_words:
                self._outcome(request)
        self.disconnect()

    def die(self, *, writing: bool) -> bool:
        """The process is killed; writing: while the order that was next was being written.

        Say whether there was one.
        """
        self.gone = True
        self.disconnect()
        if writing and "orders" not in self._written and self.orders_waiting:
            self._outcome(self.orders_waiting[0])
            return True
        return False

    def _next(self, name: str) -> None:
        wait = self._chance.choice((0.02, 0.05, 0.2, self._chance.uniform(0.0, MOST_WAIT)))
        self._exchange.later(wait if name != "reads" else 0.02, lambda: self._carry(name))

    def _carry(self, name: str) -> None:
        """Write the request whose turn it is, and take the next one when it is answered."""
        if self.gone:
            return
        number, request = self._queues[name][0]
        is_order = isinstance(request, (SendOrder, SendAmend))
        wait = 0.0
        if name in ("cancels", "switch"):
            self._budget.take_reserve()
        else:
            wait = self._budget.take(counts_as_order=is_order)
        result: object = None
        error: TmaticError | None = None
        if wait > PATIENCE and is_order:
            error = OrderRefused(f"the request limit is used up for {wait:.0f} s: not sent")
        elif wait > 0.0:
            self._exchange.later(wait, lambda: self._carry(name))
            return
        else:
            result, error = self._outcome(request)
            self.withdrawn += isinstance(error, Withdrawn)
        self._written.add(name)
        delay, self._client.delay = self._client.delay, 0.0
        reply = Reply(self.market, number, request, result, error)
        self._exchange.later(delay, lambda: self._answered(name, reply))

    def _answered(self, name: str, reply: Reply) -> None:
        if self.gone:
            return
        self._queues[name].popleft()
        self._written.discard(name)
        self._put(reply)
        if self._queues[name]:
            self._next(name)

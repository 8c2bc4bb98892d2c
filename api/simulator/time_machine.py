"""An inbox that makes time: where an engine would wait, the virtual clock goes on."""

from __future__ import annotations

from collections.abc import Callable

from api.simulator.direct import DirectExchange
from common.domain.commands import Shutdown
from common.engine.mailbox import Mailbox

LOOK_EVERY = 0.05  # seconds of real time between two looks at whether others still work


class TimeMachine(Mailbox):
    """The inbox of an engine that lives on a virtual clock.

    Whenever the engine has nothing to do, time jumps to where it wanted to wait until, at least by
    `step` seconds; larger steps are faster and less exact. At `end` (virtual seconds since the
    start) the engine is told to stop. While `busy` says that another thread, such as the ledger's,
    still works for the engine, no virtual time passes.
    """

    def __init__(
        self,
        exchange: DirectExchange,
        end: float,
        step: float = 0.05,
        busy: Callable[[], bool] = lambda: False,
    ) -> None:
        super().__init__()
        self._busy = busy
        self._exchange = exchange
        self._end = end
        self._step = step

    def get(self, timeout: float) -> object | None:
        """Return the oldest item; without one, let time pass and look again once."""
        item = super().get(0.0)
        while item is None and self._busy():
            item = super().get(LOOK_EVERY)
        if item is not None or timeout <= 0:
            return item
        now = self._exchange.clock.monotonic()
        if now >= self._end:
            return Shutdown()
        self._exchange.run_until(min(now + max(timeout, self._step), self._end))
        return super().get(0.0)

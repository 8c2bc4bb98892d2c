"""The dead man's switch: the exchange cancels every order when this program falls silent.

It counts for the whole account, orders of other programs and of the exchange's own page included,
so that it is off unless the settings of the market ask for it. It is refreshed at a quarter of its
time, taken back as the last request of a proper end, and left armed by a crash.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from common.engine.items import Reply
from common.engine.notices import NoticeBoard
from common.engine.ports import Clock, Gateway
from common.engine.requests import ArmSwitch, DisarmSwitch
from common.engine.snapshot import DeadManRow
from common.engine.state import MarketState

SHARE = 4  # refreshes within one time of the switch


class DeadMan:
    """Keeps the switch of one market armed while the engine lives. Engine's thread only."""

    def __init__(
        self,
        state: MarketState,
        gateway: Gateway,
        clock: Clock,
        notices: NoticeBoard,
        *,
        later: Callable[[float, Callable[[], None]], None],
        now: Callable[[], datetime],
    ) -> None:
        self._state = state
        self._gateway = gateway
        self._clock = clock
        self._notices = notices
        self._later = later
        self._now = now
        self._seconds = state.dead_man
        self._ticking = False
        self._asked: int | None = None  # number of the request under way
        self._until: datetime | None = None  # exchange time at which it cancels
        self._problem = ""

    def came_up(self) -> None:
        """The market is LIVE: arm the switch, and keep it so from now on."""
        if self._seconds and not self._state.read_only and not self._ticking:
            self._ticking = True
            self._notices.warning(
                f"{self._state.market}: dead man's switch: when this program falls silent for "
                f"{self._seconds} s, the exchange cancels ALL orders of the account, those of "
                "other programs and of its own page included"
            )
            self._tick()

    def disarm(self) -> None:
        """A proper end: take it back, after every other request."""
        if self._ticking and not self._state.read_only:
            self._gateway.request(DisarmSwitch())

    def row(self) -> DeadManRow | None:
        """Return what the screen shows; None: the settings do not ask for it."""
        return DeadManRow(self._seconds, self._until, self._problem) if self._seconds else None

    def replied(self, reply: Reply) -> bool:
        """Take the answer to a refresh; say whether the reply was one."""
        if reply.number != self._asked:
            return False
        self._asked = None
        if reply.error is None and isinstance(reply.result, datetime):
            self._until = reply.result
            if self._problem:
                self._problem = ""
                self._notices.info(f"{self._state.market}: the dead man's switch is armed again")
            return True
        news = not self._problem
        self._problem = f"the dead man's switch could not be refreshed: {reply.error}"
        if news:
            self._notices.error(f"{self._state.market}: {self._problem}; trying again")
        return True

    def _tick(self) -> None:
        """Refresh unless the last request is still under way, and come again."""
        self._tell_if_it_fired()
        if self._state.read_only:  # the terminal that has taken over cares for it
            self._ticking = False
            self._until = None
            return
        if self._asked is None:
            self._asked = self._gateway.request(ArmSwitch(self._seconds))
        self._later(self._seconds / SHARE, self._tick)

    def _tell_if_it_fired(self) -> None:
        if self._until is not None and self._now() > self._until + timedelta(seconds=1):
            self._until = None
            self._notices.error(
                f"{self._state.market}: the dead man's switch has run out: the exchange has "
                "cancelled all orders of the account"
            )

"""A realtime session inside the process: the same texts and troubles as on a socket."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from api.bitmex.link_speed import PING_EVERY, Pings
from api.simulator.faults import Faults
from api.simulator.faulty_outlet import FaultyOutlet
from api.simulator.frame_faults import Frame
from api.simulator.frame_faults import RawText as RawFrame
from api.simulator.ports import ApiKey
from api.simulator.realtime import Realtime
from api.simulator.virtual_clock import VirtualClock
from common.engine.items import RawText, StreamClosed
from common.errors import ExchangeUnavailable, TmaticError

SILENCE = 10.0  # seconds after which a stream without a word is given up
Later = Callable[[float, Callable[[], None]], None]


class DirectStream:
    """A realtime session whose texts go into an inbox. Satisfies `faulty_outlet.Wire`."""

    def __init__(
        self,
        clock: VirtualClock,
        later: Later,
        market: str,
        number: int,
        put: Callable[[object], None],
    ) -> None:
        self.number = number
        self._clock = clock
        self._later = later
        self._market = market
        self._put = put
        self._open = True
        self._deaf = False
        self._rate = 0.0  # bytes a second; 0: no limit
        self._slow_until = 0.0
        self._free_at = 0.0  # when the last text of a slow connection has left
        self._heard_at = clock.monotonic()
        self._pings = Pings(clock.monotonic())
        self._waiting: deque[Frame] = deque()
        self._take: Callable[[str], None] = lambda _text: None
        self._close: Callable[[], None] = lambda: None

    def begin(self, realtime: Realtime, faults: Faults, key: ApiKey) -> None:
        """Open the session of a key."""
        outlet = FaultyOutlet(self, faults, key.account)
        session = realtime.open(outlet, key)
        outlet.follow(lambda: session.account, lambda table: realtime.repeat(session, table))
        self._take = lambda text: realtime.receive(session, text)
        self._close = lambda: realtime.close(session)
        self._later(PING_EVERY, self._ping)

    def lag(self) -> float:
        """Return the seconds by which the newest text was late."""
        return self._pings.lag(self._clock.monotonic())

    def receive(self, texts: Sequence[str]) -> None:
        """Take texts of the client."""
        for text in texts if self._open and not self._deaf else ():
            self._take(text)

    def send(self, text: str) -> None:
        """Hand a text to the client."""
        self.send_frame(text)

    def send_frame(self, frame: Frame) -> None:
        """Hand a frame to the client, now or when a slow connection lets it."""
        if not self._open or self._deaf:
            return
        now = self._clock.monotonic()
        if now < self._slow_until and self._rate > 0:
            size = len(frame.data if isinstance(frame, RawFrame) else frame)
            self._free_at = max(self._free_at, now) + size / self._rate
        if self._free_at > now:
            self._waiting.append(frame)
            self._later(self._free_at - now, self._deliver_next)
        else:
            self._deliver(frame)

    def close(self, code: int, reason: str) -> None:
        """End the session with a reason."""
        self.end(ExchangeUnavailable(f"the exchange closed the stream: {reason} ({code})"))

    def cut(self) -> None:
        """End the session without one."""
        self.end(ExchangeUnavailable("the connection was lost"))

    def stall(self, seconds: float) -> None:
        """Say nothing more; the client gives up after a while."""
        self._deaf = True
        self._later(seconds, self.cut)

    def slow_down(self, rate: float, seconds: float) -> None:
        """Hand over at most `rate` bytes a second for a while."""
        self._rate, self._slow_until = rate, self._clock.monotonic() + seconds

    def end(self, error: TmaticError) -> None:
        """End the session and say why."""
        if self._open:
            self.leave()
            self._put(StreamClosed(self._market, self.number, error))

    def leave(self) -> None:
        """End the session without a word."""
        if self._open:
            self._open = False
            # Not now: perhaps the sessions are just being told something.
            self._later(0.0, self._finish)

    def _finish(self) -> None:
        self._close()

    def _deliver_next(self) -> None:
        if self._waiting:
            self._deliver(self._waiting.popleft())

    def _deliver(self, frame: Frame) -> None:
        if self._open:
            self._heard_at = self._clock.monotonic()
            text = frame.data if isinstance(frame, RawFrame) else frame
            if text == "pong":
                self._pings.answered(self._heard_at)
            self._put(RawText(self._market, self.number, self._heard_at, text))

    def _ping(self) -> None:
        """Ask as the client of a socket does; silence is found out by asking."""
        if not self._open:
            return
        now = self._clock.monotonic()
        if now - self._heard_at >= SILENCE:
            self.end(ExchangeUnavailable("the exchange fell silent"))
            return
        if self._pings.due(now):
            self.receive(["ping"])
        self._later(PING_EVERY, self._ping)

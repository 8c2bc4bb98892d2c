"""An inbox that makes time, bar by bar: where an engine would wait, the next bar is played.

A bar in which nothing can happen to the account passes in one step, at its end. Any other bar is
walked along its path, a quarter of its length for each price, and the engine hears of every step
before the next one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from datetime import timedelta

from api.simulator.bar_gateway import BarGateway
from api.simulator.bar_venue import BarVenue
from api.simulator.bars import Bar, Bars, moment, path
from api.simulator.virtual_clock import VirtualClock
from common.domain.commands import Shutdown
from common.engine.bot_items import BotOrder
from common.engine.items import Message
from common.engine.mailbox import Mailbox

MINUTE_MS = 60_000


class BarPlayer(Mailbox):
    """Plays the bars from place `first` on; then the engine is told to stop.

    `ready` is called once when the engine has nothing to do for the first time, `closed` after
    the engine has done all that the end of a bar brought about. `serve` carries an order of the
    strategy, which waits for it, to the engine.
    """

    def __init__(
        self,
        venue: BarVenue,
        gateway: BarGateway,
        bars: Bars,
        clock: VirtualClock,
        first: int,
        *,
        ready: Callable[[], None],
        closed: Callable[[int], None],
        serve: Callable[[BotOrder], None],
    ) -> None:
        super().__init__()
        self.played = 0  # bars
        self.total = len(bars) - first
        self.walked = 0  # bars in which something could happen
        self.stopping = False  # set by another thread: end after this bar
        self._waiting: deque[object] = deque()
        self._venue = venue
        self._gateway = gateway
        self._bars = bars
        self._clock = clock
        self._first = first
        self._started = bars.first + first * bars.minutes
        self._ready = ready
        self._bar_closed = closed
        self._serve = serve
        self._steps = self._play()

    def put(self, item: object) -> None:
        """Add an item; an order of the strategy is served before this returns."""
        if type(item) is BotOrder:
            self._serve(item)
        else:
            self._waiting.append(item)

    def get(self, timeout: float) -> object | None:
        """Return the oldest item; without one, play on."""
        if not self._waiting:
            if timeout <= 0:
                return None
            if next(self._steps, None) is None:
                return Shutdown()
        return self._waiting.popleft() if self._waiting else None

    def __len__(self) -> int:
        return len(self._waiting)

    def _play(self) -> Iterator[bool]:
        self._ready()
        yield True
        for index in range(self._first, len(self._bars)):
            if self.stopping:
                return
            bar = self._bars[index]
            prices = path(bar)
            self._venue.begin_bar(bar.volume)
            if self._venue.is_quiet(bar.low, bar.high, bar.bid, bar.ask):
                self._pass(bar, prices)
            else:
                self.walked += 1
                yield from self._walk(bar, prices)
            yield True
            self.played += 1
            self._bar_closed(index)

    def _pass(self, bar: Bar, prices: tuple[int, ...]) -> None:
        """Let a bar in which nothing happens pass at once."""
        end = bar.start + self._bars.minutes
        messages: list[Message] = []
        if bar.volume:
            at = moment(bar.start)
            trade = self._gateway.trade
            # A candle opens at the close before it, so that price need not be told again.
            first = {self._venue.instrument.last, bar.close}
            reached = [ticks for ticks in dict.fromkeys(prices[:-1]) if ticks not in first]
            messages = [trade(ticks, 0, at) for ticks in reached]
            messages.append(trade(bar.close, bar.volume, at))
        self._venue.skip(prices, end * MINUTE_MS, bar.bid, bar.ask)
        self._end(bar, messages)

    def _walk(self, bar: Bar, prices: tuple[int, ...]) -> Iterator[bool]:
        step = self._bars.minutes * MINUTE_MS // len(prices)
        for number, ticks in enumerate(prices):
            time = bar.start * MINUTE_MS + number * step
            last = number == len(prices) - 1
            self._clock.move_to(time / 1000 - self._started * 60)
            if last:
                self._venue.go_to(ticks, time, bar.bid, bar.ask)
            else:
                self._venue.go_to(ticks, time)
            messages: list[Message] = []
            if bar.volume:
                at = moment(bar.start) + timedelta(milliseconds=number * step)
                messages.append(self._gateway.trade(ticks, bar.volume if last else 0, at))
            messages += self._gateway.news()
            self._gateway.tell(messages)
            yield True
        self._end(bar, [])

    def _end(self, bar: Bar, messages: list[Message]) -> None:
        end = bar.start + self._bars.minutes
        self._clock.move_to((end - self._started) * 60.0)
        self._venue.pass_time(end * MINUTE_MS)
        messages += self._gateway.news()
        self._gateway.tell(messages)

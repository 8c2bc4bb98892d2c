"""Calls a strategy of the class style as if it were a function."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bots.api import Bot, Fill, Moment, Strategy
from bots.declared import assign
from bots.frames import Frame
from common.domain.bots import BotFill
from common.domain.parameters import Value


class ClassStrategy:
    """Lets a `Strategy` be called like a function, bar by bar.

    `takes_fills`, `stops`: whether the class has an `on_fill`, an `on_stop` of its own.
    """

    def __init__(self, kind: type[Strategy], values: dict[str, Value]) -> None:
        self._strategy = kind.__new__(kind)
        assign(self._strategy, values)  # first: a constructor may make indicators of them
        kind.__init__(self._strategy)
        self._bot: Bot | None = None
        self.takes_fills = kind.on_fill is not Strategy.on_fill
        self.stops = kind.on_stop is not Strategy.on_stop

    def __call__(
        self,
        robot: dict[str, Any],
        frame: Frame,
        ticker: dict[str, Any],
        instrument: dict[str, Any],
    ) -> None:
        """Take the bar that has closed."""
        bot = self._see(Moment(robot, frame, ticker, instrument))
        self._strategy.on_bar(bot)

    def fills(
        self,
        fills: Iterable[BotFill],
        *,
        robot: dict[str, Any],
        frame: Frame,
        ticker: dict[str, Any],
        instrument: dict[str, Any],
    ) -> None:
        """Take fills that were booked since the last call."""
        bot = self._see(Moment(robot, frame, ticker, instrument))
        for fill in fills:
            told = Fill(fill.side.value, fill.price, fill.quantity, fill.order, fill.at)
            self._strategy.on_fill(bot, told)

    def stop(self) -> None:
        """Tell the strategy that this is the end; nothing if it was never called."""
        if self._bot is not None:
            self._strategy.on_stop(self._bot)

    def _see(self, now: Moment) -> Bot:
        if self._bot is None:
            self._bot = Bot(now)
            self._strategy.on_start(self._bot)
        else:
            self._bot._now = now
        return self._bot

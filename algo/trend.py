"""Example: follow a breakout and leave with a trailing stop (class style).

A close above the highest high of the last `period` bars buys, one below the lowest low sells. From
then on a stop follows the best close at `stop` average true ranges; a close beyond it gets the bot
out. Entries and exits have to happen, so they take the price of the other side, a few ticks deeper.

What to learn here: several indicators, a state of one's own, bars of a higher timeframe as a
filter, and an order that is filled at once.
"""

from bots.api import Bot, Parameter, Strategy
from bots.indicators import ATR, SMA, Band, Donchian

MINUTES_IN_A_DAY = 24 * 60
SLIPPAGE = 5  # ticks beyond the best price, so that the order is filled even if it moves


class Trend(Strategy):
    """Buy breakouts, sell breakdowns, leave with a trailing stop."""

    period = Parameter(20, low=2, high=500, help="bars of the channel")
    ranges = Parameter(14, low=1, high=500, help="bars of the average true range")
    stop = Parameter(3.0, low=0.1, high=50, step=0.5, help="distance of the stop in ranges")
    slower = Parameter(
        5, low=1, high=60, help="the filter's bars are so many times longer; 1: none"
    )
    lots = Parameter(1, low=1, high=10_000, help="size of a position; CAPITAL is the limit")

    def on_start(self, bot: Bot) -> None:
        self.channel, self.range = Donchian(self.period), ATR(self.ranges)
        self.before: Band | None = None  # the channel without the newest bar
        self.average = SMA(self.period)  # of the slower bars
        self.best: float | None = None  # best close since the entry

    def learn(self, bot: Bot) -> None:
        """Feed the indicators every bar once: the past, then bar by bar."""
        for candle in bot.new_candles():
            self.before = self.channel.value  # a bar cannot break out of itself
            self.channel.update(candle.high, candle.low)
            self.range.update(candle.high, candle.low, candle.close)
        if self.filters(bot):
            for slow in bot.new_candles(bot.timeframe * self.slower):
                self.average.update(slow.close)

    def on_bar(self, bot: Bot) -> None:
        self.learn(bot)
        close, before = bot.candles(1)[-1].close, self.before
        bot.cancel_all()  # what was not filled at once is not wanted any more
        if bot.position:
            self.guard(bot, close)
            return
        self.best = None
        if before is not None and close > before.upper and self.goes(bot, up=True):
            self.enter(bot, close, 1)
        elif before is not None and close < before.lower and self.goes(bot, up=False):
            self.enter(bot, close, -1)

    def filters(self, bot: Bot) -> bool:
        """Whether there are slower bars to ask: they have to divide a day."""
        return self.slower > 1 and MINUTES_IN_A_DAY % (bot.timeframe * self.slower) == 0

    def goes(self, bot: Bot, *, up: bool) -> bool:
        """Whether the slower bars agree with a direction."""
        if not self.filters(bot):
            return True
        average = self.average.value
        if average is None:
            return False  # not enough slow bars yet
        close = bot.candles(1, bot.timeframe * self.slower)[-1].close
        return close > average if up else close < average

    def enter(self, bot: Bot, close: float, direction: int) -> None:
        size = min(self.lots * bot.lot, bot.limit)
        self.best = close  # the stop begins here
        if direction > 0:
            bot.buy(size, bot.ask + SLIPPAGE * bot.tick)
        else:
            bot.sell(size, bot.bid - SLIPPAGE * bot.tick)

    def guard(self, bot: Bot, close: float) -> None:
        """Pull the stop along, and leave when it is hit."""
        long = bot.position > 0
        if self.best is None:  # the bot was started with a position, or given one by hand
            self.best = close
        self.best = max(self.best, close) if long else min(self.best, close)
        distance = self.stop * (self.range.value or 0.0)
        if long and close < self.best - distance:
            bot.sell(bot.position, bot.bid - SLIPPAGE * bot.tick)
        elif not long and close > self.best + distance:
            bot.buy(-bot.position, bot.ask + SLIPPAGE * bot.tick)

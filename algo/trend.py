"""Example: follow a breakout and leave with a trailing stop (class style).

A close above the highest high of the last `period` bars buys, one below the lowest low sells. From
then on a stop follows the best close at `stop` average true ranges; a close beyond it gets the bot
out. Entries and exits have to happen, so they take the price of the other side, a few ticks deeper.

What to learn here: several indicators, a state of one's own, bars of a higher timeframe as a
filter, and an order that is filled at once.
"""

from bots.api import Bot, Candle, Parameter, Strategy
from bots.indicators import ATR, SMA, Donchian

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
        self.best = None  # best close since the entry
        for candle in bot.candles(10 * max(self.period, self.ranges))[:-1]:
            self.learn(candle)

    def learn(self, candle: Candle) -> None:
        self.channel.update(candle.high, candle.low)
        self.range.update(candle.high, candle.low, candle.close)

    def on_bar(self, bot: Bot) -> None:
        candle = bot.candles(1)[-1]
        before = self.channel.value  # without this bar: a bar cannot break out of itself
        self.learn(candle)
        bot.cancel_all()  # what was not filled at once is not wanted any more
        if bot.position:
            self.guard(bot, candle.close)
        elif before is not None and candle.close > before.upper and self.goes(bot, up=True):
            self.enter(bot, candle.close, 1)
        elif before is not None and candle.close < before.lower and self.goes(bot, up=False):
            self.enter(bot, candle.close, -1)

    def goes(self, bot: Bot, *, up: bool) -> bool:
        """Whether the slower bars agree with a direction."""
        minutes = bot.timeframe * self.slower
        if self.slower == 1 or 1440 % minutes:
            return True
        average = SMA(self.period)
        closes = [slow.close for slow in bot.candles(self.period, minutes)]
        for close in closes:
            average.update(close)
        if average.value is None:
            return False  # not enough slow bars yet
        return closes[-1] > average.value if up else closes[-1] < average.value

    def enter(self, bot: Bot, close: float, direction: int) -> None:
        size = min(self.lots * bot.lot, bot.limit)
        self.best = close
        if direction > 0:
            bot.buy(size, bot.ask + SLIPPAGE * bot.tick)
        else:
            bot.sell(size, bot.bid - SLIPPAGE * bot.tick)

    def guard(self, bot: Bot, close: float) -> None:
        """Pull the stop along, and leave when it is hit."""
        long = bot.position > 0
        if self.best is None:  # the bot was started with a position
            self.best = close
        self.best = max(self.best, close) if long else min(self.best, close)
        distance = self.stop * (self.range.value or 0.0)
        if long and close < self.best - distance:
            bot.sell(bot.position, bot.bid - SLIPPAGE * bot.tick)
        elif not long and close > self.best + distance:
            bot.buy(-bot.position, bot.ask + SLIPPAGE * bot.tick)

"""Example: buy what has fallen too far, sell what has risen too far (class style).

Bollinger bands say what is far: `width` standard deviations around the average of `period` bars.
Below the lower band the bot wants to be long, above the upper one short, and back at the middle it
wants nothing. It waits with one limit order at the best price of its own side.

What to learn here: the class style, an indicator that is fed bar by bar, and turning a wish ("this
position") into one order.
"""

from bots.api import Bot, Parameter, Strategy
from bots.indicators import Bollinger


class Reversion(Strategy):
    """Buy below the Bollinger bands, sell above them, get out in the middle."""

    period = Parameter(20, low=2, high=500, help="bars of the average")
    width = Parameter(2.0, low=0.1, high=10, step=0.1, help="standard deviations to the bands")
    lots = Parameter(1, low=1, high=10_000, help="size of a position; CAPITAL is the limit")

    def on_start(self, bot: Bot) -> None:
        self.bands = Bollinger(self.period, self.width)
        self.wanted = 0

    def on_bar(self, bot: Bot) -> None:
        # An indicator remembers what it needs: it is fed every bar once. At first these are all
        # bars of the past, then the one that has closed; after a time with F9 OFF all since then.
        for candle in bot.new_candles():
            self.bands.update(candle.close)
        band, close = self.bands.value, bot.candles(1)[-1].close
        if band is None:
            return  # not enough bars yet
        size = min(self.lots * bot.lot, bot.limit)
        if close < band.lower:
            self.wanted = size
        elif close > band.upper:
            self.wanted = -size
        elif (close >= band.middle) if self.wanted > 0 else (close <= band.middle):
            self.wanted = 0
        self.go_to(bot, self.wanted)

    def go_to(self, bot: Bot, wanted: int) -> None:
        """Have the one order that leads to a position, or none."""
        missing = wanted - bot.position
        side = "Buy" if missing > 0 else "Sell"
        bot.cancel_all("Sell" if missing > 0 else "Buy")
        orders = [order for order in bot.orders if order.side == side]
        if not missing:
            bot.cancel_all()
        elif orders:
            bot.move(orders[0], bot.bid if missing > 0 else bot.ask, abs(missing))
        elif missing > 0:
            bot.buy(missing, bot.bid)
        else:
            bot.sell(-missing, bot.ask)

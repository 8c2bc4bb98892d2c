"""Example: offer on both sides, and lean against what has piled up (class style).

Two orders stand around the middle of the market, `spread` ticks apart at least. When the bot has
bought, both prices go down (its bid gets shy, its ask keen), so that it rather sells; when it has
sold, up. `skew` says how much. At its limit it offers on one side only.

What to learn here: acting on fills at once instead of at the next bar, but not more often than the
terminal takes requests, inventory, and prices in Decimal.
"""

from datetime import datetime, timedelta
from decimal import Decimal

from bots.api import Bot, Fill, Parameter, Strategy

# Between two answers to fills. Each may move both orders, and the settings allow a bot 60 requests
# a minute; one that asks for more is refused, and stopped when it goes on asking.
PAUSE = timedelta(seconds=5)


class MarketMaker(Strategy):
    """Quote both sides of the market and lean against the inventory."""

    spread = Parameter(8, low=1, high=10_000, help="ticks between the two orders")
    skew = Parameter(4, low=0, high=10_000, help="ticks that both move for a full inventory")
    lots = Parameter(1, low=1, high=10_000, help="size of each order")

    def on_start(self, bot: Bot) -> None:
        self.answered: datetime | None = None  # when a fill was answered last

    def on_bar(self, bot: Bot) -> None:
        self.quote(bot)

    def on_fill(self, bot: Bot, fill: Fill) -> None:
        # The fill is in the books and in bot.position already.
        bot.log(f"{fill.side} {fill.quantity} at {fill.price}; position {bot.position}")
        if self.answered is None or fill.at - self.answered >= PAUSE:
            self.answered = fill.at
            self.quote(bot)

    def quote(self, bot: Bot) -> None:
        """Put both orders where they belong now."""
        size = min(self.lots * bot.lot, bot.limit)
        full = Decimal(bot.position) / bot.limit if bot.limit else Decimal(0)  # -1 .. 1
        middle = (bot.bid + bot.ask) / 2 - full * self.skew * bot.tick
        half = self.spread * bot.tick / 2
        # Never on the wrong side of the market: an order there would pay the taker's fee.
        buy_at = min(bot.round_down(middle - half), bot.bid)
        sell_at = max(bot.round_up(middle + half), bot.ask)
        self.keep(bot, "Buy", buy_at, min(size, bot.limit - bot.position))
        self.keep(bot, "Sell", sell_at, min(size, bot.limit + bot.position))

    def keep(self, bot: Bot, side: str, price: Decimal, quantity: int) -> None:
        """Have one order on a side, none where there is no room for it."""
        orders = [order for order in bot.orders if order.side == side]
        if quantity <= 0:
            bot.cancel_all(side)
        elif orders:
            bot.move(orders[0], price, quantity)
        elif side == "Buy":
            bot.buy(quantity, price)
        else:
            bot.sell(quantity, price)

"""What is traded: the contracts of the embedded exchange and the arithmetic of their values.

Everything is integer. A price is a pair (price, scale) that means price / scale, so an order
price is (ticks, ticks_per_unit) and a mark price is (mark, mark_scale). Amounts of money are in
the smallest unit of their currency: 1 XBt = 1e-8 XBT, 1 USDt = 1e-6 USDT. Rates are in parts per
million.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from enum import Enum

MILLION = 1_000_000
SATOSHI = 100_000_000
BUY, SELL = 1, -1
SIDE_NAMES = {BUY: "Buy", SELL: "Sell"}

# Codes of kinds of instruments, the column `typ`, as the real exchange writes them: clients choose
# by them which rows they understand. Not the gateway's constants: a mistake there must show here.
PERPETUAL_CODE, FUTURE_CODE = "FFWCSX", "FFCCSX"
SPOT_CODE, INDEX_CODE = "IFXXXP", "MRCXXX"  # X: not specified, in the exchange's own code

_MONTH_CODES = {3: "H", 6: "M", 9: "U", 12: "Z"}


class Kind(Enum):
    """How a contract turns price and quantity into money."""

    INVERSE = "inverse"  # settled in the underlying: value = quantity / price
    LINEAR = "linear"  # settled in the quote currency: value = quantity * price
    QUANTO = "quanto"  # settled in a third currency at a fixed rate
    SPOT = "spot"  # both currencies change hands


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """The fixed figures of one instrument, named as the exchange names them."""

    symbol: str
    kind: Kind
    typ: str
    root: str
    underlying: str
    quote: str
    money: str  # currency of cost, fee and profit: settlement currency, of spot the quote's
    base_money: str | None = None  # of spot: currency of the underlying
    index: str  # reference symbol
    position_currency: str | None = None
    multiplier: int
    position_multiplier: int | None = None  # contracts per unit of the underlying
    quote_multiplier: int | None = None  # money units per unit of the quote currency
    lot: int
    ticks_per_unit: int  # 1 / the finest tick, in which prices are counted
    mark_scale: int  # 1 / resolution of the mark price
    max_quantity: int
    max_price: int = 1_000_000
    initial_ppm: int = 10_000
    maintenance_ppm: int = 5_000
    maker_ppm: int = 500
    taker_ppm: int = 500
    risk_limit: int | None = None
    risk_step: int | None = None
    listing: str
    expiry: datetime | None = None
    number: int  # instrumentID
    step: int = 1  # ticks of an order's price: tickSize = step / ticks_per_unit

    @property
    def is_spot(self) -> bool:
        """Tell whether both currencies change hands."""
        return self.kind is Kind.SPOT

    @property
    def is_perpetual(self) -> bool:
        """Tell whether funding is paid."""
        return not self.is_spot and self.expiry is None

    @property
    def buy_sign(self) -> int:
        """Return the sign of the cost of a purchase: -1 for inverse contracts, else +1."""
        return -1 if self.multiplier < 0 else 1

    def price(self, ticks: int) -> float:
        """Return a price in ticks as the float nearest to its decimal text, for rows."""
        return ticks / self.ticks_per_unit

    def value(self, price: int, scale: int, quantity: int) -> int:
        """Return the unsigned value of `quantity` contracts at price / scale, in money units.

        Inverse: rounded half up once per lot, then multiplied. The others are exact on the
        lattice of ticks and lots, and rounded half up off it (mark prices).
        """
        if self.kind is Kind.INVERSE:
            per_lot = (2 * -self.multiplier * self.lot * scale + price) // (2 * price)
            return per_lot * quantity // self.lot
        if self.kind is Kind.SPOT:
            numerator = quantity * price * (self.quote_multiplier or 1)
            denominator = scale * (self.position_multiplier or 1)
        else:
            numerator, denominator = quantity * price * self.multiplier, scale
        return (2 * numerator + denominator) // (2 * denominator)

    def cost(self, side: int, ticks: int, quantity: int) -> int:
        """Return execCost: the value at an order price with the sign of the side.

        Inverse: bought negative, sold positive. All others: bought positive, sold negative.
        """
        return side * self.buy_sign * self.value(ticks, self.ticks_per_unit, quantity)

    def fee(self, rate_ppm: int, cost: int) -> int:
        """Return the fee on a cost, truncated toward zero; paid > 0, received < 0."""
        fee = abs(rate_ppm) * abs(cost) // MILLION
        return fee if rate_ppm >= 0 else -fee

    def notionals(
        self, side: int, quantity: int, value: int, satoshi_per_quote: int
    ) -> tuple[float, float]:
        """Return (homeNotional, foreignNotional) of `quantity` > 0 contracts worth `value`.

        Home has the sign of the side. Foreign has the opposite one, of spot the same one.
        `satoshi_per_quote` is the rate of the moment that quanto contracts use.
        """
        if self.kind is Kind.INVERSE:
            return side * value / SATOSHI, float(-side * quantity)
        if self.kind is Kind.QUANTO:
            home = quantity * self.multiplier / satoshi_per_quote
            return side * home, -side * value / satoshi_per_quote
        home = quantity / (self.position_multiplier or 1)
        foreign = value / (self.quote_multiplier or 1)
        return side * home, (side if self.is_spot else -side) * foreign


def perpetuals_and_spot() -> list[Contract]:
    """Return the contracts that are always listed, with the figures of May 2026."""
    return [
        Contract(
            symbol="XBTUSD",
            kind=Kind.INVERSE,
            typ=PERPETUAL_CODE,
            root="XBT",
            underlying="XBT",
            quote="USD",
            money="XBt",
            index=".BXBT",
            position_currency="USD",
            multiplier=-SATOSHI,
            lot=100,
            ticks_per_unit=10,
            mark_scale=100,
            max_quantity=10_000_000,
            risk_limit=20_000_000_000,
            risk_step=15_000_000_000,
            listing="2016-05-13T12:00:00.000Z",
            number=2776,
        ),
        Contract(
            symbol="XBTUSDT",
            kind=Kind.LINEAR,
            typ=PERPETUAL_CODE,
            root="XBT",
            underlying="XBT",
            quote="USDT",
            money="USDt",
            index=".BXBTT",
            position_currency="XBT",
            multiplier=1,
            position_multiplier=MILLION,
            quote_multiplier=MILLION,
            lot=100,
            ticks_per_unit=10,
            mark_scale=100,
            max_quantity=1_000_000_000,
            risk_limit=1_000_000_000_000,
            risk_step=1_000_000_000_000,
            listing="2021-11-10T04:00:00.000Z",
            number=2777,
        ),
        Contract(
            symbol="SOLUSDT",
            kind=Kind.LINEAR,
            typ=PERPETUAL_CODE,
            root="SOL",
            underlying="SOL",
            quote="USDT",
            money="USDt",
            index=".BSOLT",
            position_currency="SOL",
            multiplier=100,
            position_multiplier=10_000,
            quote_multiplier=MILLION,
            lot=100,
            ticks_per_unit=100,
            mark_scale=1_000,
            max_quantity=1_000_000_000,
            risk_limit=1_000_000_000_000,
            risk_step=1_000_000_000_000,
            listing="2021-11-10T04:00:00.000Z",
            number=2586,
        ),
        Contract(
            symbol="ETHUSD",
            kind=Kind.QUANTO,
            typ=PERPETUAL_CODE,
            root="ETH",
            underlying="ETH",
            quote="USD",
            money="XBt",
            index=".BETH",
            multiplier=100,
            lot=1,
            ticks_per_unit=100,
            mark_scale=100,
            max_quantity=10_000_000,
            risk_limit=7_500_000_000,
            risk_step=10_000_000_000,
            listing="2018-08-01T12:00:00.000Z",
            number=2325,
        ),
        Contract(
            symbol="XBT_USDT",
            kind=Kind.SPOT,
            typ=SPOT_CODE,
            root="XBT",
            underlying="XBT",
            quote="USDT",
            money="USDt",
            base_money="XBt",
            index=".BXBTT",
            multiplier=1,
            position_multiplier=SATOSHI,
            quote_multiplier=MILLION,
            lot=1_000,
            ticks_per_unit=2,
            mark_scale=100,
            max_quantity=10_000_000_000,
            initial_ppm=MILLION,
            maintenance_ppm=MILLION,
            listing="2022-05-17T04:00:00.000Z",
            number=2823,
        ),
    ]


def dated_future(now: datetime) -> Contract:
    """Return the inverse future on XBT with the nearest quarterly expiry after `now`."""
    return future_expiring(next_expiry(now))


def future_expiring(expiry: datetime) -> Contract:
    """Return the inverse future on XBT that settles at `expiry`."""
    listed = expiry - timedelta(days=280)
    quarters = expiry.year * 4 + expiry.month // 3
    return Contract(
        symbol=f"XBT{_MONTH_CODES[expiry.month]}{expiry.year % 100:02d}",
        kind=Kind.INVERSE,
        typ=FUTURE_CODE,
        root="XBT",
        underlying="XBT",
        quote="USD",
        money="XBt",
        index=".BXBT30M",
        position_currency="USD",
        multiplier=-SATOSHI,
        lot=100,
        ticks_per_unit=2,
        mark_scale=100,
        max_quantity=10_000_000,
        risk_limit=7_500_000_000,
        risk_step=7_500_000_000,
        listing=f"{listed:%Y-%m-%d}T04:00:00.000Z",
        expiry=expiry,
        # 8106 quarters lead to XBTM26, whose number was 2752; later ones continue after 2900.
        number=2752 if quarters == 8106 else 2900 + quarters - 8106,
    )


def next_expiry(now: datetime) -> datetime:
    """Return the first last Friday of a quarter, 12:00 UTC, after `now`."""
    year, month = now.year, (now.month + 2) // 3 * 3
    while True:
        expiry = _last_friday(year, month)
        if expiry > now:
            return expiry
        year, month = (year, month + 3) if month < 12 else (year + 1, 3)


def _last_friday(year: int, month: int) -> datetime:
    following = datetime(
        year + month // 12, month % 12 + 1, 1, hour=12, tzinfo=timezone.utc
    )  # the first of the next month
    last = following - timedelta(days=1)
    return last - timedelta(days=(last.weekday() - 4) % 7)

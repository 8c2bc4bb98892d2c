"""Domain objects as the dicts that strategies see; docs/bots.md is their reference.

Prices are floats made from one decimal text, so equal prices compare equal. Quantities are
contracts, except `lotSize` of a robot, which is in the unit that the screen shows.
"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from math import isfinite
from typing import Any

from common.domain.market import Candle, Ticker
from common.engine.bot_items import OrderView, RobotView
from common.errors import OrderRefused

WHOLE_TOLERANCE = Decimal(
    "1e-9"
)  # relative: 300.00000000000006 is 300 after two float multiplications


def robot_dict(view: RobotView) -> dict[str, Any]:
    """Return what a strategy is told of a bot. PNL is in units of CURRENCY's major currency."""
    robot, instrument = view.robot, view.instrument
    lot = _lot(instrument.lot_size, instrument.contracts_per_unit)
    return {
        "EMI": robot.emi,
        "SYMBOL": robot.symbol.ticker,
        "CATEGORY": robot.symbol.category.value,
        "MARKET": robot.market,
        "SORT": robot.sort,
        "TIMEFR": robot.timeframe,
        "CAPITAL": robot.capital,
        "MARGIN": robot.margin,
        "STATUS": robot.status.value,
        "POS": view.position,
        "VOL": view.volume,
        "PNL": float(Decimal(view.pnl).scaleb(-view.currency.scale)),
        "CURRENCY": instrument.settlement_currency,
        "lotSize": lot,
    }


@lru_cache(maxsize=1024)
def _lot(contracts: int, per_unit: int) -> float:
    """Return a lot in the unit that the screen shows."""
    return float(Decimal(contracts) / Decimal(per_unit))


def instrument_dict(view: RobotView, ticker: Ticker | None = None) -> dict[str, Any]:
    """Return the contract figures; `lotSize` here is in contracts."""
    instrument = view.instrument
    return {
        "symbol": instrument.symbol.ticker,
        "category": instrument.symbol.category.value,
        "state": instrument.state,
        "tickSize": float(instrument.tick_size),
        "lotSize": instrument.lot_size,
        "myMultiplier": instrument.contracts_per_unit,
        "multiplier": instrument.multiplier,
        "quoteCurrency": instrument.quote_currency,
        "settlCurrency": instrument.settlement_currency,
        "baseCurrency": instrument.base_currency,
        "maxOrderQty": instrument.max_quantity,
        "maxPrice": _number(instrument.max_price),
        "makerFee": float(instrument.maker_fee),
        "takerFee": float(instrument.taker_fee),
        "expiry": instrument.expiry,
        "fundingRate": _number(ticker.funding_rate) if ticker else None,
    }


def ticker_dict(ticker: Ticker) -> dict[str, Any]:
    """Return prices of the moment; None: the exchange has not said."""
    return {
        "bid": _number(ticker.bid),
        "ask": _number(ticker.ask),
        "last": _number(ticker.last),
        "mark": _number(ticker.mark),
        "volume24h": ticker.volume24h,
        "fundingRate": _number(ticker.funding_rate),
        "fundingTimestamp": ticker.funding_at,
        "state": ticker.state,
    }


def bar_dict(candle: Candle, funding: float | None, missed: int = 0) -> dict[str, Any]:
    """Return one bar. Date and time are those of its beginning; the close stands for no quote."""
    start = candle.start
    return {
        "date": (start.year % 100) * 10_000 + start.month * 100 + start.day,
        "time": start.hour * 10_000 + start.minute * 100 + start.second,
        "datetime": start,
        "bid": candle.close if candle.bid is None else candle.bid,
        "ask": candle.close if candle.ask is None else candle.ask,
        "hi": candle.high,
        "lo": candle.low,
        "funding": funding,
        "open": candle.open,
        "high": candle.high,
        "low": candle.low,
        "close": candle.close,
        "volume": candle.volume,
        "missed": missed,
    }


def order_dict(order: OrderView) -> dict[str, Any]:
    """Return one open order, with both spellings of the keys."""
    values = {
        "emi": order.emi,
        "symbol": order.symbol.ticker,
        "category": order.symbol.category.value,
        "market": order.market,
        "side": order.side.value,
        "price": float(order.price),
    }
    return {
        **values,
        **{key.upper(): value for key, value in values.items()},
        "leavesQty": order.leaves,
        "clOrdID": order.cl_ord_id,
        "transactTime": order.at,
    }


def contracts(value: object) -> int:
    """Return a strategy's quantity as whole contracts; OrderRefused says what is wrong with it."""
    number = _finite(value, "qty")
    whole = round(number)
    if abs(number - whole) > WHOLE_TOLERANCE * max(Decimal(1), abs(number)):
        raise OrderRefused(f"qty must be whole contracts, not {value!r}")
    if whole <= 0:
        raise OrderRefused(f"qty must be greater than 0, not {value!r}")
    return whole


def price(value: object) -> Decimal:
    """Return a strategy's price as decimal; OrderRefused says what is wrong with it."""
    exact = _finite(value, "price")
    if exact <= 0:
        raise OrderRefused(f"price must be greater than 0, not {value!r}")
    return exact


def _finite(value: object, name: str) -> Decimal:
    # A bool is an int to Python, and a numpy number is a float only in its double precision.
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        raise OrderRefused(f"{name} must be a number, not {value!r}")
    if not isfinite(value):
        raise OrderRefused(f"{name} must be a finite number, not {value!r}")
    return Decimal(str(float(value))) if isinstance(value, float) else Decimal(value)


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)

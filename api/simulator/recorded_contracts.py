"""Contracts with the figures of recorded instruments."""

from __future__ import annotations

import math
from decimal import Decimal, InvalidOperation
from fractions import Fraction

from api.simulator.contracts import (
    FUTURE_CODE,
    MILLION,
    PERPETUAL_CODE,
    SPOT_CODE,
    Contract,
    Kind,
)
from api.simulator.exchange import MARGIN_CURRENCIES
from api.simulator.ports import Row
from api.simulator.recording import read_time

_TRADED = (PERPETUAL_CODE, FUTURE_CODE, SPOT_CODE)  # no options, no indices
_MONEY = {name.upper(): name for name in MARGIN_CURRENCIES}  # XBT -> XBt


def decimal(row: Row, column: str) -> Decimal:
    """Return a number of a row exactly as it was written. Raises KeyError or ValueError."""
    try:
        return Decimal(str(row[column]))
    except InvalidOperation as error:
        raise ValueError(f"{column} is no number") from error


def recorded_contract(row: Row, number: int) -> Contract | None:
    """Return the contract of a recorded instrument; None if it takes no orders.

    That is so where it is closed, of another kind, settled in a currency that no account has, or
    where a figure is missing.
    """
    try:
        if row.get("typ") not in _TRADED or row.get("state", "Open") != "Open":
            return None
        return _contract(row, number)
    except (KeyError, ValueError):
        return None


def _contract(row: Row, number: int) -> Contract:
    kind, spot = _kind(row), row["typ"] == SPOT_CODE
    lattice = Fraction(decimal(row, "tickSize"))
    initial = _ppm(row, "initMargin")
    if lattice <= 0 or initial <= 0 or _whole(row, "lotSize") <= 0:
        raise ValueError("figures are not positive")
    money = _MONEY[str(row["quoteCurrency"] if spot else row["settlCurrency"]).upper()]
    scale = 10 ** max(_decimals(row, "tickSize"), _decimals(row, "markPrice"))
    return Contract(
        symbol=str(row["symbol"]),
        kind=kind,
        typ=str(row["typ"]),
        root=str(row.get("rootSymbol", row["underlying"])),
        underlying=str(row["underlying"]),
        quote=str(row["quoteCurrency"]),
        money=money,
        base_money=_MONEY[str(row["underlying"]).upper()] if spot else None,
        index=str(row.get("referenceSymbol", "")),
        position_currency=str(row["positionCurrency"]) if "positionCurrency" in row else None,
        multiplier=_whole(row, "multiplier"),
        position_multiplier=_optional(row, "underlyingToPositionMultiplier"),
        quote_multiplier=_optional(row, "quoteToSettleMultiplier"),
        lot=_whole(row, "lotSize"),
        ticks_per_unit=lattice.denominator,
        mark_scale=scale,
        max_quantity=_whole(row, "maxOrderQty"),
        max_price=math.ceil(decimal(row, "maxPrice")),  # a whole number in a contract
        initial_ppm=initial,
        maintenance_ppm=_ppm(row, "maintMargin"),
        maker_ppm=_ppm(row, "makerFee"),
        taker_ppm=_ppm(row, "takerFee"),
        risk_limit=_optional(row, "riskLimit"),
        risk_step=_optional(row, "riskStep"),
        listing=str(row.get("listing", "")),
        expiry=read_time(str(row["expiry"])) if "expiry" in row else None,
        number=number,
        step=lattice.numerator,
    )


def _kind(row: Row) -> Kind:
    if row["typ"] == SPOT_CODE:
        return Kind.SPOT
    if row.get("isInverse"):
        return Kind.INVERSE
    return Kind.QUANTO if row.get("isQuanto") else Kind.LINEAR


def _whole(row: Row, column: str) -> int:
    number = decimal(row, column)
    if number != int(number):
        raise ValueError(f"{column} is not whole")
    return int(number)


def _optional(row: Row, column: str) -> int | None:
    return _whole(row, column) if column in row else None


def _ppm(row: Row, column: str) -> int:
    return round(decimal(row, column) * MILLION)


def _decimals(row: Row, column: str) -> int:
    exponent = decimal(row, column).normalize().as_tuple().exponent
    assert isinstance(exponent, int)
    return max(0, -exponent)

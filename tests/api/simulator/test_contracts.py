from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal

import pytest

from api.simulator.contracts import (
    BUY,
    SELL,
    Contract,
    dated_future,
    next_expiry,
    perpetuals_and_spot,
)

ALL = {contract.symbol: contract for contract in perpetuals_and_spot()}
XBTUSD, XBTUSDT, ETHUSD = ALL["XBTUSD"], ALL["XBTUSDT"], ALL["ETHUSD"]


def value(contract: Contract, price: str, quantity: int) -> int:
    exact = Decimal(price)
    scale = 10 ** max(0, -int(exact.as_tuple().exponent))
    return contract.value(int(exact * scale), scale, quantity)


@pytest.mark.parametrize(
    ("symbol", "price", "quantity", "expected"),
    [
        ("XBTUSD", "78175.02", 182_340_800, 233_246_704_544),  # openValue of 2026-05-03
        ("XBTUSD", "78173.24", 1_438_000, 1_839_503_980),  # markValue of a position
        ("XBTUSD", "64329.15", 998_000, 1_551_400_980),
        ("XBTUSD", "93208", 100, 107_287),  # cost of an order
        ("XBTUSDT", "78190.32", 226_895_000, 17_740_992_656_400),
        ("SOLUSDT", "83.751", 312_448_300, 2_616_785_757_330),
        ("ETHUSD", "2302.23", 106_520, 24_523_353_960),
        ("XBT_USDT", "94952", 10_000, 9_495_200),
    ],
)
def test_value_is_the_real_one(symbol: str, price: str, quantity: int, expected: int) -> None:
    assert value(ALL[symbol], price, quantity) == expected


def test_value_of_the_dated_future_is_the_real_one() -> None:
    future = dated_future(datetime(2026, 5, 3, tzinfo=timezone.utc))
    assert future.symbol == "XBTM26"
    assert value(future, "78292.94", 10_382_700) == 13_261_303_575


def test_bought_inverse_costs_negative_and_others_positive() -> None:
    assert XBTUSD.cost(BUY, 500_000, 100) == -200_000
    assert XBTUSD.cost(SELL, 400_000, 100) == 250_000
    assert XBTUSDT.cost(BUY, 500_000, 100) == 5_000_000
    assert XBTUSDT.cost(SELL, 400_000, 100) == -4_000_000


@pytest.mark.parametrize(
    ("rate", "cost", "fee"),
    [(900, 9_495_200, 8_545), (-250, 393_570, -98), (-100, -1_823_510, -182), (500, 1_999, 0)],
)
def test_fee_is_truncated_toward_zero(rate: int, cost: int, fee: int) -> None:
    assert XBTUSD.fee(rate, cost) == fee


def test_notionals_have_the_signs_of_real_rows() -> None:
    spot = ALL["XBT_USDT"]
    assert spot.notionals(BUY, 10_000, 9_495_200, 1279) == (0.0001, 9.4952)
    assert spot.notionals(SELL, 10_000, 9_483_450, 1279) == (-0.0001, -9.48345)
    assert XBTUSD.notionals(SELL, 169, 1_823_510, 1279) == (-0.0182351, 169.0)
    home, foreign = XBTUSDT.notionals(BUY, 100, 8_863_692, 1279)
    assert (home, foreign) == (0.0001, -8.863692)


def test_quanto_notionals_follow_the_rate_of_the_moment() -> None:
    # Figures of 2026-05-03: 58,002 contracts a day worth 13,418,325,687 XBt at 1279 a dollar.
    home, _ = ETHUSD.notionals(BUY, 58_002, 13_418_325_687, 1_279)
    assert home == pytest.approx(4_534.949, abs=0.001)


@pytest.mark.parametrize(
    ("now", "expiry", "symbol"),
    [
        ((2026, 11, 23), (2026, 12, 25), "XBTZ26"),
        ((2026, 5, 3), (2026, 6, 26), "XBTM26"),
        ((2026, 12, 25, 12), (2027, 3, 26), "XBTH27"),
        ((2026, 12, 25, 11, 59), (2026, 12, 25), "XBTZ26"),
        ((2026, 12, 31), (2027, 3, 26), "XBTH27"),
        ((2027, 1, 1), (2027, 3, 26), "XBTH27"),
    ],
)
def test_future_expires_on_the_last_friday_of_the_quarter(
    now: tuple[int, ...], expiry: tuple[int, int, int], symbol: str
) -> None:
    moment = datetime(*now, tzinfo=timezone.utc)  # type: ignore[arg-type, misc]
    assert next_expiry(moment) == datetime(*expiry, 12, tzinfo=timezone.utc)
    assert dated_future(moment).symbol == symbol

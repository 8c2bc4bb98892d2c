"""Figures of real rows of the exchange, each computed by the embedded one.

The rows are of 2020 to 2026: positions, margin accounts, orders, executions, instruments. Not
computed here: initMargin of an account with several orders, whose rule is not known to the last
satoshi (38,498,591 is 1 more than one order of that cost would bind), and vwap.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timezone
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from api.simulator.accounts import Account, Position
from api.simulator.contracts import BUY, SELL, Contract, dated_future, perpetuals_and_spot
from api.simulator.journal import value as value_of_journal
from api.simulator.margin import Margin, OpenOrders, maintenance_margin, order_margin
from api.simulator.rows import margin_row, position_row

KNOWN = {contract.symbol: contract for contract in perpetuals_and_spot()}
XBTUSD, XBTUSDT, ETHUSD, SPOT = (
    KNOWN[symbol] for symbol in ("XBTUSD", "XBTUSDT", "ETHUSD", "XBT_USDT")
)
XBTM26 = dated_future(datetime(2026, 5, 3, tzinfo=timezone.utc))
# Contracts that are not listed here, with the figures they had.
XBTUSD_BY_ONE = replace(XBTUSD, lot=1)  # until 2021
ETHZ24 = replace(
    XBTUSDT,
    multiplier=1_000,
    position_multiplier=100_000,
    quote_multiplier=100_000_000,
    ticks_per_unit=100_000,
    lot=1_000,
)
LINKUSDT = replace(ETHUSD, multiplier=10_000, ticks_per_unit=1_000)  # settled in XBT in 2021


def scaled(price: str) -> tuple[int, int]:
    exact = Decimal(price)
    scale = 10 ** max(0, -int(exact.as_tuple().exponent))
    return int(exact * scale), scale


@pytest.mark.parametrize(
    ("contract", "quantity", "price", "expected"),
    [
        pytest.param(XBTUSD, 182_340_800, "78175.02", 233_246_704_544, id="openValue XBTUSD"),
        pytest.param(XBTUSD, 1_438_000, "78173.24", 1_839_503_980, id="markValue May 2026"),
        pytest.param(XBTUSD, 998_000, "64329.15", 1_551_400_980, id="markValue July 2026"),
        pytest.param(XBTM26, 10_382_700, "78292.94", 13_261_303_575, id="openValue XBTM26"),
        pytest.param(XBTUSD, 1_104_800, "66662.83", 1_657_299_432, id="openValue XBTEUR"),
        pytest.param(XBTUSD, 100, "93208", 107_287, id="cost of an order"),
        pytest.param(XBTUSD_BY_ONE, 8, "11587.5", 69_040, id="lot of 1, 2019"),
        pytest.param(XBTUSD_BY_ONE, 169, "9268.18", 1_823_510, id="funding of July 2020"),
        pytest.param(XBTUSD_BY_ONE, 30, "7622.5", 393_570, id="maker sell of 2018"),
        pytest.param(XBTUSDT, 226_895_000, "78190.32", 17_740_992_656_400, id="openValue XBTUSDT"),
        pytest.param(XBTUSDT, 100, "88636.92", 8_863_692, id="markValue XBTUSDT"),
        pytest.param(ETHUSD, 106_520, "2302.23", 24_523_353_960, id="openValue ETHUSD"),
        pytest.param(LINKUSDT, 45, "23.633", 10_634_850, id="execCost LINKUSDT"),
        pytest.param(SPOT, 10_000, "94952", 9_495_200, id="spot purchase"),
        pytest.param(SPOT, 10_000, "94834.5", 9_483_450, id="spot sale"),
        pytest.param(ETHZ24, 4_699_000, "0.03528", 165_780_720, id="settlement ETHZ24"),
    ],
)
def test_value(contract: Contract, quantity: int, price: str, expected: int) -> None:
    assert contract.value(*scaled(price), quantity) == expected
    assert value_of_journal(contract, scaled(price), quantity) == expected


@pytest.mark.parametrize(
    ("rate_ppm", "cost", "fee"),
    [
        pytest.param(900, 9_495_200, 8_545, id="spot taker buy"),
        pytest.param(900, -9_483_450, 8_535, id="spot taker sell"),
        pytest.param(-250, 393_570, -98, id="maker of 2018"),
        pytest.param(-100, 1_823_510, -182, id="funding received in 2020"),
    ],
)
def test_fee(rate_ppm: int, cost: int, fee: int) -> None:
    assert XBTUSD.fee(rate_ppm, cost) == fee


@pytest.mark.parametrize(
    ("contract", "side", "quantity", "cost", "rate", "home", "foreign"),
    [
        pytest.param(SPOT, BUY, 10_000, 9_495_200, 1, 0.0001, 9.4952, id="spot buy"),
        pytest.param(SPOT, SELL, 10_000, 9_483_450, 1, -0.0001, -9.48345, id="spot sell"),
        pytest.param(XBTUSD, SELL, 30, 393_570, 1, -0.0039357, 30.0, id="maker sell of 2018"),
        pytest.param(XBTUSD, SELL, 169, 1_823_510, 1, -0.0182351, 169.0, id="funding of 2020"),
        pytest.param(XBTUSD, SELL, 1_438_000, 1_839_503_980, 1, -18.3950398, 1_438_000.0,
                     id="position of 2026"),
        pytest.param(XBTUSDT, BUY, 100, 8_863_692, 1, 0.0001, -8.863692, id="linear long"),
        pytest.param(ETHZ24, SELL, 4_699_000, 165_780_720, 1, -46.99, 1.6578072, id="ETHZ24"),
        pytest.param(LINKUSDT, BUY, 45, 10_634_850, 2_927, 153.741031773, -3633.361803894,
                     id="LINKUSDT"),
    ],
)  # fmt: skip
def test_notionals(
    contract: Contract,
    side: int,
    quantity: int,
    cost: int,
    rate: int,
    home: float,
    foreign: float,
) -> None:
    found_home, found_foreign = contract.notionals(side, quantity, cost, rate)
    assert found_home == pytest.approx(home, abs=1e-9)
    assert found_foreign == pytest.approx(foreign, abs=1e-9)


def shown_position(
    contract: Contract,
    position: Position,
    mark: str,
    funding_ppm: int,
    orders: OpenOrders | None = None,
    money: int = 10**12,
) -> Any:
    """Return the row of a position at a mark price, with enough money in the account."""
    number, scale = scaled(mark)
    sign = contract.buy_sign * (1 if position.quantity > 0 else -1)
    worth = contract.value(number, scale, abs(position.quantity))
    instrument: Any = SimpleNamespace(
        contract=contract,
        mark=number * contract.mark_scale // scale,
        marked=0,
        prices=SimpleNamespace(satoshi_per_dollar=lambda _time: 1_279),
        signed_value=lambda _quantity: sign * worth,
        funding_ppm=lambda _time: funding_ppm,
    )
    balance = Margin(money, sign * worth - position.cost, 0, worth, 0, 0)
    orders = orders or OpenOrders()
    return position_row(position, Account(1501242, "real"), instrument, orders, balance, 0)


def test_inverse_short_of_may_2026() -> None:
    position = Position(
        XBTUSD, -1_438_000, 1_951_105_699, rebalanced=15_678_981, previous=1_404_753
    )
    orders = OpenOrders(1_400_000, -2_603_983_400, 560_000, 673_220_800)
    row = shown_position(XBTUSD, position, "78173.24", -24, orders)
    real = {
        "currency": "XBt",
        "underlying": "XBT",
        "quoteCurrency": "USD",
        "commission": 0.0005,
        "initMarginReq": 0.01,
        "maintMarginReq": 0.005,
        "riskLimit": 20_000_000_000,
        "leverage": 100,
        "crossMargin": True,
        "deleveragePercentile": 1,
        "rebalancedPnl": 15_678_981,
        "prevRealisedPnl": 1_404_753,
        "openOrderBuyQty": 1_400_000,
        "openOrderBuyCost": -2_603_983_400,
        "openOrderBuyPremium": 0,
        "openOrderSellQty": 560_000,
        "openOrderSellCost": -673_220_800,
        "openOrderSellPremium": 0,
        "currentQty": -1_438_000,
        "currentCost": 1_951_105_699,
        "currentComm": 0,
        "realisedCost": 0,
        "unrealisedCost": 1_951_105_699,
        "grossOpenPremium": 0,
        "isOpen": True,
        "markPrice": 78_173.24,
        "markValue": 1_839_503_980,
        "riskValue": 2_512_724_780,
        "homeNotional": -18.3950398,
        "foreignNotional": 1_438_000,
        "posCost": 1_951_105_699,
        "posMargin": 9_802_356,
        "posMaint": 9_802_356,
        "posInit": 0,
        "initMargin": 7_408_795,
        "maintMargin": 9_802_356,
        "realisedPnl": 0,
        "unrealisedPnl": -111_601_719,
        "unrealisedPnlPcnt": -0.0572,
        "unrealisedRoePcnt": -5.7199,
        "avgCostPrice": 73_701.7438,
        "avgEntryPrice": 73_701.7438,
        "breakEvenPrice": 74_298.6,
        "liquidationPrice": 1_000_000,
        "bankruptPrice": 1_000_000,
    }
    assert {name: row[name] for name in real} == real


def test_linear_long_of_december_2025() -> None:
    position = Position(XBTUSDT, 100, 8_639_330, rebalanced=-4_319)  # the fee of opening it
    row = shown_position(XBTUSDT, position, "88636.92", 100)
    real = {
        "currentQty": 100,
        "currentCost": 8_639_330,
        "unrealisedCost": 8_639_330,
        "posCost": 8_639_330,
        "markPrice": 88_636.92,
        "markValue": 8_863_692,
        "homeNotional": 0.0001,
        "foreignNotional": -8.863692,
        "unrealisedPnl": 224_362,
        "avgEntryPrice": 86_393.3,
        "breakEvenPrice": 86_436.5,
        "maintMargin": 44_061,
        "liquidationPrice": 0,
    }
    assert {name: row[name] for name in real} == real


def test_margin_account_of_july_2026() -> None:
    state = Margin(
        wallet=3_215_808_985,
        unrealised=164_955_169,
        gross_open_cost=3_498_281_677,
        gross_mark_value=1_551_400_980,
        initial=38_498_591,
        maintenance=6_932_230,
    )
    row = margin_row(Account(1501242, "real"), "XBt", state, 0)
    real = {
        "account": 1501242,
        "currency": "XBt",
        "riskLimit": 1_000_000_000_000,
        "amount": 3_215_808_985,
        "grossComm": 0,
        "grossOpenCost": 3_498_281_677,
        "grossOpenPremium": 0,
        "grossMarkValue": 1_551_400_980,
        "riskValue": 5_049_682_657,
        "initMargin": 38_498_591,
        "maintMargin": 6_932_230,
        "targetExcessMargin": 3_335_333_333,
        "realisedPnl": 0,
        "unrealisedPnl": 164_955_169,
        "walletBalance": 3_215_808_985,
        "marginBalance": 3_380_764_154,
        "marginLeverage": 0.4589,
        "marginUsedPcnt": 0.0134,
        "excessMargin": 3_335_333_333,
        "availableMargin": 3_335_333_333,
        "withdrawableMargin": 3_170_378_164,
        "systemWithdrawableMargin": 3_170_378_164,
        "foreignMarginBalance": 0,
        "foreignRequirement": 0,
    }
    assert {name: row[name] for name in real} == real


FIGURES: list[Any] = [
    pytest.param(
        lambda: OpenOrders(buy_quantity=2_480_000, buy_cost=-5_854_074_600).excess_cost(-998_000),
        3_498_281_677,
        id="grossOpenCost: orders beyond the position",
    ),
    pytest.param(
        lambda: OpenOrders(1_400_000, -2_603_983_400, 560_000, 673_220_800).excess_cost(-1_438_000),
        673_220_800,
        id="riskValue: sells of a short, its buys are covered",
    ),
    pytest.param(
        lambda: order_margin(XBTUSD, Position(XBTUSD), 673_220_800), 7_408_795, id="initMargin"
    ),
    pytest.param(
        lambda: order_margin(XBTUSD, Position(XBTUSD), 107_287), 1_181, id="initMargin of one lot"
    ),
    pytest.param(
        lambda: maintenance_margin(Position(XBTUSD, -998_000, 1_551_400_980 - 164_955_169), 85),
        6_932_230,
        id="maintMargin: a short that receives funding",
    ),
    pytest.param(
        lambda: maintenance_margin(Position(XBTUSD, -1_438_000, 1_951_105_699), -24),
        9_802_356,
        id="maintMargin: a short that pays funding",
    ),
    pytest.param(
        lambda: maintenance_margin(Position(XBTUSDT, 100, 8_639_330), 100),
        44_061,
        id="maintMargin: a long that pays funding",
    ),
    pytest.param(
        lambda: XBTUSD.cost(SELL, 500_000, 100) + XBTUSD.cost(BUY, 400_000, 100),
        200_000 - 250_000,
        id="sum of execCost: inverse",
    ),
    pytest.param(
        lambda: XBTUSDT.cost(BUY, 500_000, 100) + XBTUSDT.cost(SELL, 400_000, 100),
        5_000_000 - 4_000_000,
        id="sum of execCost: linear",
    ),
    pytest.param(
        lambda: ETHZ24.cost(SELL, 3_528, 4_699_000), -165_780_720, id="execCost of a settlement"
    ),
    pytest.param(
        lambda: XBTUSD_BY_ONE.cost(SELL, 76_225, 30), 393_570, id="execCost of an inverse sale"
    ),
    pytest.param(lambda: SPOT.cost(BUY, 189_904, 10_000), 9_495_200, id="execCost of spot"),
]


@pytest.mark.parametrize(("compute", "expected"), FIGURES)
def test_figure(compute: Callable[[], int], expected: int) -> None:
    assert compute() == expected

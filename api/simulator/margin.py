"""Margin: what positions and orders bind, and the sums a margin row shows.

Formulas follow rows of the real exchange (2024-2026). All amounts are in the smallest unit of the
currency.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from api.simulator.accounts import Account, Position
from api.simulator.contracts import BUY, MILLION, Contract
from api.simulator.instruments import Instrument
from api.simulator.orders import Order


@dataclass(slots=True)
class OpenOrders:
    """What rests of an account in one instrument; costs have the sign of execCost."""

    buy_quantity: int = 0
    buy_cost: int = 0
    sell_quantity: int = 0
    sell_cost: int = 0

    def add(self, contract: Contract, side: int, ticks: int, quantity: int) -> None:
        """Count an order."""
        cost = contract.cost(side, ticks, quantity)
        if side == BUY:
            self.buy_quantity += quantity
            self.buy_cost += cost
        else:
            self.sell_quantity += quantity
            self.sell_cost += cost

    def excess_cost(self, held: int) -> int:
        """Return grossOpenCost: the larger side's cost in excess of the position it would close."""
        return max(
            _excess(self.buy_quantity, self.buy_cost, max(0, -held)),
            _excess(self.sell_quantity, self.sell_cost, max(0, held)),
        )


@dataclass(frozen=True, slots=True)
class Margin:
    """The margin account of one currency."""

    wallet: int
    unrealised: int
    gross_open_cost: int
    gross_mark_value: int
    initial: int
    maintenance: int

    @property
    def balance(self) -> int:
        """Return marginBalance."""
        return self.wallet + self.unrealised

    @property
    def available(self) -> int:
        """Return availableMargin, which may be negative."""
        return self.balance - self.initial - self.maintenance


def open_orders(account: Account, contract: Contract, without: Order | None = None) -> OpenOrders:
    """Return what rests in an instrument, leaving out one order (the one being amended)."""
    total = OpenOrders()
    for order in account.open_orders(contract.symbol):
        if order is not without and order.working and order.ticks is not None:
            total.add(contract, order.side, order.ticks, order.leaves)
    return total


def order_margin(contract: Contract, position: Position, cost: int) -> int:
    """Return initMargin of orders: cost x (rate + fee + fee x (1 + rate)), rounded up."""
    if contract.is_spot:
        return cost
    rate = initial_ppm(position)
    fee = contract.taker_ppm
    millionths = rate * MILLION + fee * MILLION + fee * (MILLION + rate)
    return _ceil(cost * millionths, MILLION * MILLION)


def initial_ppm(position: Position) -> int:
    """Return initMarginReq of a position in parts per million."""
    least = position.contract.initial_ppm + risk_steps(position) * position.contract.maintenance_ppm
    if position.leverage:
        return max(least, round(MILLION / position.leverage))
    return least


def maintenance_ppm(position: Position) -> int:
    """Return maintMarginReq of a position in parts per million."""
    return position.contract.maintenance_ppm * (1 + risk_steps(position))


def risk_steps(position: Position) -> int:
    """Return how many steps the risk limit stands above its base; each asks for more margin."""
    contract = position.contract
    if not position.risk_limit:
        return 0
    return (position.risk_limit - (contract.risk_limit or 0)) // (contract.risk_step or 1)


def maintenance_margin(position: Position, funding_ppm: int) -> int:
    """Return maintMargin of a position: with the part of the funding rate it would have to pay.

    An isolated position binds its initial margin, the fee of closing it and what was added to it.
    """
    cost = abs(position.cost)
    if position.leverage:
        rate = initial_ppm(position)
        closing = position.contract.taker_ppm * (MILLION + rate)
        least = _ceil(cost * rate * MILLION + cost * closing, MILLION * MILLION)
        return least + position.transferred
    pays = max(0, funding_ppm if position.quantity > 0 else -funding_ppm)
    return _ceil(cost * (maintenance_ppm(position) + pays), MILLION)


def margin(
    account: Account, currency: str, instruments: Mapping[str, Instrument], time: int
) -> Margin:
    """Return the margin account of a currency."""
    unrealised = open_cost = mark_value = initial = maintenance = 0
    for symbol, position in account.positions.items():
        instrument, contract = instruments[symbol], position.contract
        if contract.is_spot:
            initial += spot_locked(account, contract, currency)
        elif contract.money == currency:
            excess = open_orders(account, contract).excess_cost(position.quantity)
            open_cost += excess
            initial += order_margin(contract, position, excess)
            if position.quantity:
                value = instrument.signed_value(position.quantity)
                unrealised += value - position.cost
                mark_value += abs(value)
                maintenance += maintenance_margin(position, instrument.funding_ppm(time))
    wallet = account.wallet.get(currency, 0)
    return Margin(wallet, unrealised, open_cost, mark_value, initial, maintenance)


def spot_locked(
    account: Account, contract: Contract, currency: str, without: Order | None = None
) -> int:
    """Return what open spot orders will pay in a currency: cost and fee, or the underlying."""
    total = open_orders(account, contract, without)
    if currency == contract.money and total.buy_quantity:
        return total.buy_cost + contract.fee(contract.taker_ppm, total.buy_cost)
    return total.sell_quantity if currency == contract.base_money else 0


def _excess(quantity: int, cost: int, covered: int) -> int:
    if quantity <= covered:
        return 0
    return _ceil(abs(cost) * (quantity - covered), quantity)


def _ceil(numerator: int, denominator: int) -> int:
    return -(-numerator // denominator)

"""Whether an account can afford an order."""

from __future__ import annotations

from api.simulator.accounts import Account
from api.simulator.contracts import BUY, MILLION, Contract
from api.simulator.exchange import Exchange
from api.simulator.instruments import Instrument
from api.simulator.margin import (
    Margin,
    initial_ppm,
    maintenance_ppm,
    margin,
    open_orders,
    order_margin,
    spot_locked,
)
from api.simulator.orders import Order
from api.simulator.refusals import Refused


def check_funds(
    exchange: Exchange, account: Account, order: Order, leaves: int, ticks: int
) -> None:
    """Refuse an order with this rest and price if it binds more than the account has free."""
    instrument = exchange.instruments[order.symbol]
    contract = instrument.contract
    if contract.is_spot:
        currency, needed = _spot_need(account, contract, order, leaves, ticks)
    else:
        currency = contract.money
        needed = _margin_need(account, contract, order, leaves, ticks)
    state = margin(account, currency, exchange.instruments, exchange.time)
    if needed > 0 and not state.wallet:
        raise Refused(f"Account has no {currency}")
    if needed > 0 and needed > state.available:
        raise Refused(
            f"Account has insufficient Available Balance, {needed} {currency} required",
            name="CodedHTTPError",
            details="19000",
        )
    if not contract.is_spot:
        _check_survival(account, instrument, order, leaves, ticks, state)
    _check_risk_limit(account, instrument, order, leaves)


def _check_survival(
    account: Account, instrument: Instrument, order: Order, leaves: int, ticks: int, state: Margin
) -> None:
    """Refuse an order that costs so much more than the mark price that its fill would liquidate."""
    contract, position = instrument.contract, account.position(instrument.contract)
    opened = abs(position.quantity + order.side * leaves) - abs(position.quantity)
    if opened <= 0:
        return
    cost = contract.cost(order.side, ticks, leaves)
    profit = instrument.signed_value(order.side * leaves) - cost
    bound = abs(cost) * maintenance_ppm(position) // MILLION
    if profit < 0 and state.balance + profit < state.maintenance + bound:
        raise Refused("Executing at order price would lead to immediate liquidation")


def _spot_need(
    account: Account, contract: Contract, order: Order, leaves: int, ticks: int
) -> tuple[str, int]:
    """Return currency and amount that a spot order locks beyond what it locks now."""
    if order.side == BUY:
        currency = contract.money
        cost = contract.value(ticks, contract.ticks_per_unit, leaves)
        needed = cost + contract.fee(contract.taker_ppm, cost)
    else:
        assert contract.base_money is not None
        currency, needed = contract.base_money, leaves
    bound = spot_locked(account, contract, currency)
    return currency, needed + spot_locked(account, contract, currency, without=order) - bound


def _margin_need(
    account: Account, contract: Contract, order: Order, leaves: int, ticks: int
) -> int:
    """Return the growth of the initial margin of all orders in the contract."""
    position = account.position(contract)
    before = open_orders(account, contract).excess_cost(position.quantity)
    orders = open_orders(account, contract, without=order)
    orders.add(contract, order.side, ticks, leaves)
    after = orders.excess_cost(position.quantity)
    return order_margin(contract, position, after) - order_margin(contract, position, before)


def _check_risk_limit(account: Account, instrument: Instrument, order: Order, leaves: int) -> None:
    contract = instrument.contract
    if contract.risk_limit is None:
        return
    position = account.position(contract)
    size = abs(position.quantity + order.side * leaves)
    if size <= abs(position.quantity):
        return
    # Unless it was set, the limit grows by riskStep with every further step of required margin.
    steps = (MILLION // 2 - initial_ppm(position)) // contract.initial_ppm
    most = position.risk_limit or contract.risk_limit + steps * (contract.risk_step or 0)
    if instrument.value_at_mark(size) > most:
        raise Refused("Value of position and orders exceeds position Risk Limit")

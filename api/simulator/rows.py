"""Rows of orders, executions, positions and margins in the exchange's dialect.

A column without a value is left out. Floats appear only here, made from integers for display.
"""

from __future__ import annotations

from api.simulator.accounts import Account, Position
from api.simulator.contracts import BUY, MILLION, SIDE_NAMES, Contract, Kind
from api.simulator.instruments import Instrument
from api.simulator.margin import (
    Margin,
    OpenOrders,
    initial_ppm,
    maintenance_margin,
    maintenance_ppm,
    order_margin,
)
from api.simulator.orders import Order, average_price
from api.simulator.ports import Row
from api.simulator.times import iso


def order_row(order: Order, contract: Contract) -> Row:
    """Return an order as the order table shows it."""
    price = contract.price
    row: Row = {
        "orderID": order.order_id,
        "clOrdID": order.client_id,
        "clOrdLinkID": order.link_id,
        "account": order.account,
        "symbol": order.symbol,
        "strategy": "OneWay",
        "side": SIDE_NAMES[order.side],
        "orderQty": order.quantity,
        "price": None if order.ticks is None else price(order.ticks),
        "displayQty": order.display,
        "stopPx": None if order.stop is None else price(order.stop),
        "pegOffsetValue": None if order.peg_offset is None else price(order.peg_offset),
        "pegPriceType": order.peg_type,
        "currency": contract.quote,
        "settlCurrency": None if contract.is_spot else contract.money,
        "ordType": order.kind,
        "timeInForce": order.time_in_force,
        "execInst": ",".join(order.instructions) or None,
        "contingencyType": order.contingency,
        "ordStatus": order.status,
        "triggered": order.triggered,
        "workingIndicator": order.working,
        "ordRejReason": order.reject_reason,
        "leavesQty": order.leaves,
        "cumQty": order.filled,
        "avgPx": average_price(order, contract),
        "text": order.text,
        "transactTime": iso(order.transacted),
        "timestamp": iso(order.updated),
    }
    return present(row)


def present(row: Row) -> Row:
    """Return a row without the columns that have no value."""
    return {name: value for name, value in row.items() if value is not None}


_ORDER_ONLY = ("timestamp", "transactTime")


def report_row(order: Order, contract: Contract, exec_id: str, exec_type: str, time: int) -> Row:
    """Return an execution report about an order, without the columns of a fill."""
    columns = order_row(order, contract)
    row: Row = {"execID": exec_id, **columns, "execType": exec_type}
    row["transactTime"] = row["timestamp"] = iso(time)
    return row


def position_row(
    position: Position,
    account: Account,
    instrument: Instrument,
    orders: OpenOrders,
    balance: Margin,
    time: int,
) -> Row:
    """Return a position. currentQty, markPrice and liquidationPrice are there even when empty."""
    contract = position.contract
    if contract.is_spot:
        return _spot_row(position, account, orders)
    quantity, cost = position.quantity, position.cost
    value = instrument.signed_value(quantity) if quantity else 0
    excess = orders.excess_cost(quantity)
    maintenance = maintenance_margin(position, instrument.funding_ppm(time)) if quantity else 0
    leverage = position.leverage or MILLION / contract.initial_ppm
    side = BUY if quantity > 0 else -BUY
    home, foreign = contract.notionals(
        side, abs(quantity), abs(value), instrument.prices.satoshi_per_dollar(instrument.marked)
    )
    profit = value - cost
    row: Row = {
        "account": account.number,
        "symbol": contract.symbol,
        "strategy": "OneWay",
        "currency": contract.money,
        "underlying": contract.underlying,
        "quoteCurrency": contract.quote,
        "commission": contract.taker_ppm / MILLION,
        "initMarginReq": initial_ppm(position) / MILLION,
        "maintMarginReq": maintenance_ppm(position) / MILLION,
        "riskLimit": position.risk_limit or contract.risk_limit,
        "leverage": leverage,
        "crossMargin": not position.leverage,
        "deleveragePercentile": 1.0 if quantity else None,
        "rebalancedPnl": position.rebalanced,
        "prevRealisedPnl": position.previous,
        "openOrderBuyQty": orders.buy_quantity,
        "openOrderBuyCost": orders.buy_cost,
        "openOrderBuyPremium": 0,
        "openOrderSellQty": orders.sell_quantity,
        # Both sides have the sign of a purchase, unlike execCost.
        "openOrderSellCost": contract.buy_sign * abs(orders.sell_cost),
        "openOrderSellPremium": 0,
        "currentQty": quantity,
        "currentCost": cost,
        "currentComm": 0,
        "realisedCost": 0,
        "unrealisedCost": cost,
        "grossOpenPremium": 0,
        "isOpen": bool(quantity or orders.buy_quantity or orders.sell_quantity),
        "markPrice": instrument.mark / contract.mark_scale if quantity else None,
        "markValue": value,
        "riskValue": abs(value) + excess,
        "homeNotional": home if quantity else 0.0,
        "foreignNotional": foreign if quantity else 0.0,
        "posCost": cost,
        "posCross": position.transferred,
        "posComm": 0,
        "posLoss": 0,
        "posMargin": maintenance,
        "posMaint": maintenance,
        "posInit": 0,
        "initMargin": order_margin(contract, position, excess),
        "maintMargin": maintenance,
        "realisedPnl": 0,
        "unrealisedPnl": profit,
        "unrealisedPnlPcnt": round(profit / abs(cost), 4) if cost else 0.0,
        "unrealisedRoePcnt": round(profit / abs(cost) * leverage, 4) if cost else 0.0,
        **(_entry_prices(position, balance, profit, maintenance) if quantity else {}),
        "timestamp": iso(position.touched),
    }
    shown = present(row)
    for name in ("currentQty", "markPrice", "liquidationPrice"):
        shown.setdefault(name, None)
    return shown


def _spot_row(position: Position, account: Account, orders: OpenOrders) -> Row:
    return {
        "account": account.number,
        "symbol": position.contract.symbol,
        "strategy": "OneWay",
        "crossMargin": True,
        "openOrderBuyQty": orders.buy_quantity,
        "openOrderBuyCost": orders.buy_cost,
        "openOrderSellQty": orders.sell_quantity,
        "openOrderSellCost": abs(orders.sell_cost),
        "currentQty": None,
        "isOpen": bool(orders.buy_quantity or orders.sell_quantity),
        "markPrice": None,
        "liquidationPrice": None,
        "timestamp": iso(position.touched),
    }


def entry_price(position: Position) -> float:
    """Return avgEntryPrice to 4 decimals.

    Inverse: |multiplier| x lot / cost per lot, the cost rounded up for a short and down for a
    long. Others: cost / (quantity x multiplier).
    """
    return round(_price_of(position, abs(position.cost)), 4)


def _price_of(position: Position, cost: int) -> float:
    contract, size = position.contract, abs(position.quantity)
    if contract.kind is Kind.INVERSE:
        lots = size // contract.lot
        per_lot = -(-cost // lots) if position.quantity < 0 else cost // lots
        return -contract.multiplier * contract.lot / max(1, per_lot)
    return cost / (size * contract.multiplier)


def break_even_price(position: Position) -> float:
    """Return breakEvenPrice: where the position gives back what was realised in this session.

    The price of the cost less rebalancedPnl (which holds the fees), rounded away to a tick. 0 or
    maxPrice where no price is bad enough.
    """
    contract, long = position.contract, position.quantity > 0
    sign = contract.buy_sign * (1 if long else -1)
    cost = sign * (position.cost - position.rebalanced)
    inverse = contract.kind is Kind.INVERSE
    if cost <= 0:  # the profit exceeds the cost: no price takes it away
        return float(contract.max_price) if long == inverse else 0.0
    price = _to_tick(contract, _price_of(position, cost), up=long)
    return min(price, float(contract.max_price))


def _entry_prices(position: Position, balance: Margin, profit: int, maintenance: int) -> Row:
    entry = entry_price(position)
    others = balance.balance - profit  # what the account has without this position's profit
    if position.leverage:
        others = maintenance
    required = maintenance_ppm(position) * abs(position.cost) // MILLION
    return {
        "avgCostPrice": entry,
        "avgEntryPrice": entry,
        "breakEvenPrice": break_even_price(position),
        "liquidationPrice": _price_leaving(position, others - required),
        "bankruptPrice": _price_leaving(position, others),
    }


def _to_tick(contract: Contract, price: float, *, up: bool) -> float:
    ticks = round(price * contract.ticks_per_unit, 6)
    return contract.price(-int(-ticks // 1) if up else int(ticks // 1))


def _price_leaving(position: Position, loss: int) -> float:
    """Return the mark price at which the position has lost `loss`; 0 or maxPrice: none has."""
    contract, size = position.contract, abs(position.quantity)
    none = 0.0 if position.quantity > 0 else float(contract.max_price)
    value = position.cost - loss  # signed markValue at that price
    sign = contract.buy_sign * (1 if position.quantity > 0 else -1)
    unsigned = sign * value
    if unsigned <= 0:
        return none
    if contract.kind is Kind.INVERSE:
        price = -contract.multiplier * size / unsigned
    else:
        price = unsigned / (size * contract.multiplier)
    if price >= contract.max_price:
        return float(contract.max_price)
    return round(price, 2)


def margin_row(account: Account, currency: str, margin: Margin, time: int) -> Row:
    """Return the margin account of a currency."""
    balance, available = margin.balance, margin.available
    used = margin.initial + margin.maintenance
    return {
        "account": account.number,
        "currency": currency,
        "riskLimit": 1_000_000_000_000,
        "amount": margin.wallet,
        "grossComm": 0,
        "grossOpenCost": margin.gross_open_cost,
        "grossOpenPremium": 0,
        "grossMarkValue": margin.gross_mark_value,
        "riskValue": margin.gross_mark_value + margin.gross_open_cost,
        "initMargin": margin.initial,
        "maintMargin": margin.maintenance,
        "targetExcessMargin": available,
        "realisedPnl": 0,
        "unrealisedPnl": margin.unrealised,
        "walletBalance": margin.wallet,
        "marginBalance": balance,
        "marginLeverage": round(margin.gross_mark_value / balance, 4) if balance > 0 else 0.0,
        "marginUsedPcnt": round(used / balance, 4) if balance > 0 else 0.0,
        "excessMargin": available,
        "availableMargin": available,
        "withdrawableMargin": available - max(0, margin.unrealised),
        "systemWithdrawableMargin": available - max(0, margin.unrealised),
        "timestamp": iso(time),
        "foreignMarginBalance": 0,
        "foreignRequirement": 0,
    }


def wallet_row(account: Account, currency: str, time: int) -> Row:
    """Return the wallet of a currency."""
    return {
        "account": account.number,
        "currency": currency,
        "deposited": account.deposited.get(currency, 0),
        "withdrawn": 0,
        "transferIn": 0,
        "transferOut": 0,
        "amount": account.wallet.get(currency, 0),
        "pendingCredit": 0,
        "pendingDebit": 0,
        "confirmedDebit": 0,
        "timestamp": iso(time),
    }

"""Clearing: what a trade does to the two accounts that made it, and the rows it leaves."""

from __future__ import annotations

from dataclasses import dataclass

from api.simulator.accounts import Account
from api.simulator.contracts import BUY, MILLION, SIDE_NAMES, Contract
from api.simulator.exchange import Exchange
from api.simulator.instruments import Instrument
from api.simulator.journal import Source
from api.simulator.matching import Match
from api.simulator.orders import Order
from api.simulator.ports import Row
from api.simulator.rows import present, report_row
from api.simulator.times import iso


@dataclass(frozen=True, slots=True)
class Fill:
    """One side of a trade. Cost and fee are units of the contract's money, > 0: paid."""

    contract: Contract
    side: int
    ticks: int
    quantity: int
    maker: bool  # its fee is that of a maker
    rate: int  # of the fee, ppm
    cost: int
    fee: int
    match_id: str


class Clearing:
    """Books contracts and money that change hands in the market."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def trade(
        self,
        instrument: Instrument,
        side: int,
        match: Match,
        taker: tuple[Account, Order | None],
        maker: tuple[Account, Order | None],
    ) -> None:
        """Book contracts that changed hands; `side` is the taker's.

        The part of a resting order that nobody could see pays as a taker.
        """
        exchange, contract = self._exchange, instrument.contract
        ticks, quantity = match.ticks, match.quantity
        match_id = exchange.ids.execution()
        value = contract.value(ticks, contract.ticks_per_unit, quantity)
        instrument.trade(exchange.time, ticks, quantity, value)
        before = _long(maker[0], contract) + _long(taker[0], contract)
        for (account, order), own_side, as_maker in (
            (maker, -side, not match.hidden),
            (taker, side, False),
        ):
            self._fill(account, order, _fill_of(contract, own_side, match, as_maker, match_id))
        after = _long(maker[0], contract) + _long(taker[0], contract)
        instrument.open_interest += after - before
        self._publish_trade(instrument, side, match, value, match_id)

    def _fill(self, account: Account, order: Order | None, fill: Fill) -> None:
        exchange, contract = self._exchange, fill.contract
        profit = self._book(account, fill)
        price = (fill.ticks, contract.ticks_per_unit)
        exec_id = exchange.ids.execution() if order is not None else ""
        source = _source(exec_id, exchange.time, order)
        exchange.journal.fill(
            account.number, contract, fill.side, price, fill.quantity, fill.rate, source
        )
        if order is None:
            return
        order.fill(fill.ticks, fill.quantity)
        order.transacted = exchange.time
        exchange.feed.execution(account, self._execution(order, fill, exec_id, profit))
        account.track(order)
        exchange.feed.order(account, order)
        self._record_wallet(account, fill, profit, order.order_id)

    def _book(self, account: Account, fill: Fill) -> int:
        """Move contracts, money and the fee; return the gross profit."""
        contract, profit = fill.contract, 0
        if contract.is_spot:
            assert contract.base_money is not None
            account.credit(contract.base_money, fill.side * fill.quantity)
            account.credit(contract.money, -fill.cost - fill.fee)
        else:
            position = account.position(contract)
            profit = position.fill(fill.side * fill.quantity, fill.cost)
            position.rebalanced += profit - fill.fee
            account.credit(contract.money, profit - fill.fee)
        self._exchange.house.credit(contract.money, fill.fee)
        return profit

    def _execution(self, order: Order, fill: Fill, exec_id: str, profit: int) -> Row:
        """Return the row of the table execution."""
        exchange, contract = self._exchange, fill.contract
        home, foreign = exchange.notionals(contract, fill.side, fill.quantity, fill.cost)
        row = report_row(order, contract, exec_id, "Trade", exchange.time) | {
            "lastQty": fill.quantity,
            "lastPx": contract.price(fill.ticks),
            "lastLiquidityInd": "AddedLiquidity" if fill.maker else "RemovedLiquidity",
            "commission": fill.rate / MILLION,
            "brokerCommission": 0.0,
            "feeType": "Maker" if fill.maker else "Taker",
            "tradePublishIndicator": "PublishTrade",
            "trdMatchID": fill.match_id,
            "execCost": fill.cost,
            "execComm": fill.fee,
            "brokerExecComm": 0,
            "homeNotional": home,
            "foreignNotional": foreign,
        }
        if not contract.is_spot and profit != fill.fee:
            row["realisedPnl"] = profit - fill.fee
        return row

    def _record_wallet(self, account: Account, fill: Fill, profit: int, order_id: str) -> None:
        """Tell what a fill did to the wallet."""
        contract, feed, gain = fill.contract, self._exchange.feed, profit - fill.fee
        about = {"address": contract.symbol, "orderID": order_id}
        if contract.is_spot:
            assert contract.base_money is not None
            legs = (
                (contract.base_money, fill.side * fill.quantity),
                (contract.money, -fill.cost - fill.fee),
            )
            for currency, amount in legs:
                balance = account.wallet[currency]
                feed.transaction(account, currency, "SpotTrade", amount, balance, **about)
        elif gain:
            balance = account.wallet[contract.money]
            feed.transaction(
                account, contract.money, "RealisedPNL", gain, balance, fee=fill.fee, **about
            )

    def _publish_trade(
        self, instrument: Instrument, side: int, match: Match, value: int, match_id: str
    ) -> None:
        exchange, contract = self._exchange, instrument.contract
        home, foreign = exchange.notionals(contract, BUY, match.quantity, value)
        row: Row = {
            "timestamp": iso(exchange.time),
            "symbol": contract.symbol,
            "side": SIDE_NAMES[side],
            "size": match.quantity,
            "price": contract.price(match.ticks),
            "tickDirection": instrument.direction,
            "trdMatchID": match_id,
            "grossValue": value,
            "homeNotional": home,
            "foreignNotional": abs(foreign),
            "trdType": "Regular",
        }
        exchange.feed.trade(instrument, present(row))


def _fill_of(contract: Contract, side: int, match: Match, maker: bool, match_id: str) -> Fill:
    rate = contract.maker_ppm if maker else contract.taker_ppm
    cost = contract.cost(side, match.ticks, match.quantity)
    fee = contract.fee(rate, cost)
    return Fill(contract, side, match.ticks, match.quantity, maker, rate, cost, fee, match_id)


def _source(exec_id: str, time: int, order: Order | None) -> Source | None:
    if order is None:
        return None
    return Source(exec_id, iso(time), order.order_id, order.client_id or "")


def _long(account: Account, contract: Contract) -> int:
    position = account.positions.get(contract.symbol)
    return max(0, position.quantity) if position is not None else 0

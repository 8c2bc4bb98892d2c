"""Clearing: what trades, funding and settlement do to the accounts, and the rows they leave."""

from __future__ import annotations

from api.simulator.accounts import Account
from api.simulator.contracts import BUY, MILLION, SIDE_NAMES, Contract
from api.simulator.exchange import Exchange
from api.simulator.instruments import Instrument
from api.simulator.journal import Source
from api.simulator.matching import Match
from api.simulator.orders import Order
from api.simulator.ports import Action, Row
from api.simulator.prices import FUNDING_INTERVAL, funding_time
from api.simulator.rows import present, report_row
from api.simulator.times import iso, timespan


class Clearing:
    """Books everything that moves money or contracts between accounts."""

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
        for (account, order), own_side, fee_type in (
            (maker, -side, "Taker" if match.hidden else "Maker"),
            (taker, side, "Taker"),
        ):
            self._fill(instrument, account, order, own_side, ticks, quantity, fee_type, match_id)
        after = _long(maker[0], contract) + _long(taker[0], contract)
        instrument.open_interest += after - before
        self._publish_trade(instrument, side, ticks, quantity, value, match_id)

    def fund(
        self,
        instrument: Instrument,
        interval: int,
        *,
        at: int | None = None,
        rate_ppm: int | None = None,
    ) -> None:
        """Pay the funding of an 8 h interval, at its end: rate > 0, longs pay shorts.

        Time `at` in ms and the rate are others where somebody forces a payment.
        """
        exchange, contract = self._exchange, instrument.contract
        rate = exchange.prices.funding_ppm(contract, interval) if rate_ppm is None else rate_ppm
        for account in exchange.accounts.values():
            position = account.positions.get(contract.symbol)
            if position is not None and position.quantity:
                self._pay_funding(instrument, account, position.quantity, rate)
        row: Row = {
            "timestamp": iso(funding_time(interval) if at is None else at),
            "symbol": contract.symbol,
            "fundingInterval": timespan(FUNDING_INTERVAL // 3_600_000),
            "fundingRate": rate / MILLION,
            "fundingRateDaily": 3 * rate / MILLION,
        }
        exchange.fundings.append(row)
        exchange.feed.public("funding", Action.INSERT, [row])

    def settle(self, instrument: Instrument) -> None:
        """Close every position of a contract at the price that its end fixed."""
        exchange, price = self._exchange, instrument.settled
        assert price is not None, "trading goes on"
        for account in list(exchange.accounts.values()):
            position = account.positions.get(instrument.symbol)
            if position is not None and position.quantity:
                self._settle_position(instrument, account)
        instrument.state, instrument.open_interest = "Settled", 0
        row: Row = {
            "timestamp": iso(instrument.marked),
            "symbol": instrument.symbol,
            "settlementType": "Settlement",
            "settledPrice": price / instrument.contract.mark_scale,
        }
        exchange.settlements.append(row)
        exchange.feed.public("settlement", Action.INSERT, [row])

    def close_session(self) -> None:
        """Turn the profit of the session, which ends at 12:00 UTC, into that of the past."""
        for account in self._exchange.customers():
            for symbol, position in account.positions.items():
                if position.rebalanced:
                    position.previous += position.rebalanced
                    position.rebalanced = 0
                    self._exchange.feed.position(account, symbol)

    def _fill(
        self,
        instrument: Instrument,
        account: Account,
        order: Order | None,
        side: int,
        ticks: int,
        quantity: int,
        fee_type: str,
        match_id: str,
    ) -> None:
        contract, exchange = instrument.contract, self._exchange
        rate = contract.maker_ppm if fee_type == "Maker" else contract.taker_ppm
        cost = contract.cost(side, ticks, quantity)
        fee = contract.fee(rate, cost)
        profit = self._book(account, contract, side, quantity, cost, fee)
        price = (ticks, contract.ticks_per_unit)
        exec_id = exchange.ids.execution() if order is not None else ""
        source = _source(exec_id, exchange.time, order)
        exchange.journal.fill(account.number, contract, side, price, quantity, rate, source)
        if order is None:
            return
        order.fill(ticks, quantity)
        order.transacted = exchange.time
        home, foreign = self._notionals(contract, side, quantity, cost)
        row = report_row(order, contract, exec_id, "Trade", exchange.time) | {
            "lastQty": quantity,
            "lastPx": contract.price(ticks),
            "lastLiquidityInd": "AddedLiquidity" if fee_type == "Maker" else "RemovedLiquidity",
            "commission": rate / MILLION,
            "brokerCommission": 0.0,
            "feeType": fee_type,
            "tradePublishIndicator": "PublishTrade",
            "trdMatchID": match_id,
            "execCost": cost,
            "execComm": fee,
            "brokerExecComm": 0,
            "homeNotional": home,
            "foreignNotional": foreign,
        }
        if not contract.is_spot and profit != fee:
            row["realisedPnl"] = profit - fee
        exchange.feed.execution(account, row)
        account.track(order)
        exchange.feed.order(account, order)
        self._record_wallet(account, contract, side, quantity, cost, fee, profit, order.order_id)

    def _book(
        self, account: Account, contract: Contract, side: int, quantity: int, cost: int, fee: int
    ) -> int:
        """Move contracts, money and the fee; return the gross profit."""
        profit = 0
        if contract.is_spot:
            assert contract.base_money is not None
            account.credit(contract.base_money, side * quantity)
            account.credit(contract.money, -cost - fee)
        else:
            position = account.position(contract)
            profit = position.fill(side * quantity, cost)
            position.rebalanced += profit - fee
            account.credit(contract.money, profit - fee)
        self._exchange.house.credit(contract.money, fee)
        return profit

    def _record_wallet(
        self,
        account: Account,
        contract: Contract,
        side: int,
        quantity: int,
        cost: int,
        fee: int,
        profit: int,
        order_id: str,
    ) -> None:
        feed, symbol = self._exchange.feed, contract.symbol
        if contract.is_spot:
            assert contract.base_money is not None
            legs = ((contract.base_money, side * quantity), (contract.money, -cost - fee))
            for currency, amount in legs:
                balance = account.wallet[currency]
                feed.transaction(
                    account,
                    currency,
                    "SpotTrade",
                    amount,
                    balance,
                    address=symbol,
                    orderID=order_id,
                )
        elif profit - fee:
            feed.transaction(
                account,
                contract.money,
                "RealisedPNL",
                profit - fee,
                account.wallet[contract.money],
                fee=fee,
                address=symbol,
                orderID=order_id,
            )

    def _pay_funding(
        self, instrument: Instrument, account: Account, quantity: int, rate: int
    ) -> None:
        contract, exchange = instrument.contract, self._exchange
        side = BUY if quantity > 0 else -BUY
        cost = instrument.signed_value(quantity)
        fee = contract.fee(rate * side, cost)
        balance = account.credit(contract.money, -fee)
        exchange.house.credit(contract.money, fee)
        account.position(contract).rebalanced -= fee
        price = (instrument.mark, contract.mark_scale)
        if account.house:
            exchange.journal.fund(account.number, contract, price, rate)
            return
        mark, size = instrument.mark / contract.mark_scale, abs(quantity)
        row = self._ledger_row(instrument, account, "Funding", size, mark)
        source = Source(str(row["execID"]), iso(exchange.time))
        exchange.journal.fund(account.number, contract, price, rate, source)
        row |= {
            "timeInForce": "AtTheClose",
            "avgPx": mark,
            "commission": rate * side / MILLION,
            "execCost": cost,
            "execComm": fee,
        }
        row["homeNotional"], row["foreignNotional"] = self._notionals(contract, side, size, cost)
        if fee:
            row["realisedPnl"] = -fee
            exchange.feed.transaction(
                account,
                contract.money,
                "Funding",
                -fee,
                balance,
                fee=fee,
                address=contract.symbol,
            )
        exchange.feed.execution(account, row)
        exchange.feed.position(account, contract.symbol)

    def _settle_position(self, instrument: Instrument, account: Account) -> None:
        contract, exchange = instrument.contract, self._exchange
        position = account.position(contract)
        size, side = abs(position.quantity), -BUY if position.quantity > 0 else BUY
        cost = side * contract.buy_sign * instrument.value_at_mark(size)
        profit = position.fill(side * size, cost)
        position.rebalanced += profit
        balance = account.credit(contract.money, profit)
        # What rounding off the tick lattice leaves over is the exchange's.
        exchange.house.credit(contract.money, cost)
        exact = (instrument.mark, contract.mark_scale)
        if account.house:
            exchange.journal.settle(account.number, contract, exact)
            return
        price = instrument.mark / contract.mark_scale
        row = self._ledger_row(instrument, account, "Settlement", size, price)
        source = Source(str(row["execID"]), iso(exchange.time))
        exchange.journal.settle(account.number, contract, exact, source)
        row |= {
            "side": SIDE_NAMES[side],
            "price": price,
            "leavesQty": 0,
            "timeInForce": "AtTheClose",
            "execCost": cost,
            "execComm": 0,
        }
        row["homeNotional"], row["foreignNotional"] = self._notionals(contract, side, size, cost)
        if profit:
            row["realisedPnl"] = profit
            exchange.feed.transaction(
                account,
                contract.money,
                "RealisedPNL",
                profit,
                balance,
                fee=0,
                address=contract.symbol,
            )
        exchange.feed.execution(account, row)
        exchange.feed.position(account, contract.symbol)

    def _ledger_row(
        self, instrument: Instrument, account: Account, kind: str, size: int, price: float
    ) -> Row:
        contract, ids = instrument.contract, self._exchange.ids
        now = iso(self._exchange.time)
        return {
            "execID": ids.ledger(),
            "account": account.number,
            "symbol": contract.symbol,
            "strategy": "OneWay",
            "lastQty": size,
            "lastPx": price,
            "orderQty": size,
            "currency": contract.quote,
            "settlCurrency": contract.money,
            "execType": kind,
            "ordType": "Limit",
            "ordStatus": "Filled",
            "workingIndicator": False,
            "cumQty": size,
            "text": kind,
            "trdMatchID": ids.ledger(),
            "transactTime": now,
            "timestamp": now,
        }

    def _publish_trade(
        self,
        instrument: Instrument,
        side: int,
        ticks: int,
        quantity: int,
        value: int,
        match_id: str,
    ) -> None:
        contract = instrument.contract
        home, foreign = self._notionals(contract, BUY, quantity, value)
        row: Row = {
            "timestamp": iso(self._exchange.time),
            "symbol": contract.symbol,
            "side": SIDE_NAMES[side],
            "size": quantity,
            "price": contract.price(ticks),
            "tickDirection": instrument.direction,
            "trdMatchID": match_id,
            "grossValue": value,
            "homeNotional": home,
            "foreignNotional": abs(foreign),
            "trdType": "Regular",
        }
        self._exchange.feed.trade(instrument, present(row))

    def _notionals(
        self, contract: Contract, side: int, quantity: int, cost: int
    ) -> tuple[float, float]:
        rate = self._exchange.prices.satoshi_per_dollar(self._exchange.time)
        return contract.notionals(side, quantity, abs(cost), rate)


def _source(exec_id: str, time: int, order: Order | None) -> Source | None:
    if order is None:
        return None
    return Source(exec_id, iso(time), order.order_id, order.client_id or "")


def _long(account: Account, contract: Contract) -> int:
    position = account.positions.get(contract.symbol)
    return max(0, position.quantity) if position is not None else 0

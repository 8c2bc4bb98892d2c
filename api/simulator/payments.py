"""What time does to positions: funding, the settlement of contracts, the end of a session."""

from __future__ import annotations

from api.simulator.accounts import Account
from api.simulator.contracts import BUY, MILLION, SIDE_NAMES
from api.simulator.exchange import Exchange
from api.simulator.instruments import Instrument
from api.simulator.journal import Source
from api.simulator.ports import Action, Row
from api.simulator.prices import FUNDING_INTERVAL, funding_time
from api.simulator.times import iso, timespan


class Payments:
    """Books what accounts pay and receive without a trade."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

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

    def _pay_funding(
        self, instrument: Instrument, account: Account, quantity: int, rate: int
    ) -> None:
        contract, exchange = instrument.contract, self._exchange
        side = BUY if quantity > 0 else -BUY
        cost = instrument.signed_value(quantity)
        fee = contract.fee(rate * side, cost)
        account.credit(contract.money, -fee)
        exchange.house.credit(contract.money, fee)
        account.position(contract).rebalanced -= fee
        price = (instrument.mark, contract.mark_scale)
        if account.house:
            exchange.journal.fund(account.number, contract, price, rate)
            return
        row = self._row(instrument, account, "Funding", abs(quantity))
        exchange.journal.fund(account.number, contract, price, rate, self._source(row))
        row |= {
            "timeInForce": "AtTheClose",
            "avgPx": row["lastPx"],
            "commission": rate * side / MILLION,
            "execCost": cost,
            "execComm": fee,
        }
        row |= self._notionals(instrument, side, abs(quantity), cost)
        self._record(account, instrument, row, "Funding", -fee, fee)

    def _settle_position(self, instrument: Instrument, account: Account) -> None:
        contract, exchange = instrument.contract, self._exchange
        position = account.position(contract)
        size, side = abs(position.quantity), -BUY if position.quantity > 0 else BUY
        cost = side * contract.buy_sign * instrument.value_at_mark(size)
        profit = position.fill(side * size, cost)
        position.rebalanced += profit
        account.credit(contract.money, profit)
        # What rounding off the tick lattice leaves over is the exchange's.
        exchange.house.credit(contract.money, cost)
        price = (instrument.mark, contract.mark_scale)
        if account.house:
            exchange.journal.settle(account.number, contract, price)
            return
        row = self._row(instrument, account, "Settlement", size)
        exchange.journal.settle(account.number, contract, price, self._source(row))
        row |= {
            "side": SIDE_NAMES[side],
            "price": row["lastPx"],
            "leavesQty": 0,
            "timeInForce": "AtTheClose",
            "execCost": cost,
            "execComm": 0,
        }
        row |= self._notionals(instrument, side, size, cost)
        self._record(account, instrument, row, "RealisedPNL", profit, 0)

    def _row(self, instrument: Instrument, account: Account, kind: str, size: int) -> Row:
        """Return what the rows of all payments have, at the mark price."""
        contract, ids = instrument.contract, self._exchange.ids
        now = iso(self._exchange.time)
        return {
            "execID": ids.ledger(),
            "account": account.number,
            "symbol": contract.symbol,
            "strategy": "OneWay",
            "lastQty": size,
            "lastPx": instrument.mark / contract.mark_scale,
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

    def _source(self, row: Row) -> Source:
        return Source(str(row["execID"]), iso(self._exchange.time))

    def _notionals(self, instrument: Instrument, side: int, size: int, cost: int) -> Row:
        home, foreign = self._exchange.notionals(instrument.contract, side, size, cost)
        return {"homeNotional": home, "foreignNotional": foreign}

    def _record(
        self, account: Account, instrument: Instrument, row: Row, kind: str, gain: int, fee: int
    ) -> None:
        """Tell of a payment: what it did to the wallet, the execution, the position.

        `gain` is what the wallet received, in units of the contract's money.
        """
        feed, money, symbol = self._exchange.feed, instrument.contract.money, instrument.symbol
        if gain:
            row["realisedPnl"] = gain
            balance = account.wallet[money]
            feed.transaction(account, money, kind, gain, balance, fee=fee, address=symbol)
        feed.execution(account, row)
        feed.position(account, symbol)

"""What only the owner of an exchange can do: move, fill, fund, settle, credit, and see the truth.

For tests and teaching. Every intervention goes through the same engine and clearing as the rest,
so that its rows, messages and books are those of an event of the market.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from decimal import Decimal

from api.simulator.accounts import Account
from api.simulator.exchange import MARGIN_CURRENCIES, Exchange
from api.simulator.instruments import Instrument
from api.simulator.market import TAKERS
from api.simulator.orders import Order
from api.simulator.parts import Parts
from api.simulator.ports import ApiKey, Row
from api.simulator.prices import funding_period
from api.simulator.refusals import Refused
from api.simulator.respecification import respecified

PERMISSIONS = frozenset({"order", "orderCancel", "withdraw"})


class Interventions:
    """Acts on an exchange; raises Refused, which changes nothing, for what cannot be done."""

    def __init__(self, exchange: Exchange, parts: Parts) -> None:
        self._exchange = exchange
        self._parts = parts

    # ---- the market -------------------------------------------------------------------------

    def move_market(self, asset: str, factor: float) -> None:
        """Multiply the price of an asset (XBT, ETH, SOL) from now on; its contracts follow."""
        exchange = self._exchange
        if asset not in exchange.prices.shift:
            raise Refused(f"There is no asset {asset}: {', '.join(exchange.prices.shift)}")
        if not 0.001 <= factor <= 1000:
            raise Refused("The factor of a move lies between 0.001 and 1000")
        exchange.prices.move(asset, factor, exchange.time)
        for instrument in exchange.instruments.values():
            if instrument.is_open and instrument.contract.underlying == asset:
                self._parts.population.requote(instrument)
                instrument.revalue(exchange.time)
                self._parts.engine.trigger(instrument)
        exchange.feed.flush()
        self._parts.liquidation.check()

    def force_funding(self, symbol: str, rate_ppm: int | None = None) -> None:
        """Pay funding now, once more than the schedule; without a rate, that of the interval."""
        instrument = self._open(symbol)
        if not instrument.contract.is_perpetual:
            raise Refused(f"{symbol} pays no funding")
        time = self._exchange.time
        instrument.revalue(time)
        self._parts.payments.fund(instrument, funding_period(time)[0], at=time, rate_ppm=rate_ppm)
        self._exchange.feed.flush()

    def expire(self, symbol: str) -> None:
        """Settle a contract at its index price now."""
        self._parts.schedule.settle(self._open(symbol))

    def delist(self, symbol: str) -> None:
        """Settle a contract and take it from the list, as if it had never been traded here."""
        instrument = self._open(symbol)
        self._parts.schedule.settle(instrument)
        instrument.state = "Unlisted"

    def respecify(
        self, symbol: str, lot: int | None = None, tick_size: Decimal | None = None
    ) -> None:
        """Change lot and tick of a contract while it is held; its open orders are canceled."""
        exchange, instrument = self._exchange, self._open(symbol)
        symbol = instrument.symbol
        contract = respecified(instrument.contract, lot, tick_size)
        for account in exchange.customers():
            self._parts.engine.cancel_symbol(account, symbol, "Canceled: Instrument changed")
        self._parts.population.leave(instrument)
        instrument.respecify(contract)
        for account in exchange.accounts.values():
            account.respecify(contract)
        self._parts.population.requote(instrument)
        exchange.feed.flush()

    # ---- accounts ---------------------------------------------------------------------------

    def open_account(
        self, number: int | None, username: str | None, money: Mapping[str, int]
    ) -> int:
        """Open an account and return its number."""
        exchange = self._exchange
        taken = exchange.accounts
        number = max(taken) + 1 if number is None else number
        if number in taken or not 0 < number < 2**53:
            raise Refused(f"Account {number} cannot be opened: the number is taken or no number")
        self._check_money(money)
        account = Account(number, username or f"account{number}", created=exchange.time)
        exchange.open_account(account, dict(money))
        exchange.feed.introduce(account)
        return number

    def add_key(self, number: int, permissions: Iterable[str]) -> ApiKey:
        """Give an account a key; without permissions it may only read."""
        wanted = frozenset(permissions)
        if not wanted <= PERMISSIONS:
            raise Refused(f"Permissions are {', '.join(sorted(PERMISSIONS))}")
        account = self._customer(number)
        key = ApiKey(secrets.token_urlsafe(18), secrets.token_urlsafe(36), number, wanted)
        account.keys.append(key)
        return key

    def revoke_key(self, name: str) -> None:
        """Take a key away."""
        for account in self._exchange.customers():
            for key in account.keys:
                if key.key == name:
                    account.keys.remove(key)
                    return
        raise Refused("There is no such key", status=404)

    def credit(self, number: int, currency: str, amount: int) -> int:
        """Deposit money, or withdraw it where `amount` is negative; return the balance."""
        self._check_money({currency: abs(amount)})
        account = self._customer(number)
        self._exchange.deposit(account, currency, amount)
        return account.wallet[currency]

    def liquidate(self, number: int) -> None:
        """Take over all positions of an account at the market, whatever its margin."""
        self._parts.liquidation.take_over(self._customer(number))

    def resting_order(self, number: int, client_id: str) -> str:
        """Return the orderID of an account's resting order with a clOrdID."""
        for order in self._customer(number).open_orders():
            if order.client_id == client_id and order.resting is not None:
                return order.order_id
        raise Refused("There is no resting order with this clOrdID", status=404)

    def fill_order(self, order_id: str, quantity: int | None = None, parts: int = 1) -> int:
        """Let somebody trade with a resting order at its price; return what was filled.

        All of it unless `quantity` says less; in `parts` executions of one and the same time.
        """
        order = self._exchange.resting.get(order_id)
        if order is None or order.resting is None:
            raise Refused("There is no resting order with this orderID", status=404)
        instrument = self._exchange.instruments[order.symbol]
        lot, whole = instrument.contract.lot, order.leaves
        wanted = whole if quantity is None else quantity
        if not (0 < wanted <= whole and wanted % lot == 0 and 1 <= parts <= wanted // lot):
            raise Refused(f"{wanted} in {parts} parts: {whole} are open in lots of {lot}")
        share = wanted // lot // parts * lot
        taker = self._exchange.accounts[TAKERS]
        for size in [*[share] * (parts - 1), wanted - share * (parts - 1)]:
            self._parts.engine.fill(order, size, taker)
        self._exchange.feed.flush()
        return wanted

    # ---- the truth --------------------------------------------------------------------------

    def truth(self) -> Row:
        """Return the exact integer books of every account, keys and secrets left out.

        Money is in the smallest unit, costs are signed as execCost. Everything but the orders comes
        from the journal, which is written from matches and payments, not from the account rows;
        `wallet` and `positions` are those rows, which have just been compared with it. `contracts`
        and `money` are the sums over all accounts: 0, and what was deposited.
        """
        exchange = self._exchange
        exchange.check()
        contracts: dict[str, int] = {}
        money: dict[str, int] = {}
        for number in exchange.accounts:
            for symbol, sums in exchange.journal.by_symbol(number):
                if not exchange.instruments[symbol].contract.is_spot:
                    contracts[symbol] = contracts.get(symbol, 0) + sums.contracts
            for currency, amount in exchange.journal.by_currency(number):
                money[currency] = money.get(currency, 0) + amount
        return {
            "time": exchange.time,
            "contracts": contracts,
            "money": money,
            "deposited": dict(exchange.supply),
            "accounts": [self._books(account) for account in exchange.accounts.values()],
        }

    def _books(self, account: Account) -> Row:
        return {
            "account": account.number,
            "username": account.username,
            "house": account.house,
            "wallet": dict(account.wallet),
            "deposited": dict(account.deposited),
            "cancelAt": account.cancel_at,  # of cancelAllAfter; null: not armed
            "positions": {
                symbol: {"quantity": p.quantity, "cost": p.cost, "currency": p.contract.money}
                for symbol, p in account.positions.items()
            },
            "ledger": self._exchange.journal.of(account.number),
            "orders": [_order(order) for order in account.orders.values()],
            "executions": self._exchange.journal.executions(account.number),
        }

    # ---- inside -----------------------------------------------------------------------------

    def _open(self, symbol: str) -> Instrument:
        return self._exchange.instrument(symbol.upper())

    def _customer(self, number: int) -> Account:
        account = self._exchange.accounts.get(number)
        if account is None or account.house:
            raise Refused(f"There is no account {number}", status=404)
        return account

    @staticmethod
    def _check_money(money: Mapping[str, int]) -> None:
        for currency, amount in money.items():
            if currency not in MARGIN_CURRENCIES:
                raise Refused(f"There is no {currency}: {', '.join(MARGIN_CURRENCIES)}")
            if not 0 <= amount <= 10**18:
                raise Refused(f"{amount} {currency} is no amount")


def _order(order: Order) -> Row:
    return {
        "orderID": order.order_id,
        "clOrdID": order.client_id or "",
        "symbol": order.symbol,
        "side": order.side,
        "quantity": order.quantity,
        "filled": order.filled,
        "leaves": order.leaves,
        "status": order.status,
        "open": order.is_open,
    }

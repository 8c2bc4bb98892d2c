"""The state of the exchange: clock, instruments, accounts, identities. It decides nothing."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from api.simulator.accounts import EXCHANGE_ACCOUNT, Account, check_books
from api.simulator.contracts import Contract
from api.simulator.feed import Feed
from api.simulator.ids import Ids
from api.simulator.instruments import Instrument
from api.simulator.journal import Journal
from api.simulator.orders import Order
from api.simulator.ports import Row
from api.simulator.prices import Prices
from api.simulator.refusals import Refused

MARGIN_CURRENCIES = ("XBt", "USDt")


class Exchange:
    """Everything the parts of the exchange share. Times are ms since the epoch."""

    def __init__(self, seed: int, time: int) -> None:
        self.seed = seed
        self.time = time
        self.dawn = time // 86_400_000 * 86_400_000 - 30 * 86_400_000  # candles begin here
        self.prices = Prices(seed)
        self.random = Random(seed)
        self.ids = Ids(seed, time)
        self.instruments: dict[str, Instrument] = {}
        self.accounts: dict[int, Account] = {}
        self.resting: dict[str, Order] = {}  # open orders of customers by orderID
        self.supply: dict[str, int] = {}  # everything ever deposited
        self.settlements: list[Row] = []
        self.fundings: list[Row] = []
        self.journal = Journal()
        self.feed = Feed(self)

    @property
    def house(self) -> Account:
        """Return the exchange's own account."""
        return self.accounts[EXCHANGE_ACCOUNT]

    def list_contract(self, contract: Contract) -> Instrument:
        """Begin to trade a contract."""
        instrument = Instrument(contract, self.prices, self.time)
        self.instruments[contract.symbol] = instrument
        return instrument

    def open_account(self, account: Account, deposit: dict[str, int]) -> None:
        """Add an account with money from outside."""
        self.accounts[account.number] = account
        for currency in MARGIN_CURRENCIES:
            self.deposit(account, currency, deposit.get(currency, 0))

    def deposit(self, account: Account, currency: str, amount: int) -> None:
        """Credit money from outside the exchange."""
        balance = account.credit(currency, amount)
        self.journal.deposit(account.number, currency, amount)
        account.deposited[currency] = account.deposited.get(currency, 0) + amount
        self.supply[currency] = self.supply.get(currency, 0) + amount
        if amount and not account.house:
            self.feed.transaction(account, currency, "Deposit", amount, balance)

    def customer(self, number: int) -> Account | None:
        """Return a customer's account; None for the exchange's own."""
        account = self.accounts[number]
        return None if account.house else account

    def customers(self) -> Iterable[Account]:
        """Return all accounts that are not the exchange's own."""
        return [account for account in self.accounts.values() if not account.house]

    def instrument(self, symbol: str) -> Instrument:
        """Return an instrument that takes orders, or refuse."""
        instrument = self.instruments.get(symbol)
        if instrument is None:
            raise Refused("Invalid symbol")
        if not instrument.is_open:
            raise Refused("Instrument expired")
        return instrument

    def notionals(
        self, contract: Contract, side: int, quantity: int, cost: int
    ) -> tuple[float, float]:
        """Return contracts and their cost in home and in foreign currency, at the prices of now."""
        rate = self.prices.satoshi_per_dollar(self.time)
        return contract.notionals(side, quantity, abs(cost), rate)

    def check(self) -> None:
        """Raise BooksDoNotBalance if contracts or money were made or lost."""
        check_books(self.accounts.values(), self.supply)
        self.journal.check(self.accounts.values())

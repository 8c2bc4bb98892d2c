"""The exchange's second ledger: double entries made from matches and payments.

It is kept beside the account rows and shares no arithmetic with them: no average costs, no
releases, no rows. Every entry moves contracts or money from one account to another, so that all
accounts always sum to 0, the outside world included. After every event both ledgers must agree:
what an account has here is its wallet less the cost of its positions.

Money is in the smallest unit of its currency; costs are signed as execCost.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from api.simulator.accounts import EXCHANGE_ACCOUNT, Account, BooksDoNotBalance
from api.simulator.contracts import MILLION, Contract, Kind
from api.simulator.ports import Json, Row

OUTSIDE, CLEARING = 0, -1  # where deposits come from; what both legs of a match pass through
_ENTRY = ("execID", "kind", "symbol", "orderID", "clOrdID", "contracts", "cost", "fee", "currency")


@dataclass(slots=True)
class Sums:
    """What one account did in one instrument, since it was opened."""

    contracts: int = 0  # bought less sold
    cost: int = 0  # of all trades and settlements
    fee: int = 0  # paid > 0
    funding: int = 0  # paid > 0

    def row(self) -> Row:
        """Return the sums by name."""
        return {
            "contracts": self.contracts,
            "cost": self.cost,
            "fee": self.fee,
            "funding": self.funding,
        }


@dataclass(frozen=True, slots=True)
class Source:
    """Which execution an entry belongs to."""

    exec_id: str
    time: str
    order_id: str = ""
    client_id: str = ""


class Journal:
    """Balances of all accounts by currency, and their sums by instrument."""

    def __init__(self) -> None:
        self.money: dict[tuple[int, str], int] = {}
        self.sums: dict[tuple[int, str], Sums] = {}
        self.entries: dict[int, list[Json]] = {}  # executions of customers, oldest first

    def deposit(self, account: int, currency: str, amount: int) -> None:
        """Take money from outside, or give it back."""
        self._pay(OUTSIDE, account, currency, amount)

    def transfer(self, payer: int, payee: int, currency: str, amount: int) -> None:
        """Move money between two accounts."""
        self._pay(payer, payee, currency, amount)

    def fill(
        self,
        account: int,
        contract: Contract,
        side: int,
        price: tuple[int, int],
        quantity: int,
        rate_ppm: int,
        source: Source | None = None,
    ) -> None:
        """Book one leg of a match; the price is (number, scale). The other leg is another call."""
        worth = value(contract, price, quantity)
        cost, fee = _bought(contract) * side * worth, abs(rate_ppm) * worth // MILLION
        fee = -fee if rate_ppm < 0 else fee
        self._hand_over(account, contract, side * quantity)
        self._pay(account, CLEARING, contract.money, cost)
        self._pay(account, EXCHANGE_ACCOUNT, contract.money, fee)
        sums = self._sums(account, contract.symbol)
        sums.cost += cost
        sums.fee += fee
        self._note(account, contract, "Trade", side * quantity, cost, fee, source)

    def fund(
        self,
        account: int,
        contract: Contract,
        price: tuple[int, int],
        rate_ppm: int,
        source: Source | None = None,
    ) -> None:
        """Book a funding payment on what the account holds here: rate > 0, longs pay."""
        sums = self._sums(account, contract.symbol)
        worth = value(contract, price, abs(sums.contracts))
        paid = abs(rate_ppm) * worth // MILLION
        pays = (sums.contracts > 0) == (rate_ppm > 0)
        paid = paid if pays else -paid
        self._pay(account, EXCHANGE_ACCOUNT, contract.money, paid)
        sums.funding += paid
        cost = worth * _bought(contract) * (1 if sums.contracts > 0 else -1)
        self._note(account, contract, "Funding", 0, cost, paid, source)

    def settle(
        self,
        account: int,
        contract: Contract,
        price: tuple[int, int],
        source: Source | None = None,
    ) -> None:
        """Close what the account holds here; the exchange keeps what rounding leaves over."""
        sums = self._sums(account, contract.symbol)
        held = sums.contracts
        cost = value(contract, price, abs(held)) * _bought(contract) * (-1 if held > 0 else 1)
        self._hand_over(account, contract, -held)
        self._pay(account, EXCHANGE_ACCOUNT, contract.money, cost)
        sums.cost += cost
        self._note(account, contract, "Settlement", -held, cost, 0, source)

    def check(self, accounts: Iterable[Account]) -> None:
        """Raise BooksDoNotBalance unless the account rows say the same."""
        for (number, commodity), amount in self.money.items():
            if number == CLEARING and amount:
                raise BooksDoNotBalance(f"a match lacks a leg: {amount} {commodity}")
        for account in accounts:
            owned = {currency: amount for currency, amount in account.wallet.items() if amount}
            for symbol, position in account.positions.items():
                if position.contract.is_spot:
                    continue
                booked = self._sums(account.number, symbol).contracts
                if booked != position.quantity:
                    raise BooksDoNotBalance(
                        f"account {account.number} holds {position.quantity} {symbol}, "
                        f"the journal says {booked}"
                    )
                currency = position.contract.money
                owned[currency] = owned.get(currency, 0) - position.cost
            for currency, amount in owned.items():
                booked = self.money.get((account.number, currency), 0)
                if booked != amount:
                    raise BooksDoNotBalance(
                        f"account {account.number} has {amount} {currency}, "
                        f"the journal says {booked}"
                    )

    def of(self, account: int) -> Row:
        """Return the balances and sums of one account."""
        return {
            "money": dict(self.by_currency(account)),
            "instruments": {symbol: sums.row() for symbol, sums in self.by_symbol(account)},
        }

    def by_currency(self, account: int) -> list[tuple[str, int]]:
        """Return what an account has of every currency, its positions at cost counted in."""
        return [(c, amount) for (number, c), amount in self.money.items() if number == account]

    def by_symbol(self, account: int) -> list[tuple[str, Sums]]:
        """Return the sums of an account in every instrument."""
        return [(symbol, s) for (number, symbol), s in self.sums.items() if number == account]

    def executions(self, account: int) -> list[Row]:
        """Return the executions of a customer, oldest first."""
        names = (*_ENTRY, "time")
        return [
            dict(zip(names, entry, strict=True))
            for entry in self.entries.get(account, [])
            if isinstance(entry, list)
        ]

    def save(self) -> dict[str, Json]:
        """Return everything but the entries as JSON."""
        return {
            "money": [[*key, amount] for key, amount in self.money.items()],
            "sums": [[*key, s.contracts, s.cost, s.fee, s.funding] for key, s in self.sums.items()],
        }

    def restore(self, money: Iterable[list[Json]], sums: Iterable[list[Json]]) -> None:
        """Take over what `save` returned. Raises TypeError or ValueError."""
        for number, currency, amount in money:
            self.money[_whole(number), str(currency)] = _whole(amount)
        for number, symbol, *figures in sums:
            self.sums[_whole(number), str(symbol)] = Sums(*map(_whole, figures))

    def adopt(self, accounts: Iterable[Account]) -> None:
        """Begin with accounts that were kept without a journal."""
        for account in accounts:
            for currency, amount in account.wallet.items():
                self._pay(OUTSIDE, account.number, currency, amount)
            for position in account.positions.values():
                if not position.contract.is_spot:
                    sums = self._sums(account.number, position.contract.symbol)
                    sums.cost = position.cost
                    self._hand_over(account.number, position.contract, position.quantity)
                    self._pay(account.number, CLEARING, position.contract.money, position.cost)
        for (number, currency), amount in list(self.money.items()):
            if number == CLEARING:  # what settlements left over
                self._pay(CLEARING, OUTSIDE, currency, amount)

    def _sums(self, account: int, symbol: str) -> Sums:
        return self.sums.setdefault((account, symbol), Sums())

    def _hand_over(self, account: int, contract: Contract, contracts: int) -> None:
        if contract.base_money is not None:
            self._pay(CLEARING, account, contract.base_money, contracts)
        self._sums(account, contract.symbol).contracts += contracts
        self._sums(CLEARING, contract.symbol).contracts -= contracts

    def _pay(self, payer: int, payee: int, currency: str, amount: int) -> None:
        self.money[payer, currency] = self.money.get((payer, currency), 0) - amount
        self.money[payee, currency] = self.money.get((payee, currency), 0) + amount

    def _note(
        self,
        account: int,
        contract: Contract,
        kind: str,
        contracts: int,
        cost: int,
        fee: int,
        source: Source | None,
    ) -> None:
        if source is not None:
            self.entries.setdefault(account, []).append(
                [
                    *(source.exec_id, kind, contract.symbol, source.order_id, source.client_id),
                    *(contracts, cost, fee, contract.money, source.time),
                ]
            )


def value(contract: Contract, price: tuple[int, int], quantity: int) -> int:
    """Return what contracts are worth at a price: once per lot for inverse ones, half up."""
    number, scale = price
    if contract.kind is Kind.INVERSE:
        return _half_up(abs(contract.multiplier) * contract.lot * scale, number) * (
            quantity // contract.lot
        )
    if contract.kind is Kind.SPOT:
        assert contract.quote_multiplier is not None and contract.position_multiplier is not None
        paid = quantity * number * contract.quote_multiplier
        return _half_up(paid, scale * contract.position_multiplier)
    return _half_up(quantity * number * contract.multiplier, scale)


def _bought(contract: Contract) -> int:
    """Return the sign of the cost of a purchase."""
    return -1 if contract.kind is Kind.INVERSE else 1


def _half_up(numerator: int, denominator: int) -> int:
    whole, rest = divmod(numerator, denominator)
    return whole + (2 * rest >= denominator)


def _whole(number: Json) -> int:
    if type(number) is not int:
        raise TypeError(f"{number!r} is not a whole number")
    return number

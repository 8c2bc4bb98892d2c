"""The tables of the books against what the exchange's own ledger says it sent: `/control/truth`.

Nothing of the program's comparison is used here. A fault begins with its kind: lost, doubled,
partial (some of the shares stand), wrong, invented, or sum.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from common.ledger.connecting import open_database
from common.ledger.database import DatabaseSettings, Value, to_int, to_text

_COINS = "SELECT EXECID, EMI, SYMBOL, CURRENCY, SIDE, QTY, SUMREAL_I, COMMISS_I FROM coins"
_JOURNAL = "SELECT EXECID FROM executions WHERE KIND <> 'Transfer'"
TRANSFER = "internal-"  # ids of what bots exchange at a settlement: nothing was sent of it
_SIGN = {0: 1, 1: -1}  # of the column SIDE: bought, sold; funding moves no contracts


@dataclass(frozen=True)
class Coin:
    """A row of `coins`; money in the smallest unit."""

    exec_id: str
    emi: str
    symbol: str
    currency: str
    contracts: int  # bought > 0
    real: int
    commission: int
    is_funding: bool


@dataclass(frozen=True)
class Tables:
    """What the database holds."""

    coins: Sequence[Coin]
    journal: Counter[str]  # how often each execution stands in it

    @classmethod
    def read(cls, settings: DatabaseSettings) -> Tables:
        """Read both tables as of one moment."""
        database = open_database(settings)
        try:
            database.begin()
            coins = [_coin(row) for row in database.query(f"{_COINS} ORDER BY ID")]
            journal = Counter(str(row[0]) for row in database.query(_JOURNAL))
            database.rollback()
        finally:
            database.close()
        return cls(coins, journal)


def _coin(row: Sequence[Value]) -> Coin:
    exec_id, emi, symbol, currency, side, quantity, real, commission = row
    sign = _SIGN.get(to_int(side), 0)
    return Coin(
        to_text(exec_id),
        to_text(emi),
        to_text(symbol),
        to_text(currency),
        sign * to_int(quantity),
        to_int(real),
        to_int(commission),
        is_funding=sign == 0,
    )


def wrongs(sent: Mapping[str, Any], tables: Tables, *, journal: bool = True) -> list[str]:
    """Return what differs between an account of the truth and the tables, one line each."""
    own: dict[str, list[Coin]] = defaultdict(list)
    for coin in tables.coins:
        if not coin.exec_id.startswith(TRANSFER):  # the sums below look at these too
            own[coin.exec_id].append(coin)
    executions = {row["execID"]: row for row in sent["executions"]}
    found = [f"invented {exec_id}" for exec_id in own.keys() - executions.keys()]
    for exec_id, row in executions.items():
        found += _execution(row, own.get(exec_id, []))
    own_money = {row["symbol"]: row["currency"] for row in executions.values()}
    found += _sums(sent["ledger"]["instruments"], tables.coins, own_money)
    if journal:
        found += _journal(executions, tables.journal)
    return found


def kinds(faults: Iterable[str]) -> Counter[str]:
    """Return how many faults there are of each kind."""
    return Counter(fault.partition(" ")[0] for fault in faults)


def _execution(row: Mapping[str, Any], coins: Sequence[Coin]) -> Iterator[str]:
    name = f"{row['kind']} {row['execID']} of {row['symbol']}"
    if not coins:
        yield f"lost {name}"
        return
    shares = Counter((coin.emi, coin.currency) for coin in coins)
    if max(shares.values()) > 1:
        yield f"doubled {name}: {dict(shares)}"
        return
    real = 0 if row["kind"] == "Funding" else -row["cost"]
    bought = row["contracts"] if "_" in row["symbol"] else 0  # of a spot pair
    expected = (row["contracts"], real, row["fee"], bought)
    booked = (
        sum(coin.contracts for coin in coins),
        sum(coin.real for coin in coins if coin.currency == row["currency"]),
        sum(coin.commission for coin in coins),
        sum(coin.real for coin in coins if coin.currency != row["currency"]),
    )
    if booked != expected:
        kind = "wrong" if row["kind"] == "Trade" else "partial"
        figures = "contracts, SUMREAL, COMMISS, bought"
        yield f"{kind} {name}: {figures} are {booked}, sent were {expected}"


def _sums(
    instruments: Mapping[str, Mapping[str, int]], coins: Iterable[Coin], money: Mapping[str, str]
) -> Iterator[str]:
    """The sums over all EMIs are those that the exchange keeps by symbol, in its own `money`."""
    sums: dict[str, Counter[str]] = {symbol: Counter() for symbol in instruments}
    for coin in coins:
        mine = sums.setdefault(coin.symbol, Counter())
        mine["contracts"] += coin.contracts
        if coin.currency == money.get(coin.symbol):
            mine["cost"] -= coin.real
        mine["funding" if coin.is_funding else "fee"] += coin.commission
    for symbol, booked in sums.items():
        told = instruments.get(symbol, {})
        for name in ("contracts", "cost", "fee", "funding"):
            if booked[name] != told.get(name, 0):
                yield f"sum of {name} in {symbol} is {booked[name]}, sent were {told.get(name, 0)}"


def _journal(executions: Mapping[str, object], journal: Counter[str]) -> Iterator[str]:
    yield from (f"lost {exec_id} in the journal" for exec_id in executions.keys() - journal.keys())
    yield from (
        f"invented {exec_id} in the journal" for exec_id in journal.keys() - executions.keys()
    )
    yield from (f"doubled {exec_id} in the journal" for exec_id, n in journal.items() if n > 1)

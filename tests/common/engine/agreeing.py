"""An exchange and tables that agree with whatever the engine has in memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from common.domain.account import PositionFigures, WalletChange, WalletKind, WalletPage
from common.domain.books import Entry
from common.domain.executions import Executed
from common.domain.instruments import Symbol
from common.domain.verification import BooksRead, CoinRow, JournalRow
from common.engine.requests import FetchMargins, FetchPositions, FetchWallet
from common.engine.state import MarketState
from tests.common.engine.support import START


def answers(state: MarketState) -> dict[type, object]:
    """Return the answers to what only a verification asks."""
    held: dict[Symbol, int] = defaultdict(int)
    received: dict[str, int] = defaultdict(int)
    for balance in state.balances.values():
        held[balance.symbol] += balance.position
        received[balance.currency] += balance.sum_real - balance.commission - balance.funding
    changes = tuple(
        WalletChange(f"{currency} {amount}", currency, WalletKind.RESULT, amount, amount, START)
        for currency, amount in received.items()
    )
    return {
        FetchPositions: tuple(PositionFigures(s, "", quantity, 0) for s, quantity in held.items()),
        FetchMargins: (),
        FetchWallet: WalletPage(changes, len(changes), full=False),
    }


def tables(
    state: MarketState, executions: Iterable[Executed], entries: Iterable[Entry]
) -> BooksRead:
    """Return tables that hold these executions and sum to what is in memory."""
    journal = [
        JournalRow(e.exec_id, e.kind, e.symbol, e.currency, e.cost, e.fee_currency, e.fee, 1, e.at)
        for e in executions
    ]
    return BooksRead(
        journal=journal,
        rows=[
            CoinRow(
                entry,
                Decimal(entry.sum_real).scaleb(-entry.scale),
                Decimal(entry.commission).scaleb(-entry.scale),
            )
            for entry in entries
        ],
        balances=[replace(balance) for balance in state.balances.values()],
        first=min((row.at for row in journal), default=None),
        executions=len(journal),
    )

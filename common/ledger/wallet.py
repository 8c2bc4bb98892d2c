"""The history of the wallets, read page by page and added up. Pure: no network.

Pages come newest first. After the first walk only rows that are newer than those known are asked
for; `forget` begins anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from itertools import groupby

from common.domain.account import WalletChange, WalletKind, WalletPage
from common.domain.verification import WalletSums
from common.engine.requests import FetchWallet
from common.ledger.wallet_rows import known_as

_REMEMBERED = 1000  # newest rows by which a later walk knows where to end


class WalletWalk:
    """Use: `begin`, then fetch `next_request()` and `take` its page until it is None."""

    def __init__(self) -> None:
        self.sums: Mapping[str, WalletSums] = {}
        self.unknown: tuple[WalletChange, ...] = ()  # rows of the last walk of unknown types
        self._known: frozenset[str] = frozenset()  # ids of the newest rows that are in `sums`
        self._fresh: dict[str, WalletChange] = {}  # by id, newest first
        self._offset = 0
        self._done = True

    def forget(self) -> None:
        """Read everything again the next time."""
        self.sums = {}
        self._known = frozenset()

    def begin(self) -> None:
        """Start a walk."""
        self._fresh = {}
        self._offset = 0
        self._done = False

    def next_request(self) -> FetchWallet | None:
        """Return what to ask for next, None when everything is added up."""
        return None if self._done else FetchWallet(self._offset)

    def take(self, page: WalletPage) -> None:
        """Take a page. Rows that a newer one has pushed onto the next page count once."""
        self._offset += page.rows
        met = False
        for change in page.changes:
            if change.change_id in self._known:
                met = True
            else:
                self._fresh.setdefault(change.change_id, change)
        if met or not page.full:
            self._finish()

    def _finish(self) -> None:
        newest_first = list(self._fresh.values())
        self.sums = add_up(reversed(newest_first), self.sums)
        self.unknown = tuple(c for c in newest_first if c.kind is WalletKind.UNKNOWN)
        if newest_first:
            ids = [change.change_id for change in newest_first[:_REMEMBERED]]
            self._known = frozenset(ids) if len(ids) == _REMEMBERED else self._known | set(ids)
        self._fresh = {}
        self._done = True


def add_up(
    changes: Iterable[WalletChange], before: Mapping[str, WalletSums] | None = None
) -> dict[str, WalletSums]:
    """Add rows, oldest first, to the sums of those before them.

    Rows of one moment are taken together: inside such a group the exchange's balances have no
    meaningful order, but one of them must be the balance after all of them.
    """
    sums = dict(before or {})
    ordered = sorted(changes, key=lambda change: (change.currency, change.at))
    for (currency, at), group in groupby(ordered, key=lambda change: (change.currency, change.at)):
        sums[currency] = _add_group(sums.get(currency, WalletSums()), at, list(group))
    return sums


def _add_group(sums: WalletSums, at: datetime, group: list[WalletChange]) -> WalletSums:
    def amount(kind: WalletKind) -> int:
        return sum(change.amount for change in group if change.kind is kind)

    grown = replace(
        sums,
        result=sums.result + amount(WalletKind.RESULT),
        funding=sums.funding + amount(WalletKind.FUNDING),
        spot=sums.spot + amount(WalletKind.SPOT),
        external=sums.external + amount(WalletKind.EXTERNAL),
        unknown=_add_unknown(sums.unknown, group),
    )
    told = [change.balance for change in group if change.balance is not None]
    if not told:
        return grown
    moved = sum(change.amount for change in group)
    expected = (sums.balance or 0) + moved
    if expected in told:
        return replace(grown, balance=expected)
    # What follows is judged by what was told last, so that one break is one difference.
    return replace(grown, balance=told[-1], breaks=(*sums.breaks, (at, told[-1], expected)))


def _add_unknown(
    before: Mapping[str, tuple[int, int]], group: list[WalletChange]
) -> Mapping[str, tuple[int, int]]:
    grown = dict(before)
    for change in group:
        if change.kind is WalletKind.UNKNOWN:
            name = known_as(change.type_name)
            count, amount = grown.get(name, (0, 0))
            grown[name] = (count + 1, amount + change.amount)
    return grown

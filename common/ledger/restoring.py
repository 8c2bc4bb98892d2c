"""Completing an execution some of whose rows were deleted by hand. Pure.

Rows that stand keep their owner. What they lack to the exchange's figures is booked to today's
owners where their shares come out right, else to the RESERVED EMI, so that the sums are exact.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from common.domain.books import SIDE_BUY, SIDE_FUNDING, SIDE_SELL, Entry
from common.domain.executions import Executed, ExecutionKind
from common.domain.robots import reserved_emi


@dataclass(frozen=True, slots=True)
class Restored:
    """What completes an execution."""

    rows: tuple[Entry, ...]  # to be written
    news: tuple[Entry, ...]  # what the sums change by
    replaced: Entry | None = None  # the standing row that one of `rows` takes the place of


def restore(execution: Executed, fresh: Sequence[Entry], standing: Sequence[Entry]) -> Restored:
    """Return what `standing` lacks.

    `fresh` are the entries that the execution would be booked with today.
    """
    if execution.kind is ExecutionKind.TRADE:  # one owner: that of the rows that stand
        fresh = [replace(entry, emi=standing[0].emi) for entry in fresh]
    held = {(entry.emi, entry.currency) for entry in standing}
    missing = tuple(entry for entry in fresh if (entry.emi, entry.currency) not in held)
    if _totals([*standing, *missing]) == _totals(fresh):
        return Restored(missing, missing)
    return _to_reserved(execution, fresh, standing)


def _totals(entries: Iterable[Entry]) -> dict[str, tuple[int, int, int]]:
    """Return currency -> SUMREAL, COMMISS and contracts of entries."""
    sums: dict[str, tuple[int, int, int]] = defaultdict(lambda: (0, 0, 0))
    for entry in entries:
        real, paid, moved = sums[entry.currency]
        sums[entry.currency] = (
            real + entry.sum_real,
            paid + entry.commission,
            moved + entry.position_delta,
        )
    return dict(sums)


def _to_reserved(
    execution: Executed, fresh: Sequence[Entry], standing: Sequence[Entry]
) -> Restored:
    """Give all that is missing of a payment or settlement to the RESERVED EMI."""
    currency = fresh[0].currency
    whole = _totals(fresh).get(currency, (0, 0, 0))
    there = _totals(standing).get(currency, (0, 0, 0))
    real, paid, moved = (a - b for a, b in zip(whole, there, strict=True))
    emi = reserved_emi(execution.symbol)
    delta = replace(
        fresh[0], emi=emi, sum_real=real, commission=paid, position_delta=moved, quantity=abs(moved)
    )
    if delta.side == SIDE_FUNDING:
        delta = replace(delta, quantity=_unfunded(execution, standing))
    elif moved:
        delta = replace(delta, side=SIDE_BUY if moved > 0 else SIDE_SELL)
    held = next((e for e in standing if (e.emi, e.currency) == (emi, currency)), None)
    if held is None:
        return Restored((delta,), (delta,))
    return _joined(held, delta)


def _joined(held: Entry, delta: Entry) -> Restored:
    """An execution has one row of a bot: what is missing goes into the one that stands."""
    moved = held.position_delta + delta.position_delta
    row = replace(
        held,
        sum_real=held.sum_real + delta.sum_real,
        commission=held.commission + delta.commission,
        position_delta=moved,
    )
    if held.side == SIDE_FUNDING:
        row = replace(row, quantity=delta.quantity)
    else:
        row = replace(row, quantity=abs(moved), side=_side(moved, held.side))
    return Restored((row,), (replace(delta, quantity=row.quantity - held.quantity),), held)


def _side(moved: int, otherwise: int) -> int:
    if not moved:
        return otherwise
    return SIDE_BUY if moved > 0 else SIDE_SELL


def _unfunded(execution: Executed, standing: Sequence[Entry]) -> int:
    """Return the size of the position that the rows of other bots leave to the RESERVED EMI.

    A row tells the size of its position; whether it paid or received tells its side.
    """
    reserved = reserved_emi(execution.symbol)
    left = execution.quantity
    for entry in standing:
        if entry.emi != reserved:
            opposite = entry.commission * execution.fee < 0
            left -= -entry.quantity if opposite else entry.quantity
    return abs(left)

"""Executions of the exchange, the journal and the rows of `coins`: all there, and once? Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

from common.domain.executions import Executed, ExecutionKind
from common.domain.orders import parse_cl_ord_id
from common.domain.robots import reserved_emi
from common.domain.verification import CoinRow, Difference, Frame, JournalRow, Rule
from common.ledger.verify_figures import check_figures, emis, money

# Made by this program, or what a person has said of an execution that concerns nobody.
_OF_OUR_OWN = (ExecutionKind.TRANSFER, ExecutionKind.REPORT)


def check_executions(
    executions: Iterable[Executed],
    journal: Sequence[JournalRow],
    rows: Sequence[CoinRow],
    frame: Frame,
) -> Iterator[Difference]:
    """Compare executions with the books of the same span of time.

    `executions` may repeat ids (pages overlap); reports of an order's life are passed over.
    """
    told = {e.exec_id: e for e in executions if e.kind is not ExecutionKind.REPORT}
    written = {row.exec_id: row for row in journal}
    coins: dict[str, list[CoinRow]] = defaultdict(list)
    for row in rows:
        coins[row.entry.exec_id].append(row)
    yield from _presence(told, written)
    yield from _completeness(written, coins)
    for row in rows:
        yield from _decimals(row, frame)
    yield from _transfers(journal, coins, frame)
    for exec_id in told.keys() & written.keys():
        execution, own = told[exec_id], [row.entry for row in coins[exec_id]]
        if written[exec_id].kind is ExecutionKind.REPORT:
            continue
        yield from check_figures(execution, written[exec_id], own, frame)


def _presence(
    told: Mapping[str, Executed], written: Mapping[str, JournalRow]
) -> Iterator[Difference]:
    for exec_id, execution in told.items():
        if exec_id not in written:
            yield Difference(
                Rule.EXACTLY_ONCE,
                execution.symbol,
                execution.currency,
                parse_cl_ord_id(execution.cl_ord_id).emi or reserved_emi(execution.symbol),
                f"execution {exec_id}",
                0,
                1,
                f"execution {exec_id} of {execution.symbol} ({execution.exec_type}) is not in the "
                "books",
            )
    for exec_id, row in written.items():
        if exec_id not in told and row.kind not in _OF_OUR_OWN:
            yield Difference(
                Rule.EXACTLY_ONCE,
                row.symbol,
                row.currency,
                "",
                f"execution {exec_id}",
                1,
                0,
                f"execution {exec_id} of {row.symbol} is in the books, and the exchange does not "
                "know it",
            )


def _completeness(
    written: Mapping[str, JournalRow], coins: Mapping[str, Sequence[CoinRow]]
) -> Iterator[Difference]:
    for exec_id, row in written.items():
        found = len(coins.get(exec_id, ()))
        if found != row.row_count:
            yield Difference(
                Rule.COMPLETE_ROWS,
                row.symbol,
                row.currency,
                emis(entry.entry for entry in coins.get(exec_id, ())),
                f"rows of execution {exec_id}",
                found,
                row.row_count,
                f"execution {exec_id} of {row.symbol} has {found} rows in coins, it was written "
                f"with {row.row_count}",
            )
    for exec_id, rows in coins.items():
        entry = rows[0].entry
        if exec_id not in written:
            yield Difference(
                Rule.COMPLETE_ROWS,
                entry.symbol,
                entry.currency,
                emis(row.entry for row in rows),
                f"rows of execution {exec_id}",
                len(rows),
                0,
                f"coins has rows of execution {exec_id} of {entry.symbol}, the journal has none",
            )
        distinct = {(row.entry.emi, row.entry.currency) for row in rows}
        if len(distinct) != len(rows):
            yield Difference(
                Rule.COMPLETE_ROWS,
                entry.symbol,
                entry.currency,
                emis(row.entry for row in rows),
                f"bots of execution {exec_id}",
                len(rows),
                len(distinct),
                f"coins has two rows of one bot for execution {exec_id} of {entry.symbol}",
            )


def _transfers(
    journal: Iterable[JournalRow], coins: Mapping[str, Sequence[CoinRow]], frame: Frame
) -> Iterator[Difference]:
    """What bots exchange at a settlement leaves the account as it was."""
    for row in journal:
        if row.kind is not ExecutionKind.TRANSFER:
            continue
        entries = [coin.entry for coin in coins.get(row.exec_id, ())]
        real = sum(entry.sum_real for entry in entries)
        paid = sum(entry.commission for entry in entries)
        moved = sum(entry.position_delta for entry in entries)
        for name, found, shown in (
            ("SUMREAL", real, money(real, row.currency, frame)),
            ("COMMISS", paid, money(paid, row.currency, frame)),
            ("QTY", moved, str(moved)),
        ):
            if found:
                yield Difference(
                    Rule.TRANSFER,
                    row.symbol,
                    row.currency,
                    emis(entries),
                    f"{name} of transfer {row.exec_id}",
                    found,
                    0,
                    f"{name} of the bots' rows in {row.exec_id} of {row.symbol} sums to {shown} "
                    "and not to 0",
                )


def _decimals(row: CoinRow, frame: Frame) -> Iterator[Difference]:
    """The columns that people read must be the integers that sums are made of."""
    entry = row.entry
    columns = (
        ("SUMREAL", row.sum_real, entry.sum_real),
        ("COMMISS", row.commission, entry.commission),
    )
    for name, shown, units in columns:
        if shown is None or shown == Decimal(units).scaleb(-entry.scale):
            continue
        yield Difference(
            Rule.FILL,
            entry.symbol,
            entry.currency,
            entry.emi,
            f"{name} of execution {entry.exec_id}",
            int(shown.scaleb(entry.scale)),
            units,
            f"{name} of {entry.emi} in execution {entry.exec_id} of {entry.symbol} is {shown} "
            f"{entry.currency}, {name}_I says {money(units, entry.currency, frame)}",
        )

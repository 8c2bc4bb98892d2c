"""Findings on rows that were in the books before this program wrote them: table `audit`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from common.domain.books import SIDE_BUY, SIDE_FUNDING
from common.ledger.database import Database, Value, to_int, to_text
from common.ledger.schema import AUDIT, EXEC_ID_SIZE
from common.ledger.texts import storable


@dataclass(frozen=True, slots=True)
class Finding:
    """One row of `audit`."""

    finding: str
    note: str
    market: str = ""
    account: int = 0
    exec_id: str = ""


def insert_finding(database: Database, finding: Finding, suffix: str = "") -> None:
    """Write a finding into `audit` or, with a suffix, the table of that name."""
    database.execute(
        f"INSERT INTO {AUDIT.name}{suffix} (MARKET, ACCOUNT, EXECID, FINDING, NOTE)"
        " VALUES (?, ?, ?, ?, ?)",
        (
            storable(finding.market, 20),
            finding.account,
            storable(finding.exec_id, EXEC_ID_SIZE),
            finding.finding,
            storable(finding.note),
        ),
    )


def summary(database: Database) -> list[str]:
    """Return the findings in words, one sentence for each kind."""
    rows = database.query("SELECT FINDING, COUNT(*) FROM audit GROUP BY FINDING ORDER BY FINDING")
    return [
        f"{to_int(count)} x {to_text(finding)}: found when the table coins was taken over; the "
        "rows are as they were, the table audit has the details (empty it once you have looked)"
        for finding, count in rows
    ]


def find_duplicates(database: Database, suffix: str = "") -> Iterator[Finding]:
    """Find executions with more rows than they can have: a fill more than one, a bot two."""
    rows = database.query(
        "SELECT MARKET, ACCOUNT, EXECID, SYMBOL, SIDE, COUNT(*), COUNT(DISTINCT EMI)"
        f" FROM coins{suffix} GROUP BY MARKET, ACCOUNT, EXECID, SYMBOL, SIDE HAVING COUNT(*) > 1"
    )
    for market, account, exec_id, symbol, side, count, bots in rows:
        allowed = to_int(bots) if to_int(side) == SIDE_FUNDING else 1
        if to_int(count) > allowed:
            what = "funding payment" if to_int(side) == SIDE_FUNDING else "fill"
            yield Finding(
                "duplicate rows",
                f"the {what} {to_text(exec_id)} of {to_text(symbol)} has {to_int(count)} rows "
                f"instead of {allowed}",
                to_text(market),
                to_int(account),
                to_text(exec_id),
            )


def find_partial_splits(database: Database, suffix: str = "") -> Iterator[Finding]:
    """Find funding payments without a row of a bot that held a position."""
    books = database.query(
        "SELECT DISTINCT MARKET, ACCOUNT, SYMBOL, CATEGORY"
        f" FROM coins{suffix} WHERE SIDE = {SIDE_FUNDING}"
    )
    for market, account, symbol, category in books:
        parameters = (to_text(market), to_int(account), to_text(symbol), to_text(category))
        rows = database.query(
            f"SELECT TTIME, EXECID, EMI, SIDE, QTY FROM coins{suffix} WHERE MARKET = ?"
            " AND ACCOUNT = ? AND SYMBOL = ? AND CATEGORY = ? ORDER BY TTIME, ID",
            parameters,
        )
        for exec_id, missing in _partial(rows):
            yield Finding(
                "partial funding split",
                f"the funding payment {exec_id} of {to_text(symbol)} has no row of "
                + ", ".join(f"{emi} (which held {held})" for emi, held in missing.items()),
                parameters[0],
                parameters[1],
                exec_id,
            )


def _partial(rows: list[tuple[Value, ...]]) -> Iterator[tuple[str, Mapping[str, int]]]:
    """Walk through the rows of one symbol by time; yield payments that lack bots.

    Times are whole seconds: a bot must have held something before that second and after it.
    """
    held: dict[str, int] = defaultdict(int)
    start = 0
    while start < len(rows):
        end = start
        while end < len(rows) and rows[end][0] == rows[start][0]:
            end += 1
        before = {emi for emi, quantity in held.items() if quantity}
        paid: dict[str, set[str]] = defaultdict(set)
        for _, exec_id, emi, side, quantity in rows[start:end]:
            if to_int(side) == SIDE_FUNDING:
                paid[to_text(exec_id)].add(to_text(emi))
            else:
                sign = 1 if to_int(side) == SIDE_BUY else -1
                held[to_text(emi)] += sign * to_int(quantity)
        for exec_id, bots in paid.items():
            missing = {emi: held[emi] for emi in sorted(before - bots) if held[emi]}
            if missing:
                yield exec_id, missing
        start = end

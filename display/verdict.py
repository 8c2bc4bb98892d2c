"""Whether books and exchange agree, in the few words that the state line has room for. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from common.domain.verification import Difference, Rule, Verification
from common.engine.snapshot import AccountRow, MarketRow
from display.cells import Tone
from display.formats import money_text, time_text

_IN_MONEY = ("SUMREAL", "COMMISS", "EXEC_COST", "EXEC_COMM")
_MONEY_RULES = (Rule.RESULT, Rule.MARGIN, Rule.WALLET, Rule.POSITION_ROW)


def books_state(
    markets: Sequence[MarketRow], accounts: Sequence[AccountRow]
) -> tuple[str, Tone] | None:
    """Return what the state line says of the books, the worst market first; None: no market."""
    scales = {row.currency: row.scale for row in accounts}
    states = [_state(market.verification, scales) for market in markets]
    return max(states, key=lambda state: state[0])[1:] if states else None


def _state(verification: Verification, scales: Mapping[str, int]) -> tuple[int, str, Tone]:
    """Return how bad it is, the words and their colour."""
    blocking = [each for each in verification.differences if each.blocks]
    if blocking:
        more = f" (+{len(blocking) - 1})" if len(blocking) > 1 else ""
        return 3, f"BOOKS DIFFER{more}: {short(blocking[0], scales)}", Tone.BAD
    if verification.problem:
        return 2, f"books not verified: {verification.problem}", Tone.WARN
    if verification.at is None:
        doing = "are being verified" if verification.running else "not verified yet"
        return 1, f"books {doing}", Tone.DIM
    return 0, f"books verified {time_text(verification.at)[11:]}", Tone.GOOD


def short(difference: Difference, scales: Mapping[str, int]) -> str:
    """Return a difference with its figures in front: of a long line only the end is cut off."""
    if difference.rule is Rule.WALLET_TYPE:
        return f"{difference.what} of the wallet is not known"
    symbol = str(difference.symbol) if difference.symbol else ""
    money = difference.rule in _MONEY_RULES or difference.what.startswith(_IN_MONEY)
    money = money or difference.what == "funding"
    names = (difference.emi, symbol, difference.currency if money else "")
    books, exchange = (
        money_text(figure, scales[difference.currency])
        if money and difference.currency in scales
        else str(figure)
        for figure in (difference.books, difference.exchange)
    )
    who = " ".join(dict.fromkeys(name for name in names if name))  # RESERVED is named so too
    return f"{who} {books}, not {exchange}: {difference.what}".strip()

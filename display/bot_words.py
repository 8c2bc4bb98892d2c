"""What the panel of a bot says, word by word. Pure: no window is needed to test it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from common.domain.books import Entry
from common.domain.bot_story import BotStory, Stretch, by_period
from common.domain.instruments import Instrument
from common.domain.money import closing_value, trade_value
from common.domain.reports import Period
from common.domain.robots import MINUTES_IN_A_DAY, Status
from common.engine.snapshot import BookView, EntryRow, Notice, RobotRow, Snapshot
from display.cells import Row, Tone
from display.formats import (
    NOTHING,
    average_text,
    money_text,
    quantity_text,
    quantity_unit,
    time_text,
)
from display.presenter import sign_tone, status_tone

STATUS_WORDS = {
    Status.WORK: "trades by itself while TRADING is ON",
    Status.OFF: "does not trade; orders and position stay as they are",
    Status.RESERVED: "takes manual orders and has no strategy",
    Status.NOT_DEFINED: "has a position or orders, but no row in the table robots",
    Status.NOT_IN_LIST: "its symbol is not in the settings",
    Status.ERROR: "its row or its strategy is wrong",
}


@dataclass(frozen=True, slots=True)
class Fact:
    """One figure with its caption."""

    caption: str
    text: str
    tone: Tone = Tone.TEXT


def status_line(row: RobotRow) -> tuple[str, Tone]:
    """Return STATUS with its meaning or reason."""
    words = row.problem or STATUS_WORDS[row.status]
    return f"{row.status}: {words}", status_tone(row)


def timeframe_text(minutes: int) -> str:
    """Return a timeframe as traders write it: 1m, 4h, 1D, or minutes where no other fits."""
    if not minutes:
        return "no timeframe"
    if minutes % MINUTES_IN_A_DAY == 0:
        return f"{minutes // MINUTES_IN_A_DAY}D"
    return f"{minutes // 60}h" if minutes % 60 == 0 else f"{minutes}m"


def capital_text(
    lots: int, instrument: Instrument | None, price: Decimal | None, scale: int
) -> str:
    """Return the largest position of a bot: lots, contracts in the screen's unit, and worth now."""
    count = f"{lots} {'lot' if lots == 1 else 'lots'}"
    if instrument is None:
        return count
    contracts = lots * instrument.lot_size
    unit = quantity_unit(instrument)
    text = f"{count} = {quantity_text(contracts, instrument)} {unit}"
    if not price or not contracts:
        return text
    value = abs(trade_value(instrument, price, contracts, scale))
    return f"{text}, about {money_text(value, scale)} {instrument.settlement_currency}"


def middle(view: BookView | None) -> Decimal | None:
    """Return the best bid, else the best ask, as a price to value things at."""
    if view is None:
        return None
    levels = view.book.bids or view.book.asks
    return levels[0][0] if levels else None


def head_line(row: RobotRow, price: Decimal | None) -> str:
    """Return symbol, timeframe and capital."""
    parts = [f"{row.symbol.ticker} {row.symbol.category}"]
    if row.timeframe:
        parts.append(timeframe_text(row.timeframe))
    if row.capital:
        parts.append(f"CAPITAL {capital_text(row.capital, row.instrument, price, row.scale)}")
    return "   ".join(parts)


def code_line(row: RobotRow) -> str:
    """Return the bot's strategy by name, its file, of when that is, and the hash of its code."""
    if not row.timeframe:
        return "no strategy"
    name = row.strategy or "as algo/init.py names it"
    code = row.code
    if code is None:
        return f"strategy {name}: not loaded"
    saved = f", saved {time_text(code.saved)} UTC" if code.saved else ""
    return f"strategy {name}   {code.file}{saved}, code {code.digest}"


def unrealised(row: RobotRow, story: BotStory | None, view: BookView | None) -> int | None:
    """Return what closing at the bid or ask would bring above the average cost.

    None while the books and the position of now are not of the same moment, or without a price.
    """
    if story is None or story.position != row.position or row.instrument is None:
        return None
    if not row.position:
        return 0
    levels = () if view is None else view.book.bids if row.position > 0 else view.book.asks
    if not levels:
        return None
    return story.open_cost + closing_value(row.instrument, levels[0][0], row.position, row.scale)


def facts(row: RobotRow, story: BotStory | None, view: BookView | None) -> tuple[Fact, ...]:
    """Return position, entry, results and costs, in the order of the panel."""
    scale = row.scale
    open_ = unrealised(row, story, view)
    flat = row.position == 0
    entry = NOTHING
    if story is not None and row.instrument is not None and not flat:
        entry = average_text(story.entry_price, row.instrument)
    result = None if story is None else story.result
    return (
        Fact("POSITION", quantity_text(row.position, row.instrument), sign_tone(row.position)),
        Fact("ENTRY", entry, Tone.DIM if flat else Tone.TEXT),
        Fact(
            "UNREALISED",
            NOTHING if flat else money_text(open_, scale, signed=True),
            sign_tone(open_ or 0),
        ),
        Fact("REALISED", money_text(result, scale, signed=True), sign_tone(result or 0)),
        Fact("PNL", money_text(row.pnl, scale, signed=True), sign_tone(row.pnl or 0)),
        Fact("FEES", money_text(story.sums.commission if story else None, scale)),
        Fact("FUNDING", money_text(story.sums.funding if story else None, scale)),
        Fact("VOLUME", quantity_text(row.volume, row.instrument)),
        Fact("CURRENCY", row.currency or NOTHING, Tone.DIM),
    )


def note_line(story: BotStory | None) -> str:
    """Return what the figures mean, and what they leave out."""
    if story is None:
        return "reading the books\u2026"
    text = f"realised: after fees and funding, average cost; read {time_text(story.read_at)}"
    for other in story.elsewhere:
        amount = money_text(other.net, other.scale, signed=True)
        text += f"; beside it {amount} {other.currency} of other symbols or currencies"
    return text


def last_notice(snapshot: Snapshot, emi: str) -> Notice | None:
    """Return the newest line of the information panel that begins with the bot's name."""
    starts = (f"{emi}:", f"{emi} ")
    return next((n for n in reversed(snapshot.notices) if n.text.startswith(starts)), None)


def delete_problems(snapshot: Snapshot, row: RobotRow) -> tuple[str, ...]:
    """Return what is left of a bot and has to go before it can be deleted, with the remedy."""
    now = next(
        (r for r in snapshot.robots if (r.market, r.emi) == (row.market, row.emi)),
        None,
    )
    if now is None:
        return ("it is not in the list any more",)
    problems = []
    orders = [o for o in snapshot.orders if (o.market, o.emi) == (row.market, row.emi)]
    if orders:
        count = "an open order" if len(orders) == 1 else f"{len(orders)} open orders"
        problems.append(f"It has {count}: cancel with \u201cCancel orders\u2026\u201d first.")
    if now.position:
        held = quantity_text(now.position, now.instrument)
        problems.append(
            f"It holds {held} {now.symbol.ticker}: close that with \u201cFlatten\u2026\u201d first."
        )
    if now.status is Status.WORK:
        problems.append("It is in WORK: disable it first.")
    return tuple(problems)


def period_rows(story: BotStory, period: Period, instrument: Instrument | None) -> list[Row]:
    """Return the table of results, newest period first."""
    total = Stretch(story.read_at.date(), story.sums, story.result, story.position)
    rows = [_stretch_row("ALL", total, story, instrument)]
    return rows + [
        _stretch_row(period.label(each.start), each, story, instrument)
        for each in by_period(story.days, period)
    ]


def _stretch_row(name: str, each: Stretch, story: BotStory, instrument: Instrument | None) -> Row:
    scale, sums = story.key.scale, each.sums
    texts = (
        name,
        str(sums.trades),
        quantity_text(sums.volume, instrument),
        money_text(sums.commission, scale),
        money_text(sums.funding, scale),
        money_text(sums.net, scale, signed=True),
        money_text(each.result, scale, signed=True),
        quantity_text(each.position, instrument),
    )
    plain = Tone.ACCENT if name == "ALL" else Tone.TEXT
    tones = (*(plain,) * 5, Tone.DIM, sign_tone(each.result), Tone.TEXT)
    return Row(name, texts, tones)


def entry_rows(story: BotStory, row: RobotRow) -> tuple[list[EntryRow], list[EntryRow]]:
    """Return the trades and the funding payments of a story as rows of the screen."""
    market = story.key.account.market

    def shown(entries: Sequence[Entry]) -> list[EntryRow]:
        return [
            EntryRow(market, each, row.instrument if each.symbol == row.symbol else None)
            for each in entries
        ]

    return shown(story.trades), shown(story.funding)

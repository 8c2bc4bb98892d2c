"""Rows of a snapshot -> texts and tones, cell by cell. Pure: tested without a window."""

from __future__ import annotations

from common.domain.books import SIDE_BUY, SIDE_FUNDING
from common.domain.instruments import Category
from common.domain.orders import Phase, Side
from common.domain.reports import Sums
from common.domain.robots import Status
from common.engine.snapshot import (
    AccountRow,
    EntryRow,
    OrderRow,
    PositionRow,
    ResultRow,
    RobotRow,
    TotalRow,
)
from display.cells import Row, Tone
from display.formats import (
    NOTHING,
    average_text,
    date_text,
    leverage_text,
    money_text,
    price_text,
    quantity_text,
    rate_text,
    time_text,
)


def position_key(row: PositionRow) -> str:
    """Return the key of a position's row: the market and the symbol."""
    return f"{row.market} {row.symbol}"


def robot_key(row: RobotRow) -> str:
    """Return the key of a bot's row: the market, the EMI and, for one that has two, the symbol."""
    return f"{row.market} {row.emi} {row.symbol}"


def position_row(row: PositionRow) -> Row:
    """Present one symbol of the account; a flat one is shown dim."""
    flat = row.quantity == 0
    instrument = row.instrument
    texts = (
        row.symbol.ticker,
        row.symbol.category.value,
        quantity_text(row.quantity, instrument),
        NOTHING if flat else average_text(row.entry_price, instrument),
        NOTHING if flat else money_text(row.pnl, row.scale, signed=True),
        NOTHING if flat else average_text(row.margin_call_price, instrument),
        row.state or NOTHING,
        quantity_text(row.volume24h, instrument),
        _expiry(row),
        rate_text(row.funding_rate),
    )
    open_state = Tone.TEXT if row.state == "Open" else Tone.WARN
    quiet = Tone.DIM if flat else Tone.TEXT
    tones = (
        Tone.ACCENT,
        Tone.DIM,
        sign_tone(row.quantity),
        quiet,
        quiet if flat else sign_tone(row.pnl),
        quiet,
        open_state,
        Tone.TEXT,
        Tone.TEXT if row.expiry else Tone.DIM,
        Tone.TEXT if row.funding_rate is not None else Tone.DIM,
    )
    return Row(position_key(row), texts, tones)


def _expiry(row: PositionRow) -> str:
    if row.expiry is not None:
        return date_text(row.expiry)
    return NOTHING if row.symbol.category is Category.SPOT else "Perpetual"


def sign_tone(number: int) -> Tone:
    """Return the colour of a figure by its sign."""
    if number == 0:
        return Tone.DIM
    return Tone.GOOD if number > 0 else Tone.BAD


def order_row(row: OrderRow) -> Row:
    """Present one order; one that is not confirmed says so beside its bot."""
    settled = row.phase is Phase.OPEN
    emi = row.emi if settled else f"{row.emi} ({row.phase.value})"
    texts = (
        time_text(row.at),
        row.symbol.ticker,
        row.symbol.category.value,
        row.market,
        row.side.value,
        order_price(row),
        quantity_text(row.leaves, row.instrument),
        emi,
    )
    plain = Tone.TEXT if settled else Tone.WARN
    side = Tone.GOOD if row.side is Side.BUY else Tone.BAD
    return Row(
        row.key, texts, (Tone.DIM, Tone.ACCENT, Tone.DIM, Tone.DIM, side, plain, plain, plain)
    )


def order_price(row: OrderRow) -> str:
    """Return the price of an order, of a stop order its trigger, of a market order a word."""
    if row.price is not None:
        return price_text(row.price, row.instrument)
    if row.stop_price is not None:
        return f"{row.kind} {price_text(row.stop_price, row.instrument)}"
    return row.kind


def trade_row(row: EntryRow) -> Row:
    """Present one booked trade at the price it was done at."""
    texts, tones = _entry_cells(row)
    return Row(_entry_key(row), texts, tones)


def funding_row(row: EntryRow) -> Row:
    """Present one booked funding payment; PNL is what it brought the bot (> 0: received)."""
    texts, tones = _entry_cells(row)
    gain = -row.entry.commission
    pnl = money_text(gain, row.entry.scale, signed=True)
    return Row(_entry_key(row), (*texts, pnl), (*tones, sign_tone(gain)))


def _entry_key(row: EntryRow) -> str:
    return f"{row.market} {row.entry.exec_id} {row.entry.emi}"


def _entry_cells(row: EntryRow) -> tuple[tuple[str, ...], tuple[Tone, ...]]:
    entry = row.entry
    if entry.side == SIDE_FUNDING:
        word, tone = "Fund", Tone.TEXT
    elif entry.side == SIDE_BUY:
        word, tone = Side.BUY.value, Tone.GOOD
    else:
        word, tone = Side.SELL.value, Tone.BAD
    price = entry.price if entry.trade_price is None else entry.trade_price
    texts = (
        time_text(entry.at),
        entry.symbol.ticker,
        entry.symbol.category.value,
        row.market,
        word,
        price_text(price, row.instrument),
        quantity_text(entry.quantity, row.instrument),
        entry.emi,
    )
    tones = (Tone.DIM, Tone.ACCENT, Tone.DIM, Tone.DIM, tone, Tone.TEXT, Tone.TEXT, Tone.TEXT)
    return texts, tones


def result_row(row: ResultRow | TotalRow) -> Row:
    """Present what a bot did in a period, or all bots in a currency since the books begin.

    NET is dim where the period begins or ends with a position, whose value it does not hold.
    """
    return _total_row(row) if isinstance(row, TotalRow) else _line_row(row)


def _total_row(row: TotalRow) -> Row:
    total = row.total
    texts = (
        *("ALL", "all bots", NOTHING, total.currency),
        *(str(total.sums.trades), NOTHING),
        *_sums_texts(total.sums, total.scale),
        NOTHING,
    )
    tones = _result_tones(Tone.ACCENT, Tone.DIM)
    return Row(f"{row.market} {total.currency}", texts, tones)


def _line_row(row: ResultRow) -> Row:
    line = row.line
    texts = (
        *(row.period.label(line.start), line.emi, line.symbol.ticker, line.currency),
        *(str(line.sums.trades), quantity_text(line.sums.volume, row.instrument)),
        *_sums_texts(line.sums, line.scale),
        quantity_text(line.position, row.instrument),
    )
    flat = line.position == 0 and line.sums.change == 0
    tones = _result_tones(Tone.TEXT, sign_tone(line.sums.net) if flat else Tone.DIM)
    key = f"{row.market} {line.start} {line.emi} {line.symbol} {line.currency}"
    return Row(key, texts, tones)


def _result_tones(plain: Tone, net: Tone) -> tuple[Tone, ...]:
    return (Tone.DIM, plain, Tone.ACCENT, Tone.DIM, *(plain,) * 5, net, Tone.TEXT)


def _sums_texts(sums: Sums, scale: int) -> tuple[str, ...]:
    amounts = (sums.sum_real, sums.commission, sums.funding)
    return (*(money_text(a, scale) for a in amounts), money_text(sums.net, scale, signed=True))


def account_row(row: AccountRow) -> Row:
    """Present the money of one currency, to its last digit; CONTROL that is off is an alarm."""
    scale = row.scale
    control = money_text(row.control, scale)
    texts = (
        row.currency,
        money_text(row.margin_balance, scale),
        money_text(row.available, scale),
        leverage_text(row.leverage),
        money_text(row.result, scale),
        money_text(row.commission, scale),
        money_text(row.funding, scale),
        f"! {control}" if row.alarm else control,
    )
    plain = Tone.TEXT
    alarm = Tone.BAD if row.alarm else plain
    tones = (Tone.ACCENT, plain, plain, plain, sign_tone(row.result), plain, plain, alarm)
    return Row(f"{row.market} {row.currency}", texts, tones)


def robot_row(row: RobotRow) -> Row:
    """Present one bot; STATUS is red where it cannot trade by itself or is left with a position."""
    instrument = row.instrument
    quiet = row.status is Status.RESERVED and row.position == 0
    texts = (
        row.emi,
        row.symbol.ticker,
        row.symbol.category.value,
        row.currency,
        str(row.timeframe) if row.timeframe else NOTHING,
        str(row.capital) if row.capital else NOTHING,
        row.status.value,
        str(row.errors),
        quantity_text(row.volume, instrument),
        money_text(row.pnl, row.scale, signed=True),
        quantity_text(row.position, instrument),
    )
    plain = Tone.DIM if quiet else Tone.TEXT
    tones = (
        plain,
        Tone.ACCENT,
        Tone.DIM,
        Tone.DIM,
        plain,
        plain,
        status_tone(row),
        Tone.BAD if row.errors else Tone.DIM,
        plain,
        sign_tone(row.pnl or 0),
        sign_tone(row.position),
    )
    return Row(robot_key(row), texts, tones)


def status_tone(row: RobotRow) -> Tone:
    """Return the colour of STATUS: green works, red needs a look, dim has nothing to do."""
    if row.status is Status.WORK:
        return Tone.GOOD
    if row.status is Status.RESERVED:
        return Tone.BAD if row.position else Tone.DIM
    return Tone.BAD

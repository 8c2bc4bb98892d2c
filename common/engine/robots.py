"""Which bots a market has: rows of `robots`, the RESERVED ones, and those found by their traces."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from common.domain.books import Balance, Books
from common.domain.instruments import Instrument, Symbol
from common.domain.orders import parse_cl_ord_id
from common.domain.robots import Robot, Status, reserved_emi


def assemble(
    books: Books, symbols: Sequence[Symbol], instruments: Mapping[Symbol, Instrument]
) -> dict[str, Robot]:
    """Return the bots of a market by EMI, in the order of the screen.

    Rows of `robots` come first (only those whose symbol is subscribed), then one RESERVED bot per
    symbol, then bots that exist only by a position: NOT DEFINED where the symbol is subscribed,
    NOT IN LIST where it is not.
    """
    robots: dict[str, Robot] = {}
    for row in sorted(books.robots, key=lambda r: (r.sort, r.emi)):
        if row.symbol in symbols or row.status is Status.ERROR:
            robots[row.emi] = _judge(row, books, instruments)
    for symbol in symbols:
        robots.setdefault(
            reserved_emi(symbol), stray(books.key.market, reserved_emi(symbol), symbol)
        )
    for balance in books.balances:
        if balance.position and balance.emi not in robots:
            status = Status.NOT_DEFINED if balance.symbol in symbols else Status.NOT_IN_LIST
            robots[balance.emi] = replace(
                stray(books.key.market, balance.emi, balance.symbol), status=status
            )
    return robots


def stray(market: str, emi: str, symbol: Symbol) -> Robot:
    """Return a bot that has no row in `robots`."""
    status = Status.RESERVED if emi == reserved_emi(symbol) else Status.NOT_DEFINED
    return Robot(
        emi=emi,
        symbol=symbol,
        market=market,
        timeframe=0,
        capital=0,
        sort=0,
        margin=0,
        status=status,
    )


def owner(cl_ord_id: str, symbol: Symbol, robots: Mapping[str, Robot]) -> str:
    """Return the EMI under which an open order is shown.

    A bot owns orders of its own symbol only. An order that carries the EMI of a bot without a row
    in `robots` makes that bot visible; anything else is the symbol's RESERVED bot's.
    """
    parsed = parse_cl_ord_id(cl_ord_id)
    robot = robots.get(parsed.emi) if parsed.emi else None
    if robot is not None:
        return robot.emi if robot.symbol == symbol else reserved_emi(symbol)
    ours = parsed.emi and parsed.number and parsed.emi.isprintable()
    return parsed.emi if ours and parsed.emi else reserved_emi(symbol)


def _judge(row: Robot, books: Books, instruments: Mapping[Symbol, Instrument]) -> Robot:
    """Return the row with its status: WORK/OFF as last left, or ERROR with the reason."""
    problem = row.problem
    if row.status is not Status.ERROR:
        problem = history_problem(row, books.balances, instruments)
    if problem:
        held = _held(row, books.balances)
        return replace(row, symbol=held, status=Status.ERROR, problem=problem)
    works = books.statuses.get(row.emi, True)
    return replace(row, status=Status.WORK if works else Status.OFF)


def _held(row: Robot, balances: Iterable[Balance]) -> Symbol:
    """Return the symbol where a bot in ERROR has a position, so that it is seen and closed there.

    That is the row's own wherever it has one there, or none at all.
    """
    held = [b.symbol for b in balances if b.emi == row.emi and b.position]
    return row.symbol if row.symbol in held or not held else held[0]


def history_problem(
    row: Robot, balances: Iterable[Balance], instruments: Mapping[Symbol, Instrument]
) -> str:
    """Return why the rows of an EMI in the books forbid to run it, "" where nothing does."""
    instrument = instruments.get(row.symbol)
    for balance in balances:
        if balance.emi != row.emi:
            continue
        if balance.symbol != row.symbol and balance.position:
            return (
                f"{row.emi} still holds {balance.position} contracts of {balance.symbol}; close "
                f"them or give the bot of {row.symbol} another EMI in the table robots"
            )
        if instrument and balance.volume and balance.currency != instrument.settlement_currency:
            return (
                f"earlier rows of {row.emi} are in {balance.currency}, {row.symbol} settles in "
                f"{instrument.settlement_currency}; give the bot another EMI in the table robots"
            )
    return ""

"""State of the engine -> the frozen Snapshot for the screen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from common.domain.books import Entry
from common.domain.bot_story import BotStory
from common.domain.bots import OnStop
from common.domain.executions import Network
from common.domain.instruments import Instrument, Symbol
from common.domain.orders import Side
from common.domain.parameters import Catalog
from common.engine.market import Market
from common.engine.orders import LiveOrder
from common.engine.snapshot import (
    AccountRow,
    BookView,
    EntryRow,
    MarketRow,
    Notice,
    OrderRow,
    PositionRow,
    Results,
    RobotRow,
    Snapshot,
)


def take_snapshot(
    markets: Mapping[str, Market],
    *,
    beat: int,
    now: datetime,
    trading: bool,
    entries: bool,
    network: Network,
    reloads: int,
    catalog: Catalog,
    notices: tuple[Notice, ...],
    results: Results | None,
    stories: Mapping[tuple[str, str], BotStory],
) -> Snapshot:
    """Return everything the screen shows, as values that nobody changes any more."""
    all_markets = tuple(markets.values())
    at = all_markets[0].exchange_time() if all_markets else now
    return Snapshot(
        at=at,
        beat=beat,
        trading=trading,
        entries=entries,
        network=network,
        reloads=reloads + sum(m.completed for m in all_markets),
        markets=tuple(_market_row(m) for m in all_markets),
        positions=tuple(row for m in all_markets for row in _position_rows(m)),
        books={view.symbol: view for m in all_markets for view in _book_views(m)},
        orders=_order_rows(all_markets),
        trades=tuple(row for m in all_markets for row in _entry_rows(m, m.state.trades)),
        funding=tuple(row for m in all_markets for row in _entry_rows(m, m.state.funding)),
        accounts=tuple(row for m in all_markets for row in _account_rows(m)),
        robots=tuple(row for m in all_markets for row in _robot_rows(m)),
        results=results,
        stories=stories,
        bot_logs={
            (m.state.market, emi): lines
            for m in all_markets
            for emi, lines in m.records.logs().items()
        },
        catalog=catalog,
        notices=notices,
    )


def _market_row(market: Market) -> MarketRow:
    health, reason = market.health()
    account = market.state.account
    return MarketRow(
        market=market.state.market,
        network=market.state.network,
        endpoint=market.gateway.endpoint,
        account=account.number if account else None,
        account_name=account.name if account else "",
        health=health,
        reason=reason,
        progress=market.bring_up.step if market.bring_up.running else "",
        read_only=market.state.read_only,
        orders_known=market.state.orders.told
        and all(order.symbol in market.state.instruments for order in market.state.orders),
        verification=market.verifier.status,
        dead_man=market.dead_man.row(),
        requests_left=market.gateway.requests_left(),
        clock_ahead=round(market.gateway.clock_offset()),
    )


def _position_rows(market: Market) -> Iterator[PositionRow]:
    state = market.state
    held = [p.symbol for p in state.positions.values() if p.quantity]
    for symbol in dict.fromkeys((*state.symbols, *held)):
        instrument = state.instruments.get(symbol)
        if instrument is None:
            continue
        position = state.positions.get(symbol)
        ticker = market.gateway.ticker(symbol)
        yield PositionRow(
            market=state.market,
            symbol=symbol,
            instrument=instrument,
            quantity=position.quantity if position else 0,
            entry_price=position.entry_price if position else None,
            pnl=position.unrealised_pnl if position else 0,
            currency=instrument.settlement_currency,
            scale=state.scale(instrument.settlement_currency),
            margin_call_price=position.margin_call_price if position else None,
            state=ticker.state or instrument.state,
            volume24h=ticker.volume24h,
            expiry=instrument.expiry,
            funding_rate=ticker.funding_rate,
        )


def _book_views(market: Market) -> Iterator[BookView]:
    state = market.state
    own: dict[tuple[Symbol, Side], dict[Decimal, int]] = {}
    for order in state.orders:
        if order.price is not None and order.stop_price is None:
            levels = own.setdefault((order.symbol, order.side), {})
            levels[order.price] = levels.get(order.price, 0) + order.leaves
    fresh = market.fresh()
    for symbol in state.symbols:
        instrument = state.instruments.get(symbol)
        if instrument is not None:
            yield BookView(
                symbol=symbol,
                instrument=instrument,
                book=market.gateway.book(symbol),
                own_bids=own.get((symbol, Side.BUY), {}),
                own_asks=own.get((symbol, Side.SELL), {}),
                fresh=fresh,
            )


def _order_rows(markets: Iterable[Market]) -> tuple[OrderRow, ...]:
    rows = [
        _order_row(market.state.market, order, instrument)
        for market in markets
        for order in market.state.orders
        if (instrument := market.state.instruments.get(order.symbol)) is not None
    ]
    return tuple(sorted(rows, key=lambda row: row.at, reverse=True))


def _order_row(market: str, order: LiveOrder, instrument: Instrument) -> OrderRow:
    return OrderRow(
        key=order.key,
        market=market,
        at=order.at,
        symbol=order.symbol,
        instrument=instrument,
        emi=order.emi,
        side=order.side,
        price=order.price,
        stop_price=order.stop_price,
        kind=order.kind,
        quantity=order.quantity,
        leaves=order.leaves,
        phase=order.phase,
        cancel_problem=order.cancel_problem,
    )


def _entry_rows(market: Market, entries: Iterable[Entry]) -> Iterator[EntryRow]:
    instruments = market.state.instruments
    for entry in entries:
        yield EntryRow(market.state.market, entry, instruments.get(entry.symbol))


def _account_rows(market: Market) -> Iterator[AccountRow]:
    state = market.state
    settled = [i.settlement_currency for i in state.instruments.values()]
    booked = [b.currency for b in state.balances.values()]
    expected = market.verifier.expected_controls()
    for currency in dict.fromkeys((*state.margins, *settled, *booked)):
        row = _sums(market, currency)
        margin = state.margins.get(currency)
        if margin is None:
            yield row
            continue
        control = margin.wallet_balance - row.result + row.commission + row.funding
        yield replace(
            row,
            margin_balance=margin.margin_balance,
            available=margin.available,
            leverage=margin.leverage,
            control=control,
            alarm=market.control.watch(currency, control, expected.get(currency)),
        )


def _sums(market: Market, currency: str) -> AccountRow:
    state = market.state
    balances = [b for b in state.balances.values() if b.currency == currency]
    open_cost = sum(
        p.unrealised_cost
        for p in state.positions.values()
        if (p.currency or _settlement(market, p.symbol)) == currency
    )
    return AccountRow(
        market=state.market,
        currency=currency,
        scale=state.scale(currency),
        margin_balance=None,
        available=None,
        leverage=None,
        result=sum(b.sum_real for b in balances) + open_cost,
        commission=sum(b.commission for b in balances),
        funding=sum(b.funding for b in balances),
        control=None,
    )


def _settlement(market: Market, symbol: Symbol) -> str:
    instrument = market.state.instruments.get(symbol)
    return instrument.settlement_currency if instrument else ""


def _robot_rows(market: Market) -> Iterator[RobotRow]:
    state = market.state
    for robot in state.robots.values():
        instrument = state.instruments.get(robot.symbol)
        currency = instrument.settlement_currency if instrument else ""
        record = market.records.of(robot.emi)
        yield RobotRow(
            market=state.market,
            emi=robot.emi,
            symbol=robot.symbol,
            instrument=instrument,
            currency=currency,
            scale=state.scale(currency),
            timeframe=robot.timeframe,
            capital=robot.capital,
            status=robot.status,
            problem=robot.problem,
            volume=state.volume(robot.emi, robot.symbol),
            pnl=state.pnl(robot, market.gateway),
            position=state.position(robot.emi, robot.symbol),
            errors=record.errors,
            code=record.code,
            note=record.note,
            on_stop=state.policies.get(robot.emi, OnStop.LEAVE),
            strategy=robot.strategy,
            parameters=robot.parameters,
            startable=market.switch.startable(robot.emi),
        )

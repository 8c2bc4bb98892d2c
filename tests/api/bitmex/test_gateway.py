"""The gateway against the embedded exchange: connect, trade, read history and candles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from functools import partial
from itertools import count, pairwise
from json import loads
from time import monotonic

import pytest

from api.bitmex.rest import RestClient
from common.clock import SystemClock
from common.domain.account import Account
from common.domain.executions import Executed, ExecutionKind
from common.domain.instruments import Category, Instrument, Symbol
from common.domain.market import Book, Trade
from common.domain.orders import Order, Phase, Side
from common.engine.items import MarginChanged, OrderChanged, PositionChanged, RawText
from common.engine.order_gate import Ticket
from common.engine.requests import (
    FetchAccount,
    FetchCandles,
    FetchCurrencies,
    FetchHistory,
    FetchInstruments,
    FetchOpenOrders,
    FindOrder,
    HistoryPage,
    SendAmend,
    SendCancel,
    SendOrder,
)
from common.errors import (
    AuthenticationFailed,
    OrderNotFound,
    OrderRefused,
    OutcomeUnknown,
    Withdrawn,
)
from common.settings_types import Depth, MarketSettings, Secret
from tests.api.bitmex.harness import Harness, running
from tests.api.bitmex.http_peer import SILENCE, answer, http_peer
from tests.api.bitmex.samples import ETHUSD, SPOT, XBTUSD, XBTUSDT, settings
from tests.support.venue import ExchangeProcess, start_exchange

SYMBOLS = (XBTUSD, XBTUSDT, ETHUSD, SPOT)
numbers = count(1)
ORDER = SendOrder("1.Test", XBTUSDT, Side.BUY, 100, Decimal(50_000))
IMPATIENT = {"connect_timeout": 0.5, "read_timeout": 0.3, "monotonic": monotonic}  # seconds


@pytest.fixture(scope="module", params=["2023", "2018"])
def venue(request: pytest.FixtureRequest) -> Iterator[ExchangeProcess]:
    """Return an exchange, in either dialect: the terminal must understand both."""
    process = start_exchange("--dialect", request.param, seed=3, no_limits=True)
    yield process
    process.stop()


def market(venue: ExchangeProcess, depth: Depth = Depth.TEN) -> MarketSettings:
    return settings(venue.rest, venue.ws, SYMBOLS, depth, venue.key, venue.secret)


@pytest.fixture
def terminal(venue: ExchangeProcess) -> Iterator[Harness]:
    with running(market(venue)) as harness:
        harness.result(FetchInstruments(SYMBOLS), tuple)
        yield harness


def far_bid(terminal: Harness, symbol: Symbol) -> Decimal:
    """Return a price on the grid that will not fill."""
    bid = terminal.wait(lambda: terminal.gateway.ticker(symbol).bid, "a bid")
    tick = Decimal("0.5") if symbol == SPOT else Decimal("0.1")
    return bid * Decimal("0.9") // tick * tick


def place(terminal: Harness, price: Decimal, quantity: int = 1000, side: Side = Side.BUY) -> Order:
    name = f"{next(numbers)}.Test"
    return terminal.result(SendOrder(name, XBTUSDT, side, quantity, price), Order)


def test_instruments_of_the_category_asked_for(terminal: Harness) -> None:
    wrong = Symbol("XBTUSD", Category.LINEAR)
    absent = Symbol("NOSUCH", Category.LINEAR)
    found = terminal.result(FetchInstruments((*SYMBOLS, wrong, absent)), tuple)
    assert all(isinstance(item, Instrument) for item in found)
    assert tuple(item.symbol for item in found) == SYMBOLS
    assert {i.symbol: i.contracts_per_unit for i in found}[XBTUSDT] == 1000000


def test_account_and_currencies(terminal: Harness) -> None:
    assert terminal.result(FetchAccount(), Account).number > 0
    scales = {c.code: c.scale for c in terminal.result(FetchCurrencies(), tuple)}
    assert (scales["XBt"], scales["USDt"]) == (8, 6)


@pytest.mark.parametrize("depth", list(Depth))
def test_a_stream_shows_books_tickers_margin_and_trades(
    venue: ExchangeProcess, depth: Depth
) -> None:
    with running(market(venue, depth)) as terminal:
        terminal.result(FetchInstruments(SYMBOLS), tuple)
        terminal.connect(SYMBOLS, tapes=[XBTUSD, XBTUSDT, ETHUSD])
        for symbol in SYMBOLS:
            book = terminal.wait(partial(_full, terminal, symbol, depth), f"a book of {symbol}")
            assert all(a > b for a, b in pairwise([p for p, _ in book.bids]))
            assert all(a < b for a, b in pairwise([p for p, _ in book.asks]))
            assert book.bids[0][0] < book.asks[0][0]
            ticker = terminal.gateway.ticker(symbol)
            assert (ticker.bid, ticker.state) == (book.bids[0][0], "Open")
        assert terminal.gateway.ticker(XBTUSD).mark is not None
        balances = {m.margin.currency for m in terminal.messages if isinstance(m, MarginChanged)}
        assert balances >= {"XBt", "USDt"}
        terminal.seen(lambda m: m if isinstance(m, Trade) else None)


def _full(terminal: Harness, symbol: Symbol, depth: Depth) -> Book | None:
    book = terminal.gateway.book(symbol)
    wanted = 10 if depth is Depth.TEN else 1
    return book if len(book.bids) == len(book.asks) == wanted else None


def test_an_order_is_placed_amended_and_cancelled(terminal: Harness) -> None:
    terminal.connect(SYMBOLS)
    price = far_bid(terminal, XBTUSDT)
    order = place(terminal, price)
    assert (order.phase, order.price, order.leaves) == (Phase.OPEN, price, 1000)
    [found] = terminal.result(FetchOpenOrders(), tuple)
    assert found.order_id == order.order_id

    amend = SendAmend(order.order_id, order.cl_ord_id, 2000, price - 10)
    amended = terminal.result(amend, Order)
    assert (amended.quantity, amended.price) == (2000, price - 10)

    cancel = SendCancel(order.order_id, order.cl_ord_id)
    assert terminal.result(cancel, Order).phase is Phase.CANCELED
    assert isinstance(terminal.ask(cancel).error, OrderNotFound)
    assert isinstance(terminal.ask(amend).error, OrderNotFound)
    assert terminal.result(FetchOpenOrders(), tuple) == ()
    ended = terminal.seen(
        lambda m: m.order if isinstance(m, OrderChanged) and m.order.phase.ended else None
    )
    assert ended.order_id == order.order_id


def test_an_order_can_be_named_by_its_clordid_alone(terminal: Harness) -> None:
    terminal.connect(SYMBOLS)
    order = place(terminal, far_bid(terminal, XBTUSDT))
    found = terminal.result(FindOrder(order.cl_ord_id), Order)
    assert found.order_id == order.order_id
    assert terminal.ask(FindOrder("999999.Nobody")).result is None
    assert terminal.result(FindOrder("", order.order_id), Order).order_id == order.order_id
    moved = terminal.result(SendAmend("", order.cl_ord_id, 1500, None), Order)
    assert moved.quantity == 1500
    assert terminal.result(SendCancel("", order.cl_ord_id), Order).phase is Phase.CANCELED


def test_many_orders_that_are_cancelled_at_once_are_all_gone(terminal: Harness) -> None:
    terminal.connect(SYMBOLS)
    orders = [place(terminal, far_bid(terminal, XBTUSDT)) for _ in range(12)]
    numbers = [terminal.gateway.request(SendCancel(o.order_id, o.cl_ord_id)) for o in orders]
    replies = [terminal.wait(partial(terminal.reply, number)) for number in numbers]
    assert [reply.error for reply in replies] == [None] * 12
    ended = [reply.result for reply in replies if isinstance(reply.result, Order)]
    assert [order.order_id for order in ended] == [order.order_id for order in orders]
    assert {order.phase for order in ended} == {Phase.CANCELED}
    assert terminal.result(FetchOpenOrders(), tuple) == ()


def test_a_refused_order_says_why(terminal: Harness) -> None:
    reply = terminal.ask(SendOrder("1.Odd", XBTUSDT, Side.BUY, 150, Decimal("50000")))
    assert isinstance(reply.error, OrderRefused)
    reply = terminal.ask(SendOrder("2.Odd", XBTUSDT, Side.BUY, 100, Decimal("50000.03")))
    assert isinstance(reply.error, OrderRefused)


def test_a_fill_arrives_on_the_stream_and_equals_its_row_of_history(terminal: Harness) -> None:
    since = datetime.now(timezone.utc) - timedelta(minutes=1)
    terminal.connect(SYMBOLS)
    ask = terminal.wait(lambda: terminal.gateway.ticker(XBTUSDT).ask, "an ask")
    order = place(terminal, ask + 5, 100)
    assert order.phase is Phase.FILLED
    fill = terminal.seen(
        lambda m: (
            m
            if isinstance(m, Executed)
            and m.kind is ExecutionKind.TRADE
            and m.order_id == order.order_id
            else None
        )
    )
    assert (fill.symbol, fill.side, fill.quantity) == (XBTUSDT, Side.BUY, 100)
    assert (fill.currency, fill.cl_ord_id) == ("USDt", order.cl_ord_id)
    assert fill.trade_price is not None
    assert fill.cost == fill.trade_price * 100
    page = terminal.result(FetchHistory(since, 0), HistoryPage)
    [row] = [e for e in page.executions if e.exec_id == fill.exec_id]
    assert replace(row, raw="") == replace(fill, raw="")
    assert not page.full
    rest = terminal.result(FetchHistory(since, page.rows), HistoryPage)
    assert rest.rows == 0
    position = terminal.seen(
        lambda m: (
            m.position
            if isinstance(m, PositionChanged)
            and m.position.symbol == XBTUSDT
            and m.position.quantity
            else None
        )
    )
    assert position.entry_price is not None


def test_history_is_paged_by_offset_without_gap_or_repetition(terminal: Harness) -> None:
    since = datetime.now(timezone.utc) - timedelta(minutes=1)
    terminal.connect(SYMBOLS)
    terminal.wait(lambda: terminal.gateway.ticker(XBTUSDT).ask, "an ask")
    for side in (Side.BUY, Side.SELL) * 3:
        ticker = terminal.gateway.ticker(XBTUSDT)
        assert ticker.bid is not None
        assert ticker.ask is not None
        place(terminal, ticker.ask + 5 if side is Side.BUY else ticker.bid - 5, 100, side)
    whole = terminal.result(FetchHistory(since, 0), HistoryPage).executions
    assert len(whole) >= 6
    pieces = [
        terminal.result(FetchHistory(since, offset), HistoryPage).executions[0].exec_id
        for offset in range(len(whole))
    ]
    assert pieces == [execution.exec_id for execution in whole]
    assert len(set(pieces)) == len(pieces)
    assert all(a.at <= b.at for a, b in pairwise(whole))


@pytest.mark.parametrize("timeframe", [1, 3, 5, 60, 90])
def test_candles_are_whole_ascending_and_closed(terminal: Harness, timeframe: int) -> None:
    length = timedelta(minutes=timeframe)
    now = datetime.now(timezone.utc)
    since = now - 50 * length
    candles = terminal.result(FetchCandles(XBTUSD, timeframe, since), tuple)
    assert len(candles) in (50, 51)
    assert candles[0].start <= since
    assert all(b.start - a.start == length for a, b in pairwise(candles))
    assert candles[-1].start + length <= datetime.now(timezone.utc)
    assert candles[-1].start + 2 * length > now
    for candle in candles:
        assert candle.low <= min(candle.open, candle.close)
        assert candle.high >= max(candle.open, candle.close)
        assert candle.volume >= 0


def test_more_candles_than_a_page_join_without_a_seam(terminal: Harness) -> None:
    since = datetime.now(timezone.utc) - timedelta(minutes=2500)
    candles = terminal.result(FetchCandles(XBTUSD, 1, since), tuple)
    assert len(candles) >= 2499
    assert all(b.start - a.start == timedelta(minutes=1) for a, b in pairwise(candles))


def test_a_wrong_key_blocks_reads_and_stream_alike(venue: ExchangeProcess) -> None:
    wrong = replace(market(venue), api_secret=Secret("not the secret"))
    with running(wrong) as terminal:
        assert isinstance(terminal.ask(FetchAccount()).error, AuthenticationFailed)
        terminal.gateway.connect(1, SYMBOLS, ())
        closed = terminal.wait(lambda: terminal.closed, "the refusal")
        assert isinstance(closed[0].error, AuthenticationFailed)


def test_an_order_that_waited_too_long_behind_another_one_is_not_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The one before it hangs; what was asked for meanwhile is too old when its turn comes."""
    monkeypatch.setattr(RestClient.__init__, "__kwdefaults__", IMPATIENT)
    clock = SystemClock()
    with http_peer(SILENCE, answer(200, [])) as peer:
        with running(settings(peer.url, peer.url.replace("http", "ws"), SYMBOLS)) as terminal:
            gateway = terminal.gateway
            late, good = (Ticket(None, clock.monotonic() + life, clock) for life in (0.1, 60.0))
            hangs = gateway.request(replace(ORDER, permit=good))
            gateway.request(replace(ORDER, cl_ord_id="2.Late", permit=late))
            gateway.request(replace(ORDER, cl_ord_id="3.Good", permit=good))
            gateway.request(SendAmend("o1", "1.Test", 200, None, permit=late))
            errors = [terminal.wait(partial(terminal.reply, hangs + n)).error for n in range(4)]
        written = [loads(asked.body)["clOrdID"] for asked in peer.asked]
    assert [type(each) for each in errors[:2]] == [OutcomeUnknown, Withdrawn]
    assert "waited too long" in str(errors[1])
    assert isinstance(errors[3], Withdrawn)
    assert written == [ORDER.cl_ord_id, "3.Good"]


def test_a_new_session_makes_the_old_one_silent(terminal: Harness) -> None:
    terminal.connect(SYMBOLS)
    terminal.messages.clear()
    terminal.connect((XBTUSD,))
    assert terminal.gateway.book(XBTUSDT).bids == ()
    late = RawText("Bitmex", 1, 0.0, b'{"table":"order","action":"partial","data":[]}')
    assert terminal.gateway.receive(late) == ()
    assert terminal.gateway.receive(replace(late, session=2)) != ()
    terminal.gateway.disconnect()
    assert terminal.closed == []


def test_the_clocks_of_one_machine_agree(terminal: Harness) -> None:
    terminal.result(FetchAccount(), Account)
    assert abs(terminal.gateway.clock_offset()) < 1.5


def test_the_end_of_the_exchange_is_told_and_its_threads_end() -> None:
    venue = start_exchange(seed=4, no_limits=True)
    with running(market(venue)) as terminal:
        try:
            terminal.result(FetchInstruments(SYMBOLS), tuple)
            terminal.connect(SYMBOLS)
        finally:
            venue.kill()
        terminal.wait(lambda: terminal.closed, "the end of the stream")
        reply = terminal.ask(SendOrder("5.Late", XBTUSDT, Side.BUY, 100, Decimal(50000)))
        assert isinstance(reply.error, OrderRefused)

"""Each request of the port as calls of the exchange's REST interface; here those that read."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from api.bitmex import audit_rows, bins, execution_rows, market_rows, rows
from api.bitmex.cancellations import Cancellations, Sends
from api.bitmex.directory import Directory
from api.bitmex.exchange_clock import ExchangeClock
from api.bitmex.known_instruments import KnownInstruments, Reads
from api.bitmex.market_rows import Bin
from api.bitmex.order_calls import OrderCalls, SendsOrders
from api.bitmex.wire import Row, as_object, as_rows, decode_exact, encode, format_time
from common.domain.account import Account, Margin, PositionFigures, WalletPage
from common.domain.books import Waiting
from common.domain.executions import Executed
from common.domain.instruments import Currency, Instrument
from common.domain.market import Candle
from common.domain.orders import Order
from common.domain.settlements import Settled
from common.engine.requests import (
    ArmSwitch,
    DisarmSwitch,
    FetchAccount,
    FetchCandles,
    FetchCurrencies,
    FetchEndedOrders,
    FetchHistory,
    FetchInstruments,
    FetchMargins,
    FetchOpenOrders,
    FetchPositions,
    FetchSettlements,
    FetchWallet,
    FindOrder,
    HistoryPage,
    ReadRows,
    Request,
    SendAmend,
    SendCancel,
    SendOrder,
)
from common.errors import ExchangeUnavailable, ProtocolError

log = logging.getLogger(__name__)

PAGE = 500  # rows; the most that the exchange serves of executions and orders
BIN_PAGE = 1000  # rows; the most that it serves of bins
_NAMESAKES = 10  # orders looked at: others may have carried the same number before
WALLET_PAGE = 10_000  # rows; the most that it serves of the wallets' history


class Client(Reads, Sends, SendsOrders, Protocol):
    """Sends requests and returns decoded answers, or raises what their refusals mean."""


class Calls:
    """Carries out requests over one client, such as a `RestClient`, and on its thread."""

    def __init__(self, client: Client, directory: Directory, clock: ExchangeClock) -> None:
        self._client = client
        self._directory = directory
        self._clock = clock
        self._known = KnownInstruments(client, directory)
        self.orders = OrderCalls(client, self._order)
        self.cancellations = Cancellations(client, self._order)
        self._calls: Mapping[type, Callable[..., object]] = {
            FetchAccount: self.account,
            FetchCurrencies: self.currencies,
            FetchInstruments: self.instruments,
            FetchSettlements: self.settlements,
            ReadRows: self.read_rows,
            FetchHistory: self.history,
            FetchOpenOrders: self.open_orders,
            FetchEndedOrders: self.ended_orders,
            FetchPositions: self.positions,
            FetchMargins: self.margins,
            FetchWallet: self.wallet,
            FindOrder: self.find_order,
            FetchCandles: self.candles,
            SendOrder: self.orders.send,
            SendAmend: self.orders.amend,
            SendCancel: self.cancellations.one,
            ArmSwitch: self.orders.arm_switch,
            DisarmSwitch: self.orders.disarm_switch,
        }

    def carry_out(self, request: Request) -> object:
        """Return the result that the port promises for `request`, or raise a TmaticError."""
        return self._calls[type(request)](request)

    # ---- reads ------------------------------------------------------------------------------

    def account(self, _: FetchAccount) -> Account:
        """Return who the key belongs to."""
        return rows.account(as_object(self._client.get("/user")))

    def currencies(self, _: FetchCurrencies) -> tuple[Currency, ...]:
        """Return the wallet currencies; the shipped table where the exchange has none."""
        try:
            served = as_rows(self._client.get("/wallet/assets"))
            self._directory.add_currencies([market_rows.currency(row) for row in served])
        except (ProtocolError, ExchangeUnavailable) as error:
            log.warning("the shipped table of currencies is used: %s", error)
        return self._directory.currencies()

    def instruments(self, request: FetchInstruments) -> tuple[Instrument, ...]:
        """Return those of the symbols that exist in the category asked for."""
        self._known.read_active()
        found = []
        for symbol in request.symbols:
            if self._directory.instrument(symbol.ticker) is None:
                self._known.look_up(symbol.ticker)
            instrument = self._directory.instrument(symbol.ticker)
            if instrument is not None and instrument.symbol == symbol:
                found.append(instrument)
        return tuple(found)

    def look_up(self, ticker: str) -> None:
        """Ask for an instrument that is no longer, or not yet, listed as active."""
        self._known.look_up(ticker)

    def settlements(self, request: FetchSettlements) -> tuple[Settled, ...]:
        """Return the settlements of contracts, oldest first; one without a price is none."""
        found: list[Settled] = []
        for symbol in request.symbols:
            self._known.know(symbol.ticker)
            instrument = self._directory.instrument(symbol.ticker)
            if instrument is None or instrument.symbol != symbol:
                continue
            query = {"symbol": symbol.ticker, "count": PAGE, "reverse": "false"}
            served = as_rows(self._client.get("/settlement", query))
            found += filter(None, (market_rows.settled(row, instrument) for row in served))
        return tuple(found)

    def history(self, request: FetchHistory) -> HistoryPage:
        """Return one page of balance-affecting executions, oldest first."""
        query = {
            "count": PAGE,
            "start": request.offset,
            "reverse": "false",
            "startTime": format_time(request.since),
        }
        served = as_rows(self._client.get("/execution/tradeHistory", query))
        for row in served:
            self._known.know(rows.ticker_of(row))
        executions = [self._executed(row) for row in served]
        return HistoryPage(
            executions=tuple(e for e in executions if e is not None),
            rows=len(served),
            full=len(served) == PAGE,
        )

    def read_rows(self, request: ReadRows) -> tuple[Executed, ...]:
        """Read rows once more; one that still cannot be read is UNREADABLE, with the reason."""
        return tuple(self._read_again(waiting) for waiting in request.rows)

    def _read_again(self, waiting: Waiting) -> Executed:
        row: Row = {}
        try:
            (row,) = as_rows([decode_exact(waiting.raw)])
            self._known.know(rows.ticker_of(row))
            found = execution_rows.executed(
                row, self._directory, raw=waiting.raw, kind=waiting.kind
            )
            if found is not None:
                return found
            reason = "it concerns no instrument"
        except ProtocolError as error:
            reason = str(error)
        bad = execution_rows.unreadable(row, reason)
        return replace(bad, exec_id=waiting.exec_id, raw=waiting.raw)

    def open_orders(self, _: FetchOpenOrders) -> tuple[Order, ...]:
        """Return the open orders of the whole account."""
        found: list[Order] = []
        offset = 0
        while True:
            query = {"filter": '{"open":true}', "count": PAGE, "start": offset}
            served = as_rows(self._client.get("/order", {**query, "reverse": "false"}))
            found += [self._order(row) for row in served if self._known.is_traded(row)]
            offset += len(served)
            if len(served) < PAGE:
                return tuple(order for order in found if not order.phase.ended)

    def ended_orders(self, request: FetchEndedOrders) -> tuple[Order, ...]:
        """Return those that have ended among the newest orders, of instruments that are known."""
        query = {"count": min(request.count, PAGE), "reverse": "true"}
        served = as_rows(self._client.get("/order", query))
        known = (r for r in served if self._directory.symbol(rows.ticker_of(r)) is not None)
        found = (self._ended(row) for row in known)
        return tuple(order for order in found if order is not None)

    def _ended(self, row: Row) -> Order | None:
        """Return an order that has ended; None: it has not, or the row is none of an order."""
        try:
            order = rows.order(row, self._directory)
        except ProtocolError as error:  # one that filled nothing may lack anything
            log.warning("order %s cannot be compared: %s", rows.identity(row), error)
            return None
        return order if order.phase.ended else None

    def positions(self, _: FetchPositions) -> tuple[PositionFigures, ...]:
        """Return the positions of the whole account, flat ones too."""
        found = []
        for row in as_rows(self._client.get("/position")):
            if rows.is_open_position(row):
                self._known.know(rows.ticker_of(row))
            figures = audit_rows.position_figures(row, self._directory)
            if figures is not None:
                found.append(figures)
        return tuple(found)

    def margins(self, _: FetchMargins) -> tuple[Margin, ...]:
        """Return the margin account of every currency."""
        served = as_rows(self._client.get("/user/margin", {"currency": "all"}))
        return tuple(rows.margin(row) for row in served)

    def wallet(self, request: FetchWallet) -> WalletPage:
        """Return one page of the wallets' history, newest first."""
        query = {
            "currency": "all",
            "count": WALLET_PAGE,
            "start": request.offset,
            "reverse": "true",
        }
        served = as_rows(self._client.get("/user/walletHistory", query))
        changes = [audit_rows.wallet_change(row) for row in served]
        return WalletPage(
            changes=tuple(change for change in changes if change is not None),
            rows=len(served),
            full=len(served) == WALLET_PAGE,
        )

    def find_order(self, request: FindOrder) -> Order | None:
        """Return the newest order with a clOrdID, or that of an order id; it may have ended."""
        number, own = request.cl_ord_id, "" if request.cl_ord_id else request.order_id
        named = {"orderID": own} if own else {"clOrdID": number}
        query = {"filter": encode(named), "count": _NAMESAKES, "reverse": "true"}
        for row in as_rows(self._client.get("/order", query)):
            if rows.belongs_to(row, own, number):
                return self._order(row)
        return None

    def candles(self, request: FetchCandles) -> tuple[Candle, ...]:
        """Return the closed bars that begin at or after the bar of `since`."""
        size = bins.size_for(request.timeframe)
        step = timedelta(minutes=size.minutes)
        end = bins.floor(request.since, request.timeframe) + step
        found: list[Bin] = []
        # A page may be short although more exist: only time tells that all has been served.
        while end <= self._clock.now():
            page = self._bins(request.symbol.ticker, size.name, end, found[-1:])
            if not page:
                break
            found += page
            end = page[-1].end + step
        return bins.candles(found, request.timeframe)

    def _bins(self, ticker: str, size: str, end: datetime, last: list[Bin]) -> list[Bin]:
        query = {
            "binSize": size,
            "partial": "false",
            "symbol": ticker,
            "count": BIN_PAGE,
            "reverse": "false",
            "startTime": format_time(end),
        }
        page: list[Bin] = []
        close = last[0].close if last else None
        newest = last[0].end if last else None
        for row in as_rows(self._client.get("/trade/bucketed", query)):
            item = market_rows.bin_of(row, close)
            if item is None or (newest is not None and item.end <= newest):
                continue  # before the first trade, or served twice
            page.append(item)
            close, newest = item.close, item.end
        return page

    # ---- rows of instruments that may have to be looked up ----------------------------------

    def _order(self, row: Row) -> Order:
        self._known.know(rows.ticker_of(row))
        return rows.order(row, self._directory)

    def _executed(self, row: Row) -> Executed | None:
        try:
            return execution_rows.executed(row, self._directory)
        except ProtocolError as error:
            # One bad row must not keep the others from the books, nor be passed over.
            log.error("execution %s cannot be read: %s", rows.identity(row), error)
            return execution_rows.unreadable(row, str(error))

"""One way up for a market: at start, after F3 and after every break.

The script reads from top to bottom and waits wherever it says `yield`; the engine goes on with
other work meanwhile and sends the answer in. An error is thrown into it at the place where it
waits, ends it, and `failed` tells what to do next.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from common.domain.account import Account, Margin, PositionFigures
from common.domain.books import Books, Waiting
from common.domain.executions import Executed
from common.domain.instruments import Currency, Instrument, Symbol
from common.domain.orders import Order
from common.engine.desk import Desk
from common.engine.dispatch import Dispatch
from common.engine.glance import Glance
from common.engine.items import Booked, Reply
from common.engine.notices import NoticeBoard
from common.engine.ports import Gateway, Ledger
from common.engine.requests import (
    FetchAccount,
    FetchCurrencies,
    FetchInstruments,
    FetchMargins,
    FetchOpenOrders,
    FetchPositions,
    HistoryPage,
    ReadRows,
    Request,
)
from common.engine.state import MarketState
from common.errors import AccountChanged, TmaticError
from common.ledger.history import BEGINNING, CatchUp
from common.ledger.verify import lacking, position_differences

LOOKS = 3  # at positions, before a difference is looked into thoroughly


@dataclass(frozen=True, slots=True)
class Wait:
    """What the script waits for: a reply by its number, or a word for anything else."""

    what: int | str


BOOKS, BOOKED, STREAM = Wait("books"), Wait("booked"), Wait("stream")
Script = Generator[Wait, object, None]
Missing = Mapping[Symbol, str]  # a symbol of the settings that the exchange lacks -> so in words


class BringUp:
    """Runs the script for one market."""

    def __init__(
        self,
        state: MarketState,
        gateway: Gateway,
        ledger: Ledger,
        desk: Desk,
        dispatch: Dispatch,
        notices: NoticeBoard,
        *,
        now: Callable[[], datetime],
        later: Callable[[float, Callable[[], None]], None],
        first_date: Callable[[datetime | None], datetime | None],
        check: Callable[[Sequence[Instrument]], Missing],
        failed: Callable[[TmaticError], None],
        done: Callable[[], None],
        compared: Callable[[str], None],
        confirmed: bool = True,
    ) -> None:
        self._state = state
        self._gateway = gateway
        self._ledger = ledger
        self._desk = desk
        self._dispatch = dispatch
        self._notices = notices
        self._now = now
        self._first_date = first_date
        self._check = check
        self._failed = failed
        self._done = done
        self._compared = compared  # takes why books and exchange are in doubt, "" when they are not
        self._confirmed = confirmed  # a person has agreed to an account that is new here
        self._glance = Glance(
            gateway, desk.wire.listed, now=now, later=later, wanted=lambda: self._blind
        )
        self._blind = False  # no stream is to tell of the orders yet
        self._script: Script | None = None
        self._wait: Wait | None = None
        self._cursor: datetime | None = None
        self._wished: datetime | None = None  # from when on a person wants the history
        self._holes: Sequence[datetime] = ()  # executions that lack rows
        self._wallet_unknown = False  # nobody has said what some transactions of the wallet are
        self.session = 0
        self.step = ""

    @property
    def running(self) -> bool:
        """Whether the market is on its way up."""
        return self._script is not None

    @property
    def connecting(self) -> bool:
        """Whether the images of the stream are waited for."""
        return self._wait == STREAM

    def start(self) -> None:
        """Begin from the first line."""
        self.abandon()
        self._script = self._bring_up()
        self._resume(next)

    def abandon(self) -> None:
        """Forget where the script is."""
        if self._script is not None:
            self._script.close()
        self._script = None
        self._wait = None
        self._blind = False

    def replied(self, reply: Reply) -> bool:
        """Go on if the script waits for this reply; say whether it was asked for here."""
        if self._glance.replied(reply):
            return True
        if self._wait != Wait(reply.number):
            return False
        if reply.error is not None:
            self.throw(reply.error)
        else:
            self._send(reply.result)
        return True

    def books_opened(self, books: Books) -> None:
        """Go on with what the ledger knows."""
        if self._wait == BOOKS:
            self._send(books)

    def booked(self, item: Booked) -> None:
        """Go on after rows became durable."""
        if self._wait == BOOKED:
            self._send(item)

    def stream_ready(self) -> None:
        """Go on after every image of the stream has arrived."""
        if self._wait == STREAM:
            self._send(None)

    def throw(self, error: TmaticError) -> None:
        """End the script with an error, if it runs."""
        self._resume(lambda script: script.throw(error))

    def _send(self, value: object) -> None:
        self._resume(lambda script: script.send(value))

    def _resume(self, go_on: Callable[[Script], Wait]) -> None:
        script = self._script
        if script is None:
            return
        try:
            self._wait = go_on(script)
        except StopIteration:
            self.abandon()
            self._done()
        except TmaticError as error:
            self.abandon()
            self._failed(error)

    # ---- the script -----------------------------------------------------------------------

    def _bring_up(self) -> Script:
        yield from self._know_the_exchange()
        yield from self._open_books()
        if self._state.read_only:  # the other terminal books, and these are its orders
            yield from self._connect()
            yield from self._compare_orders()
            return
        since = yield from self._catch_up(self._wished)
        self._tell_holes(since)
        yield from self._connect()
        yield from self._catch_up(None)
        yield from self._compare_orders()
        yield from self._compare_positions()

    def _know_the_exchange(self) -> Script:
        self.step = "reading the instruments"
        currencies = yield from self._ask(FetchCurrencies())
        instruments = yield from self._ask(FetchInstruments(self._state.symbols))
        known = [i for i in _listed(instruments) if isinstance(i, Instrument)]
        self._skip(self._check(known))
        self._state.currencies = {c.code: c for c in _listed(currencies) if isinstance(c, Currency)}
        self._state.instruments |= {i.symbol: i for i in known}
        self._leave_out([i for i in known if i.ended])
        self.step = "asking for the account"
        account = yield from self._ask(FetchAccount())
        if isinstance(account, Account):
            self._know_the_account(account)

    def _skip(self, missing: Missing) -> None:
        """Do without symbols that the exchange does not have; the rest starts."""
        for symbol in self._state.symbols:
            if symbol in missing:
                self._notices.warning(f"{missing[symbol]}. It is left out")
        self._state.symbols = tuple(s for s in self._state.symbols if s not in missing)

    def _know_the_account(self, account: Account) -> None:
        known = self._state.account
        if known is not None and known.number != account.number:
            raise AccountChanged(
                f"the key belongs to account {account.number} now, it was {known.number}; "
                f"nothing is traded or booked. Press F3 to go on with {account.number}"
            )
        self._state.account = account

    def _leave_out(self, ended: Sequence[Instrument]) -> None:
        """Do without instruments that have ended; the rest starts."""
        gone = {i.symbol for i in ended} & set(self._state.symbols)
        self._state.symbols = tuple(s for s in self._state.symbols if s not in gone)
        for instrument in ended:
            if instrument.symbol in gone:
                self._notices.warning(
                    f"{instrument.symbol} is {instrument.state} and is left out; "
                    f"take {instrument.symbol.ticker} out of the settings"
                )

    def _open_books(self) -> Script:
        self.step = "opening the books"
        self._ledger.open(
            self._state.key, self._state.symbols, tuple(self._state.currencies.values())
        )
        self._blind = True
        self._glance.begin()
        books = yield BOOKS
        if not isinstance(books, Books):
            return
        if books.strangers and not self._confirmed:
            others = ", ".join(str(number) for number in books.strangers)
            raise AccountChanged(
                f"account {books.key.account} has no books in this database, which holds those of "
                f"{others}; nothing is traded or booked. Press F3 if this is the right account"
            )
        if books.strangers:  # agreed to: from now on it has books here
            self._ledger.book(self._state.key, (), self._first_date(None) or BEGINNING)
            yield BOOKED
        self._cursor = books.cursor
        self._wished = self._first_date(
            books.cursor
        )  # read before anything that is booked moves it
        self._holes, self._wallet_unknown = books.holes, books.wallet_unknown
        self._state.open_books(books)
        for warning in books.warnings:
            self._notices.warning(warning)
        for emi, robot in self._state.robots.items():
            if robot.problem:
                self._notices.error(f"{emi}: {robot.problem}")
        if books.read_only:
            return
        self._dispatch.arrange()
        self._desk.numbers.want()
        for intent in books.open_intents:
            self._desk.look_for(intent)
        if books.waiting:
            yield from self._try_once_more(tuple(books.waiting))

    def _try_once_more(self, waiting: tuple[Waiting, ...]) -> Script:
        """Book what could not be booked before; what still cannot blocks with its reason."""
        self.step = f"reading {len(waiting)} executions once more"
        found = yield from self._ask(ReadRows(waiting))
        executions = [each for each in _listed(found) if isinstance(each, Executed)]
        self._ledger.book(self._state.key, executions, None)
        yield BOOKED

    def _catch_up(self, configured: datetime | None) -> Generator[Wait, object, datetime]:
        """Book what the history has; return from when on it was read."""
        pages = CatchUp(configured, self._cursor, self._now())
        since = pages.since
        while (request := pages.next_request()) is not None:
            self.step = pages.progress
            page = yield from self._ask(request)
            if not isinstance(page, HistoryPage):
                return since
            fresh = pages.take(page)
            if fresh:
                self._ledger.book(self._state.key, fresh, pages.cursor)
                yield BOOKED
        self._cursor = max((at for at in (self._cursor, pages.cursor) if at), default=None)
        return since

    def _tell_holes(self, since: datetime) -> None:
        """Say which executions lack rows that reading the history from `since` cannot bring."""
        # Whether those after it are whole now, the verification finds: it reads the tables anew.
        told = lacking([at for at in self._holes if at < since])
        if told:
            self._notices.warning(told)

    def _connect(self) -> Script:
        self.step = "connecting the stream"
        self._blind = False
        self.session += 1
        self._gateway.connect(self.session, self._state.symbols, self._dispatch.tapes)
        self._dispatch.resume(self._now())
        yield STREAM

    def _compare_orders(self) -> Script:
        self.step = "comparing the orders"
        asked_at = self._now()
        orders = yield from self._ask(FetchOpenOrders())
        self._desk.wire.listed(_orders(orders), asked_at)

    def _compare_positions(self) -> Script:
        """Compare positions and margin; what still differs after a few looks holds LIVE back."""
        differ = True
        for _ in range(LOOKS):
            self.step = "comparing positions and margin"
            figures = _listed((yield from self._ask(FetchPositions())))
            positions = [each for each in figures if isinstance(each, PositionFigures)]
            differ = any(position_differences(positions, self._state.balances.values()))
            if not differ:
                break
            yield from self._catch_up(None)
        margins = _listed((yield from self._ask(FetchMargins())))
        self._state.margins |= {m.currency: m for m in margins if isinstance(m, Margin)}
        unknown = "the wallet has transactions of an unknown type" if self._wallet_unknown else ""
        self._compared("positions differ" if differ else unknown)

    def _ask(self, request: Request) -> Generator[Wait, object, object]:
        return (yield Wait(self._gateway.request(request)))


def _listed(value: object) -> tuple[object, ...]:
    return tuple(value) if isinstance(value, (list, tuple)) else ()


def _orders(value: object) -> list[Order]:
    return [item for item in _listed(value) if isinstance(item, Order)]

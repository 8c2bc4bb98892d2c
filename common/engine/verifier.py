"""Compares books, exchange and screen again and again, without ever holding anything up.

A look asks the exchange, then the tables, then compares. It counts only if nothing was booked and
no order was under way meanwhile; a difference counts only if the next look finds the very same
figures. Then it blocks trading until a later look finds none, and everything is read again once:
what this terminal has merely missed heals by that.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

from common.domain.account import Margin, PositionFigures, WalletPage
from common.domain.executions import Executed
from common.domain.instruments import Category, Symbol
from common.domain.orders import Order, Phase
from common.domain.verification import (
    BooksRead,
    Difference,
    ExchangeTruth,
    Frame,
    Memory,
    OpenOrder,
    Verification,
)
from common.engine.items import LedgerRead, Reply
from common.engine.notices import NoticeBoard
from common.engine.orders import LiveOrder
from common.engine.ports import Gateway, Ledger
from common.engine.requests import (
    FetchHistory,
    FetchMargins,
    FetchOpenOrders,
    FetchPositions,
    HistoryPage,
    Request,
)
from common.engine.state import MarketState
from common.errors import TmaticError
from common.ledger.history import BEGINNING, CatchUp
from common.ledger.verify import check
from common.ledger.verify_money import base_legs
from common.ledger.wallet import WalletWalk

FIRST_AFTER = 3.0  # seconds after the market came up
INTERVAL = 300.0  # seconds between two looks that found nothing
AGAIN_AFTER = 2.0  # seconds until a difference is looked at a second time
DIFFERING_INTERVAL = 30.0  # seconds between looks while there is a difference
BUSY_AFTER, MOST_TRIES = 1.0, 30  # seconds until the next try, tries until the usual interval
FAILED_AFTER = 60.0  # seconds after the exchange could not be asked
FIRST_SPAN, USUAL_SPAN = timedelta(days=1), timedelta(hours=1)  # of executions compared one by one
THOROUGH_EVERY = 12  # looks
TOLD = 5  # differences told one by one

_BOOKS = "books"
Script = Generator[int | str, object, tuple[Difference, ...]]
Item = TypeVar("Item")


class Verifier:
    """Looks after one market. `whole` compares every execution there ever was, at once."""

    def __init__(
        self,
        state: MarketState,
        gateway: Gateway,
        ledger: Ledger,
        notices: NoticeBoard,
        *,
        later: Callable[[float, Callable[[], None]], None],
        now: Callable[[], datetime],
        ready: Callable[[], bool],
        heal: Callable[[], None],
        whole: bool = False,
    ) -> None:
        self.status = Verification()
        self.interval = INTERVAL  # seconds between two looks that found nothing
        self.doubted = False  # positions differed as the market came up: nothing may be traded yet
        self._state = state
        self._gateway = gateway
        self._ledger = ledger
        self._notices = notices
        self._later = later
        self._now = now
        self._ready = ready
        self._heal = heal
        self._whole = whole
        self._script: Script | None = None
        self._wait: int | str | None = None
        self._token = 0
        self._timer = 0  # number of the newest timer; older ones have no effect
        self._bookings = 0  # grows with every row booked
        self._booked_before = 0  # as the look began
        self._tries = 0
        self._asked = False  # a person waits for the outcome
        self._span = FIRST_SPAN
        self._looks = 0  # since the last thorough one
        self._suspected: frozenset[Difference] = frozenset()
        self._wallet = WalletWalk()
        self._first: datetime | None = None  # of the account's executions
        self._executions = 0

    # ---- what others tell and ask -----------------------------------------------------------

    @property
    def problem(self) -> str:
        """Why trading must wait, "" while books and exchange agree."""
        blocking = [each for each in self.status.differences if each.blocks]
        if not blocking:
            return ""
        more = f" (and {len(blocking) - 1} more)" if len(blocking) > 1 else ""
        return f"BOOKS DIFFER: {blocking[0].text}{more}"

    def expected_controls(self) -> dict[str, int]:
        """Return currency -> what CONTROL must be: net deposits as last told by the wallet.

        What spot trades brought is in the wallet and, where no row of `coins` counts it, not in
        RESULT: it is added here.
        """
        legs = base_legs(self._state.balances.values(), self._frame().bases)
        return {c: sums.external + legs.get(c, 0) for c, sums in self._wallet.sums.items()}

    def look_soon(self) -> None:
        """Look now instead of at the end of the interval, unless one is under way."""
        if self._script is None:
            self._schedule(0.0)

    def came_up(self) -> None:
        """The market is up: look soon."""
        self._schedule(0.0 if self._whole or self.doubted else FIRST_AFTER)

    def doubt(self, differ: bool) -> None:
        """Take whether positions differed from the books as the market came up."""
        self.doubted = differ

    def fell(self) -> None:
        """The market is down: nothing of the present look will be answered."""
        self._abandon()

    def asked(self) -> None:
        """A person wants to know now."""
        self._asked = True
        self._span = FIRST_SPAN
        if self._script is None:
            self._tick(self._new_timer())

    def booked(self, rows: int) -> None:
        """Rows became durable."""
        self._bookings += rows

    def replied(self, reply: Reply) -> bool:
        """Go on if the look waits for this reply; say whether it was the look's."""
        if self._script is None or self._wait != reply.number:
            return False
        if reply.error is not None:
            self._failed(reply.error)
        else:
            self._resume(reply.result)
        return True

    def books_read(self, item: LedgerRead) -> None:
        """Go on with what the tables hold."""
        if self._wait == _BOOKS and item.token == self._token:
            self._resume(item.books)

    # ---- one look after another -------------------------------------------------------------

    def _new_timer(self) -> int:
        self._timer += 1
        return self._timer

    def _schedule(self, delay: float) -> None:
        timer = self._new_timer()
        self._later(delay, lambda: self._tick(timer))

    def _tick(self, timer: int) -> None:
        if timer != self._timer or self._script is not None:
            return
        if not self._ready():
            if self._asked:
                self._asked = False
                market = self._state.market
                self._notices.warning(f"{market}: the books are verified once the market is up")
            return  # `came_up` will look again
        self._booked_before = self._bookings
        self.status = replace(self.status, running=True)
        self._script = self._look()
        self._resume(None)

    def _resume(self, value: object) -> None:
        script = self._script
        if script is None:
            return
        try:
            self._wait = script.send(value)
        except StopIteration as end:
            self._abandon()
            self._judge(end.value)
        except TmaticError as error:
            self._failed(error)

    def _abandon(self) -> None:
        if self._script is not None:
            self._script.close()
        self._script = self._wait = None
        self.status = replace(self.status, running=False)

    def _failed(self, error: TmaticError) -> None:
        self._abandon()
        finished = self.status.finished + 1
        self.status = replace(self.status, problem=str(error), finished=finished)
        if self._asked:
            self._asked = False
            self._notices.warning(f"the books could not be verified: {error}")
        self._schedule(FAILED_AFTER)

    def _judge(self, differences: tuple[Difference, ...]) -> None:
        if self._bookings != self._booked_before or any(_under_way(o) for o in self._state.orders):
            self._try_again(BUSY_AFTER)
            return
        confirmed = tuple(each for each in differences if each in self._suspected)
        self._suspected = frozenset(differences)
        if differences and not confirmed:
            self._wallet.forget()  # the second look trusts nothing that the first one has read
            self._try_again(AGAIN_AFTER)
            return
        self._tries = 0
        self.doubted = False
        known = self.status.differences
        self._tell(confirmed)
        self.status = replace(
            self.status,
            at=self.status.at if any(each.blocks for each in confirmed) else self._now(),
            executions=self._executions,
            differences=confirmed,
            finished=self.status.finished + 1,
            problem="",
        )
        self._asked = False
        self._looks = 0 if self._span == FIRST_SPAN else self._looks + 1
        # Adding up all rows may take seconds, in which nothing is booked: seldom.
        self._span = FIRST_SPAN if confirmed or self._looks >= THOROUGH_EVERY else USUAL_SPAN
        self._schedule(DIFFERING_INTERVAL if confirmed else self.interval)
        if not self._whole and any(each.blocks and each not in known for each in confirmed):
            self._heal()

    def _try_again(self, delay: float) -> None:
        self._tries += 1
        if self._tries >= MOST_TRIES:
            self._tries = 0
            delay = self.interval
        self._schedule(delay)

    def _tell(self, confirmed: tuple[Difference, ...]) -> None:
        """Say what is new in the information panel."""
        known = self.status.differences
        fresh = [each for each in confirmed if each not in known]
        for each in fresh[:TOLD]:
            if each.blocks:
                self._notices.error(f"BOOKS DIFFER: {each.text}")
            else:
                self._notices.warning(f"the books begin later than the account: {each.text}")
        if len(fresh) > TOLD:
            self._notices.error(f"BOOKS DIFFER: {len(fresh) - TOLD} more differences")
        if not confirmed and (known or self._asked):
            self._notices.info(f"books verified: {self._executions:,} executions, 0 differences")

    # ---- one look ---------------------------------------------------------------------------

    def _look(self) -> Script:
        since = BEGINNING if self._whole else self._now() - self._span
        positions = _only(PositionFigures, (yield from self._ask(FetchPositions())))
        margins = _only(Margin, (yield from self._ask(FetchMargins())))
        yield from self._read_wallet()
        asked_at = self._now()
        orders = _only(Order, (yield from self._ask(FetchOpenOrders())))
        shown, passed_over = self._shown_orders(asked_at)
        executions = yield from self._read_history(since)
        first = yield from self._read_first()
        books = yield from self._read_books(since)
        self._executions = books.executions
        truth = ExchangeTruth(
            since, executions, first, positions, margins, self._wallet.sums, orders
        )
        balances = tuple(replace(each) for each in self._state.balances.values())
        return check(truth, books, Memory(balances, shown, passed_over), self._frame())

    def _ask(self, request: Request) -> Generator[int | str, object, object]:
        return (yield self._gateway.request(request))

    def _read_wallet(self) -> Generator[int | str, object, None]:
        self._wallet.begin()
        while (request := self._wallet.next_request()) is not None:
            page = yield from self._ask(request)
            if isinstance(page, WalletPage):
                self._wallet.take(page)

    def _read_history(self, since: datetime) -> Generator[int | str, object, tuple[Executed, ...]]:
        pages = CatchUp(None if since == BEGINNING else since, None, self._now())
        found: dict[str, Executed] = {}
        while (request := pages.next_request()) is not None:
            page = yield from self._ask(request)
            if isinstance(page, HistoryPage):
                for execution in pages.take(page):
                    found[execution.exec_id] = replace(execution, raw="", text="")
        return tuple(found.values())

    def _read_first(self) -> Generator[int | str, object, datetime | None]:
        if self._first is None:
            page = yield from self._ask(FetchHistory(BEGINNING, 0))
            if isinstance(page, HistoryPage):
                self._first = min((e.at for e in page.executions), default=None)
        return self._first

    def _read_books(self, since: datetime) -> Generator[int | str, object, BooksRead]:
        self._token += 1
        every_row = self._whole or self._span == FIRST_SPAN
        self._ledger.read(self._state.key, since, self._token, every_row)
        answer = yield _BOOKS
        if not isinstance(answer, BooksRead):
            raise TypeError(f"the ledger answered with {type(answer).__name__}")
        return answer

    def _shown_orders(self, asked_at: datetime) -> tuple[tuple[OpenOrder, ...], frozenset[str]]:
        """Return the orders shown, and those that changed after the exchange was asked."""
        orders = [order for order in self._state.orders if order.order_id]
        changed = [o.order_id for o in orders if o.at > asked_at or _under_way(o)]
        return tuple(_open_order(order) for order in orders), frozenset(changed)

    def _frame(self) -> Frame:
        wallets = {currency.major: code for code, currency in self._state.currencies.items()}
        bases: dict[Symbol, str] = {
            symbol: wallets[instrument.base_currency]
            for symbol, instrument in self._state.instruments.items()
            if symbol.category is Category.SPOT and instrument.base_currency in wallets
        }
        scales = {code: currency.scale for code, currency in self._state.currencies.items()}
        return Frame(scales, bases)


def _under_way(order: LiveOrder) -> bool:
    pending = order.phase in (Phase.PENDING, Phase.UNKNOWN)
    return pending or order.amending is not None or order.cancel_sent


def _open_order(order: LiveOrder) -> OpenOrder:
    return OpenOrder(
        order.order_id,
        order.emi,
        order.symbol,
        order.side,
        order.price,
        order.quantity,
        order.leaves,
    )


def _only(kind: type[Item], value: object) -> tuple[Item, ...]:
    found = value if isinstance(value, tuple) else ()
    return tuple(each for each in found if isinstance(each, kind))

"""What the engine needs from others.

An exchange is whatever satisfies `Gateway`; the books are whatever satisfies `Ledger`; bots run in
whatever satisfies `BotRunner`. None of them ever blocks the engine: they take a request and put
the outcome into the inbox later.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from common.domain.account import WalletChange
from common.domain.books import AccountKey, Intent
from common.domain.bot_form import BotForm
from common.domain.bot_story import BotKey
from common.domain.bots import BotLine, OnStop
from common.domain.executions import Executed, Network
from common.domain.instruments import Currency, Symbol
from common.domain.market import Book, Candle, RequestsLeft, Ticker
from common.domain.reports import Period
from common.engine.bot_items import BotAnswer, BotCall, RobotView
from common.engine.items import Message, RawText
from common.engine.requests import Request
from common.engine.snapshot import Snapshot


class Inbox(Protocol):
    """Where every other thread leaves something for the engine. Bounded: `put` may wait."""

    def put(self, item: object) -> None:
        """Add one of the items of this module."""


class Gateway(Protocol):
    """One exchange account. `receive`, `ticker` and `book` are the engine's thread only."""

    market: str
    network: Network
    endpoint: str  # host for the screen, without credentials

    def start(self, inbox: Inbox) -> None:
        """Start the REST threads. Called once."""

    def request(self, request: Request) -> int:
        """Queue a request and return its number; the `Reply` comes to the inbox."""

    def connect(self, session: int, symbols: Sequence[Symbol], tapes: Collection[Symbol]) -> None:
        """Open a stream session for `symbols`, with public trades of those in `tapes`.

        A former session is closed; its late messages carry its own number.
        """

    def disconnect(self) -> None:
        """Close the stream session, if any, without a `StreamClosed`."""

    def receive(self, item: RawText) -> Sequence[Message]:
        """Decode a message of the present session. ProtocolError when it cannot be understood."""

    def ticker(self, symbol: Symbol) -> Ticker:
        """What the stream last said of an instrument."""

    def book(self, symbol: Symbol) -> Book:
        """The order book as last streamed (one level each side with depth "quote")."""

    def trouble(self) -> str:
        """Return why the prices are not those of now, in words; "" while they are."""

    def requests_left(self) -> RequestsLeft | None:
        """How many requests the exchange takes now; None where nobody counts."""

    def clock_offset(self) -> float:
        """Seconds that the exchange's clock is ahead of the local one."""

    def stop(self) -> None:
        """End all threads; waits until they are gone."""


class Ledger(Protocol):
    """The books. Every method only queues a job, in order; outcomes come to the inbox."""

    def start(self, inbox: Inbox) -> None:
        """Start the ledger thread, which connects and creates or migrates the tables."""

    def open(
        self, key: AccountKey, symbols: Sequence[Symbol], currencies: Sequence[Currency]
    ) -> None:
        """Load robots and balances of an account -> LedgerOpened."""

    def book(
        self, key: AccountKey, executions: Sequence[Executed], cursor: datetime | None
    ) -> None:
        """Write executions, each once, and the cursor with them -> Booked."""

    def reserve_numbers(self, market: str, count: int) -> None:
        """Take a block of clOrdID numbers -> NumbersReserved."""

    def write_intent(self, key: AccountKey, intent: Intent) -> None:
        """Make an order request durable -> IntentWritten."""

    def settle_intent(
        self, key: AccountKey, cl_ord_id: str, outcome: str, order_id: str, verb: str = "POST"
    ) -> None:
        """Record what became of an intent: ACCEPTED, REFUSED or NOT_PLACED."""

    def save_status(self, market: str, emi: str, work: bool) -> None:
        """Keep WORK/OFF of a bot over restarts."""

    def save_policy(self, market: str, emi: str, on_stop: OnStop) -> None:
        """Keep what becomes of a bot's orders when it is stopped."""

    def save_bot(self, market: str, form: BotForm, new: bool, event: int) -> None:
        """Write what a person says of a bot -> BotSaved."""

    def delete_bot(self, market: str, emi: str, event: int) -> None:
        """Take a bot out of the settings -> BotDeleted."""

    def read(self, key: AccountKey, since: datetime, token: int, every_row: bool) -> None:
        """Read the tables for a comparison with the exchange -> LedgerRead.

        every_row: add up all rows, which takes seconds where there are millions; else what is kept
        of the older ones is trusted.
        """

    def keep_wallet(self, key: AccountKey, changes: Sequence[WalletChange]) -> None:
        """Keep transactions of the wallet whose type nobody knows; `read` tells of them."""

    def finish(self) -> None:
        """Carry out the queued jobs and end; nothing more is asked for. Returns at once."""

    def stop(self) -> None:
        """Finish, and wait until it has ended."""


class BotRunner(Protocol):
    """Runs strategies outside the process of the terminal."""

    def start(self, inbox: Inbox) -> None:
        """Remember where outcomes go."""

    def load(self, views: Sequence[RobotView], history: dict[str, Sequence[Candle]]) -> None:
        """End all workers and start one for each view -> BotLoaded. history: emi -> closed bars."""

    def start_bot(self, call: BotCall) -> None:
        """Start a worker for a bot -> BotLoaded. `call` has every closed bar up to now.

        A worker that the bot has goes on until the new one is ready; then the new one has been
        tried with `call` first, without orders.
        """

    def note(self, emi: str, line: BotLine) -> None:
        """Write a line into the file of a bot's log."""

    def end_bot(self, emi: str) -> None:
        """End the worker of a bot, if it has one; nothing more is heard of it."""

    def call(self, emi: str, call: BotCall) -> bool:
        """Hand a closed bar to the bot's worker; False while the last call has not returned."""

    def answer(self, emi: str, call: int, answer: BotAnswer) -> None:
        """Answer a `BotOrder`."""

    def stop(self) -> None:
        """End every worker."""


class Reports(Protocol):
    """Reads the books beside the ledger. Methods only queue; outcomes come to the inbox."""

    def start(self, inbox: Inbox) -> None:
        """Start the thread. Called once."""

    def read(self, keys: Sequence[AccountKey], period: Period) -> None:
        """Sum the books of these accounts by period -> ReportReady or ReportFailed."""

    def tell(self, key: BotKey) -> None:
        """Read the rows of a bot -> StoryReady or ReportFailed."""

    def export(self, snapshot: Snapshot, keys: Sequence[AccountKey]) -> None:
        """Write what a snapshot shows, and the books, as CSV files -> Exported or ReportFailed."""

    def stop(self) -> None:
        """End the thread; work under way is left unfinished."""


class Clock(Protocol):
    """Time for the engine."""

    def now(self) -> datetime:
        """Wall time, aware UTC."""

    def monotonic(self) -> float:
        """Seconds that never go back."""

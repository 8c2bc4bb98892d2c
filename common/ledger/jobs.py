"""What the ledger thread is asked to do: one value per call of the `Ledger` port."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from common.domain.account import WalletChange
from common.domain.books import AccountKey, Entry, Intent
from common.domain.bot_form import BotForm
from common.domain.bots import OnStop
from common.domain.executions import Executed
from common.domain.instruments import Symbol


@dataclass(slots=True)
class Open:
    """Load the books of an account."""

    key: AccountKey
    symbols: Sequence[Symbol]
    scales: dict[str, int]  # currency -> decimal places


@dataclass(slots=True)
class Book:
    """Write executions and the cursor.

    `in_doubt` are ids whose commit was begun before: the database may have them already although
    nobody was told, so their rows are read back and reported as if they were written now. Of those
    that only lacked rows, it is what they lacked that is reported.

    `all_new`: none of them is expected in the journal. Then it is not asked; its primary key tells
    where that was wrong, and the job is carried out again, asking.
    """

    key: AccountKey
    executions: Sequence[Executed]
    cursor: datetime | None
    in_doubt: dict[str, tuple[Entry, ...]] = field(default_factory=dict)
    all_new: bool = False


@dataclass(slots=True)
class ReserveNumbers:
    """Take a block of order numbers."""

    market: str
    count: int


@dataclass(slots=True)
class WriteIntent:
    """Make an order request durable."""

    key: AccountKey
    intent: Intent
    tried: bool = False  # a commit was begun: the row may be there


@dataclass(slots=True)
class SettleIntent:
    """Record what became of an intent."""

    key: AccountKey
    cl_ord_id: str
    outcome: str
    order_id: str
    verb: str = "POST"  # of the intents that are meant


@dataclass(slots=True)
class KeepWallet:
    """Keep transactions of the wallet whose type nobody knows."""

    key: AccountKey
    changes: Sequence[WalletChange]


@dataclass(slots=True)
class SaveStatus:
    """Keep WORK or OFF of a bot."""

    market: str
    emi: str
    work: bool


@dataclass(slots=True)
class SavePolicy:
    """Keep what becomes of a bot's orders when it is stopped."""

    market: str
    emi: str
    on_stop: OnStop


@dataclass(slots=True)
class SaveBot:
    """Write what a person says of a bot."""

    market: str
    form: BotForm
    new: bool
    event: int


@dataclass(slots=True)
class DeleteBot:
    """Take a bot out of the settings."""

    market: str
    emi: str
    event: int


@dataclass(slots=True)
class Read:
    """Tell what the tables hold of an account."""

    key: AccountKey
    since: datetime
    token: int
    every_row: bool  # add up all rows; else trust what is kept of the older ones


@dataclass(slots=True)
class Stop:
    """End the thread after everything before."""


Job = (
    Open
    | Book
    | ReserveNumbers
    | WriteIntent
    | SettleIntent
    | KeepWallet
    | SaveStatus
    | SavePolicy
    | SaveBot
    | DeleteBot
    | Read
    | Stop
)

"""What reaches the supervisor of the workers, from the engine and from their pipes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bots import channel
from bots.process import WorkerProcess
from common.domain.market import Candle
from common.engine.bot_items import BotAnswer, BotCall, RobotView
from common.errors import StrategyError

_INIT_PART = 6  # of the time for loading: what is left must do for the bot's own strategy


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds of one call and of loading; bytes of memory."""

    budget: float
    load_budget: float
    memory: int

    @property
    def init(self) -> float:
        """Seconds that algo/init.py may take from a bot that does not need it."""
        return self.load_budget / _INIT_PART

    def too_long(self, place: str, *, loading: bool = False) -> str:
        """Say that a call or the loading took longer than its budget, and where it was."""
        at = f"; it was at {place}" if place else ""
        if loading:
            return f"not loaded within {self.load_budget:g} s{at}"
        return f"did not return within {self.budget:g} s{at}"


class Batch:
    """The bots of one `load`. `free` holds those that can be called: the engine's thread takes
    one out, the supervisor puts it back; each step is one atomic operation of a set.
    """

    def __init__(self, emis: Iterable[str]) -> None:
        self.emis = dict.fromkeys(emis)  # in order; the supervisor's once it has the batch
        self.free: set[str] = set()
        self.retired = False  # another batch was asked for: nobody wants to hear of this one


@dataclass(frozen=True, slots=True)
class Load:
    """Replace all workers."""

    batch: Batch
    views: tuple[RobotView, ...]
    history: dict[str, Sequence[Candle]]
    algo: Path | None


@dataclass(frozen=True, slots=True)
class Start:
    """Start a worker for one bot; one that it has goes on until the new one is ready."""

    batch: Batch
    call: BotCall  # with every closed bar


@dataclass(frozen=True, slots=True)
class End:
    """End the workers of a bot that is gone."""

    batch: Batch
    emi: str


@dataclass(frozen=True, slots=True)
class CodeChanged:
    """Strategy files were saved."""

    digests: Mapping[str, str]  # path -> digest of every module of the folder


@dataclass(frozen=True, slots=True)
class Call:
    """Call a bot's strategy."""

    batch: Batch
    emi: str
    call: BotCall


@dataclass(frozen=True, slots=True)
class Answer:
    """The engine's answer to an order call."""

    emi: str
    number: int
    answer: BotAnswer


@dataclass(frozen=True, slots=True)
class Heard:
    """A message of a worker; None: its pipe has closed."""

    worker: WorkerProcess
    message: channel.FromWorker | StrategyError | None
    at: float  # monotonic seconds, when it came out of the pipe


@dataclass(frozen=True, slots=True)
class Stop:
    """End everything."""


Event = Load | Start | End | CodeChanged | Call | Answer | Heard | Stop

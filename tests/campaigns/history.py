"""What is true of every history of orders, I-19 to I-25, checked over its recorded events.

Pure: `check` takes the events of one account in the order in which they happened and returns what
they violate, by invariant. Where an event comes from does not matter; the tests write them by hand.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

GRACE = 0.05  # seconds after a switch within which the last byte may be written
PER_MINUTE = 120.0  # requests of all kinds but cancels, in a bucket that refills continuously
PER_SECOND = 10.0  # requests for orders
OPEN_PER_SYMBOL = 200
LONGEST_WAY = 5.0  # seconds from a wish to the socket
LONGEST_NAME = 36  # characters of a clOrdID
ORDERS = ("POST", "PUT")
ENDED = ("ACCEPTED", "REFUSED", "NOT_PLACED")


@dataclass(frozen=True)
class Event:
    """Something happened at `at` (seconds since the beginning of the history)."""

    at: float


@dataclass(frozen=True)
class Started(Event):
    """A process of the terminal begins; F9 is OFF."""


@dataclass(frozen=True)
class Ended(Event):
    """The process is gone. Not clean: it was killed."""

    clean: bool


@dataclass(frozen=True)
class Switched(Event):
    """F9."""

    on: bool
    entries: bool = True  # False: only what reduces a position may leave


@dataclass(frozen=True)
class BotSwitched(Event):
    """A bot works, or is OFF."""

    emi: str
    on: bool


@dataclass(frozen=True)
class Health(Event):
    """Whether the terminal calls the market LIVE."""

    live: bool


@dataclass(frozen=True)
class Minted(Event):
    """A number was given to a wish; its intent is on the way to the database."""

    name: str
    verb: str


@dataclass(frozen=True)
class Kept(Event):
    """The intent of a request is durable."""

    name: str
    verb: str


@dataclass(frozen=True)
class Sent(Event):
    """The bytes of a request were written to the exchange's socket."""

    verb: str
    path: str
    name: str = ""  # clOrdID, of requests for orders
    bot: str = ""  # EMI of the bot whose strategy asked; "": a person did
    click: int | None = None  # number of the click that asked for the order
    reach: int = 0  # contracts that the bot's position could have at the most, in its direction
    limit: int = 0  # contracts that the bot may have


@dataclass(frozen=True)
class Asked(Event):
    """A strategy has called for an order and waits."""

    emi: str
    call: int


@dataclass(frozen=True)
class Told(Event):
    """A strategy got its answer."""

    emi: str
    call: int


@dataclass(frozen=True)
class DeadMan(Event):
    """The exchange was asked to cancel all in `seconds`; 0: to forget it."""

    seconds: float


@dataclass(frozen=True)
class Quiet(Event):
    """The exchange has behaved for a minute: everything has to be settled.

    here, there: what the terminal and the exchange call open. ever: clOrdID -> how many orders the
    exchange ever had of it. foreign: clOrdIDs that somebody else has used. intents: (clOrdID, verb,
    state) as the database has them.
    """

    here: frozenset[tuple[object, ...]]
    there: frozenset[tuple[object, ...]]
    ever: Mapping[str, int]
    foreign: frozenset[str] = frozenset()
    intents: tuple[tuple[str, str, str], ...] = ()
    most_open: int = 0  # orders that were ever open together in one symbol


def mirror(events: Sequence[Event]) -> Iterator[str]:
    """I-19: at a quiet point the terminal's open orders are the exchange's."""
    for event in events:
        if isinstance(event, Quiet) and event.here != event.there:
            here, there = event.here - event.there, event.there - event.here
            yield f"{_at(event)}: only here {set(here)}, only at the exchange {set(there)}"


def at_most_once(events: Sequence[Event]) -> Iterator[str]:
    """I-20: a clOrdID is sent once, makes one order at most, and none without a durable intent."""
    kept, sent = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for event in events:
        if isinstance(event, Kept):
            kept[event.name, event.verb] += 1
        elif isinstance(event, Sent) and event.verb in ORDERS and event.name:
            key = (event.name, event.verb)
            sent[key] += 1
            if event.verb == "POST" and sent[key] > 1:
                yield f"{_at(event)}: {event.name} was sent {sent[key]} times"
            elif sent[key] > kept[key]:
                yield f"{_at(event)}: {event.verb} {event.name} left before its intent was durable"
        elif isinstance(event, Quiet):
            for name, count in event.ever.items():
                if count > 1:
                    yield f"{_at(event)}: {count} orders of {name}"


def no_unknown_left(events: Sequence[Event]) -> Iterator[str]:
    """I-21: every intent has an end, and the right one; every call of a strategy has one answer."""
    waiting: Counter[tuple[str, int]] = Counter()
    for event in events:
        if isinstance(event, Asked):
            waiting[event.emi, event.call] += 1
        elif isinstance(event, Told):
            waiting[event.emi, event.call] -= 1
            if waiting[event.emi, event.call] < 0:
                yield f"{_at(event)}: call {event.call} of {event.emi} was answered again"
        elif isinstance(event, Ended):
            waiting.clear()  # the strategies end with the process
        elif isinstance(event, Quiet):
            yield from _unanswered(event, waiting)
            yield from _wrong_ends(event)


def _unanswered(event: Quiet, waiting: Counter[tuple[str, int]]) -> Iterator[str]:
    for (emi, call), count in waiting.items():
        if count > 0:
            yield f"{_at(event)}: call {call} of {emi} was never answered"


def _wrong_ends(event: Quiet) -> Iterator[str]:
    for name, verb, state in event.intents:
        exists = event.ever.get(name, 0) > 0 and name not in event.foreign
        if state not in ENDED:
            yield f"{_at(event)}: the intent {verb} {name} has no end ({state})"
        elif verb == "POST" and exists != (state == "ACCEPTED"):
            have = "has" if exists else "has not"
            yield f"{_at(event)}: {name} is {state} in the books, and the exchange {have} its order"


@dataclass
class _Gate:
    """What allows a bot's order, and since when it does not."""

    closed_since: dict[str, float] = field(default_factory=lambda: {"F9": 0.0, "health": 0.0})

    def note(self, what: str, at: float, *, opened: bool) -> None:
        if opened:
            self.closed_since.pop(what, None)
        else:
            self.closed_since.setdefault(what, at)

    def closed(self, at: float, emi: str) -> list[str]:
        names = ("F9", "health", f"bot {emi}")
        return [w for w in names if w in self.closed_since and at > self.closed_since[w] + GRACE]


def gated(events: Sequence[Event]) -> Iterator[str]:
    """I-22: no bot's order leaves while F9 or the bot is OFF or the market not LIVE.

    And a click sends one order at most.
    """
    gate, clicks = _Gate(), Counter[int]()
    for event in events:
        if isinstance(event, Started):
            gate.note("F9", event.at, opened=False)
            gate.note("health", event.at, opened=False)
        elif isinstance(event, Switched):
            gate.note("F9", event.at, opened=event.on)
            gate.note("entries", event.at, opened=event.entries)
        elif isinstance(event, BotSwitched):
            gate.note(f"bot {event.emi}", event.at, opened=event.on)
        elif isinstance(event, Health):
            gate.note("health", event.at, opened=event.live)
        elif isinstance(event, Sent) and event.verb in ORDERS and event.name:
            if event.bot and (closed := gate.closed(event.at, event.bot)):
                yield f"{_at(event)}: {event.verb} {event.name} left, closed: {', '.join(closed)}"
            if event.click is not None and event.verb == "POST":
                clicks[event.click] += 1
                if clicks[event.click] > 1:
                    yield f"{_at(event)}: click {event.click} sent {clicks[event.click]} orders"


def in_time(events: Sequence[Event]) -> Iterator[str]:
    """No order and no amendment leaves long after it was wished for: the price may have moved."""
    minted: dict[tuple[str, str], float] = {}
    for event in events:
        if isinstance(event, Minted):
            minted[event.name, event.verb] = event.at
        elif isinstance(event, Sent) and event.verb in ORDERS:
            age = event.at - minted.get((event.name, event.verb), event.at)
            if age > LONGEST_WAY + GRACE:
                yield f"{_at(event)}: {event.verb} {event.name} left {age:.1f} s after its wish"


class _Bucket:
    """Requests that may be made: refills continuously."""

    def __init__(self, size: float, seconds: float) -> None:
        self._size, self._rate = size, size / seconds
        self._left, self._at = size, 0.0

    def take(self, at: float) -> bool:
        self._left = min(self._size, self._left + (at - self._at) * self._rate) - 1.0
        self._at = at
        return self._left > -0.001


def limited(events: Sequence[Event]) -> Iterator[str]:
    """I-23: request limits, open orders of a symbol, and how far a bot's position may reach.

    Cancels are never held back; a new process learns from the first answers what is left.
    """
    minute, second = _Bucket(PER_MINUTE, 60.0), _Bucket(PER_SECOND, 1.0)
    exits_since: float | None = None
    for event in events:
        if isinstance(event, Started):
            minute, second = _Bucket(PER_MINUTE, 60.0), _Bucket(PER_SECOND, 1.0)
        elif isinstance(event, Switched):
            closed = event.on and not event.entries
            exits_since = (event.at if exits_since is None else exits_since) if closed else None
        elif isinstance(event, Sent):
            spends = event.verb != "DELETE" and not event.path.endswith("cancelAllAfter")
            if spends and not minute.take(event.at):
                yield f"{_at(event)}: more than {PER_MINUTE:.0f} requests a minute"
            if spends and event.verb in ORDERS and not second.take(event.at):
                yield f"{_at(event)}: more than {PER_SECOND:.0f} orders a second"
            yield from _too_far(event, exits_since)
        elif isinstance(event, Quiet) and event.most_open > OPEN_PER_SYMBOL:
            yield f"{_at(event)}: {event.most_open} orders were open in one symbol"


def _too_far(event: Sent, exits_since: float | None) -> Iterator[str]:
    if not event.bot or event.verb not in ORDERS:
        return
    if event.reach > event.limit:
        yield f"{_at(event)}: {event.name} reaches {event.reach} of {event.limit} contracts"
    if exits_since is not None and event.at > exits_since + GRACE and event.reach > 0:
        yield f"{_at(event)}: {event.name} enters {event.reach} contracts on EXITS ONLY"


def unique_numbers(events: Sequence[Event]) -> Iterator[str]:
    """I-24: numbers grow over restarts and are never given twice; names fit."""
    last = 0
    for event in events:
        if isinstance(event, Minted) and event.verb == "POST":
            number = int(event.name.partition(".")[0])
            if number <= last:
                yield f"{_at(event)}: the number {number} came after {last}"
            last = max(last, number)
            if len(event.name) > LONGEST_NAME:
                yield f"{_at(event)}: {event.name} has {len(event.name)} characters"


def dead_man(events: Sequence[Event]) -> Iterator[str]:
    """I-25: an armed switch is refreshed in time, taken back last on a clean end, else never."""
    armed: DeadMan | None = None
    alive = taken_back = False
    for event in events:
        if armed and alive and event.at - armed.at > armed.seconds / 2:
            yield f"{_at(event)}: the dead man's switch is {event.at - armed.at:.0f} s old"
            armed = None  # said once
        if isinstance(event, Started):
            armed, alive, taken_back = None, True, False
        elif isinstance(event, DeadMan) and event.seconds:
            armed = event
        elif isinstance(event, DeadMan):
            armed, taken_back = None, True
            if not alive:
                yield f"{_at(event)}: the dead man's switch was taken back after a crash"
        elif isinstance(event, Sent) and (taken_back or not alive):
            after = "taking the dead man's switch back" if alive else "the end"
            yield f"{_at(event)}: {event.verb} {event.path} {event.name} after {after}"
        elif isinstance(event, Ended):
            if event.clean and armed:
                yield f"{_at(event)}: a clean end left the dead man's switch armed"
            alive = False


CHECKS: Mapping[str, Callable[[Sequence[Event]], Iterator[str]]] = {
    "I-19": mirror,
    "I-20": at_most_once,
    "I-21": no_unknown_left,
    "I-22": gated,
    "I-23": limited,
    "I-24": unique_numbers,
    "I-25": dead_man,
    "in time": in_time,
}


def check(events: Sequence[Event]) -> dict[str, list[str]]:
    """Return what a history violates, by invariant; nothing is left out because of another."""
    found: dict[str, list[str]] = defaultdict(list)
    for name, each in CHECKS.items():
        if violations := list(each(events)):
            found[name] = violations
    return dict(found)


def _at(event: Event) -> str:
    return f"{event.at:.2f} s"

"""Each check of a history finds what violates it, and nothing in a history that is right."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.campaigns.history import (
    Asked,
    BotSwitched,
    DeadMan,
    Ended,
    Event,
    Health,
    Kept,
    Minted,
    Quiet,
    Sent,
    Started,
    Switched,
    Told,
    check,
)

BOT = "1.botA"
HAND = "2.XBTUSDT.linear"
OPEN: tuple[object, ...] = ("o1", "XBTUSDT", "Buy", 100.0, 100, 100)
NONE: frozenset[tuple[object, ...]] = frozenset()


def up(at: float = 0.0) -> list[Event]:
    """Return a start of the terminal with F9 ON, a bot that works, and a market that is LIVE."""
    return [
        Started(at),
        Health(at + 1, live=True),
        BotSwitched(at + 1, "botA", on=True),
        Switched(at + 2, on=True),
    ]


def ordered(name: str = BOT, at: float = 3.0, verb: str = "POST", **more: object) -> list[Event]:
    """Return an order on its right way."""
    figures: dict[str, object] = {"bot": "botA", "limit": 1000, "reach": 100}
    figures |= {"bot": "", "click": 1} if name == HAND else {}
    sent = Sent(at + 0.2, verb, "/order", name, **(figures | more))  # type: ignore[arg-type]
    return [Minted(at, name, verb), Kept(at + 0.1, name, verb), sent]


def quiet(at: float = 90.0, **more: object) -> Quiet:
    """Return a quiet point at which the order of the bot is open on both sides."""
    fits: dict[str, object] = {
        "here": frozenset({OPEN}),
        "there": frozenset({OPEN}),
        "ever": {BOT: 1},
        "intents": ((BOT, "POST", "ACCEPTED"),),
    }
    return Quiet(at, **(fits | more))  # type: ignore[arg-type]


def reads(count: int, at: float = 3.0, verb: str = "GET", path: str = "/order") -> list[Event]:
    return [Sent(at, verb, path) for _ in range(count)]


LONG_NAME = "3." + "x" * 35

RIGHT: dict[str, Sequence[Event]] = {
    "an order": [*up(), *ordered(), quiet()],
    "a call": [*up(), Asked(3.0, "botA", 1), *ordered(), Told(3.3, "botA", 1), quiet()],
    "a call that ended with its process": [*up(), Asked(3.0, "botA", 1), Ended(4.0, clean=False)],
    "an amendment twice": [
        *(*up(), *ordered(), *ordered(at=4.0, verb="PUT"), *ordered(at=5.0, verb="PUT"), quiet()),
    ],
    "just within the grace": [*up(), *ordered()[:2], Switched(3.16, on=False), ordered()[2]],
    "by hand with F9 OFF": [*up(), Switched(2.5, on=False), *ordered(HAND)],
    "numbers over a restart": [*up(), *ordered(), Ended(5.0, clean=True), *up(6.0)],
    "reads within the limit": [*up(), *reads(100), *reads(100, at=90.0)],
    "cancels beyond it": [*up(), *reads(500, verb="DELETE")],
    "an exit on EXITS ONLY": [*up(), Switched(2.5, True, entries=False), *ordered(reach=0)],
    "a stranger's order of our number": [
        quiet(intents=((BOT, "POST", "REFUSED"),), foreign=frozenset({BOT})),
    ],
    "an armed switch": [
        *(Started(0.0), DeadMan(1.0, 60.0), DeadMan(16.0, 60.0), DeadMan(30.0, 0.0)),
        Ended(31.0, clean=True),
    ],
    "a crash that leaves it armed": [*up(), DeadMan(3.0, 60.0), Ended(4.0, clean=False)],
}

WRONG: dict[str, tuple[str, Sequence[Event]]] = {
    "an order that only the exchange has": ("I-19", [quiet(here=NONE)]),
    "an order that only the terminal has": ("I-19", [quiet(there=NONE)]),
    "another rest": ("I-19", [quiet(here=frozenset({(*OPEN[:5], 50)}))]),
    "sent twice": ("I-20", [*up(), *ordered(), ordered(at=4.0)[2]]),
    "two orders of one number": ("I-20", [*up(), *ordered(), quiet(ever={BOT: 2})]),
    "before it is durable": ("I-20", [*up(), ordered()[2], *ordered()[:2]]),
    "an amendment without an intent": ("I-20", [*up(), *ordered(), ordered(verb="PUT")[2]]),
    "an intent without an end": ("I-21", [quiet(intents=((BOT, "POST", "OPEN"),))]),
    "an order that the books deny": ("I-21", [quiet(intents=((BOT, "POST", "NOT_PLACED"),))]),
    "an order that the books invent": ("I-21", [quiet(ever={})]),
    "a stranger's order taken for ours": ("I-21", [quiet(foreign=frozenset({BOT}))]),
    "a call without an answer": ("I-21", [*up(), Asked(3.0, "botA", 1), quiet()]),
    "a call with two answers": (
        "I-21",
        [*up(), Asked(3.0, "botA", 1), Told(3.1, "botA", 1), Told(3.2, "botA", 1)],
    ),
    "after F9 OFF": ("I-22", [*up(), *ordered()[:2], Switched(3.1, on=False), ordered()[2]]),
    "after the bot was OFF": (
        "I-22",
        [*up(), *ordered()[:2], BotSwitched(3.1, "botA", on=False), ordered()[2]],
    ),
    "not LIVE": ("I-22", [*up(), *ordered()[:2], Health(3.1, live=False), ordered()[2]]),
    "an amendment after F9 OFF": (
        "I-22",
        [*up(), *ordered(), Switched(4.0, on=False), *ordered(at=5.0, verb="PUT")],
    ),
    "F9 still ON after a restart": (
        "I-22",
        [*up(), Ended(3.0, clean=True), Started(4.0), Health(5.0, live=True), *ordered(at=6.0)],
    ),
    "two orders of one click": (
        "I-22",
        [
            *up(),
            Switched(2.5, on=False),
            *ordered(HAND),
            *ordered("3.XBTUSDT.linear", bot="", click=1),
        ],
    ),
    "too many requests": ("I-23", [*up(), *reads(121)]),
    "too many orders": (
        "I-23",
        [*up(), *(each for n in range(1, 12) for each in ordered(f"{n}.botA"))],
    ),
    "beyond CAPITAL": ("I-23", [*up(), *ordered(reach=1100)]),
    "an entry on EXITS ONLY": (
        "I-23",
        [*up(), Switched(2.5, True, entries=False), *ordered(reach=100)],
    ),
    "too many open orders": ("I-23", [quiet(most_open=201)]),
    "a number again": (
        "I-24",
        [*up(), *ordered()[:2], Ended(5.0, clean=False), *up(6.0), *ordered(at=9.0)[:2]],
    ),
    "a smaller number": ("I-24", [*up(), *ordered("5.botA"), *ordered("4.botA", at=4.0)]),
    "sent 6 s after it was wished for": (
        "in time",
        [*up(), Minted(3.0, BOT, "POST"), *ordered(at=9.0)[1:]],
    ),
    "a long name": ("I-24", [Minted(1.0, LONG_NAME, "POST")]),
    "a switch that is not refreshed": ("I-25", [*up(), DeadMan(3.0, 60.0), Health(34.0, True)]),
    "a switch left armed by a clean end": (
        "I-25",
        [*up(), DeadMan(3.0, 60.0), Ended(4.0, clean=True)],
    ),
    "a switch taken back after a crash": (
        "I-25",
        [*up(), DeadMan(3.0, 60.0), Ended(4.0, clean=False), DeadMan(4.1, 0.0)],
    ),
    "a request after it was taken back": ("I-25", [*up(), DeadMan(3.0, 0.0), *reads(1, at=3.5)]),
}


@pytest.mark.parametrize("events", RIGHT.values(), ids=RIGHT)
def test_a_history_that_is_right_violates_nothing(events: Sequence[Event]) -> None:
    assert check(events) == {}


@pytest.mark.parametrize(("invariant", "events"), WRONG.values(), ids=WRONG)
def test_a_history_that_is_wrong_violates_its_invariant_and_no_other(
    invariant: str, events: Sequence[Event]
) -> None:
    assert list(check(events)) == [invariant]
    assert len(check(events)[invariant]) == 1


def test_every_invariant_has_a_history_that_violates_it() -> None:
    wrong = {invariant for invariant, _ in WRONG.values()}
    assert wrong == {*(f"I-{n}" for n in range(19, 26)), "in time"}

"""Misbehaviour on request: rules that say which fault bites when, and how often it did. Pure.

A rule names a fault and what it meets: method and path of a request, table and action of a frame,
an account, a piece of the text. It lets `skip` matches pass, bites `times` of the following, each
with `chance`, between `from` and `until` seconds after it was armed. Everything random follows
the seed of the plan.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random

from api.simulator.fault_kinds import KINDS, Option, Place
from api.simulator.ports import Json, Row
from api.simulator.refusals import invalid

_MATCHES = ("method", "path", "table", "action", "contains")
_NUMBERS = {"skip": 0.0, "chance": 1.0, "from": 0.0, "until": 0.0}
_ROW = '"data":[{'
_KNOWN = {"fault", "account", "times", *_MATCHES, *_NUMBERS}


@dataclass(frozen=True, slots=True)
class Event:
    """What is about to happen."""

    place: Place
    account: int | None = None
    method: str = ""
    path: str = ""
    table: str = ""
    action: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Bite:
    """A fault that happens now."""

    fault: str
    options: Mapping[str, Option]

    def number(self, name: str) -> float:
        """Return an option that is a number."""
        return float(self.options[name])

    def whole(self, name: str) -> int:
        """Return an option that is a whole number."""
        return int(self.options[name])

    def text(self, name: str) -> str:
        """Return an option that is text."""
        return str(self.options[name])

    def flag(self, name: str) -> bool:
        """Return an option that is true or false."""
        return bool(self.options[name])


@dataclass(slots=True)
class Rule:
    """When a fault bites."""

    fault: str
    options: Mapping[str, Option]
    matches: Mapping[str, str]
    account: int | None
    skip: int
    times: int  # 0: without end
    chance: float
    since: float  # seconds by the clock of the faults
    until: float | None
    seen: int = 0
    fired: int = 0

    def meets(self, event: Event) -> bool:
        """Tell whether an event is of the kind that this rule is for."""
        if not _can_befall(self.fault, event):
            return False
        if self.account is not None and event.account != self.account:
            return False
        return all(
            wanted in event.text if name == "contains" else getattr(event, name) == wanted
            for name, wanted in self.matches.items()
        )

    def is_over(self, now: float) -> bool:
        """Tell whether it will never bite again."""
        return 0 < self.times <= self.fired or (self.until is not None and now >= self.until)


@dataclass(slots=True)
class Faults:
    """The rules in force. `clock` gives seconds that never go back."""

    clock: Callable[[], float]
    random: Random = field(default_factory=lambda: Random(0))
    fired: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    rules: list[Rule] = field(default_factory=list)
    idle: bool = True  # no rule can bite: nobody need ask

    def arm(self, plan: Mapping[str, Json]) -> None:
        """Add the rules of a plan {"seed": 1, "rules": [...]}, or one rule.

        Raises Refused naming the field that is wrong; then nothing is added.
        """
        rules = plan.get("rules")
        if rules is None:
            added = [self._rule(plan, "")]
        elif isinstance(rules, list) and set(plan) <= {"seed", "rules"}:
            added = [self._rule(row, f"rules[{place}].") for place, row in enumerate(rules)]
            seed = plan.get("seed")
            if seed is not None:
                self.random = Random(str(seed))
        else:
            raise invalid("a plan holds a list of rules, and perhaps a seed")
        self.rules += added
        self.idle = not self.rules

    def disarm(self) -> None:
        """Drop all rules; the counts stay."""
        self.rules.clear()
        self.idle = True

    def bite(self, event: Event) -> Bite | None:
        """Return the fault that befalls an event, if any, and count it."""
        now = self.clock()
        for rule in list(self.rules):
            if rule.is_over(now):
                self.rules.remove(rule)
                self.idle = not self.rules
            elif now >= rule.since and rule.meets(event):
                rule.seen += 1
                if rule.seen > rule.skip and self.random.random() < rule.chance:
                    rule.fired += 1
                    self.fired[rule.fault] += 1
                    return Bite(rule.fault, rule.options)
        return None

    def skew(self) -> float:
        """Return the seconds that the exchange's clock is ahead at this moment."""
        bite = None if self.idle else self.bite(Event(Place.CLOCK))
        return bite.number("seconds") if bite is not None else 0.0

    def report(self) -> Row:
        """Return the rules and how often each fault bit."""
        return {
            "fired": {name: count for name, count in self.fired.items() if count},
            "rules": [_shown(rule) for rule in self.rules],
            "kinds": {
                name: {"does": kind.does, "options": dict(kind.options)}
                for name, kind in KINDS.items()
            },
        }

    def _rule(self, row: Json, where: str) -> Rule:
        if not isinstance(row, dict):
            raise invalid(f"{where}fault is missing: a rule is an object")
        fault = row.get("fault")
        kind = KINDS.get(fault) if isinstance(fault, str) else None
        if kind is None or not isinstance(fault, str):
            raise invalid(f"{where}fault {fault!r} is unknown: GET /control/faults lists them")
        unknown = set(row) - _KNOWN - set(kind.options)
        if unknown:
            raise invalid(f"{where}{min(unknown)} is no field of a rule for {fault}")
        numbers = {name: _number(row, name, usual, where) for name, usual in _NUMBERS.items()}
        now = self.clock()
        account = row.get("account")
        return Rule(
            fault=fault,
            options={
                n: _option(row.get(n), usual, f"{where}{n}") for n, usual in kind.options.items()
            },
            matches={n: _text(row[n], f"{where}{n}") for n in _MATCHES if n in row},
            account=None if account is None else int(_number(row, "account", 0.0, where)),
            skip=int(numbers["skip"]),
            times=int(_number(row, "times", float(kind.times), where)),
            chance=numbers["chance"],
            since=now + numbers["from"],
            until=now + numbers["until"] if "until" in row else None,
        )


def _can_befall(fault: str, event: Event) -> bool:
    kind = KINDS[fault]
    if event.place not in kind.places:
        return False
    if fault == "overload" and event.method == "DELETE":
        return False  # cancels are never shed
    if kind.needs_rows and not (event.table and _ROW in event.text):
        return False
    return all(getattr(event, name) in able for name, able in kind.only.items())


def _shown(rule: Rule) -> Row:
    return {
        "fault": rule.fault,
        **rule.options,
        **rule.matches,
        "seen": rule.seen,
        "fired": rule.fired,
        "times": rule.times,
    }


def _number(row: Mapping[str, Json], name: str, usual: float, where: str) -> float:
    value = row.get(name, usual)
    try:
        number = float(str(value))
    except ValueError:
        number = -1.0
    if isinstance(value, bool) or not 0 <= number < 2**53:
        raise invalid(f"{where}{name} {value!r} is no number from 0 on")
    return number


def _option(value: Json, usual: Option, where: str) -> Option:
    """Return an option with the type of its default."""
    if value is None:
        return usual
    if isinstance(usual, bool):
        if str(value).lower() not in ("true", "false"):
            raise invalid(f"{where} {value!r} is neither true nor false")
        return str(value).lower() == "true"
    if isinstance(usual, str):
        return _text(value, where)
    try:
        return type(usual)(float(str(value)))
    except (ValueError, OverflowError):
        raise invalid(f"{where} {value!r} is no number") from None


def _text(value: Json, where: str) -> str:
    if not isinstance(value, str):
        raise invalid(f"{where} {value!r} is no text")
    return value

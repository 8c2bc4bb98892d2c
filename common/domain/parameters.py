"""Parameters that a strategy declares, and the texts that a person gives for them.

A text is all that is kept and shown; `value_of` makes the typed value of it or says what is wrong.
Pure: no I/O.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import Enum

from common.errors import BadParameter

Value = bool | int | float | Decimal | str
MOST_DIGITS = 40  # of a number that a person types
LONGEST_TEXT = 200  # characters of a text parameter
_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


class ParameterKind(str, Enum):
    """The type of a parameter's value."""

    INTEGER = "int"
    FLOAT = "float"
    DECIMAL = "Decimal"
    BOOLEAN = "bool"
    TEXT = "str"
    CHOICE = "choice"  # one of the texts of `choices`

    def __str__(self) -> str:
        return self.value


NUMBERS = (ParameterKind.INTEGER, ParameterKind.FLOAT, ParameterKind.DECIMAL)


@dataclass(frozen=True, slots=True)
class ParameterSpec:
    """One declared parameter; `default`, `low`, `high` and `step` are texts as a person types."""

    name: str
    kind: ParameterKind
    default: str
    low: str = ""  # "": no bound
    high: str = ""
    step: str = ""  # what a form's arrows add; not a rule for the value
    choices: tuple[str, ...] = ()
    help: str = ""

    @property
    def range_text(self) -> str:
        """What the value may be, in words."""
        if self.kind is ParameterKind.CHOICE:
            return f"one of {', '.join(self.choices)}"
        if self.kind is ParameterKind.BOOLEAN:
            return "true or false"
        if self.kind is ParameterKind.TEXT:
            return f"a text of up to {LONGEST_TEXT} characters"
        number = "a whole number" if self.kind is ParameterKind.INTEGER else "a number"
        if self.low and self.high:
            return f"{number} from {self.low} to {self.high}"
        if self.low:
            return f"{number} of {self.low} or more"
        return f"{number} of {self.high} or less" if self.high else number


@dataclass(frozen=True, slots=True)
class StrategyInfo:
    """A strategy that was found in the folder `algo`."""

    name: str  # "module:attribute", e.g. "trend:TrendFollowing"
    title: str  # first line of its docstring
    parameters: tuple[ParameterSpec, ...] = ()
    file: str = ""  # of its module, relative to the folder


@dataclass(frozen=True, slots=True)
class Catalog:
    """What the folder `algo` offers, and what is wrong with files of it, in words."""

    strategies: tuple[StrategyInfo, ...] = ()
    problems: tuple[str, ...] = ()


def value_of(spec: ParameterSpec, text: str) -> Value:
    """Return the typed value of a text. BadParameter says what it may be instead."""
    plain = text.strip()
    if spec.kind is ParameterKind.TEXT:
        if len(text) > LONGEST_TEXT or not text.isprintable():
            raise _refused(spec, text)
        return text
    if spec.kind is ParameterKind.CHOICE:
        if plain not in spec.choices:
            raise _refused(spec, text)
        return plain
    if spec.kind is ParameterKind.BOOLEAN:
        if plain.lower() not in (*_TRUE, *_FALSE):
            raise _refused(spec, text)
        return plain.lower() in _TRUE
    return _number(spec, plain)


def values_of(specs: Iterable[ParameterSpec], texts: Mapping[str, str]) -> dict[str, Value]:
    """Return name -> value of every declared parameter, the default where no text is given.

    BadParameter: a text is no such value, or names a parameter that is not declared.
    """
    declared = {spec.name: spec for spec in specs}
    strange = sorted(texts.keys() - declared.keys())
    if strange:
        known = ", ".join(declared) or "it declares none"
        raise BadParameter(f"the strategy has no parameter {strange[0]!r}; known: {known}")
    return {name: value_of(spec, texts.get(name, spec.default)) for name, spec in declared.items()}


def text_of(value: Value) -> str:
    """Return a value as the text that gives it back."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _number(spec: ParameterSpec, text: str) -> int | float | Decimal:
    try:
        exact = Decimal(text) if len(text) <= MOST_DIGITS and text.isascii() else None
    except InvalidOperation:
        exact = None
    if exact is None or not exact.is_finite() or abs(exact.adjusted()) > MOST_DIGITS:
        raise _refused(spec, text)
    low, high = spec.low and Decimal(spec.low), spec.high and Decimal(spec.high)
    if (low != "" and exact < low) or (high != "" and exact > high):
        raise _refused(spec, text)
    if spec.kind is ParameterKind.DECIMAL:
        return exact
    if spec.kind is ParameterKind.FLOAT:
        return float(exact)
    if exact != exact.to_integral_value():
        raise _refused(spec, text)
    return int(exact)


def _refused(spec: ParameterSpec, text: str) -> BadParameter:
    return BadParameter(f"{spec.name} is {text[:80]!r}; it is {spec.range_text}")

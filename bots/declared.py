"""How a strategy declares its parameters, in both styles, and what is read from a declaration.

A class has them as attributes; a function is given them by a decorator, and finds the values in
its `robot` dict under their names:

    class Trend(Strategy):
        period = Parameter(20, low=2, high=500, help="bars of the channel")

    @parameters(PERIOD=Parameter(10, low=1, high=500))
    def algo(robot, frame, ticker, instrument): ...
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Generic, TypeVar, overload

from common.domain.parameters import (
    NUMBERS,
    ParameterKind,
    ParameterSpec,
    StrategyInfo,
    Value,
    text_of,
    value_of,
)
from common.errors import BadParameter, StrategyError

T = TypeVar("T", bool, int, float, Decimal, str)
AnyFunction = TypeVar("AnyFunction", bound=Callable[..., object])
Bound = int | float | Decimal | None
_ATTRIBUTE = "declared_parameters"
_KINDS: dict[type, ParameterKind] = {
    bool: ParameterKind.BOOLEAN,
    int: ParameterKind.INTEGER,
    float: ParameterKind.FLOAT,
    Decimal: ParameterKind.DECIMAL,
    str: ParameterKind.TEXT,
}


class Parameter(Generic[T]):
    """A declared parameter; its type is that of `default`.

    `low` and `high` bound a number, both included; `step` is what a form adds; `choices` are the
    texts that a text may be. In a class the attribute gives the bot's own value.
    """

    def __init__(
        self,
        default: T,
        *,
        low: Bound = None,
        high: Bound = None,
        step: Bound = None,
        choices: Sequence[str] = (),
        help: str = "",  # noqa: A002 - the word that a reader expects
    ) -> None:
        self.default: T = default
        self._bounds = (low, high, step)
        self._choices = tuple(choices)
        self._help = help
        self._name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        """Learn the name of the attribute."""
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Parameter[T]: ...

    @overload
    def __get__(self, instance: object, owner: type) -> T: ...

    def __get__(self, instance: object | None, owner: type) -> Parameter[T] | T:
        """Return the bot's value; of the class itself, the declaration."""
        if instance is None:
            return self
        value: T = instance.__dict__.get(self._name, self.default)
        return value

    def spec(self, name: str) -> ParameterSpec:
        """Return the declaration as data. StrategyError: it contradicts itself."""
        kind = _KINDS.get(type(self.default))
        if kind is None:
            raise StrategyError(
                f"parameter {name}: the default {self.default!r} is no int, float, Decimal, bool or"
                " str"
            )
        if self._choices:
            kind = ParameterKind.CHOICE
        low, high, step = (_bound(name, bound) for bound in self._bounds)
        if kind not in NUMBERS and (low or high or step):
            raise StrategyError(f"parameter {name}: only numbers have low, high and step")
        default = text_of(self.default)
        spec = ParameterSpec(name, kind, default, low, high, step, self._choices, self._help)
        try:
            value_of(spec, default)
        except BadParameter as error:
            raise StrategyError(
                f"parameter {name}: its own default does not fit: {error}"
            ) from None
        return spec


def parameters(**declared: Parameter[Any]) -> Callable[[AnyFunction], AnyFunction]:
    """Declare the parameters of a strategy that is a function."""

    def mark(function: AnyFunction) -> AnyFunction:
        setattr(function, _ATTRIBUTE, declared)
        return function

    return mark


def specs_of(strategy: object) -> tuple[ParameterSpec, ...]:
    """Return what a strategy (class or function) declares, in its order."""
    if isinstance(strategy, type):
        found: dict[str, Parameter[Any]] = {}
        for base in reversed(strategy.__mro__):
            for name, value in vars(base).items():
                if isinstance(value, Parameter):
                    found.pop(name, None)
                    found[name] = value
    else:
        found = dict(getattr(strategy, _ATTRIBUTE, {}))
    for name, value in found.items():
        if not isinstance(value, Parameter):
            raise StrategyError(f"parameter {name} is declared with {value!r}, not a Parameter")
    return tuple(value.spec(name) for name, value in found.items())


def info_of(name: str, strategy: object, file: str) -> StrategyInfo:
    """Return what the window shows of a strategy."""
    own = getattr(strategy, "__doc__", None) if not isinstance(strategy, type) else None
    own = vars(strategy).get("__doc__") if isinstance(strategy, type) else own
    title = inspect.cleandoc(own or "").strip().splitlines()
    return StrategyInfo(name, title[0][:200] if title else "", specs_of(strategy), file)


def assign(instance: object, values: dict[str, Value]) -> None:
    """Give an instance of a strategy class its bot's values."""
    instance.__dict__.update(values)


def _bound(name: str, bound: Bound) -> str:
    if bound is None:
        return ""
    try:
        exact = Decimal(str(bound))
    except InvalidOperation:
        exact = Decimal("NaN")
    if isinstance(bound, bool) or not exact.is_finite():
        raise StrategyError(f"parameter {name}: {bound!r} is no bound")
    return format(exact, "f")

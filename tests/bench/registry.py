"""The list of benchmarks, and the figures that they return."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

FRAME = {"__main__", "registry", "report"}  # modules of this package that are no benchmarks


@dataclass(frozen=True)
class Figure:
    """One measured value beside the plain alternative's, with the target it must meet.

    `value` and `plain` are in `unit`; `plain` is None where there is nothing to compare with, and
    the target then bounds the value itself, else the ratio value / plain.
    """

    title: str
    value: float
    unit: str
    plain: float | None = None
    plain_title: str = ""
    at_least: float | None = None
    at_most: float | None = None

    @property
    def judged(self) -> float:
        """Return what the target bounds: the ratio, or the value without an alternative."""
        return self.value if not self.plain else self.value / self.plain

    @property
    def met(self) -> bool:
        """Tell whether the target is met; a figure without one always is."""
        low_enough = self.at_most is None or self.judged <= self.at_most
        return low_enough and (self.at_least is None or self.judged >= self.at_least)


@dataclass(frozen=True)
class Benchmark:
    """A named measurement; `run` takes what it needs from the machine and returns figures."""

    name: str
    title: str
    run: Callable[[], Iterable[Figure]]


_benchmarks: dict[str, Benchmark] = {}


def register(
    name: str, title: str
) -> Callable[[Callable[[], Iterable[Figure]]], Callable[[], Iterable[Figure]]]:
    """Return a decorator that enters a function into the list under `name`.

    ::

        @register("messages", "messages handled per second")
        def messages() -> list[Figure]: ...
    """

    def enter(run: Callable[[], Iterable[Figure]]) -> Callable[[], Iterable[Figure]]:
        _benchmarks[name] = Benchmark(name, title, run)
        return run

    return enter


def benchmarks() -> dict[str, Benchmark]:
    """Return the benchmarks of this package's modules by name, in the order of their names."""
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        if module.name not in FRAME and not module.name.startswith("test_"):
            importlib.import_module(f"{__package__}.{module.name}")
    return dict(sorted(_benchmarks.items()))

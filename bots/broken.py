"""Modules of the folder of strategies that cannot be imported: they disturb their own bots alone.

`algo/init.py` imports the strategies of all bots, in the process of every bot. Where one of them
fails there, something stands in for it that may be registered and called like a strategy and does
nothing; the bot that it is registered for is told the error.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from types import ModuleType

INIT = "algo.init"


class StandIn:
    """Whatever one might want of a module that could not be imported."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __getattr__(self, name: str) -> StandIn:
        if name.startswith("__"):
            raise AttributeError(name)
        return StandIn(self.error)

    def __call__(self, *_: object, **__: object) -> None:
        """Do nothing."""


class BrokenModule(ModuleType):
    """Takes the place of a module that raised while it was imported."""

    def __init__(self, name: str, file: str | None, error: BaseException) -> None:
        super().__init__(name)
        self.error = error
        self.__file__ = file

    def __getattr__(self, name: str) -> StandIn:
        if name.startswith("__"):
            raise AttributeError(name)
        return StandIn(self.error)


class _Finder(importlib.abc.MetaPathFinder):
    """Finds modules of the folder as usual, and lets those that `init` imports fail quietly."""

    def __init__(self) -> None:
        self.broken: list[BrokenModule] = []
        self.running: list[str] = []  # modules of the folder that are being imported

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of a module of the folder."""
        if not name.startswith("algo."):
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and isinstance(spec.loader, importlib.machinery.SourceFileLoader):
            spec.loader = _Loader(self, name, spec.loader.path)
        return spec


class _Loader(importlib.machinery.SourceFileLoader):
    def __init__(self, finder: _Finder, name: str, path: str) -> None:
        super().__init__(name, path)
        self._finder = finder

    def exec_module(self, module: ModuleType) -> None:
        running = self._finder.running
        by_init = running == [INIT]
        running.append(module.__name__)
        try:
            super().exec_module(module)
        except BaseException as error:
            if not by_init:
                raise
            broken = BrokenModule(module.__name__, module.__file__, error)
            self._finder.broken.append(broken)
            sys.modules[module.__name__] = broken
        finally:
            running.pop()


@contextmanager
def quiet_imports() -> Iterator[list[BrokenModule]]:
    """While it lasts, what `algo.init` imports may fail; gives the modules that did."""
    finder = _Finder()
    sys.meta_path.insert(0, finder)
    try:
        yield finder.broken
    finally:
        sys.meta_path.remove(finder)

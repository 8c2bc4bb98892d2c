"""Importing a user's strategy in its worker, and saying in one line what went wrong."""

from __future__ import annotations

import importlib
import inspect
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from bots import channel
from bots.sources import Sources, digests_of, sources_of
from bots.variables import Variables
from common.errors import StrategyError

Strategy = Callable[..., object]


PROGRAM_ALGO = Path(__file__).resolve().parent.parent / "algo"


def load_strategy(emi: str, folder: str | None) -> tuple[Strategy, Sources]:
    """Run `init_algo` and return the function registered for `emi`, and where it came from.

    `folder` takes the place of the program's own `algo`. StrategyError: no usable function is
    there. Whatever else the user's code raises comes through.
    """
    sys.dont_write_bytecode = True  # an edit within one second must not be hidden by a .pyc
    before = digests_of(PROGRAM_ALGO if folder is None else Path(folder))
    algo = importlib.import_module("algo")
    if folder is not None:
        algo.__path__[:] = [folder]
    init = importlib.import_module("algo.init")
    if not callable(getattr(init, "init_algo", None)):
        raise StrategyError("algo/init.py has no function init_algo()")
    init.init_algo()
    strategy = Variables.robo.get(emi)
    if strategy is None:
        raise StrategyError(f'algo/init.py registers no function: bot.robo["{emi}"] is missing')
    _check_signature(emi, strategy)
    return strategy, sources_of(strategy, before)


def describe(error: BaseException) -> str:
    """Return an exception as one line with the user's file and line, e.g. `... (strategy.py:9)`."""
    if isinstance(error, StrategyError):
        return str(error)
    text = traceback.format_exception_only(error)[-1].strip().splitlines()[-1][:300]
    place = _place(error)
    return f"{text} ({place})" if place else text


def traceback_text(error: BaseException) -> str:
    """Return the traceback without the worker's own lines around it."""
    return "".join(traceback.format_exception(error))[-20_000:]


def where(thread: int) -> channel.Stack:
    """Return where a thread is now."""
    frame = sys._current_frames().get(thread)
    places = [(f.f_code.co_filename, line) for f, line in traceback.walk_stack(frame)]
    text = "".join(traceback.format_stack(frame))[-20_000:] if frame else ""
    return channel.Stack(_innermost(places), text)


def limit_memory(limit: int) -> None:
    """Let allocations beyond `limit` bytes fail in this process, where the system can do that."""
    try:
        import resource  # noqa: PLC0415 - POSIX only
    except ImportError:
        return
    if limit:
        # Address space holds code and thread stacks too, hence data alone, where it is counted.
        kind = resource.RLIMIT_DATA if sys.platform == "linux" else resource.RLIMIT_AS
        _, hard = resource.getrlimit(kind)
        soft = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(kind, (soft, hard))


def _check_signature(emi: str, strategy: Strategy) -> None:
    try:
        inspect.signature(strategy).bind(robot=None, frame=None, ticker=None, instrument=None)
    except TypeError as error:
        code = getattr(strategy, "__code__", None)
        place = f" ({_short(code.co_filename)}:{code.co_firstlineno})" if code else ""
        raise StrategyError(
            f"the function of {emi} must take robot, frame, ticker and instrument: {error}{place}"
        ) from error
    except ValueError:
        return  # a builtin that does not tell its parameters


def _place(error: BaseException) -> str:
    if isinstance(error, SyntaxError) and error.filename:
        return f"{_short(error.filename)}:{error.lineno}"
    steps = traceback.extract_tb(error.__traceback__)
    return _innermost([(step.filename, step.lineno) for step in reversed(steps)])


def _innermost(places: Sequence[tuple[str, int | None]]) -> str:
    """Return the innermost place in the user's code; places come innermost first."""
    for filename, line in places:
        if "algo" in Path(filename).parts[:-1]:
            return f"{_short(filename)}:{line}"
    return ""


def _short(filename: str) -> str:
    path = Path(filename)
    return f"{path.parent.name}/{path.name}"

"""Importing a user's strategy in its worker, and saying in one line what went wrong."""

from __future__ import annotations

import importlib
import inspect
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bots import api, channel
from bots.broken import BrokenModule, StandIn, quiet_imports
from bots.class_style import ClassStrategy
from bots.declared import specs_of
from bots.sources import Sources, digests_of, sources_of
from bots.time_limit import TooLongError, time_limit
from bots.variables import Variables
from common.domain.parameters import values_of
from common.domain.robots import Robot, strategy_problem
from common.errors import BadParameter, StrategyError

Strategy = Callable[..., object]

PROGRAM_ALGO = Path(__file__).resolve().parent.parent / "algo"


class Robots(dict[str, dict[str, Any]]):
    """The dicts of the bots; one that `init_algo` still prepares but is gone disturbs nobody."""

    def __missing__(self, emi: str) -> dict[str, Any]:
        """Return a dict that nobody keeps."""
        return {}


def load_strategy(
    robot: Robot, folder: str | None, init_seconds: float = 0.0
) -> tuple[Strategy, Sources]:
    """Run `init_algo` and return the strategy of a bot as a function, and where it came from.

    What `init_algo` registers goes before the strategy named in the bot's settings. `folder` takes
    the place of the program's own `algo`. `init_seconds`: see `_run_init`. The bot's parameters are
    set. StrategyError: no usable
    strategy is there. Whatever else the user's code raises comes through.
    """
    sys.dont_write_bytecode = True  # an edit within one second must not be hidden by a .pyc
    before = digests_of(PROGRAM_ALGO if folder is None else Path(folder))
    open_folder(folder)
    with quiet_imports() as broken:
        try:
            _run_init(robot, init_seconds)
        except Exception:
            if broken and robot.emi not in Variables.robo:
                raise broken[0].error from None  # what else failed may well come of it
            raise
    found = Variables.robo.get(robot.emi) or _named(robot, broken)
    if isinstance(found, StandIn):
        raise found.error
    strategy = _with_parameters(robot, found)
    _check_signature(robot.emi, strategy)
    return strategy, sources_of(found, before)


def open_folder(folder: str | None) -> None:
    """Let `algo` mean a folder of the profile's own; None: the program's."""
    algo = importlib.import_module("algo")
    algo.__path__[:] = [folder or str(PROGRAM_ALGO)]


def attribute_of(name: str) -> object:
    """Import what `module:attribute` names in the folder of strategies. StrategyError: not there.

    What the module itself raises comes through.
    """
    problem = strategy_problem(name)
    if problem:
        raise StrategyError(problem)
    module, _, attribute = name.partition(":")
    try:
        found = importlib.import_module(f"algo.{module}")
    except ModuleNotFoundError as error:
        if error.name != f"algo.{module}":
            raise
        raise StrategyError(f"strategy {name}: the folder algo has no module {module}") from None
    if not hasattr(found, attribute):
        raise StrategyError(f"strategy {name}: algo/{module}.py has no {attribute}")
    return getattr(found, attribute)


def _run_init(robot: Robot, seconds: float) -> None:
    """Run the user's `init_algo`; a bot whose settings name a strategy does without it.

    Such a bot waits so many seconds for it; 0: as long as it takes. Any other bot needs all of it:
    one that `init_algo` has registered before it failed may lack parameters, and does not trade.
    """
    try:
        with time_limit(seconds if robot.strategy else 0.0):
            _prepare()
    except (Exception, SystemExit, KeyboardInterrupt, TooLongError) as error:
        absent = isinstance(error, ModuleNotFoundError) and error.name == "algo.init"
        if not robot.strategy:
            raise
        Variables.robo.pop(robot.emi, None)  # what is registered may be half prepared
        if absent:  # a folder whose bots all have their strategies in their settings needs none
            return
        print(f"algo/init.py: {describe(error)}; {robot.emi} runs {robot.strategy} without it")


def _prepare() -> None:
    """Import and run what the user has written for all bots."""
    init = importlib.import_module("algo.init")
    if not callable(getattr(init, "init_algo", None)):
        raise StrategyError("algo/init.py has no function init_algo()")
    init.init_algo()


def _named(robot: Robot, broken: Sequence[BrokenModule]) -> object:
    if robot.strategy:
        return attribute_of(robot.strategy)
    if broken:
        raise broken[0].error
    raise StrategyError(
        f'algo/init.py registers no function: bot.robo["{robot.emi}"] is missing, and no strategy '
        "is chosen in the settings of the bot"
    )


def _with_parameters(robot: Robot, found: object) -> Strategy:
    """Return a strategy as a function that has its parameters."""
    specs = specs_of(found)
    given = dict(robot.parameters)
    try:
        values = values_of(specs, given)
    except BadParameter as error:
        raise StrategyError(f"parameters of {robot.emi}: {error}") from None
    if isinstance(found, type):
        if not issubclass(found, api.Strategy):
            raise StrategyError(f"{found.__name__} is a class, but no bots.api.Strategy")
        return ClassStrategy(found, values)
    own = Variables.robots[robot.emi]
    for name, value in values.items():
        if name in given or name not in own:  # else init_algo has set it
            own[name] = value
    if not callable(found):
        raise StrategyError(f"the strategy of {robot.emi} is {found!r}, which cannot be called")
    return found


def describe(error: BaseException) -> str:
    """Return an exception as one line with the user's file and line, e.g. `... (strategy.py:9)`."""
    if isinstance(error, StrategyError):
        return str(error)
    text = str(error)
    if not isinstance(error, TooLongError):
        text = traceback.format_exception_only(error)[-1].strip().splitlines()[-1][:300]
    place = _place(error)
    return f"{text} ({place})" if place else text


def traceback_text(error: BaseException) -> str:
    """Return the traceback without the worker's own lines around it."""
    trace = error.__traceback__
    while trace is not None and not _is_users(trace.tb_frame.f_code.co_filename):
        trace = trace.tb_next
    return "".join(traceback.format_exception(type(error), error, trace))[-20_000:]


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
        if _is_users(filename):
            return f"{_short(filename)}:{line}"
    return ""


def _is_users(filename: str) -> bool:
    return "algo" in Path(filename).parts[:-1]


def _short(filename: str) -> str:
    path = Path(filename)
    return f"{path.parent.name}/{path.name}"

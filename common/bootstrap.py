"""Set-up: from a bare Python to a process that can import what the program needs.

Every entry file (`main.py`, `python -m tests`, `python -m tests.bench`, `python -m api.simulator`)
calls `enter` before it imports anything else. Where the required packages can be imported already,
that is all. Otherwise an environment (`.venv` in the program's folder) is made, mended or found
ready by `bootstrap_environment`, and the command goes on inside it.

Standard library only. Python 3.6 must be able to read this file and those it imports, or it could
not tell its user what is needed: annotations that old Pythons cannot evaluate are quoted. As the
part of every entry file that runs before the program does, it may end the process.
"""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

from common.bootstrap_environment import (
    CLIENTS,
    DEV,
    RUNTIME,
    Level,
    discard,
    folder_of,
    prepare,
    ready,
    requirements,
)
from common.bootstrap_system import SetupError, require, say

__all__ = [
    "CLIENTS",
    "DEV",
    "RUNTIME",
    "enter",
    "prepare",
    "require_python",
    "sentences",
]

OLDEST = (3, 10)

# Set for the process that goes on, so that a repair is tried once and not for ever.
_GUARD = "TMATIC_SETUP"
_REPAIRED = "repaired"


def require_python() -> None:
    """End the process with a sentence and code 2 when this Python is too old."""
    if sys.version_info < OLDEST:
        wanted, found = ("{}.{}".format(*version[:2]) for version in (OLDEST, sys.version_info))
        say(f"Tmatic needs Python {wanted} or newer; this is Python {found} ({sys.executable}).")
        say(f"Install a newer Python and start with it, for example: python{wanted} main.py")
        sys.exit(2)


def enter(level: Level, window: bool = False, tools: bool = False) -> None:
    """Return in a process that has the packages of `level`.

    `window` asks for tkinter as well, `tools` for the programs that tests run.
    Goes on in the environment's interpreter if this one lacks them (same command, same arguments);
    ends the process with a sentence and a code other than 0 when that is impossible.
    """
    require_python()
    with sentences():
        here = not lacking(level)
        require(venv=not here and not ready(level), window=window, tools=tools)
        if here:
            os.environ.pop(_GUARD, None)
            return
        if Path(sys.prefix) == folder_of(level):
            _leave_broken(level)
        interpreter = prepare(level)
        _go_on_in(interpreter)


class sentences:  # noqa: N801 -- a context manager, named as it reads
    """End the process with the text of a SetupError, or a word about an interruption."""

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, kind: object, error: "BaseException | None", trace: object) -> None:
        """Turn the two expected failures into sentences; let everything else pass."""
        if isinstance(error, SetupError):
            say(str(error))
            sys.exit(1)
        if isinstance(error, KeyboardInterrupt):
            say("Interrupted; the next start begins the set-up again.")
            sys.exit(130)


def lacking(level: Level) -> str:
    """Return the first distribution of `level` that this interpreter lacks, or "".

    Compares the installed distributions' versions with the lower bounds, without importing them.
    """
    from importlib import metadata  # noqa: PLC0415 -- absent in the Pythons that must read this

    for name, bound in requirements(level):
        try:
            if _release(metadata.version(name)) < _release(bound):
                return name
        except metadata.PackageNotFoundError:
            return name
    return ""


def _release(version: str) -> "tuple[int, ...]":
    match = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(part) for part in match.group().split(".")) if match else ()


def _leave_broken(level: Level) -> None:
    """Go back to the Python that this environment was made with, to have it made anew."""
    if os.environ.get(_GUARD) == _REPAIRED:
        raise SetupError(
            f"{folder_of(level)} lacks {lacking(level)} although it was just made. "
            "Delete that folder and start again."
        )
    say(f"The environment {level.folder} lacks {lacking(level)}.")
    discard(level)
    os.environ[_GUARD] = _REPAIRED
    _go_on_in(Path(getattr(sys, "_base_executable", sys.executable)))


def _go_on_in(interpreter: Path) -> NoReturn:
    """Run this process's command line in another interpreter instead."""
    sys.stdout.flush()
    sys.stderr.flush()
    command = [str(interpreter), *sys.orig_argv[1:]]
    if sys.platform != "win32":
        os.execv(command[0], command)
    sys.exit(_run_as_child(command))


def _run_as_child(command: "list[str]") -> int:
    """Run a command where a process cannot be replaced by another; return its exit code."""
    with subprocess.Popen(command) as child:
        while True:
            try:
                return child.wait()
            except KeyboardInterrupt:
                pass  # the console gave Ctrl-C to the child as well, and it decides

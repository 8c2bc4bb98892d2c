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
import sys
from pathlib import Path
from typing import NoReturn

from common.bootstrap_environment import (
    CLIENTS,
    DEV,
    RUNTIME,
    Level,
    base_interpreter,
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
    installed = _installed(sys.path)
    for name, bound in requirements(level):
        if _normal(name) not in installed or _release(installed[_normal(name)]) < _release(bound):
            return name
    return ""


def _installed(folders: "list[str]") -> "dict[str, str]":
    """Return distribution -> version for what lies in the folders; of two the first counts.

    Reads the names of the folders `name-version.dist-info` alone: importlib.metadata would cost
    every start several times as much as all the rest of the set-up.
    """
    found: dict[str, str] = {}
    for folder in folders:
        try:
            with os.scandir(folder or ".") as entries:
                names = [entry.name for entry in entries]
        except OSError:
            continue  # a zip file, or a folder that is not there
        for name in names:
            match = re.match(r"([^-]+)-(\d[^-]*).*\.(dist|egg)-info$", name)
            if match:
                found.setdefault(_normal(match.group(1)), match.group(2))
    return found


def _normal(name: str) -> str:
    """Return the one spelling of a distribution's name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _release(version: str) -> "tuple[int, ...]":
    match = re.match(r"\d+(\.\d+)*", version)
    parts = [int(part) for part in match.group().split(".")] if match else []
    while parts and parts[-1] == 0:
        parts.pop()  # 1.0 is no older than 1.0.0
    return tuple(parts)


def _leave_broken(level: Level) -> None:
    """Go back to the Python that this environment was made with, to have it made anew."""
    name = lacking(level)
    before = [folder for folder in os.environ.get("PYTHONPATH", "").split(os.pathsep) if folder]
    if _normal(name) in _installed(before):
        raise SetupError(
            f"The variable PYTHONPATH puts an older {name} before the one in {level.folder}; "
            "start without that variable."
        )
    if os.environ.get(_GUARD) == _REPAIRED:
        raise SetupError(
            f"{folder_of(level)} lacks {name} although it was just made. "
            "Delete that folder and start again."
        )
    say(f"The environment {level.folder} lacks {name}.")
    discard(level)
    os.environ[_GUARD] = _REPAIRED
    _go_on_in(base_interpreter())


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
    import subprocess  # noqa: PLC0415 -- costs every start, serves one system

    with subprocess.Popen(command) as child:
        while True:
            try:
                return child.wait()
            except KeyboardInterrupt:
                pass  # the console gave Ctrl-C to the child as well, and it decides

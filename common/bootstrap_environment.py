"""The environments in the program's folder: made, brought up to date, made anew when broken.

An environment is ready when it holds a stamp: the Python it was made with and the text of its
requirements. The stamp is written last and at once, so an environment without the right stamp is
unfinished, broken or outdated. Starts that come at the same time wait for each other.

Part of the set-up: see `common.bootstrap` for the rules about old Pythons.
"""

import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from common.bootstrap_system import SetupError, last_words, require, run, say

ROOT = Path(__file__).resolve().parent.parent


class Level(NamedTuple):
    """What an entry file needs: an environment's folder and the requirement files put there."""

    name: str
    folder: str
    files: "tuple[str, ...]"


RUNTIME = Level("runtime", ".venv", ("requirements.txt",))
DEV = Level("dev", ".venv", ("requirements.txt", "requirements-dev.txt"))
# Foreign clients that the tests run against the embedded exchange; their pins suit nobody else.
CLIENTS = Level("clients", ".venv-clients", ("requirements-clients.txt",))
LEVELS = (RUNTIME, DEV, CLIENTS)


def prepare(level: Level) -> Path:
    """Return the interpreter of the level's environment, making or mending it first if need be.

    Raises SetupError, whose text says why it cannot be had and what to do.
    """
    if not ready(level):
        with _locked(level) as lock:
            if not ready(level):  # a start that was waited for may have done it
                _build(level, lock)
    return interpreter_of(level)


def ready(level: Level) -> bool:
    """Tell whether the level's environment is complete, for the Python that runs now."""
    return interpreter_of(level).exists() and _read(_stamp(level)) == _stamp_text(level)


def discard(level: Level) -> None:
    """Declare the level's environment broken: the next `prepare` makes it anew."""
    for other in _together(level):
        if _stamp(other).exists():
            _stamp(other).unlink()


def folder_of(level: Level) -> Path:
    """Return the folder of the level's environment, made or not."""
    return ROOT / level.folder


def interpreter_of(level: Level) -> Path:
    """Return the interpreter of the level's environment, made or not."""
    return folder_of(level) / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def base_interpreter() -> Path:
    """Return the Python that the environment of this process was made with, or this Python.

    Before Python 3.11 `sys._base_executable` may name the environment's own interpreter; then the
    file that says where the environment came from is asked.
    """
    own = Path(sys.executable)
    if sys.prefix == sys.base_prefix:
        return own
    named = Path(getattr(sys, "_base_executable", None) or sys.executable)
    if named.parent != own.parent:
        return named
    home = re.search(r"(?m)^home\s*=\s*(.+?)\s*$", _read(Path(sys.prefix) / "pyvenv.cfg"))
    if home:
        version = "python{}.{}".format(*sys.version_info[:2])
        for name in (version, "python3", "python", "python.exe"):
            if (Path(home.group(1)) / name).exists():
                return Path(home.group(1)) / name
    return named


def requirements(level: Level) -> "Iterator[tuple[str, str]]":
    """Yield (distribution, lowest version) for the lines `name>=version` and `name==version`."""
    for line in _requirement_text(level).splitlines():
        match = re.match(r"([\w.-]+)\s*[>=]=\s*([\d.]+)", line)
        if match:
            yield match.group(1), match.group(2)


def _requirement_text(level: Level) -> str:
    try:
        return "".join((ROOT / name).read_text(encoding="utf-8") for name in level.files)
    except OSError as error:
        raise SetupError(
            f"{error.filename} cannot be read ({error.strerror}); restore it from the repository."
        ) from error


def _python_line() -> str:
    return "Python {}.{}.{} in {}\n".format(*sys.version_info[:3], sys.base_prefix)


def _stamp(level: Level) -> Path:
    return folder_of(level) / f".tmatic-{level.name}"


def _stamp_text(level: Level) -> str:
    return _python_line() + _requirement_text(level)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""


def _together(level: Level) -> "list[Level]":
    """Return the levels that share the level's folder."""
    return [other for other in LEVELS if other.folder == level.folder]


def _build(level: Level, lock: int) -> None:
    """Install the requirements, in the present environment if it is sound, else in a new one.

    A sound one is only added to, so that a terminal that runs from it while the tests are set up
    keeps its packages under its feet.
    """
    sound = interpreter_of(level).exists() and any(
        _read(_stamp(other)).startswith(_python_line()) for other in _together(level)
    )
    for other in _together(level):
        if _stamp(other).exists() and not ready(other):
            _stamp(other).unlink()
    if sound:
        say(f"Bringing the environment {level.folder} up to date.")
    else:
        say(f"Making the environment {level.folder}; this happens once and takes about a minute.")
        _create(level, lock)
    _install(level, lock)
    for other in _together(level):
        if set(other.files) <= set(level.files):
            _write_stamp(other)
    say("The environment is ready.")


def _create(level: Level, lock: int) -> None:
    import shutil  # noqa: PLC0415 -- costs every start, serves the first one

    require(venv=True)
    folder = folder_of(level)
    try:
        if folder.exists():
            say("  removing what is there: it is unfinished, broken or of another Python")
            shutil.rmtree(str(folder))
    except OSError as error:
        raise SetupError(
            f"The folder {folder} cannot be made anew ({error.strerror}). "
            "End the programs that use it, delete it and start again."
        ) from error
    say("  creating it")
    # The base interpreter: an active environment that lacks the packages is left alone.
    code, lines = run(
        [str(base_interpreter()), "-I", "-m", "venv", str(folder)], ROOT, keep=(lock,)
    )
    if code != 0:
        raise SetupError(f"The environment {folder} cannot be made.{last_words(lines)}")


_NO_NETWORK = (
    r"NewConnectionError|NameResolution|Connection(Refused|Reset)?Error|timed out|ProxyError"
)


def _install(level: Level, lock: int) -> None:
    """Install the requirement files with the environment's pip."""
    command = [str(interpreter_of(level)), "-m", "pip", "install", "--progress-bar", "off"]
    command += ["--no-input", "--disable-pip-version-check", "--retries", "2"]
    for name in level.files:
        command += ["-r", name]
    code, lines = run(command, ROOT, keep=(lock,), follow=_announce)
    if code == 0:
        return
    if re.search(_NO_NETWORK, "\n".join(lines)):
        raise SetupError(
            "The packages cannot be fetched: the package index is out of reach. "
            "Check the network (or pip's proxy setting) and start again."
        )
    raise SetupError(f"The packages cannot be installed.{last_words(lines)}")


def _announce(line: str) -> None:
    """Put a line of pip's into plain words; the addresses it mentions are left out."""
    fetched = re.match(r"Collecting ([\w.-]+)", line)
    if fetched:
        say(f"  fetching {fetched.group(1)}")
    elif line.startswith("Installing collected packages:"):
        say(f"  installing {line.count(',') + 1} packages")


def _write_stamp(level: Level) -> None:
    unfinished = _stamp(level).with_name(_stamp(level).name + ".new")
    unfinished.write_text(_stamp_text(level), encoding="utf-8")
    unfinished.replace(_stamp(level))


@contextmanager
def _locked(level: Level) -> "Iterator[int]":
    """Keep other starts away from the level's environment; yield the lock's file descriptor.

    The operating system frees the lock when the last process that holds the descriptor ends:
    children inherit it, so an installer that outlives a killed start still keeps others out.
    """
    path = ROOT / (level.folder + ".lock")
    try:
        file = path.open("a", encoding="utf-8")
    except OSError as error:
        raise SetupError(
            f"The folder {ROOT} cannot be written to ({error.strerror}), so the environment cannot "
            "be made there. Install the packages of requirements.txt for this Python yourself, "
            "or move the program to a folder of yours."
        ) from error
    with file:
        if not _try_lock(file.fileno()):
            say("Another start is making the environment; waiting for it.")
            while not _try_lock(file.fileno()):
                time.sleep(0.2)
        yield file.fileno()


def _try_lock(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt  # noqa: PLC0415 -- exists on Windows alone

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl  # noqa: PLC0415 -- exists on POSIX alone

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True

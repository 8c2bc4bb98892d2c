"""The folder a terminal works in: settings, history.ini, books, data, logs and perhaps algo/.

One process at a time: a profile is locked while it is open. A profile without `.env` is a demo.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from common.errors import ConfigurationError, ProfileInUse
from common.file_lock import lock_file
from common.history_ini import EVERYTHING, HistoryFile
from common.settings import SETTINGS_FILE

DEMO_FOLDER = "demo"
LOCK_FILE = "tmatic.lock"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Profile:
    """Where everything of one terminal lies."""

    folder: Path
    demo: bool  # no .env: the embedded exchange is used
    warnings: tuple[str, ...] = ()

    @property
    def data(self) -> Path:
        """Folder of candles."""
        return self.folder / "data"

    @property
    def logs(self) -> Path:
        """Folder of log files."""
        return self.folder / "logs"

    @property
    def exports(self) -> Path:
        """Folder of the tables written as CSV; made when it is first needed."""
        return self.folder / "exports"

    @property
    def history(self) -> Path:
        """The file with the date from which trades are fetched."""
        return self.folder / "history.ini"

    @property
    def exchange_state(self) -> Path:
        """State of the embedded exchange, accounts and orders included."""
        return self.folder / "exchange.json"

    @property
    def algo(self) -> Path | None:
        """The profile's own strategies; None: those of the program's folder are used."""
        path = self.folder / "algo"
        return path if path.is_dir() else None


def find_profile(program: Path, named: Path | None = None) -> Profile:
    """Return the profile to use and create its folders.

    `program` is the folder of the program, `named` what the user asked for. Without `.env` the
    demo lies in `named`, or in `demo/` below the program's folder. Raises ConfigurationError when
    the folder cannot be used.
    """
    folder = (named.expanduser() if named else program).absolute()
    demo = not _exists(folder / SETTINGS_FILE)
    warnings = _idle_market_files(folder) if demo else ()
    if demo and named is None:
        folder = folder / DEMO_FOLDER
    profile = Profile(folder, demo, warnings)
    _create_folders(profile)
    if demo and not _exists(profile.history):
        # The demo's account begins with its exchange, so everything is little.
        HistoryFile(profile.history).create(EVERYTHING)
    return profile


def _exists(path: Path) -> bool:
    try:
        # A link to nothing counts: its owner means a file, and reading it names the error.
        return path.exists() or path.is_symlink()
    except OSError as error:
        raise ConfigurationError(_unusable(path, error)) from None


def _idle_market_files(folder: Path) -> tuple[str, ...]:
    """Tell of `.env.<Market>` without `.env`: somebody forgot one of two files."""
    if not folder.is_dir():
        return ()
    found = [p for p in sorted(folder.glob(f"{SETTINGS_FILE}.*")) if p.suffix != ".example"]
    return tuple(
        f"{path} is not read, because {folder / SETTINGS_FILE} does not exist: this is the demo;"
        f" copy {SETTINGS_FILE}.example to {SETTINGS_FILE} to use your own account"
        for path in found
    )


def _create_folders(profile: Profile) -> None:
    try:
        profile.folder.mkdir(parents=True, exist_ok=True)
        profile.data.mkdir(mode=0o700, exist_ok=True)
        profile.logs.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(_unusable(profile.folder, error)) from None


def _unusable(path: Path, error: OSError) -> str:
    reason = error.strerror or type(error).__name__
    return (
        f"{path} cannot be used as a profile ({reason});"
        " name a folder that you may write to: --profile DIR"
    )


class ProfileLock:
    """Holds a profile for this process; the system releases it when the process ends."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOCK_FILE
        self._file: BinaryIO | None = None

    def acquire(self) -> None:
        """Lock the profile.

        Raises ProfileInUse when another process holds it, ConfigurationError when the folder does
        not allow locks.
        """
        try:
            file = os.fdopen(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600), "r+b")
        except OSError as error:
            raise ConfigurationError(_unusable(self._path.parent, error)) from None
        try:
            lock_file(file)
        except BlockingIOError:
            holder = _holder(file)
            file.close()
            raise ProfileInUse(
                f"{self._path.parent} is in use by another terminal{holder};"
                " close that one, or name another folder: --profile DIR"
            ) from None
        except OSError as error:
            file.close()
            raise ConfigurationError(_unusable(self._path.parent, error)) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n".encode())
        file.flush()
        self._file = file

    def release(self) -> None:
        """Give the profile free. The file stays: removing it would open a race."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> ProfileLock:
        self.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def _holder(file: BinaryIO) -> str:
    try:
        text = file.read(20).decode("ascii", "replace").strip()
    except OSError as error:
        log.debug("the lock file cannot be read: %s", error)
        return ""
    return f" (process {text})" if text.isdigit() else ""

"""The lock that lets one terminal of this computer at a time trade on an account of an exchange.

Two profiles may have databases of their own, and then the lock of the database tells them nothing
of each other. This one lies in the user's own folder of the system. Other computers and other
users of this one do not see it.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from common.domain.books import AccountKey
from common.ledger.account_lock import lock_at
from common.ledger.database import DatabaseSettings
from common.settings_types import SqliteSettings

log = logging.getLogger(__name__)


def state_folder() -> Path:
    """Return where the system wants programs to keep what belongs to a user and this computer.

    RuntimeError: the user has no home.
    """
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return Path(local or Path.home() / "AppData" / "Local") / "Tmatic"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "Tmatic"
    given = Path(os.environ.get("XDG_STATE_HOME", ""))
    return (given if given.is_absolute() else Path.home() / ".local" / "state") / "tmatic"


class MachineLocks:
    """The locks of this process. Once taken they are held until `close`, also over a reload."""

    def __init__(self, folder: Path | None = None) -> None:
        """folder: of the lock files; None: in `state_folder`."""
        self._folder = folder
        self._held: dict[Path, BinaryIO] = {}
        self._told = ""  # what cannot be locked, and why

    def take(self, place: str, key: AccountKey, settings: DatabaseSettings) -> bool:
        """Take the lock of an account at an exchange; False: another database's terminal has it.

        place: host and port of the exchange. Of terminals with one database the lock of that
        decides: it knows more, such as that the other one does not answer any more. Where no file
        can be locked there is only a warning: the lock of the database still stands.
        """
        ours = _digest(settings)
        try:
            path = self._path(place, key)
            if path not in self._held:
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                file = lock_at(path)
                if file is None:
                    return path.read_bytes()[: len(ours)] == ours
                self._held[path] = file
            _write(self._held[path], ours)
        except (OSError, RuntimeError) as error:
            if str(error) != self._told:  # it is asked every few seconds
                self._told = str(error)
                log.warning(
                    "a terminal on this account with another database is not seen: %s", error
                )
        return True

    def close(self) -> None:
        """Give all locks back."""
        for file in self._held.values():
            file.close()
        self._held.clear()

    def _path(self, place: str, key: AccountKey) -> Path:
        folder = self._folder or state_folder() / "locks"
        who = f"{key.market}-{key.network.value}-{key.account}-{place}"
        return folder / f"{re.sub(r'[^0-9A-Za-z.-]', '_', who)}.lock"


def _write(file: BinaryIO, text: bytes) -> None:
    file.seek(0)
    if file.read(len(text)) != text:
        file.seek(0)
        file.write(text)
        file.flush()


def _digest(settings: DatabaseSettings) -> bytes:
    """Return what tells databases apart, without telling where they are."""
    if isinstance(settings, SqliteSettings):
        name = str(settings.path.resolve())
    else:
        name = f"{settings.host}:{settings.port}/{settings.database}"
    return sha256(name.encode("utf-8", "surrogateescape")).hexdigest().encode()

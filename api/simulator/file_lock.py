"""A lock on the state file that the system releases when its holder ends, however it ends."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import IO


class StateError(Exception):
    """The state file cannot be used; the text names the file, the place and the remedy."""


class FileLock:
    """Keeps a second process from the same state; the system releases it when the holder ends."""

    def __init__(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._stream = path.open("a+b")
        except OSError as error:
            message = f"{path.parent}: cannot be written ({error.strerror}). Name another folder."
            raise StateError(message) from error
        try:
            _lock_stream(self._stream)
        except OSError as error:
            self._stream.close()
            message = (
                f"{path.with_suffix('')} is in use by another running exchange. "
                "End that one or name another --state file."
            )
            raise StateError(message) from error

    def release(self) -> None:
        """Let another process take the lock."""
        self._stream.close()


if sys.platform == "win32":
    import msvcrt

    def _lock_stream(stream: IO[bytes]) -> None:
        stream.seek(0)
        msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock_stream(stream: IO[bytes]) -> None:
        fcntl.flock(stream.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)

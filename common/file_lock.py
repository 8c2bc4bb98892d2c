"""An exclusive lock on an open file; the system releases it when its process ends, however."""

from __future__ import annotations

import sys
from typing import BinaryIO

_LOCKED_BYTE = 1 << 20  # beyond the text, which others must be able to read on Windows

if sys.platform == "win32":
    import msvcrt

    def lock_file(file: BinaryIO) -> None:
        """Lock a file. BlockingIOError: another one holds it. OSError: locks are not possible."""
        file.seek(_LOCKED_BYTE)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError as error:
            raise BlockingIOError(error.errno, error.strerror) from None
        finally:
            file.seek(0)

else:
    import fcntl

    def lock_file(file: BinaryIO) -> None:
        """Lock a file. BlockingIOError: another one holds it. OSError: locks are not possible."""
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)

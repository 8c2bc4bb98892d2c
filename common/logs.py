"""The log of a profile: rotating UTF-8 files without secrets, readable by their owner only.

INFO is what an auditor asks for, WARNING what was recovered, ERROR what a person should look at.
A full disk loses log lines and counts them; it never stops the program.
"""

from __future__ import annotations

import contextlib
import io
import logging
import logging.handlers
import os
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

from common.errors import ConfigurationError
from common.redaction import clean, redactor
from common.settings_types import Secret

LOG_FILE = "tmatic.log"
FILE_SIZE = 5_000_000  # bytes
KEPT_FILES = 5
LONGEST_MESSAGE = 1_000  # characters
LONGEST_TRACEBACK_LINE = 300  # characters
TRACEBACK_LINES = 100
ROTATION_RETRY = 60.0  # seconds
_CHATTY = ("websocket", "urllib3", "asyncio", "aiohttp")

log = logging.getLogger(__name__)


class Formatter(logging.Formatter):
    """One line per record in UTC; a traceback follows on lines that no message can imitate."""

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%d %H:%M:%S"
    default_msec_format = "%s.%03d"

    def format(self, record: logging.LogRecord) -> str:
        """Return the record redacted, escaped and cut."""
        try:
            message = record.getMessage()
        except (TypeError, ValueError, KeyError) as error:
            message = f"{record.msg!r} (arguments do not fit: {type(error).__name__})"
        head = f"{self.formatTime(record)} {record.levelname:<7} {record.threadName} {record.name}"
        lines = [f"{head}: {clean(message, LONGEST_MESSAGE)}"]
        if record.exc_info:
            lines += self._traceback(self.formatException(record.exc_info))
        return "\n".join(lines)

    @staticmethod
    def _traceback(text: str) -> list[str]:
        # Redacted as a whole first: a secret with a line break would escape line by line.
        lines = redactor.redact(text).splitlines()
        if len(lines) > TRACEBACK_LINES:
            half = TRACEBACK_LINES // 2
            lines = [*lines[:half], f"... {len(lines) - 2 * half} lines ...", *lines[-half:]]
        return [f"    | {clean(line, LONGEST_TRACEBACK_LINE)}" for line in lines]


class LogFile(logging.handlers.RotatingFileHandler):
    """A rotating file with mode 0600 that counts the records it could not write."""

    def __init__(self, path: Path, size: int = FILE_SIZE, kept: int = KEPT_FILES) -> None:
        self.lost = 0  # records
        self._reported = 0
        self._next_rotation = 0.0  # monotonic seconds
        super().__init__(path, maxBytes=size, backupCount=kept, encoding="utf-8", errors="replace")

    def _open(self) -> io.TextIOWrapper:
        number = os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return os.fdopen(number, "a", encoding="utf-8", errors="replace", newline="\n")

    def shouldRollover(self, record: logging.LogRecord) -> bool:  # noqa: N802 - base class
        """Whether the file is full and can be expected to be renamed."""
        return time.monotonic() >= self._next_rotation and bool(super().shouldRollover(record))

    def doRollover(self) -> None:  # noqa: N802 - base class
        """Begin a new file; one that another program holds is continued and tried again later."""
        try:
            super().doRollover()
        except OSError:
            self._next_rotation = time.monotonic() + ROTATION_RETRY
            if self.stream is None:
                self.stream = self._open()

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, after a line on those that were lost before it."""
        before = self.lost
        if before > self._reported:
            super().emit(_loss_record(before - self._reported))
            if self.lost == before:
                self._reported = before
            self.lost = before  # the line on the loss is no loss itself
        super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - base class
        """Count a record that could not be written; there is nowhere to complain."""
        self.lost += 1


def _loss_record(lost: int) -> logging.LogRecord:
    text = "%d log lines could not be written before this one"
    return logging.LogRecord(__name__, logging.WARNING, __file__, 0, text, (lost,), None)


class Logs:
    """The logging of this process, from `start` to `stop`."""

    def __init__(self, folder: Path, level: int = logging.INFO) -> None:
        self.path = folder / LOG_FILE
        self._level = level
        self._file: LogFile | None = None
        self._hooks = (sys.excepthook, threading.excepthook)

    def start(self) -> None:
        """Log to the profile from now on, uncaught exceptions included.

        Raises ConfigurationError when the file cannot be opened.
        """
        try:
            self._file = LogFile(self.path)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise ConfigurationError(
                f"{self.path} cannot be written ({reason}); make the file yours or remove it"
            ) from None
        self._file.setFormatter(Formatter())
        root = logging.getLogger()
        root.addHandler(self._file)
        root.setLevel(self._level)
        for name in _CHATTY:
            logging.getLogger(name).setLevel(logging.WARNING)
        self._hooks = (sys.excepthook, threading.excepthook)
        sys.excepthook = self._uncaught
        threading.excepthook = self._uncaught_in_thread

    def stop(self) -> None:
        """Close the file and give the hooks back."""
        if self._file is None:
            return
        sys.excepthook, threading.excepthook = self._hooks
        logging.getLogger().removeHandler(self._file)
        with contextlib.suppress(OSError):  # the disk is full, and this is the last line's flush
            self._file.close()
        self._file = None

    @property
    def lost(self) -> int:
        """Log lines that could not be written."""
        return self._file.lost if self._file else 0

    def _uncaught(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            return
        log.critical("uncaught exception", exc_info=(kind, error, trace))
        print(
            f"Tmatic met an error it was not prepared for ({kind.__name__}); see {self.path}",
            file=sys.stderr,
        )

    def _uncaught_in_thread(self, args: threading.ExceptHookArgs) -> None:
        if args.exc_value is None:
            return
        name = args.thread.name if args.thread else "a thread"
        log.critical(
            "uncaught exception in %s",
            name,
            exc_info=(args.exc_type, args.exc_value, args.exc_traceback),
        )


def hide(secrets: Iterable[Secret]) -> None:
    """Keep these secrets out of every log line and printed line of this process."""
    for secret in secrets:
        redactor.register(secret.reveal())


def forbid_core_dumps() -> None:
    """Let no crash write the memory, and with it the keys, to the disk (POSIX)."""
    if sys.platform != "win32":
        import resource  # noqa: PLC0415 - does not exist on Windows

        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))

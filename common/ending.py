"""The end of the program: bounded, whatever hangs.

Nothing is lost by it: what was not committed is fetched again from the exchange's history at the
next start, and requests of unknown outcome are asked about.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Callable
from typing import NoReturn

log = logging.getLogger(__name__)

END_WITHIN = 3.5  # seconds; with those of the dialog that asks about open orders not above five


def end_within(end: Callable[[], None], seconds: float = END_WITHIN) -> bool:
    """Run the end of everything; return False when it goes on after so many seconds.

    An error of it is raised here.
    """
    errors: list[Exception] = []

    def run() -> None:
        try:
            end()
        except Exception as error:  # noqa: BLE001 - raised again by the thread that waits
            errors.append(error)

    thread = threading.Thread(target=run, name="end", daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if thread.is_alive():
        log.error("the end took longer than %g s; what hangs is left to itself", seconds)
    return not thread.is_alive()


def leave(code: int) -> NoReturn:
    """End the process, which waits for no thread that hangs."""
    hanging = [t.name for t in threading.enumerate() if t is not threading.main_thread()]
    if not hanging:
        sys.exit(code)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)

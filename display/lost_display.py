"""The X server goes while the window is open: the program is ended in order, not torn off.

Xlib ends the process on the spot then, unless it is given something else to do, which must not
return. Where there is no Xlib (Windows, macOS), displays do not go.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable

LIBRARY = "libX11.so.6"  # the one that Tk has loaded; asking for it again gives the same

_Handler = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)
_kept: list[object] = []  # Xlib holds no reference to what it is to call


def on_loss(end: Callable[[], None], code: int) -> None:
    """Have `end` called on the thread of Tk when the display has gone, then exit with `code`."""
    try:
        xlib = ctypes.CDLL(LIBRARY)
    except OSError:
        return

    def lost(_display: object) -> int:
        try:
            end()
        finally:
            os._exit(code)

    handler = _Handler(lost)
    _kept[:] = [handler]
    xlib.XSetIOErrorHandler(handler)

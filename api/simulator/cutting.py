"""Connections that end without a goodbye."""

from __future__ import annotations

import os
import socket
import struct
from asyncio import Transport

_NO_LINGERING = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)  # struct linger


def reset(transport: Transport) -> None:
    """Reset a TCP connection: the other end sees an error, not an end."""
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGERING)
    transport.abort()

"""A WebSocket server on loopback, frame by frame, for tests of the client's stream."""

from __future__ import annotations

import base64
import hashlib
import queue
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3


class RealtimePeer:
    """One connection of a client, which the test talks to directly."""

    def __init__(self, opening: bytes | None) -> None:
        self._opening = opening
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"ws://127.0.0.1:{self._listener.getsockname()[1]}/realtime"
        self.headers: dict[str, str] = {}
        self.heard: queue.Queue[str] = queue.Queue()  # texts of the client; "" at its end
        self._connection: socket.socket | None = None
        self._ready = threading.Event()
        self._ended = threading.Event()
        self._listener.settimeout(0.05)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def send(self, payload: bytes, opcode: int = 1, final: bool = True) -> None:
        """Send one frame."""
        self.send_raw(frame(payload, opcode, final))

    def send_raw(self, data: bytes) -> None:
        """Send bytes as they are."""
        assert self._ready.wait(10)
        assert self._connection is not None
        self._connection.sendall(data)

    def hang_up(self) -> None:
        """End the connection without a closing frame."""
        assert self._ready.wait(10)
        assert self._connection is not None
        self._connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End everything."""
        self._ended.set()
        if self._connection is not None:
            _shut(self._connection)
        self._thread.join(10)
        self._listener.close()
        assert not self._thread.is_alive()

    def _serve(self) -> None:
        while self._connection is None:
            try:
                self._connection, _ = self._listener.accept()
            except TimeoutError:
                if self._ended.is_set():
                    return
        stream = self._connection.makefile("rb")
        try:
            self._handshake(stream.readline)
            self._ready.set()
            while self._opening is None:
                self.heard.put(_read_text(stream.read))
        except (OSError, ValueError, struct.error):
            self.heard.put("")
        finally:
            stream.close()

    def _handshake(self, readline: object) -> None:
        assert callable(readline)
        readline()
        while line := readline().decode().strip():
            name, value = line.split(":", 1)
            self.headers[name.lower()] = value.strip()
        assert self._connection is not None
        if self._opening is not None:
            self._connection.sendall(self._opening)
            return
        key = hashlib.sha1((self.headers["sec-websocket-key"] + _GUID).encode()).digest()
        self._connection.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + base64.b64encode(key) + b"\r\n\r\n"
        )


def frame(payload: bytes, opcode: int = 1, final: bool = True) -> bytes:
    """Return one unmasked frame, as servers send it."""
    head = bytes([(0x80 if final else 0) | opcode])
    if len(payload) < 126:
        return head + bytes([len(payload)]) + payload
    if len(payload) < 65536:
        return head + b"\x7e" + struct.pack("!H", len(payload)) + payload
    return head + b"\x7f" + struct.pack("!Q", len(payload)) + payload


def _read_text(read: object) -> str:
    assert callable(read)
    head = read(2)
    if len(head) < 2:
        raise ValueError("the client has gone")
    length = head[1] & 0x7F
    if length == 126:
        (length,) = struct.unpack("!H", read(2))
    mask = read(4)
    payload = bytes(byte ^ mask[i % 4] for i, byte in enumerate(read(length)))
    if head[0] & 0x0F == 8:
        raise ValueError("closed")
    return payload.decode()


def _shut(sock: socket.socket) -> None:
    with suppress(OSError):  # not connected any more
        sock.shutdown(socket.SHUT_RDWR)
    sock.close()


@contextmanager
def realtime_peer(opening: bytes | None = None) -> Iterator[RealtimePeer]:
    """Serve one client; `opening` answers its upgrade in place of the right answer."""
    peer = RealtimePeer(opening)
    try:
        yield peer
    finally:
        peer.close()

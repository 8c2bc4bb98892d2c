"""An HTTP server on loopback that answers exactly as a test says, or misbehaves."""

from __future__ import annotations

import json
import os
import socket
import struct
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

Script = bytes | None  # what is sent after a request; None: the connection is reset instead
SILENCE = b""  # a request is read and never answered


@dataclass
class Asked:
    """One request as it arrived."""

    verb: str
    target: str
    headers: Mapping[str, str]
    body: str


@dataclass
class Peer:
    """A running server. `script` holds the answers to come; the last one repeats."""

    url: str
    script: list[Script] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0


def answer(status: int, body: object, headers: Mapping[str, str] | None = None) -> bytes:
    """Return an HTTP answer; a body that is not text goes out as JSON."""
    text = body if isinstance(body, str) else json.dumps(body)
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(text.encode())}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return ("\r\n".join(lines) + "\r\n\r\n" + text).encode()


def refusal(message: str, name: str = "HTTPError") -> dict[str, object]:
    """Return the error body of the exchange."""
    return {"error": {"message": message, "name": name}}


@contextmanager
def http_peer(*script: Script) -> Iterator[Peer]:
    """Serve on a free port until the block ends."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.05)
    peer = Peer(f"http://127.0.0.1:{listener.getsockname()[1]}/api/v1/", list(script))
    ended = threading.Event()
    threads: list[threading.Thread] = []

    def accept() -> None:
        while not ended.is_set():
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            peer.connections += 1
            thread = threading.Thread(target=_serve, args=(peer, connection, ended), daemon=True)
            threads.append(thread)
            thread.start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield peer
    finally:
        ended.set()
        for thread in (accepting, *threads):
            thread.join(5)
        listener.close()


def _serve(peer: Peer, connection: socket.socket, ended: threading.Event) -> None:
    connection.settimeout(0.05)
    with connection:
        while (asked := _read(connection, ended)) is not None:
            peer.asked.append(asked)
            reply = peer.script.pop(0) if len(peer.script) > 1 else peer.script[0]
            if reply is None:
                reset = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
                return
            if reply == SILENCE:
                ended.wait(10)
                return
            connection.settimeout(10)
            with suppress(OSError):  # a client may have had enough of the answer
                connection.sendall(reply)
            connection.settimeout(0.05)


def _read(connection: socket.socket, ended: threading.Event) -> Asked | None:
    data = b""
    while not ended.is_set():
        try:
            piece = connection.recv(65536)
        except TimeoutError:
            continue
        except OSError:
            return None
        if not piece:
            return None
        data += piece
        head, separator, body = data.partition(b"\r\n\r\n")
        if not separator:
            continue
        first, *lines = head.decode().split("\r\n")
        headers = {k.lower(): v.strip() for k, v in (line.split(":", 1) for line in lines)}
        if len(body) >= int(headers.get("content-length", "0")):
            verb, target, _ = first.split(" ")
            return Asked(verb, target, headers, body.decode())
    return None

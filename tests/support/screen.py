"""A private X display without a monitor, and pictures of it.

Xvfb keeps its picture in a file (`-fbdir`) in the XWD format, which is read here and written as PNG
with the standard library alone. XWD: X11's `X11/XWDFile.h`; PNG: RFC 2083.
"""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.processes import end, search_path

_framebuffers: dict[str, Path] = {}  # display name -> the file that Xvfb paints into
_servers: dict[str, subprocess.Popen[str]] = {}


@contextmanager
def virtual_display(size: str = "1280x800x24") -> Iterator[str]:
    """Run an Xvfb of `size` (WIDTHxHEIGHTxDEPTH) on a free display; yield its name, such as ":7".

    The server ends with the context. Raises AssertionError naming the package where Xvfb is absent.
    """
    program = shutil.which("Xvfb", path=search_path())
    assert program, "Xvfb is not installed; Debian and Ubuntu: apt-get install xvfb xdotool"
    with tempfile.TemporaryDirectory(prefix="tmatic-xvfb-") as folder:
        reading, writing = os.pipe()
        arguments = ["-screen", "0", size, "-fbdir", folder, "-nolisten", "tcp", "-noreset"]
        log = Path(folder, "log")
        with log.open("w", encoding="utf-8") as errors:
            server = subprocess.Popen(
                [program, "-displayfd", str(writing), *arguments],
                pass_fds=[writing],
                stderr=errors,
                text=True,
            )
        os.close(writing)
        try:
            with os.fdopen(reading, encoding="ascii") as answer:
                number = answer.readline().strip()
            assert number, f"Xvfb did not start: {log.read_text(encoding='utf-8')}"
            name = f":{number}"
            _framebuffers[name] = Path(folder, "Xvfb_screen0")
            _servers[name] = server
            yield name
        finally:
            end(server)


def kill_display(display: str) -> None:
    """End a display that `virtual_display` has yielded without warning."""
    _servers[display].kill()
    _servers[display].wait()


def screenshot(display: str, path: Path) -> Path:
    """Write what `display`, a name yielded by `virtual_display`, shows as a PNG; return path."""
    width, height, rgb = picture(display)
    rows = b"".join(
        b"\0" + rgb[start : start + width * 3] for start in range(0, len(rgb), width * 3)
    )
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", zlib.compress(rows))
        + _chunk(b"IEND", b"")
    )
    return path


def pixel(display: str, x: int, y: int) -> tuple[int, int, int]:
    """Return (red, green, blue), 0-255 each, of one point of the display."""
    width, _, rgb = picture(display)
    start = (y * width + x) * 3
    return rgb[start], rgb[start + 1], rgb[start + 2]


def picture(display: str) -> tuple[int, int, bytes]:
    """Return (width, height, RGB bytes row by row) of what the display shows now."""
    data = _framebuffers[display].read_bytes()
    header = struct.unpack(">25I", data[:100])
    header_size, width, height, least_first = header[0], header[4], header[5], header[7] == 0
    bits, line, colours = header[11], header[12], header[19]
    assert bits == 32, f"the display has {bits} bits per pixel; ask for a depth of 24"
    start = header_size + colours * 12
    rgb = bytearray(width * height * 3)
    for offset, source in enumerate((2, 1, 0) if least_first else (1, 2, 3)):
        for y in range(height):
            row = start + y * line
            rgb[y * width * 3 + offset : (y + 1) * width * 3 : 3] = data[
                row + source : row + width * 4 : 4
            ]
    return width, height, bytes(rgb)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

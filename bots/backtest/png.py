"""PNG files with nothing but the standard library: a canvas of pixels, lines, boxes and letters."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

Colour = tuple[int, int, int]

LETTER_WIDTH, LETTER_HEIGHT = 6, 9  # pixels, with the gap
_ROWS = 7
# Five columns of seven pixels a letter, the lowest bit on top.
_LETTERS = {
    " ": "0000000000", "%": "2313086462", "+": "08083e0808", ",": "0050300000",
    "-": "0808080808", ".": "0060600000", "/": "2010080402", ":": "0036360000",
    "0": "3e5149453e", "1": "00427f4000", "2": "4261514946", "3": "2141454b31",
    "4": "1814127f10", "5": "2745454539", "6": "3c4a494930", "7": "0171090503",
    "8": "3649494936", "9": "064949291e", "A": "7e1111117e", "B": "7f49494936",
    "C": "3e41414122", "D": "7f4141221c", "E": "7f49494941", "F": "7f09090901",
    "G": "3e4149497a", "H": "7f0808087f", "I": "00417f4100", "J": "2040413f01",
    "K": "7f08142241", "L": "7f40404040", "M": "7f020c027f", "N": "7f0408107f",
    "O": "3e4141413e", "P": "7f09090906", "Q": "3e4151215e", "R": "7f09192946",
    "S": "4649494931", "T": "01017f0101", "U": "3f4040403f", "V": "1f2040201f",
    "W": "3f4038403f", "X": "6314081463", "Y": "0708700807", "Z": "6151494543",
    "_": "4040404040", "(": "001c224100", ")": "0041221c00", "=": "1414141414",
}  # fmt: skip


class Canvas:
    """A picture in memory; the origin is its upper left corner. What lies outside is cut off."""

    def __init__(self, width: int, height: int, colour: Colour) -> None:
        self.width = width
        self.height = height
        self._pixels = bytearray(bytes(colour) * (width * height))

    def dot(self, x: int, y: int, colour: Colour) -> None:
        """Paint one pixel."""
        if 0 <= x < self.width and 0 <= y < self.height:
            at = 3 * (y * self.width + x)
            self._pixels[at : at + 3] = bytes(colour)

    def box(self, left: int, top: int, width: int, height: int, colour: Colour) -> None:
        """Fill a rectangle."""
        first, last = max(0, left), min(self.width, left + width)
        if first >= last:
            return
        row = bytes(colour) * (last - first)
        for y in range(max(0, top), min(self.height, top + height)):
            at = 3 * (y * self.width + first)
            self._pixels[at : at + len(row)] = row

    def column(self, x: int, one: int, other: int, colour: Colour) -> None:
        """Fill a column between two heights, both of them too."""
        self.box(x, min(one, other), 1, abs(one - other) + 1, colour)

    def write(self, text: str, x: int, y: int, colour: Colour, scale: int = 1) -> None:
        """Write capitals, figures and the commonest signs; another letter leaves a blank."""
        for number, letter in enumerate(text.upper()):
            columns = bytes.fromhex(_LETTERS.get(letter, _LETTERS[" "]))
            left = x + number * LETTER_WIDTH * scale
            for column, bits in enumerate(columns):
                for row in range(_ROWS):
                    if bits >> row & 1:
                        self.box(left + column * scale, y + row * scale, scale, scale, colour)

    def save(self, path: Path) -> None:
        """Write the picture as a PNG file. OSError."""
        stride = 3 * self.width
        lines = b"".join(
            b"\0" + self._pixels[start : start + stride]
            for start in range(0, len(self._pixels), stride)
        )
        head = struct.pack("!IIBBBBB", self.width, self.height, 8, 2, 0, 0, 0)
        path.write_bytes(
            b"\x89PNG\r\n\x1a\n"
            + _chunk(b"IHDR", head)
            + _chunk(b"IDAT", zlib.compress(lines, 9))
            + _chunk(b"IEND", b"")
        )


def text_width(text: str, scale: int = 1) -> int:
    """Return the pixels that a text takes."""
    return len(text) * LETTER_WIDTH * scale


def _chunk(name: bytes, content: bytes) -> bytes:
    check = zlib.crc32(name + content)
    return struct.pack("!I", len(content)) + name + content + struct.pack("!I", check)

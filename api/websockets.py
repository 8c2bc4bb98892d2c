"""The order desks as strategies see them (façade of the strategy API, docs/bots.md)."""

from __future__ import annotations

from typing import Any


class Websockets:
    """`Websockets.connect[market]` is what the order calls of `functions.Function` take first."""

    connect: dict[str, Any] = {}  # noqa: RUF012 - published as a class attribute

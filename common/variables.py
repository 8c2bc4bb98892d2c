"""The open orders as strategies see them (façade of the strategy API, docs/bots.md)."""

from __future__ import annotations

from typing import Any


class Variables:
    """`Variables.orders`: clOrdID -> order. Replaced whole at every change, never changed in place.

    Loops over it may therefore post and delete orders.
    """

    orders: dict[str, dict[str, Any]] = {}  # noqa: RUF012 - published as a class attribute

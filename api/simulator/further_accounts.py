"""Accounts that the command line asks for: `--account NAME:XBt=1000000,USDt=5000000:order`."""

from __future__ import annotations

import argparse
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from api.simulator.exchange import MARGIN_CURRENCIES
from api.simulator.interventions import PERMISSIONS
from api.simulator.ports import ApiKey, Json
from api.simulator.venue import DEMO_MONEY, Customer, LiveVenue, seeded_key

READ = "read"  # what every key may do
_NAME = re.compile(r"[A-Za-z0-9_-]{1,32}")
_MOST_MONEY = 10**18


@dataclass(frozen=True, slots=True)
class Wish:
    """An account that is to exist: money in the smallest units, permissions of its first key."""

    name: str
    money: dict[str, int]
    permissions: frozenset[str]


def parse_account(text: str) -> Wish:
    """Return what an option asks for. Raises argparse.ArgumentTypeError saying what is wrong."""
    name, *more = text.split(":")
    if not _NAME.fullmatch(name) or len(more) > 2:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not NAME, NAME:MONEY or NAME:MONEY:PERMISSIONS"
        )
    money = _parse_money(more[0]) if more and more[0] else dict(DEMO_MONEY)
    words = [word for word in more[1].split(",") if word] if len(more) == 2 else ["order"]
    unknown = [word for word in words if word != READ and word not in PERMISSIONS]
    if unknown:
        raise argparse.ArgumentTypeError(
            f"{unknown[0]!r} is no permission: {', '.join([READ, *sorted(PERMISSIONS)])}"
        )
    return Wish(name, money, frozenset(words) - {READ})


def admit(venue: LiveVenue, wishes: Sequence[Wish], seed: int | None) -> list[Json]:
    """Open the accounts that do not exist yet; return number, name and first key of each."""
    known = venue.account_numbers
    described: list[Json] = []
    for wish in wishes:
        number = known.get(wish.name)
        if number is None:
            number = max(known.values()) + 1
            key = _new_key(seed, number, wish.permissions)
            venue.open_account(Customer(number, wish.name, wish.money, [key]))
            known[wish.name] = number
        keys = [key for key in venue.keys if key.account == number]
        key = keys[0] if keys else venue.interventions.add_key(number, wish.permissions)
        described.append(
            {"account": number, "username": wish.name, "key": key.key, "secret": key.secret}
        )
    return described


def _parse_money(text: str) -> dict[str, int]:
    money = {}
    for part in text.split(","):
        currency, _, amount = part.partition("=")
        if currency not in MARGIN_CURRENCIES:
            names = ", ".join(MARGIN_CURRENCIES)
            raise argparse.ArgumentTypeError(f"{currency!r} is no currency: {names}")
        if not (amount.isascii() and amount.isdigit() and int(amount) <= _MOST_MONEY):
            raise argparse.ArgumentTypeError(f"{part!r} is not {currency}=WHOLE NUMBER")
        money[currency] = int(amount)
    return money


def _new_key(seed: int | None, number: int, permissions: frozenset[str]) -> ApiKey:
    if seed is None:
        return ApiKey(secrets.token_urlsafe(18), secrets.token_urlsafe(36), number, permissions)
    seeded = seeded_key(seed, number)
    return ApiKey(seeded.key, seeded.secret, number, permissions)

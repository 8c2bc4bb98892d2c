"""A trader over REST who signs with the key that an exchange printed, and the exchange's owner."""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests

from api.simulator.credentials import sign
from api.simulator.ports import Json, Row
from tests.support.venue import ExchangeProcess


class Trader:
    """Asks an exchange and expects success."""

    def __init__(self, exchange: ExchangeProcess) -> None:
        self.exchange = exchange

    def ask(self, method: str, path: str, body: Row | None = None, **query: Json) -> Json:
        """Return the answer of a route below /api/v1."""
        url = self.exchange.rest + path + ("?" + urlencode(query) if query else "")
        data = json.dumps(body).encode() if body is not None else b""
        stamp = str(int(time.time()) + 60)
        target = urlsplit(url).path + ("?" + urlsplit(url).query if query else "")
        headers = {
            "content-type": "application/json",
            "api-key": self.exchange.key,
            "api-expires": stamp,
            "api-signature": sign(self.exchange.secret, method, target, stamp, data),
        }
        answer = requests.request(method, url, data=data, headers=headers, timeout=10)
        assert answer.status_code == 200, answer.text
        result: Json = answer.json()
        return result

    def rows(self, path: str, **query: Json) -> list[Row]:
        """Return the rows of a table route."""
        rows = self.ask("GET", path, None, **query)
        assert isinstance(rows, list)
        return rows

    def order(self, **body: Json) -> Row:
        """Place an order and return its row."""
        row = self.ask("POST", "order", body)
        assert isinstance(row, dict)
        return row


class Owner:
    """The owner of the exchange: does what no customer can."""

    def __init__(self, venue: ExchangeProcess) -> None:
        self._control = venue.rest.removesuffix("/api/v1/") + "/control"

    def act(self, what: str, **parameters: object) -> Any:
        answer = requests.post(f"{self._control}/{what}", data=json.dumps(parameters), timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def truth(self, account: int) -> dict[str, Any]:
        answer = requests.get(f"{self._control}/truth", timeout=10)
        rows: list[dict[str, Any]] = answer.json()["accounts"]
        return next(row for row in rows if row["account"] == account)

"""A trader over REST who signs with the key that a running exchange printed."""

from __future__ import annotations

import json
import time
from urllib.parse import urlencode, urlsplit

import requests

from api.simulator.credentials import sign
from api.simulator.ports import Json, Row
from tests.support.venue import ExchangeProcess


class Trader:
    """Asks an exchange and expects success."""

    def __init__(self, exchange: ExchangeProcess) -> None:
        self._exchange = exchange

    def ask(self, method: str, path: str, body: Row | None = None, **query: Json) -> Json:
        """Return the answer of a route below /api/v1."""
        url = self._exchange.rest + path + ("?" + urlencode(query) if query else "")
        data = json.dumps(body).encode() if body is not None else b""
        stamp = str(int(time.time()) + 60)
        target = urlsplit(url).path + ("?" + urlsplit(url).query if query else "")
        headers = {
            "content-type": "application/json",
            "api-key": self._exchange.key,
            "api-expires": stamp,
            "api-signature": sign(self._exchange.secret, method, target, stamp, data),
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

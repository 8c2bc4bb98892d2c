"""Trades with a client that bravado builds from the exchange's own description; prints JSON.

Reads {"rest": ..., "ws": ..., "key": ..., "secret": ...} from its standard input. Every answer is
validated against the description by the client itself.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import sys
import time
from typing import Any
from urllib.parse import urlsplit

from bravado.client import SwaggerClient  # type: ignore[import-not-found, import-untyped, unused-ignore] # not in the tests' own environment
from bravado.exception import HTTPError  # type: ignore[import-not-found, import-untyped, unused-ignore] # see above
from bravado.requests_client import (  # type: ignore[import-not-found, import-untyped, unused-ignore] # see above
    Authenticator,
    RequestsClient,
)

CONFIG = {
    "use_models": False,
    "validate_responses": True,
    "validate_requests": True,
    "validate_swagger_spec": True,
    "formats": [],
}


class Signer(Authenticator):  # type: ignore[misc, unused-ignore] # the client has no types
    """Signs requests the way of the exchange."""

    def __init__(self, host: str, key: str, secret: str) -> None:
        super().__init__(host)
        self._key, self._secret = key, secret

    def apply(self, request: Any) -> Any:
        """Return the request with its signature."""
        prepared = request.prepare()
        parts = urlsplit(prepared.url)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        body = prepared.body or ""
        body = body.decode() if isinstance(body, bytes) else body
        expires = str(int(time.time()) + 5)
        text = f"{prepared.method}{target}{expires}{body}"
        signature = hmac.new(self._secret.encode(), text.encode(), hashlib.sha256).hexdigest()
        request.headers = {
            **(request.headers or {}),
            "api-expires": expires,
            "api-key": self._key,
            "api-signature": signature,
        }
        return request


def plain(value: Any) -> Any:
    """Return a moment as text: the client makes moments of them."""
    return value.isoformat()


def asked(operation: Any, **given: Any) -> Any:
    """Return the body of an answer that the client found valid."""
    return operation(**given).response(timeout=10).result


def refused(operation: Any, **given: Any) -> tuple[int, str]:
    """Return status and message of a request that must fail."""
    try:
        asked(operation, **given)
    except HTTPError as error:
        return error.status_code, error.response.json()["error"]["message"]
    raise AssertionError("the request was accepted")


def use(client: Any) -> dict[str, Any]:
    """Ask for everything; return what came."""
    seen: dict[str, Any] = {
        "instruments": asked(client.Instrument.Instrument_getActive),
        "book": asked(client.OrderBook.OrderBook_getL2, symbol="XBTUSD", depth=5),
        "candles": asked(client.Trade.Trade_getBucketed, symbol="XBT", binSize="1h", count=3),
        "trades": asked(client.Trade.Trade_get, symbol="XBTUSD", count=5, reverse=True),
        "funding": asked(client.Funding.Funding_get, symbol="XBTUSD", count=2, reverse=True),
        "user": asked(client.User.User_get),
        "assets": asked(client.Wallet.Wallet_getAssetsConfig),
    }
    (row,) = asked(client.Instrument.Instrument_get, symbol="XBTUSDT")
    low = round(row["bidPrice"] * 0.9)
    order = client.Order
    placed = asked(order.Order_new, symbol="XBTUSDT", orderQty=2000, price=low, clOrdID="a/b+c=")
    seen["placed"] = placed
    seen["amended"] = asked(order.Order_amend, orderID=placed["orderID"], orderQty=1000)
    wanted = json.dumps({"open": True})
    seen["open"] = asked(order.Order_getOrders, symbol="XBTUSDT", filter=wanted)
    seen["cancelled"] = asked(order.Order_cancel, orderID=placed["orderID"])
    seen["bought"] = asked(order.Order_new, symbol="XBTUSDT", orderQty=3000, ordType="Market")
    seen["positions"] = asked(client.Position.Position_get)
    seen["leverage"] = asked(client.Position.Position_updateLeverage, symbol="XBTUSDT", leverage=5)
    seen["executions"] = asked(client.Execution.Execution_getTradeHistory, symbol="XBTUSDT")
    seen["margin"] = asked(client.User.User_getMargin, currency="USDt")
    seen["history"] = asked(client.User.User_getWalletHistory, currency="USDt", count=1, start=2)
    seen["timer"] = asked(order.Order_cancelAllAfter, timeout=60000)
    seen["closed"] = asked(order.Order_closePosition, symbol="XBTUSDT")
    seen["refused"] = refused(order.Order_new, symbol="XBTUSDT", orderQty=1, price=low)
    seen["all"] = asked(order.Order_cancelAll)
    return seen


def main() -> None:
    """Run against the exchange that standard input names."""
    said = json.load(sys.stdin)
    parts = urlsplit(said["rest"])
    http = RequestsClient()
    http.authenticator = Signer(parts.netloc, said["key"], said["secret"])
    url = f"{parts.scheme}://{parts.netloc}/api/explorer/swagger.json"
    client = SwaggerClient.from_url(url, http_client=http, config=CONFIG)
    json.dump(use(client), sys.stdout, default=plain)


if __name__ == "__main__":
    main()

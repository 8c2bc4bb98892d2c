"""HMAC-SHA256 signatures of requests; pure. The only place that reveals an API secret.

Source: https://www.bitmex.com/app/apiKeysUsage
"""

from __future__ import annotations

import hashlib
import hmac

from common.settings_types import Secret

REALTIME_PATH = "/realtime"  # what is signed for the stream, whatever the address looks like


def signature(secret: str, verb: str, path: str, expires: int, body: str = "") -> str:
    """Return the lowercase hexadecimal signature of a request.

    `path` begins with /api/v1 and carries the query byte for byte as it is sent; `expires` is in
    UNIX seconds by the exchange's clock; `body` is the exact text that is sent.
    """
    message = f"{verb.upper()}{path}{expires}{body}"
    return hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()


class Signer:
    """Makes the three headers that authenticate a request. Shows no secret when printed."""

    __slots__ = ("_key", "_secret")

    def __init__(self, key: Secret, secret: Secret) -> None:
        self._key = key
        self._secret = secret

    def __repr__(self) -> str:
        return "Signer(***)"

    def headers(self, verb: str, path: str, expires: int, body: str = "") -> dict[str, str]:
        """Return api-key, api-expires and api-signature; no headers where no key is set."""
        if not self._key:
            return {}
        return {
            "api-key": self._key.reveal(),
            "api-expires": str(expires),
            "api-signature": signature(self._secret.reveal(), verb, path, expires, body),
        }

    def realtime_headers(self, expires: int) -> dict[str, str]:
        """Return the headers of a stream's opening request."""
        return self.headers("GET", REALTIME_PATH, expires)

"""Checks who signed a request: header, query and `authKeyExpires` authentication.

Knows no sockets and no accounts; the venue's `find_key` maps a key id to its secret. The signed
text is VERB + TARGET + STAMP + BODY, taken byte for byte as it arrived, under HMAC-SHA256.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from api.simulator.ports import ApiKey, Json

_OWN_HOSTS = ("127.0.0.1", "localhost")
REALTIME_TARGET = "/realtime"  # what a WebSocket signature covers, whatever the URL says
PLATFORM_TARGET = "/realtimePlatform"  # where only announcements and the like are


class RequestRefused(Exception):
    """A request that is answered with an error before it reaches the venue."""

    def __init__(
        self,
        status: int,
        message: str,
        name: str = "HTTPError",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.headers = headers or {}
        self.status = status
        self.message = message
        self.name = name


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """What a client sent to prove its identity; nothing of it is shown by repr."""

    key: str
    stamp: str  # UNIX seconds of expiry, or a growing nonce
    signature: str
    is_nonce: bool = False

    def __repr__(self) -> str:
        return "Credentials(...)"


def check_caller(headers: Mapping[str, str]) -> None:
    """Raise RequestRefused unless a program of this computer calls: no web page may.

    Pages name their origin, and those that hide behind a name of their own name that as the host.
    """
    host = headers.get("host", "").rpartition(":")[0] or headers.get("host", "")
    if headers.get("origin") is not None or host not in _OWN_HOSTS:
        raise RequestRefused(403, "Only programs of this computer may use the control routes.")


def error_body(message: str, name: str = "HTTPError") -> dict[str, Json]:
    """Return the body of every refused request."""
    return {"error": {"message": message, "name": name}}


def sign(secret: str, verb: str, target: str, stamp: str, body: bytes = b"") -> str:
    """Return the signature of a request as lower-case hex.

    `target` is path and query as sent, percent-encoding included.
    """
    text = f"{verb}{target}{stamp}".encode("utf-8", "surrogateescape") + body
    return hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()


def read_credentials(values: Mapping[str, str]) -> Credentials | None:
    """Return the credentials in headers or a query, or None where there are none.

    Raises RequestRefused when some of the three parts are missing.
    """
    key, signature = values.get("api-key"), values.get("api-signature")
    expires, nonce = values.get("api-expires"), values.get("api-nonce")
    stamp = expires if expires is not None else nonce
    if key is None and signature is None and stamp is None:
        return None
    if not key:
        raise RequestRefused(401, "Missing API key.")
    if not signature:
        raise RequestRefused(401, "Missing API signature.")
    if not stamp:
        raise RequestRefused(401, "Missing API expires.")
    return Credentials(key, stamp, signature, is_nonce=expires is None)


class Authenticator:
    """Turns credentials into the key they prove, or refuses them."""

    def __init__(
        self,
        find_key: Callable[[str], ApiKey | None],
        unix_seconds: Callable[[], float],
        *,
        accept_nonce: bool = False,
    ) -> None:
        self._find_key = find_key
        self._unix_seconds = unix_seconds
        self._accept_nonce = accept_nonce
        self._last_nonce: dict[str, int] = {}

    def check(self, sent: Credentials, verb: str, target: str, body: bytes = b"") -> ApiKey:
        """Return the key that signed the request; raises RequestRefused with status and reason."""
        known = self._find_key(sent.key)
        if known is None:
            raise RequestRefused(401, "Invalid API Key.")
        stamp = self._read_stamp(sent)
        if not sent.is_nonce:
            self._check_expiry(stamp)
        expected = sign(known.secret, verb, target, sent.stamp, body)
        if not hmac.compare_digest(expected.encode(), sent.signature.encode(errors="replace")):
            raise RequestRefused(401, "Signature not valid.")
        if sent.is_nonce:
            self._use_nonce(sent.key, int(stamp))
        return known

    def _read_stamp(self, sent: Credentials) -> float:
        if sent.is_nonce and not self._accept_nonce:
            raise RequestRefused(401, "api-nonce is no longer supported: send api-expires.")
        if not re.fullmatch(r"[0-9]{1,20}(\.[0-9]{1,9})?", sent.stamp):
            raise RequestRefused(400, "`expires` is not a number of seconds.")
        return float(sent.stamp)

    def _check_expiry(self, expires: float) -> None:
        # There is no upper bound: clients that send milliseconds were accepted.
        now = self._unix_seconds()
        if now > expires:
            raise RequestRefused(
                400,
                f"This request has expired - `expires` is in the past. Current time: {int(now)}",
            )

    def _use_nonce(self, key: str, nonce: int) -> None:
        last = self._last_nonce.get(key, 0)
        if nonce <= last:
            message = f"Nonce is not increasing. This nonce: {nonce}, last nonce: {last}"
            raise RequestRefused(401, message)
        self._last_nonce[key] = nonce

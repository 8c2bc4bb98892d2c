"""Signed HTTPS requests over one kept-alive session, and what their failures mean.

A `RestClient` belongs to one thread. It never sends a POST or PUT twice: what became of one whose
answer was lost is `OutcomeUnknown`. Redirects are refused, for they would carry the key elsewhere.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Mapping
from urllib.parse import urlencode, urlsplit

import requests
from requests.auth import AuthBase
from urllib3.exceptions import ReadTimeoutError

from api.bitmex.answers import Answer, Purpose, expired_at, read, retry_after
from api.bitmex.auth import Signer
from api.bitmex.budget import Budget
from api.bitmex.closure import explain, is_loopback
from api.bitmex.exchange_clock import ExchangeClock
from api.bitmex.gated_http import GatedAdapter, Guard
from api.bitmex.wire import encode
from common.engine.requests import Permit
from common.errors import (
    ClockSkew,
    ExchangeUnavailable,
    NotTrusted,
    OrderRefused,
    OutcomeUnknown,
    RateLimited,
    TmaticError,
)

CONNECT_TIMEOUT = 5.0  # seconds
READ_TIMEOUT = 10.0  # seconds between two pieces of an answer
WHOLE_TIMEOUT = 30.0  # seconds for an answer as a whole
LARGEST_ANSWER = 16 * 1024 * 1024  # bytes
LONGEST_WAIT = 60.0  # seconds that a read waits for the request budget
LONGEST_CANCEL_WAIT = 1.0  # seconds
IDLE_LIMIT = 50.0  # seconds; an older connection may just be closing at the other end
_PIECE = 65536


class RestClient:
    """Requests to one exchange account, for one thread."""

    def __init__(
        self,
        base_url: str,
        signer: Signer,
        clock: ExchangeClock,
        budget: Budget,
        stopping: threading.Event,
        *,
        connect_timeout: float = CONNECT_TIMEOUT,
        read_timeout: float = READ_TIMEOUT,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        parts = urlsplit(base_url)
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._prefix = parts.path.rstrip("/")
        self._signer = signer
        self._clock = clock
        self._budget = budget
        self._stopping = stopping
        self._timeouts = (connect_timeout, read_timeout)
        self._monotonic = monotonic
        self._last_use = 0.0
        self._session = requests.Session()
        self._guard = Guard()
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, GatedAdapter(self._guard))
        self._session.headers["Accept"] = "application/json"
        # Proxies and certificates of the environment, but never for the machine's own address.
        self._session.trust_env = not is_loopback(parts.hostname or "")

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def get(self, path: str, query: Mapping[str, object] | None = None) -> object:
        """Read something; asked again once when only the clocks differed."""
        return self._repeatable("GET", path, Purpose.READ, query, None)

    def cancel(self, path: str, body: Mapping[str, object]) -> object:
        """Send a DELETE, which may be repeated."""
        return self._repeatable("DELETE", path, Purpose.CANCEL, None, body)

    def order(
        self, verb: str, path: str, body: Mapping[str, object], permit: Permit | None = None
    ) -> object:
        """Send a POST or PUT, once. Withdrawn: its permit was taken back before it was written."""
        self._guard.permit = permit
        try:
            return self._once(verb, path, Purpose.ORDER, None, body)
        finally:
            self._guard.permit = None

    def switch(self, path: str, body: Mapping[str, object]) -> object:
        """Send a POST that may be repeated and that no limit holds back."""
        return self._repeatable("POST", path, Purpose.CANCEL, None, body)

    def _repeatable(
        self,
        verb: str,
        path: str,
        purpose: Purpose,
        query: Mapping[str, object] | None,
        body: Mapping[str, object] | None,
    ) -> object:
        try:
            return self._once(verb, path, purpose, query, body)
        except ClockSkew:  # corrected by now
            return self._once(verb, path, purpose, query, body)

    def _once(
        self,
        verb: str,
        path: str,
        purpose: Purpose,
        query: Mapping[str, object] | None,
        body: Mapping[str, object] | None,
    ) -> object:
        self._wait_for_budget(purpose)
        target = self._prefix + path + (f"?{urlencode(query)}" if query else "")
        text = encode(body) if body is not None else ""
        sent = self._clock.local()
        answer = self._exchange(verb, target, text, purpose)
        self._learn(answer, sent)
        return read(answer, purpose)

    def _wait_for_budget(self, purpose: Purpose) -> None:
        if purpose is Purpose.CANCEL:  # sent all the same: paced, so that few are refused
            self._stopping.wait(min(self._budget.take_reserve(), LONGEST_CANCEL_WAIT))
            return
        if self._stopping.is_set():
            raise _never_left(purpose, "the program is closing")
        deadline = self._monotonic() + LONGEST_WAIT
        while (wait := self._budget.take(counts_as_order=purpose is Purpose.ORDER)) > 0.0:
            self._guard.check()
            if purpose is Purpose.ORDER and wait > 1.0:
                raise OrderRefused(f"the request limit is used up for {wait:.0f} s: not sent")
            if self._monotonic() + wait > deadline:
                raise RateLimited(f"the request limit is used up for {wait:.0f} s", wait)
            if self._stopping.wait(wait):
                raise _never_left(purpose, "the program is closing")

    def _exchange(self, verb: str, target: str, text: str, purpose: Purpose) -> Answer:
        url = self._origin + target
        prepared = requests.Request(
            verb, url, data=text.encode() or None, auth=_Auth(self._signer, self._clock, text)
        )
        self._drop_idle_connection()
        self._guard.written = False
        try:
            # `send` with the environment's settings, as Session.request does.
            request = self._session.prepare_request(prepared)
            settings = self._session.merge_environment_settings(url, {}, True, None, None)
            response = self._session.send(
                request, timeout=self._timeouts, allow_redirects=False, **settings
            )
            with response:
                return Answer(
                    url=url.partition("?")[0],
                    status=response.status_code,
                    headers=response.headers,
                    body=self._body(response),
                )
        except (requests.RequestException, OSError, ReadTimeoutError) as error:
            raise _failure(error, url, purpose, written=self._guard.written) from error
        finally:
            self._last_use = self._monotonic()

    def _drop_idle_connection(self) -> None:
        """A request into a connection that the other end is closing would be lost."""
        if self._monotonic() - self._last_use > IDLE_LIMIT:
            self._session.close()

    def _body(self, response: requests.Response) -> bytes:
        pieces = []
        size = 0
        deadline = self._monotonic() + WHOLE_TIMEOUT
        for piece in response.iter_content(_PIECE):
            pieces.append(piece)
            size += len(piece)
            if size > LARGEST_ANSWER:
                raise requests.RequestException("the answer is too large")
            if self._monotonic() > deadline:
                raise requests.ReadTimeout("the answer takes too long")
        return b"".join(pieces)

    def _learn(self, answer: Answer, sent: float) -> None:
        received = self._clock.local()
        self._budget.observe(answer.headers)
        if answer.status == requests.codes.too_many_requests:
            self._budget.close(retry_after(answer))
        told = expired_at(answer)
        if told is not None:
            self._clock.observe(float(told), sent, received)
        else:
            self._clock.observe_date(answer.headers.get("date"), sent, received)


class _Auth(AuthBase):
    """Signs a prepared request. That an auth is given also keeps `.netrc` out."""

    def __init__(self, signer: Signer, clock: ExchangeClock, body: str) -> None:
        self._signer = signer
        self._clock = clock
        self._body = body

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        verb, target = request.method or "", request.path_url
        request.headers.update(
            self._signer.headers(verb, target, self._clock.expires(), self._body)
        )
        if self._body:
            request.headers["Content-Type"] = "application/json"
        return request


def _failure(error: Exception, url: str, purpose: Purpose, *, written: bool) -> TmaticError:
    """Return what a request without an answer means; the cause's text may hold no header."""
    cause = _cause(error)
    if not written and is_untrusted(_root(error)):
        reason = f"{explain(url, 'its certificate is not accepted')} ({cause})"
        return (
            OrderRefused(f"{reason}: the order never left")
            if purpose is Purpose.ORDER
            else (NotTrusted(reason))
        )
    if not written:
        return _never_left(purpose, explain(url, f"cannot be reached, {cause}"))
    if purpose is Purpose.ORDER:
        return OutcomeUnknown(f"no answer: {cause}")
    return ExchangeUnavailable(explain(url, f"no answer, {cause}"))


def _never_left(purpose: Purpose, reason: str) -> TmaticError:
    if purpose is Purpose.ORDER:
        return OrderRefused(f"{reason}: the order never left")
    return ExchangeUnavailable(reason)


def is_untrusted(error: object) -> bool:
    """Whether an encrypted connection was not made: certificate, name or protocol do not fit."""
    broken_off = isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError))
    return isinstance(error, ssl.SSLError) and not broken_off


def _reason(error: Exception) -> object:
    return getattr(error.args[0] if error.args else None, "reason", None)


def _root(error: Exception) -> object:
    """Return what the libraries have wrapped twice."""
    reason = _reason(error)
    return reason.args[0] if isinstance(reason, Exception) and reason.args else reason


def _cause(error: Exception) -> str:
    inner = error.args[0] if error.args else None
    reason = getattr(inner, "reason", None) or inner or error
    if isinstance(reason, Exception):
        root = reason.__cause__ or reason.__context__ or reason
        text = str(root) or type(root).__name__
    else:
        text = str(reason)
    return text[:200] if text else type(error).__name__

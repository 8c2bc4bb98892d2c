"""Requests under /api/v1/ over HTTP: who asks, what it costs, and the answer with its faults."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Mapping
from email.utils import formatdate

from aiohttp import web

from api.simulator.course import Course
from api.simulator.credentials import (
    Authenticator,
    RequestRefused,
    error_body,
    read_credentials,
)
from api.simulator.faults import Faults
from api.simulator.formats import FORMAT, encode
from api.simulator.limits import RateLimits
from api.simulator.merging import merge_parameters
from api.simulator.mishandling import mishandle, raw_response
from api.simulator.permissions import changes_orders, check_permission
from api.simulator.ports import Answer, ApiKey, Json, Request, Venue
from api.simulator.request_faults import (
    AnswerFaults,
    Raw,
    answer_event,
    mishap,
    request_event,
)
from api.simulator.times import milliseconds

log = logging.getLogger(__name__)


class RestService:
    """Puts the questions of HTTP to a venue, on its course."""

    def __init__(
        self,
        venue: Venue,
        course: Course,
        authenticator: Authenticator,
        limits: RateLimits,
        faults: Faults,
    ) -> None:
        self._venue = venue
        self._course = course
        self._authenticator = authenticator
        self._limits = limits
        self._faults = faults
        self._answer_faults = AnswerFaults(faults)

    async def serve(self, request: web.BaseRequest, path: str) -> web.StreamResponse:
        """Answer a request for `path`, which begins below /api/v1."""
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return respond(Answer(413, error_body("Request Entity Too Large")), {})
        key, refusal = self._identify(request, body)

        def answer() -> web.Response:
            return self._answer(request, path, body, key, refusal)

        befallen = request_event(request.method, path, key.account if key else None)
        trouble = mishap(self._faults, befallen, time.time())
        return answer() if trouble is None else await mishandle(request, trouble, answer)

    def _answer(
        self,
        request: web.BaseRequest,
        path: str,
        body: bytes,
        key: ApiKey | None,
        refusal: RequestRefused | None,
    ) -> web.Response:
        headers: dict[str, str] = {"x-request-id": str(uuid.uuid4())}
        try:
            headers.update(self._charge(request, path, key))
            if refusal is not None:
                raise refusal
            answer = self._ask_venue(request, path, body, key)
        except RequestRefused as refused:
            headers.update(refused.headers)
            answer = Answer(refused.status, error_body(refused.message, refused.name))
        except Exception:
            log.exception("%s %s failed", request.method, path)
            answer = Answer(500, error_body("Internal Server Error"))
        return self._with_faults(request, path, key, answer, headers)

    def _with_faults(
        self,
        request: web.BaseRequest,
        path: str,
        key: ApiKey | None,
        answer: Answer,
        headers: dict[str, str],
    ) -> web.Response:
        """Return an answer as it leaves, altered by the faults that bite on it."""
        form = request.query.get(FORMAT)
        if self._faults.idle:
            return respond(answer, headers, form)
        asked = answer_event(request.method, path, key.account if key else None)
        altered = self._answer_faults.alter(asked, answer, milliseconds(self._course.latest))
        headers["date"] = formatdate(time.time() + self._faults.skew(), usegmt=True)
        if isinstance(altered, Raw):
            return raw_response(altered)
        return respond(altered, headers, form)

    def _identify(
        self, request: web.BaseRequest, body: bytes
    ) -> tuple[ApiKey | None, RequestRefused | None]:
        """Return the key that signed the request, or why it is not accepted."""
        try:
            sent = read_credentials(request.headers)
            if sent is None:
                return None, None
            method, target = request.method, request.raw_path
            return self._authenticator.check(sent, method, target, body), None
        except RequestRefused as refusal:
            return None, refusal

    def _charge(self, request: web.BaseRequest, path: str, key: ApiKey | None) -> Mapping[str, str]:
        """Charge the request to its key, else to its address, and return the headers about it."""
        return self._limits.charge(
            key.key if key else request.remote,
            time.time(),
            authenticated=key is not None,
            changes_orders=changes_orders(request.method, path),
        )

    def _ask_venue(
        self, request: web.BaseRequest, path: str, body: bytes, key: ApiKey | None
    ) -> Answer:
        """Return the venue's answer. RequestRefused: the key may not ask for this."""
        check_permission(request.method, path, key)
        asked = Request(
            method=request.method,
            path=path,
            params=given_parameters(request, body),
            account=key.account if key else None,
            permissions=key.permissions if key else frozenset(),
        )
        changes = request.method != "GET"
        return self._course.carry_out(lambda: self._venue.handle(asked), changes)


def given_parameters(request: web.BaseRequest, body: bytes) -> Mapping[str, Json]:
    """Return the parameters of a request. RequestRefused: they cannot be read."""
    # The query as it was sent: decoded as a whole, an escaped & would split a value.
    query = request.raw_path.partition("?")[2]
    return merge_parameters(query, request.content_type, body)


def respond(answer: Answer, headers: Mapping[str, str], form: str | None = None) -> web.Response:
    """Return an answer as HTTP carries it, in the format asked for."""
    # The body is complete before the response starts, so both leave in one segment.
    body, content_type = encode(answer, form)
    return web.Response(
        status=answer.status,
        body=body,
        headers={**headers, **answer.headers},
        content_type=content_type,
        charset="utf-8",
    )

"""The exchange on a loopback port: REST under /api/v1/ and WebSocket at /realtime.

Owns the sockets and the order of things: time moves the venue, what happened is written to the
state file, then clients are told. The rules of the exchange are in the venue.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from email.utils import formatdate

from aiohttp import WSMsgType, web

from api.simulator.control import Control
from api.simulator.credentials import (
    PLATFORM_TARGET,
    REALTIME_TARGET,
    Authenticator,
    RequestRefused,
    check_caller,
    error_body,
    read_credentials,
)
from api.simulator.description import DESCRIPTION_PATH, describe
from api.simulator.fault_kinds import Place
from api.simulator.faults import Event, Faults
from api.simulator.faulty_outlet import FaultyOutlet
from api.simulator.formats import FORMAT, encode
from api.simulator.limits import RateLimits
from api.simulator.market_time import MarketTime
from api.simulator.merging import merge_parameters
from api.simulator.mishandling import mishandle, raw_response
from api.simulator.outlet import SocketOutlet
from api.simulator.permissions import changes_orders, check_permission
from api.simulator.ports import Answer, ApiKey, Request, Venue
from api.simulator.realtime import Realtime
from api.simulator.request_faults import (
    AnswerFaults,
    Raw,
    answer_event,
    mishap,
    page,
    request_event,
)
from api.simulator.store import StateFile
from api.simulator.subscriptions import Wanted
from api.simulator.tables import TABLES
from api.simulator.times import milliseconds
from api.simulator.venue import LiveVenue

log = logging.getLogger(__name__)

HOST = "127.0.0.1"
API_PATH = "/api/v1"
CONTROL_PATH = "/control"
HOURS_A_TICK = 3  # of old candles made ahead: some 2 ms
TICK = 0.05  # seconds between two looks at the clock
SAVE_EVERY = 5.0  # seconds between two writes of what no client is told of, such as prices
KEEP_ALIVE = 90.0  # seconds
MAX_BODY = 1024 * 1024  # bytes of a request or a WebSocket message
# Events of these tables are on disk before a client hears of them.
DURABLE_TABLES = frozenset({"order", "execution", "wallet", "transact"})

LEVEL_TABLES = frozenset({"orderBookL2", "orderBookL2_25"})
CHEAP_TOPICS: frozenset[Wanted] = frozenset((t, None) for t in TABLES if t not in LEVEL_TABLES)


def utc_now() -> datetime:
    """Return the time of the system clock."""
    return datetime.now(timezone.utc)


class ExchangeServer:
    """Carries one venue over sockets."""

    def __init__(
        self,
        venue: Venue,
        *,
        rate_limits: bool = True,
        accept_nonce: bool = False,
        control: bool = True,
        faults: Faults | None = None,
        store: StateFile | None = None,
        now: Callable[[], datetime] = utc_now,
        speed: float = 1.0,
        on_subscribe: Callable[[], None] = lambda: None,
    ) -> None:
        self._venue = venue
        self._store = store
        self._time = MarketTime(now, speed)
        if isinstance(venue, LiveVenue):
            self._time.catch_up(venue.now)
        self._latest = self._time.now()
        self._limits = RateLimits(enabled=rate_limits)
        self._faults = faults or Faults(time.monotonic)
        self._answer_faults = AnswerFaults(self._faults)
        self._authenticator = Authenticator(
            venue.find_key, lambda: time.time() + self._faults.skew(), accept_nonce=accept_nonce
        )
        self._realtime = Realtime(
            venue, self._authenticator, lambda: self._latest, on_topics=self._follow_topics
        )
        on_revoked = self._realtime.end_key
        self._control = (
            Control(venue, self._faults, self._time, on_revoked=on_revoked) if control else None
        )
        self._on_subscribe = on_subscribe
        self._follow_topics(frozenset())
        self._outlets: set[SocketOutlet] = set()
        self._runner: web.ServerRunner | None = None
        self._ticker: asyncio.Task[None] | None = None
        self._broken = asyncio.Event()
        self._reason: Exception | None = None
        self.port = 0

    async def start(self, port: int = 0) -> None:
        """Listen on a port of the loopback interface (0: any free one, see `port`).

        Raises OSError when the port is taken.
        """
        self._advance()
        self._settle(save=True)
        server = web.Server(self._handle, access_log=None, keepalive_timeout=KEEP_ALIVE)
        self._runner = web.ServerRunner(server, shutdown_timeout=1.0)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, HOST, port).start()
        except OSError:
            await self._runner.cleanup()
            self._runner = None
            raise
        self.port = self._runner.addresses[0][1]
        self._ticker = asyncio.create_task(self._tick())

    async def failure(self) -> None:
        """Wait until the exchange can no longer go on; raises the reason."""
        assert self._ticker is not None
        broken = asyncio.create_task(self._broken.wait())
        try:
            await asyncio.wait([self._ticker, broken], return_when=asyncio.FIRST_COMPLETED)
        finally:
            broken.cancel()
        if self._reason is not None:
            raise self._reason
        await self._ticker

    async def stop(self) -> None:
        """Close all sockets and save the state, unless it is in doubt after a failure."""
        assert self._ticker is not None
        self._ticker.cancel()
        await asyncio.wait([self._ticker])
        for outlet in list(self._outlets):
            outlet.close(1001, "The exchange is shutting down.")
        if self._runner is not None:
            await self._runner.cleanup()
        sound = self._reason is None and self._ticker.cancelled()
        if self._store is not None and sound:
            self._store.write_snapshot(self._venue.dump())

    # Time and state

    async def _tick(self) -> None:
        saved = time.monotonic()
        while True:
            await asyncio.sleep(TICK)
            self._advance()
            if isinstance(self._venue, LiveVenue):
                self._venue.prepare(HOURS_A_TICK)
            due = time.monotonic() - saved >= SAVE_EVERY
            self._settle(save=due)
            if due and self._store is not None:
                self._store.sync()
                saved = time.monotonic()

    def _advance(self) -> None:
        self._latest = max(self._latest, self._time.now())  # a clock set back stands still
        self._venue.advance(self._latest)

    def _settle(self, *, save: bool = False) -> None:
        """Write down and then tell what happened."""
        events = self._venue.drain()
        durable = save or any(event.table in DURABLE_TABLES for event in events)
        if self._store is not None and durable:
            self._store.save(self._venue.dump())
        self._realtime.publish(events)

    def _follow_topics(self, topics: frozenset[Wanted]) -> None:
        """Let the venue leave out the books of levels that nobody follows: they cost most."""
        if isinstance(self._venue, LiveVenue):
            books = {topic for topic in topics if topic[0] in LEVEL_TABLES}
            self._venue.wanted = frozenset(books | CHEAP_TOPICS)
        if topics:
            self._on_subscribe()

    # Requests

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.path
        if path in (REALTIME_TARGET, PLATFORM_TARGET):
            return await self._serve_socket(request)
        if path == DESCRIPTION_PATH and request.method == "GET":
            described = describe(self._venue.routes, f"{HOST}:{self.port}")
            return _respond(Answer(200, described), {})
        if path.startswith(API_PATH + "/"):
            return await self._serve_rest(request, path[len(API_PATH) :])
        if self._control is not None and (path + "/").startswith(CONTROL_PATH + "/"):
            return await self._serve_control(self._control, request)
        return _respond(Answer(404, error_body("Not Found")), {})

    async def _serve_rest(self, request: web.BaseRequest, path: str) -> web.StreamResponse:
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return _respond(Answer(413, error_body("Request Entity Too Large")), {})
        key, refusal = self._identify(request, body)

        def answer() -> web.Response:
            return self._answer_rest(request, path, body, key, refusal)

        befallen = request_event(request.method, path, key.account if key else None)
        trouble = mishap(self._faults, befallen, time.time())
        return answer() if trouble is None else await mishandle(request, trouble, answer)

    def _answer_rest(
        self,
        request: web.BaseRequest,
        path: str,
        body: bytes,
        key: ApiKey | None,
        refusal: RequestRefused | None,
    ) -> web.Response:
        headers: dict[str, str] = {"x-request-id": str(uuid.uuid4())}
        answer: Answer | Raw
        try:
            headers.update(self._charge(request, path, key))
            if refusal is not None:
                raise refusal
            check_permission(request.method, path, key)
            answer = self._ask_venue(request, path, body, key)
        except RequestRefused as refused:
            headers.update(refused.headers)
            answer = Answer(refused.status, error_body(refused.message, refused.name))
        except Exception:
            log.exception("%s %s failed", request.method, path)
            answer = Answer(500, error_body("Internal Server Error"))
        if not self._faults.idle:
            asked = answer_event(request.method, path, key.account if key else None)
            answer = self._answer_faults.alter(asked, answer, milliseconds(self._latest))
            headers["date"] = formatdate(time.time() + self._faults.skew(), usegmt=True)
        if isinstance(answer, Raw):
            return raw_response(answer)
        return _respond(answer, headers, request.query.get(FORMAT))

    async def _serve_control(self, control: Control, request: web.BaseRequest) -> web.Response:
        try:
            check_caller(request.headers)
            query, body = request.raw_path.partition("?")[2], await request.read()
            params = merge_parameters(query, request.content_type, body)
        except RequestRefused as refused:
            return _respond(Answer(refused.status, error_body(refused.message)), {})
        path = request.path[len(CONTROL_PATH) :]
        changes = request.method != "GET"
        answer = self._carry_out(lambda: control.handle(request.method, path, params), changes)
        return _respond(answer, {})

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
        asked = Request(
            method=request.method,
            path=path,
            # The query as it was sent: decoded as a whole, an escaped & would split a value.
            params=merge_parameters(request.raw_path.partition("?")[2], request.content_type, body),
            account=key.account if key else None,
            permissions=key.permissions if key else frozenset(),
        )
        return self._carry_out(lambda: self._venue.handle(asked), request.method != "GET")

    def _carry_out(self, ask: Callable[[], Answer], changes: bool) -> Answer:
        """Ask for something at the present time, and write down and tell what it changed."""
        try:
            self._advance()
            answer = ask()
            self._settle(save=changes)
        except Exception as error:
            # Half a change, or one that is not on disk: the last good state is what counts.
            if changes:
                self._reason = error
                self._broken.set()
            raise
        return answer

    async def _serve_socket(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            remaining = self._limits.connect(request.remote, time.time())
            sent = read_credentials(request.headers) or read_credentials(request.query)
            key = self._authenticator.check(sent, "GET", REALTIME_TARGET) if sent else None
        except RequestRefused as refusal:
            body = error_body(refusal.message, refusal.name)
            return _respond(Answer(refusal.status, body), refusal.headers)
        bite = self._faults.bite(Event(Place.UPGRADE, key.account if key else None))
        if bite is not None:
            status = bite.whole("status") if "status" in bite.options else 503
            return raw_response(page(status))
        socket = web.WebSocketResponse(max_msg_size=MAX_BODY)
        if not socket.can_prepare(request).ok:
            return _respond(Answer(400, error_body("A WebSocket upgrade is required.")), {})
        await socket.prepare(request)
        outlet = SocketOutlet(socket, request.transport)
        self._outlets.add(outlet)
        topics = request.query.get("subscribe", "")
        platform = request.path == PLATFORM_TARGET
        way = FaultyOutlet(outlet, self._faults, key.account if key else None)
        pace = self._limits.pace(time.time)
        session = self._realtime.open(
            way, key, topics, platform=platform, remaining=remaining, pace=pace
        )
        way.follow(lambda: session.account, lambda table: self._realtime.repeat(session, table))
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    self._realtime.receive(session, message.data)
                    self._settle(save="cancelAllAfter" in message.data)
        finally:
            self._realtime.close(session)
            self._outlets.discard(outlet)
            await outlet.end()
        return socket


def _respond(answer: Answer, headers: Mapping[str, str], form: str | None = None) -> web.Response:
    # The body is complete before the response starts, so both leave in one segment.
    body, content_type = encode(answer, form)
    return web.Response(
        status=answer.status,
        body=body,
        headers={**headers, **answer.headers},
        content_type=content_type,
        charset="utf-8",
    )

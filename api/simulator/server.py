"""The exchange on a loopback port: REST under /api/v1/ and WebSocket at /realtime.

Owns the sockets. When things happen is the course's, and the rules of the exchange are the venue's.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import datetime, timezone

from aiohttp import WSMsgType, web

from api.simulator.control import Control
from api.simulator.course import Course
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
from api.simulator.limits import RateLimits
from api.simulator.market_time import MarketTime
from api.simulator.mishandling import raw_response
from api.simulator.outlet import SocketOutlet
from api.simulator.ports import Answer, ApiKey, Venue
from api.simulator.realtime import Realtime
from api.simulator.request_faults import page
from api.simulator.rest_service import RestService, given_parameters, respond
from api.simulator.store import StateFile
from api.simulator.subscriptions import Session, Wanted

HOST = "127.0.0.1"
API_PATH = "/api/v1"
CONTROL_PATH = "/control"
TICK = 0.05  # seconds between two looks at the clock
SAVE_EVERY = 5.0  # seconds between two writes of what no client is told of, such as prices
KEEP_ALIVE = 90.0  # seconds
MAX_BODY = 1024 * 1024  # bytes of a request or a WebSocket message


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
        market_time = MarketTime(now, speed)
        self._limits = RateLimits(enabled=rate_limits)
        self._faults = faults or Faults(time.monotonic)
        self._authenticator = Authenticator(
            venue.find_key, lambda: time.time() + self._faults.skew(), accept_nonce=accept_nonce
        )
        self._realtime = Realtime(
            venue, self._authenticator, lambda: self._course.latest, on_topics=self._follow_topics
        )
        self._broken = asyncio.Event()
        self._course = Course(
            venue,
            market_time,
            store,
            publish=self._realtime.publish,
            on_failure=self._broken.set,
        )
        self._rest = RestService(
            venue, self._course, self._authenticator, self._limits, self._faults
        )
        on_revoked = self._realtime.end_key
        self._control = (
            Control(venue, self._faults, market_time, on_revoked=on_revoked) if control else None
        )
        self._on_subscribe = on_subscribe
        self._follow_topics(frozenset())
        self._outlets: set[SocketOutlet] = set()
        self._runner: web.ServerRunner | None = None
        self._ticker: asyncio.Task[None] | None = None
        self.port = 0

    async def start(self, port: int = 0) -> None:
        """Listen on a port of the loopback interface (0: any free one, see `port`).

        Raises OSError when the port is taken.
        """
        self._course.advance()
        self._course.settle(save=True)
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
        if self._course.failure is not None:
            raise self._course.failure
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
        if self._course.failure is None and self._ticker.cancelled():
            self._course.close()

    async def _tick(self) -> None:
        saved = time.monotonic()
        while True:
            await asyncio.sleep(TICK)
            due = time.monotonic() - saved >= SAVE_EVERY
            self._course.tick(save=due)
            if due:
                saved = time.monotonic()

    def _follow_topics(self, topics: frozenset[Wanted]) -> None:
        self._course.follow(topics)
        if topics:
            self._on_subscribe()

    # Requests

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.path
        if path in (REALTIME_TARGET, PLATFORM_TARGET):
            return await self._serve_socket(request)
        if path == DESCRIPTION_PATH and request.method == "GET":
            described = describe(self._venue.routes, f"{HOST}:{self.port}")
            return respond(Answer(200, described), {})
        if path.startswith(API_PATH + "/"):
            return await self._rest.serve(request, path[len(API_PATH) :])
        if self._control is not None and (path + "/").startswith(CONTROL_PATH + "/"):
            return await self._serve_control(self._control, request)
        return respond(Answer(404, error_body("Not Found")), {})

    async def _serve_control(self, control: Control, request: web.BaseRequest) -> web.Response:
        try:
            check_caller(request.headers)
            params = given_parameters(request, await request.read())
        except RequestRefused as refused:
            return respond(Answer(refused.status, error_body(refused.message)), {})
        path = request.path[len(CONTROL_PATH) :]
        changes = request.method != "GET"
        answer = self._course.carry_out(
            lambda: control.handle(request.method, path, params), changes
        )
        return respond(answer, {})

    async def _serve_socket(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            remaining = self._limits.connect(request.remote, time.time())
            sent = read_credentials(request.headers) or read_credentials(request.query)
            key = self._authenticator.check(sent, "GET", REALTIME_TARGET) if sent else None
        except RequestRefused as refusal:
            body = error_body(refusal.message, refusal.name)
            return respond(Answer(refusal.status, body), refusal.headers)
        bite = self._faults.bite(Event(Place.UPGRADE, key.account if key else None))
        if bite is not None:
            status = bite.whole("status") if "status" in bite.options else 503
            return raw_response(page(status))
        socket = web.WebSocketResponse(max_msg_size=MAX_BODY)
        if not socket.can_prepare(request).ok:
            return respond(Answer(400, error_body("A WebSocket upgrade is required.")), {})
        await socket.prepare(request)
        outlet = SocketOutlet(socket, request.transport)
        self._outlets.add(outlet)
        session = self._open_session(request, outlet, key, remaining)
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    self._realtime.receive(session, message.data)
                    self._course.settle(save="cancelAllAfter" in message.data)
        finally:
            self._realtime.close(session)
            self._outlets.discard(outlet)
            await outlet.end()
        return socket

    def _open_session(
        self,
        request: web.BaseRequest,
        outlet: SocketOutlet,
        key: ApiKey | None,
        remaining: int | None,
    ) -> Session:
        """Begin to serve a socket that stands, over an outlet on which faults may bite."""
        way = FaultyOutlet(outlet, self._faults, key.account if key else None)
        session = self._realtime.open(
            way,
            key,
            request.query.get("subscribe", ""),
            platform=request.path == PLATFORM_TARGET,
            remaining=remaining,
            pace=self._limits.pace(time.time),
        )
        way.follow(lambda: session.account, lambda table: self._realtime.repeat(session, table))
        return session

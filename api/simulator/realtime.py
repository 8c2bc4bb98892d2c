"""The realtime API without a socket: texts in, texts out.

`Realtime` keeps the sessions and who subscribed to what; a server gives each session an `Outlet`
and hands it the texts that arrive. Table events of the venue are encoded once for all sessions
that share a topic. Nothing here waits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

import orjson

from api.simulator.credentials import REALTIME_TARGET, Authenticator, Credentials, RequestRefused
from api.simulator.encoding import iso, to_json
from api.simulator.limits import unlimited
from api.simulator.permissions import check_permission
from api.simulator.ports import ApiKey, Json, Request, Row, TableEvent, Venue
from api.simulator.subscriptions import Outlet, Session, Subscriptions, Wanted
from api.simulator.topics import (
    ACCOUNT_LOCKED,
    PLATFORM_TABLES,
    PRIVATE_TABLES,
    WITHOUT_SYMBOL,
    Topic,
    help_text,
    parse_topic,
    select,
)

NO_AUTHORIZATION = (
    "User requested an account-locked subscription but no authorization was provided."
)
POLICY_VIOLATION = 1008  # close code of a socket whose authentication failed
MAX_TOPICS = 2000  # of one session


class Refusal(Exception):
    """An operation that is answered with an error message."""

    def __init__(self, status: int, message: str, meta: Row | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.meta = meta or {}


class Realtime:
    """All sessions of the realtime API."""

    def __init__(
        self,
        venue: Venue,
        authenticator: Authenticator,
        now: Callable[[], datetime],
        *,
        on_topics: Callable[[frozenset[Wanted]], None] = lambda _: None,
    ) -> None:
        self._venue = venue
        self._authenticator = authenticator
        self._now = now
        self._subscriptions = Subscriptions(on_topics)
        self._open: dict[Session, None] = {}  # in the order of their opening
        self._operations: dict[str, Callable[[Session, Row], None]] = {
            "subscribe": self._subscribe,
            "unsubscribe": self._unsubscribe,
            "authKeyExpires": self._authenticate,
            "cancelAllAfter": self._cancel_all_after,
            "help": lambda session, _: session.outlet.send(to_json(help_text())),
        }

    def open(
        self,
        outlet: Outlet,
        key: ApiKey | None,
        subscribe: str = "",
        *,
        platform: bool = False,
        remaining: int | None = None,
        pace: Callable[[], float] = unlimited,
    ) -> Session:
        """Start a session: welcome, then the topics of the URL's comma-separated `subscribe`.

        A `platform` session knows announcements and the like only. `remaining` connections are
        left to the client, and `pace` tells how long it must wait before one more topic.
        """
        session = Session(outlet, key, pace=pace, platform=platform)
        self._open[session] = None
        outlet.send(to_json(self._welcome(remaining)))
        for name in filter(None, subscribe.split(",")):
            self._answer(session, {"op": "subscribe", "args": name})
        return session

    def close(self, session: Session) -> None:
        """Forget a session."""
        self._open.pop(session, None)
        for topic in list(session.topics.values()):
            self._subscriptions.remove(session, topic)

    def repeat(self, session: Session, table: str) -> None:
        """Send the images of all topics of a table once more."""
        for topic in list(session.topics.values()):
            if topic.table == table:
                session.outlet.send(self._image(session, topic))

    def end_key(self, key: str) -> None:
        """End the sessions of a key that is no longer valid."""
        for session in list(self._open):
            if session.key is not None and session.key.key == key:
                session.outlet.close(POLICY_VIOLATION, "This key is disabled.")

    def receive(self, session: Session, text: str) -> None:
        """Take one text frame of a client and queue what answers it."""
        if text == "ping":
            session.outlet.send("pong")
            return
        if text == "help":
            text = '{"op":"help"}'
        try:
            request: Json = orjson.loads(text)
        except orjson.JSONDecodeError:
            request = None
        if not isinstance(request, dict) or not isinstance(request.get("op"), str):
            message = "Unrecognized request: send JSON with the keys op and args."
            _refuse(session, Refusal(400, message), text[:1000])
            return
        self._answer(session, request)

    def publish(self, events: Iterable[TableEvent]) -> None:
        """Queue table events for the sessions that subscribed to them."""
        for event in events:
            self._subscriptions.publish(event)

    # Operations

    def _answer(self, session: Session, request: Row) -> None:
        name = str(request["op"])
        operation = self._operations.get(name)
        try:
            if operation is None:
                raise Refusal(400, f"Unknown or unsupported operation: {name}")
            operation(session, request)
        except Refusal as refusal:
            _refuse(session, refusal, request)

    def _subscribe(self, session: Session, request: Row) -> None:
        for name in _topic_names(request):
            try:
                self._subscribe_one(session, name, request)
            except Refusal as refusal:
                _refuse(session, refusal, request)

    def _subscribe_one(self, session: Session, name: str, request: Row) -> None:
        if wait := math.ceil(session.pace()):
            message = f"Rate limit exceeded, retry in {wait} seconds."
            raise Refusal(429, message, {"retryAfter": wait})
        topic = self._known_topic(name)
        if session.platform and topic.table not in PLATFORM_TABLES:
            raise Refusal(400, f"Unknown table: {topic.table}")
        if topic.table in PRIVATE_TABLES and session.key is None:
            notes = f"Account-locked tables include the following: {ACCOUNT_LOCKED}"
            raise Refusal(401, NO_AUTHORIZATION, {"notes": notes})
        if topic.canonical in session.topics:
            message = f"You are already subscribed to this topic: {topic.canonical}"
            raise Refusal(400, message)
        if len(session.topics) >= MAX_TOPICS:
            message = "Max Pending subscription limit reached, please try again later."
            raise Refusal(503, message)
        # First the subscription, then its image: what the venue leaves out for want of listeners
        # must be followed from the image on.
        self._subscriptions.add(session, topic)
        try:
            image = self._image(session, topic)
        except Refusal:
            self._subscriptions.remove(session, topic)
            raise
        session.outlet.send(to_json({"success": True, "subscribe": name, "request": request}))
        session.outlet.send(image)

    def _known_topic(self, name: str) -> Topic:
        topic = parse_topic(name)
        if topic is None:
            raise Refusal(400, f"Unknown table: {name.partition(':')[0]}")
        if not topic.filter or topic.table in WITHOUT_SYMBOL:
            return topic
        listed = self._venue.partial("instrument", None, None)
        topic = select(topic, listed.rows if listed else ())
        if not topic.symbols:
            raise Refusal(400, "Unknown or expired symbol.")
        return topic

    def _image(self, session: Session, topic: Topic) -> str:
        """Return the partial of a topic as text."""
        private = topic.table in PRIVATE_TABLES
        account = session.account if private else None
        symbol = topic.filter if topic.is_symbol else None
        partial = self._venue.partial(topic.table, symbol, account)
        if partial is None:
            raise Refusal(400, f"Unknown table: {topic.table}")
        rows = partial.rows
        if topic.symbols is not None and symbol is None:
            rows = [row for row in rows if row.get("symbol") in topic.symbols]
        shown: Row = {"account": account} if private else {}
        if symbol is not None:
            shown["symbol"] = symbol
        return to_json(
            {
                "table": topic.table,
                "action": "partial",
                "keys": list(partial.keys),
                "types": dict(partial.types),
                **partial.more,
                "filter": shown,
                "data": list(rows),
            }
        )

    def _unsubscribe(self, session: Session, request: Row) -> None:
        for name in _topic_names(request):
            parsed = parse_topic(name)
            topic = session.topics.get(parsed.canonical) if parsed else None
            if topic is None:
                _refuse(session, Refusal(400, f"Not subscribed to this topic: {name}"), request)
                continue
            self._subscriptions.remove(session, topic)
            answer = {"success": True, "unsubscribe": name, "request": request}
            session.outlet.send(to_json(answer))

    def _authenticate(self, session: Session, request: Row) -> None:
        args = request.get("args")
        if not isinstance(args, list) or len(args) != 3:
            raise Refusal(400, "authKeyExpires takes the key, the expiry and the signature.")
        if session.key is not None:
            raise Refusal(400, "You are already authenticated.")
        key, expires, signature = (str(arg) for arg in args)
        try:
            sent = Credentials(key, expires, signature)
            session.key = self._authenticator.check(sent, "GET", REALTIME_TARGET)
        except RequestRefused as error:
            _refuse(session, Refusal(error.status, error.message), request)
            session.outlet.close(POLICY_VIOLATION, error.message)
            return
        session.outlet.send(to_json({"success": True, "request": request}))

    def _cancel_all_after(self, session: Session, request: Row) -> None:
        path = "/order/cancelAllAfter"
        try:
            check_permission("POST", path, session.key)
        except RequestRefused as error:
            raise Refusal(error.status, error.message) from error
        assert session.key is not None  # or it was refused
        args = request.get("args")
        timeout = args[0] if isinstance(args, list) and args else args
        answer = self._venue.handle(
            Request(
                method="POST",
                path=path,
                params={"timeout": timeout},
                account=session.key.account,
                permissions=session.key.permissions,
            )
        )
        body = answer.body if isinstance(answer.body, dict) else {}
        if answer.status >= 400:
            raise Refusal(answer.status, str(body.get("error", {}).get("message", "")))
        session.outlet.send(to_json({**body, "request": request}))

    def _welcome(self, remaining: int | None) -> Row:
        return {
            "info": "Welcome to the BitMEX Realtime API.",
            "version": "2.0.0",
            "timestamp": iso(self._now()),
            "docs": "https://www.bitmex.com/app/wsAPI",
            "heartbeatEnabled": False,
            "limit": {} if remaining is None else {"remaining": remaining},
            "appName": "ws-embedded",
        }


def _topic_names(request: Row) -> Sequence[str]:
    args = request.get("args")
    names = [args] if isinstance(args, str) else args
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise Refusal(400, "args must be a topic or a list of topics.")
    return names


def _refuse(session: Session, refusal: Refusal, request: Json) -> None:
    body = {
        "status": refusal.status,
        "error": refusal.message,
        "meta": refusal.meta,
        "request": request,
    }
    session.outlet.send(to_json(body))

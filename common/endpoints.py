"""Addresses of an exchange in the settings: which are acceptable, and which are on this machine."""

from __future__ import annotations

import ipaddress
from urllib.parse import SplitResult, urlsplit

_USUAL_PORTS = {"https": 443, "wss": 443, "http": 80, "ws": 80}


def host_of(url: str) -> str:
    """Return the host of an address in lower case, "" where there is none."""
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""


def netloc_of(url: str) -> str:
    """Return host and port of an address in lower case, without a port that is the usual one."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return host_of(url)
    usual = port is None or port == _USUAL_PORTS.get(parts.scheme)
    return host_of(url) if usual else f"{host_of(url)}:{port}"


def is_loopback(host: str) -> bool:
    """Whether a host is this machine itself."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_url(url: str, secure: str, plain: str) -> str:
    """Return what is wrong with an address, "" when nothing is.

    `secure` is the scheme it must have ("https", "wss"); `plain` ("http", "ws") is accepted on
    loopback only, because nobody can listen there. The address itself is not part of the answer.
    """
    try:
        parts = urlsplit(url)
        port = parts.port  # raises ValueError outside 0 .. 65535
    except ValueError:
        return f"is not an address; write one like {secure}://host/path"
    host = host_of(url)
    if not host or port == 0 or any(c.isspace() or not c.isascii() for c in url):
        return f"is not an address; write one like {secure}://host/path"
    if parts.scheme not in (secure, plain):
        return f"must begin with {secure}://"
    if parts.scheme == plain and not is_loopback(host):
        return f"must begin with {secure}://; {plain}:// is accepted on this machine only"
    return _surplus(parts)


def _surplus(parts: SplitResult) -> str:
    if parts.username is not None or parts.password is not None:
        return "must not contain a user name or a password; remove everything before the @"
    if parts.query or parts.fragment:
        return "must not contain ? or #; remove them and what follows"
    return ""

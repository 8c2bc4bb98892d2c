"""Which addresses may be used, and what to say where the exchange is gone.

BitMEX closed on 23 September 2026. Its own hosts stay legal in the settings, because the protocol
and old settings name them, but a failure to reach them is explained by the closure.
"""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from common.domain.executions import Network
from common.errors import ConfigurationError
from common.settings_types import MarketSettings

_DOMAIN = "bitmex.com"
_NOTICE = (
    "BitMEX closed on 23 September 2026 and {host} no longer serves trading ({reason}). "
    "Rename .env and start again to trade on the built-in demo exchange."
)


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine's own."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def host_of(url: str) -> str:
    """Return the host name of an address, "" when it has none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def is_closed(host: str) -> bool:
    """Whether a host belonged to the exchange that has closed."""
    return host == _DOMAIN or host.endswith("." + _DOMAIN)


def explain(url: str, reason: str) -> str:
    """Return why `url` does not serve, naming the closure where it is the cause."""
    host = host_of(url)
    if is_closed(host):
        return _NOTICE.format(host=host, reason=reason)
    return f"{host}: {reason}"


def check_endpoints(settings: MarketSettings) -> None:
    """Refuse addresses that would send signed requests elsewhere; ConfigurationError."""
    prefix = "TESTNET_" if settings.network is Network.TEST else ""
    _check(settings, f"{prefix}HTTP_URL", settings.http_url, {"https": "http"})
    _check(settings, f"{prefix}WS_URL", settings.ws_url, {"wss": "ws"})


def _check(settings: MarketSettings, key: str, url: str, schemes: dict[str, str]) -> None:
    [(encrypted, plain)] = schemes.items()
    problem = _problem(url, encrypted, plain) or _network_problem(url, settings.network)
    if problem:
        place = settings.places.get(key, f".env.{settings.name}")
        raise ConfigurationError(f"{place}: {key} {problem}")


def _problem(url: str, encrypted: str, plain: str) -> str:
    try:
        parts = urlsplit(url)
        plain_address = parts.port is None or parts.port > 0  # reading it checks the port
    except ValueError:
        plain_address = False
    if not plain_address:
        return "is not an address; write it like https://HOST/api/v1/ or wss://HOST/realtime"
    if parts.username or parts.password or parts.query or parts.fragment:
        return "must not carry a user, a password, a query or a fragment; remove them"
    return _host_problem(parts.scheme, parts.hostname or "", encrypted, plain)


def _network_problem(url: str, network: Network) -> str:
    """Real orders must not be taken for test orders, nor the other way round."""
    host = host_of(url)
    if network is Network.DEMO or ("testnet" in host.split(".")) == (network is Network.TEST):
        return ""
    other = "real" if network is Network.TEST else "test"
    return f"names {host}, which is the {other} network; correct it or TESTNET"


def _host_problem(scheme: str, host: str, encrypted: str, plain: str) -> str:
    if is_loopback(host):
        allowed = scheme in (encrypted, plain)
        return "" if allowed else f"must begin with {plain}:// or {encrypted}://"
    if not is_closed(host):
        return f"names the host {host!r}; use a host of {_DOMAIN}, or 127.0.0.1 for the demo"
    if scheme != encrypted:
        return f"must begin with {encrypted}://, because keys are sent there"
    return ""

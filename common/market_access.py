"""Where the exchange of a market is reached, with which key, and whose money it is."""

from __future__ import annotations

import re
from dataclasses import dataclass

from common.domain.executions import Network
from common.endpoints import check_url, host_of, is_loopback
from common.env_file import EnvFile
from common.settings_types import Secret

ACCESS_KEYS = ("HTTP_URL", "WS_URL", "API_KEY", "API_SECRET")
TESTNET_PREFIX = "TESTNET_"
_CREDENTIAL = re.compile(r"[!-~]+")  # what fits into a request header


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach one network of an exchange."""

    network: Network
    http_url: str  # with a slash at its end
    ws_url: str
    key: Secret
    secret: Secret


def read_access(file: EnvFile, *, testnet: bool) -> Access | None:
    """Return the access to the real or to the test network; None: `file.problems` says why not."""
    prefix = TESTNET_PREFIX if testnet else ""
    urls = _urls(file, prefix, testnet=testnet)
    key = _credential(file, prefix + "API_KEY")
    secret = _credential(file, prefix + "API_SECRET")
    if urls is None or key is None or secret is None:
        return None
    network = _network(urls[0], testnet=testnet)
    if network is not Network.DEMO:
        _warn_of_one_key_for_both(file)
    return Access(network, *urls, key, secret)


def _urls(file: EnvFile, prefix: str, *, testnet: bool) -> tuple[str, str] | None:
    """Return the addresses of REST (with a slash at its end) and WebSocket."""
    http_key, ws_key = prefix + "HTTP_URL", prefix + "WS_URL"
    http_url = _url(file, http_key, "https", "http", "/api/v1/")
    ws_url = _url(file, ws_key, "wss", "ws", "/realtime")
    if http_url is None or ws_url is None:
        return None
    if is_loopback(host_of(http_url)) != is_loopback(host_of(ws_url)):
        file.refuse(
            ws_key,
            f"and {http_key} must name the same exchange;"
            " one of them is on this machine and the other is not",
        )
        return None
    if not _networks_kept_apart(file, prefix, testnet=testnet):
        return None
    return http_url.rstrip("/") + "/", ws_url


def _url(file: EnvFile, key: str, secure: str, plain: str, path: str) -> str | None:
    text = file.required(key, f"{secure}://host of the exchange{path}")
    if text is None:
        return None
    complaint = check_url(text.strip(), secure, plain)
    if complaint:
        file.refuse(key, complaint)
        return None
    return text.strip()


def _networks_kept_apart(file: EnvFile, prefix: str, *, testnet: bool) -> bool:
    """Refuse addresses under which the chosen network would be the other one."""
    apart = True
    for key in ("HTTP_URL", "WS_URL"):
        host = host_of(file.optional(prefix + key).strip())
        other = host_of(file.optional(("" if testnet else TESTNET_PREFIX) + key).strip())
        if is_loopback(host):
            continue
        if host == other:
            file.refuse(
                prefix + key,
                "names the same host as the key of the other network;"
                " write the address of the real and of the test network into their own keys",
            )
            apart = False
        elif not testnet and "testnet" in host:
            file.refuse(
                prefix + key,
                'names a test network, but TESTNET is "False"; correct one of the two',
            )
            apart = False
    return apart


def _credential(file: EnvFile, key: str) -> Secret | None:
    text = file.required(key, "...")
    if text is None:
        return None
    if not _CREDENTIAL.fullmatch(text.strip()):
        file.refuse(
            key,
            "contains spaces or letters that no key has;"
            " copy it again from the page of the exchange where it was made",
        )
        return None
    return Secret(text.strip())


def _network(http_url: str, *, testnet: bool) -> Network:
    """Return whose money it is; an exchange on this machine is always the demo."""
    if is_loopback(host_of(http_url)):
        return Network.DEMO
    return Network.TEST if testnet else Network.REAL


def _warn_of_one_key_for_both(file: EnvFile) -> None:
    real, test = file.optional("API_KEY").strip(), file.optional("TESTNET_API_KEY").strip()
    if real and real == test:
        file.warn("TESTNET_API_KEY", "is the same as API_KEY; each network gives its own key")

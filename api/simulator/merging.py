"""Parameters of a REST request: query and body become one mapping."""

from __future__ import annotations

from urllib.parse import parse_qsl

from api.simulator.credentials import RequestRefused
from api.simulator.encoding import from_json
from api.simulator.ports import Json

FORM = "application/x-www-form-urlencoded"
MAX_FIELDS = 1000


def merge_parameters(query: str, content_type: str, body: bytes) -> dict[str, Json]:
    """Return the parameters of query and body; the body wins where both name one.

    Values of a query or a form are text, a repeated name gives a list of texts; numbers of a JSON
    body with a fraction are Decimal. Raises RequestRefused for a body that cannot be read.
    """
    params = _fields(query)
    if body.strip():
        params.update(_fields(_text(body)) if content_type == FORM else _json_object(body))
    return params


def _fields(text: str) -> dict[str, Json]:
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError as error:
        raise RequestRefused(400, "Too many parameters.") from error
    found: dict[str, list[Json]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return {name: values if len(values) > 1 else values[0] for name, values in found.items()}


def _json_object(body: bytes) -> dict[str, Json]:
    try:
        value = from_json(_text(body))
    except (ValueError, RecursionError) as error:
        raise RequestRefused(400, "The body is not valid JSON.") from error
    if not isinstance(value, dict):
        raise RequestRefused(400, "The body is not a JSON object.")
    return value


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise RequestRefused(400, "The body is not UTF-8 text.") from error

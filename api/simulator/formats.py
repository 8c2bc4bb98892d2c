"""Bodies of REST answers: JSON, or CSV and XML for who asks with `_format`.

The shape of the XML is that of the framework the exchange was built on, as far as it is known: no
recording of it exists.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from xml.sax.saxutils import escape

from api.simulator.encoding import to_json, to_json_bytes
from api.simulator.ports import Answer, Json

FORMAT = "_format"
CONTENT_TYPES = {"json": "application/json", "csv": "text/csv", "xml": "application/xml"}


def encode(answer: Answer, asked: Json) -> tuple[bytes, str]:
    """Return the body in the form that was asked for, and its content type.

    Errors are always JSON, and so is what has no rows to put into CSV.
    """
    if answer.status < 400:
        if asked == "csv" and (rows := _rows(answer.body)) is not None:
            return _csv(rows), CONTENT_TYPES["csv"]
        if asked == "xml":
            return _xml(answer.body), CONTENT_TYPES["xml"]
    return to_json_bytes(answer.body), CONTENT_TYPES["json"]


def _rows(body: Json) -> list[Mapping[str, Json]] | None:
    rows = body if isinstance(body, list) else [body]
    found = [row for row in rows if isinstance(row, Mapping)]
    return found if len(found) == len(rows) else None


def _csv(rows: list[Mapping[str, Json]]) -> bytes:
    """Return a line of column names and one for each row; an empty column is an empty field."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    if not names:
        return b""
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_MINIMAL, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        writer.writerow([_field(row.get(name)) for name in names])
    return text.getvalue().encode()


def _field(value: Json) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else to_json(value)


def _xml(body: Json) -> bytes:
    content = _elements("result", body) if isinstance(body, list) else _inside(body)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<response>{content}</response>'.encode()


def _elements(name: str, value: Json) -> str:
    """Return an element; for a list one element per item."""
    if isinstance(value, list):
        return "".join(_elements(name, item) for item in value)
    tag = name if name.replace("_", "").isalnum() and not name[0].isdigit() else "item"
    return f"<{tag}>{_inside(value)}</{tag}>"


def _inside(value: Json) -> str:
    if isinstance(value, Mapping):
        return "".join(_elements(str(name), item) for name, item in value.items())
    return escape(_field(value))

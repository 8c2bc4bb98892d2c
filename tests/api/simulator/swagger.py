"""A validator for what Swagger 2.0 says of answers: types, formats, required columns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}
_BITS = {"int32": 31, "int64": 63}
_ANYTHING = "x-any"  # a model of the real description that stands for any value
Json = Any


def problems(
    spec: Mapping[str, Json], schema: Mapping[str, Json], value: Json, where: str = ""
) -> Iterator[str]:
    """Yield what is wrong with a value, each as `Model.column: why`."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        if name == _ANYTHING:
            return
        yield from problems(spec, spec["definitions"][name], value, name)
        return
    kind = schema.get("type")
    if kind in _KINDS and (
        not isinstance(value, _KINDS[kind]) or (kind != "boolean" and isinstance(value, bool))
    ):
        yield f"{where}: {value!r} is no {kind}"
        return
    if kind == "array":
        for item in value:
            yield from problems(spec, schema.get("items", {}), item, where)
    elif kind == "object":
        yield from _columns(spec, schema, value, where)
    elif not _fits(schema.get("format"), value):
        yield f"{where}: {value!r} is no {schema['format']}"


def _columns(
    spec: Mapping[str, Json], schema: Mapping[str, Json], value: Json, where: str
) -> Iterator[str]:
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{where}.{name}: required"
    for name, described in schema.get("properties", {}).items():
        if value.get(name) is not None:  # a column without a value may be null
            yield from problems(spec, described, value[name], f"{where}.{name}")


def _fits(form: str | None, value: Json) -> bool:
    if form in _BITS:
        return bool(abs(value) <= 1 << _BITS[form])
    if form == "guid":
        return _GUID.fullmatch(value) is not None
    if form == "date-time":
        if not _MOMENT.fullmatch(value):
            return False
        datetime.fromisoformat(value[:-1])
    return True

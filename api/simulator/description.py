"""The description of the REST routes for clients that are generated from one (Swagger 2.0)."""

from __future__ import annotations

from collections.abc import Iterable

from api.simulator.catalog import CATALOG, Key, Parameter, Route
from api.simulator.models import MODELS, Model
from api.simulator.ports import Json, Row

DESCRIPTION_PATH = "/api/explorer/swagger.json"
BASE_PATH = "/api/v1"
JSON_TYPE, FORM_TYPE = "application/json", "application/x-www-form-urlencoded"
_ERROR = "Error"
_KINDS: dict[str, Row] = {
    "": {"type": "string"},
    "symbol": {"type": "string"},
    "guid": {"type": "string", "format": "guid"},
    "timestamp": {"type": "string", "format": "date-time"},
    "timespan": {"type": "string", "format": "date-time"},
    "long": {"type": "integer", "format": "int64"},
    "float": {"type": "number", "format": "double"},
    "boolean": {"type": "boolean"},
    "list": {"type": "array", "items": {}},
    "object": {"type": "object"},
}
_STATUSES = {
    "200": "Request was successful",
    "400": "Parameter Error",
    "401": "Unauthorized",
    "403": "Access Denied",
    "404": "Not Found",
    "429": "Too Many Requests",
    "503": "Service Unavailable",
}
_FORMATS = {"integer": "int32", "number": "double"}
_KEY_HEADERS = {"apiKey": "api-key", "apiExpires": "api-expires", "apiSignature": "api-signature"}


def describe(keys: Iterable[Key], host: str) -> Row:
    """Return the description of the routes with these keys, served at `host` (name:port)."""
    routes = {key: CATALOG[key] for key in keys if key in CATALOG}
    paths: dict[str, Json] = {}
    for method, path in sorted(routes, key=lambda key: (key[1], key[0])):
        entry = paths.setdefault(path, {})
        assert isinstance(entry, dict)
        entry[method.lower()] = _operation(method, routes[method, path])
    used = {route.model for route in routes.values() if route.model}
    return {
        "swagger": "2.0",
        "info": {
            "title": "Embedded exchange",
            "description": "REST routes of an exchange that speaks the protocol of BitMEX.",
            "version": "1.0.0",
        },
        "host": host,
        "schemes": ["http"],
        "basePath": BASE_PATH,
        "consumes": [JSON_TYPE, FORM_TYPE],
        "produces": [JSON_TYPE, "text/csv", "application/xml"],
        "securityDefinitions": {
            name: {"type": "apiKey", "in": "header", "name": header}
            for name, header in _KEY_HEADERS.items()
        },
        "paths": paths,
        "definitions": {
            **{name: _definition(model) for name, model in MODELS.items() if name in used},
            _ERROR: _error(),
        },
    }


def _operation(method: str, route: Route) -> Row:
    place = "query" if method == "GET" else "formData"
    failure: Row = {"$ref": f"#/definitions/{_ERROR}"}
    responses: dict[str, Json] = {
        status: {"description": text, "schema": failure} for status, text in _STATUSES.items()
    }
    responses["200"] = {"description": _STATUSES["200"], "schema": _answer(route)}
    operation: Row = {
        "tags": [route.operation.partition(".")[0]],
        "summary": route.summary,
        "operationId": route.operation,
        "parameters": [_parameter(parameter, place) for parameter in route.parameters],
        "responses": responses,
    }
    if route.permissions is not None:
        operation["security"] = [{name: [] for name in _KEY_HEADERS}]
    return operation


def _answer(route: Route) -> Row:
    one: Row = {"$ref": f"#/definitions/{route.model}"} if route.model else {"type": "object"}
    return {"type": "array", "items": one} if route.many else one


def _parameter(parameter: Parameter, place: str) -> Row:
    described: Row = {
        "name": parameter.name,
        "in": place,
        "required": parameter.required,
        "type": parameter.kind,
    }
    if parameter.kind in _FORMATS:
        described["format"] = _FORMATS[parameter.kind]
    if parameter.name in ("startTime", "endTime", "timestamp"):
        described["format"] = "date-time"
    if parameter.default is not None:
        described["default"] = parameter.default
    return described


def _definition(model: Model) -> Row:
    # A column that has to be there has a value; any other may be null, in the old dialect most are.
    properties: Row = {
        name: _KINDS[kind] if name in model.required else {**_KINDS[kind], "x-nullable": True}
        for name, kind in model.types.items()
    }
    definition: Row = {"type": "object", "properties": properties}
    if model.required:
        definition["required"] = list(model.required)
    return definition


def _error() -> Row:
    texts: Row = {name: {"type": "string"} for name in ("message", "name", "details")}
    error: Row = {"type": "object", "properties": texts, "required": ["message", "name"]}
    return {"type": "object", "properties": {"error": error}, "required": ["error"]}

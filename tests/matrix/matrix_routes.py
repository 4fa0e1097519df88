"""Every address of the product, found by walking: pages by the URL resolver, operations by the API's own OpenAPI schema."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>|\{(?:\w+:)?(\w+)\}")
API = "api/v1/"


@dataclass(frozen=True)
class Route:
    """An address. `key` has # for every parameter and is the same for the page and the operation of one verb ("orders/#/approval")."""

    key: str
    address: str
    api: bool
    methods: tuple[str, ...]
    bodies: Mapping[str, Any] = field(default_factory=dict, compare=False)
    public: bool = False
    #: the package whose view answers: "qudao", or a library
    owner: str = "qudao"

    @property
    def parameters(self) -> list[str]:
        return [a or b for a, b in PARAMETER.findall(self.address)]

    @property
    def label(self) -> str:
        return f"{'api' if self.api else 'page'}:{self.key or 'home'}"

    def at(self, values: Mapping[str, Any]) -> str:
        """The address with its parameters filled in."""
        return "/" + PARAMETER.sub(lambda m: str(values[m[1] or m[2]]), self.address)


def key_of(address: str) -> str:
    return PARAMETER.sub("#", address).removeprefix(API).strip("/")


@cache
def all_routes() -> list[Route]:
    """Pages and operations; an empty list would mean that the walk is broken."""
    return [*_pages(), *_operations()]


def _walk(resolver: URLResolver, before: str = "") -> Iterator[tuple[str, URLPattern]]:
    for one in resolver.url_patterns:
        if isinstance(one, URLResolver):
            yield from _walk(one, before + str(one.pattern))
        else:
            yield before + str(one.pattern), one


def _pages() -> Iterator[Route]:
    for address, pattern in _walk(get_resolver()):
        if address.startswith(API):
            continue
        view = getattr(pattern.callback, "view_class", None)
        methods = ("GET", "POST") if view is None else tuple(m.upper() for m in ("get", "post") if hasattr(view, m))
        yield Route(key_of(address), address, False, methods, owner=pattern.callback.__module__.split(".")[0])


def _operations() -> Iterator[Route]:
    from qudao.web.api import api  # the API is assembled by web when the addresses are loaded

    schema = api.get_openapi_schema(path_prefix=f"/{API}")
    for address, item in schema["paths"].items():
        bodies = {m.upper(): _body(op, schema) for m, op in item.items() if "requestBody" in op}
        methods = tuple(m.upper() for m in item)
        yield Route(key_of(address.strip("/")), address.lstrip("/"), True, methods, bodies, all(not op.get("security") for op in item.values()))


def _body(operation: Mapping[str, Any], schema: Mapping[str, Any]) -> Any:
    (content, *_more) = operation["requestBody"]["content"].values()
    return sample(content["schema"], schema)


def sample(shape: Mapping[str, Any], schema: Mapping[str, Any], depth: int = 0) -> Any:
    """The smallest value of a JSON schema: required fields only, harmless values that point at nothing."""
    if "$ref" in shape:
        return sample(schema["components"]["schemas"][shape["$ref"].rsplit("/", 1)[1]], schema, depth + 1)
    for name in ("anyOf", "oneOf", "allOf"):
        if name in shape:
            return sample(shape[name][0], schema, depth)
    if "enum" in shape:
        return shape["enum"][0]
    kind = shape.get("type", "string")
    if kind == "object":
        return {name: sample(one, schema, depth + 1) for name, one in shape.get("properties", {}).items() if name in shape.get("required", ())}
    if kind == "array":
        return [sample(shape["items"], schema, depth + 1)] if depth < 6 else []
    if kind == "string":
        return {"date": "2026-01-31", "date-time": "2026-01-31T08:00:00Z", "uuid": "00000000-0000-4000-8000-000000000001"}.get(shape.get("format", ""), "x")
    return {"integer": 1, "number": 1, "boolean": False}.get(kind)

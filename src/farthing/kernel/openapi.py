"""`/openapi.json`, told by the declared endpoints, and `/docs` to read and try it, both without the network."""

import json
import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Final

from flask import Flask, Response
from pydantic.json_schema import models_json_schema

from farthing import __version__
from farthing.kernel.problems import NotFound
from farthing.kernel.web import Endpoint

Document = dict[str, Any]  # Any: any JSON
REF: Final = "#/components/schemas/{model}"
ASSETS: Final = {"swagger-ui.css": "text/css", "swagger-ui-bundle.js": "text/javascript"}
PROBLEM: Final[Document] = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "error", "request_id"],
    "properties": {
        **{name: {"type": "string"} for name in ("type", "title", "detail", "error", "request_id")},
        "status": {"type": "integer"},
        "errors": {"type": "array", "items": {
            "type": "object", "required": ["field", "message"],
            "properties": {"index": {"type": "integer"}, "field": {"type": "string"}, "message": {"type": "string"}},
        }},
    },
}
PAGE: Final = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Farthing: the interface</title>
<link rel="stylesheet" href="/docs/swagger-ui.css"></head><body><main id="docs"></main>
<script src="/docs/swagger-ui-bundle.js"></script><script src="/docs/start.js"></script></body></html>"""
START: Final = 'SwaggerUIBundle({url: "/openapi.json", dom_id: "#docs", deepLinking: true})'
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'"
)


def document(endpoints: Sequence[Endpoint]) -> Document:
    """The OpenAPI 3.1 document of these endpoints."""
    models = [model for endpoint in endpoints for model in (endpoint.body, endpoint.answer) if model is not None]
    paths: Document = {}
    # answers too are told by what their fields hold: a model that serialises itself has no other shape
    _, found = models_json_schema([(model, "validation") for model in dict.fromkeys(models)], ref_template=REF)
    schemas: Document = found.get("$defs", {})
    for endpoint in endpoints:
        paths.setdefault(_path(endpoint.path), {})[endpoint.method.lower()] = _operation(endpoint)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Farthing", "version": __version__, "license": {"name": "Apache-2.0"}},
        "paths": paths,
        "components": {
            "schemas": schemas | {"Problem": PROBLEM},
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


def _path(rule: str) -> str:
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule)


def _operation(endpoint: Endpoint) -> Document:
    operation: Document = {
        "operationId": endpoint.name, "tags": [endpoint.tag], "summary": endpoint.summary,
        "parameters": _parameters(endpoint),
        "responses": {str(endpoint.status): _answer(endpoint), "default": {
            "description": "A problem (RFC 9457)",
            "content": {"application/problem+json": {"schema": {"$ref": REF.format(model="Problem")}}},
        }},
    }
    if endpoint.scope is not None:
        operation["security"] = [{"bearer": []}]
        operation["x-scope"] = str(endpoint.scope)
    if content := _body(endpoint):
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _parameters(endpoint: Endpoint) -> list[Document]:
    names = re.findall(r"<(?:\w+:)?(\w+)>", endpoint.path)
    parameters = [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]
    if endpoint.query is not None:
        schema = endpoint.query.model_json_schema()
        for name, shape in schema.get("properties", {}).items():
            needed = name in schema.get("required", ())
            parameters.append({"name": name, "in": "query", "required": needed, "schema": shape})
    if endpoint.method == "POST":
        shape = {"type": "string", "minLength": 1, "maxLength": 255}
        parameters.append({"name": "Idempotency-Key", "in": "header", "required": False, "schema": shape})
    if endpoint.method in ("PATCH", "DELETE"):
        parameters.append({"name": "If-Match", "in": "header", "required": False, "schema": {"type": "string"}})
    return parameters


def _body(endpoint: Endpoint) -> Document:
    if endpoint.raw:
        return {kind: {"schema": schema} for kind, schema in endpoint.raw.items()}
    if endpoint.body is None:
        return {"application/merge-patch+json": {"schema": {"type": "object"}}} if endpoint.method == "PATCH" else {}
    return {"application/json": {"schema": {"$ref": REF.format(model=endpoint.body.__name__)}}}


def _answer(endpoint: Endpoint) -> Document:
    if endpoint.media:
        content: Document = {kind: {"schema": {"type": "string"}} for kind in endpoint.media}
        return {"description": endpoint.summary, "content": content}
    if endpoint.answer is None:
        return {"description": "Done"}
    schema: Document = {"$ref": REF.format(model=endpoint.answer.__name__)}
    if endpoint.paged:
        schema = {
            "type": "object", "required": ["data", "next"],
            "properties": {"data": {"type": "array", "items": schema}, "next": {"type": ["string", "null"]}},
        }
    return {"description": endpoint.summary, "content": {"application/json": {"schema": schema}}}


def add_documents(app: Flask, endpoints: Sequence[Endpoint]) -> None:
    """Serve the document, and a page to read it."""

    @cache
    def rendered() -> bytes:
        return json.dumps(document(endpoints), ensure_ascii=False).encode()

    @app.get("/openapi.json")
    def openapi() -> Response:
        return Response(rendered(), content_type="application/json")

    @app.get("/docs")
    def docs() -> Response:
        return Response(PAGE, content_type="text/html; charset=utf-8", headers={"Content-Security-Policy": POLICY})

    @app.get("/docs/<name>")
    def asset(name: str) -> Response:
        if name == "start.js":
            return Response(START, content_type="text/javascript")
        if name not in ASSETS:
            raise NotFound(f"There is nothing at /docs/{name[:80]}.")
        path = files("swagger_ui_bundle").joinpath("vendor", _vendor(), name)
        return Response(path.read_bytes(), content_type=ASSETS[name], headers={"Cache-Control": "max-age=86400"})


@cache
def _vendor() -> str:
    return next(entry.name for entry in files("swagger_ui_bundle").joinpath("vendor").iterdir() if entry.is_dir())

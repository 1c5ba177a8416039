"""Checks the bot's requests against Discord's own OpenAPI document, where that is at hand."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from tests.fake_discord.calls import Call

DOCUMENT = Path(__file__).parents[3] / "shared" / "data" / "discord" / "openapi.json"
_URI = "urn:discord"


@cache
def load_document(path: Path = DOCUMENT) -> dict[str, Any] | None:
    """Return the document with paths keyed without their parameters' names, None where it is missing."""
    if not path.is_file():
        return None
    document: dict[str, Any] = json.loads(path.read_text("utf-8"))
    # Discord takes snowflakes as numbers too, and discord.py sends them so; the document knows strings only.
    snowflake = document["components"]["schemas"]["SnowflakeType"]
    document["components"]["schemas"]["SnowflakeType"] = {"anyOf": [snowflake, {"type": "integer", "minimum": 0}]}
    document["paths"] = {_anonymous(template): item for template, item in document["paths"].items()}
    return document


def _anonymous(template: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", template)


def violations_of(call: Call) -> list[str]:
    """Return what in a request Discord's document does not allow."""
    if (document := load_document()) is None:
        return []
    where = f"{call.method} {call.path}"
    item = document["paths"].get(_anonymous(call.template or ""))
    operation = None if item is None else item.get(call.method.lower())
    if operation is None:
        return [f"{where}: Discord has no such request"]
    found = _in_query(document, call, operation) + _in_body(document, call, operation)
    return [f"{where}: {each}" for each in found]


def _in_query(document: dict[str, Any], call: Call, operation: dict[str, Any]) -> list[str]:
    known = {each["name"]: each["schema"] for each in operation.get("parameters", []) if each["in"] == "query"}
    found = [f"unknown query parameter {name}" for name in call.query if name not in known]
    for name, schema in known.items():
        if name in call.query:
            found += _errors(document, schema, _typed(call.query[name], _type(document, schema)), f"query {name}")
    return found


def _type(document: dict[str, Any], schema: dict[str, Any]) -> str | None:
    """Find the type that a schema names, itself or in the schema that it refers to."""
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    kind = (document["components"]["schemas"][name] if name else schema).get("type")
    return kind if isinstance(kind, str) else None


def _typed(text: str, kind: str | None) -> Any:
    """Read a query parameter as what its schema says it is."""
    if kind == "boolean":
        return {"1": True, "0": False, "true": True, "false": False}.get(text.lower(), text)
    return int(text) if kind == "integer" and text.lstrip("-").isdigit() else text


def _in_body(document: dict[str, Any], call: Call, operation: dict[str, Any]) -> list[str]:
    if (request_body := operation.get("requestBody")) is None:
        return [] if call.body is None else ["a body where Discord takes none"]
    if call.body is None:
        return ["no body"] if request_body.get("required") else []
    kind = "multipart/form-data" if call.is_multipart else "application/json"
    if kind not in request_body["content"]:
        return [f"Discord does not take {kind} here"]
    return _errors(document, request_body["content"][kind]["schema"], call.body, "body")


def _errors(document: dict[str, Any], schema: dict[str, Any], instance: Any, where: str) -> list[str]:
    validator = Draft202012Validator(
        {"$ref": _absolute(schema)} if "$ref" in schema else _embed(schema), registry=_registry()
    )
    error = best_match(validator.iter_errors(instance))
    return [] if error is None else [f"{where}{error.json_path.removeprefix('$')}: {error.message}"]


def _absolute(schema: dict[str, Any]) -> str:
    return f"{_URI}{schema['$ref']}"


def _embed(schema: Any) -> Any:
    """Return a schema whose references lead into the document wherever it stands."""
    if isinstance(schema, dict):
        return {key: _URI + value if key == "$ref" else _embed(value) for key, value in schema.items()}
    return [_embed(each) for each in schema] if isinstance(schema, list) else schema


@cache
def _registry() -> Registry[Any]:
    registry: Registry[Any] = Registry()
    described: Registry[Any] = registry.with_resource(_URI, DRAFT202012.create_resource(load_document()))
    return described

"""Every typed operation of every family, held against the table of facts: it is sent by the provider's names, and the answer is read."""

from __future__ import annotations

import asyncio
import dataclasses
import importlib
import inspect
import json
import re
import typing
from pathlib import Path
from types import ModuleType
from typing import Any, Callable

import pytest

from payseal.result import Options

CATALOGUE = Path(__file__).resolve().parents[3] / "catalogue"
UNKNOWN = "something unknown"  # the member of an object of which nothing is known


def overlays() -> list[dict[str, Any]]:
    return [json.loads(file.read_text()) for file in sorted((CATALOGUE / "overlay").glob("wechat-v3-*.json"))]


FAMILIES: list[str] = next(overlay["models"] for overlay in overlays() if "models" in overlay)
FACTS = {f"{row['method']} {row['path']}": row for row in json.loads((CATALOGUE / "facts/wechat-v3.json").read_text())["operations"]}
# Corrections that add, remove or rename a field.
CORRECTED = [
    re.compile(re.escape(correction["operation"]).replace(r"\*", ".*"))
    for overlay in overlays()
    for correction in overlay.get("corrections", ())
    if not correction.keys().isdisjoint({"add", "remove", "rename"})
    or "items" in correction.get("set", ())
    or "type" in correction.get("set", ())
]
WRITTEN = {
    operation["name"] for family in json.loads((CATALOGUE / "wechat-v3.json").read_text())["families"] for operation in family["operations"]
}


class Provider:
    """Stands in for a client: keeps what it is asked, and answers with everything the answer's model knows and more."""

    def __init__(self, answer: dict[str, Any]) -> None:
        self.answer = answer
        self.operation = ""
        self.asked: dict[str, Any] = {}

    def execute(self, operation: str, **asked: Any) -> Any:
        self.operation, self.asked = operation, asked
        return self

    def json(self) -> dict[str, Any]:
        return self.answer


def hints(kind: Any) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def optional(hint: Any) -> Any:
    if typing.get_origin(hint) is typing.Union:
        return next(argument for argument in typing.get_args(hint) if argument is not type(None))
    return hint


def sample(hint: Any) -> Any:
    """A value of the kind: every field filled."""
    hint = optional(hint)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is list:
        return [sample(arguments[0])]
    if origin is typing.Literal:
        return arguments[0]
    if origin is dict:
        return {UNKNOWN: "value"}
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return hint(**{field.name: sample(hints(hint)[field.name]) for field in dataclasses.fields(hint)})
    return {str: "text", int: 7, bool: True, bytes: b"file"}[hint]


def functions(module: ModuleType) -> list[Callable[..., Any]]:
    exported = [getattr(module, name) for name in module.__all__]
    return [function for function in exported if inspect.isfunction(function) and not inspect.iscoroutinefunction(function)]


CASES = [
    pytest.param(function, id=f"{family}.{function.__name__}")
    for family in FAMILIES
    for function in functions(importlib.import_module(f"payseal.wechat.{family}"))
]


def surplus(value: Any) -> Any:
    """The value with a member that nobody knows in every object."""
    if isinstance(value, dict) and UNKNOWN not in value:
        return {**{name: surplus(member) for name, member in value.items()}, "new_member": {"of": ["the provider"]}}
    return [surplus(item) for item in value] if isinstance(value, list) else value


def places(value: Any, place: str = "") -> set[str]:
    if isinstance(value, list):
        return places(value[0], place + "[]")
    if isinstance(value, dict) and UNKNOWN not in value:
        return {place} | {inner for name, member in value.items() for inner in places(member, f"{place}.{name}")}
    return {place}


def facts(schema: dict[str, Any], place: str = "") -> set[str]:
    if schema.get("type") == "array":
        return facts(schema.get("items", {}), place + "[]")
    inside = (inner for name, member in schema.get("properties", {}).items() for inner in facts(member, f"{place}.{name}"))
    return {place}.union(inside)


@pytest.mark.parametrize("function", CASES)
def test_an_operation_is_asked_with_the_providers_names_and_its_answer_is_read(function: Callable[..., Any]) -> None:
    arguments = hints(function)
    answer_model = arguments.pop("return")
    arguments.pop("client")
    arguments.pop("options")
    answer = sample(answer_model).to_json() if answer_model is not type(None) else {}
    provider = Provider(surplus(answer))
    given = {name: sample(hint) for name, hint in arguments.items()}
    returned = function(provider, **given, options=Options(trace_id="t"))

    assert provider.operation in FACTS
    assert provider.asked["options"]["trace_id"] == "t"
    row = FACTS[provider.operation]
    assert set(provider.asked.get("path", {})) == set(re.findall(r"{(\w+)}", row["path"]))
    if answer_model is not type(None):
        assert returned.to_json() == answer, "all that is known is read, the rest is left aside"
    if "file" in arguments:
        assert provider.asked["payload"] == b"file"
        assert provider.asked["options"]["filename"] == "text"
        return
    # What a person has described or corrected is held against the facts by the tests of the catalogue itself.
    if provider.operation in WRITTEN or any(pattern.fullmatch(provider.operation) for pattern in CORRECTED):
        return
    assert set(provider.asked.get("query", {})) <= set(row.get("query_params", {}))
    if "request" in arguments:
        assert places(provider.asked["body"]) == facts(row["request"])


class AsyncProvider(Provider):
    """The same for the functions that are awaited."""

    async def execute(self, operation: str, **asked: Any) -> Any:
        return super().execute(operation, **asked)


@pytest.mark.parametrize("function", CASES)
def test_its_twin_for_asyncio_asks_and_reads_the_same(function: Callable[..., Any]) -> None:
    twin = getattr(importlib.import_module(function.__module__), function.__name__ + "_async")
    arguments = hints(function)
    assert {**hints(twin), "client": None} == {**arguments, "client": None}
    answer_model = arguments.pop("return")
    answer = sample(answer_model).to_json() if answer_model is not type(None) else {}
    given = {name: sample(hint) for name, hint in arguments.items() if name not in ("client", "options")}
    one, other = Provider(answer), AsyncProvider(answer)
    options = Options(trace_id="t")
    assert asyncio.run(twin(other, **given, options=options)) == function(one, **given, options=options)
    assert (other.operation, other.asked) == (one.operation, one.asked)


def test_every_family_has_its_operations() -> None:
    assert len(FAMILIES) >= 19
    assert len(CASES) >= 379
    assert sum(not any(pattern.fullmatch(name) for pattern in CORRECTED) for name in FACTS) > 800, "most are held against the facts"


def test_a_value_that_the_provider_has_added_is_kept() -> None:
    for family, model, member in (("pay", "Transaction", "trade_state"), ("fundapp", "Transfer", "state"), ("favor", "Stock", "status")):
        kind = getattr(importlib.import_module(f"payseal.wechat.{family}"), model)
        assert getattr(kind.from_json({member: "BRAND_NEW"}), member) == "BRAND_NEW"


NOTIFICATIONS = [
    (events["family"], notification["plaintext"])
    for overlay in overlays()
    for events in overlay.get("notifications", ())
    for notification in events["notifications"]
]


@pytest.mark.parametrize(("family", "plaintext"), NOTIFICATIONS)
def test_a_notifications_plaintext_is_read(family: str, plaintext: str) -> None:
    kind = getattr(importlib.import_module(f"payseal.wechat.{family}"), plaintext)
    whole = sample(kind).to_json()
    assert len(whole) >= 2
    assert kind.from_json(surplus(whole)).to_json() == whole
    assert "Plaintext of" in kind.__doc__

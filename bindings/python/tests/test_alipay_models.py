"""Every typed operation of Alipay, held against the catalogue: it is asked by the provider's names, and the answer is read."""

from __future__ import annotations

import asyncio
import importlib
import json
from typing import Any, Callable

import pytest

from payseal.alipay import fund, merchant, trade, user
from payseal.result import Options
from test_models import CATALOGUE, Provider, functions, hints, places, sample, surplus

DESCRIBED: dict[str, Any] = json.loads((CATALOGUE / "alipay.json").read_text())
FAMILIES: dict[str, dict[str, Any]] = {family["name"]: family for family in DESCRIBED["families"]}
OPERATIONS = {operation["name"]: (family, operation) for family in DESCRIBED["families"] for operation in family["operations"]}
CASES = [
    pytest.param(function, id=f"{family}.{function.__name__}")
    for family in FAMILIES
    for function in functions(importlib.import_module(f"payseal.alipay.{family}"))
]


class Maker(Provider):
    """Stands in for a client that is asked to sign and to send nothing."""

    def __init__(self) -> None:
        super().__init__({})
        self.kind = ""

    def invoke(self, kind: str, params: dict[str, Any]) -> dict[str, str]:
        self.kind, self.operation, self.asked = kind, params["operation"], params
        return {kind: "made"}


def described(family: dict[str, Any], schema: dict[str, Any], place: str = "") -> set[str]:
    if "items" in schema:
        return described(family, schema["items"], place + "[]")
    if "ref" in schema:
        schema = next(named for named in family["schemas"] if named["name"] == schema["ref"])
    inside = (inner for field in schema.get("fields", ()) for inner in described(family, field, f"{place}.{field['name']}"))
    return {place}.union(inside)


def call(function: Callable[..., Any]) -> tuple[Maker, Any, dict[str, Any]]:
    """Call the function with everything filled in; returns what was asked, what came back, and what was answered."""
    arguments = hints(function)
    answer_model = arguments.pop("return")
    arguments.pop("client")
    given = {name: sample(hint) for name, hint in arguments.items() if name != "options"}
    if "options" in arguments:
        given["options"] = Options(trace_id="t")
    client = Maker()
    is_read = answer_model not in (str, type(None))
    answer = sample(answer_model).to_json() if is_read else {}
    client.answer = surplus(answer)
    return client, function(client, **given), answer


@pytest.mark.parametrize("function", CASES)
def test_an_operation_is_asked_with_the_providers_names_and_its_answer_is_read(function: Callable[..., Any]) -> None:
    client, returned, answer = call(function)
    family, operation = OPERATIONS[client.operation]
    if "makes" in operation:
        assert client.kind in operation["makes"]
        assert returned == "made"
    else:
        assert client.asked["options"]["trace_id"] == "t"
        assert (returned.to_json() if returned is not None else {}) == answer, "all that is known is read, the rest is left aside"
    parameters = [*operation.get("query", ()), *DESCRIBED["common"]]
    assert set(client.asked.get("query", {})) == {field["name"] for field in parameters if "untyped" not in field}
    assert ("payload" in client.asked) == ("file" in operation)
    assert ("body" in client.asked) == ("body" in operation)
    if "body" in operation:
        assert places(client.asked["body"]) == described(family, {"ref": operation["body"]})


def test_every_operation_is_a_function_and_one_for_each_thing_that_it_is_made_into() -> None:
    found: dict[str, list[str]] = {}
    for case in CASES:
        client, _, _ = call(case.values[0])  # type: ignore[arg-type]
        found.setdefault(client.operation, []).append(client.kind)
    wanted = {name: operation.get("makes", [""]) for name, (_, operation) in OPERATIONS.items()}
    assert {name: sorted(kinds) for name, kinds in found.items()} == {name: sorted(kinds) for name, kinds in wanted.items()}


def test_what_is_not_given_is_not_asked() -> None:
    client = Maker()
    client.answer = {"out_trade_no": "T1", "qr_code": "https://qr.alipay.com/bax"}
    request = trade.PrecreateRequest(out_trade_no="T1", total_amount="0.01", subject="茶")
    assert trade.precreate(client, request).qr_code == "https://qr.alipay.com/bax"  # type: ignore[arg-type]
    assert client.asked["body"] == {"out_trade_no": "T1", "total_amount": "0.01", "subject": "茶"}
    assert client.asked["query"] == {}
    trade.precreate(client, request, notify_url="https://shop.example/notify", app_auth_token="t")  # type: ignore[arg-type]
    assert client.asked["query"] == {"notify_url": "https://shop.example/notify", "app_auth_token": "t"}


def test_a_coroutine_asks_the_same() -> None:
    class Later(Maker):
        async def execute(self, operation: str, **asked: Any) -> Any:
            return super().execute(operation, **asked)

        async def invoke(self, kind: str, params: dict[str, Any]) -> dict[str, str]:  # type: ignore[override]
            return super().invoke(kind, params)

    client = Later()
    client.answer = {"trade_status": "TRADE_SUCCESS"}
    found = asyncio.run(trade.query_async(client, trade.QueryRequest(out_trade_no="T1")))  # type: ignore[arg-type]
    assert (found.trade_status, client.operation) == ("TRADE_SUCCESS", "alipay.trade.query")
    request = trade.AppPayRequest(out_trade_no="T1", total_amount="1", subject="茶")
    made = asyncio.run(trade.app_pay_order_string_async(client, request, notify_url="https://shop.example/notify"))  # type: ignore[arg-type]
    assert (made, client.kind) == ("made", "order_string")
    assert client.asked["query"] == {"notify_url": "https://shop.example/notify"}


NOTIFICATIONS = [
    (family["name"], notification["plaintext"], notification["events"])
    for family in DESCRIBED["families"]
    for notification in family.get("notifications", ())
]


@pytest.mark.parametrize(("family", "plaintext", "events"), NOTIFICATIONS)
def test_a_notifications_plaintext_is_read_and_all_of_it_is_text(family: str, plaintext: str, events: list[str]) -> None:
    kind = getattr(importlib.import_module(f"payseal.alipay.{family}"), plaintext)
    whole = sample(kind).to_json()
    assert set(whole.values()) == {"text"}
    assert kind.from_json(surplus(whole)).to_json() == whole
    assert events[0] in kind.__doc__


def test_the_known_notifications_are_there() -> None:
    events = {event for _, _, events in NOTIFICATIONS for event in events}
    known = {"trade_status_sync.TRADE_SUCCESS", "dut_user_sign", "dut_user_unsign", "fund_auth_freeze", "fund_auth_unfreeze"}
    assert known | {"alipay.fund.trans.order.changed"} <= events


def test_nobody_elses_business_is_not_printed() -> None:
    for value in (
        trade.PayRequest(out_trade_no="1", total_amount="1", subject="x", auth_code="SECRET"),
        fund.Participant(identity_type="ALIPAY_LOGON_ID", identity="SECRET", name="SECRET"),
        user.OauthTokenResponse(access_token="SECRET", refresh_token="SECRET"),
        merchant.UserInfo(name="SECRET"),
    ):
        assert "SECRET" not in repr(value)

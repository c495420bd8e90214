"""Making, using and closing a client."""

from __future__ import annotations

import json
from typing import Any, Callable

import pytest

import payseal
from payseal import Code, Outcome
from provider import CLOSE, NATIVE, ORDER, QUERY, Provider

MakeClient = Callable[..., payseal.Client]


@pytest.mark.parametrize("form", [dict, json.dumps, lambda config: json.dumps(config).encode()], ids=["mapping", "text", "bytes"])
def test_a_configuration_is_a_mapping_or_json(provider: Provider, form: Callable[[Any], Any]) -> None:
    with payseal.Client(form(provider.config())) as client:
        assert not client.closed


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"apiv3_key": "too short"}, Code.KEY_INVALID, "apiv3_key"),
        ({"apiv3_key": ""}, Code.CONFIG_EMPTY_SECRET, "apiv3_key"),
        ({"mchid": None}, Code.CONFIG_INVALID, "mchid"),
        ({"private_key": "nonsense"}, Code.KEY_INVALID, "private_key"),
        ({"api_v3_key": "x"}, Code.CONFIG_UNKNOWN_KEY, "api_v3_key"),
        ({"hosts": ["http://pay.example"]}, Code.CONFIG_INVALID, "hosts"),
    ],
)
def test_a_wrong_configuration_is_refused_by_name(provider: Provider, change: dict[str, Any], code: Code, field: str) -> None:
    with pytest.raises(payseal.ConfigurationError) as refused:
        payseal.Client(provider.config(**change))
    error = refused.value
    assert (error.code, error.outcome) == (code, Outcome.NOT_SENT)
    assert error.details["code_name"] == code.name
    assert error.details["field"].startswith(field)
    assert field in error.message


def test_a_public_key_where_the_private_one_belongs_is_refused(provider: Provider) -> None:
    config = provider.config()
    config["private_key"] = next(iter(config["platform_public_keys"].values()))
    with pytest.raises(payseal.ConfigurationError) as refused:
        payseal.Client(config)
    assert refused.value.code == Code.KEY_ROLE


def test_the_merchants_own_key_as_the_platforms_is_refused(provider: Provider) -> None:
    from provider import PUBLIC_KEY_ID, public_pem

    with pytest.raises(payseal.ConfigurationError) as refused:
        payseal.Client(provider.config(platform_public_keys={PUBLIC_KEY_ID: public_pem(provider.merchant_key)}))
    assert refused.value.code == Code.KEY_ROLE


def test_malformed_parameters_never_leave_the_machine(make_client: MakeClient) -> None:
    def transport(_request: payseal.HttpRequest) -> payseal.HttpResponse:
        pytest.fail("something was sent")

    client = make_client(transport=transport)
    for body in ({**ORDER, "amount": {"total": 1.5}}, {**ORDER, "amount": {"total": "1"}}, {**ORDER, "amout": {}}, {}):
        with pytest.raises(payseal.ArgumentError) as refused:
            client.execute(NATIVE, body=body)
        assert (refused.value.code, refused.value.outcome) == (Code.PARAMS_INVALID, Outcome.NOT_SENT)
    with pytest.raises(payseal.ArgumentError) as refused:
        client.execute("no operation at all")
    assert refused.value.code == Code.UNKNOWN_OPERATION
    with pytest.raises(payseal.ArgumentError) as refused:
        client.execute(QUERY, path={"out_trade_no": "../../v3/certificates"})
    assert refused.value.code == Code.PARAMS_INVALID


@pytest.mark.parametrize("value", [float("nan"), object(), "\ud800", b"bytes"], ids=["NaN", "object", "surrogate", "bytes"])
def test_what_has_no_json_form_is_a_plain_python_error(client: payseal.Client, value: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        client.execute(NATIVE, body={"attach": value})


def test_a_wrong_type_is_a_plain_python_error(client: payseal.Client, provider: Provider) -> None:
    for misuse in (
        lambda: client.execute(7),  # type: ignore[arg-type]
        lambda: client.execute(NATIVE, payload=7),  # type: ignore[arg-type]
        lambda: client.open_notification({}, None),  # type: ignore[arg-type]
        lambda: client.open_notification([("a", 1)], b""),  # type: ignore[list-item]
        lambda: client.invoke("jsapi", 7),  # type: ignore[arg-type]
        lambda: payseal.Client(7),  # type: ignore[arg-type]
        lambda: client.notification_reply("OK"),  # type: ignore[arg-type]
    ):
        with pytest.raises((TypeError, payseal.PaysealError)):
            misuse()


def test_a_closed_client_says_so(provider: Provider) -> None:
    client = payseal.Client(provider.config())
    client.close()
    client.close()
    assert client.closed
    for use in (
        lambda: client.execute(QUERY, path={"out_trade_no": "1"}),
        lambda: client.open_notification({}, b""),
        lambda: client.notification_reply(),
        lambda: client.invoke("jsapi", {}),
        client.metrics,
        client.__enter__,
    ):
        with pytest.raises(payseal.ClosedError) as closed:
            use()
        assert (closed.value.code, closed.value.outcome) == (Code.INVALID_STATE, Outcome.NOT_SENT)


def test_leaving_the_block_closes(provider: Provider) -> None:
    with payseal.Client(provider.config()) as client:
        pass
    assert client.closed


def test_an_exception_in_the_block_closes_and_passes(provider: Provider) -> None:
    with pytest.raises(KeyError), payseal.Client(provider.config()) as client:
        raise KeyError
    assert client.closed


def test_a_client_that_is_forgotten_is_freed(provider: Provider) -> None:
    import gc
    import weakref

    class Signer:
        def __call__(self, message: bytes) -> bytes:
            return provider.sign(message)

    signer = Signer()
    gone = weakref.ref(signer)
    client = payseal.Client(provider.config(private_key=None), signer=signer)
    del client, signer
    gc.collect()
    assert gone() is None


def test_many_merchants_live_in_one_process() -> None:
    first, second = Provider(), Provider()
    with payseal.Client(first.config()) as one, payseal.Client(second.config()) as other:
        for client, provider in ((one, first), (other, second)):
            values = client.invoke("jsapi", {"prepay_id": "wx201410272009395522657a690389285100"})
            message = f"{values['appId']}\n{values['timeStamp']}\n{values['nonceStr']}\n{values['package']}\n"
            provider.check_merchant_signature(message.encode(), values["paySign"])


def test_no_representation_shows_the_configuration(provider: Provider) -> None:
    with payseal.Client(provider.config()) as client:
        assert provider.apiv3_key not in repr(client) + repr(vars(client))


def test_the_catalogue_names_operations() -> None:
    text = json.dumps(payseal.operations("wechat"))
    assert NATIVE in text
    assert CLOSE in text
    with pytest.raises(payseal.ArgumentError):
        payseal.operations("unheard of")


def test_versions() -> None:
    assert payseal.ABI_VERSION == 1
    assert payseal.version().count(".") == 2

"""The vectors that every language replays, made with the openssl command line; and published ones where that folder exists."""

from __future__ import annotations

import base64
import json
from collections import Counter
from pathlib import Path
from typing import Any, Callable

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

import payseal
from payseal import crypto

ROOT = Path(__file__).resolve().parents[3]
VECTORS = ROOT / "target" / "vectors" / "vectors.json"
PUBLISHED = ROOT.parent / "shared" / "vectors" / "wechat" / "vectors.json"


def load(file: Path) -> list[dict[str, Any]]:
    cases: list[dict[str, Any]] = json.loads(file.read_bytes()) if file.exists() else []
    return cases


def decoded(value: dict[str, Any]) -> dict[str, Any]:
    """Fields `x_base64` and `x_hex` as bytes under `x`."""
    result: dict[str, Any] = {}
    for key, content in value.items():
        name, _, form = key.rpartition("_")
        if form == "base64" and name:
            result[name] = None if content is None else base64.b64decode(content, validate=True)
        elif form == "hex" and name:
            result[name] = bytes.fromhex(content)
        else:
            result[key] = content
    return result


class Host:
    """Stands in for the network: keeps the request and gives the answer of the case, if it has one."""

    def __init__(self, given: dict[str, Any]) -> None:
        self.given = given
        self.request: Any = None

    def __call__(self, request: payseal.HttpRequest) -> payseal.HttpResponse:
        assert self.request is None, "it was sent twice"
        self.request = request
        if "answer" not in self.given:
            raise payseal.TransportFailure(payseal.Failure.CANCELLED, "the request is all that is wanted")
        headers = [tuple(line.split(": ", 1)) for line in self.given["headers"].splitlines()]
        return payseal.HttpResponse(self.given["status"], headers, self.given["answer"] or b"")


def client_of(given: dict[str, Any], host: Any = None) -> payseal.Client:
    arguments: dict[str, Any] = {"transport": host}
    if "now_ms" in given:
        arguments["now_ms"] = lambda: given["now_ms"]
    if "random" in given:
        arguments["random_bytes"] = lambda length: (given["random"] * length)[:length]
    return payseal.Client(given["config"], **arguments)


def execute(given: dict[str, Any]) -> tuple[Host, payseal.Result]:
    host = Host(given)
    arguments = {{"$": "options"}.get(name, name): part for name, part in given["params"].items()}
    with client_of(given, host) as client:
        try:
            return host, client.execute(given["operation"], payload=given.get("payload"), **arguments)
        except payseal.TransportError:
            if "answer" in given:
                raise
            return host, payseal.Result(b"", payseal.Info(0))


def replay_client(given: dict[str, Any]) -> dict[str, Any]:
    client_of(given).close()
    return {}


def replay_request(given: dict[str, Any]) -> dict[str, Any]:
    request = execute(given)[0].request
    headers = dict(request.headers)
    return {
        "method": request.method,
        "url": request.url,
        "authorization": headers["Authorization"],
        "wechatpay_serial": headers.get("Wechatpay-Serial"),
        "body": request.body,
    }


def replay_answer(given: dict[str, Any]) -> dict[str, Any]:
    return {"body": execute(given)[1].body}


def replay_notification(given: dict[str, Any]) -> dict[str, Any]:
    headers = [tuple(line.split(":", 1)) for line in given["headers"].splitlines()]
    with client_of(given) as client:
        notification = client.open_notification(headers, given["body"])
    return {"plaintext": notification.plaintext.decode(), "event": vars(notification.event)}


def replay_invoke(given: dict[str, Any]) -> dict[str, Any]:
    with client_of(given) as client:
        return {"result": client.invoke(given["invoke"], given["params"])}


def replay_sign(given: dict[str, Any]) -> dict[str, Any]:
    return {"signature": crypto.sign(given["algorithm"], given["key"], given["message"])}


def replay_verify(given: dict[str, Any]) -> dict[str, Any]:
    crypto.verify(given["algorithm"], given["key"], given["message"], given["signature"])
    return {}


def replay_seal(given: dict[str, Any]) -> dict[str, Any]:
    sealed = crypto.seal(given["algorithm"], given["key"], given["plaintext"], nonce=given["nonce"], aad=given["aad"])
    return {"ciphertext": sealed}


def replay_open(given: dict[str, Any]) -> dict[str, Any]:
    opened = crypto.open(given["algorithm"], given["key"], given["ciphertext"], nonce=given["nonce"], aad=given["aad"])
    return {"plaintext": opened}


def replay_digest(given: dict[str, Any]) -> dict[str, Any]:
    return {"digest": crypto.digest(given["algorithm"], given["message"], key=given["key"] or None)}


REPLAY: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    name.partition("_")[2]: function for name, function in list(globals().items()) if name.startswith("replay_")
}


def test_the_vectors_are_there(capsys: pytest.CaptureFixture[str]) -> None:
    cases = load(VECTORS)
    assert cases, "run make vectors"
    counts = Counter(case["kind"] for case in cases)
    with capsys.disabled():
        print(f"\nvectors: {len(cases)} total, {len(cases)} run, 0 skipped; {dict(counts)}")
    assert set(counts) <= set(REPLAY), "a kind of vectors is not replayed"


@pytest.mark.parametrize("case", load(VECTORS), ids=lambda case: case["id"])
def test_a_vector_replays(case: dict[str, Any]) -> None:
    given, expected = decoded(case["input"]), decoded(case["expect"])
    expected.pop("message", None)  # what was signed; pytest shows it when a signature differs
    if case["kind"] == "request":
        expected.pop("signature", None)  # is in `authorization`, which is compared whole
    if case["id"] == "request/unknown_member":  # a parameter that does not exist is Python's to refuse
        with pytest.raises(TypeError):
            REPLAY[case["kind"]](given)
        return
    if "code" not in expected:
        actual = REPLAY[case["kind"]](given)
        event = expected.pop("event", {})
        assert {key: actual.get("event", {}).get(key) for key in event} == event
        for key, value in expected.items():
            if key == "body" and value is None:
                continue  # a multipart body, whose boundary is free
            assert actual[key] == (value if value is not None else type(actual[key])()), case["what"]
        return
    with pytest.raises(payseal.PaysealError) as refused:
        REPLAY[case["kind"]](given)
    error = refused.value
    assert (error.code, error.details["code_name"]) == (expected["code"], expected["code_name"]), case["what"]
    if "outcome" in expected:
        assert error.outcome == expected["outcome"]
    if "field" in expected:
        assert error.details["field"] == expected["field"]


def published_sign(case: dict[str, Any]) -> None:
    signature = crypto.sign("RSA-SHA256", case["private_key_pem"], case["message"].encode())
    assert base64.b64encode(signature).decode() == case["expect"]["signature"]
    public_key = x509.load_pem_x509_certificate(case["certificate_pem"].encode()).public_key()
    pem = public_key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    crypto.verify("RSA-SHA256", pem, case["message"].encode(), signature)


def published_oaep(case: dict[str, Any]) -> None:
    ciphertext = base64.b64decode(case["ciphertext"])
    assert crypto.open("RSA-OAEP-SHA1", case["private_key_pem"], ciphertext).decode() == case["expect"]["plaintext"]


def published_aead(case: dict[str, Any]) -> None:
    nonce, aad = case["nonce"].encode(), case["associated_data"].encode()
    opened = crypto.open("AES-256-GCM", case["key"], base64.b64decode(case["ciphertext"]), nonce=nonce, aad=aad)
    assert opened.decode() == case["expect"]["plaintext"]


def published_certificate(case: dict[str, Any]) -> None:
    (item,) = json.loads(case["body"])["data"]
    sealed = item["encrypt_certificate"]
    nonce, aad = sealed["nonce"].encode(), sealed["associated_data"].encode()
    pem = crypto.open("AES-256-GCM", case["apiv3_key"], base64.b64decode(sealed["ciphertext"]), nonce=nonce, aad=aad)
    assert pem.decode().strip() == case["expect"]["certificate_pem"].strip()


def published_sm2_verify(case: dict[str, Any]) -> None:
    body = "".join(line for line in case["certificate_pem"].splitlines() if not line.startswith("-"))
    der, algorithm = base64.b64decode(body), bytes.fromhex("301306072A8648CE3D020106082A811CCF5501822D")
    at = der.index(algorithm) - 2  # SubjectPublicKeyInfo, 91 bytes: `cryptography` does not read keys on this curve
    key, signature = der[at : at + 91], base64.b64decode(case["signature"])
    crypto.verify("SM2-SM3", key, case["message"].encode(), signature)
    with pytest.raises(payseal.TrustError):
        crypto.verify("SM2-SM3", key, b"another message", signature)


def published_sm2_decrypt(case: dict[str, Any]) -> None:
    assert crypto.open("SM2", case["private_key_pem"], base64.b64decode(case["ciphertext"])).decode() == case["expect"]["plaintext"]


def published_sm4(case: dict[str, Any]) -> None:
    key = crypto.digest("SM3", case["key"].encode())[:16]
    nonce, aad = case["nonce"].encode(), case["associated_data"].encode()
    assert crypto.open("SM4-GCM", key, base64.b64decode(case["ciphertext"]), nonce=nonce, aad=aad).decode() == case["expect"]["plaintext"]


def published_v2(case: dict[str, Any]) -> None:
    """A message with the published signature is believed, and one with any other is not."""
    sign_type = "MD5" if case["id"].endswith("md5") else "HMAC-SHA256"
    elements = "".join(f"<{name}>{value}</{name}>" for name, value in case["params"].items())
    config = {"provider": "wechat-v2", "mchid": case["params"]["mch_id"], "apiv2_key": case["key"], "sign_type": sign_type}
    with payseal.Client(config) as client:

        def opened(sign: str) -> Any:
            return client.open_notification({}, f"<xml>{elements}<sign>{sign}</sign></xml>".encode()).json()

        assert opened(case["expect"]["sign"]) == case["params"]
        with pytest.raises(payseal.TrustError):
            opened(case["expect"]["sign"].replace("A", "B"))


PUBLISHED_CASES: dict[str, Callable[[dict[str, Any]], None]] = {
    "rsa/sign": published_sign,
    "rsa/oaep-decrypt": published_oaep,
    "aead/aes-256-gcm": published_aead,
    "certificates/bootstrap": published_certificate,
    "sm2/verify": published_sm2_verify,
    "sm2/decrypt": published_sm2_decrypt,
    "sm4/gcm": published_sm4,
    "v2/sign-md5": published_v2,
    "v2/sign-hmac-sha256": published_v2,
}


def test_published_vectors_agree(capsys: pytest.CaptureFixture[str]) -> None:
    cases = load(PUBLISHED)
    for case in cases:
        PUBLISHED_CASES[case["id"]](case)
    with capsys.disabled():
        print(f"\npublished vectors: {len(cases)} total, {len(cases)} run, 0 skipped, 0 disagreed")

"""国密: SM2 and SM3 by openssl, SM4-GCM by `cryptography`.

What payseal itself signs and seals with SM2 is random, so there are only cases of what it receives.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openssl
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from exchange import QUERY, QUERY_PARAMS, compact, exchange_input
from merchant import APIV3_KEY, HIGH_BIT_SERIAL, MCHID, NOW, PLATFORM_SERIAL, PUBLIC_KEY_ID, Case, Merchant, b64, case, error, lines, platform_message
from notification import PAID, envelope, resource

SCHEME = "WECHATPAY2-SM2-WITH-SM3"
USER_ID = "1234567812345678"


class Sm2Key:
    """A pair of SM2 keys in files."""

    def __init__(self, folder: Path, name: str) -> None:
        self.file, self.public_file = folder / f"{name}.pem", folder / f"{name}.pub.pem"
        openssl.run("genpkey", "-quiet", "-algorithm", "SM2", "-out", str(self.file))
        self.pkcs8 = self.file.read_text()
        self.sec1 = openssl.run("ec", "-in", str(self.file)).decode()
        self.pkcs8_der = openssl.run("pkcs8", "-topk8", "-nocrypt", "-in", str(self.file), "-outform", "DER")
        self.public = openssl.run("pkey", "-in", str(self.file), "-pubout").decode()
        self.public_file.write_text(self.public)

    def sign(self, message: bytes, user_id: str = USER_ID) -> bytes:
        return openssl.run("dgst", "-sm3", "-sign", str(self.file), "-sigopt", f"distid:{user_id}", stdin=message)

    def encrypt(self, plaintext: bytes) -> bytes:
        return openssl.run("pkeyutl", "-encrypt", "-pubin", "-inkey", str(self.public_file), stdin=plaintext)

    def certificate(self, serial: str, subject: str) -> str:
        return openssl.certificate(self.file, serial, subject, "sm3", "-sigopt", f"distid:{USER_ID}", "-vfyopt", f"distid:{USER_ID}")


def seal_sm4_gcm(key: bytes, nonce: bytes, aad: bytes, plaintext: bytes) -> bytes:
    """Ciphertext followed by the 16-byte tag."""
    encryptor = Cipher(algorithms.SM4(key), modes.GCM(nonce)).encryptor()
    encryptor.authenticate_additional_data(aad)
    return encryptor.update(plaintext) + encryptor.finalize() + encryptor.tag


def sm4_key(apiv3_key: str = APIV3_KEY) -> bytes:
    return openssl.digest("sm3", apiv3_key.encode())[:16]


class Parties:
    def __init__(self, merchant: Merchant) -> None:
        self.rsa = merchant
        self.key, self.platform, self.certified, self.stranger = (
            Sm2Key(merchant.folder, f"sm2-{name}") for name in ("merchant", "platform", "certified", "stranger")
        )
        self.platform_certificate = self.certified.certificate(PLATFORM_SERIAL, "payseal test platform")

    def config(self, **changes: Any) -> dict[str, Any]:
        own = {
            "scheme": SCHEME,
            "private_key": self.key.pkcs8,
            "platform_public_keys": {PUBLIC_KEY_ID: self.platform.public},
            "platform_certificates": [self.platform_certificate],
        }
        return self.rsa.config(**own | changes)


def signed_headers(key: Sm2Key, serial: str, body: bytes, kind: str | None = SCHEME, user_id: str = USER_ID) -> dict[str, str]:
    nonce = "c5ac7061fccab6bf3e254dcf98995b8c"
    headers = {
        "Wechatpay-Timestamp": str(NOW),
        "Wechatpay-Nonce": nonce,
        "Wechatpay-Signature": b64(key.sign(platform_message(str(NOW), nonce, body), user_id)),
        "Wechatpay-Serial": serial,
    }
    return headers if kind is None else headers | {"Wechatpay-Signature-Type": kind}


def shangmi_cases(merchant: Merchant) -> Iterator[Case]:
    parties = Parties(merchant)
    yield from client_cases(parties)
    yield from answer_cases(parties)
    yield from notification_cases(parties)
    yield from crypto_cases(parties)


def client_cases(parties: Parties) -> Iterator[Case]:
    def accepted(name: str, what: str, **changes: Any) -> Case:
        return case("client", f"sm2_{name}", what, {"config": parties.config(**changes)}, {})

    def refused(name: str, what: str, code: str, field: str, **changes: Any) -> Case:
        return case("client", f"sm2_{name}", what, {"config": parties.config(**changes)}, error(code, "NOT_SENT", field))

    yield accepted("complete", "a merchant whose scheme is SM2")
    yield accepted("sec1_key", "the same key as openssl's own PEM", private_key=parties.key.sec1)
    certificate = parties.key.certificate(HIGH_BIT_SERIAL, "payseal test merchant")
    yield accepted("with_certificate", "certificate and key are a pair", merchant_certificate=certificate, merchant_serial=None)
    yield refused(
        "certificate_of_other_key",
        "and these are none",
        "KEY_MISMATCH",
        "private_key",
        private_key=parties.stranger.pkcs8,
        merchant_certificate=certificate,
        merchant_serial=HIGH_BIT_SERIAL,
    )
    yield refused("rsa_key", "an RSA key under the scheme of SM2", "KEY_UNSUPPORTED", "private_key", private_key=parties.rsa.key.pkcs8)
    yield refused("p256_key", "another curve", "KEY_UNSUPPORTED", "private_key", private_key=openssl.elliptic_key())
    yield refused("public_key", "a public key where the private belongs", "KEY_ROLE", "private_key", private_key=parties.key.public)
    yield refused(
        "rsa_certificate",
        "an RSA certificate of the platform",
        "KEY_UNSUPPORTED",
        "platform_certificates.0",
        platform_certificates=[parties.rsa.platform_certificate],
    )
    yield refused("key_under_rsa", "an SM2 key under the scheme of RSA", "KEY_UNSUPPORTED", "private_key", scheme=None)
    yield refused("unknown_scheme", "a scheme that does not exist", "CONFIG_INVALID", "scheme", scheme="SM2")


def answer_cases(parties: Parties) -> Iterator[Case]:
    body = compact({"mchid": MCHID, "out_trade_no": "1217752501201407033233368018", "trade_state": "SUCCESS", "amount": {"total": 100}})

    def answer(name: str, what: str, headers: dict[str, str], expect: dict[str, Any], raw: bytes = body, config: dict[str, Any] | None = None) -> Case:
        given = exchange_input(parties.rsa, QUERY, QUERY_PARAMS | {"$": {"max_attempts": 1}}, config=config or parties.config())
        return case("answer", f"sm2_{name}", what, given | {"status": 200, "headers": lines(headers), "answer_base64": b64(raw)}, expect)

    good = {"body_base64": b64(body)}
    by_key = signed_headers(parties.platform, PUBLIC_KEY_ID, body)
    yield answer("by_public_key", "signed with SM2", by_key, good)
    yield answer("by_certificate", "the key is the certificate's", signed_headers(parties.certified, PLATFORM_SERIAL, body), good)
    yield answer("no_signature_type", "an absent type is the configured one", signed_headers(parties.platform, PUBLIC_KEY_ID, body, None), good)
    refused = error("SIGNATURE_INVALID", "UNKNOWN")
    yield answer("by_stranger", "somebody else's key", signed_headers(parties.stranger, PUBLIC_KEY_ID, body), refused)
    yield answer(
        "other_user_id", "the user id is part of what is signed", signed_headers(parties.platform, PUBLIC_KEY_ID, body, user_id="ALICE123@YAHOO.COM"), refused
    )
    yield answer("body_changed", "one byte differs", by_key, refused, body.replace(b"100", b"101"))
    mismatch = error("ALGORITHM_MISMATCH", "UNKNOWN")
    yield answer("rsa_type", "no message chooses RSA", by_key | {"Wechatpay-Signature-Type": "WECHATPAY2-SHA256-RSA2048"}, mismatch)
    yield answer("type_under_rsa", "nor SM2 where RSA is configured", by_key, mismatch, config=parties.rsa.config())


def notification_cases(parties: Parties) -> Iterator[Case]:
    plaintext = compact(PAID)
    box = resource(plaintext) | {"algorithm": "AEAD_SM4_GCM", "ciphertext": b64(seal_sm4_gcm(sm4_key(), b"fdasflkja484", b"transaction", plaintext))}

    def notification(name: str, what: str, box: dict[str, str], expect: dict[str, Any], key: Sm2Key = parties.certified) -> Case:
        body = compact(envelope(box))
        headers = lines(signed_headers(key, PLATFORM_SERIAL, body))
        given = {"config": parties.config(), "now_ms": NOW * 1000, "headers": headers, "body_base64": b64(body)}
        return case("notification", f"sm2_{name}", what, given, expect)

    yield notification("paid", "verified with SM2, opened with SM4", box, {"plaintext": plaintext.decode(), "event": {"serial": PLATFORM_SERIAL}})
    yield notification("by_stranger", "somebody else's key", box, error("SIGNATURE_INVALID", "UNAUTHENTIC"), parties.stranger)
    yield notification("aes_box", "a box of AES", resource(plaintext), error("ALGORITHM_MISMATCH", "MALFORMED"))
    yield notification(
        "aes_box_renamed", "a box of AES under the right name", resource(plaintext) | {"algorithm": "AEAD_SM4_GCM"}, error("DECRYPTION_FAILED", "MALFORMED")
    )
    other = box | {"ciphertext": b64(seal_sm4_gcm(sm4_key("k" * 32), b"fdasflkja484", b"transaction", plaintext))}
    yield notification("other_key", "another APIv3 key", other, error("DECRYPTION_FAILED", "MALFORMED"))


def crypto_cases(parties: Parties) -> Iterator[Case]:
    key, stranger, rsa = parties.key, parties.stranger, parties.rsa.key
    messages = {"empty": b"", "text": "订单 1217752501201407033233368018\n".encode(), "all_bytes": bytes(range(256))}
    text = messages["text"]

    def verify(name: str, what: str, spelling: str, message: bytes, signature: bytes, expect: dict[str, Any]) -> Case:
        given = {"algorithm": "SM2-SM3", "key_base64": b64(spelling.encode()), "message_base64": b64(message), "signature_base64": b64(signature)}
        return case("verify", f"sm2_{name}", what, given, expect)

    for name, message in messages.items():
        yield verify(name, "openssl signed it", key.public, message, key.sign(message), {})
    bad, signature = error("SIGNATURE_INVALID"), key.sign(text)
    numbers = openssl.run("asn1parse", "-inform", "DER", stdin=signature).decode().split("INTEGER           :")[1:]
    r, s = (int(number.split()[0], 16) for number in numbers)
    raw = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    yield verify("by_stranger", "another key's signature", key.public, text, stranger.sign(text), bad)
    yield verify("other_user_id", "another user id", key.public, text, key.sign(text, "somebody"), bad)
    yield verify("other_message", "another message's", key.public, text, key.sign(text + b"\n"), bad)
    yield verify("raw", "the numbers without DER", key.public, text, raw, bad)
    yield verify("empty_signature", "nothing is no signature", key.public, text, b"", bad)
    yield verify("truncated", "one byte short", key.public, text, signature[:-1], bad)
    yield verify("prolonged", "one byte more", key.public, text, signature + b"\0", bad)
    yield verify("zero", "both numbers 0", key.public, text, bytes.fromhex("3006020100020100"), bad)
    yield verify("padded", "a number with a zero too many", key.public, text, bytes([0x30, len(signature) - 1]) + longer(signature), bad)
    yield verify("rsa_public_key", "an RSA key", rsa.public, text, signature, error("KEY_UNSUPPORTED"))

    def sign(name: str, what: str, spelling: bytes, expect: dict[str, Any]) -> Case:
        return case("sign", f"sm2_{name}", what, {"algorithm": "SM2-SM3", "key_base64": b64(spelling), "message_base64": b64(text)}, expect)

    yield sign("rsa_key", "an RSA key", rsa.pkcs8.encode(), error("KEY_UNSUPPORTED"))
    yield sign("public_key", "a public key cannot sign", key.public.encode(), error("KEY_ROLE"))
    yield sign("p256_key", "another curve", openssl.elliptic_key().encode(), error("KEY_UNSUPPORTED"))

    def opened(name: str, what: str, algorithm: str, secret: bytes, box: bytes, expect: dict[str, Any], nonce: bytes = b"", aad: bytes = b"") -> Case:
        given = {"algorithm": algorithm, "key_base64": b64(secret), "nonce_base64": b64(nonce), "aad_base64": b64(aad), "ciphertext_base64": b64(box)}
        return case("open", name, what, given, expect)

    failed = error("DECRYPTION_FAILED")
    for name, message in {"name": "张三".encode(), "one_byte": b"x", "long": b"m" * 1000}.items():
        yield opened(f"sm2_{name}", "openssl encrypted it", "SM2", key.pkcs8.encode(), key.encrypt(message), {"plaintext_base64": b64(message)})
    box = key.encrypt(text)
    yield opened("sm2_der_key", "the same key in DER", "SM2", key.pkcs8_der, box, {"plaintext_base64": b64(text)})
    yield opened("sm2_other_key", "another key", "SM2", stranger.pkcs8.encode(), box, failed)
    yield opened("sm2_changed", "one bit differs", "SM2", key.pkcs8.encode(), box[:-1] + bytes([box[-1] ^ 1]), failed)
    yield opened("sm2_truncated", "one byte short", "SM2", key.pkcs8.encode(), box[:-1], failed)
    yield opened("sm2_prolonged", "one byte more", "SM2", key.pkcs8.encode(), box + b"\0", failed)

    sm4, nonce = sm4_key(), b"fdasflkja484"
    for name, message in messages.items():
        for aad in (b"", b"certificate"):
            box, label = seal_sm4_gcm(sm4, nonce, aad, message), f"sm4_{name}_{'aad' if aad else 'no_aad'}"
            given = {"algorithm": "SM4-GCM", "key_base64": b64(sm4), "nonce_base64": b64(nonce), "aad_base64": b64(aad), "plaintext_base64": b64(message)}
            yield case("seal", label, "ciphertext and tag", given, {"ciphertext_base64": b64(box)})
            yield opened(label, "and back", "SM4-GCM", sm4, box, {"plaintext_base64": b64(message)}, nonce, aad)
    box = seal_sm4_gcm(sm4, nonce, b"certificate", text)
    yield opened("sm4_tag", "one bit of the tag", "SM4-GCM", sm4, box[:-1] + bytes([box[-1] ^ 1]), failed, nonce, b"certificate")
    yield opened("sm4_aad", "other additional data", "SM4-GCM", sm4, box, failed, nonce, b"transaction")
    yield opened("sm4_long_key", "a key of AES", "SM4-GCM", APIV3_KEY.encode(), box, error("INVALID_ARGUMENT"), nonce, b"certificate")

    for name, message in messages.items():
        given = {"algorithm": "SM3", "key_base64": "", "message_base64": b64(message)}
        yield case("digest", f"sm3_{name}", "of openssl", given, {"digest_base64": b64(openssl.digest("sm3", message))})


def longer(signature: bytes) -> bytes:
    """The two INTEGERs, the first with a zero byte that DER forbids."""
    length = signature[3]
    return bytes([0x02, length + 1, 0]) + signature[4 : 4 + length] + signature[4 + length :]

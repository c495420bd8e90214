"""Client-side parameters, the raw cryptography, and configurations that must be refused."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import openssl
from merchant import APIV3_KEY, APPID, MCHID, MERCHANT_SERIAL, NONCE, NONCE_BYTES, NOW, PUBLIC_KEY_ID, Case, Merchant, b64, case, error
from openssl import Key

PREPAY_ID = "wx201410272009395522657a690389285100"


def invoke_cases(merchant: Merchant) -> Iterator[Case]:
    def invoke(name: str, what: str, kind: str, params: dict[str, Any], expect: dict[str, Any]) -> Case:
        given = {"config": merchant.config(), "now_ms": NOW * 1000, "random_hex": NONCE_BYTES.hex(), "invoke": kind, "params": params}
        return case("invoke", name, what, given, expect)

    def jsapi(name: str, what: str, params: dict[str, Any], appid: str) -> Case:
        message = f"{appid}\n{NOW}\n{NONCE}\nprepay_id={PREPAY_ID}\n"
        result = {
            "appId": appid,
            "timeStamp": str(NOW),
            "nonceStr": NONCE,
            "package": f"prepay_id={PREPAY_ID}",
            "signType": "RSA",
            "paySign": b64(merchant.key.sign(message.encode())),
        }
        return invoke(name, what, "jsapi", params, {"message": message, "result": result})

    def app(name: str, what: str, params: dict[str, Any], partner: str) -> Case:
        message = f"{APPID}\n{NOW}\n{NONCE}\n{PREPAY_ID}\n"
        result = {
            "appid": APPID,
            "partnerid": partner,
            "prepayid": PREPAY_ID,
            "package": "Sign=WXPay",
            "noncestr": NONCE,
            "timestamp": str(NOW),
            "sign": b64(merchant.key.sign(message.encode())),
        }
        return invoke(name, what, "app", params, {"message": message, "result": result})

    yield jsapi("jsapi", "what wx.requestPayment takes", {"appid": APPID, "prepay_id": PREPAY_ID}, APPID)
    yield jsapi("jsapi_configured_appid", "the appid of the configuration", {"prepay_id": PREPAY_ID}, APPID)
    yield jsapi("jsapi_other_appid", "another app of the merchant", {"appid": "wx0123456789abcdef", "prepay_id": PREPAY_ID}, "wx0123456789abcdef")
    yield app("app", "an app signs the bare prepay id", {"prepay_id": PREPAY_ID}, MCHID)
    yield app("app_partner", "on behalf of a partner", {"prepay_id": PREPAY_ID, "partnerid": "1900000109"}, "1900000109")
    h5 = "https://wx.tenpay.com/cgi-bin/mmpayweb-bin/checkmweb?prepay_id=wx20161110163838f231619da20804912345&package=1037687096"
    back = "https://shop.example.com/done?order=1&from=h5"
    yield invoke("h5", "the address as it came", "h5", {"h5_url": h5}, {"result": {"h5_url": h5}})
    yield invoke(
        "h5_redirect",
        "the way back, percent-encoded",
        "h5",
        {"h5_url": h5, "redirect_url": back},
        {"result": {"h5_url": f"{h5}&redirect_url={quote(back, safe='')}"}},
    )
    yield invoke(
        "native",
        "what a QR code shows",
        "native",
        {"code_url": "weixin://wxpay/bizpayurl?pr=p4lpSuKzz"},
        {"result": {"code_url": "weixin://wxpay/bizpayurl?pr=p4lpSuKzz"}},
    )
    yield invoke("jsapi_without_prepay_id", "nothing to sign", "jsapi", {"appid": APPID}, error("PARAMS_INVALID", "NOT_SENT"))
    yield invoke("jsapi_line_feed", "a line feed would forge another line", "jsapi", {"prepay_id": "a\nb"}, error("PARAMS_INVALID", "NOT_SENT"))


def crypto_cases(merchant: Merchant) -> Iterator[Case]:
    key, stranger = merchant.key, merchant.stranger
    messages = {
        "empty": b"",
        "one_byte": b"\x00",
        "text": "订单 1217752501201407033233368018\n".encode(),
        "all_bytes": bytes(range(256)),
        "64_kib": b"\xa5" * 65536,
    }

    def sign(name: str, what: str, spelling: bytes, message: bytes, expect: dict[str, Any]) -> Case:
        return case("sign", name, what, {"algorithm": "RSA-SHA256", "key_base64": b64(spelling), "message_base64": b64(message)}, expect)

    def verify(name: str, what: str, spelling: str, message: bytes, signature: bytes, expect: dict[str, Any]) -> Case:
        given = {"algorithm": "RSA-SHA256", "key_base64": b64(spelling.encode()), "message_base64": b64(message), "signature_base64": b64(signature)}
        return case("verify", name, what, given, expect)

    for name, message in messages.items():
        signature = key.sign(message)
        yield sign(name, "RSASSA-PKCS1-v1_5 is deterministic: these very bytes", key.pkcs8.encode(), message, {"signature_base64": b64(signature)})
        yield verify(name, "and they fit", key.public, message, signature, {})
    text = messages["text"]
    signature = key.sign(text)
    for name, spelling in {"pkcs1_pem": key.pkcs1.encode(), "pkcs8_der": key.pkcs8_der, "bare_base64": key.bare.encode()}.items():
        yield sign(name, "the same key, spelled otherwise", spelling, text, {"signature_base64": b64(signature)})
    yield sign("public_key", "a public key cannot sign", key.public.encode(), text, error("KEY_ROLE"))
    yield sign("not_a_key", "nor can prose", b"not a key", text, error("KEY_INVALID"))
    yield sign("1024_bits", "too short", Key(merchant.folder, "short", 1024).pkcs8.encode(), text, error("KEY_UNSUPPORTED"))
    yield sign("elliptic_curve", "another algorithm's key", openssl.elliptic_key().encode(), text, error("KEY_UNSUPPORTED"))

    yield verify("by_stranger", "another key's signature", key.public, text, stranger.sign(text), error("SIGNATURE_INVALID"))
    yield verify("other_message", "another message's signature", key.public, text, key.sign(text + b"\n"), error("SIGNATURE_INVALID"))
    yield verify("sha1", "SHA-1 under the right name", key.public, text, key.sign(text, "sha1"), error("SIGNATURE_INVALID"))
    yield verify("sha512", "SHA-512 likewise", key.public, text, key.sign(text, "sha512"), error("SIGNATURE_INVALID"))
    yield verify("pss", "PSS is another scheme", key.public, text, key.sign_pss(text), error("SIGNATURE_INVALID"))
    yield verify("empty_signature", "nothing is no signature", key.public, text, b"", error("SIGNATURE_INVALID"))
    yield verify("truncated", "one byte short", key.public, text, signature[:-1], error("SIGNATURE_INVALID"))
    yield verify("prolonged", "one byte more", key.public, text, signature + b"\0", error("SIGNATURE_INVALID"))
    yield verify("zero", "the number 0", key.public, text, bytes(256), error("SIGNATURE_INVALID"))
    for bit in (0, 1023, 2047):
        flipped = bytearray(signature)
        flipped[bit // 8] ^= 1 << bit % 8
        yield verify(f"bit_{bit}_flipped", "one bit differs", key.public, text, bytes(flipped), error("SIGNATURE_INVALID"))

    aes, nonce = APIV3_KEY.encode(), b"fdasflkja484"

    def sealed(kind: str, name: str, what: str, sealing: bytes, iv: bytes, aad: bytes, data: bytes, expect: dict[str, Any]) -> Case:
        field = "plaintext_base64" if kind == "seal" else "ciphertext_base64"
        given = {"algorithm": "AES-256-GCM", "key_base64": b64(sealing), "nonce_base64": b64(iv), "aad_base64": b64(aad), field: b64(data)}
        return case(kind, name, what, given, expect)

    for name, message in messages.items():
        for aad in (b"", b"certificate"):
            box = openssl.seal_aes_256_gcm(aes, nonce, aad, message)
            label = f"aes_{name}_{'aad' if aad else 'no_aad'}"
            yield sealed("seal", label, "ciphertext and tag", aes, nonce, aad, message, {"ciphertext_base64": b64(box)})
            yield sealed("open", label, "and back", aes, nonce, aad, box, {"plaintext_base64": b64(message)})
    box = openssl.seal_aes_256_gcm(aes, nonce, b"certificate", text)
    for name, changed in {
        "tag": box[:-1] + bytes([box[-1] ^ 1]),
        "ciphertext": bytes([box[0] ^ 1]) + box[1:],
        "cut": box[:-1],
        "shorter_than_tag": box[:15],
        "nothing": b"",
    }.items():
        yield sealed("open", f"aes_{name}_changed", "every bit is authenticated", aes, nonce, b"certificate", changed, error("DECRYPTION_FAILED"))
    yield sealed("open", "aes_other_aad", "associated data too", aes, nonce, b"transaction", box, error("DECRYPTION_FAILED"))
    yield sealed("open", "aes_other_key", "another key", b"k" * 32, nonce, b"certificate", box, error("DECRYPTION_FAILED"))
    yield sealed("open", "aes_key_of_31", "a key is 32 bytes", aes[:31], nonce, b"certificate", box, error("INVALID_ARGUMENT"))
    for length in (0, 11, 13, 16):
        yield sealed("open", f"aes_nonce_of_{length}", "a nonce is 12 bytes", aes, b"n" * length, b"certificate", box, error("INVALID_ARGUMENT"))

    def open_oaep(name: str, what: str, private: str, data: bytes, expect: dict[str, Any]) -> Case:
        given = {"algorithm": "RSA-OAEP-SHA1", "key_base64": b64(private.encode()), "nonce_base64": "", "aad_base64": "", "ciphertext_base64": b64(data)}
        return case("open", f"oaep_{name}", what, given, expect)

    for name, message in {"name": "张三".encode(), "one_byte": b"x", "longest": b"m" * 214}.items():
        yield open_oaep(name, "RSAES-OAEP with SHA-1 and MGF1-SHA1", key.pkcs8, key.encrypt_oaep(message), {"plaintext_base64": b64(message)})
    yield open_oaep("sha256", "another hash", key.pkcs8, key.encrypt_oaep(b"x", "sha256"), error("DECRYPTION_FAILED"))
    yield open_oaep("other_key", "another key", stranger.pkcs8, key.encrypt_oaep(b"x"), error("DECRYPTION_FAILED"))
    yield open_oaep("short", "not a ciphertext", key.pkcs8, b"x" * 255, error("DECRYPTION_FAILED"))

    def digest(name: str, what: str, algorithm: str, secret: bytes, message: bytes, value: bytes) -> Case:
        given = {"algorithm": algorithm, "key_base64": b64(secret), "message_base64": b64(message)}
        return case("digest", name, what, given, {"digest_base64": b64(value)})

    for name, message in messages.items():
        yield digest(f"sha1_{name}", "bills", "SHA-1", b"", message, openssl.digest("sha1", message))
        yield digest(f"md5_{name}", "V2", "MD5", b"", message, openssl.digest("md5", message))
        yield digest(f"sha256_{name}", "uploads", "SHA-256", b"", message, openssl.digest("sha256", message))
        yield digest(f"hmac_sha256_{name}", "payscore", "HMAC-SHA256", aes, message, openssl.hmac_sha256(aes, message))
    yield digest("hmac_sha256_long_key", "a key longer than a block", "HMAC-SHA256", b"k" * 100, text, openssl.hmac_sha256(b"k" * 100, text))


def client_cases(merchant: Merchant) -> Iterator[Case]:
    key, stranger = merchant.key, merchant.stranger

    def accepted(name: str, what: str, **changes: Any) -> Case:
        return case("client", name, what, {"config": merchant.config(**changes)}, {})

    def refused(name: str, what: str, code: str, field: str | None, **changes: Any) -> Case:
        return case("client", name, what, {"config": merchant.config(**changes)}, error(code, "NOT_SENT", field))

    yield accepted("complete", "the configuration of all other cases")
    yield accepted("with_certificate", "the certificate fits key and serial", merchant_certificate=merchant.certificate)
    yield accepted("lower_case_serial", "hex digits have no case", merchant_serial=MERCHANT_SERIAL.lower(), merchant_certificate=merchant.certificate)
    yield accepted("loopback_http", "http is for loopback only", hosts=["http://127.0.0.1:18080"])
    yield accepted("pkcs1_public_key", "a public key as PKCS#1", platform_public_keys={PUBLIC_KEY_ID: merchant.platform.public_pkcs1})

    yield refused("unknown_key", "a misspelled key is named", "CONFIG_UNKNOWN_KEY", None, apiv3key="x")
    yield refused("provider_unknown", "no such provider", "CONFIG_INVALID", "provider", provider="wechatt")
    yield refused("mchid_missing", "required", "CONFIG_INVALID", "mchid", mchid=None)
    yield refused("mchid_not_digits", "an appid is no merchant id", "CONFIG_INVALID", "mchid", mchid=APPID)
    yield refused("apiv3_key_empty", "an empty secret opens to everybody", "CONFIG_EMPTY_SECRET", "apiv3_key", apiv3_key="")
    for length in (31, 33, 64):
        yield refused(f"apiv3_key_of_{length}", "32 bytes, as they are", "KEY_INVALID", "apiv3_key", apiv3_key="k" * length)
    yield refused("private_key_empty", "no key", "CONFIG_EMPTY_SECRET", "private_key", private_key="")
    yield refused("private_key_prose", "not a key", "KEY_INVALID", "private_key", private_key="not a key")
    yield refused("private_key_truncated", "half a key", "KEY_INVALID", "private_key", private_key=key.bare[:800])
    yield refused("private_key_public", "a public key where a private one belongs", "KEY_ROLE", "private_key", private_key=key.public)
    yield refused("private_key_certificate", "a certificate where a key belongs", "KEY_ROLE", "private_key", private_key=merchant.certificate)
    yield refused("private_key_short", "1024 bits", "KEY_UNSUPPORTED", "private_key", private_key=Key(merchant.folder, "weak", 1024).pkcs8)
    yield refused(
        "private_key_exponent_3", "a public exponent below 65537", "KEY_UNSUPPORTED", "private_key", private_key=Key(merchant.folder, "three", 2048, 3).pkcs8
    )
    yield refused("private_key_elliptic", "another algorithm", "KEY_UNSUPPORTED", "private_key", private_key=openssl.elliptic_key())
    yield refused("private_key_encrypted", "with a password", "KEY_UNSUPPORTED", "private_key", private_key=openssl.encrypted_pkcs8(key))
    yield refused("private_key_twice", "two keys: which one?", "KEY_INVALID", "private_key", private_key=key.pkcs8 + stranger.pkcs8)
    yield refused(
        "certificate_of_other_key",
        "certificate and key are not a pair",
        "KEY_MISMATCH",
        "private_key",
        private_key=stranger.pkcs8,
        merchant_certificate=merchant.certificate,
    )
    yield refused(
        "serial_of_other_certificate",
        "serial and certificate are not a pair",
        "KEY_MISMATCH",
        "merchant_serial",
        merchant_serial="5157F09EFDC096DE15EBE81A47057A7232F1B8E1",
        merchant_certificate=merchant.certificate,
    )
    yield refused("platform_key_private", "a private key where a public one belongs", "KEY_ROLE", None, platform_public_keys={PUBLIC_KEY_ID: stranger.pkcs8})
    yield refused("platform_key_own", "the merchant's own key as the platform's", "KEY_ROLE", None, platform_public_keys={PUBLIC_KEY_ID: key.public})
    yield refused("host_http", "http beyond loopback", "CONFIG_INVALID", None, hosts=["http://api.mch.weixin.qq.com"])
    yield refused("window_of_301", "more than the protocol's five minutes", "CONFIG_INVALID", "timestamp_window_s", timestamp_window_s=301)
    yield refused("no_trust", "nothing to verify with, and refresh switched off", "CONFIG_INVALID", None, platform_public_keys=None, platform_certificates=None)

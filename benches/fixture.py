"""Writes what the benchmarks share into a folder: keys of a merchant and of a platform, a payseal configuration, and a notification that was
signed just now. Usage: fixture.py FOLDER HOST"""

import base64
import json
import sys
import time
import urllib.parse
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MCHID = "1900007291"
SERIAL = "0C4AEF3425D5B0E1B7E9AA6F4A86D5C8B2D66E10"
PUBLIC_KEY_ID = "PUB_KEY_ID_0119000072912024111300111600002187"
APIV3_KEY = "Wj7pGq2ZsX9vB4nR8tYcL1mK5hD3fA6u"
APPID = "wxd678efh567hg6787"

# What a payment notification carries, as the provider documents it.
TRANSACTION = {
    "mchid": MCHID,
    "appid": APPID,
    "out_trade_no": "1217752501201407033233368018",
    "transaction_id": "4200001234202411135678901234",
    "trade_type": "JSAPI",
    "trade_state": "SUCCESS",
    "trade_state_desc": "支付成功",
    "bank_type": "OTHERS",
    "attach": "",
    "success_time": "2024-11-13T10:34:56+08:00",
    "payer": {"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"},
    "amount": {"total": 100, "payer_total": 100, "currency": "CNY", "payer_currency": "CNY"},
}

ALIPAY_APP = "2021000000000001"
# What a payment's notification carries, as Alipay documents it.
ALIPAY_TRADE = {
    "app_id": ALIPAY_APP,
    "auth_app_id": ALIPAY_APP,
    "charset": "utf-8",
    "version": "1.0",
    "notify_type": "trade_status_sync",
    "notify_id": "2024111300222103456099999999999999",
    "out_trade_no": "1217752501201407033233368018",
    "trade_no": "2024111322001499999999999999",
    "trade_status": "TRADE_SUCCESS",
    "total_amount": "88.88",
    "receipt_amount": "88.88",
    "invoice_amount": "88.88",
    "buyer_pay_amount": "88.88",
    "point_amount": "0.00",
    "subject": "Image形象店-深圳腾大-QQ公仔",
    "buyer_id": "2088000000000001",
    "buyer_logon_id": "abc***@example.com",
    "seller_id": "2088000000000002",
    "fund_bill_list": '[{"amount":"88.88","fundChannel":"ALIPAYACCOUNT"}]',
}


def private(folder: Path, name: str) -> rsa.RSAPrivateKey:
    """The key of that name, made once."""
    path = folder / f"{name}.pem"
    if not path.exists():
        key = rsa.generate_private_key(65537, 2048)
        path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        path.chmod(0o600)
    key = serialization.load_pem_private_key(path.read_bytes(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


def public_pem(key: rsa.RSAPrivateKey) -> str:
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def notification(platform: rsa.RSAPrivateKey) -> dict[str, object]:
    plaintext = json.dumps(TRANSACTION, ensure_ascii=False, separators=(",", ":")).encode()
    ciphertext = AESGCM(APIV3_KEY.encode()).encrypt(b"uluk4a9R25RW", plaintext, b"transaction")
    resource = {
        "original_type": "transaction",
        "algorithm": "AEAD_AES_256_GCM",
        "ciphertext": base64.b64encode(ciphertext).decode(),
        "associated_data": "transaction",
        "nonce": "uluk4a9R25RW",
    }
    envelope = {
        "id": "EV-2018022511223320873",
        "create_time": "2024-11-13T10:34:56+08:00",
        "resource_type": "encrypt-resource",
        "event_type": "TRANSACTION.SUCCESS",
        "summary": "支付成功",
        "resource": resource,
    }
    body = json.dumps(envelope, ensure_ascii=False, separators=(",", ":"))
    timestamp, nonce = str(int(time.time())), "593BEC0C930BF1AFEB40B4A08C8FB242"
    signature = platform.sign(f"{timestamp}\n{nonce}\n{body}\n".encode(), padding.PKCS1v15(), hashes.SHA256())
    headers = {
        "Content-Type": "application/json",
        "Wechatpay-Timestamp": timestamp,
        "Wechatpay-Nonce": nonce,
        "Wechatpay-Serial": PUBLIC_KEY_ID,
        "Wechatpay-Signature": base64.b64encode(signature).decode(),
        "Wechatpay-Signature-Type": "WECHATPAY2-SHA256-RSA2048",
    }
    return {"headers": headers, "body": body}


def alipay_notification(alipay: rsa.RSAPrivateKey) -> str:
    """A form as Alipay sends it for a payment, of a moment ago."""
    now = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(time.time() + 8 * 3600))
    fields = ALIPAY_TRADE | {"notify_time": now, "gmt_create": now, "gmt_payment": now}
    signed = "&".join(f"{name}={value}" for name, value in sorted(fields.items()))
    signature = alipay.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    return urllib.parse.urlencode(fields | {"sign_type": "RSA2", "sign": base64.b64encode(signature).decode()})


def write(folder: Path, host: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    private(folder, "merchant")
    platform = private(folder, "platform")
    (folder / "platform-public.pem").write_text(public_pem(platform))
    config = {
        "provider": "wechat",
        "mchid": MCHID,
        "merchant_serial": SERIAL,
        "private_key": (folder / "merchant.pem").read_text(),
        "apiv3_key": APIV3_KEY,
        "platform_public_keys": {PUBLIC_KEY_ID: public_pem(platform)},
        "hosts": [host],
        "retry": {"max_attempts": 1},
    }
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "config.json").chmod(0o600)
    (folder / "notification.json").write_text(json.dumps(notification(platform)))
    bare = {name: "".join(pem.splitlines()[1:-1]) for name, pem in (("private", (folder / "merchant.pem").read_text()), ("public", public_pem(platform)))}
    alipay = {"provider": "alipay", "app_id": ALIPAY_APP, "private_key": bare["private"], "alipay_public_key": bare["public"]}
    (folder / "alipay.json").write_text(json.dumps(alipay))
    (folder / "alipay.json").chmod(0o600)
    (folder / "alipay-notification.txt").write_text(alipay_notification(platform))


if __name__ == "__main__":
    write(Path(sys.argv[1]), sys.argv[2])

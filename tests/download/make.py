"""Makes files.json: bills and receipts packed the way WeChat Pay packs them, by Python's gzip, hashlib and cryptography.

Run it with an interpreter that has `cryptography`; what it makes is committed. Keys and rows are made up.
"""

import base64
import gzip
import hashlib
import json
import pathlib

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

HEADER = "\ufeff交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,手续费,费率\r\n"
ROW = (
    "`2023-11-13 09:{:02}:{:02},`wxd678efh567hg6787,`1900007291,`0,`,`42000012342023111{:08},`order{:06},"
    "`oUpF8uMuAJO,`JSAPI,`SUCCESS,`OTHERS,`CNY,`{}.{:02},`0.00000,`0.60%\r\n"
)
TAIL = "总交易单数,应结订单总金额,退款总金额,手续费总金额\r\n`{},`{}.{:02},`0.00,`0.00000\r\n"


def bill(rows: int) -> bytes:
    total = sum(range(1, rows + 1))
    lines = [ROW.format(n // 60 % 60, n % 60, n, n, n // 100, n % 100) for n in range(1, rows + 1)]
    return (HEADER + "".join(lines) + TAIL.format(rows, total // 100, total % 100)).encode()


def packed(name: str, plain: bytes, received: bytes, **more: str) -> dict[str, str]:
    return {
        "name": name,
        "received": base64.b64encode(received).decode(),
        "plain": base64.b64encode(plain).decode(),
        "sha1": hashlib.sha1(plain).hexdigest(),
        "sha256": hashlib.sha256(plain).hexdigest(),
        **more,
    }


def sealed(name: str, plain: bytes, key: bytes, nonce: str) -> dict[str, str]:
    received = AESGCM(key).encrypt(nonce.encode(), gzip.compress(plain, mtime=0), None)
    return packed(name, plain, received, key=key.hex(), nonce=nonce)


def sealed_with_sm4(name: str, plain: bytes, key: bytes, nonce: str) -> dict[str, str]:
    encryptor = Cipher(algorithms.SM4(key), modes.GCM(nonce.encode())).encryptor()
    received = encryptor.update(gzip.compress(plain, mtime=0)) + encryptor.finalize() + encryptor.tag
    digest = hashes.Hash(hashes.SM3())
    digest.update(plain)
    return packed(name, plain, received, key=key.hex(), nonce=nonce, sm3=digest.finalize().hex())


one, two = bill(16), bill(5)
key = hashlib.sha256(b"a key for tests").digest()
files = [
    packed("plain", one, one),
    packed("gzip", one, gzip.compress(one, mtime=0)),
    packed("gzip_of_two_members", one + two, gzip.compress(one, mtime=0) + gzip.compress(two, 1, mtime=0)),
    packed("gzip_of_nothing", b"", gzip.compress(b"", mtime=0)),
    sealed("sealed", one, key, "KE7hqAxeNpBvNdRE"),
    sealed("sealed_part_two", two, hashlib.sha256(b"another key").digest(), "0123456789abcdef"),
    sealed("sealed_with_twelve", two, key, "fdasflkja484"),
    sealed_with_sm4("sealed_with_sm4", two, key[:16], "KE7hqAxeNpBvNdRE"),
    packed("receipt", b"%PDF-1.4 a receipt", b"%PDF-1.4 a receipt"),
]
text = ",\n".join(json.dumps(file) for file in files)
pathlib.Path(__file__).with_name("files.json").write_text(f"[\n{text}\n]\n")

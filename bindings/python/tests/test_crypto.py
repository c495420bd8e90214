"""The bare algorithms against `cryptography` on random keys and messages, both ways."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import secrets

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

import payseal
from payseal import Code, crypto
from provider import private_pem, public_pem

PKCS1, SHA256 = padding.PKCS1v15(), hashes.SHA256()
OAEP = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)
LENGTHS = [0, 1, 15, 16, 17, 1000, 100_000]


@pytest.fixture(scope="module", params=[2048, 3072])
def key(request: pytest.FixtureRequest) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, request.param)


def test_signatures_are_the_same_bytes_and_verify_both_ways(key: rsa.RSAPrivateKey) -> None:
    for message in map(secrets.token_bytes, LENGTHS):
        signature = crypto.sign("RSA-SHA256", private_pem(key), message)
        assert signature == key.sign(message, PKCS1, SHA256)
        crypto.verify("RSA-SHA256", public_pem(key), message, signature)


def test_a_changed_message_or_signature_is_refused_by_both(key: rsa.RSAPrivateKey) -> None:
    message = secrets.token_bytes(100)
    signature = key.sign(message, PKCS1, SHA256)
    mutations = []
    for place, bit in itertools.product((0, 100, 255), (0, 7)):
        changed = bytearray(signature)
        changed[place] ^= 1 << bit
        mutations.append(bytes(changed))
    for mutation in (*mutations, b"", signature[:-1], signature + b"\0", bytes(len(signature))):
        with pytest.raises(InvalidSignature):
            key.public_key().verify(mutation, message, PKCS1, SHA256)
        with pytest.raises(payseal.TrustError) as refused:
            crypto.verify("RSA-SHA256", public_pem(key), message, mutation)
        assert refused.value.code == Code.SIGNATURE_INVALID
    with pytest.raises(payseal.TrustError):
        crypto.verify("RSA-SHA256", public_pem(key), message + b"\n", signature)


def test_oaep_both_ways(key: rsa.RSAPrivateKey) -> None:
    for plaintext in (b"", "张三".encode(), secrets.token_bytes(214)):
        assert key.decrypt(crypto.seal("RSA-OAEP-SHA1", public_pem(key), plaintext), OAEP) == plaintext
        assert crypto.open("RSA-OAEP-SHA1", private_pem(key), key.public_key().encrypt(plaintext, OAEP)) == plaintext
    with pytest.raises(payseal.TrustError) as refused:
        crypto.open("RSA-OAEP-SHA1", private_pem(key), bytes(key.key_size // 8))
    assert refused.value.code == Code.DECRYPTION_FAILED


def test_aes_gcm_both_ways() -> None:
    for length in LENGTHS:
        secret, nonce, aad, plaintext = (secrets.token_bytes(n) for n in (32, 12, length % 16, length))
        sealed = crypto.seal("AES-256-GCM", secret, plaintext, nonce=nonce, aad=aad)
        assert sealed == AESGCM(secret).encrypt(nonce, plaintext, aad)
        assert crypto.open("AES-256-GCM", secret, sealed, nonce=nonce, aad=aad or None) == plaintext
        for broken in (sealed[:-1], sealed[:15], b"", bytes([sealed[0] ^ 1]) + sealed[1:]):
            with pytest.raises(payseal.TrustError) as refused:
                crypto.open("AES-256-GCM", secret, broken, nonce=nonce, aad=aad)
            assert refused.value.code == Code.DECRYPTION_FAILED


def test_digests_are_those_of_hashlib() -> None:
    for message in map(secrets.token_bytes, LENGTHS):
        assert crypto.digest("SHA-1", message) == hashlib.sha1(message).digest()
        assert crypto.digest("SHA-256", message) == hashlib.sha256(message).digest()
        assert crypto.digest("HMAC-SHA256", message, key="密钥") == hmac.digest("密钥".encode(), message, "sha256")


def test_a_wrong_key_or_algorithm_is_named() -> None:
    with pytest.raises(payseal.ConfigurationError):
        crypto.sign("RSA-SHA256", "no key", b"")
    with pytest.raises(payseal.PaysealError):
        crypto.seal("AES-256-GCM", b"short", b"", nonce=bytes(12))
    with pytest.raises(payseal.ArgumentError):
        crypto.digest("MD4", b"")
    with pytest.raises(TypeError):
        crypto.digest("SHA-256", 7)  # type: ignore[arg-type]

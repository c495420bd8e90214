"""The library's cryptography over plain bytes, for what a provider's operation does not cover.

Keys are PEM, bare base64 or DER; for AES, SM4 and HMAC they are the raw bytes. Every function may be called from any thread.
"""

from __future__ import annotations

from ctypes import byref, c_void_p
from typing import Optional, Union

from payseal._library import Buffer, library
from payseal._native import check, copy, inputs

Key = Union[str, bytes]


def sign(algorithm: str, key: Key, message: bytes) -> bytes:
    """The signature of a message.

    Args:
        algorithm: ``"RSA-SHA256"``, which is RSASSA-PKCS1-v1_5 with SHA-256, or ``"SM2-SM3"``, for the user id 1234567812345678.
        key: A private key.
        message: The bytes to sign.

    Raises:
        ConfigurationError: The key cannot be used.
        ArgumentError: The algorithm is not known.
    """
    return _output("crypto_sign", algorithm, key, message)


def verify(algorithm: str, key: Key, message: bytes, signature: bytes) -> None:
    """Check a signature.

    Args:
        algorithm: ``"RSA-SHA256"`` or ``"SM2-SM3"``, whose signatures are in DER.
        key: A public key.
        message: The signed bytes.
        signature: The raw signature, not base64.

    Raises:
        TrustError: The signature is not the key's over this message (``SIGNATURE_INVALID``).
        ConfigurationError: The key cannot be used.
        ArgumentError: The algorithm is not known.
    """
    error = c_void_p()
    check(library().crypto_verify(*inputs(algorithm, key, message, signature), byref(error)), error)


def seal(algorithm: str, key: Key, plaintext: bytes, *, nonce: Optional[bytes] = None, aad: Optional[bytes] = None) -> bytes:
    """Encrypt.

    Args:
        algorithm: ``"RSA-OAEP-SHA1"``, ``"AES-256-GCM"``, ``"SM2"`` or ``"SM4-GCM"``.
        key: A public key; for AES 32 bytes, for SM4 16.
        plaintext: The bytes to encrypt.
        nonce: For AES and SM4, 12 bytes that were never used with this key.
        aad: For AES and SM4, additional data that is authenticated only.

    Returns:
        The ciphertext; for AES and SM4 with its 16-byte tag at the end, for SM2 as C1, C3, C2 in DER.

    Raises:
        ConfigurationError: The key cannot be used.
        ArgumentError: Another argument is wrong.
    """
    return _output("crypto_seal", algorithm, key, nonce, aad, plaintext)


def open(algorithm: str, key: Key, ciphertext: bytes, *, nonce: Optional[bytes] = None, aad: Optional[bytes] = None) -> bytes:
    """Decrypt.

    Args:
        algorithm: ``"RSA-OAEP-SHA1"``, ``"AES-256-GCM"``, ``"SM2"`` or ``"SM4-GCM"``.
        key: A private key; for AES 32 bytes, for SM4 16.
        ciphertext: What :func:`seal` returned.
        nonce: For AES and SM4, the 12 bytes it was sealed with.
        aad: For AES and SM4, the additional data it was sealed with.

    Raises:
        TrustError: It cannot be decrypted (``DECRYPTION_FAILED``); the error does not say why.
        ConfigurationError: The key cannot be used.
        ArgumentError: Another argument is wrong.
    """
    return _output("crypto_open", algorithm, key, nonce, aad, ciphertext)


def digest(algorithm: str, message: bytes, *, key: Optional[Key] = None) -> bytes:
    """A digest or a message authentication code.

    Args:
        algorithm: ``"SHA-1"``, ``"SHA-256"``, ``"MD5"``, ``"SM3"`` or ``"HMAC-SHA256"``.
        message: The bytes.
        key: Only for HMAC.

    Raises:
        ArgumentError: The algorithm is not known, or a key is missing or too much.
    """
    return _output("crypto_digest", algorithm, key, message)


def _output(function: str, *values: Union[str, bytes, None]) -> bytes:
    output, error = Buffer(), c_void_p()
    check(getattr(library(), function)(*inputs(*values), byref(output), byref(error)), error)
    return copy(output)

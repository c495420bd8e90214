"""The keys of a client's configuration, for editors and type checkers. The library checks the values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypedDict


class CertificateRefresh(TypedDict, total=False):
    """When platform certificates are fetched anew; seconds."""

    enabled: bool
    interval_s: int
    min_interval_s: int


class ReplayGuard(TypedDict, total=False):
    """How many notifications are remembered to mark a repeated one."""

    entries: int


class Timeouts(TypedDict, total=False):
    """Milliseconds."""

    resolve_ms: int
    connect_ms: int
    read_ms: int
    total_ms: int


class Retry(TypedDict, total=False):
    """How often, and how many milliseconds the pauses begin with and end at."""

    max_attempts: int
    base_ms: int
    cap_ms: int


class CircuitBreaker(TypedDict, total=False):
    """After how many failures a host is left alone, and for how many milliseconds."""

    failures: int
    open_ms: int


class Configuration(TypedDict, total=False):
    """One merchant at one provider. ``provider``, ``mchid`` and ``apiv3_key`` are required."""

    provider: str
    """``"wechat"``; for ``"wechat-v2"`` see :class:`ConfigurationV2`."""
    mchid: str
    """The merchant id, digits."""
    scheme: str
    """``"WECHATPAY2-SHA256-RSA2048"``, which is the default, or ``"WECHATPAY2-SM2-WITH-SM3"`` for SM2, SM3 and SM4."""
    merchant_serial: str
    """The serial number of the merchant API certificate, hex; not needed beside ``merchant_certificate``."""
    merchant_certificate: str
    """The merchant API certificate, PEM."""
    private_key: str
    """The merchant's private key, PEM or bare base64. Not with a ``signer``."""
    apiv3_key: str
    """The APIv3 key, 32 bytes."""
    previous_apiv3_key: str
    """The old APIv3 key while it is being replaced."""
    platform_public_keys: Mapping[str, str]
    """The provider's public keys, PEM by id (``PUB_KEY_ID_…``)."""
    platform_certificates: Sequence[str]
    """The provider's certificates, PEM, one each."""
    platform_issuers: Sequence[str]
    """Certificates, PEM, of the authorities that may issue the provider's certificates; left out, any issuer will do."""
    platform_serial: str
    """Which of those keys encrypts and is asked to sign."""
    certificate_refresh: CertificateRefresh
    hosts: Sequence[str]
    """The provider's addresses, the preferred one first."""
    appid: str
    """Filled into bodies that need one and have none."""
    notify_url: str
    """Filled into bodies that need one and have none."""
    timestamp_window_s: int
    """How old or early a message may be, seconds, 0 to 300."""
    replay_guard: ReplayGuard
    timeouts: Timeouts
    retry: Retry
    circuit_breaker: CircuitBreaker
    max_response_bytes: int
    proxy: str
    """``http://[user:password@]host:port``; the environment is never read."""
    root_certificates: str
    """PEM bundle that replaces the built-in web roots."""


class ConfigurationAlipay(TypedDict, total=False):
    """One app at Alipay. ``provider``, ``app_id`` and ``private_key`` are required, and ``alipay_public_key`` or the three certificates."""

    provider: str
    """``"alipay"``."""
    app_id: str
    """The app id, digits."""
    private_key: str
    """The app's private key, PEM or the bare base64 of Alipay's key tool. Not with a ``signer``."""
    alipay_public_key: str
    """Alipay's public key, not the app's own, PEM or bare base64."""
    app_certificate: str
    """The app's certificate, PEM: ``appCertPublicKey_….crt``."""
    alipay_certificate: str
    """Alipay's certificate with its chain, PEM: the whole ``alipayCertPublicKey_RSA2.crt``."""
    alipay_root_certificate: str
    """The bundle of roots, PEM: ``alipayRootCert.crt``."""
    sign_type: str
    """``"RSA2"``, which is the default, or ``"RSA"`` of old apps."""
    encrypt_key: str
    """The AES key of the app, base64: business parameters and answers are then encrypted."""
    charset: str
    """``"utf-8"``, which is the default, or ``"GBK"``."""
    seller_id: str
    """The seller that notifications must name."""
    notify_url: str
    """Sent where an operation takes one and the caller gives none."""
    return_url: str
    """Sent with pages where the caller gives none."""
    app_auth_token: str
    """Acts for a merchant who has authorized the app."""
    timestamp_window_s: int
    """How far an answer of REST v3 may be from our clock, seconds, 0 to 300."""
    notification_age_s: int
    """How long ago a notification may have been sent, seconds; 26 hours by default."""
    hosts: Sequence[str]
    replay_guard: ReplayGuard
    timeouts: Timeouts
    retry: Retry
    circuit_breaker: CircuitBreaker
    max_response_bytes: int
    proxy: str
    """``http://[user:password@]host:port``; the environment is never read."""
    root_certificates: str
    """PEM bundle that replaces the built-in web roots."""


class ConfigurationV2(TypedDict, total=False):
    """One merchant at WeChat Pay APIv2. ``provider``, ``mchid`` and ``apiv2_key`` are required.

    Parameters and results are JSON here too: a result's values are all texts. A merchant who also uses APIv3 makes a second client.
    """

    provider: str
    """``"wechat-v2"``."""
    mchid: str
    """The merchant id, digits."""
    apiv2_key: str
    """The APIv2 key, 32 bytes."""
    previous_apiv2_key: str
    """The old APIv2 key while it is being replaced."""
    sign_type: str
    """``"HMAC-SHA256"``, which is the default, or ``"MD5"``."""
    notification_sign_types: Sequence[str]
    """What notifications may be signed with; left out, ``sign_type`` alone."""
    client_certificate: str
    """The merchant API certificate, PEM, presented to hosts that ask for it, as for refunds. A ``transport`` presents its own."""
    client_key: str
    """The key of ``client_certificate``, PEM."""
    appid: str
    """Filled in where an operation needs one, under whatever name it has for it."""
    notify_url: str
    """Filled into bodies that need one and have none."""
    risk_public_key: str
    """``pub_key`` of ``POST /risk/getpublickey``, PEM: encrypts bank card numbers and names."""
    platform_certificate: str
    """PEM; encrypts the fields of operations that name its serial number."""
    sandbox: bool
    """The provider's own sandbox, whose key is fetched with ``apiv2_key``."""
    special_hosts: Mapping[str, str]
    """Replaces the hosts of single operations, by name: ``"fraud.mch.weixin.qq.com"``."""
    hosts: Sequence[str]
    replay_guard: ReplayGuard
    timeouts: Timeouts
    retry: Retry
    circuit_breaker: CircuitBreaker
    max_response_bytes: int
    proxy: str
    """``http://[user:password@]host:port``; the environment is never read."""
    root_certificates: str
    """PEM bundle that replaces the built-in web roots."""

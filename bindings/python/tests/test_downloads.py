"""Files: whole and right, or an exception; over both transports, for threads and for asyncio. Packed by Python's own libraries."""

from __future__ import annotations

import asyncio
import base64
import csv
import gzip
import hashlib
import http.server
import io
import json
import os
import secrets
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Callable, Optional

import httpx
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

import payseal
from payseal import AsyncClient, Client, Code, PaysealError
from payseal.contrib.httpx import AsyncHttpxTransport, HttpxTransport
from payseal.wechat import files
from provider import NATIVE, Provider, now_ms
from sandbox import Sandbox

BILL = files.trade_bill("2026-01-02")


def a_bill(rows: int) -> bytes:
    lines = [f"`2026-01-02 09:00:00,`420000{n:010},`{n // 100}.{n % 100:02}\r\n" for n in range(rows)]
    return ("\ufeff交易时间,微信订单号,应结订单金额\r\n" + "".join(lines)).encode()


class BillServer:
    """A provider on loopback: `answer` says where the file is, `file` hands it out."""

    def __init__(self, provider: Provider) -> None:
        self.answer: Callable[[str], object] = lambda origin: {}
        self.file: Callable[[http.server.BaseHTTPRequestHandler], None] = lambda handler: None
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                assert self.headers["Authorization"].startswith("WECHATPAY2-")
                if self.path.startswith("/v3/billdownload/file"):
                    outer.file(self)
                    return
                body = json.dumps(outer.answer(outer.origin)).encode()
                self.send_response(200)
                for name, value in provider.signed_headers(body):
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def hands_out(self, plain: bytes, packed: bytes) -> None:
        self.answer = lambda origin: named(origin, plain)
        self.file = lambda handler: write(handler, packed)


def named(origin: str, plain: bytes, token: str = "t") -> dict[str, Any]:
    url = f"{origin}/v3/billdownload/file?token={token}"
    return {"download_url": url, "hash_type": "SHA1", "hash_value": hashlib.sha1(plain).hexdigest()}


def write(handler: http.server.BaseHTTPRequestHandler, data: bytes, length: Optional[int] = None) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(data) if length is None else length))
    handler.send_header("Connection", "close")
    handler.end_headers()
    handler.wfile.write(data)


@pytest.fixture
def server(provider: Provider) -> Iterator[BillServer]:
    server = BillServer(provider)
    yield server
    server.server.shutdown()
    server.server.server_close()


@pytest.fixture(params=["built-in", "httpx"])
def client(request: pytest.FixtureRequest, provider: Provider, server: BillServer) -> Iterator[Client]:
    with httpx.Client() as own:
        transport = HttpxTransport(own) if request.param == "httpx" else None
        with Client(provider.config(hosts=[server.origin]), now_ms=now_ms, transport=transport) as client:
            yield client


def test_a_bill_is_read_to_its_verified_end(client: Client, server: BillServer) -> None:
    plain = a_bill(20_000)
    server.hands_out(plain, gzip.compress(plain))
    with client.download(**BILL) as download:
        assert download.read() == plain
        assert download.read() == b""
        info = download.info
    assert (info.complete, info.verified, info.bytes) == (True, True, len(plain))


def test_it_is_a_file_for_whoever_reads_files(client: Client, server: BillServer) -> None:
    plain = a_bill(300)
    server.hands_out(plain, gzip.compress(plain))
    with client.download(**BILL) as download:
        assert b"".join(download) == plain
    with client.download(**BILL) as download, io.TextIOWrapper(download, encoding="utf-8-sig", newline="") as text:
        rows = list(csv.reader(text))
    assert len(rows) == 301
    assert rows[0][0] == "交易时间"


def test_a_bill_is_saved_whole_or_not_at_all(client: Client, server: BillServer, tmp_path: Path) -> None:
    path, plain = tmp_path / "bill.csv", a_bill(100)
    path.write_bytes(b"yesterday's")
    server.hands_out(plain, gzip.compress(a_bill(101)))
    with client.download(**BILL) as download, pytest.raises(payseal.TrustError) as raised:
        download.save(path)
    assert raised.value.code == Code.HASH_MISMATCH
    assert path.read_bytes() == b"yesterday's"
    server.hands_out(plain, gzip.compress(plain))
    with client.download(**BILL) as download:
        assert download.save(path).verified
    assert path.read_bytes() == plain
    assert os.listdir(tmp_path) == ["bill.csv"]


def test_a_wrong_file_never_comes_to_a_good_end(client: Client, server: BillServer) -> None:
    plain = a_bill(1000)
    packed = gzip.compress(plain)
    server.answer = lambda origin: named(origin, plain)
    wrong: dict[Code, Callable[[Any], None]] = {
        Code.HASH_MISMATCH: lambda handler: write(handler, gzip.compress(a_bill(999))),
        Code.BODY_INVALID: lambda handler: write(handler, packed + b"more"),
        Code.CONNECTION_LOST: lambda handler: write(handler, packed[:-20], len(packed)),
    }
    for code, file in wrong.items():
        server.file = file
        with client.download(**BILL) as download:
            with pytest.raises(PaysealError) as raised:
                download.read()
            assert raised.value.code == code
            with pytest.raises(PaysealError):
                download.read()


def sealed(provider: Provider, origin: str, number: int, plain: bytes) -> tuple[dict[str, Any], bytes]:
    key, nonce = os.urandom(32), "nonce-of-sixteen"
    oaep = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)
    wrapped = base64.b64encode(provider.merchant_key.public_key().encrypt(key, oaep)).decode()
    part = {"bill_sequence": number, "encrypt_key": wrapped, "nonce": nonce, **named(origin, plain, str(number))}
    return part, AESGCM(key).encrypt(nonce.encode(), gzip.compress(plain), None)


def test_an_encrypted_bill_in_parts_is_one_file(client: Client, server: BillServer, provider: Provider) -> None:
    plain = [a_bill(50), a_bill(60)]
    parts = [sealed(provider, server.origin, number, text) for number, text in enumerate(plain, 1)]
    server.answer = lambda origin: {"download_bill_count": 2, "download_bill_list": [part for part, _ in reversed(parts)]}
    server.file = lambda handler: write(handler, parts[int(handler.path[-1]) - 1][1])
    with client.download(**files.sub_merchant_fund_flow_bill("1900000110", "2026-01-02")) as download:
        assert download.read() == b"".join(plain)


def test_a_cancellation_ends_a_download_in_the_middle(client: Client, server: BillServer) -> None:
    plain, half, over = a_bill(1000), threading.Event(), threading.Event()
    cancellation = payseal.Cancellation()

    def stall(handler: http.server.BaseHTTPRequestHandler) -> None:
        # Two pieces, so that an own client gets to look at the cancellation between them.
        write(handler, gzip.compress(plain)[:500], 100_000)
        half.set()
        assert cancellation.wait(30)
        handler.wfile.write(b"x")
        over.wait(30)

    server.answer, server.file = lambda origin: named(origin, plain), stall
    with client.download(**BILL, cancellation=cancellation) as download:

        def trigger() -> None:
            half.wait(30)
            cancellation.trigger()

        thread = threading.Thread(target=trigger)
        thread.start()
        with pytest.raises(payseal.TransportError) as raised:
            download.read()
        assert raised.value.code == Code.CANCELLED
        over.set()
        thread.join()


def test_a_file_is_not_fetched_from_elsewhere(client: Client) -> None:
    elsewhere: payseal.FileAddress = {"download_url": "https://evil.example/x", "hash_type": "SHA1", "hash_value": "00" * 20}
    with pytest.raises(payseal.TrustError) as raised:
        client.download(file=elsewhere)
    assert raised.value.details["field"] == "download_url"
    with pytest.raises(payseal.ArgumentError):
        client.download()
    download = client.download(**BILL)
    download.close()
    download.close()
    with pytest.raises(ValueError, match="closed"):
        download.read()
    with pytest.raises(payseal.ClosedError):
        download.save("/nowhere/bill.csv")


@pytest.mark.parametrize("own", [False, True])
def test_asyncio_reads_saves_and_refuses(own: bool, provider: Provider, server: BillServer, tmp_path: Path) -> None:
    async def main() -> None:
        plain, path = a_bill(20_000), tmp_path / "bill.csv"
        server.hands_out(plain, gzip.compress(plain))
        async with httpx.AsyncClient() as http_client:
            transport = AsyncHttpxTransport(http_client) if own else None
            async with AsyncClient(provider.config(hosts=[server.origin]), now_ms=now_ms, transport=transport) as client:
                async with client.download(**BILL) as download:
                    assert b"".join([piece async for piece in download]) == plain
                    assert download.info.verified
                async with client.download(**BILL) as download:
                    assert (await download.save(path)).bytes == len(plain)
                assert path.read_bytes() == plain
                server.hands_out(plain, gzip.compress(a_bill(1)))
                async with client.download(**BILL) as download:
                    with pytest.raises(payseal.TrustError):
                        await download.save(path)
                assert path.read_bytes() == plain

    asyncio.run(main())


@pytest.mark.parametrize("own", [False, True])
def test_cancelling_a_task_ends_its_download(own: bool, provider: Provider, server: BillServer) -> None:
    async def main() -> None:
        plain, half, over = a_bill(1000), threading.Event(), threading.Event()

        def stall(handler: http.server.BaseHTTPRequestHandler) -> None:
            write(handler, gzip.compress(plain)[:500], 100_000)
            half.set()
            over.wait(30)

        server.answer, server.file = lambda origin: named(origin, plain), stall
        async with httpx.AsyncClient() as http_client:
            transport = AsyncHttpxTransport(http_client) if own else None
            async with AsyncClient(provider.config(hosts=[server.origin]), now_ms=now_ms, transport=transport) as client:

                async def read() -> None:
                    async with client.download(**BILL) as download:
                        async for _ in download:
                            pass

                task = asyncio.create_task(read())
                await asyncio.to_thread(half.wait, 30)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                over.set()

    asyncio.run(main())


def test_an_upload_signs_the_name_and_hash_of_the_file(provider: Provider, tmp_path: Path) -> None:
    image, sent = b"\x89PNG an image", []

    def transport(request: payseal.HttpRequest) -> payseal.HttpResponse:
        sent.append(request.body)
        return provider.answer({"media_id": "media-1"})

    (tmp_path / "shop.png").write_bytes(image)
    with Client(provider.config(), now_ms=now_ms, transport=transport) as client:
        assert client.upload(files.UPLOAD_IMAGE, tmp_path / "shop.png").json() == {"media_id": "media-1"}
        client.upload(files.UPLOAD_IMAGE, image, filename="shop.png")
        with pytest.raises(payseal.ArgumentError):
            client.upload(files.UPLOAD_IMAGE, image)
        with pytest.raises(FileNotFoundError):
            client.upload(files.UPLOAD_IMAGE, tmp_path / "none.png")
    for body in sent:
        assert hashlib.sha256(image).hexdigest().encode() in body
        assert b'name="file"; filename="shop.png"' in body
        assert image in body
    assert len(sent) == 2


@pytest.mark.parametrize("own", [False, True])
def test_the_sandbox_has_a_bill_of_what_was_paid(own: bool, sandbox: Sandbox, tmp_path: Path) -> None:
    number = f"py{secrets.token_hex(12)}"
    body = {"description": "茶", "out_trade_no": number, "notify_url": "http://127.0.0.1:9/n", "amount": {"total": 1234}}
    today = datetime.now(timezone(timedelta(hours=8))).strftime("%Y-%m-%d")
    with httpx.Client(trust_env=False) as http_client:
        transport = HttpxTransport(http_client) if own else None
        with Client(sandbox.config(), transport=transport) as client:
            client.execute(NATIVE, body=body)
            sandbox.pay(number)
            with client.download(**files.trade_bill(today)) as bill:
                rows = list(csv.reader(io.TextIOWrapper(bill, encoding="utf-8-sig", newline="")))
            assert any(f"`{number}" in row and "`12.34" in row for row in rows)
            with client.download(**files.fund_flow_bill(today)) as bill:
                assert bill.save(tmp_path / "flow.csv").verified
            with pytest.raises(payseal.ProviderError), client.download(**files.trade_bill("2001-01-01")) as bill:
                bill.read()

"""Fixtures: a provider of `cryptography`, clients of its merchant, and the sandbox program."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import pytest

import payseal
from provider import Provider, now_ms
from sandbox import Sandbox

ROOT = Path(__file__).resolve().parents[3]

if "PAYSEAL_LIBRARY" in os.environ:  # of these tests only: the package reads no environment
    payseal.load(os.environ["PAYSEAL_LIBRARY"])


@pytest.fixture(scope="session")
def provider() -> Provider:
    return Provider()


@pytest.fixture
def make_client(provider: Provider) -> Iterator[Callable[..., payseal.Client]]:
    """Makes clients with the provider's configuration, changed by `config`, whose clock stands still."""
    clients = []

    def make(config: Any = None, **arguments: Any) -> payseal.Client:
        client = payseal.Client(provider.config(**(config or {})), **{"now_ms": now_ms, **arguments})
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def client(make_client: Callable[..., payseal.Client]) -> payseal.Client:
    return make_client()


SANDBOX = Path(os.environ.get("PAYSEAL_SANDBOX", ROOT / "target" / "release" / "payseal-sandbox"))


@pytest.fixture(scope="session")
def sandbox_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with Sandbox(SANDBOX, tmp_path_factory.mktemp("sandbox")) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def sm2_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox whose merchant speaks 国密."""
    with Sandbox(SANDBOX, tmp_path_factory.mktemp("sm2"), "--scheme", "sm2") as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(sandbox_process: Sandbox) -> Sandbox:
    """The running sandbox, without the faults of the test before."""
    sandbox_process.clear_faults()
    return sandbox_process

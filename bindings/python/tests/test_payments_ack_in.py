"""An event takes effect in a transaction of the shop's own, with the drivers that services use, on the servers that there are."""

from __future__ import annotations

import asyncio
import os
import secrets
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable
from urllib.parse import urlsplit

import psycopg
import pymysql
import pytest

import payseal
from payseal import Code
from payseal.payments import ACKED, AsyncPayments, Event, Payments, Runner, State
from provider import NOW, Provider
from till import Till, a_till


@dataclass
class Database:
    """One of the test's own; none is SQLite, for a second one in this process must not open the file."""

    store: str
    connect: Callable[[], Any]


def postgres(store: str) -> Database:
    return Database(store, lambda: psycopg.connect(store))


def mysql(store: str) -> Database:
    url = urlsplit(store)

    def connect() -> Any:
        return pymysql.connect(host=url.hostname, port=url.port or 0, user=url.username, password=url.password or "", database=url.path[1:])

    return Database(store, connect)


SERVERS = {"postgres": ("PAYSEAL_TEST_POSTGRES", postgres), "mysql": ("PAYSEAL_TEST_MYSQL", mysql)}


def a_database(server: str) -> Database:
    variable, of = SERVERS[server]
    if variable not in os.environ:
        pytest.skip(f"{variable} is not set")
    address = os.environ[variable]
    name = f"py_{secrets.token_hex(8)}"
    execute(psycopg.connect(address, autocommit=True) if server == "postgres" else of(address).connect(), f"CREATE DATABASE {name}")
    database = of(urlsplit(address)._replace(path=f"/{name}").geturl())
    execute(database.connect(), "CREATE TABLE parcels (order_no VARCHAR(64) NOT NULL PRIMARY KEY)")
    return database


def execute(connection: Any, sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)
    connection.commit()
    connection.close()


@dataclass
class Warehouse:
    """A shop that ships what is paid: a row for each order, in the database that payments use too."""

    database: Database
    till: Till

    def paid(self, order_no: str) -> Event:
        self.till.create(order_no)
        assert self.till.pay(order_no).error is None
        (event,) = self.till.payments.claim_events(1)
        return event

    def ship(self, event: Event, payments: Payments) -> None:
        """As a service does it."""
        connection = self.database.connect()
        try:
            with connection.cursor() as cursor:
                self.insert(cursor, event, payments)
            connection.commit()
        finally:
            connection.close()  # which rolls back what is not committed

    def insert(self, cursor: Any, event: Event, payments: Payments) -> None:
        cursor.execute("INSERT INTO parcels VALUES (%s)", [event.order_no])
        payments.ack_in(cursor, event, "%s")

    def has(self, parcels: list[str], state: State, *, waiting: int, messages: int) -> None:
        connection = self.database.connect()
        with connection.cursor() as cursor:
            cursor.execute("SELECT order_no FROM parcels")
            assert [order_no for (order_no,) in cursor.fetchall()] == parcels
        connection.close()
        stats = self.till.payments.stats()
        assert (stats.orders, stats.inbox.waiting, stats.outbox.waiting) == ({state: 1}, waiting, messages)


@pytest.fixture(params=[*SERVERS])
def warehouse(request: pytest.FixtureRequest, provider: Provider, tmp_path: Path) -> Iterator[Warehouse]:
    database = a_database(request.param)
    with a_till(provider, tmp_path, store=database.store, outbox=True) as till:
        yield Warehouse(database, till)


def test_the_shops_row_and_the_acknowledgement_are_committed_together(warehouse: Warehouse) -> None:
    event = warehouse.paid("order1")
    warehouse.has([], State.PAYING, waiting=1, messages=0)
    warehouse.ship(event, warehouse.till.payments)
    warehouse.has(["order1"], State.PAID, waiting=0, messages=1)


def test_when_the_shop_rolls_back_neither_is_there(warehouse: Warehouse) -> None:
    event = warehouse.paid("order1")
    connection = warehouse.database.connect()
    with connection.cursor() as cursor:
        warehouse.insert(cursor, event, warehouse.till.payments)
    connection.rollback()
    connection.close()
    warehouse.has([], State.PAYING, waiting=1, messages=0)
    warehouse.ship(event, warehouse.till.payments)
    warehouse.has(["order1"], State.PAID, waiting=0, messages=1)


def test_with_an_old_token_nothing_of_the_shops_is_committed(warehouse: Warehouse) -> None:
    mine = warehouse.paid("order1")
    warehouse.till.clock.ms += 60_000
    with warehouse.till.another() as other:
        (theirs,) = other.claim_events(1)
        with pytest.raises(payseal.OrderError) as lost:
            warehouse.ship(mine, warehouse.till.payments)
        assert lost.value.code == Code.LEASE_LOST
        warehouse.has([], State.PAYING, waiting=1, messages=0)
        warehouse.ship(theirs, other)
        warehouse.has(["order1"], State.PAID, waiting=0, messages=1)


def test_a_handler_of_a_runner_acknowledges_with_its_own_rows(warehouse: Warehouse) -> None:
    shipped = threading.Event()

    def handle(event: Event) -> object:
        warehouse.ship(event, warehouse.till.payments)
        shipped.set()
        return ACKED

    with Runner(warehouse.till.payments, handle=handle):
        warehouse.till.create("order1")
        warehouse.till.pay("order1")
        assert shipped.wait(20)
    warehouse.has(["order1"], State.PAID, waiting=0, messages=1)


def test_an_asyncio_service_does_the_same_with_its_own_driver(provider: Provider, tmp_path: Path) -> None:
    database = a_database("postgres")

    async def ship(payments: AsyncPayments, event: Event) -> None:
        connection = await psycopg.AsyncConnection.connect(database.store)
        async with connection, connection.cursor() as cursor:  # which commits, or rolls back where something is raised
            await cursor.execute("INSERT INTO parcels VALUES (%s)", [event.order_no])
            await payments.ack_in(cursor, event, "%s")

    async def ship_twice(warehouse: Warehouse, mine: Event) -> None:
        till = warehouse.till
        client = payseal.AsyncClient(provider.config(), transport=till.wechat.awaited, now_ms=lambda: NOW * 1000)
        async with client, AsyncPayments(till.config, {"wechat": client}, now_ms=till.clock) as payments:
            (theirs,) = await payments.claim_events(1)
            with pytest.raises(payseal.OrderError) as lost:
                await ship(payments, mine)
            assert lost.value.code == Code.LEASE_LOST
            warehouse.has([], State.PAYING, waiting=1, messages=0)
            await ship(payments, theirs)

    with a_till(provider, tmp_path, store=database.store, outbox=True) as till:
        warehouse = Warehouse(database, till)
        mine = warehouse.paid("order1")
        till.clock.ms += 60_000
        asyncio.run(ship_twice(warehouse, mine))
        warehouse.has(["order1"], State.PAID, waiting=0, messages=1)

"""What payments store and give back: events under leases, effects that take place once, errors of the database that lose nothing."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import payseal
from payseal import Code, Outcome, StoreError
from payseal.payments import (
    AsyncPayments,
    EventKind,
    ExceptionKind,
    Method,
    Payments,
    PaymentState,
    PayRequest,
    Queue,
    RefundRequest,
    Report,
    State,
    Topic,
    configuration,
)
from payseal.payments.order import ExceptionRecord, Order, Payment, Transition
from payseal.payments.statements import Statement
from payseal.payments.work import DeadLetter, Event, Message
from provider import NOW, Provider
from test_fork import FORK, in_child
from till import Clock, Till, Wechat, a_till

ABI = Path(__file__).resolve().parents[3] / "docs" / "abi.md"


@pytest.fixture
def till(provider: Provider, tmp_path: Path) -> Iterator[Till]:
    with a_till(provider, tmp_path, outbox=True) as till:
        yield till


def test_every_key_of_the_configuration_is_typed() -> None:
    table = ABI.read_text().partition("## Payments (")[2].partition("Actions.")[0]
    keys = set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))
    assert keys - {"accounts"} == set(configuration.Configuration.__annotations__)


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        (Order, "Order"),
        (Transition, "History"),
        (ExceptionRecord, "Exception"),
        (Event, r"Event \(of the inbox\)"),
        (Message, r"Message \(of the outbox\)"),
    ],
)
def test_every_member_that_the_library_gives_out_is_typed(kind: Any, word: str) -> None:
    (text,) = re.findall(rf"^{word}: (.*?)(?:\.\s.*?)?\n\n", ABI.read_text(), re.MULTILINE | re.DOTALL)
    while (plain := re.sub(r"\([^()]*\)|: \{[^{}]*\}", "", text)) != text:
        text = plain
    named = {field.metadata.get("name", field.name) for field in dataclasses.fields(kind)}
    assert set(re.findall(r"`(\w+)`", text)) == named


def test_what_is_accepted_is_claimed_and_takes_effect_when_it_is_acknowledged(till: Till) -> None:
    till.create("order1")
    accepted = till.pay("order1")
    assert (accepted.reply.status, accepted.error, accepted.duplicate) == (200, None, False)
    assert (accepted.kind, accepted.order_no, accepted.account) == (EventKind.PAYMENT_PAID, "order1", "wechat")
    again = till.pay("order1")
    assert (again.reply.status, again.duplicate) == (200, True)
    (event,) = till.payments.claim_events(10)
    assert event.json()["out_trade_no"] == "order1"
    assert event.notification is not None
    assert event.notification.event_type == "TRANSACTION.SUCCESS"
    assert till.payments.order("order1").order.state == State.PAYING
    assert till.payments.claim_events(10) == [], "it is claimed"
    till.payments.ack(event)
    assert till.payments.order("order1").order.state == State.PAID
    (message,) = till.payments.claim_messages(10)
    assert (message.topic, message.json()["order"]["state"]) == (Topic.PAYMENT_PAID, "paid")
    assert till.payments.ack_all([message]) == []
    assert till.payments.stats().orders == {State.PAID: 1}


def test_a_notification_is_told_apart_without_its_account(till: Till) -> None:
    till.create("order1")
    assert till.payments.accept(None, *till.wechat.pay("order1")).account == "wechat"
    with pytest.raises(payseal.ArgumentError, match="nobody"):
        till.payments.accept("nobody", *till.wechat.pay("order1"))


def test_what_is_forged_is_refused_and_nothing_is_stored(till: Till) -> None:
    till.create("order1")
    headers, body = till.wechat.pay("order1")
    for accepted in (
        till.payments.accept("wechat", headers, body.replace(b"TRANSACTION", b"transaction")),
        till.payments.accept(None, [], b"{}"),
        till.payments.accept("wechat", [*headers, ("X", "a\r\nWechatpay-Nonce: b")], body),
    ):
        assert isinstance(accepted.error, payseal.TrustError)
        assert accepted.error.outcome == Outcome.UNAUTHENTIC
        assert accepted.reply.status >= 400
        assert accepted.kind is None
    assert till.payments.stats().inbox.waiting == 0


def test_a_lease_that_ran_out_changes_nothing(till: Till) -> None:
    till.create("order1")
    till.pay("order1")
    (mine,) = till.payments.claim_events(1, lease_ms=1000)
    assert till.payments.extend(mine, lease_ms=5000) == till.clock.ms + 5000
    till.clock.ms += 5001
    (theirs,) = till.payments.claim_events(1)
    for end in (till.payments.ack, till.payments.nack, till.payments.extend):
        with pytest.raises(payseal.OrderError) as lost:
            end(mine)
        assert lost.value.code == Code.LEASE_LOST
    assert till.payments.ack_all([mine, theirs]) == [mine]
    assert till.payments.order("order1").order.state == State.PAID


def test_what_fails_too_often_is_dead_until_it_is_redriven(provider: Provider, tmp_path: Path) -> None:
    with a_till(provider, tmp_path, work={"max_attempts": 2}) as till:
        till.create("order1")
        till.pay("order1")
        nacked = till.payments.nack(till.payments.claim_events()[0], reason="the \udcff stock", delay_ms=70)
        assert (nacked.dead, nacked.due_ms) == (False, till.clock.ms + 70)
        assert till.payments.claim_events() == []
        till.clock.ms += 70
        assert till.payments.nack(till.payments.claim_events()[0], reason="the stock is empty").dead
        (letter,) = till.payments.dead_letters(Queue.INBOX)
        assert (letter.kind, letter.order_no, letter.attempts, letter.reason) == ("payment.paid", "order1", 2, "the stock is empty")
        assert isinstance(letter, DeadLetter)
        assert till.payments.redrive("inbox", []) == 0
        assert till.payments.redrive(Queue.INBOX, [letter.id]) == 1
        (event,) = till.payments.claim_events()
        till.payments.dead(event, "enough")
        assert till.payments.redrive(Queue.INBOX) == 1


def test_another_amount_is_an_exception_that_a_person_resolves(till: Till) -> None:
    till.create("order1")
    till.pay("order1", amount={"total": 2, "currency": "CNY"})
    till.payments.ack(till.payments.claim_events()[0])
    (raised,) = till.payments.exceptions()
    assert (raised.kind, raised.order_no) == (ExceptionKind.AMOUNT_MISMATCH, "order1")
    assert raised.evidence is not None
    assert (raised.evidence["fact"]["amount"], raised.evidence["order"]["amount"]) == (2, 1)
    assert till.payments.stats().exceptions == 1
    order = till.payments.resolve(raised.id, "given back by hand", State.CLOSED)
    assert order is not None
    assert order.state == State.CLOSED
    assert till.payments.exceptions() == []
    (resolved,) = till.payments.exceptions(resolved_too=True)
    assert (resolved.resolution, resolved.resolved_ms) == ("given back by hand", till.clock.ms)
    assert till.payments.order("order1").exceptions == [resolved]


def test_a_line_of_a_bill_takes_effect_once(till: Till) -> None:
    till.create("order1")
    line = Report(source="bill", order_no="order1", transaction_id="4200001", amount=1)
    for _ in range(2):
        order = till.payments.report(line)
        assert order is not None
        assert (order.state, order.transaction_id) == (State.PAID, "4200001")
    assert [step.source.value for step in till.payments.order("order1").history] == ["host", "answer", "bill"]


def test_orders_are_listed_by_state_and_time(till: Till) -> None:
    for number in ("order1", "order2", "order3"):
        till.clock.ms += 1
        till.create(number)
    till.payments.report(Report("host", "order2", "4200001", 1))
    newest, *_ = listed = till.payments.orders()
    assert [order.order_no for order in listed] == ["order3", "order2", "order1"]
    assert [order.order_no for order in till.payments.orders(State.PAYING, before_ms=newest.created_ms)] == ["order1"]
    assert [order.order_no for order in till.payments.orders(most=1)] == ["order3"]


def test_paging_leaves_no_order_of_the_same_millisecond_out(till: Till) -> None:
    for number in ("order1", "order2", "order3"):
        till.create(number)
    (last,) = till.payments.orders(most=1)
    rest = till.payments.orders(before_ms=last.created_ms, before_order_no=last.order_no)
    assert [order.order_no for order in rest] == ["order2", "order1"]


def test_what_is_wrong_is_said_before_anything_is_stored(till: Till) -> None:
    for request in (
        PayRequest(order_no="order1", method="cash", amount=1, subject="tea"),
        PayRequest(order_no="order1", method=Method.NATIVE, amount=0, subject="tea"),
        PayRequest(order_no="order1", method=Method.NATIVE, amount=1, subject="tea", account="nobody"),
    ):
        with pytest.raises(payseal.ArgumentError) as refused:
            till.payments.create(request)
        assert (refused.value.code, refused.value.outcome) == (Code.PARAMS_INVALID, Outcome.NOT_SENT)
        assert refused.value.details["field"] in ("method", "amount", "account")
    assert till.payments.orders() == []
    with pytest.raises(payseal.OrderError) as unknown:
        till.payments.refund(RefundRequest("order9", "R1", 1))
    assert unknown.value.code == Code.ORDER_UNKNOWN


DELIVERY = """
import json, sqlite3, sys
from payseal.payments.statements import Statement, run
path, number, statements = json.load(sys.stdin)
database = sqlite3.connect(path, isolation_level=None)
database.execute("CREATE TABLE IF NOT EXISTS parcels (order_no TEXT)")
cursor = database.cursor()
cursor.execute("BEGIN IMMEDIATE")
try:
    cursor.execute("INSERT INTO parcels VALUES (?)", [number])
    run(cursor, [Statement(**each) for each in statements])
    cursor.execute("COMMIT")
    answer = "committed"
except Exception as error:
    cursor.execute("ROLLBACK")
    answer = error.code.name
print(json.dumps([answer, [number for number, in database.execute("SELECT order_no FROM parcels")]]))
"""


def test_an_event_takes_effect_in_a_transaction_of_the_shops_own(till: Till, tmp_path: Path) -> None:
    """In a process of its own: two SQLites in one process do not see each other's locks."""
    till.create("order1")
    till.pay("order1")

    def deliver(event: Event) -> Any:
        statements = [dataclasses.asdict(each) for each in till.payments.ack_statements(event, "?")]
        given = json.dumps([str(tmp_path / "pay.db"), event.order_no, statements])
        environment = {**os.environ, "PYTHONPATH": str(Path(payseal.__file__).resolve().parents[1])}
        command = [sys.executable, "-c", DELIVERY]
        return json.loads(subprocess.run(command, input=given, env=environment, text=True, check=True, stdout=subprocess.PIPE).stdout)

    (mine,) = till.payments.claim_events(1, lease_ms=1000)
    till.clock.ms += 1001
    (theirs,) = till.payments.claim_events(1)
    assert deliver(mine) == ["LEASE_LOST", []]
    assert deliver(theirs) == ["committed", ["order1"]]
    assert till.payments.order("order1").order.state == State.PAID
    assert till.payments.stats().inbox.waiting == 0


def test_what_the_service_writes_is_written_with_the_effect_or_not_at_all(till: Till, tmp_path: Path) -> None:
    till.create("order1")
    till.pay("order1")
    (event,) = till.payments.claim_events()
    program = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('CREATE TABLE parcels (order_no TEXT)')"
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "pay.db")], check=True)
    insert = Statement("INSERT INTO parcels VALUES (?)", ["order1"], 1)
    nothing = Statement("DELETE FROM parcels WHERE order_no = ?", ["another"], 1)
    with pytest.raises(payseal.OrderError) as refused:
        till.payments.ack(event, [insert, nothing])
    assert (refused.value.code, refused.value.details["field"]) == (Code.ORDER_STATE, "also[1].changes")
    assert till.payments.order("order1").order.state == State.PAYING
    till.payments.ack(event, [insert])
    assert till.payments.order("order1").order.state == State.PAID


def test_statements_have_the_placeholders_of_the_driver(till: Till) -> None:
    till.create("order1")
    till.pay("order1")
    (event,) = till.payments.claim_events()
    for placeholders, pattern in (("?", r"\?"), ("$1", r"\$\d+"), ("%s", "%s")):
        first, *rest = till.payments.ack_statements(event, placeholders)  # type: ignore[arg-type]
        assert len(re.findall(pattern, first.sql)) == len(first.values)
        assert first.changes == 1
        assert rest

    class Cursor:
        rowcount = 0

        def execute(self, _sql: str, _values: Any, /) -> None:
            pass

    with pytest.raises(payseal.OrderError) as lost:
        till.payments.ack_in(Cursor(), event)
    assert lost.value.code == Code.LEASE_LOST


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another program writes, and takes its time."""
    program = "import sqlite3, sys\nsqlite3.connect(sys.argv[1]).execute('BEGIN IMMEDIATE')\nprint(flush=True)\nsys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", program, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline()
        yield


def test_while_the_database_is_locked_the_provider_is_told_to_send_again(provider: Provider, tmp_path: Path) -> None:
    with a_till(provider, tmp_path, store=f"sqlite:{tmp_path / 'pay.db'}?lock_timeout_ms=50") as till:
        till.create("order1")
        with locked(tmp_path / "pay.db"):
            refused = till.pay("order1")
            assert isinstance(refused.error, StoreError)
            assert (refused.error.code, refused.reply.status >= 500) == (Code.STORE_LOCKED, True)
            with pytest.raises(StoreError) as busy:
                till.create("order2")
            assert (busy.value.code, busy.value.outcome) == (Code.STORE_LOCKED, Outcome.NOT_SENT)
            assert len(till.wechat.requests) == 1, "nothing was sent"
        assert till.pay("order1").error is None


def test_a_database_that_cannot_be_opened_is_a_store_error(client: payseal.Client, tmp_path: Path) -> None:
    (tmp_path / "pay.db").write_bytes(b"no database at all, but a text that is long enough" * 100)
    with pytest.raises(StoreError):
        Payments({"store": f"sqlite:{tmp_path}/pay.db"}, {"wechat": client})
    with pytest.raises(StoreError) as gone:
        Payments({"store": "postgres://shop:hunter2secret@127.0.0.1:9/shop?connect_timeout=1"}, {"wechat": client})
    assert gone.value.code == Code.STORE_UNAVAILABLE
    assert "hunter2secret" not in f"{gone.value!r} {gone.value.details}"


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ({}, "store"),
        ({"store": "oracle:x"}, "store"),
        ({"store": "sqlite:x", "lease": 1}, "lease"),
        ({"store": "sqlite:x", "expires_ms": 1}, "expires_ms"),
    ],
)
def test_a_wrong_configuration_names_its_key(client: payseal.Client, config: dict[str, Any], field: str) -> None:
    with pytest.raises(payseal.ConfigurationError) as wrong:
        Payments(config, {"wechat": client})
    assert wrong.value.details["field"] == field


def test_payments_need_a_client_and_no_mixture_of_transports(client: payseal.Client, till: Till) -> None:
    with pytest.raises(payseal.ArgumentError):
        Payments({"store": "sqlite:x"}, {})
    with pytest.raises(ValueError, match="transport"):
        Payments({"store": "sqlite:x"}, {"a": client, "b": till.client})


def test_each_account_sends_through_its_own_transport(tmp_path: Path) -> None:
    providers = [Wechat(Provider()), Wechat(Provider())]
    clients = [payseal.Client(each.provider.config(), transport=each, now_ms=lambda: NOW * 1000) for each in providers]
    with Payments({"store": f"sqlite:{tmp_path / 'pay.db'}"}, dict(zip("ab", clients)), now_ms=Clock()) as payments:
        for account in "bab":
            number = f"order{len(payments.orders())}"
            payments.create(PayRequest(order_no=number, method=Method.NATIVE, amount=1, subject="tea", account=account))
        for client in clients:
            client.close()  # the payments have what they need
        assert payments.query("order1").payment_state == PaymentState.UNPAID
    assert [len(each.requests) for each in providers] == [2, 2]


def test_thirty_two_threads_store_each_event_and_handle_it_once(till: Till) -> None:
    numbers = [f"order{turn}" for turn in range(128)]
    with ThreadPoolExecutor(32) as pool:
        list(pool.map(till.create, numbers))
        notifications = [till.wechat.pay(number) for number in (*numbers, *numbers)]
        accepted = list(pool.map(lambda told: till.payments.accept("wechat", *told), notifications))
        assert [each.reply.status for each in accepted] == [200] * 256
        assert sum(each.duplicate for each in accepted) == 128

        def work(_turn: int) -> list[str]:
            done = []
            while events := till.payments.claim_events(3):
                assert till.payments.ack_all(events) == []
                done += [event.order_no for event in events]
            return done

        handled = [number for done in pool.map(work, range(32)) for number in done]
    assert sorted(handled) == sorted(numbers)
    assert till.payments.stats().orders == {"paid": 128}
    assert len(till.payments.claim_messages(200)) == 128


def test_an_exception_of_the_clock_is_the_cause(till: Till) -> None:
    def broken() -> int:
        raise ZeroDivisionError

    till.create("order1")
    with till.another(now_ms=broken) as payments:
        with pytest.raises(payseal.ArgumentError) as failed:
            payments.stats()
        assert failed.value.code == Code.CALLBACK_FAILED
        assert isinstance(failed.value.__cause__, ZeroDivisionError)
        accepted = payments.accept("wechat", *till.wechat.pay("order1"))
        assert accepted.error is not None
        assert isinstance(accepted.error.__cause__, ZeroDivisionError)
    assert till.payments.stats().inbox.waiting == 0


def test_what_takes_effect_is_logged(till: Till, caplog: pytest.LogCaptureFixture) -> None:
    till.create("order1")
    till.pay("order1")
    caplog.set_level(logging.INFO, "shop")
    with till.another(logger=logging.getLogger("shop")) as payments:
        payments.ack(payments.claim_events()[0])
    assert [record.payseal["event"] for record in caplog.records] == ["payment.paid"]  # type: ignore[attr-defined]


def test_closed_payments_are_refused_and_a_second_close_is_nothing(till: Till) -> None:
    till.payments.close()
    till.payments.close()
    assert till.payments.closed
    for use in (till.payments.stats, lambda: till.create("order1"), lambda: till.pay("order1")):
        with pytest.raises(payseal.ClosedError):
            use()


@pytest.mark.skipif(FORK is None, reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning")
def test_payments_made_before_a_fork_work_in_the_child(till: Till) -> None:
    till.create("order1")
    headers, body = till.wechat.pay("order1")
    assert in_child(lambda: till.payments.accept("wechat", headers, body).reply.status) == 200
    (event,) = till.payments.claim_events()
    assert event.order_no == "order1"


def test_with_coroutines_everything_is_the_same(provider: Provider, tmp_path: Path) -> None:
    wechat, clock = Wechat(provider), Clock()

    async def run() -> None:
        client = payseal.AsyncClient(provider.config(), transport=wechat.awaited, now_ms=lambda: NOW * 1000)
        store = f"sqlite:{tmp_path / 'pay.db'}"
        async with client, AsyncPayments({"store": store, "outbox": True}, {"wechat": client}, now_ms=clock) as payments:
            requests = [PayRequest(order_no=f"order{turn}", method=Method.NATIVE, amount=1, subject="茶") for turn in range(20)]
            made: list[Payment] = await asyncio.gather(*map(payments.create, requests))
            assert {payment.order.state for payment in made} == {State.PAYING}
            told = [wechat.pay(payment.order.order_no) for payment in made]
            accepted = await asyncio.gather(*(payments.accept("wechat", *each) for each in (*told, *told)))
            assert sum(each.duplicate for each in accepted) == 20
            assert (await payments.query("order0")).payment_state == PaymentState.PAID
            events = await payments.claim_events(100)
            assert await payments.ack_all(events[:10]) == []
            for event in events[10:18]:
                await payments.ack(event)
            assert await payments.extend(events[18]) == clock.ms + 30_000
            assert not (await payments.nack(events[18], delay_ms=0)).dead
            await payments.dead(events[19], "enough")
            assert [letter.order_no for letter in await payments.dead_letters("inbox")] == [events[19].order_no]
            assert await payments.redrive("inbox") == 1
            assert await payments.ack_all(await payments.claim_events(100)) == []
            messages = await payments.claim_messages(100)
            assert len(messages) == 20
            assert (await payments.order("order3")).order.state == State.PAID
            assert len(await payments.orders(State.PAID)) == 20
            assert await payments.exceptions() == []
            assert (await payments.tick()).failed == 0
            assert (await payments.stats()).outbox.waiting == 20
            forged = await payments.accept(None, [("a", "b\nc")], b"")
            assert forged.error is not None
        with pytest.raises(payseal.ClosedError):
            await payments.stats()

    asyncio.run(run())


def test_a_cancelled_task_stops_asking_and_the_order_can_be_gone_on_with(provider: Provider, tmp_path: Path) -> None:
    wechat = Wechat(provider)

    async def run() -> None:
        asked = asyncio.Event()

        async def never(_request: payseal.HttpRequest) -> payseal.HttpResponse:
            asked.set()
            await asyncio.Event().wait()
            raise AssertionError

        store = {"store": f"sqlite:{tmp_path / 'pay.db'}"}
        request = PayRequest(order_no="order1", method=Method.NATIVE, amount=1, subject="茶")
        silent = payseal.AsyncClient(provider.config(), transport=never, now_ms=lambda: NOW * 1000)
        async with silent, AsyncPayments(store, {"wechat": silent}, now_ms=Clock()) as payments:
            creating = asyncio.ensure_future(payments.create(request))
            await asyncio.wait_for(asked.wait(), 5)
            creating.cancel()
            with pytest.raises(asyncio.CancelledError):
                await creating
            order = (await payments.order("order1")).order
            assert order.state == State.PAYING, "the provider may have it"
            assert order.refusal is not None
            assert order.refusal.outcome == "unknown"
        client = payseal.AsyncClient(provider.config(), transport=wechat.awaited, now_ms=lambda: NOW * 1000)
        async with client, AsyncPayments(store, {"wechat": client}, now_ms=Clock()) as payments:
            assert (await payments.create(request)).client is not None

    asyncio.run(run())


def test_no_secret_is_printed(till: Till) -> None:
    request = PayRequest("order1", Method.CODEPAY, 1, "tea", payer=payseal.payments.Payer(auth_code="134567890123456789"))
    assert "134567890123456789" not in repr(request)
    assert json.loads(json.dumps(request.to_json()))["payer"] == {"auth_code": "134567890123456789"}

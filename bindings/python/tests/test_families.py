"""An operation of each family that the sandbox plays, typed, all the way there and back."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

import payseal
from payseal.wechat import bill, combine, fundapp, merchantfund, profitsharing, transfer
from sandbox import Sandbox

NOTIFY_URL = "http://127.0.0.1:9/notify/wechat"
OPENID = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"


@pytest.fixture
def number() -> str:
    return f"pyf{secrets.token_hex(10)}"


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[payseal.Client]:
    with payseal.Client(sandbox.config()) as client:
        yield client


def test_combine(client: payseal.Client, sandbox: Sandbox, number: str) -> None:
    part = combine.SubOrder(
        mchid=sandbox.config()["mchid"],
        sub_mchid="1600000001",
        out_trade_no=f"{number}p",
        attach="tea",
        description="茶",
        amount=combine.Amount(total_amount=60, currency="CNY"),
    )
    ordered = combine.native(
        client, combine.NativeRequest(combine_out_trade_no=number, notify_url=NOTIFY_URL, sub_orders=[part, part_of(part)])
    )
    assert (ordered.code_url or "").startswith("http")
    found = combine.query_by_out_trade_no(client, number)
    assert found.combine_out_trade_no == number
    assert [order.out_trade_no for order in found.sub_orders or []] == [f"{number}p", f"{number}q"]


def part_of(part: combine.SubOrder) -> combine.SubOrder:
    return combine.SubOrder.from_json({**part.to_json(), "out_trade_no": part.out_trade_no[:-1] + "q"})


def test_fundapp_sends_the_name_encrypted_and_reads_it_decrypted(client: payseal.Client, number: str) -> None:
    request = fundapp.CreateTransferRequest(
        openid=OPENID,
        out_bill_no=number,
        transfer_amount=250_000,
        transfer_remark="活动奖励",
        transfer_scene_id="1000",
        transfer_scene_report_infos=[fundapp.TransferSceneReportInfo(info_type="活动名称", info_content="新会员有礼")],
        user_name="张三",
    )
    made = fundapp.create_transfer(client, request)
    assert made.state == "WAIT_USER_CONFIRM"
    found = fundapp.query_transfer_by_out_bill_no(client, number)
    assert (found.transfer_amount, found.user_name) == (250_000, "张三")
    assert "张三" not in repr(request) + repr(found)
    assert fundapp.cancel_transfer(client, number).state in ("CANCELING", "CANCELLED")


def test_transfer(client: payseal.Client, number: str) -> None:
    detail = transfer.TransferDetail(openid=OPENID, out_detail_no=f"{number}d", transfer_amount=100, transfer_remark="茶", user_name="张三")
    request = transfer.CreateBatchRequest(
        batch_name="茶",
        batch_remark="茶",
        out_batch_no=number,
        total_amount=100,
        total_num=1,
        transfer_detail_list=[detail],
        transfer_scene_id="1000",
    )
    made = transfer.create_batch(client, request)
    assert made.batch_id is not None
    found = transfer.query_batch_by_out_batch_no(client, number, need_query_detail=False)
    assert found.transfer_batch is not None
    assert found.transfer_batch.batch_id == made.batch_id


def test_merchantfund(client: payseal.Client) -> None:
    balance = merchantfund.query_balance(client, "BASIC")
    assert balance.available_amount is not None
    assert balance.available_amount >= 0


def test_profitsharing(client: payseal.Client) -> None:
    request = profitsharing.AddReceiverRequest(account=OPENID, name="张三", relation_type="USER", type="PERSONAL_OPENID")
    assert profitsharing.add_receiver(client, request).account == OPENID


def test_bill(client: payseal.Client) -> None:
    with pytest.raises(payseal.ProviderError) as refused:
        bill.trade_bill(client, bill_date="2001-01-01", bill_type="ALL")
    assert refused.value.outcome == payseal.Outcome.REJECTED

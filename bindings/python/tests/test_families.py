"""Each family of WeChat Pay, typed, all the way to the sandbox and back, with RSA and with 国密."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import pytest

import payseal
import payseal.wechat
from merchant import NOTIFY_URL, Merchant, a_number
from payseal.wechat import (
    bill,
    busifavor,
    certificates,
    combine,
    ecommerce,
    favor,
    files,
    fundapp,
    merchantfund,
    merchantmedia,
    merchantservice,
    papay,
    parking,
    partnerpay,
    partnerships,
    pay,
    paygift,
    payscore,
    profitsharing,
    refund,
    security,
    transfer,
)
from sandbox import Sandbox

OPENID = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"
SUB_MERCHANT = "1600000001"
STOCK = "9856000"


@pytest.fixture(params=["sandbox", "sm2_sandbox"], ids=["RSA", "国密"])
def merchant(request: pytest.FixtureRequest) -> Iterator[Merchant]:
    """The test of a family is named for its module, and has the sandbox accept one of the module's operations."""
    sandbox: Sandbox = request.getfixturevalue(request.param)
    with payseal.Client(sandbox.config()) as client:
        merchant = Merchant(client, sandbox)
        last = max((exchange["id"] for exchange in merchant.exchanges()), default=0)
        yield merchant
        module = inspect.getsource(importlib.import_module("payseal.wechat." + request.node.originalname.removeprefix("test_")))
        news = [exchange for exchange in merchant.exchanges() if exchange["id"] > last and exchange["outcome"] == "accepted"]
        assert any(f'"{exchange["operation"]}"' in module for exchange in news)


@pytest.fixture
def number() -> str:
    return a_number()


def today() -> str:
    """The day in Beijing."""
    return datetime.now(timezone(timedelta(hours=8))).date().isoformat()


def test_no_family_is_left_out() -> None:
    modules = {module.name for module in pkgutil.iter_modules(payseal.wechat.__path__) if not module.name.startswith("_")}
    tests = {name.removeprefix("test_") for name, test in globals().items() if "merchant" in getattr(test, "__annotations__", ())}
    assert modules == tests


def test_pay(merchant: Merchant, number: str) -> None:
    order = pay.JsapiRequest(
        description="茶",
        out_trade_no=number,
        notify_url=NOTIFY_URL,
        amount=pay.OrderAmount(total=100, currency="CNY"),
        payer=pay.Payer(openid=OPENID),
    )
    assert pay.jsapi(merchant.client, order).prepay_id
    assert pay.query_by_out_trade_no(merchant.client, number).trade_state == "NOTPAY"
    merchant.sandbox.pay(number)
    found = pay.query_by_out_trade_no(merchant.client, number)
    assert (found.trade_state, found.mchid) == ("SUCCESS", merchant.mchid)
    assert found.amount is not None
    assert found.amount.total == 100
    assert found.payer == pay.TransactionPayer(openid=OPENID)
    assert found.transaction_id is not None
    assert pay.query_by_transaction_id(merchant.client, found.transaction_id).out_trade_no == number


def test_partnerpay(merchant: Merchant, number: str) -> None:
    order = partnerpay.NativeRequest(
        description="茶",
        out_trade_no=number,
        sub_mchid=SUB_MERCHANT,
        notify_url=NOTIFY_URL,
        amount=partnerpay.OrderAmount(total=100, currency="CNY"),
    )
    assert (partnerpay.native(merchant.client, order).code_url or "").startswith("http")
    found = partnerpay.query_by_out_trade_no(merchant.client, number, sub_mchid=SUB_MERCHANT)
    assert (found.trade_state, found.sp_mchid, found.sub_mchid) == ("NOTPAY", merchant.mchid, SUB_MERCHANT)
    partnerpay.close(merchant.client, number, partnerpay.CloseRequest(sub_mchid=SUB_MERCHANT))


def test_combine(merchant: Merchant, number: str) -> None:
    def part(number: str, fen: int) -> combine.SubOrder:
        return combine.SubOrder(
            mchid=merchant.mchid,
            sub_mchid=SUB_MERCHANT,
            out_trade_no=number,
            attach="tea",
            description="茶",
            amount=combine.Amount(total_amount=fen, currency="CNY"),
        )

    parts = [part(f"{number}p", 60), part(f"{number}q", 40)]
    ordered = combine.native(merchant.client, combine.NativeRequest(combine_out_trade_no=number, notify_url=NOTIFY_URL, sub_orders=parts))
    assert (ordered.code_url or "").startswith("http")
    found = combine.query_by_out_trade_no(merchant.client, number)
    assert found.combine_out_trade_no == number
    amounts = {order.out_trade_no: order.amount.total_amount for order in found.sub_orders or () if order.amount}
    assert amounts == {f"{number}p": 60, f"{number}q": 40}


def test_refund(merchant: Merchant) -> None:
    number = merchant.paid()
    amount = refund.CreateAmount(refund=60, total=100, currency="CNY")
    request = refund.CreateRequest(out_trade_no=number, out_refund_no=f"r{number}", reason="冷了", amount=amount)
    begun = refund.create(merchant.client, request)
    assert begun.status == "PROCESSING"
    found = refund.query(merchant.client, f"r{number}")
    assert (found.refund_id, found.out_trade_no) == (begun.refund_id, number)
    assert found.amount is not None
    assert (found.amount.refund, found.amount.payer_refund) == (60, 60)


def test_bill(merchant: Merchant) -> None:
    merchant.paid()
    found = bill.trade_bill(merchant.client, bill_date=today(), bill_type="ALL")
    assert found.hash_type == "SHA1"
    assert len(found.hash_value or "") == 40
    assert (found.download_url or "").startswith(merchant.sandbox.address)


def test_files(merchant: Merchant) -> None:
    number = merchant.paid()
    with merchant.client.download(**files.trade_bill(today())) as download:
        assert number.encode() in download.read()
    uploaded = merchant.client.upload(files.UPLOAD_COMPLAINT_IMAGE, b"a picture of tea", filename="tea.png")
    assert uploaded.json()["media_id"]


def test_certificates(merchant: Merchant) -> None:
    found = certificates.download(merchant.client, algorithm_type="ALL")
    assert found.data
    for certificate in found.data:
        assert certificate.serial_no
        assert datetime.fromisoformat(certificate.expire_time or "") > datetime.fromisoformat(certificate.effective_time or "")
        assert certificate.encrypt_certificate is not None
        assert certificate.encrypt_certificate.ciphertext


def test_security(merchant: Merchant) -> None:
    request = security.EchoRequest(echo_message="一杯茶", encrypted_echo_message="两杯茶")
    assert security.echo(merchant.client, request) == security.EchoResponse("一杯茶", "两杯茶")
    places = {"encrypted_echo_message": "两杯茶"}
    merchant.has_sent_sealed("POST /v3/security/echo", places)
    merchant.was_answered_sealed("POST /v3/security/echo", places)


def test_profitsharing(merchant: Merchant, number: str) -> None:
    request = profitsharing.AddReceiverRequest(account=number, name="张三", relation_type="USER", type="PERSONAL_OPENID")
    added = profitsharing.add_receiver(merchant.client, request)
    assert (added.account, added.name) == (number, "张三")
    merchant.has_sent_sealed("POST /v3/profitsharing/receivers/add", {"name": "张三"})
    merchant.was_answered_sealed("POST /v3/profitsharing/receivers/add", {"name": "张三"})
    deleted = profitsharing.delete_receiver(merchant.client, profitsharing.DeleteReceiverRequest(account=number, type="PERSONAL_OPENID"))
    assert deleted.account == number


def test_fundapp(merchant: Merchant, number: str) -> None:
    request = fundapp.CreateTransferRequest(
        openid=OPENID,
        out_bill_no=number,
        transfer_amount=250_000,
        transfer_remark="活动奖励",
        transfer_scene_id="1000",
        transfer_scene_report_infos=[fundapp.TransferSceneReportInfo(info_type="活动名称", info_content="新会员有礼")],
        user_name="张三",
    )
    assert fundapp.create_transfer(merchant.client, request).state == "WAIT_USER_CONFIRM"
    found = fundapp.query_transfer_by_out_bill_no(merchant.client, number)
    assert (found.transfer_amount, found.user_name) == (250_000, "张三")
    assert "张三" not in repr(request) + repr(found)
    merchant.has_sent_sealed("POST /v3/fund-app/mch-transfer/transfer-bills", {"user_name": "张三"})
    merchant.was_answered_sealed("GET /v3/fund-app/mch-transfer/transfer-bills/out-bill-no/{out_bill_no}", {"user_name": "张三"})
    assert fundapp.cancel_transfer(merchant.client, number).out_bill_no == number


def test_transfer(merchant: Merchant, number: str) -> None:
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
    made = transfer.create_batch(merchant.client, request)
    found = transfer.query_batch_by_out_batch_no(merchant.client, number, need_query_detail=False)
    assert found.transfer_batch is not None
    assert (found.transfer_batch.batch_id, found.transfer_batch.total_amount) == (made.batch_id, 100)
    single = transfer.query_detail_by_out_detail_no(merchant.client, number, f"{number}d")
    assert (single.transfer_amount, single.user_name) == (100, "张三")
    assert "张三" not in repr(single)
    merchant.has_sent_sealed("POST /v3/transfer/batches", {"transfer_detail_list.0.user_name": "张三"})
    merchant.was_answered_sealed(
        "GET /v3/transfer/batches/out-batch-no/{out_batch_no}/details/out-detail-no/{out_detail_no}", {"user_name": "张三"}
    )


def test_merchantfund(merchant: Merchant, number: str) -> None:
    assert (merchantfund.query_balance(merchant.client, "OPERATION").available_amount or 0) >= 100
    request = merchantfund.CreateWithdrawalRequest(account_type="OPERATION", amount=100, out_request_no=number, remark="茶")
    made = merchantfund.create_withdrawal(merchant.client, request)
    found = merchantfund.query_withdrawal_by_out_request_no(merchant.client, number)
    assert (found.withdraw_id, found.amount, found.remark) == (made.withdraw_id, 100, "茶")


def test_ecommerce(merchant: Merchant, number: str) -> None:
    request = ecommerce.CreateApplymentRequest(
        out_request_no=number,
        organization_type="2401",
        merchant_shortname="茶铺",
        id_card_info=ecommerce.IdCardInfo(
            id_card_copy="media1",
            id_card_national="media2",
            id_card_name="张三",
            id_card_number="110101199003071234",
            id_card_valid_time="2036-01-01",
        ),
        account_info=ecommerce.ApplymentAccountInfo(
            bank_account_type="75",
            account_bank="工商银行",
            account_name="张三丰",
            account_number="6222020200112233445",
            bank_address_code="110000",
        ),
        contact_info=ecommerce.ApplymentContactInfo(contact_type="65", contact_name="李四", mobile_phone="13900139000"),
        sales_scene_info=ecommerce.SalesSceneInfo(store_name="茶铺", store_url="https://tea.example.com"),
    )
    applied = ecommerce.create_applyment(merchant.client, request)
    assert applied.applyment_id
    assert applied.out_request_no == number
    merchant.has_sent_sealed(
        "POST /v3/ecommerce/applyments/",
        {
            "id_card_info.id_card_name": "张三",
            "id_card_info.id_card_number": "110101199003071234",
            "account_info.account_name": "张三丰",
            "account_info.account_number": "6222020200112233445",
            "contact_info.contact_name": "李四",
            "contact_info.mobile_phone": "13900139000",
        },
    )
    found = ecommerce.query_applyment_by_out_request_no(merchant.client, number)
    assert (found.out_request_no, found.applyment_state) == (number, "FINISH")


def test_merchantmedia(merchant: Merchant) -> None:
    assert merchantmedia.upload_image(merchant.client, "licence.png", b"a picture of a licence").media_id
    assert merchantmedia.upload_video(merchant.client, "shop.mp4", b"a film of a shop").media_id


def test_merchantservice(merchant: Merchant) -> None:
    wish = {"phone": "13800138000"}
    number = merchant.sandbox.control("POST", f"/sandbox/orders/{merchant.paid()}/complain", wish)["complaint_id"]
    found = merchantservice.query_complaint(merchant.client, number)
    assert (found.complaint_id, found.payer_phone) == (number, "13800138000")
    merchant.was_answered_sealed("GET /v3/merchant-service/complaints-v2/{complaint_id}", {"payer_phone": "13800138000"})
    listed = merchantservice.list_complaints(merchant.client, begin_date=today(), end_date=today(), limit=5)
    assert listed.limit == 5
    assert [complaint.payer_phone for complaint in listed.data or ()][:1] == ["13800138000"]
    merchant.was_answered_sealed("GET /v3/merchant-service/complaints-v2", {"data.0.payer_phone": "13800138000"})
    response = merchantservice.RespondRequest(complainted_mchid=merchant.mchid, response_content="新茶已寄出")
    merchantservice.respond(merchant.client, number, response)


def test_payscore(merchant: Merchant, number: str) -> None:
    request = payscore.CreateOrderRequest(
        out_order_no=number,
        service_id="500001",
        service_introduction="借茶具",
        notify_url=NOTIFY_URL,
        risk_fund=payscore.OrderRiskFund(name="DEPOSIT", amount=10_000),
        time_range=payscore.TimeRange(start_time="20260101100000", end_time="20260102100000"),
    )
    order = payscore.create_order(merchant.client, request)
    assert order.out_order_no == number
    assert order.package
    assert order.risk_fund is not None
    assert order.risk_fund.amount == 10_000
    assert order.time_range is not None
    assert order.time_range.start_time == "20260101100000"
    assert payscore.query_order(merchant.client, out_order_no=number, service_id="500001").out_order_no == number


def test_favor(merchant: Merchant, number: str) -> None:
    request = favor.CreateStockRequest(
        out_request_no=number,
        belong_merchant=merchant.mchid,
        stock_name="茶券",
        stock_type="NORMAL",
        available_begin_time="2026-01-01T00:00:00+08:00",
        available_end_time="2026-02-01T00:00:00+08:00",
        no_cash=True,
        stock_use_rule=favor.StockUseRule(
            max_amount=10_000, max_coupons=100, max_coupons_per_user=1, natural_person_limit=False, prevent_api_abuse=False
        ),
        coupon_use_rule=favor.CouponUseRule(
            coupon_available_time=favor.CouponAvailableTime(available_time_after_receive=60),
            fixed_normal_coupon=favor.FixedNormalCoupon(coupon_amount=100, transaction_minimum=1_000),
        ),
    )
    made = favor.create_stock(merchant.client, request).stock_id
    assert made is not None
    favor.start_stock(merchant.client, made, favor.StartStockRequest(stock_creator_mchid=merchant.mchid))
    stock = favor.query_stock(merchant.client, made, stock_creator_mchid=merchant.mchid)
    assert (stock.stock_id, stock.stock_creator_mchid, stock.status) == (made, merchant.mchid, "running")
    coupon = favor.SendCouponRequest(appid=merchant.appid, out_request_no=number, stock_creator_mchid=merchant.mchid, stock_id=made)
    assert favor.send_coupon(merchant.client, OPENID, coupon).coupon_id


def test_busifavor(merchant: Merchant, number: str) -> None:
    request = busifavor.CreateStockRequest(
        out_request_no=a_number(),
        belong_merchant=merchant.mchid,
        stock_name="茶券",
        goods_name="茶",
        stock_type="NORMAL",
        coupon_code_mode="MERCHANT_API",
        stock_send_rule=busifavor.StockSendRule(max_coupons=100, max_coupons_per_user=1),
        coupon_use_rule=busifavor.CouponUseRule(
            coupon_available_time=busifavor.CouponAvailableTime(
                available_begin_time="2026-01-01T00:00:00+08:00", available_end_time="2026-02-01T00:00:00+08:00"
            ),
            fixed_normal_coupon=busifavor.FixedNormalCoupon(discount_amount=100, transaction_minimum=1_000),
            use_method="OFF_LINE",
        ),
    )
    made = busifavor.create_stock(merchant.client, request).stock_id
    assert made is not None
    coupon = busifavor.SendCouponRequest(appid=merchant.appid, openid=OPENID, out_request_no=number, stock_id=made, coupon_code="TEA1")
    sent = busifavor.send_coupon(merchant.client, coupon)
    assert (sent.out_request_no, sent.coupon_code) == (number, "TEA1")
    stock = busifavor.query_stock(merchant.client, made)
    assert stock.stock_id == made
    assert stock.coupon_use_rule is not None
    assert stock.stock_send_rule is not None


def test_partnerships(merchant: Merchant, number: str) -> None:
    request = partnerships.BuildPartnershipRequest(
        partner=partnerships.Partner(type="APPID", appid=merchant.appid),
        authorized_data=partnerships.AuthorizedData(business_type="FAVOR_STOCK", stock_id=STOCK),
    )
    built = partnerships.build_partnership(merchant.client, request, options={"idempotency_key": number})
    assert built.partner is not None
    assert built.partner.appid == merchant.appid
    assert built.authorized_data is not None
    assert built.authorized_data.stock_id == STOCK


def test_paygift(merchant: Merchant, number: str) -> None:
    request = paygift.CreateActivityRequest(
        activity_base_info=paygift.ActivityBaseInfo(
            activity_name="新茶",
            activity_second_title="明前",
            delivery_purpose="OFF_LINE_PAY",
            out_request_no=number,
            merchant_logo_url="https://tea.example.com/logo.png",
            begin_time="2026-01-01T00:00:00+08:00",
            end_time="2026-02-01T00:00:00+08:00",
        ),
        award_send_rule=paygift.AwardSendRule(
            transaction_amount_minimum=1_000,
            send_content="SINGLE_COUPON",
            award_type="BUSIFAVOR",
            merchant_option="MANUAL_INPUT_MERCHANT",
            award_list=[paygift.Award(stock_id=STOCK)],
            merchant_id_list=[merchant.mchid],
        ),
    )
    assert paygift.create_activity(merchant.client, request).activity_id
    activity = paygift.query_activity(merchant.client, "10028001")
    assert activity.activity_id == "10028001"
    assert activity.activity_base_info is not None
    assert activity.award_send_rule is not None


def test_papay(merchant: Merchant, number: str) -> None:
    monthly = papay.ScheduledAmount(total=3_000, currency="CNY")
    request = papay.SignScheduledInMiniProgramRequest(
        appid=merchant.appid,
        out_contract_code=number,
        plan_id=12535,
        contract_display_account="张三的茶",
        contract_notify_url=NOTIFY_URL,
        deduct_schedule=papay.DeductSchedule(description="每月一茶", estimated_deduct_date="2026-02-01", estimated_deduct_amount=monthly),
    )
    assert papay.sign_scheduled_in_mini_program(merchant.client, request).pre_entrustweb_id
    merchant.sandbox.control("POST", f"/sandbox/contracts/{number}/sign", {})
    contract = papay.query_contract(merchant.client, 12535, number)
    assert (contract.plan_id, contract.out_contract_code) == (12535, number)
    assert contract.contract_id is not None
    deduction = papay.ScheduleDeductionRequest(appid=merchant.appid, schedule_amount=monthly)
    assert papay.schedule_deduction(merchant.client, contract.contract_id, deduction).scheduled_amount is not None


def test_parking(merchant: Merchant, number: str) -> None:
    service = parking.find_service(
        merchant.client,
        appid=merchant.appid,
        sub_mchid=SUB_MERCHANT,
        openid=OPENID,
        plate_number="粤B888888",
        plate_color="BLUE",
    )
    assert (service.plate_number, service.service_state) == ("粤B888888", "NORMAL")
    request = parking.CreateParkingRequest(
        sub_mchid=SUB_MERCHANT,
        out_parking_no=number,
        plate_number="粤B888888",
        plate_color="BLUE",
        notify_url=NOTIFY_URL,
        start_time="2026-01-01T10:00:00+08:00",
        parking_name="茶铺停车场",
        free_duration=1_800,
    )
    entered = parking.create_parking(merchant.client, request)
    assert (entered.out_parking_no, entered.free_duration) == (number, 1_800)

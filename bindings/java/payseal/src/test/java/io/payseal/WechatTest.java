package io.payseal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.payseal.testing.Orders;
import io.payseal.testing.Sandbox;
import io.payseal.wechat.certificates.AlgorithmType;
import io.payseal.wechat.certificates.CertificatesService;
import io.payseal.wechat.pay.AppRequest;
import io.payseal.wechat.pay.Currency;
import io.payseal.wechat.pay.GoodsDetail;
import io.payseal.wechat.pay.H5Info;
import io.payseal.wechat.pay.H5Request;
import io.payseal.wechat.pay.H5SceneInfo;
import io.payseal.wechat.pay.JsapiRequest;
import io.payseal.wechat.pay.LimitPay;
import io.payseal.wechat.pay.NativeRequest;
import io.payseal.wechat.pay.OrderAmount;
import io.payseal.wechat.pay.OrderDetail;
import io.payseal.wechat.pay.PayService;
import io.payseal.wechat.pay.Payer;
import io.payseal.wechat.pay.PayerIdentity;
import io.payseal.wechat.pay.PayerIdentityType;
import io.payseal.wechat.pay.TradeState;
import io.payseal.wechat.pay.Transaction;
import io.payseal.wechat.refund.CreateAmount;
import io.payseal.wechat.refund.CreateRequest;
import io.payseal.wechat.refund.Refund;
import io.payseal.wechat.refund.RefundService;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The typed operations, all the way to the sandbox and back. */
class WechatTest {
    private static final PayerIdentity SOMEBODY = PayerIdentity.builder()
            .type(PayerIdentityType.IDCARD)
            .number("11010519491231002X")
            .name("张三")
            .build();

    @TempDir
    static Path folder;

    private static Sandbox sandbox;
    private static PaysealClient client;

    @BeforeAll
    static void start() {
        sandbox = Sandbox.start(folder);
        client = PaysealClient.of(sandbox.configuration());
    }

    @AfterAll
    static void stop() {
        client.close();
        sandbox.close();
    }

    @Test
    void an_order_is_paid_queried_and_refunded() {
        PayService payments = new PayService(client);
        RefundService refunds = new RefundService(client);
        String number = Orders.number();
        GoodsDetail tea = GoodsDetail.builder()
                .merchantGoodsId("tea-1")
                .quantity(1)
                .unitPrice(100)
                .build();
        NativeRequest request = NativeRequest.builder()
                .description("一杯茶")
                .outTradeNo(number)
                .notifyUrl(Orders.NOWHERE)
                .amount(OrderAmount.builder().total(100).build())
                .detail(OrderDetail.builder().goodsDetail(List.of(tea)).build())
                .build();
        assertTrue(payments.nativePay(request).codeUrl().startsWith("http"));
        assertEquals(TradeState.NOTPAY, payments.queryByOutTradeNo(number).tradeState());

        sandbox.pay(number);
        Transaction paid = payments.queryByOutTradeNo(number);
        assertEquals(TradeState.SUCCESS, paid.tradeState());
        assertEquals(100, paid.amount().total());
        assertEquals(number, payments.queryByTransactionId(paid.transactionId()).outTradeNo());

        Refund made = refunds.create(CreateRequest.builder()
                .outTradeNo(number)
                .outRefundNo("R" + number)
                .amount(CreateAmount.builder()
                        .refund(40)
                        .total(100)
                        .currency("CNY")
                        .build())
                .build());
        assertEquals(40, made.amount().refund());
        assertEquals(made.refundId(), refunds.query("R" + number).refundId());
        assertThrows(ProviderException.class, () -> payments.close(number));
    }

    @Test
    void every_way_to_order_is_typed() {
        PayService payments = new PayService(client);
        OrderAmount amount =
                OrderAmount.builder().total(1).currency(Currency.CNY).build();
        JsapiRequest jsapi = JsapiRequest.builder()
                .description("茶")
                .outTradeNo(Orders.number())
                .notifyUrl(Orders.NOWHERE)
                .amount(amount)
                .limitPay(List.of(LimitPay.NO_CREDIT))
                .payer(Payer.builder()
                        .openid("oUpF8uMuAJO_M2pxb1Q9zNjWeS6o")
                        .identity(SOMEBODY)
                        .build())
                .build();
        CallOptions traced = CallOptions.builder().traceId("typed").build();
        assertNotNull(payments.jsapi(jsapi, traced).prepayId());
        assertNotNull(payments.app(AppRequest.builder()
                        .description("茶")
                        .outTradeNo(Orders.number())
                        .notifyUrl(Orders.NOWHERE)
                        .amount(amount)
                        .build())
                .prepayId());
        H5SceneInfo scene = H5SceneInfo.builder()
                .payerClientIp("127.0.0.1")
                .h5Info(H5Info.builder().type("Wap").build())
                .build();
        assertNotNull(payments.h5(H5Request.builder()
                        .description("茶")
                        .outTradeNo(Orders.number())
                        .notifyUrl(Orders.NOWHERE)
                        .amount(amount)
                        .sceneInfo(scene)
                        .build())
                .h5Url());
        assertNotNull(new CertificatesService(client)
                .download(AlgorithmType.RSA, null)
                .data());
        assertEquals(
                "path.out_trade_no",
                assertThrows(ArgumentException.class, () -> payments.close("short"))
                        .details()
                        .field());
    }

    @Test
    void what_is_sent_encrypted_is_not_printed() {
        String text = Payer.builder().openid("o").identity(SOMEBODY).build().toString();
        assertFalse(text.contains("11010519491231002X") || text.contains("张三"), text);
    }
}

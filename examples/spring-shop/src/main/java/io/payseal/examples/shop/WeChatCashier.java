package io.payseal.examples.shop;

import io.payseal.CallOptions;
import io.payseal.Notification;
import io.payseal.PaysealClient;
import io.payseal.servlet.NotificationEndpoint;
import io.payseal.wechat.pay.Currency;
import io.payseal.wechat.pay.JsapiRequest;
import io.payseal.wechat.pay.NativeRequest;
import io.payseal.wechat.pay.OrderAmount;
import io.payseal.wechat.pay.PayService;
import io.payseal.wechat.pay.Payer;
import io.payseal.wechat.pay.TradeState;
import io.payseal.wechat.pay.Transaction;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Map;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RestController;

/** Asks WeChat Pay to collect an order, and is told that it did. mchid and appid come from the client's configuration. */
@RestController
class WeChatCashier {
    /** A mini-program learns its buyer's openid when the buyer logs in; this shop has one buyer. */
    private static final String OPENID = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o";

    private final PaysealClient client;
    private final PayService pay;
    private final NotificationEndpoint notifications;
    private final Orders orders;
    private final Address address;

    WeChatCashier(PaysealClient wechat, Orders orders, Address address) {
        this.client = wechat;
        this.pay = new PayService(wechat);
        this.notifications = new NotificationEndpoint(wechat, this::paid);
        this.orders = orders;
        this.address = address;
    }

    /** What the order's QR code says. */
    String codeUrl(Order order) {
        NativeRequest request = NativeRequest.builder()
                .description(ShopController.PRODUCT.name())
                .outTradeNo(order.id())
                .notifyUrl(address.of("/notify/wechat"))
                .amount(amount(order))
                .build();
        String codeUrl = pay.nativePay(request, traced()).codeUrl();
        return client.invoke("native", Map.of("code_url", codeUrl)).get("code_url");
    }

    /** What wx.requestPayment needs. */
    Map<String, String> invocation(Order order) {
        JsapiRequest request = JsapiRequest.builder()
                .description(ShopController.PRODUCT.name())
                .outTradeNo(order.id())
                .notifyUrl(address.of("/notify/wechat"))
                .amount(amount(order))
                .payer(Payer.builder().openid(OPENID).build())
                .build();
        return client.invoke(
                "jsapi", Map.of("prepay_id", pay.jsapi(request, traced()).prepayId()));
    }

    private static OrderAmount amount(Order order) {
        return OrderAmount.builder()
                .total(order.amountFen())
                .currency(Currency.CNY)
                .build();
    }

    private static CallOptions traced() {
        return CallOptions.builder().traceId(TraceFilter.current()).build();
    }

    @PostMapping("/notify/wechat")
    void receive(HttpServletRequest request, HttpServletResponse response) throws IOException {
        notifications.handle(request, response);
    }

    /** Called with verified notifications only. WeChat Pay repeats one until this returns, so it must be idempotent. */
    private void paid(Notification notification) {
        if (!notification.event().eventType().equals("TRANSACTION.SUCCESS")) {
            return; // a refund, say: acknowledged, this shop has no use for it
        }
        Transaction transaction = notification.as(Transaction.class);
        String id = transaction.outTradeNo();
        if (!TradeState.SUCCESS.equals(transaction.tradeState())) {
            throw new IllegalStateException(
                    "order " + id + " is " + transaction.tradeState() + " in an event of success");
        }
        orders.markPaid(
                id,
                transaction.transactionId(),
                transaction.successTime(),
                transaction.amount().total());
    }
}

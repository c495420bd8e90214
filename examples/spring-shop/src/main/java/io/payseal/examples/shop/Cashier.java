package io.payseal.examples.shop;

import io.payseal.CallOptions;
import io.payseal.PaysealClient;
import io.payseal.wechat.pay.Currency;
import io.payseal.wechat.pay.JsapiRequest;
import io.payseal.wechat.pay.NativeRequest;
import io.payseal.wechat.pay.OrderAmount;
import io.payseal.wechat.pay.PayService;
import io.payseal.wechat.pay.Payer;
import java.util.Map;
import org.slf4j.MDC;
import org.springframework.stereotype.Component;

/** Asks WeChat Pay to collect an order. mchid and appid come from the client's configuration. */
@Component
class Cashier {
    /** A mini-program learns its buyer's openid when the buyer logs in; this shop has one buyer. */
    private static final String OPENID = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o";

    private final PaysealClient client;
    private final PayService pay;
    private final Address address;

    Cashier(PaysealClient client, Address address) {
        this.client = client;
        this.pay = new PayService(client);
        this.address = address;
    }

    /** What the order's QR code says. */
    String codeUrl(Order order) {
        NativeRequest request = NativeRequest.builder()
                .description(ShopController.PRODUCT.name())
                .outTradeNo(order.id())
                .notifyUrl(address.notifyUrl())
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
                .notifyUrl(address.notifyUrl())
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
        return CallOptions.builder().traceId(MDC.get(TraceFilter.TRACE_ID)).build();
    }
}

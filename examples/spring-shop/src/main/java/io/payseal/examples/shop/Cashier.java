package io.payseal.examples.shop;

import com.fasterxml.jackson.databind.JsonNode;
import io.payseal.CallOptions;
import io.payseal.Params;
import io.payseal.PaysealClient;
import java.util.LinkedHashMap;
import java.util.Map;
import org.slf4j.MDC;
import org.springframework.stereotype.Component;

/** Asks WeChat Pay to collect an order. mchid and appid come from the client's configuration. */
@Component
class Cashier {
    /** A mini-program learns its buyer's openid when the buyer logs in; this shop has one buyer. */
    private static final String OPENID = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o";

    private final PaysealClient client;
    private final Address address;

    Cashier(PaysealClient client, Address address) {
        this.client = client;
        this.address = address;
    }

    /** What the order's QR code says. */
    String codeUrl(Order order) {
        JsonNode answer = send("POST /v3/pay/transactions/native", body(order));
        return client.invoke(
                        "native", Map.of("code_url", answer.path("code_url").asText()))
                .get("code_url");
    }

    /** What wx.requestPayment needs. */
    Map<String, String> invocation(Order order) {
        Map<String, Object> body = body(order);
        body.put("payer", Map.of("openid", OPENID));
        JsonNode answer = send("POST /v3/pay/transactions/jsapi", body);
        return client.invoke(
                "jsapi", Map.of("prepay_id", answer.path("prepay_id").asText()));
    }

    private JsonNode send(String operation, Map<String, Object> body) {
        CallOptions options =
                CallOptions.builder().traceId(MDC.get(TraceFilter.TRACE_ID)).build();
        return client.execute(
                        operation, Params.builder().body(body).options(options).build())
                .as(JsonNode.class);
    }

    private Map<String, Object> body(Order order) {
        Map<String, Object> body = new LinkedHashMap<>();
        body.put("description", ShopController.PRODUCT.name());
        body.put("out_trade_no", order.id());
        body.put("notify_url", address.notifyUrl());
        body.put("amount", Map.of("total", order.amountFen(), "currency", "CNY"));
        return body;
    }
}

package io.payseal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.payseal.testing.Orders;
import io.payseal.testing.Sandbox;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.http.HttpClient;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** WeChat Pay APIv2 against the sandbox: an order, its payment, a refund, and the notifications of both. */
class V2Test {
    @TempDir
    static Path folder;

    private static Sandbox sandbox;

    private final BlockingQueue<Notification> opened = new LinkedBlockingQueue<>();

    @BeforeAll
    static void start() {
        sandbox = Sandbox.start(folder);
    }

    @AfterAll
    static void stop() {
        sandbox.close();
    }

    @Test
    void from_order_to_refund_over_the_built_in_transport() throws Exception {
        try (PaysealClient client = PaysealClient.of(sandbox.configurationV2())) {
            from_order_to_refund(client);
        }
    }

    @Test
    void from_order_to_refund_over_an_http_client() throws Exception {
        try (PaysealClient client = PaysealClient.builder(sandbox.configurationV2())
                .httpClient(HttpClient.newHttpClient())
                .build()) {
            from_order_to_refund(client);
        }
    }

    private void from_order_to_refund(PaysealClient client) throws Exception {
        HttpServer shop = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        shop.createContext("/notify", exchange -> answer(client, exchange));
        shop.start();
        try {
            String number = Orders.number();
            JsonNode placed = ask(
                    client,
                    "POST /pay/unifiedorder",
                    Map.of(
                            "body", "一件",
                            "out_trade_no", number,
                            "total_fee", 100,
                            "spbill_create_ip", "127.0.0.1",
                            "trade_type", "NATIVE",
                            "product_id", "1",
                            "notify_url",
                                    "http://127.0.0.1:" + shop.getAddress().getPort() + "/notify"));
            assertTrue(placed.get("code_url").asText().startsWith("http"));
            sandbox.pay(number);
            Notification paid = opened.poll(20, TimeUnit.SECONDS);
            assertEquals("TRANSACTION.SUCCESS", paid.event().eventType());
            assertEquals("signed", paid.event().authenticity());
            assertEquals("100", paid.as(JsonNode.class).get("total_fee").asText());
            JsonNode found = ask(client, "POST /pay/orderquery", Map.of("out_trade_no", number));
            assertEquals("SUCCESS", found.get("trade_state").asText());

            Map<String, Object> refund =
                    Map.of("out_trade_no", number, "out_refund_no", "R" + number, "total_fee", 100, "refund_fee", 60);
            assertEquals(
                    "60",
                    ask(client, "POST /secapi/pay/refund", refund)
                            .get("refund_fee")
                            .asText());
            Event refunded = opened.poll(20, TimeUnit.SECONDS).event();
            assertEquals("REFUND.SUCCESS", refunded.eventType());
            assertEquals("encrypted_only", refunded.authenticity());
            JsonNode certain = ask(client, refunded.confirmWith(), Map.of("out_refund_no", "R" + number));
            assertEquals("SUCCESS", certain.get("refund_status_0").asText());
        } finally {
            shop.stop(0);
        }
    }

    private static JsonNode ask(PaysealClient client, String operation, Map<String, Object> body) {
        Result result = client.execute(operation, Params.ofBody(body));
        assertTrue(result.info().verified());
        return result.as(JsonNode.class);
    }

    /** Opens what nobody signed only after it was refused for that. */
    private void answer(PaysealClient client, HttpExchange exchange) throws IOException {
        byte[] body = exchange.getRequestBody().readAllBytes();
        Notification notification;
        try {
            notification = client.openNotification(exchange.getRequestHeaders(), body);
        } catch (TrustException refused) {
            assertEquals(ErrorCode.SIGNATURE_MISSING, refused.code());
            CallOptions accepting =
                    CallOptions.builder().acceptUnauthenticated().build();
            notification = client.openNotification(exchange.getRequestHeaders(), body, accepting);
        }
        Reply reply = client.acceptNotification();
        reply.headers().forEach(header -> exchange.getResponseHeaders().add(header.getKey(), header.getValue()));
        exchange.sendResponseHeaders(reply.status(), reply.body().length);
        exchange.getResponseBody().write(reply.body());
        exchange.close();
        opened.add(notification);
    }

    @Test
    void without_the_client_certificate_a_refund_is_not_sent() {
        Configuration bare = Configuration.wechatV2()
                .mchid("1900000109")
                .apiv2Key("k".repeat(32))
                .appid("wx1")
                .signType("MD5")
                .build();
        assertFalse(bare.toString().contains("kkk"));
        try (PaysealClient client = PaysealClient.of(bare)) {
            Params refund = Params.ofBody(
                    Map.of("out_trade_no", "order0001", "out_refund_no", "r1", "total_fee", 1, "refund_fee", 1));
            ConfigurationException refused =
                    assertThrows(ConfigurationException.class, () -> client.execute("POST /secapi/pay/refund", refund));
            assertEquals(Outcome.NOT_SENT, refused.outcome());
            assertEquals("client_certificate", refused.details().field());
        }
    }
}

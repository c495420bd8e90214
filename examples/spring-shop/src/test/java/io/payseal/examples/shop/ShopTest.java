package io.payseal.examples.shop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.payseal.testing.Sandbox;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.context.ConfigurableApplicationContext;

/** The shop as its page sees it, with the simulated WeChat Pay behind it. */
@Timeout(60)
class ShopTest {
    @TempDir
    static Path folder;

    private static final HttpClient HTTP = HttpClient.newHttpClient();

    private static Sandbox sandbox;
    private static ConfigurableApplicationContext shop;
    private static String address;

    @BeforeAll
    static void open() throws Exception {
        sandbox = Sandbox.start(folder);
        Path page = Files.createDirectory(folder.resolve("page"));
        Files.writeString(page.resolve("index.html"), "<!doctype html><title>shop</title>");
        shop = ShopApplication.start(
                Settings.of("--config", folder.resolve("config.json").toString(), "--page", page.toString()));
        address = "http://127.0.0.1:" + shop.getEnvironment().getProperty("local.server.port");
    }

    @AfterAll
    static void close() {
        shop.close();
        sandbox.close();
    }

    private record Reply(int status, String type, String text) {
        JsonNode json() throws Exception {
            return new ObjectMapper().readTree(text);
        }
    }

    private static Reply send(HttpRequest.Builder request) throws Exception {
        HttpResponse<String> answer = HTTP.send(request.build(), HttpResponse.BodyHandlers.ofString());
        return new Reply(
                answer.statusCode(), answer.headers().firstValue("Content-Type").orElse(""), answer.body());
    }

    private static Reply get(String path) throws Exception {
        return send(HttpRequest.newBuilder(URI.create(address + path)));
    }

    private static Reply post(String path, String json) throws Exception {
        return send(HttpRequest.newBuilder(URI.create(address + path))
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(json)));
    }

    @Test
    void the_page_and_the_product_are_there() throws Exception {
        assertTrue(get("/").text().contains("<title>shop</title>"));
        JsonNode product = get("/api/product").json();
        assertEquals(1, product.path("price_fen").asInt());
        assertEquals(sandbox.address(), product.path("sandbox").asText());
    }

    @Test
    void an_order_is_paid_when_the_provider_says_so() throws Exception {
        Reply created = post("/api/orders", "{\"method\":\"native\"}");
        assertEquals(201, created.status(), created.text());
        String id = created.json().path("id").asText();
        assertEquals("paying", created.json().path("state").asText());
        assertTrue(created.json().path("code_url").asText().startsWith(sandbox.address()));
        Reply qr = get("/api/orders/" + id + "/qr");
        assertTrue(qr.type().startsWith("image/svg+xml"), qr.type());
        assertTrue(qr.text().startsWith("<svg"));
        assertEquals("paying", get("/api/orders/" + id).json().path("state").asText());

        sandbox.pay(id);
        JsonNode order = get("/api/orders/" + id).json();
        for (int i = 0; i < 200 && !order.path("state").asText().equals("paid"); i++) {
            Thread.sleep(50);
            order = get("/api/orders/" + id).json();
        }
        assertEquals("paid", order.path("state").asText());
        assertEquals(
                sandbox.order(id).path("transaction_id").asText(),
                order.path("transaction_id").asText());
        String paidAt = order.path("paid_at").asText();

        // The same notification once more changes nothing and is acknowledged.
        JsonNode again =
                sandbox.resend(sandbox.notifications(id).path(0).path("id").asText());
        assertTrue(again.toString().contains("200") || again.toString().contains("204"), again.toString());
        assertEquals(paidAt, get("/api/orders/" + id).json().path("paid_at").asText());
    }

    @Test
    void the_mini_program_gets_what_it_needs_to_call_the_cashier() throws Exception {
        JsonNode order = post("/api/orders", "{\"method\":\"jsapi\"}").json();
        assertTrue(order.path("code_url").isNull());
        assertTrue(order.path("invoke").path("package").asText().startsWith("prepay_id="));
        assertEquals("RSA", order.path("invoke").path("signType").asText());
        assertEquals(
                404, get("/api/orders/" + order.path("id").asText() + "/qr").status());
    }

    @Test
    void wrong_requests_get_a_clear_answer() throws Exception {
        for (String body : new String[] {"{\"method\":\"cash\"}", "{}", "", "[", "{\"method\":null}"}) {
            Reply refused = post("/api/orders", body);
            assertEquals(400, refused.status(), body);
            assertTrue(refused.json().has("error"));
        }
        assertEquals(404, get("/api/orders/nobody").status());
        assertEquals(404, get("/api/orders/nobody/qr").status());
    }

    @Test
    void an_order_that_the_provider_does_not_take_says_what_it_means_for_the_money() throws Exception {
        sandbox.fault(Map.of("fault", "unsigned", "target", "POST /v3/pay/transactions/native"));
        Reply refused = post("/api/orders", "{\"method\":\"native\"}");
        assertEquals(502, refused.status());
        assertEquals("unknown", refused.json().path("outcome").asText());
        assertTrue(refused.json().has("error"));
    }

    @Test
    void a_forged_notification_pays_nothing() throws Exception {
        String id =
                post("/api/orders", "{\"method\":\"native\"}").json().path("id").asText();
        Reply refused = post("/notify/wechat", "{\"out_trade_no\":\"" + id + "\"}");
        assertEquals(401, refused.status());
        assertEquals("paying", get("/api/orders/" + id).json().path("state").asText());
    }

    @Test
    void metrics_are_prometheus_text() throws Exception {
        post("/api/orders", "{\"method\":\"native\"}");
        Reply metrics = get("/metrics");
        assertTrue(metrics.type().replace(" ", "").startsWith("text/plain;version=0.0.4"), metrics.type());
        assertTrue(metrics.text().contains("payseal_requests_total{"));
    }
}

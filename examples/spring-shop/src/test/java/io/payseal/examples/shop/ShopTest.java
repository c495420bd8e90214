package io.payseal.examples.shop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.payseal.Configuration;
import io.payseal.PaysealClient;
import io.payseal.alipay.trade.PrecreateRequest;
import io.payseal.alipay.trade.TradeService;
import io.payseal.testing.Sandbox;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.context.ConfigurableApplicationContext;

/** The shop as its page sees it, with the simulated WeChat Pay and Alipay behind it. */
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
        Files.writeString(
                Files.createDirectory(page.resolve("operator")).resolve("index.html"),
                "<!doctype html><title>operator</title>");
        shop = ShopApplication.start(Settings.of(
                "sqlite:" + folder.resolve("shop.db"),
                List.of(
                        "--wechat", folder.resolve("config.json").toString(),
                        "--alipay", folder.resolve("config-alipay.json").toString(),
                        "--page", page.toString())));
        address = "http://127.0.0.1:" + shop.getEnvironment().getProperty("local.server.port");
    }

    @AfterAll
    static void close() {
        shop.close();
        sandbox.close();
    }

    private record Reply(int status, String type, String location, String text) {
        JsonNode json() throws Exception {
            return new ObjectMapper().readTree(text);
        }
    }

    private static Reply send(HttpRequest.Builder request) throws Exception {
        HttpResponse<String> answer = HTTP.send(request.build(), HttpResponse.BodyHandlers.ofString());
        return new Reply(
                answer.statusCode(),
                answer.headers().firstValue("Content-Type").orElse(""),
                answer.headers().firstValue("Location").orElse(""),
                answer.body());
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
        assertTrue(get("/operator/").text().contains("<title>operator</title>"));
        assertEquals(302, get("/operator").status());
        JsonNode product = get("/api/product").json();
        assertEquals(1, product.path("price_fen").asInt());
        assertEquals(sandbox.address(), product.path("sandbox").asText());
    }

    @ParameterizedTest
    @ValueSource(strings = {"native", "precreate"})
    void an_order_is_paid_when_the_provider_says_so(String method) throws Exception {
        Reply created = order(method);
        assertEquals(201, created.status(), created.text());
        String id = number(created);
        assertEquals("paying", created.json().path("order").path("state").asText());
        assertEquals("qr", created.json().path("client").path("kind").asText());
        assertTrue(created.json().path("client").path("code_url").asText().startsWith(sandbox.address()));
        Reply qr = get("/api/orders/" + id + "/qr");
        assertTrue(qr.type().startsWith("image/svg+xml"), qr.type());
        assertTrue(qr.text().startsWith("<svg"));
        assertEquals("paying", state(id));

        sandbox.pay(id);
        JsonNode order = until(id, "paid");
        assertEquals(
                sandbox.order(id).path("transaction_id").asText(),
                order.path("transaction_id").asText());
        long paidAt = order.path("paid_ms").asLong();
        assertTrue(paidAt > 0);
        assertEquals("notification", lastSource(id));

        // The same notification once more changes nothing and is acknowledged.
        assertEquals(2, toldAgain(id).path("status").asInt() / 100);
        assertEquals(paidAt, shown(id).path("paid_ms").asLong());
    }

    @Test
    void the_mini_program_gets_what_it_needs_to_call_the_cashier() throws Exception {
        Reply created = order("jsapi");
        JsonNode client = created.json().path("client");
        assertEquals("invoke", client.path("kind").asText());
        assertTrue(client.path("params").path("package").asText().startsWith("prepay_id="));
        assertEquals("RSA", client.path("params").path("signType").asText());
        assertEquals(404, get("/api/orders/" + number(created) + "/qr").status());
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
        Reply refused = order("native");
        assertEquals(502, refused.status());
        assertEquals("UNKNOWN", refused.json().path("outcome").asText());
        assertTrue(refused.json().has("error"));
    }

    @Test
    void a_forged_notification_pays_nothing() throws Exception {
        String id = number(order("native"));
        Reply refused = post("/notify/wechat", "{\"out_trade_no\":\"" + id + "\"}");
        assertEquals(401, refused.status());
        assertEquals("paying", state(id));
    }

    @Test
    void a_notification_of_alipay_whose_order_was_changed_pays_nothing() throws Exception {
        String paid = number(order("precreate"));
        String unpaid = number(order("precreate"));
        sandbox.pay(paid);
        assertEquals("success", toldAgain(paid).path("answer").asText());
        String forged = told(paid).replace(paid, unpaid);
        assertTrue(forged.contains(unpaid));
        Reply refused = send(HttpRequest.newBuilder(URI.create(address + "/notify/alipay"))
                .header("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
                .POST(HttpRequest.BodyPublishers.ofString(forged)));
        assertEquals("fail", refused.text());
        assertEquals("paying", state(unpaid));
    }

    @Test
    void a_genuine_notification_of_another_amount_is_for_a_person_to_resolve() throws Exception {
        String id = number(order("page")); // signed, and at Alipay only when the buyer comes
        try (PaysealClient client = PaysealClient.of(Configuration.fromFile(folder.resolve("config-alipay.json")))) {
            PrecreateRequest dearer = PrecreateRequest.builder()
                    .outTradeNo(id)
                    .totalAmount("0.02")
                    .subject("tea")
                    .build();
            new TradeService(client).precreate(dearer, address + "/notify/alipay", null, null);
        }
        sandbox.pay(id);
        until(id, "exception");
        JsonNode exception = exceptionOf(id);
        assertEquals("amount_mismatch", exception.path("kind").asText());
        assertEquals(2, exception.path("evidence").path("fact").path("amount").asInt());
        String resolve = "/api/operator/exceptions/" + exception.path("id").asLong() + "/resolve";
        for (String wrong : new String[] {"", "{}", "[]", "{\"note\":\"x\",\"state\":\"rich\"}", "{\"note\":1}"}) {
            assertEquals(400, post(resolve, wrong).status(), wrong);
        }
        Reply resolved = post(resolve, "{\"note\":\"given back by hand\",\"state\":\"closed\"}");
        assertEquals(200, resolved.status(), resolved.text());
        assertEquals("closed", state(id));
        assertEquals(409, post(resolve, "{\"note\":\"once more\"}").status());
    }

    @ParameterizedTest
    @ValueSource(strings = {"native", "precreate"})
    void the_operator_gives_money_back(String method) throws Exception {
        String id = number(order(method));
        String refund = "/api/operator/orders/" + id + "/refund";
        assertEquals(409, post(refund, "{}").status());
        sandbox.pay(id);
        until(id, "paid");
        for (String wrong :
                new String[] {"", "{\"amount\":\"1\"}", "{\"amount\":0.5}", "{\"amount\":0}", "{\"amount\":-1}"}) {
            assertEquals(400, post(refund, wrong).status(), wrong);
        }
        assertEquals(409, post(refund, "{\"amount\":2}").status());
        Reply given = post(refund, "{}");
        assertEquals(200, given.status(), given.text());
        until(id, "refunded");
        JsonNode refunds = file(id).path("refunds");
        assertEquals(1, refunds.size());
        assertEquals("succeeded", refunds.path(0).path("state").asText());
        assertTrue(post(refund, "{}").status() >= 400);
    }

    @Test
    void the_operator_finds_orders() throws Exception {
        String older = number(order("native"));
        String newer = number(order("jsapi"));
        JsonNode newest = get("/api/operator/orders?state=paying").json().path("orders");
        assertEquals(newer, newest.path(0).path("order_no").asText());
        assertEquals(older, newest.path(1).path("order_no").asText());
        long created = newest.path(0).path("created_ms").asLong();
        Reply earlier = get("/api/operator/orders?before_ms=" + created);
        assertTrue(earlier.text().contains(older) && !earlier.text().contains(newer), earlier.text());
        JsonNode stats = get("/api/operator/stats").json();
        assertTrue(stats.path("orders").path("paying").asInt() >= 2, stats.toString());
        assertEquals(0, get("/api/operator/dead-letters").json().path("dead").size());
        assertEquals(400, get("/api/operator/orders?before_ms=x").status());
        assertEquals(400, get("/api/operator/orders?state=lost").status());
        assertEquals(404, get("/api/operator/orders/nobody").status());
        assertEquals(
                404,
                post("/api/operator/exceptions/7777/resolve", "{\"note\":\"x\"}")
                        .status());
        assertEquals(400, post("/api/operator/dead-letters/x/redrive", "{}").status());
    }

    @Test
    void a_buyer_who_comes_back_makes_the_shop_ask() throws Exception {
        Reply created = order("page");
        String id = number(created);
        JsonNode client = created.json().path("client");
        assertEquals("redirect", client.path("kind").asText());
        String cashier = open(client.path("url").asText());
        sandbox.fault(Map.of("fault", "reset_before", "target", "notification", "out_trade_no", id, "times", 0));
        sandbox.pay(id);
        JsonNode page =
                send(HttpRequest.newBuilder(URI.create(cashier + "/state"))).json();
        String back = page.path("return_url").asText();

        Reply forged = send(HttpRequest.newBuilder(URI.create(back.replace("total_amount=0.01", "total_amount=0.02"))));
        assertEquals(400, forged.status(), forged.text());
        assertEquals("paying", state(id));

        Reply returned = send(HttpRequest.newBuilder(URI.create(back)));
        assertEquals(303, returned.status(), returned.text());
        assertEquals("/?order=" + id, returned.location());
        JsonNode paid = shown(id);
        assertEquals("paid", paid.path("state").asText());
        assertEquals("query", lastSource(id));
        assertEquals(
                page.path("transaction_id").asText(),
                paid.path("transaction_id").asText());
    }

    @Test
    void a_buyer_who_comes_back_from_nowhere_is_refused() throws Exception {
        assertEquals(400, get("/return/alipay").status());
        assertEquals(400, get("/return/alipay?out_trade_no=1").status());
    }

    /** Opens Alipay's page as the buyer's browser does; where that ends. */
    private static String open(String payUrl) throws Exception {
        URI at = URI.create(payUrl);
        for (int redirects = 0; redirects < 5; redirects++) {
            Reply answer = send(HttpRequest.newBuilder(at));
            if (answer.status() / 100 != 3) {
                return at.toString();
            }
            at = at.resolve(answer.location());
        }
        throw new AssertionError("redirected without end");
    }

    /** Lets the provider tell of an order once more; that attempt, with what the shop answers. */
    private static JsonNode toldAgain(String id) {
        JsonNode attempts = sandbox.resend(
                        sandbox.notifications(id).path(0).path("id").asText())
                .path("attempts");
        return attempts.path(attempts.size() - 1);
    }

    /** The form that Alipay sent of an order. */
    private static String told(String id) {
        for (JsonNode exchange : sandbox.exchanges()) {
            if (exchange.path("kind").asText().equals("notification")
                    && exchange.path("number").asText().equals(id)) {
                return exchange.path("body").asText();
            }
        }
        throw new AssertionError("nothing was told of order " + id);
    }

    private static Reply order(String method) throws Exception {
        return post("/api/orders", "{\"method\":\"" + method + "\"}");
    }

    private static String number(Reply created) throws Exception {
        return created.json().path("order").path("order_no").asText();
    }

    private static JsonNode shown(String id) throws Exception {
        return get("/api/orders/" + id).json().path("order");
    }

    private static String state(String id) throws Exception {
        return shown(id).path("state").asText();
    }

    /** All that the operator sees of an order. */
    private static JsonNode file(String id) throws Exception {
        return get("/api/operator/orders/" + id).json();
    }

    private static String lastSource(String id) throws Exception {
        JsonNode history = file(id).path("history");
        return history.path(history.size() - 1).path("source").asText();
    }

    private static JsonNode exceptionOf(String id) throws Exception {
        for (JsonNode exception : get("/api/operator/exceptions").json().path("exceptions")) {
            if (exception.path("order_no").asText().equals(id)) {
                return exception;
            }
        }
        throw new AssertionError("no exception of order " + id + " is open");
    }

    private static JsonNode until(String id, String state) throws Exception {
        JsonNode order = shown(id);
        for (int i = 0; i < 400 && !order.path("state").asText().equals(state); i++) {
            Thread.sleep(50);
            order = shown(id);
        }
        assertEquals(state, order.path("state").asText());
        return order;
    }

    @ParameterizedTest
    @ValueSource(strings = {"wechat", "alipay"})
    void metrics_are_prometheus_text(String provider) throws Exception {
        order(provider.equals("wechat") ? "native" : "precreate");
        Reply metrics = get("/metrics/" + provider);
        assertTrue(metrics.type().replace(" ", "").startsWith("text/plain;version=0.0.4"), metrics.type());
        assertTrue(metrics.text().contains("payseal_requests_total{provider=\"" + provider + "\""));
    }
}

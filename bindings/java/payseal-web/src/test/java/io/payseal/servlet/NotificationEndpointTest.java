package io.payseal.servlet;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.payseal.Notification;
import io.payseal.NotificationHandler;
import io.payseal.Params;
import io.payseal.PaysealClient;
import io.payseal.testing.Orders;
import io.payseal.testing.Platform;
import io.payseal.testing.Sandbox;
import io.payseal.web.Container;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A servlet in a real container, and a provider that calls it over HTTP. */
@Timeout(60)
class NotificationEndpointTest {
    private static final Platform PLATFORM = new Platform();

    @TempDir
    Path folder;

    private static Container container(PaysealClient client, NotificationHandler handler) {
        NotificationEndpoint endpoint = new NotificationEndpoint(client, handler);
        return new Container(new HttpServlet() {
            private static final long serialVersionUID = 1L;

            @Override
            protected void doPost(HttpServletRequest request, HttpServletResponse response) throws IOException {
                endpoint.handle(request, response);
            }
        });
    }

    @Test
    void a_genuine_notification_reaches_the_handler_and_is_acknowledged() {
        BlockingQueue<Notification> seen = new LinkedBlockingQueue<>();
        byte[] body = PLATFORM.paid("SERVLET2026");
        try (PaysealClient client = PaysealClient.of(PLATFORM.configuration().build());
                Container container = container(client, seen::add)) {
            HttpResponse<String> answer = container.post("/notify", PLATFORM.signed(body), body);
            assertTrue(answer.statusCode() == 200 || answer.statusCode() == 204);
            assertEquals(
                    "SERVLET2026",
                    seen.remove().as(JsonNode.class).path("out_trade_no").asText());
        }
    }

    @Test
    void a_forged_notification_is_refused_and_reaches_nobody() {
        byte[] body = PLATFORM.paid("SERVLET2026");
        Map<String, List<String>> headers = PLATFORM.signed(body);
        body[body.length - 3] ^= 1;
        try (PaysealClient client = PaysealClient.of(PLATFORM.configuration().build());
                Container container = container(client, notification -> {
                    throw new AssertionError("called");
                })) {
            HttpResponse<String> answer = container.post("/notify", headers, body);
            assertEquals(401, answer.statusCode());
            assertEquals(
                    "application/json",
                    answer.headers().firstValue("Content-Type").orElseThrow().split(";")[0]);
            assertTrue(answer.body().contains("\"FAIL\""), answer.body());
        }
    }

    /** The first value would be good: a helper that takes only the first of each would let it pass. */
    @Test
    void a_signature_that_is_there_twice_is_refused() {
        byte[] body = PLATFORM.paid("SERVLET2026");
        Map<String, List<String>> headers = PLATFORM.signed(body);
        headers.get("Wechatpay-Signature").add("AAAA");
        try (PaysealClient client = PaysealClient.of(PLATFORM.configuration().build());
                Container container = container(client, notification -> {
                    throw new AssertionError("called");
                })) {
            assertEquals(400, container.post("/notify", headers, body).statusCode());
        }
    }

    @Test
    void a_handler_that_fails_makes_the_provider_repeat_and_is_logged() {
        byte[] body = PLATFORM.paid("SERVLET2026");
        try (PaysealClient client = PaysealClient.of(PLATFORM.configuration().build());
                Container container = container(client, notification -> {
                    throw new IllegalStateException("the database is away");
                })) {
            HttpResponse<String> answer = container.post("/notify", PLATFORM.signed(body), body);
            assertEquals(500, answer.statusCode());
            assertTrue(answer.body().contains("\"FAIL\""), answer.body());
            assertFalse(answer.body().contains("database"), answer.body());
            assertTrue(container.log().contains("the database is away"), container.log());
        }
    }

    /** A container cannot write from an interrupted thread: its channel would be closed. */
    @Test
    void a_handler_that_is_interrupted_makes_the_provider_repeat_and_the_interrupt_stays_set() throws Exception {
        byte[] body = PLATFORM.paid("SERVLET2026");
        CompletableFuture<Boolean> interrupted = new CompletableFuture<>();
        try (PaysealClient client = PaysealClient.of(PLATFORM.configuration().build())) {
            NotificationEndpoint endpoint = new NotificationEndpoint(client, notification -> {
                throw new InterruptedException("stop");
            });
            HttpServlet servlet = new HttpServlet() {
                private static final long serialVersionUID = 1L;

                @Override
                protected void doPost(HttpServletRequest request, HttpServletResponse response) throws IOException {
                    endpoint.handle(request, response);
                    interrupted.complete(Thread.currentThread().isInterrupted());
                }
            };
            try (Container container = new Container(servlet)) {
                HttpResponse<String> answer = container.post("/notify", PLATFORM.signed(body), body);
                assertEquals(500, answer.statusCode());
                assertTrue(answer.body().contains("\"FAIL\""), answer.body());
                assertTrue(interrupted.get(20, TimeUnit.SECONDS), "the interrupt was lost");
            }
        }
    }

    @Test
    void a_body_without_end_is_not_read_to_its_end() {
        byte[] huge = new byte[4 * 1024 * 1024];
        try (PaysealClient client = PaysealClient.of(PLATFORM.configuration().build());
                Container container = container(client, notification -> {})) {
            int status = container.post("/notify", PLATFORM.signed(huge), huge).statusCode();
            assertTrue(status >= 400, () -> "answered " + status);
        }
    }

    @Test
    void a_payment_in_the_sandbox_arrives_and_repetitions_too() throws Exception {
        BlockingQueue<Notification> seen = new LinkedBlockingQueue<>();
        CompletableFuture<Void> failOnce = new CompletableFuture<>();
        try (Sandbox sandbox = Sandbox.start(folder);
                PaysealClient client = PaysealClient.of(sandbox.configuration());
                Container container = container(client, notification -> {
                    seen.add(notification);
                    if (failOnce.complete(null)) {
                        throw new IllegalStateException("not yet");
                    }
                })) {
            String number = Orders.number();
            client.execute(Orders.NATIVE, Params.ofBody(Orders.body(number, container.address() + "/notify")));
            sandbox.pay(number);
            Notification first = seen.poll(20, TimeUnit.SECONDS);
            Notification repeated = seen.poll(20, TimeUnit.SECONDS);
            assertEquals(first.event().id(), repeated.event().id());
            assertEquals(
                    number, repeated.as(JsonNode.class).path("out_trade_no").asText());
            assertEquals(
                    "SUCCESS", repeated.as(JsonNode.class).path("trade_state").asText());
        }
    }

    /** What the provider sends on purpose to see who checks. */
    @Test
    void what_the_sandbox_forges_reaches_nobody() throws Exception {
        BlockingQueue<Notification> seen = new LinkedBlockingQueue<>();
        try (Sandbox sandbox = Sandbox.start(folder);
                PaysealClient client = PaysealClient.of(sandbox.configuration());
                Container container = container(client, seen::add)) {
            for (String fault : List.of(
                    "signtest",
                    "wrong_signature",
                    "unknown_serial",
                    "stale_time",
                    "unsigned",
                    "duplicate_signature",
                    "wrong_key")) {
                String number = Orders.number();
                client.execute(Orders.NATIVE, Params.ofBody(Orders.body(number, container.address() + "/notify")));
                sandbox.fault(Map.of("fault", fault, "target", "notification", "out_trade_no", number));
                sandbox.pay(number);
                // The forged one is refused; the provider repeats, and the genuine one arrives.
                Notification genuine = seen.poll(20, TimeUnit.SECONDS);
                assertEquals(
                        number, genuine.as(JsonNode.class).path("out_trade_no").asText(), fault);
                assertEquals(
                        1,
                        container.statuses().stream()
                                .filter(status -> status >= 400)
                                .count(),
                        fault);
                container.statuses().clear();
            }
        }
    }
}

package io.payseal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.payseal.testing.Loopback;
import io.payseal.testing.Orders;
import io.payseal.testing.Platform;
import io.payseal.testing.Transport;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.http.HttpClient;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** What goes wrong below HTTP, and what both transports make of it. */
@Timeout(120)
class TransportTest {
    private static final Platform PLATFORM = new Platform();
    private static final byte[] ANSWER =
            "{\"code_url\":\"weixin://wxpay/bizpayurl?pr=x\"}".getBytes(StandardCharsets.UTF_8);

    private static Configuration configuration(String host) {
        return PLATFORM.configuration().hosts(List.of(host)).build();
    }

    private static PaysealException failure(Transport transport, Configuration configuration) {
        try (PaysealClient client = transport.client(configuration)) {
            return assertThrows(
                    PaysealException.class, () -> client.execute(Orders.NATIVE, Orders.once(Orders.number())));
        }
    }

    @ParameterizedTest
    @EnumSource
    void a_proper_answer_is_handed_out_byte_for_byte(Transport transport) {
        try (Loopback server =
                        new Loopback((request, to) -> Loopback.respond(to, 200, PLATFORM.signed(ANSWER), ANSWER));
                PaysealClient client = transport.client(configuration(server.address()))) {
            Result result = client.execute(Orders.NATIVE, Orders.order(Orders.number()));
            assertEquals(new String(ANSWER, StandardCharsets.UTF_8), result.text());
            assertEquals(Platform.KEY_ID, result.info().serial());
            Loopback.Request sent = server.requests.get(0);
            assertEquals("POST", sent.method());
            assertEquals("/v3/pay/transactions/native", sent.target());
            assertEquals("application/json", sent.header("Accept"));
            assertEquals("application/json", sent.header("Content-Type"));
            assertNotNull(sent.header("User-Agent"));
            assertEquals(Platform.KEY_ID, sent.header("Wechatpay-Serial"));
        }
    }

    @ParameterizedTest
    @EnumSource
    void nobody_listening_is_not_sent(Transport transport) throws IOException {
        int port;
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = free.getLocalPort();
        }
        PaysealException error = failure(transport, configuration("http://127.0.0.1:" + port));
        assertEquals(ErrorCode.CONNECT_FAILED, error.code());
        assertEquals(Outcome.NOT_SENT, error.outcome());
    }

    @ParameterizedTest
    @EnumSource
    void silence_ends_with_the_time_of_the_call(Transport transport) {
        CountDownLatch over = new CountDownLatch(1);
        try (Loopback server = new Loopback((request, to) -> over.await())) {
            Params params = Params.builder()
                    .body(Orders.body(Orders.number(), Orders.NOWHERE))
                    .options(
                            CallOptions.builder().timeout(Duration.ofSeconds(1)).build())
                    .build();
            try (PaysealClient client = transport.client(configuration(server.address()))) {
                PaysealException error =
                        assertThrows(PaysealException.class, () -> client.execute(Orders.NATIVE, params));
                assertEquals(ErrorCode.TIMEOUT, error.code(), error.toString());
                assertEquals(Outcome.UNKNOWN, error.outcome());
            }
        } finally {
            over.countDown();
        }
    }

    /** Headers come at once, the body never ends: the time of the call covers the body too. */
    @ParameterizedTest
    @EnumSource
    void a_dripping_body_ends_with_the_time_of_the_call(Transport transport) {
        CountDownLatch over = new CountDownLatch(1);
        try (Loopback server = new Loopback((request, to) -> {
            to.getOutputStream()
                    .write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{".getBytes(StandardCharsets.US_ASCII));
            over.await();
        })) {
            Params params = Params.builder()
                    .body(Orders.body(Orders.number(), Orders.NOWHERE))
                    .options(
                            CallOptions.builder().timeout(Duration.ofSeconds(1)).build())
                    .build();
            try (PaysealClient client = transport.client(configuration(server.address()))) {
                PaysealException error =
                        assertThrows(PaysealException.class, () -> client.execute(Orders.NATIVE, params));
                assertEquals(ErrorCode.TIMEOUT, error.code(), error.toString());
                assertEquals(Outcome.UNKNOWN, error.outcome());
            }
        } finally {
            over.countDown();
        }
    }

    static Stream<Arguments> brokenAnswers() {
        Map<String, Loopback.Behaviour> behaviours = Map.of(
                "a reset instead of an answer",
                (request, to) -> Loopback.reset(to),
                "the connection closed instead of an answer",
                (request, to) -> {},
                "a head cut short",
                (request, to) -> write(to, "HTTP/1.1 200 OK\r\nConte"),
                "a body cut short",
                (request, to) -> write(to, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"),
                "a chunked body cut short",
                (request, to) -> write(to, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"),
                "no HTTP at all",
                (request, to) -> write(to, "SSH-2.0-OpenSSH_9.9\r\n\r\n"));
        return Stream.of(Transport.values())
                .flatMap(transport -> behaviours.entrySet().stream()
                        .map(each -> Arguments.of(transport, each.getKey(), each.getValue())));
    }

    private static void write(Socket to, String text) throws IOException {
        to.getOutputStream().write(text.getBytes(StandardCharsets.US_ASCII));
        to.getOutputStream().flush();
    }

    @ParameterizedTest(name = "{0}: {1}")
    @MethodSource("brokenAnswers")
    void a_broken_answer_leaves_the_outcome_unknown(Transport transport, String what, Loopback.Behaviour behaviour) {
        try (Loopback server = new Loopback(behaviour)) {
            PaysealException error = failure(transport, configuration(server.address()));
            assertTrue(error instanceof TransportException, error.toString());
            assertEquals(Outcome.UNKNOWN, error.outcome());
            assertEquals(1, server.requests.size());
        }
    }

    @ParameterizedTest
    @EnumSource
    void an_endless_answer_is_cut_off(Transport transport) {
        try (Loopback server = new Loopback((request, to) -> {
            write(to, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
            byte[] chunk = new byte[64 * 1024];
            while (!to.isClosed()) {
                to.getOutputStream().write(chunk);
            }
        })) {
            Configuration configuration = PLATFORM.configuration()
                    .hosts(List.of(server.address()))
                    .maxResponseBytes(100_000)
                    .build();
            PaysealException error = failure(transport, configuration);
            assertEquals(ErrorCode.RESPONSE_TOO_LARGE, error.code(), error.toString());
            assertEquals(Outcome.UNKNOWN, error.outcome());
        }
    }

    @ParameterizedTest
    @EnumSource
    void a_redirect_is_not_followed(Transport transport) {
        try (Loopback other = new Loopback((request, to) -> {});
                Loopback server = new Loopback((request, to) ->
                        Loopback.respond(to, 307, Map.of("Location", List.of(other.address() + "/")), new byte[0]))) {
            PaysealException error = failure(transport, configuration(server.address()));
            assertEquals(ErrorCode.RESPONSE_INVALID, error.code());
            assertTrue(other.requests.isEmpty());
        }
    }

    @Test
    void an_http_client_that_follows_redirects_is_refused() {
        HttpClient following = HttpClient.newBuilder()
                .followRedirects(HttpClient.Redirect.NORMAL)
                .build();
        PaysealClient.Builder builder =
                PaysealClient.builder(PLATFORM.configuration().build());
        assertThrows(IllegalArgumentException.class, () -> builder.httpClient(following));
    }

    /** An answer that comes too late must not become the next request's. */
    @ParameterizedTest
    @EnumSource
    void a_late_answer_is_never_the_next_ones(Transport transport) {
        CountDownLatch first = new CountDownLatch(1);
        try (Loopback server = new Loopback((request, to) -> {
                    String number = Json.read(request.body(), JsonNode.class)
                            .path("out_trade_no")
                            .asText();
                    if (number.startsWith("LATE")) {
                        first.await();
                    }
                    byte[] body = ("{\"code_url\":\"weixin://" + number + "\"}").getBytes(StandardCharsets.UTF_8);
                    Loopback.respond(to, 200, PLATFORM.signed(body), body);
                });
                PaysealClient client = transport.client(configuration(server.address()))) {
            Params late = Params.builder()
                    .body(Orders.body("LATE" + Orders.number(), Orders.NOWHERE))
                    .options(
                            CallOptions.builder().timeout(Duration.ofSeconds(1)).build())
                    .build();
            assertThrows(TransportException.class, () -> client.execute(Orders.NATIVE, late));
            first.countDown();
            for (int i = 0; i < 5; i++) {
                String number = Orders.number();
                assertEquals(
                        "weixin://" + number,
                        client.execute(Orders.NATIVE, Orders.order(number))
                                .as(JsonNode.class)
                                .path("code_url")
                                .asText());
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void a_host_that_is_down_is_passed_over(Transport transport) throws IOException {
        int port;
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = free.getLocalPort();
        }
        try (Loopback server =
                new Loopback((request, to) -> Loopback.respond(to, 200, PLATFORM.signed(ANSWER), ANSWER))) {
            Configuration configuration = PLATFORM.configuration()
                    .hosts(List.of("http://127.0.0.1:" + port, server.address()))
                    .retryBackoff(Duration.ofMillis(1), Duration.ofMillis(1))
                    .build();
            try (PaysealClient client = transport.client(configuration)) {
                ResultInfo info = client.execute(Orders.NATIVE, Orders.order(Orders.number()))
                        .info();
                assertEquals(2, info.attempts());
                assertEquals(server.address(), info.host());
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void a_host_that_fails_repeatedly_is_left_alone(Transport transport) throws IOException {
        try (Loopback server = new Loopback((request, to) -> Loopback.reset(to))) {
            Configuration configuration = PLATFORM.configuration()
                    .hosts(List.of(server.address()))
                    .circuitBreaker(2, Duration.ofMinutes(5))
                    .build();
            try (PaysealClient client = transport.client(configuration)) {
                for (int i = 0; i < 2; i++) {
                    assertThrows(
                            TransportException.class,
                            () -> client.execute(Orders.NATIVE, Orders.once(Orders.number())));
                }
                PaysealException error = assertThrows(
                        TransportException.class, () -> client.execute(Orders.NATIVE, Orders.once(Orders.number())));
                assertEquals(ErrorCode.CIRCUIT_OPEN, error.code());
                assertEquals(Outcome.NOT_SENT, error.outcome());
                assertEquals(2, server.requests.size());
            }
        }
    }
}

package io.payseal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.payseal.testing.Orders;
import io.payseal.testing.Sandbox;
import io.payseal.testing.Transport;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** What the simulated provider does wrong, and what the caller learns of it, whichever way the bytes travel. */
@Timeout(120)
class FaultsTest {
    @TempDir
    static Path folder;

    private static Sandbox sandbox;

    @BeforeAll
    static void start() {
        sandbox = Sandbox.start(folder);
    }

    @AfterAll
    static void stop() {
        sandbox.close();
    }

    static Stream<Arguments> faults() {
        Map<String, ErrorCode> faults = Map.ofEntries(
                Map.entry("reset_before", ErrorCode.CONNECTION_LOST),
                Map.entry("reset_after", ErrorCode.CONNECTION_LOST),
                Map.entry("html_500", ErrorCode.PROVIDER_UNAVAILABLE),
                Map.entry("html_502", ErrorCode.PROVIDER_UNAVAILABLE),
                Map.entry("system_error", ErrorCode.PROVIDER_UNAVAILABLE),
                Map.entry("rate_limit", ErrorCode.PROVIDER_RATE_LIMITED),
                Map.entry("redirect", ErrorCode.RESPONSE_INVALID),
                Map.entry("truncated_body", ErrorCode.CONNECTION_LOST),
                Map.entry("wrong_signature", ErrorCode.SIGNATURE_INVALID),
                Map.entry("unknown_serial", ErrorCode.UNKNOWN_SERIAL),
                Map.entry("stale_time", ErrorCode.CLOCK_SKEW),
                Map.entry("signtest", ErrorCode.SIGNATURE_PROBE),
                Map.entry("unsigned", ErrorCode.SIGNATURE_MISSING),
                Map.entry("duplicate_signature", ErrorCode.HEADER_INVALID));
        return Stream.of(Transport.values())
                .flatMap(transport -> faults.entrySet().stream()
                        .map(fault -> Arguments.of(transport, fault.getKey(), fault.getValue())));
    }

    /** In all of them bytes left and no verified answer came back. */
    @ParameterizedTest(name = "{0}: {1} is {2}")
    @MethodSource("faults")
    void every_fault_of_the_provider_has_its_code_and_an_unknown_outcome(
            Transport transport, String fault, ErrorCode code) {
        try (PaysealClient client = transport.client(sandbox.configuration())) {
            String number = Orders.number();
            sandbox.fault(Map.of("fault", fault, "out_trade_no", number));
            PaysealException error =
                    assertThrows(PaysealException.class, () -> client.execute(Orders.NATIVE, Orders.once(number)));
            assertEquals(code, error.code(), error.toString());
            assertEquals(Outcome.UNKNOWN, error.outcome(), error.toString());
            assertEquals(Orders.NATIVE, error.details().operation());
            assertEquals(1, error.details().attempts());
            assertEquals(sandbox.address(), error.details().host());
            // The same order, signed anew, is safe to send again.
            assertEquals(
                    200,
                    client.execute(Orders.NATIVE, Orders.once(number)).info().httpStatus());
        }
    }

    static Stream<Arguments> repeatable() {
        return Stream.of(Transport.values())
                .flatMap(transport -> Stream.of("reset_before", "reset_after", "html_502", "rate_limit", "signtest")
                        .map(fault -> Arguments.of(transport, fault)));
    }

    @ParameterizedTest(name = "{0}: {1}")
    @MethodSource("repeatable")
    void what_is_safe_to_repeat_is_repeated(Transport transport, String fault) {
        try (PaysealClient client = transport.client(sandbox.configuration())) {
            String number = Orders.number();
            sandbox.fault(Map.of("fault", fault, "out_trade_no", number));
            Result result = client.execute(Orders.NATIVE, Orders.order(number));
            assertEquals(2, result.info().attempts());
            assertTrue(result.info().verified());
            assertTrue(result.as(JsonNode.class).path("code_url").asText().startsWith(sandbox.address()));
        }
    }

    @ParameterizedTest
    @EnumSource
    void an_answer_that_comes_too_late_leaves_the_outcome_unknown(Transport transport) {
        try (PaysealClient client = transport.client(sandbox.configuration())) {
            String number = Orders.number();
            sandbox.fault(Map.of("fault", "delay", "ms", 600_000, "out_trade_no", number));
            Params params = Params.builder()
                    .body(Orders.body(number, Orders.NOWHERE))
                    .options(
                            CallOptions.builder().timeout(Duration.ofSeconds(1)).build())
                    .build();
            TransportException error =
                    assertThrows(TransportException.class, () -> client.execute(Orders.NATIVE, params));
            assertEquals(ErrorCode.TIMEOUT, error.code());
            assertEquals(Outcome.UNKNOWN, error.outcome());
            assertEquals("retry_same", error.details().advice());
        }
    }

    @ParameterizedTest
    @EnumSource
    void an_answer_about_another_order_is_refused(Transport transport) {
        try (PaysealClient client = transport.client(sandbox.configuration())) {
            String asked = Orders.number();
            client.execute(Orders.NATIVE, Orders.order(Orders.number()));
            client.execute(Orders.NATIVE, Orders.order(asked));
            sandbox.fault(Map.of("fault", "wrong_answer", "out_trade_no", asked));
            TrustException error =
                    assertThrows(TrustException.class, () -> client.execute(Orders.QUERY, Orders.query(asked)));
            assertEquals(ErrorCode.RESPONSE_MISMATCH, error.code());
        }
    }

    @ParameterizedTest
    @EnumSource
    void an_answer_that_says_something_else_than_expected_is_refused(Transport transport) {
        try (PaysealClient client = transport.client(sandbox.configuration())) {
            String number = Orders.number();
            client.execute(Orders.NATIVE, Orders.order(number));
            Params.Builder query = Params.builder().path("out_trade_no", number);
            CallOptions right = CallOptions.builder()
                    .expect("out_trade_no", number)
                    .expect("trade_state", "NOTPAY")
                    .build();
            assertEquals(
                    "NOTPAY",
                    client.execute(Orders.QUERY, query.options(right).build())
                            .as(JsonNode.class)
                            .path("trade_state")
                            .asText());
            CallOptions wrong =
                    CallOptions.builder().expect("trade_state", "SUCCESS").build();
            TrustException error = assertThrows(
                    TrustException.class,
                    () -> client.execute(Orders.QUERY, query.options(wrong).build()));
            assertEquals(ErrorCode.RESPONSE_MISMATCH, error.code());
            assertEquals("trade_state", error.details().field());
        }
    }

    @ParameterizedTest
    @EnumSource
    void a_verified_no_is_rejected_and_carries_the_providers_words(Transport transport) {
        try (PaysealClient client = transport.client(sandbox.configuration())) {
            ProviderException error = assertThrows(
                    ProviderException.class, () -> client.execute(Orders.QUERY, Orders.query("JAVANEVERORDERED")));
            assertEquals(ErrorCode.PROVIDER_REJECTED, error.code());
            assertEquals(Outcome.REJECTED, error.outcome());
            assertEquals(404, error.details().httpStatus());
            assertEquals(true, error.details().authenticated());
            assertEquals("ORDER_NOT_EXIST", error.details().providerCode());
            assertFalse(error.details().requestId().isEmpty());
            assertEquals("definite_failure", error.details().advice());
        }
    }

    @ParameterizedTest
    @EnumSource
    void an_answer_without_a_body_is_an_empty_result(Transport transport) {
        try (PaysealClient client = transport.client(sandbox.configuration())) {
            String number = Orders.number();
            client.execute(Orders.NATIVE, Orders.order(number));
            Result closed = client.execute(Orders.CLOSE, Orders.query(number));
            assertEquals(204, closed.info().httpStatus());
            assertEquals(0, closed.body().length);
        }
    }

    @ParameterizedTest
    @EnumSource
    void certificates_are_fetched_when_there_are_none(Transport transport) {
        try (PaysealClient client = transport.client(sandbox.configurationWithoutKeys())) {
            ResultInfo info =
                    client.execute(Orders.NATIVE, Orders.order(Orders.number())).info();
            assertTrue(info.verified());
            assertEquals(1, info.attempts());
        }
    }

    /** Two fetches are at least a second apart here, so the new certificate may be unknown for that long. */
    @ParameterizedTest
    @EnumSource
    void a_rotated_certificate_is_fetched(Transport transport) throws InterruptedException {
        try (PaysealClient client = transport.client(sandbox.configurationWithoutKeys(1))) {
            String before = client.execute(Orders.NATIVE, Orders.order(Orders.number()))
                    .info()
                    .serial();
            String rotated = sandbox.rotateCertificate().path("serial").asText();
            assertNotEquals(before, rotated);
            assertEquals(rotated, serialOfNextAnswer(client));
        }
    }

    private static String serialOfNextAnswer(PaysealClient client) throws InterruptedException {
        for (int i = 0; i < 100; i++) {
            try {
                return client.execute(Orders.NATIVE, Orders.order(Orders.number()))
                        .info()
                        .serial();
            } catch (TrustException e) {
                assertEquals(ErrorCode.UNKNOWN_SERIAL, e.code());
                Thread.sleep(100);
            }
        }
        throw new AssertionError("the certificate was not fetched within ten seconds");
    }

    @ParameterizedTest
    @EnumSource
    void malformed_parameters_never_leave_the_machine(Transport transport) {
        try (PaysealClient client = transport.client(sandbox.configuration())) {
            Map<String, Object> body = Orders.body(Orders.number(), Orders.NOWHERE);
            body.put("amount", Map.of("total", 1.5));
            ArgumentException error =
                    assertThrows(ArgumentException.class, () -> client.execute(Orders.NATIVE, Params.ofBody(body)));
            assertEquals(ErrorCode.PARAMS_INVALID, error.code());
            assertEquals(Outcome.NOT_SENT, error.outcome());
            assertEquals("body.amount.total", error.details().field());
        }
    }
}

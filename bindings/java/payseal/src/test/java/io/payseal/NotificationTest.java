package io.payseal;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.payseal.testing.Platform;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Notifications that were made with the Java Cryptography Architecture, and what an attacker would make of them. */
class NotificationTest {
    private static final Platform PLATFORM = new Platform();
    private static final byte[] BODY = PLATFORM.paid("ORDER20260102");

    private static PaysealClient client;

    @BeforeAll
    static void open() {
        client = PaysealClient.of(PLATFORM.configuration().build());
    }

    @AfterAll
    static void close() {
        client.close();
    }

    private static TrustException refused(Map<String, List<String>> headers, byte[] body) {
        TrustException error = assertThrows(TrustException.class, () -> client.openNotification(headers, body));
        assertEquals(Outcome.UNAUTHENTIC, error.outcome(), error.toString());
        return error;
    }

    @Test
    void a_genuine_notification_is_opened() {
        Notification notification = client.openNotification(PLATFORM.signed(BODY), BODY);
        Event event = notification.event();
        assertEquals("TRANSACTION.SUCCESS", event.eventType());
        assertEquals("transaction", event.originalType());
        assertEquals(Platform.KEY_ID, event.serial());
        assertEquals(Platform.MCHID, event.merchant());
        assertFalse(event.replay());
        JsonNode transaction = notification.as(JsonNode.class);
        assertEquals("ORDER20260102", transaction.path("out_trade_no").asText());
        assertEquals(1, transaction.path("amount").path("total").asInt());
        assertArrayEquals(notification.plaintext(), notification.text().getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void header_names_are_read_in_any_case() {
        Map<String, List<String>> lower = new java.util.TreeMap<>();
        PLATFORM.signed(BODY).forEach((name, values) -> lower.put(name.toLowerCase(java.util.Locale.ROOT), values));
        assertEquals(
                "TRANSACTION.SUCCESS",
                client.openNotification(lower, BODY).event().eventType());
    }

    // ---- A: the signature ----

    @ParameterizedTest
    @ValueSource(strings = {"Wechatpay-Signature", "Wechatpay-Serial", "Wechatpay-Nonce", "Wechatpay-Timestamp"})
    void an_unsigned_notification_is_refused(String missing) {
        Map<String, List<String>> headers = PLATFORM.signed(BODY);
        headers.remove(missing);
        refused(headers, BODY);
        Map<String, List<String>> empty = PLATFORM.signed(BODY);
        empty.put(missing, List.of(""));
        refused(empty, BODY);
    }

    @Test
    void every_prefix_of_a_good_signature_is_refused() {
        Map<String, List<String>> headers = PLATFORM.signed(BODY);
        String good = headers.get("Wechatpay-Signature").get(0);
        for (int length = 0; length < good.length(); length++) {
            headers.put("Wechatpay-Signature", List.of(good.substring(0, length)));
            refused(headers, BODY);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {" ", "\t", "=", "A", "QQ=="})
    void lenient_base64_is_refused(String appended) {
        Map<String, List<String>> headers = PLATFORM.signed(BODY);
        String good = headers.get("Wechatpay-Signature").get(0);
        headers.put("Wechatpay-Signature", List.of(good.substring(0, 100) + appended + good.substring(100)));
        refused(headers, BODY);
    }

    @Test
    void url_safe_base64_is_refused() {
        for (int i = 0; i < 20; i++) {
            Map<String, List<String>> headers = PLATFORM.signed(BODY);
            byte[] signature = Base64.getDecoder()
                    .decode(headers.get("Wechatpay-Signature").get(0));
            String urlSafe = Base64.getUrlEncoder().encodeToString(signature);
            if (!urlSafe.equals(Base64.getEncoder().encodeToString(signature))) {
                headers.put("Wechatpay-Signature", List.of(urlSafe));
                refused(headers, BODY);
                return;
            }
        }
        throw new AssertionError("no signature with a + or / in twenty");
    }

    @Test
    void a_changed_body_is_refused() {
        Map<String, List<String>> headers = PLATFORM.signed(BODY);
        for (int i = 0; i < BODY.length; i += 17) {
            byte[] changed = BODY.clone();
            changed[i] ^= 1;
            assertEquals(ErrorCode.SIGNATURE_INVALID, refused(headers, changed).code());
        }
        assertEquals(ErrorCode.SIGNATURE_INVALID, refused(headers, new byte[0]).code());
    }

    /** What a framework that parses and prints bodies does to them. */
    @Test
    void a_body_that_was_parsed_and_printed_again_is_refused() throws Exception {
        JsonNode parsed = Json.MAPPER.readTree(BODY);
        byte[] printed = Json.MAPPER.writerWithDefaultPrettyPrinter().writeValueAsBytes(parsed);
        assertEquals(
                ErrorCode.SIGNATURE_INVALID,
                refused(PLATFORM.signed(BODY), printed).code());
    }

    @ParameterizedTest
    @ValueSource(strings = {"Wechatpay-Signature", "Wechatpay-Serial", "Wechatpay-Nonce", "Wechatpay-Timestamp"})
    void a_header_that_is_there_twice_is_refused(String twice) {
        Map<String, List<String>> headers = PLATFORM.signed(BODY);
        String value = headers.get(twice).get(0);
        headers.put(twice, List.of(value, value));
        assertEquals(ErrorCode.HEADER_INVALID, refused(headers, BODY).code());
    }

    @ParameterizedTest
    @CsvSource({"WECHATPAY2-SM2-WITH-SM3", "WECHATPAY2-SHA1-RSA2048", "none", "''"})
    void an_algorithm_that_the_message_chooses_is_refused(String type) {
        Map<String, List<String>> headers = PLATFORM.signed(BODY);
        headers.put("Wechatpay-Signature-Type", List.of(type));
        assertEquals(ErrorCode.ALGORITHM_MISMATCH, refused(headers, BODY).code());
    }

    @Test
    void a_probe_is_refused_as_a_probe() {
        Map<String, List<String>> headers = PLATFORM.signed(BODY);
        headers.put("Wechatpay-Signature", List.of("WECHATPAY/SIGNTEST/" + "A".repeat(325)));
        assertEquals(ErrorCode.SIGNATURE_PROBE, refused(headers, BODY).code());
    }

    // ---- B: keys ----

    @Test
    void an_unknown_serial_is_refused_without_trying_other_keys() {
        Map<String, List<String>> headers = PLATFORM.signed(BODY);
        headers.put("Wechatpay-Serial", List.of("5157F09EFDC096DE15EBE81A47057A7232F1B8E1"));
        assertEquals(ErrorCode.UNKNOWN_SERIAL, refused(headers, BODY).code());
    }

    @Test
    void a_notification_of_another_platform_is_refused() {
        Platform other = new Platform();
        byte[] body = other.paid("ORDER20260102");
        assertEquals(
                ErrorCode.SIGNATURE_INVALID, refused(other.signed(body), body).code());
    }

    // ---- C: time ----

    @ParameterizedTest
    @ValueSource(longs = {-301, 301, -86_400, 86_400})
    void a_stale_or_early_notification_is_refused_with_the_skew(long seconds) {
        Instant now = Instant.parse("2026-01-02T03:04:05Z");
        try (PaysealClient fixed = PaysealClient.builder(
                        PLATFORM.configuration().build())
                .clock(Clock.fixed(now, ZoneOffset.UTC))
                .build()) {
            long then = now.getEpochSecond() + seconds;
            TrustException error =
                    assertThrows(TrustException.class, () -> fixed.openNotification(PLATFORM.signed(BODY, then), BODY));
            assertEquals(ErrorCode.CLOCK_SKEW, error.code());
            assertEquals(seconds, error.details().skewSeconds());
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {-300, 0, 300})
    void the_window_is_five_minutes_both_ways(long seconds) {
        Instant now = Instant.parse("2026-01-02T03:04:05Z");
        try (PaysealClient fixed = PaysealClient.builder(
                        PLATFORM.configuration().build())
                .clock(InstantSource.fixed(now))
                .build()) {
            fixed.openNotification(PLATFORM.signed(BODY, now.getEpochSecond() + seconds), BODY);
        }
    }

    /** Each is signed as it stands and means a good time to a lenient reader. */
    @ParameterizedTest
    @ValueSource(strings = {"+%d", "0%d", "%d.0", "%de0", "0x%x", "%d0000000000", "-%d", "%d,%d", "%d "})
    void a_time_in_another_form_is_refused(String form) {
        long now = Instant.now().getEpochSecond();
        refused(PLATFORM.signed(BODY, String.format(form, now, now)), BODY);
    }

    @Test
    void a_time_in_other_digits_is_refused() {
        StringBuilder arabic = new StringBuilder();
        Long.toString(Instant.now().getEpochSecond())
                .chars()
                .forEach(digit -> arabic.append((char) (digit - '0' + '\u0660')));
        refused(PLATFORM.signed(BODY, arabic.toString()), BODY);
    }

    @Test
    void a_repeated_notification_is_marked_by_the_replay_guard() {
        try (PaysealClient guarded =
                PaysealClient.of(PLATFORM.configuration().replayGuard(100).build())) {
            Map<String, List<String>> headers = PLATFORM.signed(BODY);
            assertFalse(guarded.openNotification(headers, BODY).event().replay());
            assertTrue(guarded.openNotification(headers, BODY).event().replay());
            assertFalse(guarded.openNotification(PLATFORM.signed(BODY), BODY)
                    .event()
                    .replay());
        }
    }

    // ---- content ----

    @Test
    void a_notification_that_says_something_else_than_expected_is_refused() {
        CallOptions expected = CallOptions.builder()
                .expect("out_trade_no", "ORDER20260102")
                .expect("amount.total", 1)
                .build();
        client.openNotification(PLATFORM.signed(BODY), BODY, expected);
        CallOptions dearer = CallOptions.builder().expect("amount.total", 2).build();
        TrustException error =
                assertThrows(TrustException.class, () -> client.openNotification(PLATFORM.signed(BODY), BODY, dearer));
        assertEquals(ErrorCode.RESPONSE_MISMATCH, error.code());
        assertEquals("amount.total", error.details().field());
    }

    @Test
    void a_genuine_notification_sealed_with_another_key_cannot_be_decrypted() {
        try (PaysealClient other = PaysealClient.of(PLATFORM.configuration()
                .apiv3Key("0123456789abcdef0123456789abcdef")
                .build())) {
            TrustException error =
                    assertThrows(TrustException.class, () -> other.openNotification(PLATFORM.signed(BODY), BODY));
            assertEquals(ErrorCode.DECRYPTION_FAILED, error.code());
        }
    }

    @Test
    void the_previous_key_still_opens_while_it_is_replaced() {
        try (PaysealClient rotating = PaysealClient.of(PLATFORM.configuration()
                .apiv3Key("0123456789abcdef0123456789abcdef")
                .previousApiv3Key(Platform.APIV3_KEY)
                .build())) {
            rotating.openNotification(PLATFORM.signed(BODY), BODY);
        }
    }

    @Test
    void a_line_break_in_a_header_is_refused() {
        Map<String, List<String>> headers = PLATFORM.signed(BODY);
        headers.put("X-Any", List.of("a\r\nWechatpay-Serial: b"));
        assertThrows(IllegalArgumentException.class, () -> client.openNotification(headers, BODY));
    }

    // ---- the reply ----

    @Test
    void a_notification_that_was_taken_care_of_is_acknowledged() {
        List<String> seen = new ArrayList<>();
        Answer answer = client.answerNotification(
                PLATFORM.signed(BODY),
                BODY,
                notification -> seen.add(notification.event().eventType()));
        assertEquals(List.of("TRANSACTION.SUCCESS"), seen);
        assertTrue(answer.reply().status() == 200 || answer.reply().status() == 204);
        assertNull(answer.error());
    }

    @Test
    void a_refused_notification_never_reaches_the_handler() {
        Answer answer = client.answerNotification(Map.of(), BODY, notification -> {
            throw new AssertionError("called");
        });
        assertTrue(answer.reply().status() >= 400);
        assertTrue(new String(answer.reply().body(), StandardCharsets.UTF_8).contains("FAIL"));
        assertTrue(answer.error() instanceof TrustException);
    }

    @Test
    void a_notification_that_says_something_else_than_expected_never_reaches_the_handler() {
        CallOptions expected = CallOptions.builder().expect("amount.total", 1).build();
        List<Notification> seen = new ArrayList<>();
        assertNull(client.answerNotification(PLATFORM.signed(BODY), BODY, expected, seen::add)
                .error());
        assertEquals(1, seen.size());
        CallOptions dearer = CallOptions.builder().expect("amount.total", 2).build();
        Answer answer = client.answerNotification(PLATFORM.signed(BODY), BODY, dearer, notification -> {
            throw new AssertionError("called");
        });
        assertTrue(answer.reply().status() >= 400);
        assertEquals(
                ErrorCode.RESPONSE_MISMATCH,
                assertInstanceOf(TrustException.class, answer.error()).code());
    }

    @Test
    void a_handler_that_fails_makes_the_provider_repeat() {
        Exception broken = new IllegalStateException("the database is away");
        Answer answer = client.answerNotification(PLATFORM.signed(BODY), BODY, notification -> {
            throw broken;
        });
        assertEquals(500, answer.reply().status());
        assertFalse(new String(answer.reply().body(), StandardCharsets.UTF_8).contains("database"));
        assertSame(broken, answer.error());
    }

    @Test
    void a_handler_that_is_interrupted_makes_the_provider_repeat_and_the_interrupt_stays_set() {
        InterruptedException interrupted = new InterruptedException("stop");
        Answer answer = client.answerNotification(PLATFORM.signed(BODY), BODY, notification -> {
            throw interrupted;
        });
        assertTrue(Thread.interrupted(), "the interrupt was lost");
        assertEquals(500, answer.reply().status());
        assertSame(interrupted, answer.error());
    }
}

package io.payseal;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Map;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * The vectors that every language replays; tests/vectors/README.md says what a case holds. Nothing in them was computed by
 * payseal. They are replayed below the typed API, because some are what the typed API cannot even say.
 */
class VectorsTest {
    private static int cases;

    @TestFactory
    Stream<DynamicTest> the_vectors_made_with_openssl_are_replayed() throws IOException {
        Path file = Path.of(System.getProperty("payseal.vectors"), "vectors.json");
        assertTrue(Files.exists(file), file + " is missing: run 'make vectors'");
        JsonNode vectors = Json.MAPPER.readTree(Files.readAllBytes(file));
        return StreamSupport.stream(vectors.spliterator(), false)
                .map(vector -> DynamicTest.dynamicTest(vector.path("id").asText(), () -> {
                    replay(vector);
                    cases++;
                }));
    }

    @AfterAll
    static void count() {
        System.out.println("vectors: " + cases + " replayed, 0 skipped");
    }

    private static void replay(JsonNode vector) {
        JsonNode input = vector.path("input");
        JsonNode expect = vector.path("expect");
        if (!expect.has("code")) {
            act(vector.path("kind").asText(), input, expect);
            return;
        }
        PaysealException error = assertThrows(
                PaysealException.class, () -> act(vector.path("kind").asText(), input, expect));
        assertEquals(expect.path("code").asInt(), error.code().number(), error.toString());
        assertEquals(expect.path("code_name").asText(), error.code().name());
        assertEquals(expect.path("code_name").asText(), error.details().codeName());
        if (expect.has("outcome")) {
            assertEquals(expect.path("outcome").asInt(), error.outcome().number(), error.toString());
        }
        if (expect.has("field")) {
            assertEquals(expect.path("field").asText(), error.details().field(), error.toString());
        }
    }

    private static void act(String kind, JsonNode input, JsonNode expect) {
        switch (kind) {
            case "client" -> with(input, client -> {});
            case "request" -> with(input, client -> request(client, input, expect));
            case "answer" -> with(input, client -> answer(client, input, expect));
            case "notification" -> with(input, client -> notification(client, input, expect));
            case "invoke" -> with(input, client -> invoke(client, input, expect));
            case "sign" ->
                given(
                        expect,
                        "signature_base64",
                        Native.cryptoSign(
                                text(input, "algorithm"), bytes(input, "key_base64"), bytes(input, "message_base64")));
            case "verify" ->
                Native.cryptoVerify(
                        text(input, "algorithm"),
                        bytes(input, "key_base64"),
                        bytes(input, "message_base64"),
                        bytes(input, "signature_base64"));
            case "seal" ->
                given(
                        expect,
                        "ciphertext_base64",
                        Native.cryptoSeal(
                                text(input, "algorithm"),
                                bytes(input, "key_base64"),
                                bytes(input, "nonce_base64"),
                                bytes(input, "aad_base64"),
                                bytes(input, "plaintext_base64")));
            case "open" ->
                given(
                        expect,
                        "plaintext_base64",
                        Native.cryptoOpen(
                                text(input, "algorithm"),
                                bytes(input, "key_base64"),
                                bytes(input, "nonce_base64"),
                                bytes(input, "aad_base64"),
                                bytes(input, "ciphertext_base64")));
            case "digest" ->
                given(
                        expect,
                        "digest_base64",
                        Native.cryptoDigest(
                                text(input, "algorithm"), bytes(input, "key_base64"), bytes(input, "message_base64")));
            default -> throw new AssertionError("unknown kind " + kind);
        }
    }

    private interface Use {
        void of(long client);
    }

    private static void with(JsonNode input, Use use) {
        InstantSource clock = input.has("now_ms")
                ? InstantSource.fixed(Instant.ofEpochMilli(input.path("now_ms").asLong()))
                : null;
        SecureRandom random = input.has("random_hex")
                ? new Repeating(HexFormat.of().parseHex(input.path("random_hex").asText()))
                : null;
        long client = Native.clientNew(
                input.path("config").toString().getBytes(StandardCharsets.UTF_8),
                new Callbacks(null, clock, random, null, null));
        try {
            use.of(client);
        } finally {
            Native.clientFree(client);
        }
    }

    private static long started(long client, JsonNode input) {
        JsonNode params = input.path("params");
        JsonNode payload = input.path("payload_base64");
        return Native.callNew(
                client,
                text(input, "operation"),
                params.isMissingNode() ? null : params.toString().getBytes(StandardCharsets.UTF_8),
                payload.isTextual() ? bytes(input, "payload_base64") : null);
    }

    private static void request(long client, JsonNode input, JsonNode expect) {
        long call = started(client, input);
        try {
            assertEquals(1, Native.callStep(call, new long[1]), () -> "SEND expected, but " + outcome(call));
            JsonNode request = Json.read(Native.callRequest(call), JsonNode.class);
            if (!expect.path("body_base64").isNull()) {
                given(expect, "body_base64", Native.callBody(call));
            }
            for (String member : new String[] {"method", "url"}) {
                assertEquals(expect.path(member).asText(), request.path(member).asText());
            }
            assertEquals(
                    expect.path("authorization").asText(),
                    header(request, "Authorization"),
                    () -> "signed should be:\n" + expect.path("message").asText());
            if (expect.has("wechatpay_serial")) {
                assertEquals(expect.path("wechatpay_serial").asText(), header(request, "Wechatpay-Serial"));
            }
        } finally {
            Native.callFree(call);
        }
    }

    /** When a call ends instead of sending, its result is the error that the case expects. */
    private static String outcome(long call) {
        Native.callResult(call);
        return "it ended";
    }

    private static void answer(long client, JsonNode input, JsonNode expect) {
        long call = started(client, input);
        try {
            assertEquals(1, Native.callStep(call, new long[1]));
            Native.callRespond(
                    call, input.path("status").asInt(), text(input, "headers"), bytes(input, "answer_base64"));
            assertEquals(3, Native.callStep(call, new long[1]));
            given(expect, "body_base64", Native.callResult(call)[0]);
        } finally {
            Native.callFree(call);
        }
    }

    private static void notification(long client, JsonNode input, JsonNode expect) {
        byte[][] opened = Native.notificationOpen(client, text(input, "headers"), bytes(input, "body_base64"), null);
        assertEquals(expect.path("plaintext").asText(), new String(opened[0], StandardCharsets.UTF_8));
        JsonNode event = Json.read(opened[1], JsonNode.class);
        for (Map.Entry<String, JsonNode> member : expect.path("event").properties()) {
            assertEquals(member.getValue(), event.path(member.getKey()), member.getKey());
        }
    }

    private static void invoke(long client, JsonNode input, JsonNode expect) {
        byte[] json = Native.clientInvoke(
                client, text(input, "invoke"), input.path("params").toString().getBytes(StandardCharsets.UTF_8));
        assertEquals(expect.path("result"), Json.read(json, JsonNode.class));
    }

    private static void given(JsonNode expect, String member, byte[] actual) {
        if (expect.has(member)) {
            assertArrayEquals(bytes(expect, member), actual, member);
        }
    }

    private static String header(JsonNode request, String name) {
        for (JsonNode header : request.path("headers")) {
            if (header.path(0).asText().equalsIgnoreCase(name)) {
                return header.path(1).asText();
            }
        }
        return null;
    }

    private static byte[] text(JsonNode input, String member) {
        return input.path(member).asText().getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] bytes(JsonNode input, String member) {
        return Base64.getDecoder().decode(input.path(member).asText());
    }

    /** Gives the same bytes over and over. */
    private static final class Repeating extends SecureRandom {
        private static final long serialVersionUID = 1L;
        private final byte[] bytes;

        Repeating(byte[] bytes) {
            this.bytes = bytes;
        }

        @Override
        public void nextBytes(byte[] out) {
            for (int i = 0; i < out.length; i++) {
                out[i] = bytes[i % bytes.length];
            }
        }
    }
}

package io.payseal.testing;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.payseal.PaysealClient;
import io.payseal.wechat.pay.NativeRequest;
import io.payseal.wechat.pay.OrderAmount;
import io.payseal.wechat.pay.PayService;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/** A merchant of a sandbox, who can look at what the sandbox was sent. All tests share one for each scheme. */
public final class Merchant {
    public static final String OPENID = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o";
    public static final String SUB_MERCHANT = "1600000001";

    private final String scheme;
    private final Sandbox sandbox;
    private final PaysealClient client;

    private Merchant(String scheme) {
        this.scheme = scheme;
        try {
            sandbox = Sandbox.start(Files.createTempDirectory(Path.of("target"), "sandbox-"), "--scheme", scheme);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        client = PaysealClient.of(sandbox.configuration());
    }

    /** One with RSA and one with 国密, started when they are first wanted; their sandboxes end with this process. */
    public static Stream<Merchant> ofEachScheme() {
        return Started.MERCHANTS.stream();
    }

    private static final class Started {
        static final List<Merchant> MERCHANTS = List.of(new Merchant("rsa"), new Merchant("sm2"));
    }

    public PaysealClient client() {
        return client;
    }

    public Sandbox sandbox() {
        return sandbox;
    }

    public String mchid() {
        return sandbox.read("config.json").get("mchid").asText();
    }

    public String appid() {
        return sandbox.read("config.json").get("appid").asText();
    }

    /** The number of an order of 100 fen that has been paid. */
    public String paid() {
        String number = Orders.number();
        new PayService(client)
                .nativePay(NativeRequest.builder()
                        .description("茶")
                        .outTradeNo(number)
                        .notifyUrl(Orders.NOWHERE)
                        .amount(OrderAmount.builder().total(100).build())
                        .build());
        sandbox.pay(number);
        return number;
    }

    /** The requests of an operation, or of all, as they were received, and their answers as they were sent; newest first. */
    Stream<JsonNode> exchanges(String operation) {
        return StreamSupport.stream(sandbox.exchanges().spliterator(), false)
                .filter(exchange -> operation.isEmpty()
                        || exchange.get("operation").asText().equals(operation));
    }

    long lastExchange() {
        return exchanges("")
                .mapToLong(exchange -> exchange.get("id").asLong())
                .max()
                .orElse(0);
    }

    /** The newest request of the operation has ciphertext for these plaintexts, by place: {@code /receivers/0/name}. */
    public void hasSentSealed(String operation, Map<String, String> plaintexts) {
        sealed(newest(operation).get("body").asText(), plaintexts);
    }

    /** The same of its answer. */
    public void wasAnsweredSealed(String operation, Map<String, String> plaintexts) {
        sealed(newest(operation).get("answer").get("body").asText(), plaintexts);
    }

    private JsonNode newest(String operation) {
        return exchanges(operation).findFirst().orElseThrow();
    }

    private static void sealed(String body, Map<String, String> plaintexts) {
        plaintexts.forEach((place, plaintext) -> {
            try {
                String text = new ObjectMapper().readTree(body).at(place).asText();
                // Neither RSA of 2048 bits nor SM2 makes less than 97 bytes of anything.
                assertTrue(Base64.getDecoder().decode(text).length >= 97, () -> place + " is " + text);
            } catch (JsonProcessingException | IllegalArgumentException e) {
                throw new AssertionError(place + " is no ciphertext", e);
            }
            assertFalse(body.contains(plaintext), () -> "the plaintext of " + place + " is in " + body);
        });
    }

    @Override
    public String toString() {
        return scheme;
    }
}

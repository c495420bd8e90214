package io.payseal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.payseal.testing.Platform;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is wrong is refused when the client is made, and named. */
class ConfigurationTest {
    private static final Platform PLATFORM = new Platform();

    private static void refused(ErrorCode code, String field, UnaryOperator<Configuration.Builder> change) {
        Configuration configuration = change.apply(PLATFORM.configuration()).build();
        ConfigurationException error =
                assertThrows(ConfigurationException.class, () -> PaysealClient.of(configuration));
        assertEquals(code, error.code(), error.toString());
        assertEquals(field, error.details().field(), error.toString());
        assertEquals(Outcome.NOT_SENT, error.outcome());
    }

    @Test
    void an_empty_secret_is_refused() {
        for (String empty : new String[] {"", "   ", "\n"}) {
            refused(ErrorCode.CONFIG_EMPTY_SECRET, "apiv3_key", it -> it.apiv3Key(empty));
            refused(ErrorCode.CONFIG_EMPTY_SECRET, "private_key", it -> it.privateKey(empty));
        }
    }

    @Test
    void an_apiv3_key_that_is_not_32_bytes_is_refused() {
        refused(ErrorCode.KEY_INVALID, "apiv3_key", it -> it.apiv3Key("x".repeat(31)));
        refused(ErrorCode.KEY_INVALID, "apiv3_key", it -> it.apiv3Key("x".repeat(33)));
        refused(ErrorCode.KEY_INVALID, "apiv3_key", it -> it.apiv3Key("密".repeat(32)));
    }

    @Test
    void a_public_key_in_the_place_of_the_private_one_is_refused() {
        String publicKey = Platform.pem("PUBLIC KEY", PLATFORM.merchant.getPublic());
        refused(ErrorCode.KEY_ROLE, "private_key", it -> it.privateKey(publicKey));
    }

    @Test
    void the_merchants_own_key_as_the_platforms_is_refused() {
        String own = Platform.pem("PUBLIC KEY", PLATFORM.merchant.getPublic());
        refused(
                ErrorCode.KEY_ROLE,
                "platform_public_keys." + Platform.KEY_ID,
                it -> it.platformPublicKeys(Map.of(Platform.KEY_ID, own)));
    }

    @Test
    void weak_and_foreign_keys_are_refused() throws Exception {
        KeyPair weak = Platform.rsa(1024);
        KeyPairGenerator curve = KeyPairGenerator.getInstance("EC");
        KeyPair elliptic = curve.generateKeyPair();
        refused(
                ErrorCode.KEY_UNSUPPORTED,
                "private_key",
                it -> it.privateKey(Platform.pem("PRIVATE KEY", weak.getPrivate())));
        refused(
                ErrorCode.KEY_UNSUPPORTED,
                "private_key",
                it -> it.privateKey(Platform.pem("PRIVATE KEY", elliptic.getPrivate())));
        refused(ErrorCode.KEY_INVALID, "private_key", it -> it.privateKey("not a key at all"));
    }

    @Test
    void an_unknown_key_is_named() {
        ObjectNode json = Json.read(PLATFORM.configuration().build().json(), ObjectNode.class);
        json.put("apiv3key", "x");
        ConfigurationException error = assertThrows(
                ConfigurationException.class, () -> PaysealClient.of(Configuration.fromJson(json.toString())));
        assertEquals(ErrorCode.CONFIG_UNKNOWN_KEY, error.code());
        assertEquals("apiv3key", error.details().field());
    }

    @Test
    void values_out_of_range_are_named() {
        refused(ErrorCode.CONFIG_INVALID, "timestamp_window_s", it -> it.timestampWindow(Duration.ofSeconds(301)));
        refused(ErrorCode.CONFIG_INVALID, "retry.max_attempts", it -> it.maxAttempts(0));
        refused(ErrorCode.CONFIG_INVALID, "timeouts.total_ms", it -> it.totalTimeout(Duration.ofMillis(-1)));
        refused(ErrorCode.CONFIG_INVALID, "mchid", it -> it.mchid("12\n34"));
    }

    /** Every method of the builder writes the key that docs/abi.md documents, and the core takes it. */
    @Test
    void every_setting_of_the_builder_is_understood() {
        Configuration all = PLATFORM.configuration()
                .previousApiv3Key("x".repeat(32))
                .platformSerial(Platform.KEY_ID)
                .certificateRefresh(false)
                .certificateRefreshInterval(Duration.ofHours(6))
                .certificateRefreshMinInterval(Duration.ofSeconds(30))
                .hosts(List.of("https://api.mch.weixin.qq.com", "https://api2.wechatpay.cn"))
                .notifyUrl("https://shop.example/notify")
                .timestampWindow(Duration.ZERO)
                .replayGuard(1000)
                .resolveTimeout(Duration.ofSeconds(1))
                .connectTimeout(Duration.ofSeconds(2))
                .readTimeout(Duration.ofSeconds(3))
                .totalTimeout(Duration.ofSeconds(4))
                .maxAttempts(2)
                .retryBackoff(Duration.ofMillis(100), Duration.ofSeconds(1))
                .circuitBreaker(3, Duration.ofSeconds(5))
                .maxResponseBytes(1_000_000)
                .proxy("http://user:password@127.0.0.1:3128")
                .build();
        PaysealClient.of(all).close();
        JsonNode json = Json.read(all.json(), JsonNode.class);
        assertEquals(4000, json.at("/timeouts/total_ms").asInt());
        assertEquals(1000, json.at("/retry/cap_ms").asInt());
        assertEquals(5000, json.at("/circuit_breaker/open_ms").asInt());
        assertEquals(30, json.at("/certificate_refresh/min_interval_s").asInt());
        assertEquals(0, json.at("/timestamp_window_s").asInt());
    }

    @Test
    void a_configuration_is_read_from_a_file(@TempDir Path folder) throws IOException {
        Path file = Files.write(
                folder.resolve("config.json"), PLATFORM.configuration().build().json());
        PaysealClient.of(Configuration.fromFile(file)).close();
        PaysealClient.of(Configuration.fromJson(Files.readString(file, StandardCharsets.UTF_8)))
                .close();
    }

    @Test
    void the_catalogue_is_listed_and_an_unknown_provider_refused() {
        JsonNode operations =
                Json.read(PaysealClient.operations("wechat").getBytes(StandardCharsets.UTF_8), JsonNode.class);
        assertEquals(
                1,
                operations.findValuesAsText("name").stream()
                        .filter("POST /v3/pay/transactions/jsapi"::equals)
                        .count());
        assertThrows(PaysealException.class, () -> PaysealClient.operations("nobody"));
    }
}

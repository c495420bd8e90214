package io.payseal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.payseal.testing.Loopback;
import io.payseal.testing.Orders;
import io.payseal.testing.Platform;
import io.payseal.testing.Transport;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Nothing that a developer may see holds a secret. */
class SecretsTest {
    private static final Platform PLATFORM = new Platform();
    private static final String OPENID = "oCANARYCANARYCANARYCANARY001";

    private static List<String> canaries() {
        String key = PLATFORM.privateKeyPem();
        return List.of(
                Platform.APIV3_KEY,
                "0123456789abcdefCANARYprevious32",
                key.substring(100, 130),
                key.substring(800, 830),
                OPENID,
                "proxyCANARYpassword");
    }

    private static void assertSecretFree(String text) {
        for (String canary : canaries()) {
            assertFalse(text.contains(canary), () -> "it says " + canary + ":\n" + text);
        }
    }

    private static String everythingOf(PaysealException error) {
        StringWriter trace = new StringWriter();
        error.printStackTrace(new PrintWriter(trace));
        return error + "\n" + error.getMessage() + "\n" + error.details() + "\n" + error.detailsJson() + "\n" + trace;
    }

    private static Configuration.Builder configuration(String host) {
        return PLATFORM.configuration()
                .previousApiv3Key("0123456789abcdefCANARYprevious32")
                .hosts(List.of(host));
    }

    @ParameterizedTest
    @EnumSource
    void no_error_and_no_record_of_a_call_holds_a_secret(Transport transport) {
        List<String> seen = Collections.synchronizedList(new ArrayList<>());
        List<Loopback.Behaviour> behaviours = List.of(
                (request, to) -> Loopback.reset(to),
                (request, to) -> Loopback.respond(to, 200, Map.of(), request.body()),
                (request, to) -> Loopback.respond(to, 500, Map.of(), request.body()),
                (request, to) -> Loopback.respond(to, 401, PLATFORM.signed(request.body()), request.body()));
        for (Loopback.Behaviour behaviour : behaviours) {
            try (Loopback server = new Loopback(behaviour);
                    PaysealClient client = transport
                            .builder(configuration(server.address()).build())
                            .log((level, record) -> seen.add(record))
                            .build()) {
                Map<String, Object> body = Orders.body(Orders.number(), Orders.NOWHERE);
                body.put("payer", Map.of("openid", OPENID));
                seen.add(everythingOf(assertThrows(
                        PaysealException.class,
                        () -> client.execute("POST /v3/pay/transactions/jsapi", Params.ofBody(body)))));
                seen.add(client.metrics());
                seen.add(client.toString());
            }
        }
        assertTrue(seen.size() > 3 * behaviours.size());
        seen.forEach(SecretsTest::assertSecretFree);
    }

    @Test
    void no_error_of_a_configuration_holds_a_secret() {
        String host = "https://api.mch.weixin.qq.com";
        List<Configuration> wrong = List.of(
                configuration(host).apiv3Key(Platform.APIV3_KEY + "1").build(),
                configuration(host)
                        .privateKey(PLATFORM.privateKeyPem().replace("MII", "M!I"))
                        .build(),
                configuration(host)
                        .privateKey(PLATFORM.privateKeyPem().replace("PRIVATE", "CANARY"))
                        .build(),
                configuration(host)
                        .privateKey(PLATFORM.privateKeyPem().substring(0, 900))
                        .build(),
                configuration(host)
                        .merchantCertificate(PLATFORM.privateKeyPem())
                        .build(),
                configuration(host)
                        .platformPublicKeys(Map.of(Platform.KEY_ID, PLATFORM.privateKeyPem()))
                        .build(),
                configuration(host)
                        .proxy("http://user:proxyCANARYpassword@[::1")
                        .build(),
                Configuration.fromJson("{\"apiv3_key\": \"" + Platform.APIV3_KEY + "\", \"private_key\": "),
                Configuration.fromJson("{\"apiv3_key\": [\"" + Platform.APIV3_KEY + "\"]}"));
        for (Configuration configuration : wrong) {
            ConfigurationException error =
                    assertThrows(ConfigurationException.class, () -> PaysealClient.of(configuration));
            assertSecretFree(everythingOf(error));
            assertSecretFree(configuration.toString());
        }
    }

    @Test
    void no_error_of_the_bare_algorithms_holds_a_key() {
        byte[] key = (PLATFORM.privateKeyPem() + "x").getBytes(StandardCharsets.UTF_8);
        PaysealException error =
                assertThrows(PaysealException.class, () -> Crypto.sign("RSA-SHA256", key, new byte[0]));
        assertSecretFree(everythingOf(error));
        assertEquals("Configuration[…]", PLATFORM.configuration().build().toString());
    }
}

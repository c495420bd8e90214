package io.payseal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Mini-programs and pages, whose requests this test answers, with a cache that is a map. */
class WeixinTest {
    private static final String SECRET = "5eCreT0fTheApp5eCreT0fTheApp5eCr";
    private static final Map<String, String> ANSWERS = Map.of(
            "/sns/jscode2session", "{\"openid\":\"oUpF8uMuAJO\",\"session_key\":\"HyVFkGl5F5OQWJZZaNzBBg==\"}",
            "/cgi-bin/stable_token", "{\"access_token\":\"72_token\",\"expires_in\":7200}",
            "/cgi-bin/ticket/getticket", "{\"errcode\":0,\"ticket\":\"a-ticket\",\"expires_in\":7200}");

    /** A cache as several processes would share it; or one that fails. */
    private static final class Shared implements Cache {
        final Map<String, byte[]> values = new HashMap<>();
        boolean broken;

        @Override
        public byte[] get(String key) {
            if (broken) {
                throw new IllegalStateException("not there");
            }
            return values.get(key);
        }

        @Override
        public void put(String key, byte[] value, Duration ttl) {
            if (broken || ttl.isNegative()) {
                throw new IllegalStateException("not there");
            }
            values.put(key, value);
        }
    }

    private static PaysealClient client(Cache cache) {
        Configuration configuration = Configuration.weixin()
                .appid("wxd678efh567hg6787")
                .secret(SECRET)
                .build();
        assertFalse(configuration.toString().contains(SECRET));
        return PaysealClient.builder(configuration).cache(cache).build();
    }

    private static Result answered(Call<Result> call) {
        try (call) {
            while (call.step() instanceof Step.Send send) {
                byte[] body = ANSWERS.get(send.uri().getPath()).getBytes(StandardCharsets.UTF_8);
                call.respond(200, Map.of("Content-Type", List.of("application/json")), body);
            }
            return call.result();
        }
    }

    private static String token(PaysealClient client) {
        Call<Result> call =
                client.newFlowCall("access_token", FlowParams.builder().build());
        return answered(call).as(JsonNode.class).get("access_token").asText();
    }

    @Test
    void two_clients_with_one_cache_fetch_a_token_once() {
        Shared cache = new Shared();
        try (PaysealClient first = client(cache);
                PaysealClient second = client(cache)) {
            assertEquals("72_token", token(first));
            assertEquals(Set.of("payseal:weixin:wxd678efh567hg6787:access_token"), cache.values.keySet());
            try (Call<Result> call =
                    second.newFlowCall("access_token", FlowParams.builder().build())) {
                assertTrue(call.step() instanceof Step.Done);
            }
        }
    }

    @Test
    void a_cache_that_fails_fails_nothing() {
        Shared broken = new Shared();
        broken.broken = true;
        try (PaysealClient client = client(broken)) {
            assertEquals("72_token", token(client));
        }
    }

    @Test
    void a_page_is_signed() {
        try (PaysealClient client = client(null)) {
            FlowParams page = FlowParams.builder()
                    .body(Map.of("url", "https://shop.example.com/cart"))
                    .build();
            io.payseal.weixin.JsConfig config =
                    answered(client.newFlowCall("js_config", page)).as(io.payseal.weixin.JsConfig.class);
            assertEquals("wxd678efh567hg6787", config.appId());
            assertEquals(40, config.signature().length());
        }
    }

    @Test
    void a_code_is_exchanged_for_the_user() {
        try (PaysealClient client = client(null)) {
            Params params = Params.builder().query("js_code", "033abc").build();
            Result result = answered(client.newCall("GET /sns/jscode2session", params));
            io.payseal.weixin.Session session = result.as(io.payseal.weixin.Session.class);
            assertEquals("oUpF8uMuAJO", session.openid());
            assertFalse(session.toString().contains("HyVF"));
            assertFalse(result.info().verified());
        }
    }
}

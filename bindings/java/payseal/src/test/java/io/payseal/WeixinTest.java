package io.payseal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.payseal.testing.Loopback;
import io.payseal.testing.Transport;
import io.payseal.weixin.JsConfig;
import io.payseal.weixin.Session;
import io.payseal.weixin.Weixin;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Mini-programs and pages over both transports, with a platform on loopback. */
@Timeout(60)
class WeixinTest {
    private static final String APPID = "wxd678efh567hg6787";
    private static final String SECRET = "5eCreT0fTheApp5eCreT0fTheApp5eCr";
    private static final String SESSION_KEY = "HyVFkGl5F5OQWJZZaNzBBg==";
    private static final String TICKET = "sM4AOVdWfPE4DxkXGEs8VMCPGGVy4wWdAL";

    /** A cache as several processes would share it; or one that fails. */
    private static final class Shared implements Cache {
        final Map<String, byte[]> values = new ConcurrentHashMap<>();
        volatile boolean broken;

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

    /** Knows the app's secret, and which of its tokens is good now. */
    private static final class WeixinPlatform implements AutoCloseable {
        final Loopback server = new Loopback(this::answer);
        final CountDownLatch asked = new CountDownLatch(1);
        final CountDownLatch mayAnswer = new CountDownLatch(1);
        volatile int number = 1;
        volatile boolean holdsBack;

        private void answer(Loopback.Request request, Socket to) throws IOException, InterruptedException {
            asked.countDown();
            if (holdsBack) {
                mayAnswer.await();
            }
            byte[] body = body(request).getBytes(StandardCharsets.UTF_8);
            Loopback.respond(to, 200, Map.of("Content-Type", List.of("application/json")), body);
        }

        private String body(Loopback.Request request) {
            String target = request.target();
            String body = new String(request.body(), StandardCharsets.UTF_8);
            if (target.startsWith("/sns/jscode2session?")) {
                return target.contains("secret=" + SECRET)
                        ? "{\"openid\":\"oUpF8uMuAJO\",\"session_key\":\"" + SESSION_KEY + "\"}"
                        : "{\"errcode\":40125,\"errmsg\":\"invalid appsecret\"}";
            }
            if (target.equals("/cgi-bin/stable_token")) {
                return body.contains(SECRET)
                        ? "{\"access_token\":\"72_token-" + number + "\",\"expires_in\":7200}"
                        : "{\"errcode\":40125,\"errmsg\":\"invalid appsecret in " + body.replace("\"", "") + "\"}";
            }
            return target.contains("access_token=72_token-" + number)
                    ? "{\"errcode\":0,\"errmsg\":\"ok\",\"ticket\":\"" + TICKET + "\",\"expires_in\":7200}"
                    : "{\"errcode\":40001,\"errmsg\":\"not latest\"}";
        }

        List<String> paths() {
            return server.requests.stream()
                    .map(request -> request.target().split("\\?")[0])
                    .toList();
        }

        Configuration configuration(String secret) {
            return Configuration.weixin()
                    .appid(APPID)
                    .secret(secret)
                    .hosts(List.of(server.address()))
                    .build();
        }

        PaysealClient client(Transport transport, Cache cache) {
            return transport.builder(configuration(SECRET)).cache(cache).build();
        }

        @Override
        public void close() {
            mayAnswer.countDown();
            server.close();
        }
    }

    /** The JDK's SHA-1 over the text that the platform's documentation describes. */
    private static String sha1(String ticket, String nonce, long timestamp, String url) {
        String text = "jsapi_ticket=" + ticket + "&noncestr=" + nonce + "&timestamp=" + timestamp + "&url=" + url;
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-1");
            return HexFormat.of().formatHex(digest.digest(text.getBytes(StandardCharsets.UTF_8)));
        } catch (GeneralSecurityException e) {
            throw new AssertionError(e);
        }
    }

    /** "JS-SDK", appendix 1: what the other tests compare with is what the platform means. */
    @Test
    void the_jdk_signs_the_published_example_as_the_platform_says() {
        assertEquals(
                "0f9de62fce790f9a083d5c99e95740ceb90c27ed",
                sha1(
                        "sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg",
                        "Wm3WZYTPz0wzccnW",
                        1414587457,
                        "http://mp.weixin.qq.com?params=value"));
    }

    @ParameterizedTest
    @EnumSource
    void a_page_is_signed_as_the_jdk_says(Transport transport) throws Exception {
        try (WeixinPlatform platform = new WeixinPlatform();
                PaysealClient client = platform.client(transport, null)) {
            Weixin weixin = new Weixin(client);
            for (JsConfig config : List.of(
                    weixin.jsConfig("https://shop.example.com/cart?a=1#top"),
                    weixin.jsConfigAsync("https://shop.example.com/cart?a=1").get())) {
                assertEquals(APPID, config.appId());
                assertEquals(
                        sha1(TICKET, config.nonceStr(), config.timestamp(), "https://shop.example.com/cart?a=1"),
                        config.signature());
            }
            assertEquals(List.of("/cgi-bin/stable_token", "/cgi-bin/ticket/getticket"), platform.paths());
        }
    }

    @ParameterizedTest
    @EnumSource
    void two_clients_with_one_cache_fetch_a_token_once(Transport transport) throws Exception {
        Shared cache = new Shared();
        try (WeixinPlatform platform = new WeixinPlatform();
                PaysealClient first = platform.client(transport, cache);
                PaysealClient second = platform.client(transport, cache)) {
            assertEquals("72_token-1", new Weixin(first).accessToken());
            assertEquals("72_token-1", new Weixin(second).accessTokenAsync().get());
            assertEquals(List.of("/cgi-bin/stable_token"), platform.paths());
            assertEquals(java.util.Set.of("payseal:weixin:" + APPID + ":access_token"), cache.values.keySet());
        }
    }

    @ParameterizedTest
    @EnumSource
    void many_at_once_ask_once(Transport transport) throws Exception {
        try (WeixinPlatform platform = new WeixinPlatform();
                PaysealClient client = platform.client(transport, null)) {
            platform.holdsBack = true;
            Weixin weixin = new Weixin(client);
            List<CompletableFuture<String>> tokens = new ArrayList<>();
            for (int n = 0; n < 16; n++) {
                tokens.add(weixin.accessTokenAsync());
            }
            assertTrue(platform.asked.await(20, TimeUnit.SECONDS));
            platform.mayAnswer.countDown();
            for (CompletableFuture<String> token : tokens) {
                assertEquals("72_token-1", token.get(20, TimeUnit.SECONDS));
            }
            assertEquals(List.of("/cgi-bin/stable_token"), platform.paths());
        }
    }

    @ParameterizedTest
    @EnumSource
    void a_token_that_was_refused_elsewhere_is_replaced(Transport transport) throws Exception {
        try (WeixinPlatform platform = new WeixinPlatform();
                PaysealClient client = platform.client(transport, new Shared())) {
            Weixin weixin = new Weixin(client);
            assertEquals("72_token-1", weixin.accessToken());
            platform.number = 2;
            assertEquals("72_token-1", weixin.accessToken(), "nobody has said that it was ended");
            assertEquals("72_token-2", weixin.renewAccessToken("72_token-1"));
            assertEquals("72_token-2", weixin.accessToken());
            platform.number = 3;
            assertEquals(
                    "72_token-3", weixin.renewAccessTokenAsync("72_token-2").get());
            assertEquals("72_token-3", weixin.renewAccessToken("72_token-1"), "that one was replaced long ago");
            assertEquals(3, platform.paths().size());
        }
    }

    @ParameterizedTest
    @EnumSource
    void cancelling_ends_the_call_and_lets_the_next_one_ask(Transport transport) throws Exception {
        try (WeixinPlatform platform = new WeixinPlatform();
                PaysealClient client = platform.client(transport, null)) {
            platform.holdsBack = true;
            Weixin weixin = new Weixin(client);
            CompletableFuture<String> given = weixin.accessTokenAsync();
            assertTrue(platform.asked.await(20, TimeUnit.SECONDS));
            platform.holdsBack = false;
            given.cancel(true);
            assertEquals("72_token-1", weixin.accessTokenAsync().get(20, TimeUnit.SECONDS));
        }
    }

    @ParameterizedTest
    @EnumSource
    void a_cache_that_fails_fails_nothing(Transport transport) {
        Shared broken = new Shared();
        broken.broken = true;
        try (WeixinPlatform platform = new WeixinPlatform();
                PaysealClient client = platform.client(transport, broken)) {
            assertEquals("72_token-1", new Weixin(client).accessToken());
        }
    }

    @ParameterizedTest
    @EnumSource
    void a_code_is_exchanged_for_the_user(Transport transport) throws Exception {
        try (WeixinPlatform platform = new WeixinPlatform();
                PaysealClient client = platform.client(transport, null)) {
            Weixin weixin = new Weixin(client);
            for (Session session : List.of(
                    weixin.jscode2session("033abc"),
                    weixin.jscode2sessionAsync("033abc").get())) {
                assertEquals("oUpF8uMuAJO", session.openid());
                assertEquals(SESSION_KEY, session.sessionKey());
                assertNull(session.unionid());
                assertFalse(session.toString().contains(SESSION_KEY));
            }
            Params params = Params.builder().query("js_code", "033abc").build();
            assertFalse(client.execute("GET /sns/jscode2session", params).info().verified());
        }
    }

    @ParameterizedTest
    @EnumSource
    void what_the_platform_refuses_says_no_secret(Transport transport) {
        String other = "0therSecret0therSecret0therSecre";
        List<String> seen = Collections.synchronizedList(new ArrayList<>());
        try (WeixinPlatform platform = new WeixinPlatform()) {
            Configuration configuration = platform.configuration(other);
            seen.add(configuration.toString());
            try (PaysealClient client = transport
                    .builder(configuration)
                    .log((level, record) -> seen.add(record))
                    .build()) {
                Weixin weixin = new Weixin(client);
                ProviderException error = assertThrows(ProviderException.class, weixin::accessToken);
                assertEquals("40125", error.details().providerCode());
                assertTrue(error.details().hint().contains("was reset"));
                seen.add(error + error.getMessage() + error.detailsJson());
                CompletableFuture<Session> session = weixin.jscode2sessionAsync("033abc");
                Throwable cause =
                        assertThrows(ExecutionException.class, session::get).getCause();
                seen.add(assertInstanceOf(ProviderException.class, cause).toString());
                try (Call<Result> call = client.newCall(
                        "GET /sns/jscode2session",
                        Params.builder().query("js_code", "033abc").build())) {
                    Step step = call.step();
                    assertTrue(step.toString().contains("/sns/jscode2session"));
                    seen.add(step.toString());
                }
            }
        }
        assertTrue(seen.size() > 4);
        seen.forEach(text -> assertFalse(text.contains(other), text));
    }
}

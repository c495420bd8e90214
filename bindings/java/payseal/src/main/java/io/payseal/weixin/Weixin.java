package io.payseal.weixin;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.payseal.FlowParams;
import io.payseal.Params;
import io.payseal.PaysealClient;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;

/** What mini-programs and pages need of WeChat's platform. For any number of threads at once. */
public final class Weixin {
    private static final String SESSION = "GET /sns/jscode2session";

    private final PaysealClient client;

    /**
     * Over a client of {@link io.payseal.Configuration#weixin()}.
     *
     * @param client the client, which stays the caller's to close
     */
    public Weixin(PaysealClient client) {
        this.client = Objects.requireNonNull(client, "client");
    }

    /**
     * Exchanges the code of {@code wx.login}, which is good once.
     *
     * @param code the code
     * @return who the user is
     */
    public Session jscode2session(String code) {
        return client.execute(SESSION, params(code)).as(Session.class);
    }

    /**
     * The same without waiting.
     *
     * @param code the code
     * @return who the user is
     */
    public CompletableFuture<Session> jscode2sessionAsync(String code) {
        return client.executeAsync(SESSION, params(code)).thenApply(result -> result.as(Session.class));
    }

    /**
     * The app's access token, from the cache while it is good.
     *
     * @return the token
     */
    public String accessToken() {
        return client.run("access_token", FlowParams.builder().build())
                .as(Token.class)
                .text();
    }

    /**
     * Signs a page with the ticket of the app, from the cache while it is good.
     *
     * @param url the page's address as the browser shows it
     * @return what the page gives to {@code wx.config}
     */
    public JsConfig jsConfig(String url) {
        return client.run(
                        "js_config",
                        FlowParams.builder().body(Map.of("url", url)).build())
                .as(JsConfig.class);
    }

    private static Params params(String code) {
        return Params.builder().query("js_code", code).build();
    }

    private record Token(@JsonProperty("access_token") String text) {}
}

package io.payseal.weixin;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.payseal.FlowParams;
import io.payseal.Params;
import io.payseal.PaysealClient;
import io.payseal.Result;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;

/** What mini-programs and pages need of WeChat's platform. For any number of threads at once. */
public final class Weixin {
    private static final String SESSION = "GET /sns/jscode2session";
    private static final String TOKEN = "access_token";
    private static final String PAGE = "js_config";
    private static final FlowParams NOTHING = FlowParams.builder().build();

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
        return read(client.executeAsync(SESSION, params(code)), result -> result.as(Session.class));
    }

    /**
     * The app's access token, from the cache while it is good.
     *
     * @return the token
     */
    public String accessToken() {
        return client.run(TOKEN, NOTHING).as(Token.class).text();
    }

    /**
     * The same without waiting.
     *
     * @return the token
     */
    public CompletableFuture<String> accessTokenAsync() {
        return text(client.runAsync(TOKEN, NOTHING));
    }

    /**
     * Another access token in place of one that the platform refused in a call of the caller's own (errcode 40001, 40014, 42001). It is
     * dropped from the cache; where another one is there by now, that is it. One that leaked can be ended this way.
     *
     * @param invalid the token that was refused
     * @return a good one
     */
    public String renewAccessToken(String invalid) {
        return client.run(TOKEN, without(invalid)).as(Token.class).text();
    }

    /**
     * The same without waiting.
     *
     * @param invalid the token that was refused
     * @return a good one
     */
    public CompletableFuture<String> renewAccessTokenAsync(String invalid) {
        return text(client.runAsync(TOKEN, without(invalid)));
    }

    /**
     * Signs a page with the ticket of the app, from the cache while it is good.
     *
     * @param url the page's address as the browser shows it
     * @return what the page gives to {@code wx.config}
     */
    public JsConfig jsConfig(String url) {
        return client.run(PAGE, page(url)).as(JsConfig.class);
    }

    /**
     * The same without waiting.
     *
     * @param url the page's address as the browser shows it
     * @return what the page gives to {@code wx.config}
     */
    public CompletableFuture<JsConfig> jsConfigAsync(String url) {
        return read(client.runAsync(PAGE, page(url)), result -> result.as(JsConfig.class));
    }

    private static FlowParams without(String invalid) {
        return FlowParams.builder().body(Map.of("invalid_token", invalid)).build();
    }

    private static FlowParams page(String url) {
        return FlowParams.builder().body(Map.of("url", url)).build();
    }

    private static CompletableFuture<String> text(CompletableFuture<Result> running) {
        return read(running, result -> result.as(Token.class).text());
    }

    /** Whoever cancels what was made of the answer cancels the call too. */
    private static <T> CompletableFuture<T> read(CompletableFuture<Result> running, Function<Result, T> read) {
        CompletableFuture<T> made = running.thenApply(read);
        made.whenComplete((value, error) -> running.cancel(true));
        return made;
    }

    private static Params params(String code) {
        return Params.builder().query("js_code", code).build();
    }

    private record Token(@JsonProperty("access_token") String text) {}
}

package io.payseal;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.lang.ref.Reference;
import java.net.http.HttpClient;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.Supplier;

/**
 * The actions of payments by their names, JSON in and JSON out, as {@code docs/abi.md} lists them. {@code io.payseal.payments.Payments} is their typed
 * form, which is what a service uses.
 *
 * <p>Immutable, for any number of threads at once. Closed, it answers with {@link ErrorCode#INVALID_HANDLE}.
 */
public final class PaymentActions implements AutoCloseable {
    private final Handle handle;
    private final HttpTransport transport;
    private final AsyncExecutor executor;
    private final InstantSource clock;

    private PaymentActions(Builder builder) {
        List<HttpClient> https = new ArrayList<>();
        builder.accounts.values().forEach(client -> https.add(client.httpClient()));
        boolean builtIn = https.stream().allMatch(Objects::isNull);
        if (!builtIn && https.contains(null)) {
            throw new IllegalArgumentException("either all clients have an HttpClient, or none has");
        }
        transport = builtIn ? null : new HttpTransport(List.copyOf(https));
        executor = new AsyncExecutor(builder.executor);
        clock = builder.clock == null ? InstantSource.system() : builder.clock;
        Callbacks callbacks = new Callbacks(builder.log, builder.clock, builder.random, null, null);
        ObjectNode config = builder.configuration.deepCopy();
        config.putPOJO("accounts", List.copyOf(builder.accounts.keySet()));
        List<PaysealClient> clients = List.copyOf(builder.accounts.values());
        try {
            long[] handles = clients.stream().mapToLong(PaysealClient::pointer).toArray();
            long pointer = Native.paymentsNew(Json.write(config), handles, callbacks.present() == 0 ? null : callbacks);
            handle = new Handle(this, pointer, Native::paymentsFree);
        } finally {
            clients.forEach(Reference::reachabilityFence);
        }
    }

    /**
     * Starts.
     *
     * @param configuration a JSON object, without the accounts
     * @return a builder
     */
    public static Builder builder(ObjectNode configuration) {
        return new Builder(configuration);
    }

    /**
     * Does something, and waits. An interrupt of this thread cancels it; the interrupt status stays set.
     *
     * @param action e.g. {@code "create"}
     * @param params a JSON object, which is not changed
     * @param options of its requests: a timeout, a number of attempts, a trace id; {@code null} for none
     * @param result as what the result is read
     * @param <T> that type
     * @return the result
     * @throws PaysealException why there is none
     */
    public <T> T execute(String action, ObjectNode params, CallOptions options, Class<T> result) {
        byte[] text = json(params, options);
        if (transport != null) {
            return transport.await(newCall(action, text, result));
        }
        try (Cancel cancel = new Cancel()) {
            Cancel.Interruptible interruptible = cancel.onInterrupt();
            try {
                return execute(action, text, result, cancel);
            } finally {
                interruptible.over();
            }
        }
    }

    /**
     * The same without waiting. Any early completion of the returned future cancels it.
     *
     * @param action e.g. {@code "create"}
     * @param params a JSON object, which is not changed
     * @param options of its requests: a timeout, a number of attempts, a trace id; {@code null} for none
     * @param result as what the result is read
     * @param <T> that type
     * @return the result; fails with {@link PaysealException}
     */
    public <T> CompletableFuture<T> executeAsync(
            String action, ObjectNode params, CallOptions options, Class<T> result) {
        byte[] text = json(params, options);
        if (transport == null) {
            return executor.submit(cancel -> execute(action, text, result, cancel));
        }
        return start(() -> newCall(action, text, result));
    }

    private <T> T execute(String action, byte[] params, Class<T> result, Cancel cancel) {
        try {
            return Json.read(Native.paymentsExecute(handle.get(), utf8(action), params, cancel.pointer()), result);
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    private <T> Call<T> newCall(String action, byte[] params, Class<T> result) {
        try {
            long call = Native.callNewPayments(handle.get(), utf8(action), params);
            return new Call<>(call, answer -> Json.read(answer[0], result));
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /**
     * What became of a notification.
     *
     * @param reply what to write
     * @param info what else is known, an object: {@code account}, {@code duplicate}, {@code kind}, {@code order_no}
     * @param error why it was refused; {@code null} where it is stored
     */
    public record Taken(Reply reply, JsonNode info, PaysealException error) {}

    /**
     * Takes in a notification: verified, and stored durably, before there is a reply that says success.
     *
     * @param account whom it is for; {@code null} finds out
     * @param headers the headers as received
     * @param body the raw body
     * @param options as for {@link PaysealClient#openNotification(Map, byte[], CallOptions)}; {@code null} for none
     * @return what became of it
     * @throws PaysealException when the call itself is wrong
     */
    public Taken accept(String account, Map<String, List<String>> headers, byte[] body, CallOptions options) {
        if (transport != null) {
            return transport.await(newAccept(account, HeaderLines.of(headers), body, options));
        }
        return accept(account, HeaderLines.of(headers), body, options);
    }

    /**
     * The same without waiting.
     *
     * @param account whom it is for; {@code null} finds out
     * @param headers the headers as received
     * @param body the raw body
     * @param options as for {@link PaysealClient#openNotification(Map, byte[], CallOptions)}; {@code null} for none
     * @return what became of it
     */
    public CompletableFuture<Taken> acceptAsync(
            String account, Map<String, List<String>> headers, byte[] body, CallOptions options) {
        byte[] lines = HeaderLines.of(headers);
        if (transport == null) {
            return executor.submit(cancel -> accept(account, lines, body, options));
        }
        return start(() -> newAccept(account, lines, body, options));
    }

    private Taken accept(String account, byte[] headers, byte[] body, CallOptions options) {
        try {
            return taken(Native.paymentsAccept(handle.get(), utf8(account), headers, body, json(options)));
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    private Call<Taken> newAccept(String account, byte[] headers, byte[] body, CallOptions options) {
        try {
            long call = Native.callNewAccept(handle.get(), utf8(account), headers, body, json(options));
            return new Call<>(call, PaymentActions::taken);
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    private static Taken taken(byte[][] answer) {
        JsonNode info = Json.read(answer[1], JsonNode.class);
        List<Map.Entry<String, String>> headers = new ArrayList<>();
        info.get("headers")
                .forEach(header -> headers.add(
                        Map.entry(header.get(0).asText(), header.get(1).asText())));
        Reply reply = new Reply(info.get("status").asInt(), List.copyOf(headers), answer[0]);
        if (info.get("accepted").asBoolean()) {
            return new Taken(reply, info, null);
        }
        Refused refused = Json.MAPPER.convertValue(info.get("error"), Refused.class);
        byte[] details = Json.write(refused.details);
        return new Taken(
                reply,
                info,
                Native.failure(
                        refused.code, refused.outcome, refused.message.getBytes(StandardCharsets.UTF_8), details));
    }

    private record Refused(
            @JsonProperty("code") int code,
            @JsonProperty("outcome") int outcome,
            @JsonProperty("message") String message,
            @JsonProperty("details") JsonNode details) {}

    /**
     * Reads JSON as the library's own is read.
     *
     * @param json a text in UTF-8
     * @param type as what
     * @param <T> that type
     * @return the value
     * @throws java.io.UncheckedIOException when it is not JSON of this shape
     */
    public <T> T read(byte[] json, Class<T> type) {
        return Json.read(json, Objects.requireNonNull(type, "type"));
    }

    /**
     * The clock.
     *
     * @return the one that was given, or the system's
     */
    public InstantSource clock() {
        return clock;
    }

    /** Frees it. May be repeated, and while calls are under way: those still end properly. The clients stay open. */
    @Override
    public void close() {
        handle.close();
        executor.close();
    }

    private <T> CompletableFuture<T> start(Supplier<Call<T>> call) {
        Call<T> made;
        try {
            made = call.get();
        } catch (Throwable error) {
            return CompletableFuture.failedFuture(error);
        }
        return transport.start(made);
    }

    private static byte[] json(ObjectNode params, CallOptions options) {
        return Json.write(options == null ? params : params.deepCopy().set("$", options.json()));
    }

    private static byte[] json(CallOptions options) {
        return options == null ? null : Json.write(options.json());
    }

    private static byte[] utf8(String text) {
        return text == null ? null : text.getBytes(StandardCharsets.UTF_8);
    }

    /** Collects what is needed. Not safe for use by several threads at once. */
    public static final class Builder {
        private final ObjectNode configuration;
        private final Map<String, PaysealClient> accounts = new LinkedHashMap<>();
        private LogListener log;
        private InstantSource clock;
        private SecureRandom random;
        private Executor executor;

        private Builder(ObjectNode configuration) {
            this.configuration = Objects.requireNonNull(configuration, "configuration");
        }

        /**
         * A merchant.
         *
         * @param name under which its orders are stored
         * @param client which may be closed before the payments
         * @return this builder
         */
        public Builder account(String name, PaysealClient client) {
            accounts.put(Objects.requireNonNull(name, "name"), Objects.requireNonNull(client, "client"));
            return this;
        }

        /**
         * Receives log records of payments; those of requests go to the clients' own.
         *
         * @param log e.g. an {@code io.payseal.slf4j.Slf4jLog}
         * @return this builder
         */
        public Builder log(LogListener log) {
            this.log = log;
            return this;
        }

        /**
         * Replaces the system's clock.
         *
         * @param clock a {@link java.time.Clock} or another source
         * @return this builder
         */
        public Builder clock(InstantSource clock) {
            this.clock = clock;
            return this;
        }

        /**
         * Replaces the kernel's random source.
         *
         * @param random the source
         * @return this builder
         */
        public Builder random(SecureRandom random) {
            this.random = random;
            return this;
        }

        /**
         * Where the futures wait for database and built-in transport. It should have platform threads.
         *
         * @param executor by default at most 64 daemon threads of its own
         * @return this builder
         */
        public Builder executor(Executor executor) {
            this.executor = executor;
            return this;
        }

        /**
         * Opens the store and makes its tables, or brings them up to date.
         *
         * @return the actions
         * @throws ConfigurationException when the configuration is wrong; the message names the field
         * @throws StoreException when the database cannot be used
         */
        public PaymentActions build() {
            return new PaymentActions(this);
        }
    }
}

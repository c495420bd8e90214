package io.payseal;

import com.fasterxml.jackson.databind.type.TypeFactory;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.ref.Reference;
import java.net.http.HttpClient;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;

/**
 * A merchant at a provider. Make one at start and keep it: it is immutable, holds the connections, and may be used by any
 * number of threads at once. Many clients live beside each other.
 *
 * <p>Every failure is a {@link PaysealException}. A closed client answers with {@link ErrorCode#INVALID_HANDLE}.
 */
public final class PaysealClient implements NotificationService, AutoCloseable {
    private final Handle handle;
    private final HttpTransport transport;
    private final AsyncExecutor executor;

    private PaysealClient(Builder builder) {
        Callbacks callbacks = new Callbacks(builder.log, builder.clock, builder.random, builder.signer, builder.cache);
        long pointer = Native.clientNew(builder.configuration.json(), callbacks.present() == 0 ? null : callbacks);
        handle = new Handle(this, pointer, Native::clientFree);
        transport = builder.httpClient == null ? null : new HttpTransport(builder.httpClient);
        executor = new AsyncExecutor(builder.executor);
    }

    /**
     * A client with the built-in transport and nothing injected.
     *
     * @param configuration the configuration
     * @return the client
     * @throws ConfigurationException when the configuration is wrong; the message names the field
     */
    public static PaysealClient of(Configuration configuration) {
        return builder(configuration).build();
    }

    /**
     * Starts a client.
     *
     * @param configuration the configuration
     * @return a builder
     */
    public static Builder builder(Configuration configuration) {
        return new Builder(configuration);
    }

    /**
     * The version of the native library.
     *
     * @return e.g. {@code "0.1.0"}
     */
    public static String version() {
        return text(Native.version());
    }

    /**
     * What a provider can be asked, as far as it is catalogued. Operations that are not listed can be called as well.
     *
     * @param provider {@code "wechat"}
     * @return JSON
     */
    public static String operations(String provider) {
        return text(Native.operations(utf8(provider)));
    }

    /**
     * Executes an operation and waits for its verified answer. An interrupt of this thread cancels the call; the interrupt
     * status stays set.
     *
     * @param operation the provider's name of it, e.g. {@code "POST /v3/pay/transactions/jsapi"}; placeholders of the path stay
     *     in braces
     * @param params the parameters
     * @return the verified answer
     * @throws PaysealException why there is none; {@link PaysealException#outcome()} says whether money may have moved
     */
    public Result execute(String operation, Params params) {
        if (transport != null) {
            return transport.await(newCall(operation, params));
        }
        try (Cancel cancel = new Cancel()) {
            Cancel.Interruptible interruptible = cancel.onInterrupt();
            try {
                return execute(utf8(operation), params, cancel);
            } finally {
                interruptible.over();
            }
        }
    }

    /**
     * Executes an operation without waiting. {@link CompletableFuture#cancel}, {@link CompletableFuture#orTimeout} or any other
     * early completion of the returned future cancels the call.
     *
     * <p>With the built-in transport the call runs on the builder's executor; with a {@link HttpClient} no thread waits for it.
     *
     * @param operation as for {@link #execute}
     * @param params the parameters
     * @return the verified answer; fails with {@link PaysealException}
     */
    public CompletableFuture<Result> executeAsync(String operation, Params params) {
        byte[] name = utf8(operation);
        Objects.requireNonNull(params, "params");
        if (transport == null) {
            return executor.submit(cancel -> execute(name, params, cancel));
        }
        Call<Result> call;
        try {
            call = newCall(operation, params);
        } catch (Throwable error) {
            return CompletableFuture.failedFuture(error);
        }
        return transport.start(call);
    }

    private Result execute(byte[] operation, Params params, Cancel cancel) {
        try {
            byte[][] answer =
                    Native.clientExecute(handle.get(), operation, params.json(), params.payload(), cancel.pointer());
            return new Result(answer[0], answer[1]);
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /**
     * Sends a file by an operation that takes one. The part {@code meta}, which is signed, is made of its name and SHA-256. {@code
     * io.payseal.wechat.files.Uploads} has the operations by name.
     *
     * @param operation e.g. {@code "POST /v3/merchant/media/upload"}
     * @param filename the name of the file, without a folder
     * @param content the file, at most 64 MiB
     * @return the verified answer, which has what the provider calls the file from now on
     * @throws PaysealException as for {@link #execute}
     */
    public Result upload(String operation, String filename, byte[] content) {
        CallOptions options = CallOptions.builder().filename(filename).build();
        return execute(
                operation, Params.builder().payload(content).options(options).build());
    }

    /**
     * Begins a download: of a bill, a receipt or another file. Nothing is sent before it is read or saved.
     *
     * @param params which file
     * @return a stream, which is at its end only when every check has passed; close it
     * @throws PaysealException when the parameters are wrong, or the file would lie somewhere else than at the provider
     */
    public Download download(DownloadParams params) {
        Objects.requireNonNull(params, "params");
        try {
            return new Download(handle.get(), params, transport == null ? null : transport.client());
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /**
     * Downloads into a file without waiting; see {@link Download#saveTo}. {@link CompletableFuture#cancel}, {@link
     * CompletableFuture#orTimeout} or any other early completion of the returned future ends the download, and then nothing of it stays.
     *
     * <p>With either transport it runs on the builder's executor and takes a thread of it for as long as it lasts.
     *
     * @param params which file
     * @param path where it goes
     * @return what came; fails with {@link PaysealException}
     */
    public CompletableFuture<DownloadInfo> downloadAsync(DownloadParams params, Path path) {
        Objects.requireNonNull(path, "path");
        return downloadAsync(params, (Downloading) download -> download.saveTo(path));
    }

    /**
     * Downloads into a stream without waiting, and does not close it. The end of the returned future ends the download, as above.
     *
     * @param params which file
     * @param out where its bytes go; <b>until the future has completed well they may not be relied on</b>
     * @return what came; fails with {@link PaysealException}, or with the {@link IOException} of {@code out}
     */
    public CompletableFuture<DownloadInfo> downloadAsync(DownloadParams params, OutputStream out) {
        Objects.requireNonNull(out, "out");
        return downloadAsync(params, (Downloading) download -> {
            download.transferTo(out);
            return download.info();
        });
    }

    private interface Downloading {
        DownloadInfo to(Download download) throws IOException;
    }

    private CompletableFuture<DownloadInfo> downloadAsync(DownloadParams params, Downloading downloading) {
        Objects.requireNonNull(params, "params");
        return executor.submitInterruptibly(() -> {
            try (Download download = download(params)) {
                return downloading.to(download);
            }
        });
    }

    /**
     * Starts an operation whose requests the caller sends.
     *
     * @param operation as for {@link #execute}
     * @param params the parameters
     * @return the call; close it
     * @throws PaysealException when the parameters are wrong
     */
    public Call<Result> newCall(String operation, Params params) {
        try {
            long call = Native.callNew(handle.get(), utf8(operation), params.json(), params.payload());
            return new Call<>(call, answer -> new Result(answer[0], answer[1]));
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /**
     * Asks, waits at the provider's pace and asks again until a state is final or the deadline has passed. Every answer is verified,
     * and nothing is ordered twice. An interrupt of this thread cancels the flow; the interrupt status stays set.
     *
     * <p>{@link Result#isFinal()} is {@code false} where the deadline passed first: then the result is the last verified state, which
     * may change.
     *
     * @param flow e.g. {@code "await_payment"}, {@code "codepay"}, {@code "refund"} or {@code "await_transfer"}; see
     *     {@code docs/abi.md}
     * @param params what it asks with
     * @return the last verified answer
     * @throws PaysealException when there is none; {@link PaysealException#outcome()} says whether money may have moved
     */
    public Result run(String flow, FlowParams params) {
        if (transport != null) {
            return transport.await(newFlowCall(flow, params));
        }
        try (Cancel cancel = new Cancel()) {
            Cancel.Interruptible interruptible = cancel.onInterrupt();
            try {
                return run(flow, params, cancel);
            } finally {
                interruptible.over();
            }
        }
    }

    /**
     * Runs a flow without waiting. Any early completion of the returned future cancels it.
     *
     * @param flow as for {@link #run}
     * @param params what it asks with
     * @return the last verified answer; fails with {@link PaysealException}
     */
    public CompletableFuture<Result> runAsync(String flow, FlowParams params) {
        if (transport == null) {
            Objects.requireNonNull(params, "params");
            return executor.submit(cancel -> run(flow, params, cancel));
        }
        Call<Result> call;
        try {
            call = newFlowCall(flow, params);
        } catch (Throwable error) {
            return CompletableFuture.failedFuture(error);
        }
        return transport.start(call);
    }

    private Result run(String flow, FlowParams params, Cancel cancel) {
        try {
            byte[][] answer = Native.clientRun(handle.get(), utf8(flow), params.json(), cancel.pointer());
            return new Result(answer[0], answer[1]);
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /**
     * Starts a flow whose requests the caller sends.
     *
     * @param flow as for {@link #run}
     * @param params what it asks with
     * @return the call; close it
     * @throws PaysealException when the parameters are wrong
     */
    public Call<Result> newFlowCall(String flow, FlowParams params) {
        try {
            long call = Native.callNewFlow(handle.get(), utf8(flow), params.json());
            return new Call<>(call, answer -> new Result(answer[0], answer[1]));
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /**
     * Opens a notification: verifies its signature and time, and decrypts it. Must be given what came over the wire: the raw
     * body, not a text or an object made from it.
     *
     * @param headers the headers as received
     * @param body the raw body
     * @return the notification
     * @throws TrustException when it must not be believed
     */
    public Notification openNotification(Map<String, List<String>> headers, byte[] body) {
        return openNotification(headers, body, null);
    }

    /**
     * Opens a notification, with options.
     *
     * @param headers the headers as received
     * @param body the raw body
     * @param options what to expect, a trace id, a bound on the time for a refresh of the platform certificates; {@code null} for
     *     none
     * @return the notification
     * @throws TrustException when it must not be believed, or says something else than was expected
     */
    public Notification openNotification(Map<String, List<String>> headers, byte[] body, CallOptions options) {
        if (transport != null) {
            return transport.await(newNotificationCall(headers, body, options));
        }
        try {
            byte[][] opened = Native.notificationOpen(handle.get(), HeaderLines.of(headers), body, json(options));
            return new Notification(opened[0], opened[1]);
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /**
     * Opens a notification as a call. It asks to send only when the platform certificates must be refreshed.
     *
     * @param headers the headers as received
     * @param body the raw body
     * @param options as for {@link #openNotification(Map, byte[], CallOptions)}; {@code null} for none
     * @return the call; close it
     */
    public Call<Notification> newNotificationCall(Map<String, List<String>> headers, byte[] body, CallOptions options) {
        try {
            long call = Native.callNewNotification(handle.get(), HeaderLines.of(headers), body, json(options));
            return new Call<>(call, opened -> new Notification(opened[0], opened[1]));
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /**
     * Opens a notification, lets the handler take care of it, and gives the reply that fits what happened. This is what web
     * frameworks need; see {@code payseal-web} for ready ones.
     *
     * @param headers the headers as received
     * @param body the raw body
     * @param handler called only with a verified notification
     * @return the reply to write, and why if it is a refusal
     */
    public Answer answerNotification(Map<String, List<String>> headers, byte[] body, NotificationHandler handler) {
        return answerNotification(headers, body, null, handler);
    }

    @Override
    public Answer answerNotification(
            Map<String, List<String>> headers, byte[] body, CallOptions options, NotificationHandler handler) {
        try {
            Notification notification = openNotification(headers, body, options);
            try {
                handler.handle(notification);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return new Answer(reply(ErrorCode.INTERNAL.number()), e);
            } catch (Exception e) {
                return new Answer(reply(ErrorCode.INTERNAL.number()), e);
            }
            return new Answer(reply(0), null);
        } catch (PaysealException e) {
            return new Answer(reply(e.code().number()), e);
        }
    }

    /**
     * Says why a notification, saved as it came, is refused: tries what services and proxies do to bodies and headers by mistake, and
     * names what would make the signature fit. For people who look for a mistake: it costs more than refusing does, fetches no
     * certificates, and lets nothing pass.
     *
     * @param headers the headers as received
     * @param body the raw body
     * @return the explanation
     */
    public Explanation explainNotification(Map<String, List<String>> headers, byte[] body) {
        try {
            byte[] json = Native.notificationExplain(handle.get(), HeaderLines.of(headers), body);
            return Json.read(json, Explanation.class);
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /**
     * The reply for a notification that was opened and taken care of.
     *
     * @return the reply to write
     */
    public Reply acceptNotification() {
        return reply(0);
    }

    /**
     * The reply for a notification that was refused, or that could not be taken care of.
     *
     * @param reason the code of the exception that opening gave; {@link ErrorCode#INTERNAL} when the merchant's own work failed
     * @return the reply to write
     */
    public Reply refuseNotification(ErrorCode reason) {
        return reply(reason.number());
    }

    private Reply reply(int code) {
        try {
            byte[][] parts = Native.notificationReply(handle.get(), code);
            ReplyHead head = Json.read(parts[0], ReplyHead.class);
            List<Map.Entry<String, String>> headers = new ArrayList<>();
            head.headers.forEach(header -> headers.add(Map.entry(header.get(0), header.get(1))));
            return new Reply(head.status, List.copyOf(headers), parts[1]);
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /**
     * What the mini-program, app or page needs to call up the cashier, signed.
     *
     * @param kind {@code "jsapi"}, {@code "app"}, {@code "h5"} or {@code "native"}
     * @param params e.g. {@code Map.of("prepay_id", …)}
     * @return the parameters to hand over, in order
     */
    public Map<String, String> invoke(String kind, Map<String, String> params) {
        return invoke(kind, Json.write(params));
    }

    /**
     * What the user's browser or app is given of an operation that is signed here and sent from there.
     *
     * @param kind {@code "url"}, {@code "form"}, {@code "order_string"} or {@code "page"}
     * @param operation the provider's name for it
     * @param params its query and its body
     * @return what to hand over
     */
    public Map<String, String> invoke(String kind, String operation, Params params) {
        return invoke(kind, params.json(operation));
    }

    private Map<String, String> invoke(String kind, byte[] params) {
        try {
            byte[] json = Native.clientInvoke(handle.get(), utf8(kind), params);
            return Json.read(
                    json,
                    TypeFactory.defaultInstance().constructMapType(LinkedHashMap.class, String.class, String.class));
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /**
     * Verifies the query with which the payer's browser came back to the return address. A notification is refused here, as a return is
     * refused where notifications are opened.
     *
     * @param query the query string as it was received, without the question mark
     * @return what the provider had signed; never that the order is paid
     * @throws TrustException when it is not the provider's
     */
    public Returned openReturn(String query) {
        try {
            return Json.read(Native.returnOpen(handle.get(), utf8(query)), Returned.class);
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /**
     * The client's counters and histograms. {@code payseal-micrometer} brings them into a meter registry.
     *
     * @return Prometheus text format 0.0.4
     */
    public String metrics() {
        try {
            return text(Native.clientMetrics(handle.get()));
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /** Frees the client. May be repeated, and while calls are under way: those still end properly. */
    @Override
    public void close() {
        handle.close();
        executor.close();
    }

    long pointer() {
        return handle.get();
    }

    /** {@code null} with the built-in transport. */
    HttpClient httpClient() {
        return transport == null ? null : transport.client();
    }

    private static byte[] json(CallOptions options) {
        return options == null ? null : Json.write(options.json());
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String text(byte[] utf8) {
        return new String(utf8, StandardCharsets.UTF_8);
    }

    private record ReplyHead(int status, List<List<String>> headers) {}

    /** Collects what a client is made of. Not safe for use by several threads at once. */
    public static final class Builder {
        private final Configuration configuration;
        private LogListener log;
        private InstantSource clock;
        private SecureRandom random;
        private Signer signer;
        private Cache cache;
        private HttpClient httpClient;
        private Executor executor;

        private Builder(Configuration configuration) {
            this.configuration = Objects.requireNonNull(configuration, "configuration");
        }

        /**
         * Receives log records.
         *
         * @param log e.g. an {@code io.payseal.slf4j.Slf4jLog}
         * @return this builder
         */
        public Builder log(LogListener log) {
            this.log = log;
            return this;
        }

        /**
         * Replaces the system's clock: timestamps, freshness and lifetimes follow it, durations do not.
         *
         * @param clock a {@link java.time.Clock} or another source
         * @return this builder
         */
        public Builder clock(InstantSource clock) {
            this.clock = clock;
            return this;
        }

        /**
         * Replaces the kernel's random source for nonces.
         *
         * @param random the source
         * @return this builder
         */
        public Builder random(SecureRandom random) {
            this.random = random;
            return this;
        }

        /**
         * Signs outside of payseal; the configuration then needs no private key.
         *
         * @param signer the signer
         * @return this builder
         */
        public Builder signer(Signer signer) {
            this.signer = signer;
            return this;
        }

        /**
         * Lends the client a cache for tokens, which all processes of a service may share. Only a client of
         * {@link Configuration#weixin()} uses one; without it, it keeps them itself.
         *
         * @param cache the cache
         * @return this builder
         */
        public Builder cache(Cache cache) {
            this.cache = cache;
            return this;
        }

        /**
         * Sends requests with this client instead of the built-in transport. Its proxy, TLS settings and connect timeout then
         * count; retries, failover and verification stay payseal's.
         *
         * @param httpClient a client that does not follow redirects
         * @return this builder
         */
        public Builder httpClient(HttpClient httpClient) {
            if (httpClient != null && httpClient.followRedirects() != HttpClient.Redirect.NEVER) {
                throw new IllegalArgumentException(
                        "the HttpClient must not follow redirects: a signed request is for one host");
            }
            this.httpClient = httpClient;
            return this;
        }

        /**
         * Where {@link PaysealClient#executeAsync} waits for the built-in transport, and where {@link PaysealClient#downloadAsync} runs. It should have platform threads, because a
         * native call pins a virtual thread to its carrier.
         *
         * @param executor by default at most 64 daemon threads of the client's own
         * @return this builder
         */
        public Builder executor(Executor executor) {
            this.executor = executor;
            return this;
        }

        /**
         * Makes the client.
         *
         * @return the client
         * @throws ConfigurationException when the configuration is wrong; the message names the field
         */
        public PaysealClient build() {
            return new PaysealClient(this);
        }
    }
}

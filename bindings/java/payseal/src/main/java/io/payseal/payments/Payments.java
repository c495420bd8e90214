package io.payseal.payments;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.annotation.JsonDeserialize;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.payseal.CallOptions;
import io.payseal.LogListener;
import io.payseal.OrderException;
import io.payseal.PaymentActions;
import io.payseal.PaysealClient;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;

/**
 * Orders, inbox and outbox of several merchants in one database. Make one at start and keep it: it is immutable and may be used by any number of
 * threads, processes and machines at once.
 *
 * <p>Every failure is a {@link io.payseal.PaysealException}: {@link io.payseal.StoreException} where the database fails, {@link io.payseal.OrderException} where
 * something does not fit where an order stands. Closed, it answers with {@link io.payseal.ErrorCode#INVALID_HANDLE}. An interrupt cancels a blocking
 * call, and any early completion of a future cancels it; what was stored stays, and the same call again goes on.
 */
public final class Payments implements AutoCloseable {
    private final PaymentActions actions;
    private final CallOptions options;
    private final boolean hasOutbox;
    private final Bell inbox;
    private final Bell outbox;

    private Payments(PaymentActions actions, boolean hasOutbox) {
        this(actions, null, hasOutbox, new Bell(), new Bell());
    }

    private Payments(PaymentActions actions, CallOptions options, boolean hasOutbox, Bell inbox, Bell outbox) {
        this.actions = actions;
        this.options = options;
        this.hasOutbox = hasOutbox;
        this.inbox = inbox;
        this.outbox = outbox;
    }

    /**
     * Starts.
     *
     * @param configuration where they are kept, and how long things last
     * @return a builder
     */
    public static Builder builder(PaymentsConfiguration configuration) {
        return new Builder(configuration);
    }

    /**
     * The same payments, with options for what their calls ask of providers: {@code payments.with(options).create(request)}. Made for one call or kept, as
     * it costs nothing; to be shared between threads like these, from which it differs in nothing else.
     *
     * @param options of {@code traceId}, {@code timeout} and {@code maxAttempts}, and in place of those that were given before; with another option every
     *     call fails with {@link io.payseal.ErrorCode#PARAMS_INVALID}. The trace id stands in the log records of the requests; time and attempts bound each
     *     request. {@link #accept(String, Map, byte[], CallOptions)} takes its own
     * @return what is not to be closed: its {@link #close} does nothing, and it is closed with these
     */
    public Payments with(CallOptions options) {
        return new Payments(actions, Objects.requireNonNull(options, "options"), hasOutbox, inbox, outbox);
    }

    /**
     * Stores an order, asks the provider for it and returns what the payer needs. It may be called again with the same number, after whatever
     * exception or crash: what is there is given back, and what broke off is gone on with.
     *
     * @param request what is to be paid
     * @return the order, and what the payer needs
     * @throws io.payseal.OrderException when the number is another order's, or the order is closed
     * @throws io.payseal.PaysealException of the provider or of the way to it; what was stored stays
     */
    public Payment create(PayRequest request) {
        return ask("create", request.json(), Payment.class);
    }

    /**
     * The same without waiting.
     *
     * @param request what is to be paid
     * @return the order, and what the payer needs; fails with {@link io.payseal.PaysealException}
     */
    public CompletableFuture<Payment> createAsync(PayRequest request) {
        return askAsync("create", request.json(), Payment.class);
    }

    /**
     * Asks the provider. What it says takes effect.
     *
     * @param orderNo the order's number
     * @return what became of it
     * @throws io.payseal.OrderException when there is no such order
     * @throws io.payseal.PaysealException when there is no verified answer
     */
    public Inquiry query(String orderNo) {
        return ask("query", number("order_no", orderNo), Inquiry.class);
    }

    /**
     * The same without waiting.
     *
     * @param orderNo the order's number
     * @return what became of it; fails with {@link io.payseal.PaysealException}
     */
    public CompletableFuture<Inquiry> queryAsync(String orderNo) {
        return askAsync("query", number("order_no", orderNo), Inquiry.class);
    }

    /**
     * Closes an order that nobody has paid. The provider is asked first: what was paid is paid, and the answer says so.
     *
     * @param orderNo the order's number
     * @return what became of it
     * @throws io.payseal.OrderException when there is no such order
     * @throws io.payseal.PaysealException when there is no verified answer
     */
    public Inquiry closeOrder(String orderNo) {
        return ask("close", number("order_no", orderNo), Inquiry.class);
    }

    /**
     * The same without waiting.
     *
     * @param orderNo the order's number
     * @return what became of it; fails with {@link io.payseal.PaysealException}
     */
    public CompletableFuture<Inquiry> closeOrderAsync(String orderNo) {
        return askAsync("close", number("order_no", orderNo), Inquiry.class);
    }

    /**
     * Stores a refund and asks the provider for it; where it is still processing, ticks follow it to its end. It may be called again with the same
     * number, as {@link #create} may.
     *
     * @param request what is given back
     * @return the refund and its order
     * @throws io.payseal.OrderException when it is more than is left of what was paid, or the number is another refund's
     * @throws io.payseal.PaysealException of the provider or of the way to it; what was stored stays
     */
    public Refunded refund(RefundRequest request) {
        return ask("refund", request.json(), Refunded.class);
    }

    /**
     * The same without waiting.
     *
     * @param request what is given back
     * @return the refund and its order; fails with {@link io.payseal.PaysealException}
     */
    public CompletableFuture<Refunded> refundAsync(RefundRequest request) {
        return askAsync("refund", request.json(), Refunded.class);
    }

    /**
     * Asks the provider what became of a refund. What it says takes effect.
     *
     * @param refundNo the refund's number
     * @return the refund and its order
     * @throws io.payseal.OrderException when there is no such refund
     * @throws io.payseal.PaysealException when there is no verified answer
     */
    public Refunded queryRefund(String refundNo) {
        return ask("query_refund", number("refund_no", refundNo), Refunded.class);
    }

    /**
     * The same without waiting.
     *
     * @param refundNo the refund's number
     * @return the refund and its order; fails with {@link io.payseal.PaysealException}
     */
    public CompletableFuture<Refunded> queryRefundAsync(String refundNo) {
        return askAsync("query_refund", number("refund_no", refundNo), Refunded.class);
    }

    /**
     * Does what is due, 100 orders and 100 refunds at once: those that wait for money are asked about, expired ones closed with the provider asked first,
     * refunds followed to their end.
     * Safe on many machines at once: what one has taken up no other does. A {@link Runner} ticks by itself.
     *
     * @return what was done
     * @throws io.payseal.StoreException when the database fails
     */
    public Ticked tick() {
        return ask("tick", object(), Ticked.class);
    }

    /**
     * The same for so many orders and so many refunds at once.
     *
     * @param most from 1 to 10000
     * @return what was done
     * @throws io.payseal.StoreException when the database fails
     */
    public Ticked tick(int most) {
        return ask("tick", object().put("most", most), Ticked.class);
    }

    /**
     * {@link #tick()} without waiting.
     *
     * @return what was done; fails with {@link io.payseal.PaysealException}
     */
    public CompletableFuture<Ticked> tickAsync() {
        return askAsync("tick", object(), Ticked.class);
    }

    /**
     * {@link #tick(int)} without waiting.
     *
     * @param most from 1 to 10000
     * @return what was done; fails with {@link io.payseal.PaysealException}
     */
    public CompletableFuture<Ticked> tickAsync(int most) {
        return askAsync("tick", object().put("most", most), Ticked.class);
    }

    /**
     * Takes in a notification: it is verified, and stored with a durable commit, before there is a reply that says success. Any number of threads share one
     * commit. {@code payseal-web} has endpoints that call this.
     *
     * @param account whom it is for; {@code null} finds out
     * @param headers the headers as received
     * @param body the raw body, never one that was parsed and written again
     * @return the reply to write, whatever became of the notification
     * @throws io.payseal.ArgumentException when there is no such account
     */
    public Accepted accept(String account, Map<String, List<String>> headers, byte[] body) {
        return accept(account, headers, body, null);
    }

    /**
     * The same with options.
     *
     * @param account whom it is for; {@code null} finds out
     * @param headers the headers as received
     * @param body the raw body
     * @param options as for {@link PaysealClient#openNotification(Map, byte[], CallOptions)}; {@code null} for none
     * @return the reply to write, whatever became of the notification
     * @throws io.payseal.ArgumentException when there is no such account
     */
    public Accepted accept(String account, Map<String, List<String>> headers, byte[] body, CallOptions options) {
        return accepted(actions.accept(account, headers, body, options));
    }

    /**
     * The same without waiting.
     *
     * @param account whom it is for; {@code null} finds out
     * @param headers the headers as received
     * @param body the raw body
     * @param options as for {@link PaysealClient#openNotification(Map, byte[], CallOptions)}; {@code null} for none
     * @return the reply to write, whatever became of the notification
     */
    public CompletableFuture<Accepted> acceptAsync(
            String account, Map<String, List<String>> headers, byte[] body, CallOptions options) {
        CompletableFuture<PaymentActions.Taken> taking = actions.acceptAsync(account, headers, body, options);
        return cancelling(taking.thenApply(this::accepted), taking);
    }

    private Accepted accepted(PaymentActions.Taken taken) {
        if (taken.error() == null) {
            inbox.ring();
        }
        Told told = actions.read(bytes(taken.info()), Told.class);
        return new Accepted(
                taken.reply(),
                taken.error(),
                told.account,
                Boolean.TRUE.equals(told.duplicate),
                told.kind,
                told.orderNo == null ? "" : told.orderNo);
    }

    private record Told(
            @JsonProperty("account") String account,
            @JsonProperty("duplicate") Boolean duplicate,
            @JsonProperty("kind") String kind,
            @JsonProperty("order_no") String orderNo) {}

    /**
     * An order with its refunds, its history and its exceptions. Nobody is asked.
     *
     * @param orderNo the order's number
     * @return all that is known
     * @throws io.payseal.OrderException when there is no such order
     */
    public OrderFile order(String orderNo) {
        return read("order", number("order_no", orderNo), OrderFile.class);
    }

    /**
     * Orders, newest first.
     *
     * @param state only those that stand there; {@code null} for all
     * @param before only those that were created earlier: to page, the {@link Order#createdAt()} of the last one seen; {@code null} for all
     * @param most how many there are at most, 1 to 1000
     * @return the orders
     */
    public List<Order> orders(State state, Instant before, int most) {
        ObjectNode params = object().put("most", most);
        if (state != null) {
            params.putPOJO("state", state);
        }
        if (before != null) {
            params.put("before_ms", before.toEpochMilli());
        }
        return read("orders", params, Orders.class).orders;
    }

    /**
     * The next page of orders, newest first: those that come behind one, of the same millisecond as well.
     *
     * @param state only those that stand there; {@code null} for all
     * @param last the last one seen
     * @param most how many there are at most, 1 to 1000
     * @return the orders
     */
    public List<Order> ordersBehind(State state, Order last, int most) {
        ObjectNode params = object().put("most", most)
                .put("before_ms", last.createdAt().toEpochMilli())
                .put("before_order_no", last.orderNo());
        if (state != null) {
            params.putPOJO("state", state);
        }
        return read("orders", params, Orders.class).orders;
    }

    private record Orders(@JsonProperty("orders") List<Order> orders) {}

    /**
     * What does not fit and waits for a person, newest first.
     *
     * @param most how many there are at most, 1 to 1000
     * @return the open ones
     */
    public List<ExceptionRecord> exceptions(int most) {
        return read("exceptions", object().put("most", most), Exceptions.class).exceptions;
    }

    /**
     * What does not fit, or did not, newest first.
     *
     * @param beforeId only older ones: to page, the {@link ExceptionRecord#id()} of the last one seen; {@code null} for all
     * @param most how many there are at most, 1 to 1000
     * @return open and resolved ones
     */
    public List<ExceptionRecord> allExceptions(Long beforeId, int most) {
        ObjectNode params = object().put("all", true).put("most", most);
        if (beforeId != null) {
            params.put("before_id", beforeId);
        }
        return read("exceptions", params, Exceptions.class).exceptions;
    }

    private record Exceptions(@JsonProperty("exceptions") List<ExceptionRecord> exceptions) {}

    /**
     * A person has looked at an exception, and says why it is settled and what the order is.
     *
     * @param exceptionId the exception's number
     * @param note why
     * @param state {@link State#PAID}, {@link State#CLOSED}, or {@code null} where the order keeps what it has
     * @return the order; {@code null} where there is none
     * @throws io.payseal.OrderException when there is no such exception, or the order cannot be that
     */
    public Order resolve(long exceptionId, String note, State state) {
        ObjectNode params = object().put("id", exceptionId).put("note", note);
        if (state != null) {
            params.putPOJO("state", state);
        }
        return ask("resolve", params, Settled.class).order;
    }

    /**
     * Lets a payment take effect that was learned otherwise, once.
     *
     * @param payment what was learned
     * @return the order; {@code null} where there is none
     * @throws io.payseal.OrderException when there is none, and the report names no account
     */
    public Order report(Report payment) {
        return ask("report", payment.json(), Settled.class).order;
    }

    private record Settled(@JsonProperty("order") Order order) {}

    /**
     * Counts, for dashboards.
     *
     * @return the counts
     */
    public Stats stats() {
        return read("stats", object(), Stats.class);
    }

    /**
     * Takes events that are due out of the inbox, oldest first. No two callers get the same one while its lease lasts.
     *
     * @param most how many there are at most, 1 to 1000
     * @return the events
     */
    public List<Event> claimEvents(int most) {
        return claimEvents(most, null);
    }

    /**
     * The same with a lease of one's own.
     *
     * @param most how many there are at most, 1 to 1000
     * @param lease takes the place of the configuration's, a tenth of a second to a day, counted in milliseconds; {@code null} for that
     * @return the events
     */
    public List<Event> claimEvents(int most, Duration lease) {
        return read("claim", lease(queue(Queue.INBOX), lease).put("most", most), Events.class).events;
    }

    private record Events(@JsonProperty("events") List<Event> events) {}

    /**
     * Takes messages that are due out of the outbox, oldest first.
     *
     * @param most how many there are at most, 1 to 1000
     * @param lease takes the place of the configuration's, a tenth of a second to a day, counted in milliseconds; {@code null} for that
     * @return the messages
     */
    public List<Message> claimMessages(int most, Duration lease) {
        return read("claim", lease(queue(Queue.OUTBOX), lease).put("most", most), Messages.class).messages;
    }

    private record Messages(@JsonProperty("messages") List<Message> messages) {}

    /**
     * Lets the lease last anew from now on.
     *
     * @param work what was claimed
     * @param lease takes the place of the configuration's, a tenth of a second to a day, counted in milliseconds; {@code null} for that
     * @return until when it lasts
     * @throws io.payseal.OrderException when somebody else has the work
     */
    public Instant extend(Claimed work, Duration lease) {
        return read("extend", lease(held(work), lease), Extended.class).leaseUntil;
    }

    private record Extended(
            @JsonProperty("lease_until_ms") @JsonDeserialize(using = Milliseconds.class)
            Instant leaseUntil) {}

    /**
     * Ends work that is done. An event takes effect in the same transaction.
     *
     * @param work what was claimed
     * @throws io.payseal.OrderException when somebody else has the work, and nothing took effect
     */
    public void ack(Claimed work) {
        ack(work, List.of());
    }

    /**
     * The same together with what the service itself writes to the same database.
     *
     * @param work what was claimed
     * @param also statements of the service's own, INSERT, UPDATE or DELETE, in the same transaction
     * @throws io.payseal.OrderException when somebody else has the work ({@link io.payseal.ErrorCode#LEASE_LOST}), or a statement changed another number of
     *     rows than it must ({@link io.payseal.ErrorCode#ORDER_STATE}); nothing took effect, and nothing was written
     */
    public void ack(Claimed work, List<Statement> also) {
        ObjectNode params = held(work);
        if (!also.isEmpty()) {
            params.putPOJO("also", also);
        }
        read("ack", params, Lost.class);
        outbox.ring();
    }

    /**
     * The same for many of one queue in one transaction.
     *
     * @param work what was claimed, 1000 at most
     * @param <W> events or messages
     * @return those that somebody else has by now, of which nothing took effect
     */
    public <W extends Claimed> List<W> ackAll(List<W> work) {
        if (work.isEmpty()) {
            return List.of();
        }
        ObjectNode params = queue(work.get(0).queue());
        ArrayNode all = params.putArray("work");
        work.forEach(each -> all.addObject().put("id", each.id()).put("token", each.token()));
        Set<Key> lost = new HashSet<>(read("ack", params, Lost.class).lost);
        outbox.ring();
        return work.stream()
                .filter(each -> lost.contains(new Key(each.id(), each.token())))
                .toList();
    }

    private record Lost(@JsonProperty("lost") List<Key> lost) {}

    private record Key(
            @JsonProperty("id") long id,
            @JsonProperty("token") long token) {}

    /**
     * Gives work back, to be claimed again after a random pause that grows with the attempts. After too many it is dead.
     *
     * @param work what was claimed
     * @param reason for people; may be {@code null}, and of a long one the first 1000 characters are kept
     * @return what became of it
     * @throws io.payseal.OrderException when somebody else has the work
     */
    public Nacked nack(Claimed work, String reason) {
        return nack(work, reason, null);
    }

    /**
     * The same with a pause of one's own.
     *
     * @param work what was claimed
     * @param reason for people; may be {@code null}, and of a long one the first 1000 characters are kept
     * @param delay the pause, up to 30 days, counted in milliseconds; {@code null} for a random one
     * @return what became of it
     * @throws io.payseal.OrderException when somebody else has the work
     */
    public Nacked nack(Claimed work, String reason, Duration delay) {
        ObjectNode params = held(work).put("reason", reason);
        if (delay != null) {
            params.put("delay_ms", delay.toMillis());
        }
        return read("nack", params, Nacked.class);
    }

    /**
     * Gives work up: it waits for a person and for {@link #redrive}. Of an event, what a notification told has not taken
     * effect; what was learned otherwise has.
     *
     * @param work what was claimed
     * @param reason for people
     * @throws io.payseal.OrderException when somebody else has the work
     */
    public void dead(Claimed work, String reason) {
        read("dead", held(work).put("reason", reason), Nacked.class);
    }

    /**
     * What was given up, newest first.
     *
     * @param queue which
     * @param most how many there are at most, 1 to 1000
     * @return the letters
     */
    public List<DeadLetter> deadLetters(Queue queue, int most) {
        return read("dead_letters", queue(queue).put("most", most), DeadLetters.class).dead;
    }

    private record DeadLetters(@JsonProperty("dead") List<DeadLetter> dead) {}

    /**
     * Lets what was given up be claimed again, with as many attempts as it had at first.
     *
     * @param queue which
     * @param ids which of it
     * @return how many it was
     */
    public int redrive(Queue queue, List<Long> ids) {
        return ask("redrive", queue(queue).putPOJO("ids", ids), Redriven.class).redriven;
    }

    /**
     * The same for all that was given up, the 1000 oldest of it at once.
     *
     * @param queue which
     * @return how many it was; while it is 1000 there may be more
     */
    public int redriveAll(Queue queue) {
        return ask("redrive", queue(queue), Redriven.class).redriven;
    }

    private record Redriven(@JsonProperty("redriven") int redriven) {}

    /**
     * What {@link #ack} would run, for a transaction of the service's own on the same database. Run them in their order; where one changes another
     * number of rows than it must, roll back: {@link OrderException#leaseLost()}.
     *
     * @param event what was claimed
     * @return the statements, with {@code ?} for values
     */
    public List<Statement> ackStatements(Event event) {
        ObjectNode params =
                object().put("id", event.id()).put("token", event.token()).put("placeholders", "?");
        return read("ack_statements", params, Statements.class).statements;
    }

    private record Statements(@JsonProperty("statements") List<Statement> statements) {}

    /**
     * {@link #ack(Claimed)} in a transaction of the service's own on the same database: the event takes effect when that commits, together with what the
     * service itself writes. Whatever it throws, roll back. For the handler of {@link Runner.Builder#acknowledgingHandler}.
     *
     * <p>In a method that Spring makes transactional a {@code JdbcTemplate} lends the connection, and whatever is thrown rolls back: {@code
     * jdbc.execute((ConnectionCallback<Void>) connection -> { payments.ackIn(connection, event); return null; })}.
     *
     * <p>Of PostgreSQL and MySQL only: a JDBC driver brings another SQLite than the library's, and two of them in one process do not see each other's
     * locks.
     *
     * @param connection inside of a transaction, without auto-commit; it is neither committed nor closed
     * @param event what was claimed
     * @throws io.payseal.OrderException when somebody else has the work or got on with its order ({@link io.payseal.ErrorCode#LEASE_LOST})
     * @throws SQLException of the connection
     */
    public void ackIn(Connection connection, Event event) throws SQLException {
        for (Statement statement : ackStatements(event)) {
            try (PreparedStatement prepared = connection.prepareStatement(statement.sql())) {
                for (int place = 0; place < statement.values().size(); place++) {
                    prepared.setObject(place + 1, statement.values().get(place));
                }
                int changed = prepared.executeUpdate();
                if (statement.changes() != null && statement.changes() != changed) {
                    throw OrderException.leaseLost();
                }
            }
        }
    }

    /**
     * The decrypted resource of a notification as a model.
     *
     * @param event of a notification
     * @param type a record of {@code io.payseal.wechat}, a class of your own, or Jackson's {@code JsonNode}
     * @param <T> that type
     * @return the model
     * @throws java.io.UncheckedIOException when the resource is not JSON of this shape
     */
    public <T> T read(Event event, Class<T> type) {
        return actions.read(event.plaintext(), type);
    }

    /** Frees the payments. May be repeated, and while calls are under way: those still end properly. The clients stay open. */
    @Override
    public void close() {
        if (options == null) { // else others opened them
            actions.close();
        }
    }

    boolean hasOutbox() {
        return hasOutbox;
    }

    Bell bell(Queue queue) {
        return queue == Queue.INBOX ? inbox : outbox;
    }

    Duration until(Instant moment) {
        return Duration.between(actions.clock().instant(), moment);
    }

    /** What may put something into inbox or outbox, whatever it returns. */
    private <T> T ask(String action, ObjectNode params, Class<T> result) {
        try {
            return actions.execute(action, params, options, result);
        } finally {
            ring();
        }
    }

    private <T> CompletableFuture<T> askAsync(String action, ObjectNode params, Class<T> result) {
        CompletableFuture<T> asking = actions.executeAsync(action, params, options, result);
        return cancelling(asking.whenComplete((value, error) -> ring()), asking);
    }

    /** An early end of what is handed out ends what it depends on. */
    private static <T> CompletableFuture<T> cancelling(CompletableFuture<T> given, CompletableFuture<?> working) {
        given.whenComplete((value, error) -> working.cancel(true));
        return given;
    }

    private void ring() {
        inbox.ring();
        outbox.ring();
    }

    private <T> T read(String action, ObjectNode params, Class<T> result) {
        return actions.execute(action, params, options, result);
    }

    private static byte[] bytes(JsonNode node) {
        return node.toString().getBytes(StandardCharsets.UTF_8);
    }

    private static ObjectNode object() {
        return JsonNodeFactory.instance.objectNode();
    }

    private static ObjectNode number(String key, String number) {
        return object().put(key, Objects.requireNonNull(number, "number"));
    }

    private static ObjectNode queue(Queue queue) {
        return object().put("queue", queue.name().toLowerCase(Locale.ROOT));
    }

    private static ObjectNode held(Claimed work) {
        return queue(work.queue()).put("id", work.id()).put("token", work.token());
    }

    private static ObjectNode lease(ObjectNode params, Duration lease) {
        return lease == null ? params : params.put("lease_ms", lease.toMillis());
    }

    /** Collects what payments are made of. Not safe for use by several threads at once. */
    public static final class Builder {
        private final PaymentActions.Builder actions;
        private final boolean hasOutbox;

        private Builder(PaymentsConfiguration configuration) {
            actions = PaymentActions.builder(configuration.json());
            hasOutbox = configuration.hasOutbox();
        }

        /**
         * A merchant. Requests go through the client's own {@link java.net.http.HttpClient}, if it has one; all have one, or none.
         *
         * @param name under which its orders are stored
         * @param client which may be closed before the payments
         * @return this builder
         */
        public Builder account(String name, PaysealClient client) {
            actions.account(name, client);
            return this;
        }

        /**
         * Receives log records of payments; those of requests go to the clients' own.
         *
         * @param log e.g. an {@code io.payseal.slf4j.Slf4jLog}
         * @return this builder
         */
        public Builder log(LogListener log) {
            actions.log(log);
            return this;
        }

        /**
         * Replaces the system's clock.
         *
         * @param clock a {@link java.time.Clock} or another source
         * @return this builder
         */
        public Builder clock(InstantSource clock) {
            actions.clock(clock);
            return this;
        }

        /**
         * Replaces the kernel's random source.
         *
         * @param random the source
         * @return this builder
         */
        public Builder random(SecureRandom random) {
            actions.random(random);
            return this;
        }

        /**
         * Where the futures wait for database and built-in transport. It should have platform threads.
         *
         * @param executor by default at most 64 daemon threads of its own
         * @return this builder
         */
        public Builder executor(Executor executor) {
            actions.executor(executor);
            return this;
        }

        /**
         * Opens the store and makes its tables, or brings them up to date.
         *
         * @return the payments
         * @throws io.payseal.ConfigurationException when the configuration is wrong; the message names the field
         * @throws io.payseal.StoreException when the database cannot be used
         */
        public Payments build() {
            return new Payments(actions.build(), hasOutbox);
        }
    }
}

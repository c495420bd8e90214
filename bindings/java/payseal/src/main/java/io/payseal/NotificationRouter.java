package io.payseal;

import java.lang.ref.Reference;
import java.util.Collection;
import java.util.List;
import java.util.Map;

/**
 * Serves the notifications of many merchants at one address: a notification of WeChat Pay names no merchant. {@link Event#merchant()}
 * says whose one is.
 *
 * <p>Immutable, for any number of threads at once; make another when merchants come or go. The clients stay the caller's to
 * close.
 */
public final class NotificationRouter implements NotificationService {
    private final List<PaysealClient> clients;

    /**
     * A router for these clients.
     *
     * @param clients at least one
     */
    public NotificationRouter(Collection<PaysealClient> clients) {
        this.clients = List.copyOf(clients);
        if (this.clients.isEmpty()) {
            throw new IllegalArgumentException("a router needs a client");
        }
    }

    /**
     * The client that a notification is for. Only a genuine one is assigned, or one whose signature needs a certificate that its
     * merchant can fetch; opening it then decides.
     *
     * @param headers the headers as received
     * @param body the raw body
     * @return the client to open it with
     * @throws TrustException when it is nobody's
     */
    public PaysealClient route(Map<String, List<String>> headers, byte[] body) {
        try {
            long[] handles = clients.stream().mapToLong(PaysealClient::pointer).toArray();
            return clients.get(Native.notificationRoute(handles, HeaderLines.of(headers), body));
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /**
     * Finds the client and opens the notification with it.
     *
     * @param headers the headers as received
     * @param body the raw body
     * @return the notification
     * @throws TrustException when it must not be believed
     */
    public Notification openNotification(Map<String, List<String>> headers, byte[] body) {
        return route(headers, body).openNotification(headers, body);
    }

    @Override
    public Answer answerNotification(
            Map<String, List<String>> headers, byte[] body, CallOptions options, NotificationHandler handler) {
        PaysealClient client;
        try {
            client = route(headers, body);
        } catch (PaysealException e) {
            return new Answer(clients.get(0).refuseNotification(e.code()), e);
        }
        return client.answerNotification(headers, body, options, handler);
    }
}

package io.payseal;

import java.util.List;
import java.util.Map;

/** What answers notifications: a client, for one merchant, or a {@link NotificationRouter}, for many. */
public interface NotificationService {
    /**
     * Opens a notification, lets the handler take care of it, and gives the reply that fits what happened.
     *
     * @param headers the headers as received
     * @param body the raw body
     * @param options as for {@link PaysealClient#openNotification(Map, byte[], CallOptions)}; {@code null} for none
     * @param handler called only with a verified notification that says what was expected
     * @return the reply to write, and why if it is a refusal
     */
    Answer answerNotification(
            Map<String, List<String>> headers, byte[] body, CallOptions options, NotificationHandler handler);
}

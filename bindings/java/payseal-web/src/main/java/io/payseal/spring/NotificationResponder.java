package io.payseal.spring;

import io.payseal.Answer;
import io.payseal.CallOptions;
import io.payseal.NotificationHandler;
import io.payseal.NotificationService;
import io.payseal.PaysealClient;
import io.payseal.PaysealException;
import java.util.Map;
import java.util.Objects;
import org.apache.commons.logging.Log;
import org.apache.commons.logging.LogFactory;
import org.springframework.http.RequestEntity;
import org.springframework.http.ResponseEntity;

/**
 * Receives a provider's notifications in a Spring controller that takes and gives entities, in MVC as well as in WebFlux:
 *
 * <pre>{@code
 * @PostMapping("/notify/wechat")
 * ResponseEntity<byte[]> notify(RequestEntity<byte[]> request) {
 *     return notifications.answer(request);
 * }
 * }</pre>
 *
 * <p>Safe for use by several threads at once, as far as the handler is.
 */
public final class NotificationResponder {
    private static final Log LOG = LogFactory.getLog(NotificationResponder.class);

    private final NotificationService notifications;
    private final NotificationHandler handler;

    /**
     * A responder for one merchant.
     *
     * @param notifications the merchant's client, or a router for many merchants
     * @param handler called only with verified notifications; what it throws is logged, and the provider is told to repeat
     */
    public NotificationResponder(NotificationService notifications, NotificationHandler handler) {
        this.notifications = Objects.requireNonNull(notifications, "notifications");
        this.handler = Objects.requireNonNull(handler, "handler");
    }

    /**
     * Handles one request. Blocks while the handler works and while platform certificates are fetched.
     *
     * @param request the raw body and its headers
     * @return the reply
     */
    public ResponseEntity<byte[]> answer(RequestEntity<byte[]> request) {
        return answer(request, null);
    }

    /**
     * Handles one request, with options. Blocks while the handler works and while platform certificates are fetched.
     *
     * @param request the raw body and its headers
     * @param options as for {@link PaysealClient#openNotification(Map, byte[], CallOptions)}; {@code null} for none
     * @return the reply
     */
    public ResponseEntity<byte[]> answer(RequestEntity<byte[]> request, CallOptions options) {
        Answer answer =
                notifications.answerNotification(Entities.headers(request), Entities.body(request), options, handler);
        if (answer.error() != null && !(answer.error() instanceof PaysealException)) {
            LOG.error("a notification could not be taken care of", answer.error());
        }
        return Entities.of(answer.reply());
    }
}

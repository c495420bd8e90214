package io.payseal.servlet;

import io.payseal.Answer;
import io.payseal.CallOptions;
import io.payseal.NotificationHandler;
import io.payseal.NotificationService;
import io.payseal.PaysealClient;
import io.payseal.PaysealException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Map;
import java.util.Objects;

/**
 * Receives a provider's notifications: reads the raw body once, opens it, lets the handler take care of it, and writes the reply
 * that fits. To be called from a servlet's {@code doPost} or from a Spring controller, where nothing else has read the body.
 *
 * <p>Safe for use by several threads at once, as far as the handler is.
 */
public final class NotificationEndpoint {
    private final NotificationService notifications;
    private final NotificationHandler handler;

    /**
     * An endpoint for one merchant.
     *
     * @param notifications the merchant's client, or a router for many merchants
     * @param handler called only with verified notifications; what it throws is logged to the servlet context, and the provider
     *     is told to repeat
     */
    public NotificationEndpoint(NotificationService notifications, NotificationHandler handler) {
        this.notifications = Objects.requireNonNull(notifications, "notifications");
        this.handler = Objects.requireNonNull(handler, "handler");
    }

    /**
     * Handles one request.
     *
     * @param request an HTTP request whose body has not been read
     * @param response where the reply goes
     * @throws IOException when the body cannot be read or the reply cannot be written
     */
    public void handle(HttpServletRequest request, HttpServletResponse response) throws IOException {
        handle(request, response, null);
    }

    /**
     * Handles one request, with options.
     *
     * @param request an HTTP request whose body has not been read
     * @param response where the reply goes
     * @param options as for {@link PaysealClient#openNotification(Map, byte[], CallOptions)}; {@code null} for none
     * @throws IOException when the body cannot be read or the reply cannot be written
     */
    public void handle(HttpServletRequest request, HttpServletResponse response, CallOptions options)
            throws IOException {
        Answer answer =
                notifications.answerNotification(Exchange.headers(request), Exchange.body(request), options, handler);
        if (answer.error() != null && !(answer.error() instanceof PaysealException)) {
            request.getServletContext().log("a notification could not be taken care of", answer.error());
        }
        // An interrupted thread cannot write to a channel, so the reply goes out first.
        boolean interrupted = Thread.interrupted();
        try {
            Exchange.write(answer.reply(), response);
            if (interrupted) {
                response.flushBuffer();
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}

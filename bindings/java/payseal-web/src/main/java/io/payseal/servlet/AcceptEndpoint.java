package io.payseal.servlet;

import io.payseal.CallOptions;
import io.payseal.PaysealClient;
import io.payseal.payments.Payments;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Map;
import java.util.Objects;

/**
 * Takes a provider's notifications into payments: reads the raw body once, and writes the reply that says success when the notification is stored. A {@link
 * io.payseal.payments.Runner} has the event afterwards. To be called from a servlet's {@code doPost} or from a Spring controller, where nothing else has
 * read the body.
 *
 * <p>Safe for use by several threads at once.
 */
public final class AcceptEndpoint {
    private final Payments payments;
    private final String account;

    /**
     * An endpoint for the address of all accounts.
     *
     * @param payments the payments
     */
    public AcceptEndpoint(Payments payments) {
        this(payments, null);
    }

    /**
     * An endpoint for the address of one account.
     *
     * @param payments the payments
     * @param account the account's name; {@code null} for all
     */
    public AcceptEndpoint(Payments payments, String account) {
        this.payments = Objects.requireNonNull(payments, "payments");
        this.account = account;
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
        byte[] body = Exchange.body(request);
        Exchange.write(
                payments.accept(account, Exchange.headers(request), body, options)
                        .reply(),
                response);
    }
}

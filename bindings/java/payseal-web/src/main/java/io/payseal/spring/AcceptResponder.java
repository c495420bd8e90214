package io.payseal.spring;

import io.payseal.CallOptions;
import io.payseal.PaysealClient;
import io.payseal.payments.Payments;
import java.util.Map;
import java.util.Objects;
import org.springframework.http.RequestEntity;
import org.springframework.http.ResponseEntity;

/**
 * Takes a provider's notifications into payments, in a Spring controller that takes and gives entities, in MVC as well as in WebFlux. The reply says success
 * when the notification is stored; a {@link io.payseal.payments.Runner} has the event afterwards.
 *
 * <p>Safe for use by several threads at once.
 */
public final class AcceptResponder {
    private final Payments payments;
    private final String account;

    /**
     * A responder for the address of all accounts.
     *
     * @param payments the payments
     */
    public AcceptResponder(Payments payments) {
        this(payments, null);
    }

    /**
     * A responder for the address of one account.
     *
     * @param payments the payments
     * @param account the account's name; {@code null} for all
     */
    public AcceptResponder(Payments payments, String account) {
        this.payments = Objects.requireNonNull(payments, "payments");
        this.account = account;
    }

    /**
     * Handles one request. Blocks while the database writes and while platform certificates are fetched.
     *
     * @param request the raw body and its headers
     * @return the reply
     */
    public ResponseEntity<byte[]> answer(RequestEntity<byte[]> request) {
        return answer(request, null);
    }

    /**
     * Handles one request, with options. Blocks while the database writes and while platform certificates are fetched.
     *
     * @param request the raw body and its headers
     * @param options as for {@link PaysealClient#openNotification(Map, byte[], CallOptions)}; {@code null} for none
     * @return the reply
     */
    public ResponseEntity<byte[]> answer(RequestEntity<byte[]> request, CallOptions options) {
        return Entities.of(payments.accept(account, Entities.headers(request), Entities.body(request), options)
                .reply());
    }
}

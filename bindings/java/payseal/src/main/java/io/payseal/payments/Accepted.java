package io.payseal.payments;

import io.payseal.PaysealException;
import io.payseal.Reply;

/**
 * What became of a notification, and what to answer.
 *
 * @param reply to be written in any case: success where the notification is stored, or was before; otherwise what makes the provider send it again
 * @param error why it was refused; {@code null} where it is stored
 * @param account whom it is for; {@code null} where that was not found out
 * @param duplicate whether it was stored before
 * @param kind the event's; {@code null} where it was refused
 * @param orderNo empty for what is about no order
 */
public record Accepted(
        Reply reply, PaysealException error, String account, boolean duplicate, String kind, String orderNo) {}

package io.payseal;

/**
 * What became of a notification.
 *
 * @param reply what to write
 * @param error why it was refused (a {@link PaysealException} of the core) or not taken care of (what the handler threw);
 *     {@code null} when all is well
 */
public record Answer(Reply reply, Exception error) {}

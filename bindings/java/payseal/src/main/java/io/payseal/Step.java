package io.payseal;

import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** What a {@link Call} asks for next. */
public sealed interface Step {
    /**
     * Send this request, then call {@link Call#respond} or {@link Call#fail}. Send exactly these headers and this body, follow
     * no redirect, decode no compression.
     *
     * @param method the HTTP method
     * @param uri where to
     * @param headers names and values, in order
     * @param body the exact bytes to send; may be empty
     * @param timeout how long the exchange may take
     * @param maxResponseBytes how long the answer may be; of a longer one, hand over one byte more than this
     */
    record Send(
            String method,
            URI uri,
            List<Map.Entry<String, String>> headers,
            byte[] body,
            Duration timeout,
            long maxResponseBytes)
            implements Step {
        /** Without query, headers and body: they hold secrets, a signature and personal data. */
        @Override
        public String toString() {
            String whole = uri.toString();
            int query = whole.indexOf('?');
            return "Send[" + method + " " + (query < 0 ? whole : whole.substring(0, query)) + "]";
        }
    }

    /**
     * Wait, then step again.
     *
     * @param delay how long
     */
    record Wait(Duration delay) implements Step {}

    /** {@link Call#result()} has the outcome. */
    record Done() implements Step {}
}

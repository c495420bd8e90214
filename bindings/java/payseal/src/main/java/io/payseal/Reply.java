package io.payseal;

import java.util.List;
import java.util.Map;

/**
 * The HTTP answer to a notification, to be written as it is.
 *
 * @param status the HTTP status
 * @param headers names and values, in order
 * @param body the exact bytes; may be empty
 */
public record Reply(int status, List<Map.Entry<String, String>> headers, byte[] body) {}

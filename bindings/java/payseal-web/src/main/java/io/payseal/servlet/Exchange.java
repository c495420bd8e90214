package io.payseal.servlet;

import io.payseal.Reply;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A notification as a servlet gets it, and the reply as it writes it. */
final class Exchange {
    /** A notification is a few kilobytes; more than the core accepts is not worth reading. */
    private static final int MOST_BYTES = 1024 * 1024 + 1;

    private Exchange() {}

    static byte[] body(HttpServletRequest request) throws IOException {
        return request.getInputStream().readNBytes(MOST_BYTES);
    }

    static Map<String, List<String>> headers(HttpServletRequest request) {
        Map<String, List<String>> headers = new LinkedHashMap<>();
        for (String name : Collections.list(request.getHeaderNames())) {
            headers.put(name, Collections.list(request.getHeaders(name)));
        }
        return headers;
    }

    static void write(Reply reply, HttpServletResponse response) throws IOException {
        response.setStatus(reply.status());
        reply.headers().forEach(header -> response.addHeader(header.getKey(), header.getValue()));
        response.setContentLength(reply.body().length);
        response.getOutputStream().write(reply.body());
    }
}

package io.payseal.spring;

import io.payseal.Reply;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.springframework.http.HttpHeaders;
import org.springframework.http.RequestEntity;
import org.springframework.http.ResponseEntity;

/** A notification as a controller gets it, and the reply as it gives it. */
final class Entities {
    private static final byte[] NOTHING = {};

    private Entities() {}

    static byte[] body(RequestEntity<byte[]> request) {
        byte[] body = request.getBody();
        return body == null ? NOTHING : body;
    }

    static Map<String, List<String>> headers(RequestEntity<byte[]> request) {
        Map<String, List<String>> lines = new LinkedHashMap<>();
        request.getHeaders().forEach(lines::put);
        return lines;
    }

    static ResponseEntity<byte[]> of(Reply reply) {
        HttpHeaders headers = new HttpHeaders();
        reply.headers().forEach(header -> headers.add(header.getKey(), header.getValue()));
        return ResponseEntity.status(reply.status()).headers(headers).body(reply.body());
    }
}

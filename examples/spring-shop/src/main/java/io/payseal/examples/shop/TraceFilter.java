package io.payseal.examples.shop;

import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;
import org.springframework.stereotype.Component;
import org.springframework.web.filter.OncePerRequestFilter;

/** Gives every request a trace id, the caller's where it sent one; payseal's log records of the request carry the same. */
@Component
class TraceFilter extends OncePerRequestFilter {
    private static final String TRACE_ID = "trace_id";
    private static final String HEADER = "X-Trace-Id";
    private static final Logger LOG = LoggerFactory.getLogger("shop");

    @Override
    protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws ServletException, IOException {
        String given = request.getHeader(HEADER);
        String id = given != null && given.matches("[!-~]{1,64}")
                ? given
                : UUID.randomUUID().toString();
        response.setHeader(HEADER, id);
        long started = System.nanoTime();
        try (var ignored = MDC.putCloseable(TRACE_ID, id)) {
            chain.doFilter(request, response);
            LOG.info(
                    "{} {} {} in {} ms",
                    request.getMethod(),
                    request.getRequestURI(),
                    response.getStatus(),
                    (System.nanoTime() - started) / 1_000_000);
        }
    }
}

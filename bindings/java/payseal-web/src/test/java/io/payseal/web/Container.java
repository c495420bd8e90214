package io.payseal.web;

import jakarta.servlet.FilterChain;
import jakarta.servlet.Servlet;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpFilter;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.apache.catalina.Context;
import org.apache.catalina.LifecycleException;
import org.apache.catalina.startup.Tomcat;
import org.apache.tomcat.util.descriptor.web.FilterDef;
import org.apache.tomcat.util.descriptor.web.FilterMap;

/** An embedded Tomcat with one servlet. */
public final class Container implements AutoCloseable {
    private static final Logger TOMCAT = Logger.getLogger("org.apache");

    private final Tomcat tomcat = new Tomcat();
    private final HttpClient http = HttpClient.newHttpClient();
    private final List<Integer> statuses = new CopyOnWriteArrayList<>();
    private final StringBuffer log = new StringBuffer();
    private final Handler listener = new Handler() {
        @Override
        public void publish(LogRecord record) {
            log.append(record.getMessage())
                    .append(' ')
                    .append(record.getThrown())
                    .append('\n');
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    };

    public Container(Servlet servlet) {
        TOMCAT.setUseParentHandlers(false);
        TOMCAT.setLevel(Level.WARNING);
        TOMCAT.addHandler(listener);
        tomcat.setHostname("127.0.0.1");
        tomcat.setPort(0);
        tomcat.setSilent(true);
        Context context = tomcat.addContext("", null);
        Tomcat.addServlet(context, "servlet", servlet).addMapping("/*");
        recordStatuses(context);
        tomcat.getConnector();
        try {
            tomcat.start();
        } catch (LifecycleException e) {
            throw new IllegalStateException(e);
        }
    }

    private void recordStatuses(Context context) {
        FilterDef definition = new FilterDef();
        definition.setFilterName("statuses");
        definition.setFilter(new HttpFilter() {
            private static final long serialVersionUID = 1L;

            @Override
            protected void doFilter(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
                    throws IOException, ServletException {
                chain.doFilter(request, response);
                statuses.add(response.getStatus());
            }
        });
        FilterMap map = new FilterMap();
        map.setFilterName("statuses");
        map.addURLPattern("/*");
        context.addFilterDef(definition);
        context.addFilterMap(map);
    }

    public String address() {
        return "http://127.0.0.1:" + tomcat.getConnector().getLocalPort();
    }

    /** The statuses of all answers so far. */
    public List<Integer> statuses() {
        return statuses;
    }

    /** What was logged. */
    public String log() {
        return log.toString();
    }

    public HttpResponse<String> post(String path, Map<String, List<String>> headers, byte[] body) {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(URI.create(address() + path)).POST(HttpRequest.BodyPublishers.ofByteArray(body));
        headers.forEach((name, values) -> values.forEach(value -> request.header(name, value)));
        try {
            return http.send(request.build(), HttpResponse.BodyHandlers.ofString(StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        try {
            tomcat.stop();
            tomcat.destroy();
        } catch (LifecycleException e) {
            throw new IllegalStateException(e);
        } finally {
            TOMCAT.removeHandler(listener);
        }
    }
}

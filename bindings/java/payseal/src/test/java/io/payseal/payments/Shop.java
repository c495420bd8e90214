package io.payseal.payments;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.payseal.Configuration;
import io.payseal.PaysealClient;
import io.payseal.testing.Sandbox;
import io.payseal.testing.Transport;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/** A shop that takes money through the sandbox, whose notifications arrive over HTTP. */
final class Shop implements AutoCloseable {
    /** What has arrived. */
    final BlockingQueue<Accepted> accepted = new LinkedBlockingQueue<>();

    private final String account;
    private final PaysealClient client;
    final Payments payments;
    final HttpServer server;

    Shop(Sandbox sandbox, String store, String account, Transport transport, Till.Clock clock) throws IOException {
        this.account = account;
        String file = account.equals("wechat") ? "config.json" : "config-" + account + ".json";
        client = transport.client(Configuration.fromJson(sandbox.read(file).toString()));
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        PaymentsConfiguration configuration = PaymentsConfiguration.builder(store)
                .notifyUrl(account, "http://127.0.0.1:" + server.getAddress().getPort() + "/notify")
                .expires(Duration.ofMinutes(2))
                .outbox()
                .build();
        payments = Payments.builder(configuration)
                .account(account, client)
                .clock(clock)
                .build();
        server.createContext("/notify", this::accept);
        server.start();
    }

    private void accept(HttpExchange exchange) throws IOException {
        Accepted taken = payments.accept(
                account, exchange.getRequestHeaders(), exchange.getRequestBody().readAllBytes());
        taken.reply()
                .headers()
                .forEach(header -> exchange.getResponseHeaders().add(header.getKey(), header.getValue()));
        byte[] body = taken.reply().body();
        exchange.sendResponseHeaders(taken.reply().status(), body.length == 0 ? -1 : body.length);
        exchange.getResponseBody().write(body);
        exchange.close();
        accepted.add(taken);
    }

    static PayRequest request(String number, String method) {
        return PayRequest.builder(number, method, 100, "茶").build();
    }

    @Override
    public void close() {
        server.stop(0);
        payments.close();
        client.close();
    }
}

package io.payseal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import com.sun.net.httpserver.HttpServer;
import io.payseal.testing.Orders;
import io.payseal.testing.Sandbox;
import io.payseal.wechat.pay.NativeRequest;
import io.payseal.wechat.pay.OrderAmount;
import io.payseal.wechat.pay.PayService;
import io.payseal.wechat.pay.TradeState;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A merchant whose scheme is 国密: SM2, SM3 and SM4 in place of RSA and AES, by configuration alone. */
class ShangmiTest {
    @TempDir
    static Path folder;

    private static Sandbox sandbox;

    @BeforeAll
    static void start() {
        sandbox = Sandbox.start(folder, "--scheme", "sm2");
    }

    @AfterAll
    static void stop() {
        sandbox.close();
    }

    @Test
    void a_payment_is_ordered_told_and_queried() throws IOException, InterruptedException {
        assertEquals(
                "WECHATPAY2-SM2-WITH-SM3",
                sandbox.read("config.json").path("scheme").asText());
        told(sandbox.configuration());
    }

    @Test
    void certificates_are_fetched_by_their_algorithm() throws IOException, InterruptedException {
        told(sandbox.configurationWithoutKeys());
    }

    private static void told(Configuration configuration) throws IOException, InterruptedException {
        BlockingQueue<Notification> heard = new LinkedBlockingQueue<>();
        HttpServer shop = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        try (PaysealClient client = PaysealClient.of(configuration)) {
            shop.createContext("/notify", exchange -> {
                byte[] body = exchange.getRequestBody().readAllBytes();
                Answer answer = client.answerNotification(exchange.getRequestHeaders(), body, heard::add);
                exchange.sendResponseHeaders(answer.reply().status(), -1);
                exchange.close();
            });
            shop.start();
            PayService payments = new PayService(client);
            String number = Orders.number();
            payments.nativePay(NativeRequest.builder()
                    .description("一杯茶")
                    .outTradeNo(number)
                    .notifyUrl("http://127.0.0.1:" + shop.getAddress().getPort() + "/notify")
                    .amount(OrderAmount.builder().total(100).build())
                    .build());
            sandbox.pay(number);
            Notification notification = heard.poll(30, TimeUnit.SECONDS);
            assertNotNull(notification, "no notification arrived");
            assertEquals("TRANSACTION.SUCCESS", notification.event().eventType());
            assertEquals(TradeState.SUCCESS, payments.queryByOutTradeNo(number).tradeState());
        } finally {
            shop.stop(0);
        }
    }
}

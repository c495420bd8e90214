package io.payseal.readme;

import io.payseal.Configuration;
import io.payseal.PaysealClient;
import io.payseal.PaysealException;
import io.payseal.servlet.NotificationEndpoint;
import io.payseal.slf4j.Slf4jLog;
import io.payseal.wechat.pay.NativeRequest;
import io.payseal.wechat.pay.OrderAmount;
import io.payseal.wechat.pay.PayService;
import io.payseal.wechat.pay.Transaction;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.file.Path;

/** Takes one order and learns that it is paid. */
public class Checkout extends HttpServlet {
    private static final long serialVersionUID = 1L;

    private final transient PaysealClient client;
    private final transient NotificationEndpoint notifications;

    public Checkout(Path config) throws IOException {
        client = PaysealClient.builder(Configuration.fromFile(config))
                .log(new Slf4jLog())
                .build();
        notifications = new NotificationEndpoint(client, notification -> {
            if (notification.event().eventType().equals("TRANSACTION.SUCCESS")) {
                Transaction paid = notification.as(Transaction.class);
                markPaid(paid.outTradeNo(), paid.amount().total()); // may come any number of times
            }
        });
    }

    /** What the order's QR code says; the amount is in fen. */
    public String order(String number, long fen, String notifyUrl) {
        NativeRequest request = NativeRequest.builder()
                .description("一杯茶")
                .outTradeNo(number)
                .notifyUrl(notifyUrl)
                .amount(OrderAmount.builder().total(fen).build())
                .build();
        try {
            return new PayService(client).nativePay(request).codeUrl();
        } catch (PaysealException e) {
            switch (e.outcome()) {
                case NOT_SENT, REJECTED -> throw new IllegalStateException("no order was made", e);
                default -> throw new IllegalStateException("query " + number + " before trying again", e);
            }
        }
    }

    @Override
    protected void doPost(HttpServletRequest request, HttpServletResponse response) throws IOException {
        notifications.handle(request, response);
    }

    @Override
    public void destroy() {
        client.close();
    }

    protected void markPaid(String number, long fen) {}
}

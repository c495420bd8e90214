package io.payseal.examples.shop;

import io.payseal.Notification;
import io.payseal.PaysealClient;
import io.payseal.servlet.NotificationEndpoint;
import io.payseal.wechat.pay.TradeState;
import io.payseal.wechat.pay.Transaction;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RestController;

/** What WeChat Pay tells the shop. Only this makes an order paid: what a browser says about money proves nothing. */
@RestController
class NotificationController {
    private static final Logger LOG = LoggerFactory.getLogger("shop");

    private final NotificationEndpoint endpoint;
    private final Orders orders;

    NotificationController(PaysealClient client, Orders orders) {
        this.endpoint = new NotificationEndpoint(client, this::paid);
        this.orders = orders;
    }

    @PostMapping("/notify/wechat")
    void receive(HttpServletRequest request, HttpServletResponse response) throws IOException {
        endpoint.handle(request, response);
    }

    /** Called with verified notifications only. The provider repeats one until this returns, so it must be idempotent. */
    private void paid(Notification notification) {
        if (!notification.event().eventType().equals("TRANSACTION.SUCCESS")) {
            return; // a refund, say: acknowledged, this shop has no use for it
        }
        Transaction transaction = notification.as(Transaction.class);
        String id = transaction.outTradeNo();
        if (!TradeState.SUCCESS.equals(transaction.tradeState())) {
            throw new IllegalStateException(
                    "order " + id + " is " + transaction.tradeState() + " in an event of success");
        }
        boolean first = orders.markPaid(
                id,
                transaction.transactionId(),
                transaction.successTime(),
                transaction.amount().total());
        if (first) {
            LOG.info("order {} is paid", id);
        }
    }
}

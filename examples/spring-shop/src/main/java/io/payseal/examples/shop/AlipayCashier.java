package io.payseal.examples.shop;

import io.payseal.CallOptions;
import io.payseal.Notification;
import io.payseal.PaysealClient;
import io.payseal.PaysealException;
import io.payseal.alipay.trade.PagePayRequest;
import io.payseal.alipay.trade.PrecreateRequest;
import io.payseal.alipay.trade.QueryRequest;
import io.payseal.alipay.trade.QueryResponse;
import io.payseal.alipay.trade.TradeNotification;
import io.payseal.alipay.trade.TradeService;
import io.payseal.alipay.trade.TradeStatus;
import io.payseal.servlet.NotificationEndpoint;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.math.BigDecimal;
import java.net.URI;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.util.UriComponentsBuilder;

/** Asks Alipay to collect an order, and is told that it did. app_id comes from the client's configuration. */
@RestController
class AlipayCashier {
    private static final Logger LOG = LoggerFactory.getLogger("shop");

    private final PaysealClient client;
    private final TradeService trade;
    private final NotificationEndpoint notifications;
    private final Orders orders;
    private final Address address;

    AlipayCashier(PaysealClient alipay, Orders orders, Address address) {
        this.client = alipay;
        this.trade = new TradeService(alipay);
        this.notifications = new NotificationEndpoint(alipay, this::told);
        this.orders = orders;
        this.address = address;
    }

    /** What the order's QR code says, to be scanned face to face. */
    String codeUrl(Order order) {
        PrecreateRequest request = PrecreateRequest.builder()
                .outTradeNo(order.id())
                .totalAmount(yuan(order.amountFen()))
                .subject(ShopController.PRODUCT.name())
                .build();
        return trade.precreate(request, address.of("/notify/alipay"), null, traced())
                .qrCode();
    }

    /** The address of Alipay's cashier page. Nothing is sent: the buyer's browser brings the order to Alipay. */
    String payUrl(Order order) {
        PagePayRequest request = PagePayRequest.builder()
                .outTradeNo(order.id())
                .totalAmount(yuan(order.amountFen()))
                .subject(ShopController.PRODUCT.name())
                .productCode("FAST_INSTANT_TRADE_PAY")
                .build();
        return trade.pagePayUrl(request, address.of("/notify/alipay"), address.of("/return/alipay"), null);
    }

    private static CallOptions traced() {
        return CallOptions.builder().traceId(TraceFilter.current()).build();
    }

    @PostMapping("/notify/alipay")
    void receive(HttpServletRequest request, HttpServletResponse response) throws IOException {
        notifications.handle(request, response);
    }

    /** Called with verified notifications only, which are of this app. Alipay repeats one until this returns, so it must be idempotent. */
    private void told(Notification notification) {
        TradeNotification payment = notification.as(TradeNotification.class);
        if (isPaid(payment.tradeStatus())) { // else closed, say: acknowledged, this shop has no use for it
            orders.markPaid(payment.outTradeNo(), payment.tradeNo(), payment.gmtPayment(), fen(payment.totalAmount()));
        }
    }

    /**
     * Receives the buyer who comes back from Alipay's page. That he comes proves nothing about the money, so Alipay is asked; should it
     * not answer, the notification will tell.
     */
    @GetMapping("/return/alipay")
    ResponseEntity<Void> returned(HttpServletRequest request) {
        String query = request.getQueryString();
        String id = client.openReturn(query == null ? "" : query).fields().get("out_trade_no");
        try {
            query(id);
        } catch (RuntimeException error) {
            LOG.warn("it is not known yet whether order {} is paid", id, error);
        }
        URI page =
                UriComponentsBuilder.fromPath("/").queryParam("order", "{id}").build(id);
        return ResponseEntity.status(HttpStatus.SEE_OTHER).location(page).build();
    }

    private void query(String id) {
        QueryRequest request = QueryRequest.builder().outTradeNo(id).build();
        QueryResponse payment = trade.query(request, null, traced());
        if (isPaid(payment.tradeStatus())) {
            orders.markPaid(payment.outTradeNo(), payment.tradeNo(), payment.sendPayDate(), fen(payment.totalAmount()));
        }
    }

    @ExceptionHandler(PaysealException.class)
    ResponseEntity<Map<String, String>> notSigned(PaysealException error) {
        LOG.warn("a return that Alipay has not signed", error);
        return ResponseEntity.badRequest().body(Map.of("error", "Alipay has not signed this return"));
    }

    /** What is finished is paid too, and can be refunded no more. */
    private static boolean isPaid(String tradeStatus) {
        return TradeStatus.TRADE_SUCCESS.equals(tradeStatus) || TradeStatus.TRADE_FINISHED.equals(tradeStatus);
    }

    /** An amount as Alipay wants it: 88.88. */
    private static String yuan(long fen) {
        return BigDecimal.valueOf(fen, 2).toPlainString();
    }

    /** What Alipay wrote, which payseal lets pass only with two places at most. */
    private static long fen(String yuan) {
        return new BigDecimal(yuan).movePointRight(2).longValueExact();
    }
}

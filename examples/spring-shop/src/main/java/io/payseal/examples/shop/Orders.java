package io.payseal.examples.shop;

import java.security.SecureRandom;
import java.time.LocalDate;
import java.time.format.DateTimeFormatter;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Component;

/** Keeps the orders in memory. A real shop keeps them in a database, and writes the order before it asks for money. */
@Component
class Orders {
    private static final Logger LOG = LoggerFactory.getLogger("shop");
    private static final DateTimeFormatter DATE = DateTimeFormatter.ofPattern("yyMMdd");

    private final Map<String, Order> byId = new ConcurrentHashMap<>();
    private final SecureRandom random = new SecureRandom();

    /** A new order under a number of its own, of the 32 characters that out_trade_no allows. */
    Order create(String method, long amountFen) {
        byte[] unique = new byte[13];
        random.nextBytes(unique);
        String id = LocalDate.now().format(DATE) + HexFormat.of().formatHex(unique);
        Order order = new Order(id, method, amountFen, null, null, null);
        byId.put(id, order);
        return order;
    }

    Optional<Order> find(String id) {
        return Optional.ofNullable(byId.get(id));
    }

    void setCodeUrl(String id, String codeUrl) {
        byId.computeIfPresent(id, (key, order) -> order.withCodeUrl(codeUrl));
    }

    /** For every word of a payment, repetitions included; only the first changes the order. */
    void markPaid(String id, String transactionId, String paidAt, long amountFen) {
        Order now = byId.computeIfPresent(id, (key, order) -> {
            if (order.amountFen() != amountFen) {
                throw new IllegalStateException(
                        "order " + id + " costs " + order.amountFen() + " fen, " + amountFen + " were paid");
            }
            if (order.transactionId() != null) {
                return order;
            }
            LOG.info("order {} is paid", id);
            return order.paid(transactionId, paidAt);
        });
        if (now == null) {
            throw new IllegalStateException("order " + id + " is not ours");
        }
    }
}

package io.payseal.testing;

import io.payseal.CallOptions;
import io.payseal.Params;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

/** Orders for tests. */
public final class Orders {
    public static final String NATIVE = "POST /v3/pay/transactions/native";
    public static final String QUERY = "GET /v3/pay/transactions/out-trade-no/{out_trade_no}";
    public static final String CLOSE = "POST /v3/pay/transactions/out-trade-no/{out_trade_no}/close";

    /** Nobody listens there. */
    public static final String NOWHERE = "http://127.0.0.1:9/notify";

    private static final AtomicInteger COUNT = new AtomicInteger();

    private Orders() {}

    /** An order number that was not used before. */
    public static String number() {
        return "JAVA" + ProcessHandle.current().pid() + "X" + COUNT.incrementAndGet();
    }

    /** A Native order of one fen. */
    public static Map<String, Object> body(String number, String notifyUrl) {
        Map<String, Object> body = new LinkedHashMap<>();
        body.put("description", "一杯茶");
        body.put("out_trade_no", number);
        body.put("notify_url", notifyUrl);
        body.put("amount", Map.of("total", 1, "currency", "CNY"));
        return body;
    }

    public static Params order(String number) {
        return Params.ofBody(body(number, NOWHERE));
    }

    public static Params once(String number) {
        return Params.builder()
                .body(body(number, NOWHERE))
                .options(CallOptions.builder().maxAttempts(1).build())
                .build();
    }

    public static Params query(String number) {
        return Params.builder().path("out_trade_no", number).build();
    }
}

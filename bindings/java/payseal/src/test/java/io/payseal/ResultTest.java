package io.payseal;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.payseal.wechat.pay.OrderAmount;
import io.payseal.wechat.pay.Transaction;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How verified bytes become models. */
class ResultTest {
    private static Result result(String body) {
        return new Result(body.getBytes(StandardCharsets.UTF_8), "{}".getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void a_model_ignores_what_it_does_not_know_and_has_null_for_what_is_not_there() {
        Transaction transaction =
                result("{\"out_trade_no\":\"A1\",\"brand_new\":{\"x\":[1]}}").as(Transaction.class);
        assertEquals("A1", transaction.outTradeNo());
        assertNull(transaction.transactionId());
        assertNull(transaction.amount());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"currency\":\"CNY\"}",
                "{\"total\":null}",
                "{\"total\":1.5}",
                "{\"total\":1.0}",
                "{\"total\":9223372036854775808}",
                "{\"total\":true}",
                "{\"total\":\"\"}",
                "{\"total\":{}}"
            })
    void an_amount_that_is_no_integer_is_not_read_as_one(String body) {
        assertThrows(UncheckedIOException.class, () -> result(body).as(OrderAmount.class));
    }

    @Test
    void a_body_that_is_not_there_is_no_model() {
        assertThrows(UncheckedIOException.class, () -> result("").as(Transaction.class));
    }

    /** Who writes into the array that was handed out changes nothing of what was verified. */
    @Test
    void the_verified_bytes_cannot_be_changed() {
        Result result = result("{\"total\":1}");
        result.body()[9] = '9';
        assertArrayEquals("{\"total\":1}".getBytes(StandardCharsets.UTF_8), result.body());
        assertEquals(1, result.as(OrderAmount.class).total());
    }
}

package io.payseal.wechat.payscore;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.payseal.testing.EachScheme;
import io.payseal.testing.Merchant;
import io.payseal.testing.Orders;

class PayScoreServiceTest {
    @EachScheme
    void aServiceIsOrderedAndFound(Merchant merchant) {
        PayScoreService services = new PayScoreService(merchant.client());
        String number = Orders.number();
        ServiceOrder order = services.createOrder(CreateOrderRequest.builder()
                .outOrderNo(number)
                .serviceId("500001")
                .serviceIntroduction("借茶具")
                .notifyUrl(Orders.NOWHERE)
                .riskFund(OrderRiskFund.builder().name("DEPOSIT").amount(10_000).build())
                .timeRange(TimeRange.builder()
                        .startTime("20260101100000")
                        .endTime("20260102100000")
                        .build())
                .build());
        assertEquals(number, order.outOrderNo());
        assertEquals(10_000, order.riskFund().amount());
        assertEquals("20260101100000", order.timeRange().startTime());
        assertFalse(order.package_().isEmpty());
        assertEquals(number, services.queryOrder(number, null, "500001", null).outOrderNo());
    }
}

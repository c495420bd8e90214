package io.payseal.wechat.busifavor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import io.payseal.testing.EachScheme;
import io.payseal.testing.Merchant;
import io.payseal.testing.Orders;

class BusiFavorServiceTest {
    @EachScheme
    void aCouponIsSentAndItsStockFound(Merchant merchant) {
        BusiFavorService coupons = new BusiFavorService(merchant.client());
        String number = Orders.number();
        SendCouponResponse sent = coupons.sendCoupon(SendCouponRequest.builder()
                .appid(merchant.appid())
                .openid(Merchant.OPENID)
                .outRequestNo(number)
                .stockId("9856000")
                .couponCode("TEA1")
                .build());
        assertEquals(number, sent.outRequestNo());
        assertEquals("TEA1", sent.couponCode());
        Stock stock = coupons.queryStock("9856000");
        assertEquals("9856000", stock.stockId());
        assertNotNull(stock.couponUseRule());
        assertNotNull(stock.stockSendRule());
    }
}

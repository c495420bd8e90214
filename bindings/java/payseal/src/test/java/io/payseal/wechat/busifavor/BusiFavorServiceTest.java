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
        CreateStockRequest request = CreateStockRequest.builder()
                .outRequestNo(Orders.number())
                .belongMerchant(merchant.mchid())
                .stockName("茶券")
                .goodsName("茶")
                .stockType("NORMAL")
                .couponCodeMode("MERCHANT_API")
                .stockSendRule(StockSendRule.builder()
                        .maxCoupons(100)
                        .maxCouponsPerUser(1)
                        .build())
                .couponUseRule(CouponUseRule.builder()
                        .couponAvailableTime(CouponAvailableTime.builder()
                                .availableBeginTime("2026-01-01T00:00:00+08:00")
                                .availableEndTime("2026-02-01T00:00:00+08:00")
                                .build())
                        .fixedNormalCoupon(FixedNormalCoupon.builder()
                                .discountAmount(100)
                                .transactionMinimum(1_000)
                                .build())
                        .useMethod("OFF_LINE")
                        .build())
                .build();
        String made = coupons.createStock(request).stockId();
        SendCouponResponse sent = coupons.sendCoupon(SendCouponRequest.builder()
                .appid(merchant.appid())
                .openid(Merchant.OPENID)
                .outRequestNo(number)
                .stockId(made)
                .couponCode("TEA1")
                .build());
        assertEquals(number, sent.outRequestNo());
        assertEquals("TEA1", sent.couponCode());
        Stock stock = coupons.queryStock(made);
        assertEquals(made, stock.stockId());
        assertNotNull(stock.couponUseRule());
        assertNotNull(stock.stockSendRule());
    }
}

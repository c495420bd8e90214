package io.payseal.wechat.favor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.payseal.testing.EachScheme;
import io.payseal.testing.Merchant;
import io.payseal.testing.Orders;

class FavorServiceTest {
    @EachScheme
    void couponsAreMadeAndSent(Merchant merchant) {
        FavorService coupons = new FavorService(merchant.client());
        CreateStockRequest request = CreateStockRequest.builder()
                .outRequestNo(Orders.number())
                .belongMerchant(merchant.mchid())
                .stockName("茶券")
                .stockType("NORMAL")
                .availableBeginTime("2026-01-01T00:00:00+08:00")
                .availableEndTime("2026-02-01T00:00:00+08:00")
                .noCash(true)
                .stockUseRule(StockUseRule.builder()
                        .maxAmount(10_000)
                        .maxCoupons(100)
                        .maxCouponsPerUser(1)
                        .build())
                .couponUseRule(CouponUseRule.builder()
                        .couponAvailableTime(CouponAvailableTime.builder()
                                .availableTimeAfterReceive(60L)
                                .build())
                        .fixedNormalCoupon(FixedNormalCoupon.builder()
                                .couponAmount(100)
                                .transactionMinimum(1_000)
                                .build())
                        .build())
                .build();
        String made = coupons.createStock(request).stockId();
        coupons.startStock(
                made,
                StartStockRequest.builder().stockCreatorMchid(merchant.mchid()).build());
        Stock stock = coupons.queryStock(made, merchant.mchid());
        assertEquals(made, stock.stockId());
        assertEquals("running", stock.status());
        assertEquals(merchant.mchid(), stock.stockCreatorMchid());
        SendCouponRequest coupon = SendCouponRequest.builder()
                .appid(merchant.appid())
                .outRequestNo(Orders.number())
                .stockCreatorMchid(merchant.mchid())
                .stockId(made)
                .build();
        assertFalse(coupons.sendCoupon(Merchant.OPENID, coupon).couponId().isEmpty());
    }
}

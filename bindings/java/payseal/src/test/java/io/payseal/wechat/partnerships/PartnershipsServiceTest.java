package io.payseal.wechat.partnerships;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.payseal.CallOptions;
import io.payseal.testing.EachScheme;
import io.payseal.testing.Merchant;
import io.payseal.testing.Orders;

class PartnershipsServiceTest {
    @EachScheme
    void aPartnershipIsMadeOnce(Merchant merchant) {
        BuildPartnershipRequest request = BuildPartnershipRequest.builder()
                .partner(Partner.builder().type("APPID").appid(merchant.appid()).build())
                .authorizedData(AuthorizedData.builder()
                        .businessType("FAVOR_STOCK")
                        .stockId("9856000")
                        .build())
                .build();
        CallOptions once = CallOptions.builder().idempotencyKey(Orders.number()).build();
        BuildPartnershipResponse built = new PartnershipsService(merchant.client()).buildPartnership(request, once);
        assertEquals(merchant.appid(), built.partner().appid());
        assertEquals("9856000", built.authorizedData().stockId());
    }
}

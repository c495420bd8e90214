package io.payseal.wechat.paygift;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import io.payseal.testing.EachScheme;
import io.payseal.testing.Merchant;
import io.payseal.testing.Orders;
import java.util.List;

class PayGiftServiceTest {
    @EachScheme
    void anActivityIsMadeAndFound(Merchant merchant) {
        PayGiftService gifts = new PayGiftService(merchant.client());
        CreateActivityRequest request = CreateActivityRequest.builder()
                .activityBaseInfo(ActivityBaseInfo.builder()
                        .activityName("新茶")
                        .activitySecondTitle("明前")
                        .deliveryPurpose("OFF_LINE_PAY")
                        .outRequestNo(Orders.number())
                        .merchantLogoUrl("https://tea.example.com/logo.png")
                        .beginTime("2026-01-01T00:00:00+08:00")
                        .endTime("2026-02-01T00:00:00+08:00")
                        .build())
                .awardSendRule(AwardSendRule.builder()
                        .transactionAmountMinimum(1_000)
                        .sendContent("SINGLE_COUPON")
                        .awardType("BUSIFAVOR")
                        .merchantOption("MANUAL_INPUT_MERCHANT")
                        .awardList(List.of(Award.builder().stockId("9856000").build()))
                        .merchantIdList(List.of(merchant.mchid()))
                        .build())
                .build();
        assertFalse(gifts.createActivity(request).activityId().isEmpty());
        Activity activity = gifts.queryActivity("10028001");
        assertEquals("10028001", activity.activityId());
        assertNotNull(activity.activityBaseInfo());
        assertNotNull(activity.awardSendRule());
    }
}

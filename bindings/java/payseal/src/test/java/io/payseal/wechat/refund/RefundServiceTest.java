package io.payseal.wechat.refund;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.payseal.testing.EachScheme;
import io.payseal.testing.Merchant;

class RefundServiceTest {
    @EachScheme
    void aPartOfAPaymentIsGivenBack(Merchant merchant) {
        RefundService refunds = new RefundService(merchant.client());
        String number = merchant.paid();
        CreateRequest request = CreateRequest.builder()
                .outTradeNo(number)
                .outRefundNo("r" + number)
                .reason("冷了")
                .amount(CreateAmount.builder()
                        .refund(60)
                        .total(100)
                        .currency("CNY")
                        .build())
                .build();
        Refund begun = refunds.create(request);
        assertEquals("PROCESSING", begun.status());
        Refund found = refunds.query("r" + number);
        assertEquals(begun.refundId(), found.refundId());
        assertEquals(number, found.outTradeNo());
        assertEquals(60, found.amount().refund());
        assertEquals(60, found.amount().payerRefund());
    }
}

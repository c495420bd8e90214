package io.payseal.wechat.partnerpay;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.payseal.testing.EachScheme;
import io.payseal.testing.Merchant;
import io.payseal.testing.Orders;

class PartnerPayServiceTest {
    @EachScheme
    void anOrderForASubMerchantIsFoundAndClosed(Merchant merchant) {
        PartnerPayService payments = new PartnerPayService(merchant.client());
        String number = Orders.number();
        NativeRequest request = NativeRequest.builder()
                .subMchid(Merchant.SUB_MERCHANT)
                .description("茶")
                .outTradeNo(number)
                .notifyUrl(Orders.NOWHERE)
                .amount(OrderAmount.builder().total(100).currency("CNY").build())
                .build();
        assertTrue(payments.nativePartnerPay(request).codeUrl().startsWith("http"));
        Transaction found = payments.queryByOutTradeNo(number, Merchant.SUB_MERCHANT);
        assertEquals(TradeState.NOTPAY, found.tradeState());
        assertEquals(merchant.mchid(), found.spMchid());
        assertEquals(Merchant.SUB_MERCHANT, found.subMchid());
        payments.close(
                number, CloseRequest.builder().subMchid(Merchant.SUB_MERCHANT).build());
    }
}

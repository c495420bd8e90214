package io.payseal.wechat.pay;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import io.payseal.testing.EachScheme;
import io.payseal.testing.Merchant;
import io.payseal.testing.Orders;

class PayServiceTest {
    @EachScheme
    void anOrderIsFoundUnpaidAndPaid(Merchant merchant) {
        PayService payments = new PayService(merchant.client());
        String number = Orders.number();
        JsapiRequest request = JsapiRequest.builder()
                .description("茶")
                .outTradeNo(number)
                .notifyUrl(Orders.NOWHERE)
                .amount(OrderAmount.builder().total(100).currency("CNY").build())
                .payer(Payer.builder().openid(Merchant.OPENID).build())
                .build();
        assertNotNull(payments.jsapi(request).prepayId());
        assertEquals(TradeState.NOTPAY, payments.queryByOutTradeNo(number).tradeState());
        merchant.sandbox().pay(number);
        Transaction found = payments.queryByOutTradeNo(number);
        assertEquals(TradeState.SUCCESS, found.tradeState());
        assertEquals(merchant.mchid(), found.mchid());
        assertEquals(100, found.amount().total());
        assertEquals(Merchant.OPENID, found.payer().openid());
        assertEquals(
                number, payments.queryByTransactionId(found.transactionId()).outTradeNo());
    }
}

package io.payseal.wechat.combine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.payseal.testing.EachScheme;
import io.payseal.testing.Merchant;
import io.payseal.testing.Orders;
import java.util.List;

class CombineServiceTest {
    @EachScheme
    void ordersOfTwoPartsAreFound(Merchant merchant) {
        CombineService payments = new CombineService(merchant.client());
        String number = Orders.number();
        NativeRequest request = NativeRequest.builder()
                .combineOutTradeNo(number)
                .notifyUrl(Orders.NOWHERE)
                .subOrders(List.of(part(merchant, number + "p", 60), part(merchant, number + "q", 40)))
                .build();
        assertTrue(payments.nativeCombine(request).codeUrl().startsWith("http"));
        CombineTransaction found = payments.queryByOutTradeNo(number);
        assertEquals(2, found.subOrders().size());
        assertEquals(number + "q", found.subOrders().get(1).outTradeNo());
        assertEquals(40, found.subOrders().get(1).amount().totalAmount());
    }

    private static SubOrder part(Merchant merchant, String number, long fen) {
        return SubOrder.builder()
                .mchid(merchant.mchid())
                .subMchid(Merchant.SUB_MERCHANT)
                .outTradeNo(number)
                .attach("tea")
                .description("茶")
                .amount(Amount.builder().totalAmount(fen).currency("CNY").build())
                .build();
    }
}

package io.payseal.wechat.merchantfund;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.payseal.testing.EachScheme;
import io.payseal.testing.Merchant;
import io.payseal.testing.Orders;

class MerchantFundServiceTest {
    @EachScheme
    void moneyIsWithdrawnFromABalance(Merchant merchant) {
        MerchantFundService funds = new MerchantFundService(merchant.client());
        String number = Orders.number();
        assertTrue(funds.queryBalance("OPERATION").availableAmount() >= 100);
        CreateWithdrawalRequest request = CreateWithdrawalRequest.builder()
                .accountType("OPERATION")
                .amount(100)
                .outRequestNo(number)
                .remark("茶")
                .build();
        CreateWithdrawalResponse made = funds.createWithdrawal(request);
        Withdrawal found = funds.queryWithdrawalByOutRequestNo(number);
        assertEquals(made.withdrawId(), found.withdrawId());
        assertEquals(100, found.amount());
        assertEquals("茶", found.remark());
    }
}

package io.payseal.wechat.profitsharing;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.payseal.testing.EachScheme;
import io.payseal.testing.Merchant;
import io.payseal.testing.Orders;
import java.util.Map;

class ProfitSharingServiceTest {
    @EachScheme
    void aReceiverIsAddedUnderASealedNameAndDeleted(Merchant merchant) {
        ProfitSharingService sharing = new ProfitSharingService(merchant.client());
        String account = Orders.number();
        AddReceiverResponse added = sharing.addReceiver(AddReceiverRequest.builder()
                .account(account)
                .name("张三")
                .relationType("USER")
                .type("PERSONAL_OPENID")
                .build());
        assertEquals(account, added.account());
        assertEquals("张三", added.name());
        merchant.hasSentSealed("POST /v3/profitsharing/receivers/add", Map.of("/name", "张三"));
        merchant.wasAnsweredSealed("POST /v3/profitsharing/receivers/add", Map.of("/name", "张三"));
        DeleteReceiverRequest request = DeleteReceiverRequest.builder()
                .account(account)
                .type("PERSONAL_OPENID")
                .build();
        assertEquals(account, sharing.deleteReceiver(request).account());
    }
}

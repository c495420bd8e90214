package io.payseal.wechat.fundapp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.payseal.testing.EachScheme;
import io.payseal.testing.Merchant;
import io.payseal.testing.Orders;
import java.util.List;
import java.util.Map;

class FundAppServiceTest {
    @EachScheme
    void aTransferHasASealedNameAndIsCancelled(Merchant merchant) {
        FundAppService transfers = new FundAppService(merchant.client());
        String number = Orders.number();
        CreateTransferRequest request = CreateTransferRequest.builder()
                .openid(Merchant.OPENID)
                .outBillNo(number)
                .transferAmount(250_000)
                .transferRemark("活动奖励")
                .transferSceneId("1000")
                .transferSceneReportInfos(List.of(new TransferSceneReportInfo("新会员有礼", "活动名称")))
                .userName("张三")
                .build();
        assertEquals("WAIT_USER_CONFIRM", transfers.createTransfer(request).state());
        Transfer found = transfers.queryTransferByOutBillNo(number);
        assertEquals(250_000, found.transferAmount());
        assertEquals("张三", found.userName());
        assertFalse((request + "" + found).contains("张三"));
        merchant.hasSentSealed("POST /v3/fund-app/mch-transfer/transfer-bills", Map.of("/user_name", "张三"));
        merchant.wasAnsweredSealed(
                "GET /v3/fund-app/mch-transfer/transfer-bills/out-bill-no/{out_bill_no}", Map.of("/user_name", "张三"));
        assertEquals(number, transfers.cancelTransfer(number).outBillNo());
    }
}

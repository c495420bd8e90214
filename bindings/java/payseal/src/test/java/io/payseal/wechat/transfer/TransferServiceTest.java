package io.payseal.wechat.transfer;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.payseal.testing.EachScheme;
import io.payseal.testing.Merchant;
import io.payseal.testing.Orders;
import java.util.List;
import java.util.Map;

class TransferServiceTest {
    @EachScheme
    void aTransferOfABatchHasASealedName(Merchant merchant) {
        TransferService transfers = new TransferService(merchant.client());
        String number = Orders.number();
        TransferDetail detail = TransferDetail.builder()
                .openid(Merchant.OPENID)
                .outDetailNo(number + "d")
                .transferAmount(100)
                .transferRemark("茶")
                .userName("张三")
                .build();
        CreateBatchResponse made = transfers.createBatch(CreateBatchRequest.builder()
                .batchName("茶")
                .batchRemark("茶")
                .outBatchNo(number)
                .totalAmount(100)
                .totalNum(1)
                .transferDetailList(List.of(detail))
                .transferSceneId("1000")
                .build());
        BatchSummary batch = transfers.queryBatchByOutBatchNo(number, false).transferBatch();
        assertEquals(made.batchId(), batch.batchId());
        assertEquals(100, batch.totalAmount());
        Detail found = transfers.queryDetailByOutDetailNo(number, number + "d");
        assertEquals(100, found.transferAmount());
        assertEquals("张三", found.userName());
        merchant.hasSentSealed("POST /v3/transfer/batches", Map.of("/transfer_detail_list/0/user_name", "张三"));
        merchant.wasAnsweredSealed(
                "GET /v3/transfer/batches/out-batch-no/{out_batch_no}/details/out-detail-no/{out_detail_no}",
                Map.of("/user_name", "张三"));
    }
}

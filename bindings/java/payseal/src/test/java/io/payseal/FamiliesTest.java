package io.payseal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.payseal.testing.Sandbox;
import io.payseal.wechat.bill.BillService;
import io.payseal.wechat.combine.Amount;
import io.payseal.wechat.combine.CombineService;
import io.payseal.wechat.combine.NativeRequest;
import io.payseal.wechat.combine.SubOrder;
import io.payseal.wechat.fundapp.CreateTransferRequest;
import io.payseal.wechat.fundapp.FundAppService;
import io.payseal.wechat.fundapp.Transfer;
import io.payseal.wechat.fundapp.TransferSceneReportInfo;
import io.payseal.wechat.merchantfund.MerchantFundService;
import io.payseal.wechat.profitsharing.AddReceiverRequest;
import io.payseal.wechat.profitsharing.ProfitSharingService;
import io.payseal.wechat.transfer.CreateBatchRequest;
import io.payseal.wechat.transfer.TransferDetail;
import io.payseal.wechat.transfer.TransferService;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An operation of each family that the sandbox plays, typed, all the way there and back. */
class FamiliesTest {
    private static final String OPENID = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o";

    @TempDir
    static Path folder;

    private static Sandbox sandbox;
    private static PaysealClient client;

    private final String number =
            "jf" + UUID.randomUUID().toString().replace("-", "").substring(0, 24);

    @BeforeAll
    static void start() {
        sandbox = Sandbox.start(folder);
        client = PaysealClient.of(sandbox.configuration());
    }

    @AfterAll
    static void stop() {
        client.close();
        sandbox.close();
    }

    private SubOrder part(String merchant, String end, long fen) {
        return SubOrder.builder()
                .mchid(merchant)
                .subMchid("1600000001")
                .outTradeNo(number + end)
                .attach("tea")
                .description("茶")
                .amount(Amount.builder().totalAmount(fen).currency("CNY").build())
                .build();
    }

    @Test
    void combine() throws IOException {
        JsonNode configuration = Json.MAPPER.readTree(Files.readAllBytes(folder.resolve("config.json")));
        String merchant = configuration.get("mchid").asText();
        CombineService combine = new CombineService(client);
        NativeRequest request = NativeRequest.builder()
                .combineOutTradeNo(number)
                .notifyUrl("http://127.0.0.1:9/notify/wechat")
                .subOrders(List.of(part(merchant, "p", 60), part(merchant, "q", 40)))
                .build();
        assertTrue(combine.nativeCombine(request).codeUrl().startsWith("http"));
        assertEquals(2, combine.queryByOutTradeNo(number).subOrders().size());
    }

    @Test
    void fundappSendsTheNameEncryptedAndReadsItDecrypted() {
        FundAppService fundapp = new FundAppService(client);
        CreateTransferRequest request = CreateTransferRequest.builder()
                .openid(OPENID)
                .outBillNo(number)
                .transferAmount(250_000)
                .transferRemark("活动奖励")
                .transferSceneId("1000")
                .transferSceneReportInfos(List.of(new TransferSceneReportInfo("新会员有礼", "活动名称")))
                .userName("张三")
                .build();
        assertEquals("WAIT_USER_CONFIRM", fundapp.createTransfer(request).state());
        Transfer found = fundapp.queryTransferByOutBillNo(number);
        assertEquals("张三", found.userName());
        assertFalse((request + "" + found).contains("张三"));
        fundapp.cancelTransfer(number);
    }

    @Test
    void transfer() {
        TransferService transfer = new TransferService(client);
        TransferDetail detail = TransferDetail.builder()
                .openid(OPENID)
                .outDetailNo(number + "d")
                .transferAmount(100)
                .transferRemark("茶")
                .userName("张三")
                .build();
        CreateBatchRequest request = CreateBatchRequest.builder()
                .batchName("茶")
                .batchRemark("茶")
                .outBatchNo(number)
                .totalAmount(100)
                .totalNum(1)
                .transferDetailList(List.of(detail))
                .transferSceneId("1000")
                .build();
        String made = transfer.createBatch(request).batchId();
        assertEquals(
                made,
                transfer.queryBatchByOutBatchNo(number, false).transferBatch().batchId());
    }

    @Test
    void merchantfund() {
        assertTrue(new MerchantFundService(client).queryBalance("BASIC").availableAmount() >= 0);
    }

    @Test
    void profitsharing() {
        AddReceiverRequest request = AddReceiverRequest.builder()
                .account(OPENID)
                .name("张三")
                .relationType("USER")
                .type("PERSONAL_OPENID")
                .build();
        assertEquals(
                OPENID, new ProfitSharingService(client).addReceiver(request).account());
    }

    @Test
    void bill() {
        BillService bills = new BillService(client);
        ProviderException refused =
                assertThrows(ProviderException.class, () -> bills.tradeBill("2001-01-01", "ALL", null, null, null));
        assertEquals(Outcome.REJECTED, refused.outcome());
    }
}

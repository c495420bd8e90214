package io.payseal.wechat.merchantservice;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.payseal.testing.EachScheme;
import io.payseal.testing.Merchant;
import java.time.LocalDate;
import java.time.ZoneId;
import java.util.Map;

class MerchantServiceTest {
    @EachScheme
    void aComplaintsTelephoneNumberComesSealed(Merchant merchant) {
        MerchantService complaints = new MerchantService(merchant.client());
        String number = merchant.sandbox().complain(merchant.paid(), "13800138000");
        Complaint found = complaints.queryComplaint(number);
        assertEquals(number, found.complaintId());
        assertEquals("13800138000", found.payerPhone());
        merchant.wasAnsweredSealed(
                "GET /v3/merchant-service/complaints-v2/{complaint_id}", Map.of("/payer_phone", "13800138000"));
        String today = LocalDate.now(ZoneId.of("Asia/Shanghai")).toString();
        Complaints listed = complaints.listComplaints(today, null, today, 5L, null, null);
        assertEquals(5, listed.limit());
        assertEquals("13800138000", listed.data().get(0).payerPhone());
        merchant.wasAnsweredSealed(
                "GET /v3/merchant-service/complaints-v2", Map.of("/data/0/payer_phone", "13800138000"));
        complaints.respond(
                number,
                RespondRequest.builder()
                        .complaintedMchid(merchant.mchid())
                        .responseContent("新茶已寄出")
                        .build());
    }
}

package io.payseal.wechat.merchantservice;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.payseal.testing.EachScheme;
import io.payseal.testing.Merchant;
import io.payseal.testing.Orders;
import java.util.Map;

class MerchantServiceTest {
    @EachScheme
    void aComplaintsTelephoneNumberComesSealed(Merchant merchant) {
        MerchantService complaints = new MerchantService(merchant.client());
        String number = Orders.number();
        Complaint found = complaints.queryComplaint(number);
        assertEquals(number, found.complaintId());
        assertEquals("13800138000", found.payerPhone());
        merchant.wasAnsweredSealed(
                "GET /v3/merchant-service/complaints-v2/{complaint_id}", Map.of("/payer_phone", "13800138000"));
        Complaints listed = complaints.listComplaints("2026-01-01", null, "2026-01-02", 5L, null, null);
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

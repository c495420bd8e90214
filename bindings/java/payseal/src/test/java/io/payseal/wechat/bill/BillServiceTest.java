package io.payseal.wechat.bill;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.payseal.testing.EachScheme;
import io.payseal.testing.Merchant;
import java.time.LocalDate;
import java.time.ZoneId;

class BillServiceTest {
    @EachScheme
    void aBillOfTodayHasADigestAndAnAddress(Merchant merchant) {
        merchant.paid();
        String today = LocalDate.now(ZoneId.of("Asia/Shanghai")).toString();
        Bill bill = new BillService(merchant.client()).tradeBill(today);
        assertEquals("SHA1", bill.hashType());
        assertEquals(40, bill.hashValue().length());
        assertTrue(bill.downloadUrl().startsWith(merchant.sandbox().address()));
    }
}

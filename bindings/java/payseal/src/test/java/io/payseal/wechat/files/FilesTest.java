package io.payseal.wechat.files;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.payseal.Download;
import io.payseal.testing.EachScheme;
import io.payseal.testing.Merchant;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneId;
import org.junit.jupiter.api.io.TempDir;

class FilesTest {
    @EachScheme
    void aBillHasTheOrderAndAnImageGetsItsNumber(Merchant merchant, @TempDir Path folder) throws IOException {
        String number = merchant.paid();
        String today = LocalDate.now(ZoneId.of("Asia/Shanghai")).toString();
        try (Download bill =
                merchant.client().download(Files.tradeBill(today, "ALL").build())) {
            assertTrue(new String(bill.readAllBytes(), StandardCharsets.UTF_8).contains(number));
        }
        Path image = java.nio.file.Files.writeString(folder.resolve("tea.png"), "a picture of tea");
        assertFalse(Uploads.complaintImage(merchant.client(), image).isEmpty());
    }
}

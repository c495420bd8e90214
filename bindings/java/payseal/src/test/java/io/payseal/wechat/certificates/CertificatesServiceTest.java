package io.payseal.wechat.certificates;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.payseal.testing.EachScheme;
import io.payseal.testing.Merchant;
import java.time.OffsetDateTime;

class CertificatesServiceTest {
    @EachScheme
    void theCertificatesAreThereSealed(Merchant merchant) {
        Certificates found = new CertificatesService(merchant.client()).download(AlgorithmType.ALL, null);
        assertFalse(found.data().isEmpty());
        for (Certificate certificate : found.data()) {
            assertFalse(certificate.serialNo().isEmpty());
            assertTrue(OffsetDateTime.parse(certificate.effectiveTime())
                    .isBefore(OffsetDateTime.parse(certificate.expireTime())));
            assertFalse(certificate.encryptCertificate().ciphertext().isEmpty());
        }
    }
}

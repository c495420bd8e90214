package io.payseal.wechat.merchantmedia;

import static org.junit.jupiter.api.Assertions.assertFalse;

import io.payseal.testing.EachScheme;
import io.payseal.testing.Merchant;

class MerchantMediaServiceTest {
    @EachScheme
    void imagesAndVideosGetTheirNumbers(Merchant merchant) {
        MerchantMediaService media = new MerchantMediaService(merchant.client());
        assertFalse(
                media.uploadImage("licence.png", new byte[] {1, 2, 3}).mediaId().isEmpty());
        assertFalse(
                media.uploadVideo("shop.mp4", new byte[] {4, 5, 6}).mediaId().isEmpty());
    }
}

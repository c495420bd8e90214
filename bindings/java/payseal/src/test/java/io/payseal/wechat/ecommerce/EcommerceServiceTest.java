package io.payseal.wechat.ecommerce;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.payseal.testing.EachScheme;
import io.payseal.testing.Merchant;
import io.payseal.testing.Orders;
import java.util.Map;

class EcommerceServiceTest {
    @EachScheme
    void anApplicationHasSealedNamesAndNumbers(Merchant merchant) {
        EcommerceService platform = new EcommerceService(merchant.client());
        String number = Orders.number();
        ApplymentReference applied = platform.createApplyment(CreateApplymentRequest.builder()
                .outRequestNo(number)
                .organizationType("2401")
                .merchantShortname("茶铺")
                .idCardInfo(IdCardInfo.builder()
                        .idCardCopy("media1")
                        .idCardNational("media2")
                        .idCardName("张三")
                        .idCardNumber("110101199003071234")
                        .idCardValidTime("2036-01-01")
                        .build())
                .accountInfo(ApplymentAccountInfo.builder()
                        .bankAccountType("75")
                        .accountBank("工商银行")
                        .accountName("张三丰")
                        .accountNumber("6222020200112233445")
                        .bankAddressCode("110000")
                        .build())
                .contactInfo(ApplymentContactInfo.builder()
                        .contactType("65")
                        .contactName("李四")
                        .mobilePhone("13900139000")
                        .build())
                .salesSceneInfo(SalesSceneInfo.builder()
                        .storeName("茶铺")
                        .storeUrl("https://tea.example.com")
                        .build())
                .build());
        assertEquals(number, applied.outRequestNo());
        assertTrue(applied.applymentId() > 0);
        merchant.hasSentSealed(
                "POST /v3/ecommerce/applyments/",
                Map.of(
                        "/id_card_info/id_card_name", "张三",
                        "/id_card_info/id_card_number", "110101199003071234",
                        "/account_info/account_name", "张三丰",
                        "/account_info/account_number", "6222020200112233445",
                        "/contact_info/contact_name", "李四",
                        "/contact_info/mobile_phone", "13900139000"));
        Applyment found = platform.queryApplymentByOutRequestNo(number);
        assertEquals(number, found.outRequestNo());
        assertEquals(ApplymentState.FINISH, found.applymentState());
    }
}

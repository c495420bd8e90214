package io.payseal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.payseal.alipay.fund.AuthCodeType;
import io.payseal.alipay.fund.FreezeRequest;
import io.payseal.alipay.fund.FreezeResponse;
import io.payseal.alipay.fund.FundService;
import io.payseal.alipay.fund.Participant;
import io.payseal.alipay.fund.QueryOperationRequest;
import io.payseal.alipay.fund.QueryTransferRequest;
import io.payseal.alipay.fund.TransferRequest;
import io.payseal.alipay.fund.TransferResponse;
import io.payseal.alipay.fund.UnfreezeRequest;
import io.payseal.alipay.merchant.MerchantService;
import io.payseal.alipay.trade.AgreementParams;
import io.payseal.alipay.trade.FundChange;
import io.payseal.alipay.trade.PayRequest;
import io.payseal.alipay.trade.PrecreateRequest;
import io.payseal.alipay.trade.QueryRefundRequest;
import io.payseal.alipay.trade.QueryRequest;
import io.payseal.alipay.trade.RefundRequest;
import io.payseal.alipay.trade.RefundResponse;
import io.payseal.alipay.trade.RefundStatus;
import io.payseal.alipay.trade.TradeService;
import io.payseal.alipay.trade.TradeStatus;
import io.payseal.alipay.user.AccessParams;
import io.payseal.alipay.user.Channel;
import io.payseal.alipay.user.GrantType;
import io.payseal.alipay.user.OauthTokenResponse;
import io.payseal.alipay.user.PeriodRule;
import io.payseal.alipay.user.PeriodType;
import io.payseal.alipay.user.QueryAgreementRequest;
import io.payseal.alipay.user.QueryAgreementResponse;
import io.payseal.alipay.user.SignAgreementRequest;
import io.payseal.alipay.user.UnsignAgreementRequest;
import io.payseal.alipay.user.UserService;
import io.payseal.testing.Orders;
import io.payseal.testing.Sandbox;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** An operation of each of Alipay's families that the sandbox plays, typed: by key, with AES, by certificate. */
class AlipayFamiliesTest {
    @TempDir
    static Path folder;

    private static Sandbox sandbox;

    private final String number = Orders.number();

    @BeforeAll
    static void start() {
        sandbox = Sandbox.start(folder);
    }

    @AfterAll
    static void stop() {
        sandbox.close();
    }

    private static PaysealClient client(String file) {
        return PaysealClient.of(Configuration.fromJson(sandbox.read(file).toString()));
    }

    @ParameterizedTest
    @ValueSource(strings = {"config-alipay.json", "config-alipay-aes.json", "config-alipay-certificate.json"})
    void aTradeIsPaidAndRefundedOnce(String file) {
        try (PaysealClient client = client(file)) {
            TradeService trade = new TradeService(client);
            PrecreateRequest order = PrecreateRequest.builder()
                    .outTradeNo(number)
                    .totalAmount("88.88")
                    .subject("一杯茶")
                    .build();
            assertTrue(trade.precreate(order).qrCode().startsWith("http"));
            sandbox.pay(number);
            QueryRequest asked = QueryRequest.builder().outTradeNo(number).build();
            assertEquals(TradeStatus.TRADE_SUCCESS, trade.query(asked).tradeStatus());

            RefundRequest refund = RefundRequest.builder()
                    .outTradeNo(number)
                    .outRequestNo(number + "r")
                    .refundAmount("8.88")
                    .build();
            RefundResponse refunded = trade.refund(refund);
            assertEquals(FundChange.Y, refunded.fundChange());
            assertEquals("8.88", refunded.refundFee());
            assertEquals(FundChange.N, trade.refund(refund).fundChange());
            QueryRefundRequest wanted = QueryRefundRequest.builder()
                    .outTradeNo(number)
                    .outRequestNo(number + "r")
                    .build();
            assertEquals(RefundStatus.REFUND_SUCCESS, trade.queryRefund(wanted).refundStatus());

            QueryRequest nothing =
                    QueryRequest.builder().outTradeNo(number + "x").build();
            ProviderException refused = assertThrows(ProviderException.class, () -> trade.query(nothing));
            assertEquals(Outcome.REJECTED, refused.outcome());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"config-alipay.json", "config-alipay-aes.json", "config-alipay-certificate.json"})
    void aTransferIsMadeOnceAndAPictureUploaded(String file) {
        try (PaysealClient client = client(file)) {
            FundService fund = new FundService(client);
            TransferRequest request = TransferRequest.builder()
                    .outBizNo(number)
                    .transAmount("1.00")
                    .productCode("TRANS_ACCOUNT_NO_PWD")
                    .bizScene("DIRECT_TRANSFER")
                    .orderTitle("一杯茶")
                    .payeeInfo(Participant.builder()
                            .identityType("ALIPAY_USER_ID")
                            .identity("2088102146225135")
                            .build())
                    .build();
            TransferResponse made = fund.transfer(request);
            assertEquals(made, fund.transfer(request));
            QueryTransferRequest wanted = QueryTransferRequest.builder()
                    .outBizNo(number)
                    .productCode("TRANS_ACCOUNT_NO_PWD")
                    .bizScene("DIRECT_TRANSFER")
                    .build();
            assertEquals(made.orderId(), fund.queryTransfer(wanted).orderId());

            byte[] picture = {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
            assertTrue(new MerchantService(client)
                            .uploadFile("tea.png", picture, "SYNC_ORDER")
                            .materialId()
                            .length()
                    > 0);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"config-alipay.json", "config-alipay-aes.json", "config-alipay-certificate.json"})
    void frozenMoneyIsSetFreeOnce(String file) {
        try (PaysealClient client = client(file)) {
            FundService fund = new FundService(client);
            FreezeResponse frozen = fund.freeze(FreezeRequest.builder()
                    .authCode(sandbox.alipayCode())
                    .authCodeType(AuthCodeType.BAR_CODE)
                    .outOrderNo(number)
                    .outRequestNo(number)
                    .orderTitle("一杯茶")
                    .amount("100.00")
                    .productCode("PREAUTH_PAY")
                    .build());
            UnfreezeRequest release = UnfreezeRequest.builder()
                    .authNo(frozen.authNo())
                    .outRequestNo(number + "u")
                    .amount("20.00")
                    .remark("茶")
                    .build();
            assertEquals(
                    fund.unfreeze(release).operationId(), fund.unfreeze(release).operationId());
            QueryOperationRequest wanted = QueryOperationRequest.builder()
                    .authNo(frozen.authNo())
                    .operationType("FREEZE")
                    .build();
            assertEquals("80.00", fund.queryOperation(wanted).restAmount());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"config-alipay.json", "config-alipay-aes.json", "config-alipay-certificate.json"})
    void anAgreementIsSignedDeductedUnderAndEnded(String file) throws Exception {
        try (PaysealClient client = client(file)) {
            UserService user = new UserService(client);
            SignAgreementRequest request = SignAgreementRequest.builder()
                    .personalProductCode("CYCLE_PAY_AUTH_P")
                    .productCode("GENERAL_WITHHOLDING")
                    .signScene("INDUSTRY|DEFAULT")
                    .externalAgreementNo(number)
                    .accessParams(AccessParams.builder().channel(Channel.QRCODE).build())
                    .periodRuleParams(PeriodRule.builder()
                            .periodType(PeriodType.MONTH)
                            .period(1L)
                            .executeTime("2026-12-01")
                            .singleAmount("30.00")
                            .build())
                    .build();
            String address = user.signAgreementUrl(request, null, "http://127.0.0.1:9/signed", null);
            HttpClient browser = HttpClient.newBuilder()
                    .followRedirects(HttpClient.Redirect.NORMAL)
                    .build();
            URI cashier = browser.send(
                            HttpRequest.newBuilder(URI.create(address)).build(), BodyHandlers.discarding())
                    .uri();
            HttpRequest signing = HttpRequest.newBuilder(URI.create(cashier + "/pay"))
                    .POST(BodyPublishers.noBody())
                    .build();
            assertEquals(200, browser.send(signing, BodyHandlers.discarding()).statusCode());
            QueryAgreementRequest asked =
                    QueryAgreementRequest.builder().externalAgreementNo(number).build();
            QueryAgreementResponse agreement = user.queryAgreement(asked);
            assertEquals("NORMAL", agreement.status());

            PayRequest payment = PayRequest.builder()
                    .outTradeNo(number)
                    .totalAmount("30.00")
                    .subject("一杯茶")
                    .productCode("CYCLE_PAY_AUTH")
                    .agreementParams(AgreementParams.builder()
                            .agreementNo(agreement.agreementNo())
                            .build())
                    .build();
            assertEquals("30.00", new TradeService(client).pay(payment).totalAmount());
            user.unsignAgreement(UnsignAgreementRequest.builder()
                    .agreementNo(agreement.agreementNo())
                    .build());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"config-alipay.json", "config-alipay-aes.json", "config-alipay-certificate.json"})
    void aBuyerSaysWhoHeIs(String file) {
        try (PaysealClient client = client(file)) {
            UserService user = new UserService(client);
            OauthTokenResponse token =
                    user.oauthToken(GrantType.AUTHORIZATION_CODE, sandbox.alipayAuthCode(), null, null, null);
            assertTrue(token.expiresIn() > 0);
            assertEquals(token.userId(), user.infoShare(token.accessToken()).userId());
        }
    }

    /** In all of them bytes left and no verified answer came back. */
    @ParameterizedTest
    @CsvSource({
        "reset_before, CONNECTION_LOST",
        "reset_after, CONNECTION_LOST",
        "html_500, PROVIDER_UNAVAILABLE",
        "html_502, PROVIDER_UNAVAILABLE",
        "system_error, PROVIDER_UNAVAILABLE",
        "rate_limit, PROVIDER_RATE_LIMITED",
        "redirect, RESPONSE_INVALID",
        "truncated_body, CONNECTION_LOST",
        "wrong_signature, SIGNATURE_INVALID",
        "signtest, SIGNATURE_INVALID",
        "unsigned, SIGNATURE_MISSING",
        "duplicate_signature, BODY_INVALID"
    })
    void everyFaultHasItsCodeAndAnUnknownOutcome(String fault, ErrorCode code) {
        sandbox.fault(Map.of("fault", fault, "target", "alipay.trade.precreate", "out_trade_no", number));
        try (PaysealClient client = client("config-alipay.json")) {
            TradeService trades = new TradeService(client);
            PaysealException error = assertThrows(PaysealException.class, () -> trades.precreate(order()));
            assertEquals(code, error.code(), error.toString());
            assertEquals(Outcome.UNKNOWN, error.outcome(), error.toString());
        }
    }

    @Test
    void inGbkATradeIsOrderedAndPaid() {
        ObjectNode config = (ObjectNode) sandbox.read("config-alipay.json");
        config.put("charset", "GBK");
        try (PaysealClient client = PaysealClient.of(Configuration.fromJson(config.toString()))) {
            TradeService trades = new TradeService(client);
            trades.precreate(order());
            sandbox.pay(number);
            QueryRequest asked = QueryRequest.builder().outTradeNo(number).build();
            assertEquals("一杯茶", trades.query(asked).subject());
        }
    }

    private PrecreateRequest order() {
        return PrecreateRequest.builder()
                .outTradeNo(number)
                .totalAmount("0.01")
                .subject("一杯茶")
                .build();
    }
}

package io.payseal.bench;

import com.wechat.pay.java.core.RSAPublicKeyConfig;
import com.wechat.pay.java.core.auth.Credential;
import com.wechat.pay.java.core.auth.Validator;
import com.wechat.pay.java.core.exception.ServiceException;
import com.wechat.pay.java.core.http.AbstractHttpClient;
import com.wechat.pay.java.core.http.DefaultHttpClientBuilder;
import com.wechat.pay.java.core.http.HttpRequest;
import com.wechat.pay.java.core.http.OriginalResponse;
import com.wechat.pay.java.core.notification.NotificationParser;
import com.wechat.pay.java.core.notification.RequestParam;
import com.wechat.pay.java.service.billdownload.BillDownloadServiceExtension;
import com.wechat.pay.java.service.billdownload.DigestBillEntity;
import com.wechat.pay.java.service.billdownload.model.BillType;
import com.wechat.pay.java.service.billdownload.model.GetTradeBillRequest;
import com.wechat.pay.java.service.billdownload.model.TarType;
import com.wechat.pay.java.service.payments.jsapi.JsapiService;
import com.wechat.pay.java.service.payments.jsapi.model.Amount;
import com.wechat.pay.java.service.payments.jsapi.model.Payer;
import com.wechat.pay.java.service.payments.jsapi.model.PrepayRequest;
import com.wechat.pay.java.service.payments.model.Transaction;
import java.io.IOException;
import java.io.InputStream;
import java.util.Map;
import okhttp3.HttpUrl;
import okhttp3.OkHttpClient;

final class Peer implements Subject {
    private final JsapiService orders;
    private final BillDownloadServiceExtension bills;
    private final JsapiService signing;
    private final NotificationParser parser;
    private final Fixture fixture;

    Peer(Fixture fixture) {
        this.fixture = fixture;
        RSAPublicKeyConfig config = config(fixture);
        HttpUrl host = HttpUrl.get(fixture.config().get("hosts").get(0).asText());
        OkHttpClient detour = new OkHttpClient.Builder()
                .addInterceptor(chain -> chain.proceed(chain.request().newBuilder()
                        .url(chain.request().url().newBuilder().scheme("http").host(host.host()).port(host.port()).build())
                        .build()))
                .build();
        AbstractHttpClient http = new DefaultHttpClientBuilder().config(config).okHttpClient(detour).build();
        orders = new JsapiService.Builder().httpClient(http).build();
        bills = new BillDownloadServiceExtension.Builder()
                .httpClient(http)
                .decryptor(config.createDecryptor())
                .build();
        signing = new JsapiService.Builder()
                .httpClient(new Door(config.createCredential(), config.createValidator()))
                .build();
        parser = new NotificationParser(config);
    }

    private static RSAPublicKeyConfig config(Fixture fixture) {
        var key = fixture.config().get("platform_public_keys").properties().iterator().next();
        return new RSAPublicKeyConfig.Builder()
                .merchantId(fixture.text("mchid"))
                .privateKey(fixture.text("private_key"))
                .merchantSerialNumber(fixture.text("merchant_serial"))
                .publicKey(key.getValue().asText())
                .publicKeyId(key.getKey())
                .apiV3Key(fixture.text("apiv3_key"))
                .build();
    }

    /** Sends nothing and answers no. */
    private static final class Door extends AbstractHttpClient {
        Door(Credential credential, Validator validator) {
            super(credential, validator);
        }

        @Override
        protected String getHttpClientInfo() {
            return "door";
        }

        @Override
        protected OriginalResponse innerExecute(HttpRequest request) {
            return new OriginalResponse.Builder()
                    .request(request)
                    .statusCode(400)
                    .headers(Map.of())
                    .contentType("application/json")
                    .body("{}")
                    .build();
        }

        @Override
        protected InputStream innerDownload(HttpRequest request) {
            throw new UnsupportedOperationException();
        }
    }

    private static PrepayRequest order() {
        Amount amount = new Amount();
        amount.setTotal(100);
        amount.setCurrency("CNY");
        Payer payer = new Payer();
        payer.setOpenid("oUpF8uMuAJO_M2pxb1Q9zNjWeS6o");
        PrepayRequest request = new PrepayRequest();
        request.setAppid("wxd678efh567hg6787");
        request.setMchid("1900007291");
        request.setDescription("Image形象店-深圳腾大-QQ公仔");
        request.setOutTradeNo("1217752501201407033233368018");
        request.setNotifyUrl("https://www.weixin.qq.com/wxpay/pay.php");
        request.setAmount(amount);
        request.setPayer(payer);
        return request;
    }

    @Override
    public void clientNew() {
        RSAPublicKeyConfig config = config(fixture);
        new JsapiService.Builder().config(config).build();
        new NotificationParser(config);
    }

    @Override
    public void signRequest() {
        try {
            signing.prepay(order());
        } catch (ServiceException refused) {
            return;
        }
        throw new IllegalStateException("the door let something through");
    }

    @Override
    public void openNotification() {
        Map<String, String> headers = fixture.headers();
        RequestParam message = new RequestParam.Builder()
                .serialNumber(headers.get("Wechatpay-Serial"))
                .nonce(headers.get("Wechatpay-Nonce"))
                .signature(headers.get("Wechatpay-Signature"))
                .timestamp(headers.get("Wechatpay-Timestamp"))
                .signType(headers.get("Wechatpay-Signature-Type"))
                .body(fixture.body())
                .build();
        if (parser.parse(message, Transaction.class).getTradeState() != Transaction.TradeStateEnum.SUCCESS) {
            throw new IllegalStateException("another transaction");
        }
    }

    @Override
    public void roundTrip() {
        if (orders.prepay(order()).getPrepayId().isEmpty()) {
            throw new IllegalStateException("no prepay id");
        }
    }

    @Override
    public long bill() throws IOException {
        GetTradeBillRequest request = new GetTradeBillRequest();
        request.setBillDate("2024-11-13");
        request.setBillType(BillType.ALL);
        request.setTarType(TarType.GZIP);
        DigestBillEntity bill = bills.getTradeBill(request);
        try (InputStream in = bill.getInputStream()) {
            long total = Subject.drain(in);
            if (!bill.verifyHash()) {
                throw new IllegalStateException("another bill");
            }
            return total;
        }
    }
}

package io.payseal.bench;

import io.payseal.Call;
import io.payseal.Configuration;
import io.payseal.Download;
import io.payseal.Params;
import io.payseal.PaysealClient;
import io.payseal.ProviderException;
import io.payseal.wechat.files.Files;
import io.payseal.wechat.pay.JsapiRequest;
import io.payseal.wechat.pay.OrderAmount;
import io.payseal.wechat.pay.PayService;
import io.payseal.wechat.pay.Payer;
import io.payseal.wechat.pay.Transaction;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

final class Ours implements Subject {
    private final Fixture fixture;
    private final PaysealClient client;
    private final PayService orders;
    private final Map<String, List<String>> headers;
    private final byte[] body;

    Ours(Fixture fixture) {
        this.fixture = fixture;
        client = PaysealClient.of(Configuration.fromJson(fixture.configText()));
        orders = new PayService(client);
        headers = fixture.headers().entrySet().stream()
                .collect(Collectors.toMap(Map.Entry::getKey, header -> List.of(header.getValue())));
        body = fixture.body().getBytes(StandardCharsets.UTF_8);
    }

    private static JsapiRequest order() {
        return JsapiRequest.builder()
                .appid("wxd678efh567hg6787")
                .mchid("1900007291")
                .description("Image形象店-深圳腾大-QQ公仔")
                .outTradeNo("1217752501201407033233368018")
                .notifyUrl("https://www.weixin.qq.com/wxpay/pay.php")
                .amount(OrderAmount.builder().total(100L).currency("CNY").build())
                .payer(Payer.builder().openid("oUpF8uMuAJO_M2pxb1Q9zNjWeS6o").build())
                .build();
    }

    @Override
    public void clientNew() {
        PaysealClient.of(Configuration.fromJson(fixture.configText())).close();
    }

    @Override
    public void signRequest() {
        try (Call<?> call = client.newCall("POST /v3/pay/transactions/jsapi", Params.ofBody(order()))) {
            call.step();
            call.respond(400, Map.of(), "{}".getBytes(StandardCharsets.UTF_8));
            call.step();
            call.result();
        } catch (ProviderException refused) {
            return;
        }
        throw new IllegalStateException("the door let something through");
    }

    @Override
    public void openNotification() {
        Transaction transaction = client.openNotification(headers, body).as(Transaction.class);
        if (!transaction.tradeState().toString().equals("SUCCESS")) {
            throw new IllegalStateException("another transaction");
        }
    }

    @Override
    public void roundTrip() {
        if (orders.jsapi(order()).prepayId().isEmpty()) {
            throw new IllegalStateException("no prepay id");
        }
    }

    @Override
    public long bill() throws IOException {
        try (Download download = client.download(Files.tradeBill("2024-11-13", "ALL").build())) {
            return Subject.drain(download);
        }
    }
}

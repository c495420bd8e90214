package io.payseal;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Map;

/**
 * What the payer's browser brought back and the provider had signed. It passed through the payer's hands: it says which order the payer
 * comes from, and nothing in it says that the order is paid.
 *
 * @param provider {@code "alipay"}
 * @param merchant whom the client is for, the app id
 * @param confirmWith the operation that tells whether the order is paid, {@code "alipay.trade.query"}
 * @param fields the signed ones, such as {@code "out_trade_no"}
 */
public record Returned(
        @JsonProperty("provider") String provider,
        @JsonProperty("merchant") String merchant,
        @JsonProperty("confirm_with") String confirmWith,
        @JsonProperty("fields") Map<String, String> fields) {}

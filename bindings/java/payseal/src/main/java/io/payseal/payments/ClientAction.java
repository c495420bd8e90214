package io.payseal.payments;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.JsonNode;

/**
 * What the payer's client needs, by its kind; the others are {@code null}.
 *
 * @param kind which of the following is there
 * @param codeUrl the text of the QR code to show; {@link io.payseal.QrCode} draws it
 * @param url where to send the payer's browser
 * @param params what to hand to the provider's JavaScript or app
 * @param orderString what to hand to the provider's app
 */
public record ClientAction(
        @JsonProperty("kind") ClientKind kind,
        @JsonProperty("code_url") String codeUrl,
        @JsonProperty("url") String url,
        @JsonProperty("params") JsonNode params,
        @JsonProperty("order_string") String orderString) {}

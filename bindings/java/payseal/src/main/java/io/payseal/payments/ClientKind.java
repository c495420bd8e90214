package io.payseal.payments;

import com.fasterxml.jackson.annotation.JsonEnumDefaultValue;
import com.fasterxml.jackson.annotation.JsonProperty;

/** Which member of {@link ClientAction} is there. */
public enum ClientKind {
    /** {@link ClientAction#codeUrl()}. */
    @JsonProperty("qr")
    QR,
    /** {@link ClientAction#url()}. */
    @JsonProperty("redirect")
    REDIRECT,
    /** {@link ClientAction#params()}. */
    @JsonProperty("invoke")
    INVOKE,
    /** {@link ClientAction#orderString()}. */
    @JsonProperty("order_string")
    ORDER_STRING,
    /** One that this version of the binding does not know. */
    @JsonEnumDefaultValue
    OTHER
}

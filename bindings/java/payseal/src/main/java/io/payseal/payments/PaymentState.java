package io.payseal.payments;

import com.fasterxml.jackson.annotation.JsonEnumDefaultValue;
import com.fasterxml.jackson.annotation.JsonProperty;

/** Where a payment stands, by the provider. */
public enum PaymentState {
    /** The provider has no such order, yet. */
    @JsonProperty("missing")
    MISSING,
    /** Nothing was paid, but may be. */
    @JsonProperty("unpaid")
    UNPAID,
    /** The money is there. */
    @JsonProperty("paid")
    PAID,
    /** Nothing was paid and nothing can be any more. */
    @JsonProperty("closed")
    CLOSED,
    /** One that this version of the binding does not know. */
    @JsonEnumDefaultValue
    OTHER
}

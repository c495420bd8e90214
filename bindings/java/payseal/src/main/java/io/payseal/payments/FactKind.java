package io.payseal.payments;

import com.fasterxml.jackson.annotation.JsonEnumDefaultValue;
import com.fasterxml.jackson.annotation.JsonProperty;

/** What a {@link Fact} is about. */
public enum FactKind {
    /** A payment. */
    @JsonProperty("payment")
    PAYMENT,
    /** A refund. */
    @JsonProperty("refund")
    REFUND,
    /** One that this version of the binding does not know. */
    @JsonEnumDefaultValue
    OTHER
}

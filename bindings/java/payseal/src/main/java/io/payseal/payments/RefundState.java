package io.payseal.payments;

import com.fasterxml.jackson.annotation.JsonEnumDefaultValue;
import com.fasterxml.jackson.annotation.JsonProperty;

/** Where a refund stands. */
public enum RefundState {
    /** Stored; the provider has not confirmed it. */
    @JsonProperty("created")
    CREATED,
    /** The provider has it. */
    @JsonProperty("processing")
    PROCESSING,
    /** The money was given back. */
    @JsonProperty("succeeded")
    SUCCEEDED,
    /** It did not and will not happen. */
    @JsonProperty("failed")
    FAILED,
    /** The money is on neither side until somebody acts at the provider. */
    @JsonProperty("abnormal")
    ABNORMAL,
    /** One that this version of the binding does not know. */
    @JsonEnumDefaultValue
    OTHER
}

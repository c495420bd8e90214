package io.payseal.payments;

import com.fasterxml.jackson.annotation.JsonEnumDefaultValue;
import com.fasterxml.jackson.annotation.JsonProperty;

/** How something was learned. */
public enum Source {
    /** The provider's answer to an order or a refund. */
    @JsonProperty("answer")
    ANSWER,
    /** What the provider told by itself. */
    @JsonProperty("notification")
    NOTIFICATION,
    /** The provider was asked. */
    @JsonProperty("query")
    QUERY,
    /** A line of a bill; see {@link Report}. */
    @JsonProperty("bill")
    BILL,
    /** The service itself. */
    @JsonProperty("host")
    HOST,
    /** One that this version of the binding does not know. */
    @JsonEnumDefaultValue
    OTHER
}

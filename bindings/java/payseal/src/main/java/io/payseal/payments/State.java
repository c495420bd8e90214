package io.payseal.payments;

import com.fasterxml.jackson.annotation.JsonEnumDefaultValue;
import com.fasterxml.jackson.annotation.JsonProperty;

/** Where an order stands. */
public enum State {
    /** Stored; the provider has not confirmed it. */
    @JsonProperty("created")
    CREATED,
    /** It can be paid. */
    @JsonProperty("paying")
    PAYING,
    /** The money is there. */
    @JsonProperty("paid")
    PAID,
    /** It is being closed; money that comes now came in time. */
    @JsonProperty("closing")
    CLOSING,
    /** It was not paid and cannot be any more. */
    @JsonProperty("closed")
    CLOSED,
    /** A refund is under way. */
    @JsonProperty("refunding")
    REFUNDING,
    /** A part was given back. */
    @JsonProperty("partly_refunded")
    PARTLY_REFUNDED,
    /** All was given back. */
    @JsonProperty("refunded")
    REFUNDED,
    /** Something does not fit, and a person has to look. */
    @JsonProperty("exception")
    EXCEPTION,
    /** One that this version of the binding does not know. */
    @JsonEnumDefaultValue
    OTHER
}

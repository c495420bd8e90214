package io.payseal.payments;

import com.fasterxml.jackson.annotation.JsonEnumDefaultValue;
import com.fasterxml.jackson.annotation.JsonProperty;

/** The inbox or the outbox. */
public enum Queue {
    /** Events: what was learned and has yet to take effect. */
    @JsonProperty("inbox")
    INBOX,
    /** Messages: what took effect and the rest of the service has yet to hear of. */
    @JsonProperty("outbox")
    OUTBOX,
    /** One that this version of the binding does not know. */
    @JsonEnumDefaultValue
    OTHER
}

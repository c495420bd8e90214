package io.payseal.payments;

import com.fasterxml.jackson.annotation.JsonEnumDefaultValue;
import com.fasterxml.jackson.annotation.JsonProperty;

/** What does not fit. */
public enum ExceptionKind {
    /** Money came for an order that is not here. */
    @JsonProperty("unknown_order")
    UNKNOWN_ORDER,
    /** It came through another account than the order was placed with. */
    @JsonProperty("account_mismatch")
    ACCOUNT_MISMATCH,
    /** Another merchant was paid. */
    @JsonProperty("merchant_mismatch")
    MERCHANT_MISMATCH,
    /** It was paid in another app. */
    @JsonProperty("application_mismatch")
    APPLICATION_MISMATCH,
    /** Another amount was paid. */
    @JsonProperty("amount_mismatch")
    AMOUNT_MISMATCH,
    /** It was paid in another currency. */
    @JsonProperty("currency_mismatch")
    CURRENCY_MISMATCH,
    /** The order was paid twice. */
    @JsonProperty("second_transaction")
    SECOND_TRANSACTION,
    /** Money came after the order had been closed. */
    @JsonProperty("paid_after_close")
    PAID_AFTER_CLOSE,
    /** The provider says closed of what it had said was paid. */
    @JsonProperty("closed_after_paid")
    CLOSED_AFTER_PAID,
    /** A refund that was not asked for here. */
    @JsonProperty("unknown_refund")
    UNKNOWN_REFUND,
    /** Another amount was given back. */
    @JsonProperty("refund_amount_mismatch")
    REFUND_AMOUNT_MISMATCH,
    /** The provider says of a refund that ended the contrary of what it had said. */
    @JsonProperty("refund_contradiction")
    REFUND_CONTRADICTION,
    /** The money is on neither side until somebody acts at the provider. */
    @JsonProperty("refund_abnormal")
    REFUND_ABNORMAL,
    /** One that this version of the binding does not know. */
    @JsonEnumDefaultValue
    OTHER
}

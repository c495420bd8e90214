/**
 * Orders, notifications and messages in one database, so that no payment is lost: not in a crash, not where two machines work at once, not where the
 * provider tells the same twice or never. Begin with {@link io.payseal.payments.Payments} and {@link io.payseal.payments.Runner}.
 */
package io.payseal.payments;

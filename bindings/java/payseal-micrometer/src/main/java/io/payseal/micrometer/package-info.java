/** A client's metrics in a Micrometer registry. */
package io.payseal.micrometer;

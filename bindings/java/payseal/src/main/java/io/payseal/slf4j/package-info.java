/** Log records to SLF4J. */
package io.payseal.slf4j;

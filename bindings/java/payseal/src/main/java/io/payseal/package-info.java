/**
 * Takes money through WeChat Pay and others. {@link io.payseal.PaysealClient} executes a provider's operations and opens its
 * notifications; signing, verifying and decrypting happen in the native library, and nothing that is not verified comes out.
 *
 * <p>Amounts are integers in the currency's minor unit (fen). Arguments must not be {@code null} unless it is said.
 */
package io.payseal;

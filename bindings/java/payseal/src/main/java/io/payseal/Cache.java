package io.payseal;

import java.time.Duration;

/**
 * Keeps tokens for as long as they are good, for all processes of a service: Redis, memcached. The values are secrets. Used by any number
 * of threads at once. A cache that fails costs a request and fails nothing.
 */
public interface Cache {
    /**
     * Looks a key up.
     *
     * @param key the key
     * @return what was put under it, or {@code null} where there is nothing (any more)
     */
    byte[] get(String key);

    /**
     * Keeps a value.
     *
     * @param key the key
     * @param value the value
     * @param ttl for how long
     */
    void put(String key, byte[] value, Duration ttl);
}

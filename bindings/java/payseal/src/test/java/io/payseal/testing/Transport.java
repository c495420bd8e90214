package io.payseal.testing;

import io.payseal.Configuration;
import io.payseal.PaysealClient;
import java.net.http.HttpClient;
import java.time.Duration;

/** The two ways bytes can travel. What a caller sees must be the same. */
public enum Transport {
    BUILT_IN,
    JAVA_NET_HTTP;

    /** A client that goes this way. */
    public PaysealClient client(Configuration configuration) {
        return builder(configuration).build();
    }

    public PaysealClient.Builder builder(Configuration configuration) {
        PaysealClient.Builder builder = PaysealClient.builder(configuration);
        if (this == JAVA_NET_HTTP) {
            builder.httpClient(HttpClient.newBuilder()
                    .connectTimeout(Duration.ofSeconds(3))
                    .build());
        }
        return builder;
    }
}

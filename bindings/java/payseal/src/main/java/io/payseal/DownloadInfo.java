package io.payseal;

import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * How far a download is.
 *
 * @param complete all of the file came and every check has passed
 * @param verified it has the hash that the provider gave for it; {@code false} only with {@link
 *     DownloadParams.Builder#allowUnverified()}
 * @param bytes bytes of the file so far, unpacked
 * @param receivedBytes bytes that came over the network
 * @param attempts requests for files that came
 * @param host where the last part came from; may be {@code null}
 */
public record DownloadInfo(
        @JsonProperty("complete") boolean complete,
        @JsonProperty("verified") boolean verified,
        @JsonProperty("bytes") long bytes,
        @JsonProperty("received_bytes") long receivedBytes,
        @JsonProperty("attempts") int attempts,
        @JsonProperty("host") String host) {}

package io.payseal.weixin;

import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * What a page gives to {@code wx.config}.
 *
 * @param appId the official account
 * @param timestamp when it was signed, Unix seconds
 * @param nonceStr random
 * @param signature the SHA-1 over ticket, nonce, time and address, hex
 */
public record JsConfig(
        @JsonProperty("appId") String appId,
        @JsonProperty("timestamp") long timestamp,
        @JsonProperty("nonceStr") String nonceStr,
        @JsonProperty("signature") String signature) {}

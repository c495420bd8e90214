package io.payseal.weixin;

import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * Who the user of a mini-program is.
 *
 * @param openid the user at this app
 * @param sessionKey the key of the session; never for the mini-program
 * @param unionid the user at all apps of the account; may be {@code null}
 */
public record Session(
        @JsonProperty("openid") String openid,
        @JsonProperty("session_key") String sessionKey,
        @JsonProperty("unionid") String unionid) {
    @Override
    public String toString() {
        return "Session[…]";
    }
}

/**
 * WeChat's platform for mini-programs and official accounts: who a user is, and what a page needs to call WeChat. It signs nothing: an
 * answer is as trustworthy as the TLS connection it came over, and never says that money moved.
 */
package io.payseal.weixin;

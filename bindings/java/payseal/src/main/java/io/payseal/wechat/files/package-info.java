/** Bills and receipts of WeChat Pay by name. */
package io.payseal.wechat.files;

//! What can be wrong, and what to do about it, in the words of both languages.

use serde::Serialize;

#[derive(Serialize, PartialEq, Eq, Debug)]
pub struct Cause {
    #[serde(rename = "cause")]
    pub name: &'static str,
    pub likely_cause: &'static str,
    pub likely_cause_zh: &'static str,
    pub what_to_do: &'static str,
    pub what_to_do_zh: &'static str,
}

/// A table row: name, cause and remedy in English, then in Chinese.
macro_rules! causes {
    ($($constant:ident: $cause:literal, $remedy:literal, $cause_zh:literal, $remedy_zh:literal;)*) => {
        $(pub const $constant: &Cause = &Cause {
            name: stringify!($constant),
            likely_cause: $cause,
            likely_cause_zh: $cause_zh,
            what_to_do: $remedy,
            what_to_do_zh: $remedy_zh,
        };)*
    };
}

pub(crate) use causes;

// Of a signature: the layout of the text.
causes! {
    LAST_NEWLINE_MISSING:
        "The text that was signed does not end with a newline.",
        "End every line with \\n, the last one too.",
        "待签名串的末尾缺少换行符。",
        "每一行都以 \\n 结尾，最后一行也不例外。";
    EMPTY_BODY_LINE_MISSING:
        "The request has no body, and the fifth line was left out of the text.",
        "Sign an empty fifth line: after the nonce's \\n one more \\n.",
        "请求没有请求体，待签名串漏掉了第五行（空行）。",
        "请求体为空时仍要签一个空行：随机串的 \\n 之后再加一个 \\n。";
    CARRIAGE_RETURNS:
        "The lines were ended with \\r\\n.",
        "End the lines with \\n alone; do not use the platform's own line separator.",
        "待签名串使用了 \\r\\n 换行。",
        "只用 \\n 换行，不要使用系统默认换行符。";
    ONE_NEWLINE_TOO_MANY:
        "The text ends with one newline too many.",
        "End the body's line with exactly one \\n.",
        "待签名串末尾多了一个换行符。",
        "请求体之后只保留一个 \\n。";
    LITERAL_BACKSLASH_N:
        "A backslash and the letter n were signed where a newline belongs.",
        "Use a real newline (byte 0x0A); in single-quoted strings \\n is two characters.",
        "签入的是反斜杠加字母 n，而不是换行符。",
        "使用真正的换行符（0x0A）；单引号字符串里的 \\n 是两个字符。";
}

// One line of it.
causes! {
    METHOD_OTHER:
        "Another HTTP method was signed than was sent.",
        "Sign the method of the request in upper case.",
        "签名用的 HTTP 方法与实际请求不同。",
        "用实际请求方法的大写形式签名。";
    URL_WITH_HOST:
        "The host was signed with the path.",
        "Sign only what follows the host: path and query.",
        "签名的 URL 带了域名。",
        "只签域名之后的部分：路径和查询串。";
    QUERY_LEFT_OUT:
        "The query was left out of the signed path.",
        "Sign path and query together, joined by '?', exactly as they are sent.",
        "签名的路径漏掉了查询串。",
        "路径与查询串用 '?' 连接后一起签名，与发送的完全一致。";
    QUERY_ORDER:
        "The parameters of the query were signed in another order than they were sent.",
        "Build the query once, sign that text, and send that text.",
        "查询参数的签名顺序与发送顺序不同。",
        "查询串只拼一次：签它，也发它。";
    URL_ENCODING:
        "Path or query were percent-encoded differently when they were signed.",
        "Sign the encoded form that goes over the wire, and see that the HTTP client does not encode it again.",
        "签名时路径或查询串的百分号编码与发送的不同。",
        "对线上实际发送的编码形式签名，并确认 HTTP 客户端没有再次编码。";
    URL_TEMPLATE:
        "The path was signed before its placeholders were filled in.",
        "Fill in the placeholders first, then sign.",
        "签名时路径里的占位符还没有替换。",
        "先替换占位符，再签名。";
    URL_PREFIX:
        "The path was signed without its beginning or with another end.",
        "Sign the whole path from the first slash on, as it is sent.",
        "签名的路径缺少开头部分或结尾不同。",
        "从第一个斜杠起签完整路径，与发送的一致。";
    TIMESTAMP_OTHER:
        "The timestamp in Authorization is not the one that was signed.",
        "Take the time once, and use that value in both places.",
        "Authorization 里的 timestamp 与签名时的不同。",
        "只取一次时间，两处用同一个值。";
    TIMESTAMP_IN_MILLISECONDS:
        "Milliseconds were signed, and seconds sent.",
        "Use seconds in both places.",
        "签名用了毫秒时间戳，请求头里是秒。",
        "两处都用秒级时间戳。";
    NONCE_OTHER:
        "The nonce in Authorization is not the one that was signed.",
        "Make the nonce once, and use that value in both places.",
        "Authorization 里的 nonce_str 与签名时的不同。",
        "随机串只生成一次，两处用同一个值。";
    BODY_WRITTEN_AGAIN:
        "The body was written as JSON twice: once to be signed, once to be sent, in different forms.",
        "Write the JSON once, sign those bytes, and send those bytes.",
        "请求体被序列化了两次：签名一次、发送一次，形式不同。",
        "只序列化一次：签这些字节，也发这些字节。";
    BODY_CHARSET:
        "The body was signed in another character set than UTF-8.",
        "Turn the text into bytes once, as UTF-8 by name and not in the platform's own character set; sign and send these bytes.",
        "签名时请求体用了 UTF-8 以外的字符集。",
        "明确以 UTF-8 把文本转成字节（不要用系统默认字符集），签名和发送都用这些字节。";
    BODY_TRIMMED:
        "White space at an end of the body, or a byte-order mark, was signed but not sent, or sent but not signed.",
        "Sign the bytes that are sent, without trimming or adding anything.",
        "请求体首尾的空白或 BOM 在签名与发送之间不一致。",
        "对实际发送的字节签名，不要裁剪或追加。";
    BODY_LEFT_OUT:
        "The body was left out of the text: an empty fifth line was signed.",
        "Sign the body as it is sent.",
        "待签名串没有包含请求体。",
        "把实际发送的请求体签进第五行。";
    BODY_NOT_SENT:
        "A body was signed, but none has arrived.",
        "Without a body sign an empty line; otherwise see why the HTTP client does not send it.",
        "签名包含了请求体，但没有收到请求体。",
        "没有请求体时签空行；否则检查 HTTP 客户端为何没有发送。";
    BODY_IS_THE_FORM:
        "The whole form was signed.",
        "Of an upload sign only the JSON of the part meta, byte for byte.",
        "签名用了整个表单。",
        "上传接口只签 meta 部分的 JSON，逐字节一致。";
}

// The key, or the signature itself.
causes! {
    AUTHORIZATION_REUSED:
        "The signature is that of an earlier request.",
        "Make timestamp, nonce and signature anew for every request; a retry of the very same bytes may keep them for five minutes.",
        "这是更早一个请求的签名。",
        "每个请求都重新生成时间戳、随机串和签名。";
    KEY_OTHER:
        "The signature was not made with the private key of this merchant certificate.",
        "Use the apiclient_key.pem that belongs to the certificate whose serial is in serial_no.",
        "签名用的私钥与该商户证书不匹配。",
        "使用与 serial_no 对应证书配套的 apiclient_key.pem。";
    KEY_OF_PLATFORM:
        "The signature was made with a key of the platform.",
        "Sign with the merchant's own private key, apiclient_key.pem.",
        "签名用了平台的密钥。",
        "请用商户自己的私钥 apiclient_key.pem 签名。";
    DIGEST_OTHER:
        "The right key has signed another hash than SHA-256.",
        "Use RSA with SHA-256 (SHA256withRSA, RSASSA-PKCS1-v1_5).",
        "密钥正确，但摘要算法不是 SHA-256。",
        "使用 SHA256withRSA（RSASSA-PKCS1-v1_5）。";
    PADDING_OTHER:
        "The right key has signed with PSS padding.",
        "Use RSASSA-PKCS1-v1_5 (SHA256withRSA), not RSASSA-PSS.",
        "密钥正确，但填充方式是 PSS。",
        "使用 RSASSA-PKCS1-v1_5（SHA256withRSA），不要用 PSS。";
    SIGNATURE_ENCODING:
        "The signature is right, but written in another way than standard base64.",
        "Send it as standard base64 on one line: '+', '/' and '=', not the URL-safe alphabet, no hex.",
        "签名正确，但不是标准 Base64 编码。",
        "用标准 Base64 单行发送（含 + / =），不要用 URL 安全字母表或十六进制。";
    SIGNATURE_NOT_DER:
        "The SM2 signature is right, but its two numbers were put together without DER.",
        "Send base64 of the ASN.1 DER form (SEQUENCE of r and s).",
        "SM2 签名正确，但是 r||s 裸拼接，不是 DER。",
        "发送 ASN.1 DER 形式（r、s 组成的 SEQUENCE）的 Base64。";
    SIGNATURE_UNREADABLE:
        "The signature is not base64 of a signature.",
        "Send the bytes of the signature as standard base64 on one line.",
        "signature 不是签名的 Base64。",
        "把签名字节用标准 Base64 单行发送。";
    SIGNATURE_OF_V2:
        "A hash under a shared key was sent, as APIv2 signs.",
        "APIv3 is signed with the merchant's private key; APIv2 key and APIv3 key sign nothing there.",
        "发送的是 APIv2 方式的密钥摘要。",
        "APIv3 用商户私钥签名；APIv2 密钥和 APIv3 密钥都不用于签名。";
    TEXT_OTHER:
        "The key is right, but another text was signed; no form that was tried is that text.",
        "Compare the text below with the one you sign, line by line; the body or more than one line differs.",
        "密钥正确，但签名的文本不同；已尝试的形式都不吻合。",
        "把下面的待签名串与你签名的文本逐行比较：请求体或多行不同。";
    NOTHING_FITS:
        "Neither the expected text nor any form that was tried has this signature.",
        "Check that the key belongs to the serial, then compare the text below with the one you sign, line by line.",
        "期望的文本及已尝试的各种形式都与签名不符。",
        "先确认私钥与序列号配套，再逐行比较下面的待签名串。";
}

// What is checked before the signature.
causes! {
    AUTHORIZATION_MALFORMED:
        "The header Authorization is missing or is not of the merchant's scheme with its five fields.",
        "Send: Authorization: WECHATPAY2-SHA256-RSA2048 mchid=\"…\",nonce_str=\"…\",signature=\"…\",timestamp=\"…\",serial_no=\"…\" (in SM2 mode WECHATPAY2-SM2-WITH-SM3).",
        "缺少 Authorization，或认证类型、五个字段不正确。",
        "按 WECHATPAY2-SHA256-RSA2048 mchid=\"…\",nonce_str=\"…\",signature=\"…\",timestamp=\"…\",serial_no=\"…\" 发送（国密为 WECHATPAY2-SM2-WITH-SM3）。";
    SERIAL_OTHER:
        "The serial is of another certificate than the merchant's.",
        "Use the serial of apiclient_cert.pem: openssl x509 -noout -serial -in apiclient_cert.pem",
        "serial_no 不是该商户证书的序列号。",
        "使用 apiclient_cert.pem 的序列号：openssl x509 -noout -serial -in apiclient_cert.pem";
    SERIAL_OF_PLATFORM:
        "The serial in serial_no is one of the platform's.",
        "serial_no names the merchant's certificate; the platform's key is named in the header Wechatpay-Serial.",
        "serial_no 填成了平台证书序列号或公钥 ID。",
        "serial_no 填商户证书序列号；平台的填在 Wechatpay-Serial 头里。";
    MERCHANT_OTHER:
        "The merchant number is not the one of this sandbox.",
        "Use the configuration that this sandbox has written into its folder.",
        "商户号不是这个沙箱的商户号。",
        "使用该沙箱目录里的配置文件。";
    CLOCK:
        "The caller's clock is wrong, or the request was made more than five minutes before it was sent.",
        "Set the clock, and sign anew before every attempt.",
        "调用方时钟不准，或请求在发送五分钟前就已签名。",
        "校准时钟，并在每次发送前重新签名。";
    TIMESTAMP_NOT_SECONDS:
        "The timestamp is not a number of seconds.",
        "Use whole seconds since 1970, ten digits.",
        "timestamp 不是秒级时间戳。",
        "使用 10 位秒级时间戳。";
    NONCE_TOO_LONG:
        "The nonce has more than 32 characters.",
        "Use at most 32 letters and digits.",
        "nonce_str 超过 32 个字符。",
        "随机串最多 32 位字母和数字。";
    HEADER_MISSING:
        "A header that the provider demands is missing or has another value.",
        "Send Accept: application/json, a User-Agent, and with a body Content-Type: application/json (of uploads multipart/form-data).",
        "缺少必需的请求头或取值不正确。",
        "发送 Accept: application/json、User-Agent；有请求体时 Content-Type: application/json（上传为 multipart/form-data）。";
    PLATFORM_KEY_UNKNOWN:
        "Wechatpay-Serial names a key that the platform does not have: that of another sandbox, or a certificate that has ended.",
        "Fetch /v3/certificates anew, or use the PUB_KEY_ID of this sandbox.",
        "Wechatpay-Serial 指定的密钥不存在：可能是别的沙箱的，或证书已停用。",
        "重新获取 /v3/certificates，或使用本沙箱的 PUB_KEY_ID。";
    MERCHANT_SERIAL_AS_PLATFORM:
        "Wechatpay-Serial names the merchant's own certificate.",
        "Name the platform's key there: its PUB_KEY_ID or the serial of its certificate.",
        "Wechatpay-Serial 填成了商户证书序列号。",
        "这里应填平台公钥 ID 或平台证书序列号。";
}

// What is checked after it.
causes! {
    FIELD_NOT_SEALED:
        "A sensitive field came in the clear.",
        "Encrypt it with the platform's key, and name that key in Wechatpay-Serial.",
        "敏感字段没有加密。",
        "用平台公钥加密，并在 Wechatpay-Serial 里写明所用的密钥。";
    FIELD_KEY_NOT_NAMED:
        "A sensitive field was sent without saying which key it was encrypted with.",
        "Name the platform's key in the header Wechatpay-Serial.",
        "发送了敏感字段，却没有说明加密所用的密钥。",
        "在 Wechatpay-Serial 头里写明平台公钥 ID 或证书序列号。";
    FIELD_SEALED_FOR_OTHER_KEY:
        "A sensitive field was encrypted with another platform key than Wechatpay-Serial names.",
        "Encrypt with the very key whose id or serial is in Wechatpay-Serial.",
        "敏感字段使用的平台密钥与 Wechatpay-Serial 不一致。",
        "用 Wechatpay-Serial 指定的那把密钥加密。";
    FIELD_SEALED_FOR_MERCHANT:
        "A sensitive field was encrypted with the merchant's own certificate.",
        "Encrypt with the platform's key; the merchant's is for answers.",
        "敏感字段误用了商户自己的证书加密。",
        "请用平台公钥加密；商户证书只用于解密应答。";
    FIELD_CANNOT_BE_OPENED:
        "A sensitive field was encrypted with a key the platform does not have, or with another padding.",
        "Use the platform's key of this sandbox and RSAES-OAEP with SHA-1 (in SM2 mode: SM2, DER).",
        "敏感字段无法解密：密钥或填充方式不对。",
        "使用本沙箱的平台密钥和 RSAES-OAEP（SHA-1）；国密为 SM2 DER。";
    BODY_NOT_JSON:
        "The body is not a JSON object.",
        "Send one JSON object in UTF-8.",
        "请求体不是 JSON 对象。",
        "发送一个 UTF-8 编码的 JSON 对象。";
    PARAMETER:
        "A parameter is missing or is not what the provider takes.",
        "Mend the field that is named here.",
        "参数缺失或取值不合要求。",
        "修正这里指出的字段。";
    NO_SUCH_OPERATION:
        "There is no operation with this path.",
        "Compare the path with the provider's documentation; /sandbox lists all operations.",
        "没有这个路径的接口。",
        "对照官方文档检查路径；/sandbox 列出全部接口。";
    NO_SUCH_METHOD:
        "The path exists, but not with this HTTP method.",
        "Use the method of the provider's documentation.",
        "路径存在，但请求方法不对。",
        "使用官方文档中的请求方法。";
    STATE:
        "The request is well formed and well signed; what it asks for is not possible in this state.",
        "Read the code and the message, and query the order before asking again.",
        "请求格式和签名都正确，但当前状态不允许此操作。",
        "查看错误码和描述，先查单再重试。";
    BY_FAULT:
        "A fault that was set in the sandbox has made this answer.",
        "Nothing is wrong with the request. Clear the fault, or see that the caller copes with it.",
        "这是沙箱里设置的故障造成的应答。",
        "请求本身没有问题。清除故障，或检查调用方能否应对。";
}

// APIv2.
causes! {
    V2_XML:
        "The body is not flat XML below one element <xml>, or names a field twice.",
        "Send <xml><field>value</field>…</xml> in UTF-8, without a DOCTYPE.",
        "请求体不是以 <xml> 为根的单层 XML，或字段重复。",
        "发送 <xml><字段>值</字段>…</xml>，UTF-8，不带 DOCTYPE。";
    V2_SIGN_MISSING:
        "There is no field sign.",
        "Sign the fields, and add sign as the last one.",
        "缺少 sign 字段。",
        "对各字段签名后加入 sign。";
    V2_SIGN_TYPE_UNKNOWN:
        "sign_type is neither MD5 nor HMAC-SHA256.",
        "Use MD5 (or leave sign_type out) or HMAC-SHA256.",
        "sign_type 既不是 MD5 也不是 HMAC-SHA256。",
        "使用 MD5（可省略）或 HMAC-SHA256。";
    V2_SIGN_TYPE_OTHER:
        "It was signed by the other hash than sign_type says; without sign_type MD5 is meant.",
        "Say sign_type=HMAC-SHA256 when signing so, and sign that field too.",
        "实际签名算法与 sign_type 不符；没有 sign_type 时按 MD5。",
        "用 HMAC-SHA256 时请带上 sign_type=HMAC-SHA256，并一起签名。";
    V2_KEY_OF_V3:
        "It was signed with the APIv3 key.",
        "Sign APIv2 with the APIv2 key, apiv2_key in config-v2.json.",
        "签名用了 APIv3 密钥。",
        "APIv2 请用 APIv2 密钥（config-v2.json 的 apiv2_key）。";
    V2_KEY_OF_SANDBOX:
        "It was signed with the key of the provider's sandbox, on a path outside of it.",
        "Below /xdc/apiv2sandbox use sandbox_signkey, everywhere else the APIv2 key.",
        "在正式路径上用了仿真环境的 sandbox_signkey。",
        "仅 /xdc/apiv2sandbox 之下用 sandbox_signkey，其余用 APIv2 密钥。";
    V2_KEY_NOT_OF_SANDBOX:
        "Below /xdc/apiv2sandbox it was signed with the APIv2 key.",
        "Ask getsignkey for sandbox_signkey, and sign with that there.",
        "在 /xdc/apiv2sandbox 下用了正式的 APIv2 密钥。",
        "先调 getsignkey 取得 sandbox_signkey，再用它签名。";
    V2_LOWER_CASE:
        "The signature is right, but in lower case.",
        "Send the hex of sign in upper case.",
        "签名正确，但是小写。",
        "sign 的十六进制要大写。";
    V2_EMPTY_FIELDS:
        "Empty fields were signed.",
        "Leave fields without a value out of the signed text.",
        "空值字段也参与了签名。",
        "值为空的字段不参与签名。";
    V2_FIELD_LEFT_OUT:
        "A field was sent that was not signed.",
        "Sign every field but sign itself; sign after the last field was added.",
        "有字段发送了却没有参与签名。",
        "除 sign 外所有非空字段都要签名；加完全部字段后再签。";
    V2_NOT_SORTED:
        "The fields were signed in the order of the document.",
        "Sort the fields by their names (ASCII order) before signing.",
        "签名时没有按字段名排序。",
        "先按字段名 ASCII 升序排序再签名。";
    V2_VALUES_ENCODED:
        "The values were percent-encoded before they were signed.",
        "Sign the values as they are, without encoding.",
        "签名前对值做了 URL 编码。",
        "按原值签名，不做 URL 编码。";
    V2_VALUES_ESCAPED:
        "The values were signed in the form they have in XML.",
        "Sign the plain values; escape them, or put them into CDATA, only in the document.",
        "签名用了 XML 转义后的值。",
        "按原值签名；转义或 CDATA 只用于报文。";
    V2_KEY_LEFT_OUT:
        "The key was not appended to the text.",
        "Append &key= and the APIv2 key before hashing, with HMAC-SHA256 too.",
        "签名串末尾没有拼接 key。",
        "计算前先拼接 &key=APIv2密钥，HMAC-SHA256 也一样。";
    V2_NOTHING_FITS:
        "Neither the expected text nor any form that was tried has this signature.",
        "Check the APIv2 key first, then compare the text below with the one you sign, field by field.",
        "期望的文本及已尝试的各种形式都与签名不符。",
        "先确认 APIv2 密钥，再逐字段比较下面的待签名串。";
    V2_MERCHANT_OTHER:
        "mch_id or appid is not the one of this sandbox.",
        "Use config-v2.json of this sandbox.",
        "mch_id 或 appid 不是这个沙箱的。",
        "使用该沙箱的 config-v2.json。";
}

// Of a notification.
causes! {
    SHOP_REFUSED:
        "The shop answered something else than 2xx.",
        "Look at the shop's answer and its log. It should answer 2xx once the notification is verified and stored.",
        "商户服务器没有返回 2xx。",
        "查看商户的应答和日志：验签并保存后应返回 2xx。";
    SHOP_NOT_SUCCESS:
        "The shop's answer does not say SUCCESS, which APIv2 wants.",
        "Answer <xml><return_code>SUCCESS</return_code></xml>.",
        "APIv2 通知的应答里没有 SUCCESS。",
        "应答 <xml><return_code>SUCCESS</return_code></xml>。";
    SHOP_SILENT:
        "The shop did not answer within five seconds.",
        "Store the notification, answer at once, and do the work afterwards.",
        "商户服务器五秒内没有应答。",
        "先保存通知并立即应答，业务稍后处理。";
    SHOP_UNREACHABLE:
        "The shop could not be reached, or broke off the connection.",
        "See that it listens at notify_url; only plain http on this machine is spoken here.",
        "无法连接商户服务器，或连接被中断。",
        "确认它在 notify_url 上监听；这里只支持本机的 http。";
    CUT_BY_FAULT:
        "A fault broke the notification off half-way.",
        "Nothing is wrong with the shop. The whole notification follows.",
        "沙箱故障在中途断开了这次通知。",
        "商户没有问题，完整的通知随后会到。";
    FORGERY_REFUSED:
        "A forged notification was refused, as it should be.",
        "Nothing. The true notification follows.",
        "伪造的通知被拒绝，这是正确的。",
        "无需处理，真实通知随后会到。";
    FORGERY_ACCEPTED:
        "A forged notification was accepted: the shop does not check the signature, its age, or the encryption.",
        "Verify every notification over its raw bytes before anything is believed.",
        "伪造的通知被接受：商户没有校验签名、时效或密文。",
        "先对原始字节验签，再相信任何内容。";
}

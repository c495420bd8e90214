//! What can be wrong with a request to Alipay, in the words of both languages; and of a wrong signature what was signed
//! instead, found by trying.

use crate::diagnosis::causes::{Cause, causes};
use crate::exchanges::Refusal as Explained;
use crate::sandbox::Sandbox;

use super::canonical::Params;
use super::charset::Charset;
use super::refusal::Refusal;
use super::signing::SignType;

causes! {
    SIGN_TYPE_LEFT_OUT:
        "sign_type was left out of the signed text. Only notifications leave it out.",
        "Sign every parameter but sign.",
        "待签名串漏掉了 sign_type；只有异步通知验签时才去掉它。",
        "除 sign 外的参数全部参与签名。";
    EMPTY_VALUES_SIGNED:
        "Parameters without a value were signed.",
        "Leave out parameters whose value is empty.",
        "空值参数参与了签名。",
        "值为空的参数不参与签名。";
    VALUES_ENCODED:
        "The values were percent-encoded before they were signed.",
        "Sign the values as they are; encode them only for sending.",
        "签名前对参数值做了 URL 编码。",
        "用原始值签名，发送时才编码。";
    OTHER_CHARSET:
        "The text was signed in another encoding than charset says.",
        "Encode the text in the charset of the request before signing.",
        "签名所用的编码与 charset 参数不一致。",
        "按 charset 指定的编码把待签名串转成字节再签名。";
    OTHER_HASH:
        "The hash is that of the other sign_type.",
        "RSA2 is SHA-256, RSA is SHA-1.",
        "摘要算法与 sign_type 不一致。",
        "RSA2 用 SHA-256，RSA 用 SHA-1。";
    PLUS_LOST:
        "The signature's + signs arrived as spaces.",
        "Percent-encode the value of sign.",
        "sign 中的加号变成了空格。",
        "对 sign 的值做 URL 编码。";
    CHARSET_NOT_IN_ADDRESS:
        "The bytes of a value are not in the encoding that the address names; without a name they are read as GBK.",
        "Put charset into the query of the address, as it was signed.",
        "参数值的字节不符合 URL 中 charset 指定的编码；未指定时按 GBK 读取。",
        "把 charset 放在 URL 查询串中，并与签名时一致。";
    SIGNED_OTHERWISE:
        "A parameter was changed, added or lost after signing, or the key is not the app's.",
        "Compare the text that was signed with signed_text, and the private key with the app's.",
        "签名之后参数被修改、增加或丢失，或私钥不是本应用的。",
        "把实际签名的文本与 signed_text 逐字比较，并核对应用私钥。";
    APP_OTHER:
        "The configuration is that of another sandbox or app.",
        "Use the configuration in the sandbox's folder.",
        "配置属于另一个沙箱或应用。",
        "使用沙箱目录中的配置文件。";
    TIME_NOT_BEIJING:
        "The clock of the caller is wrong, or the time is not that of GMT+8.",
        "Send the time of GMT+8 as yyyy-MM-dd HH:mm:ss; milliseconds in REST v3.",
        "调用方时钟不准，或时间不是东八区时间。",
        "发送东八区时间 yyyy-MM-dd HH:mm:ss；V3 为毫秒时间戳。";
    CERTIFICATE_OTHER:
        "The serial number is that of another certificate, or was computed differently.",
        "It is the MD5 of the issuer's name and the serial in decimal; of the roots only those signed with RSA count.",
        "证书序列号属于别的证书，或计算方式不同。",
        "序列号为颁发者名称加十进制序列号的 MD5；根证书只计 RSA 签名的。";
    NOT_OPENED:
        "What is encrypted cannot be opened with the app's key.",
        "Use AES-128-CBC with PKCS#7 and an IV of zeros under the app's encrypt_key, in base64.",
        "密文无法用应用的接口内容加密密钥解开。",
        "使用 AES-128-CBC、PKCS7 填充、全零 IV 与应用的加密密钥，并做 base64 编码。";
    BUSINESS:
        "The request is well made; the state of the business or a parameter does not allow it.",
        "See sub_code and sub_msg.",
        "请求本身无误，业务状态或参数不允许。",
        "查看 sub_code 与 sub_msg。";
    NOT_EXACTLY_SUCCESS:
        "The shop's answer is not exactly the seven letters success.",
        "Answer success, without quotes, spaces or a newline.",
        "商户应答不是恰好七个字母 success。",
        "只应答 success，不带引号、空格或换行。";
}

/// What a refusal means. `params` are those of gateway v2.
pub fn explain(sandbox: &Sandbox, params: &Params, refusal: &Refusal) -> Explained {
    let app = &sandbox.alipay.app;
    let code = refusal.sub_code.trim_start_matches("isv.");
    if matches!(code, "isp.unknow-error" | "app-call-limited") {
        return Explained::by_fault();
    }
    let (cause, expected, received) = match code {
        "invalid-signature" => (of_signature(sandbox, params), None, None),
        "invalid-app-id" => (APP_OTHER, Some(app.id.clone()), params.get("app_id")),
        "invalid-timestamp" => (TIME_NOT_BEIJING, None, params.get("timestamp")),
        "invalid-app-cert-sn" => (
            CERTIFICATE_OTHER,
            Some(app.certificate_sn.clone()),
            params.get("app_cert_sn"),
        ),
        "invalid-alipay-root-cert-sn" => (
            CERTIFICATE_OTHER,
            Some(app.root_sn.clone()),
            params.get("alipay_root_cert_sn"),
        ),
        code if code.starts_with("decryption-error") => (NOT_OPENED, None, None),
        _ => (BUSINESS, None, None),
    };
    let mut explained = Explained::of(cause);
    explained.field = Some(refusal.sub_code.clone());
    explained.issue = Some(refusal.sub_msg.clone());
    explained.expected = expected.map(Into::into);
    explained.received = received.map(Into::into);
    explained
}

/// The slip whose text fits the signature.
fn of_signature(sandbox: &Sandbox, params: &Params) -> &'static Cause {
    let canonical = params.canonical();
    if canonical.contains('\u{FFFD}') {
        return CHARSET_NOT_IN_ADDRESS;
    }
    let named = params.get("charset").and_then(Charset::parse);
    let charset = named.unwrap_or(Charset::Gbk);
    let other = match charset {
        Charset::Utf8 => Charset::Gbk,
        Charset::Gbk => Charset::Utf8,
    };
    let named = params.get("sign_type").and_then(SignType::parse);
    let sign_type = named.unwrap_or(SignType::Rsa2);
    let other_type = match sign_type {
        SignType::Rsa2 => SignType::Rsa,
        SignType::Rsa => SignType::Rsa2,
    };
    let signature = params.get("sign").unwrap_or_default();
    let key = &sandbox.alipay.app.key;
    let fits = |sign_type: SignType, charset: Charset, text: &str, signature: &str| {
        sign_type.verify(key, &charset.encode(text), signature)
    };
    let slips = [
        (SIGN_TYPE_LEFT_OUT, params.without_sign_type()),
        (EMPTY_VALUES_SIGNED, params.with_empty_values()),
        (VALUES_ENCODED, params.encoded(charset)),
    ];
    if let Some((cause, _)) = slips
        .iter()
        .find(|(_, text)| fits(sign_type, charset, text, signature))
    {
        return cause;
    }
    if signature.contains(' ') && fits(sign_type, charset, &canonical, &signature.replace(' ', "+"))
    {
        return PLUS_LOST;
    }
    if fits(other_type, charset, &canonical, signature) {
        return OTHER_HASH;
    }
    if fits(sign_type, other, &canonical, signature) {
        return OTHER_CHARSET;
    }
    SIGNED_OTHERWISE
}

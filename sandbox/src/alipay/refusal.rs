//! What the gateway says when it refuses, in the provider's codes.

use serde_json::{Value, json};

#[derive(Clone, Debug)]
pub struct Refusal {
    code: Code,
    pub sub_code: String,
    pub sub_msg: String,
    /// What else the provider says beside the refusal.
    extra: Option<Box<Value>>,
    /// Nobody can be answered with a signature: it is not known who asks, or for what.
    pub unsigned: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Code {
    Unavailable,
    Token,
    Missing,
    Invalid,
    Business,
    Limited,
    Permission,
}

impl Code {
    fn number(self) -> &'static str {
        match self {
            Self::Unavailable => "20000",
            Self::Token => "20001",
            Self::Missing => "40001",
            Self::Invalid => "40002",
            Self::Business => "40004",
            Self::Limited => "40005",
            Self::Permission => "40006",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Unavailable => "Service Currently Unavailable",
            Self::Token => "Insufficient Token Permissions",
            Self::Missing => "Missing Required Arguments",
            Self::Invalid => "Invalid Arguments",
            Self::Business => "Business Failed",
            Self::Limited => "Call Limited",
            Self::Permission => "Insufficient Permissions",
        }
    }
}

impl Refusal {
    fn new(code: Code, sub_code: impl Into<String>, sub_msg: impl Into<String>) -> Self {
        Self {
            code,
            sub_code: sub_code.into(),
            sub_msg: sub_msg.into(),
            extra: None,
            unsigned: false,
        }
    }

    pub fn unavailable() -> Self {
        Self::new(Code::Unavailable, "isp.unknow-error", "系统繁忙")
    }

    pub fn limited() -> Self {
        Self::new(Code::Limited, "isv.app-call-limited", "应用调用次数超限")
    }

    pub fn token(sub_code: &str, sub_msg: &str) -> Self {
        Self::new(Code::Token, sub_code, sub_msg)
    }

    pub fn permission(sub_code: &str, sub_msg: &str) -> Self {
        Self::new(Code::Permission, sub_code, sub_msg)
    }

    /// `sub_code` as `isv.missing-…`.
    pub fn missing(sub_code: &str, sub_msg: &str) -> Self {
        Self::new(Code::Missing, sub_code, sub_msg)
    }

    /// `sub_code` as `isv.invalid-…`.
    pub fn invalid(sub_code: &str, sub_msg: impl Into<String>) -> Self {
        Self::new(Code::Invalid, sub_code, sub_msg)
    }

    pub fn business(sub_code: &str, sub_msg: impl Into<String>) -> Self {
        Self::new(Code::Business, sub_code, sub_msg)
    }

    /// A business parameter; `prefix` is `ACQ.` for trades.
    pub fn parameter(prefix: &str, name: &str, issue: &str) -> Self {
        let sub_msg = format!("参数无效：{name} {issue}");
        Self::business(&format!("{prefix}INVALID_PARAMETER"), sub_msg)
    }

    pub fn unsigned(self) -> Self {
        Self {
            unsigned: true,
            ..self
        }
    }

    pub fn with(self, extra: Value) -> Self {
        let extra = Some(Box::new(extra));
        Self { extra, ..self }
    }

    /// As gateway v2 writes it.
    pub fn node(&self) -> Value {
        let mut node = json!({
            "code": self.code.number(),
            "msg": self.code.words(),
            "sub_code": self.sub_code,
            "sub_msg": self.sub_msg,
        });
        let extra = self.extra.as_deref().and_then(Value::as_object);
        for (name, value) in extra.into_iter().flatten() {
            node[name] = value.clone();
        }
        node
    }
}

//! The provider's refusals: HTTP status, code, message, detail, and the nine-digit number that ends the Request-ID.

use axum::http::StatusCode;
use serde_json::{Value, json};

#[derive(Debug)]
pub struct Problem {
    pub status: StatusCode,
    pub code: &'static str,
    /// Ends the header `Request-ID`, as the provider's support asks for it.
    pub number: u32,
    pub message: String,
    pub detail: Option<Value>,
}

impl Problem {
    fn new(
        status: StatusCode,
        code: &'static str,
        number: u32,
        message: impl Into<String>,
    ) -> Self {
        Self {
            status,
            code,
            number,
            message: message.into(),
            detail: None,
        }
    }

    pub fn with_detail(mut self, detail: Value) -> Self {
        self.detail = Some(detail);
        self
    }

    pub fn body(&self) -> Value {
        let mut body = json!({ "code": self.code, "message": self.message });
        if let Some(detail) = &self.detail {
            body["detail"] = detail.clone();
        }
        body
    }

    /// A parameter that is missing or malformed; `field` is a JSON pointer or a header's name.
    pub fn parameter(location: &str, field: &str, value: Option<&Value>, issue: &str) -> Self {
        let mut detail = json!({ "location": location, "field": field, "issue": issue });
        if let Some(value) = value {
            detail["value"] = value.clone();
        }
        Self::new(
            StatusCode::BAD_REQUEST,
            "PARAM_ERROR",
            268435461,
            format!("参数错误：{field} {issue}"),
        )
        .with_detail(detail)
    }

    /// 401 for everything that is wrong with `Authorization` itself.
    pub fn sign(field: &str, message: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "SIGN_ERROR", 268443699, message)
            .with_detail(json!({ "location": "authorization", "field": field, "issue": message }))
    }

    pub fn request(number: u32, message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "INVALID_REQUEST", number, message)
    }

    pub fn different_parameters() -> Self {
        Self::request(
            268498688,
            "请求重入时，参数与首次请求时不一致。请确认是否为同一笔订单",
        )
    }

    pub fn order_paid() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "ORDERPAID",
            268449538,
            "该订单已支付",
        )
    }

    pub fn order_closed() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "ORDER_CLOSED",
            268435462,
            "该订单已关闭，请使用新的商户订单号重新下单",
        )
    }

    /// A scanned code's buyer is at the password: wait, ask again, or reverse.
    pub fn user_paying() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "USER_PAYING",
            268435475,
            "用户支付中，请稍后查询或撤销订单",
        )
    }

    pub fn order_expired() -> Self {
        Self::request(268447914, "该订单已过期，请使用新的商户订单号重新下单")
    }

    pub fn order_not_exist() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "ORDER_NOT_EXIST",
            268512771,
            "订单不存在",
        )
    }

    pub fn not_found(message: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "RESOURCE_NOT_EXISTS",
            268435464,
            message,
        )
    }

    /// A bill of a day on which nothing happened.
    pub fn no_statement() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "NO_STATEMENT_EXIST",
            268435480,
            "账单文件不存在，请检查当前商户号是否在指定日期有交易或退款发生",
        )
    }

    pub fn appid_mismatch() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "APPID_MCHID_NOT_MATCH",
            268445527,
            "appid与mchid不匹配",
        )
    }

    pub fn foreign_merchant() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "NO_AUTH",
            268435463,
            "商户号与签名的商户号不一致，无权限操作",
        )
    }

    pub fn no_auth(message: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "NO_AUTH", 268435472, message)
    }

    pub fn not_enough() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "NOT_ENOUGH",
            268435471,
            "账户余额不足，请充值后重试",
        )
    }

    pub fn rule_limit(message: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "RULE_LIMIT", 268435473, message)
    }

    /// Any other code of the provider's tables.
    pub fn coded(status: StatusCode, code: &'static str, message: &str) -> Self {
        Self::new(status, code, 268435474, message)
    }

    pub fn rate_limited() -> Self {
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "FREQUENCY_LIMITED",
            268447840,
            "频率超限，请降低请求频率后重试",
        )
    }

    pub fn system_error() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "SYSTEM_ERROR",
            268435460,
            "系统异常，请用相同参数重新调用",
        )
    }

    pub fn method_not_allowed() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "INVALID_REQUEST",
            268435465,
            "该接口不支持此请求方法",
        )
    }
}

//! The table of methods, and what a method gets and gives.

use std::sync::Arc;

use serde_json::Value;

use crate::loopback;
use crate::sandbox::Sandbox;

use super::canonical::Params;
use super::envelope::Style;
use super::money;
use super::refusal::Refusal;
use super::{
    account, agreement, bills, certify, download, files, freeze, fund, merchant, oauth, pay,
    receipts, refund,
};

pub struct Operation {
    pub name: &'static str,
    pub kind: Kind,
    pub perform: Perform,
}

/// How a method is reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A request with a signed answer.
    Api,
    /// A browser goes there, and is sent on to a page.
    Page,
    /// An order string that an app hands to Alipay's own.
    App,
}

pub type Perform = fn(&Ask) -> Result<Reply, Refusal>;

pub const fn api(name: &'static str, perform: Perform) -> Operation {
    let kind = Kind::Api;
    Operation {
        name,
        kind,
        perform,
    }
}

pub const fn page(name: &'static str, perform: Perform) -> Operation {
    let kind = Kind::Page;
    Operation {
        name,
        kind,
        perform,
    }
}

pub const fn app(name: &'static str, perform: Perform) -> Operation {
    let kind = Kind::App;
    Operation {
        name,
        kind,
        perform,
    }
}

const FAMILIES: &[&[Operation]] = &[
    pay::OPERATIONS,
    refund::OPERATIONS,
    fund::OPERATIONS,
    freeze::OPERATIONS,
    agreement::OPERATIONS,
    oauth::OPERATIONS,
    bills::OPERATIONS,
    receipts::OPERATIONS,
    account::OPERATIONS,
    certify::OPERATIONS,
    merchant::OPERATIONS,
    download::OPERATIONS,
    files::OPERATIONS,
];

fn all() -> impl Iterator<Item = &'static Operation> {
    FAMILIES.iter().copied().flatten()
}

pub fn find(name: &str) -> Option<&'static Operation> {
    all().find(|operation| operation.name == name)
}

/// Every method that is played.
pub fn names() -> Vec<&'static str> {
    all().map(|operation| operation.name).collect()
}

/// What a method answers, before it is signed.
pub enum Reply {
    Done(Value),
    /// Without `code` and `msg`, as tokens are answered.
    Bare(Value),
    /// Code 10003: the buyer has yet to do something.
    Pending(Value),
    /// The path that the browser goes on to.
    Page(String),
}

impl From<Value> for Reply {
    fn from(value: Value) -> Self {
        Self::Done(value)
    }
}

/// A request whose signature is good.
pub struct Ask<'a> {
    pub sandbox: &'a Arc<Sandbox>,
    pub params: &'a Params,
    /// biz_content, or the body of REST v3.
    pub body: Value,
    pub files: &'a [File],
    pub style: Style,
    /// Whose business it is.
    pub party: Party,
}

/// Who is acted for: the seller of the app itself, or a merchant who has authorized it.
#[derive(Clone)]
pub struct Party {
    /// `2088…`, whose money it is.
    pub seller: String,
    /// The app that has given leave; the own one when it acts for itself.
    pub auth_app_id: String,
}

pub struct File {
    pub field: String,
    pub name: String,
    pub bytes: axum::body::Bytes,
}

impl<'a> Ask<'a> {
    /// The same request, looking at a part of its body.
    pub fn of(&self, part: &Value) -> Ask<'a> {
        Ask {
            sandbox: self.sandbox,
            params: self.params,
            body: part.clone(),
            files: self.files,
            style: self.style,
            party: self.party.clone(),
        }
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.body[name].as_str().filter(|text| !text.is_empty())
    }

    /// What gateway v2 has beside biz_content and REST v3 in its body.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params.get(name).or_else(|| self.text(name))
    }

    /// Of a method whose business codes begin with `prefix`.
    pub fn required(&self, prefix: &str, name: &str) -> Result<&str, Refusal> {
        self.text(name)
            .ok_or_else(|| Refusal::parameter(prefix, name, "不能为空"))
    }

    /// A text of at most `longest` characters.
    pub fn short(&self, prefix: &str, name: &str, longest: usize) -> Result<&str, Refusal> {
        let text = self.required(prefix, name)?;
        match text.chars().count() <= longest {
            true => Ok(text),
            false => Err(Refusal::parameter(
                prefix,
                name,
                &format!("最长{longest}个字符"),
            )),
        }
    }

    /// A merchant's number: letters, digits, `_`.
    pub fn number(&self, prefix: &str, name: &str) -> Result<&str, Refusal> {
        let number = self.short(prefix, name, 64)?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        match number.bytes().all(plain) {
            true => Ok(number),
            false => Err(Refusal::parameter(
                prefix,
                name,
                "只能由字母、数字、下划线组成",
            )),
        }
    }

    /// Yuan in a text, as fen.
    pub fn amount(&self, prefix: &str, name: &str) -> Result<i64, Refusal> {
        // A number is not refused by the provider either, as long as it is written like an amount.
        let text = match &self.body[name] {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return Err(Refusal::parameter(prefix, name, "不能为空")),
        };
        money::fen(&text)
            .filter(|fen| *fen <= 10_000_000_000)
            .ok_or_else(|| {
                Refusal::parameter(prefix, name, "须为0.01至100000000之间的金额，最多两位小数")
            })
    }

    /// An address on loopback, if the request names one.
    pub fn address(&self, name: &str) -> Result<Option<String>, Refusal> {
        let Some(url) = self.param(name) else {
            return Ok(None);
        };
        match loopback::target_with_query(url) {
            Ok(_) => Ok(Some(url.to_owned())),
            Err(issue) => Err(Refusal::invalid(
                "isv.invalid-parameter",
                format!("{name}{issue}"),
            )),
        }
    }
}

//! What the catalogue consists of: the shape of the files in `catalogue/` that are written by hand, and of all of it once `load.rs` has put
//! it together for the build script and for `payseal-generate`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// What one API generation of a provider can be asked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)] // each reader uses its part
pub struct Catalogue {
    /// The file that was written by hand: `wechat-v3.json`.
    #[serde(skip)]
    pub file: String,
    pub provider: String,
    pub generation: String,
    /// Texts may have characters that take four bytes in UTF-8.
    #[serde(default)]
    pub four_byte_texts: bool,
    /// Query parameters that every operation takes beside its own.
    #[serde(default)]
    pub common: Vec<Schema>,
    pub families: Vec<Family>,
}

/// Operations that belong together; one package of typed models.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
pub struct Family {
    pub name: String,
    pub title: String,
    pub operations: Vec<Operation>,
    #[serde(default)]
    pub notifications: Vec<Notification>,
    /// Named objects, for `ref`, `body`, `answer` and `plaintext`.
    pub schemas: Vec<Schema>,
    /// It becomes a package of typed models.
    #[serde(skip)]
    pub typed: bool,
    /// The names of objects in typed models, each with a place where the object is.
    #[serde(skip)]
    pub names: BTreeMap<String, String>,
    /// What objects are, by their names in typed models.
    #[serde(skip)]
    pub docs: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
pub struct Operation {
    /// The provider's name: method and path template, or one word.
    pub name: String,
    /// The name in typed models, in snake case.
    pub id: String,
    pub title: String,
    pub repeat: Repeat,
    /// Of an operation that sends nothing: what the signed request is handed out as.
    #[serde(default)]
    pub makes: Vec<Make>,
    /// Where the merchant's own number is: `body.out_trade_no`.
    pub order_number: Option<String>,
    #[serde(default)]
    pub path: Vec<Schema>,
    #[serde(default)]
    pub query: Vec<Schema>,
    /// Other query parameters are taken too: the provider makes the address.
    #[serde(default)]
    pub open_query: bool,
    /// Of an upload: the parts of the form beside the file and `meta`.
    #[serde(default)]
    pub form: Vec<Schema>,
    /// Of an upload: what the part `meta` is.
    pub body: Option<String>,
    pub answer: Option<String>,
    /// Of an upload: the name of the form's part that is the file.
    pub file: Option<String>,
    /// The one host that has the operation, where that is not the usual one.
    pub host: Option<String>,
    /// The provider demands the header `Idempotency-Key`.
    #[serde(default)]
    pub idempotency_key: bool,
    /// Whether the host asks for the merchant's certificate when the connection is made.
    #[serde(default)]
    pub client_certificate: bool,
    /// Described by hand, with documentation; not from the table of facts.
    #[serde(skip)]
    pub written: bool,
    /// What the body and the answer are called in typed models, where that is not the id with `Request` and `Response`.
    #[serde(skip)]
    pub body_name: Option<String>,
    #[serde(skip)]
    pub answer_name: Option<String>,
    /// It is no function of the typed models, for another part of the library does it.
    #[serde(skip)]
    pub untyped: bool,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Repeat {
    Safe,
    SameNumber,
    Never,
}

/// What a browser or an app is given in place of an answer. The name is the kind for `payseal_client_invoke` and the key of its result.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
#[allow(dead_code)]
pub enum Make {
    Url,
    Form,
    OrderString,
}

impl Make {
    pub fn name(self) -> &'static str {
        match self {
            Make::Url => "url",
            Make::Form => "form",
            Make::OrderString => "order_string",
        }
    }
}

/// What an event's plaintext looks like.
#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
pub struct Notification {
    pub events: Vec<String>,
    pub plaintext: String,
}

/// A value: a field of an object, the items of an array, or a named object.
#[derive(Deserialize, Default, Clone)]
#[serde(deny_unknown_fields, default)]
#[allow(dead_code)]
pub struct Schema {
    pub name: String,
    pub doc: String,
    pub required: bool,
    /// The configuration key that fills the field where the caller leaves it out.
    pub filled: Option<Fill>,
    /// Of a parameter: it is none of the functions of typed models, for hardly anybody needs it.
    pub untyped: bool,
    /// A named object of the same family, in place of everything below.
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    #[serde(rename = "type")]
    pub kind: Option<Kind>,
    pub fields: Vec<Schema>,
    /// An object in which any other field is allowed too.
    pub open: bool,
    /// Of an object: at least one of these fields must be there.
    pub any_of: Vec<String>,
    /// Of an object: pairs of integer fields of which the first may not exceed the second.
    pub ascending: Vec<[String; 2]>,
    pub items: Option<Box<Schema>>,
    /// Least and greatest number of characters or, of an array, items.
    pub length: Option<[u16; 2]>,
    /// The ASCII characters that are allowed, with ranges: `0-9A-Za-z_-`. A `-` at the end means itself.
    pub charset: Option<String>,
    /// Of a text: it may have several lines.
    pub lines: bool,
    pub format: Option<Format>,
    pub range: Option<[i64; 2]>,
    pub values: Vec<Value>,
    /// Sent encrypted; the library does it.
    pub encrypted: bool,
    /// Nobody else's business: typed models do not print it.
    pub private: bool,
    /// `fen` for amounts, `seconds`, `minutes` and so on.
    pub unit: Option<String>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "snake_case")]
pub enum Fill {
    Mchid,
    Appid,
    NotifyUrl,
    ReturnUrl,
    AppAuthToken,
}

impl Fill {
    /// The key in the configuration.
    pub fn key(self) -> &'static str {
        match self {
            Fill::Mchid => "mchid",
            Fill::Appid => "appid",
            Fill::NotifyUrl => "notify_url",
            Fill::ReturnUrl => "return_url",
            Fill::AppAuthToken => "app_auth_token",
        }
    }
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Object,
    Array,
    String,
    Integer,
    Boolean,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    Rfc3339,
    Date,
    /// `YYYY-MM-DD HH:MM:SS`, Beijing time.
    DateTime,
    /// Decimal, with two places at most; `range` counts hundredths.
    Amount,
    Ip,
    NotifyUrl,
    /// Of an upload: the name of the file, which is filled in.
    FileName,
    /// Of an upload: the hash of the file, which is filled in.
    FileSha256,
}

impl Schema {
    /// What the value is once references are followed.
    pub fn resolve<'a>(&'a self, family: &'a Family) -> &'a Schema {
        match &self.reference {
            Some(name) => family.schema(name),
            None => self,
        }
    }

    /// A named object needs no `type`.
    pub fn kind(&self) -> Kind {
        self.kind.unwrap_or(Kind::Object)
    }
}

impl Family {
    pub fn schema(&self, name: &str) -> &Schema {
        let found = self.schemas.iter().find(|schema| schema.name == name);
        found.unwrap_or_else(|| panic!("the catalogue's family {} has no schema {name}", self.name))
    }
}

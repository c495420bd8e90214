//! What a provider can be asked, as data.
//!
//! The files in `catalogue/` describe operations: where each parameter goes, which are required, how long they may be, which are sent
//! encrypted. The build script packs what checking and placing need into constant tables of indices, without a pointer in the rows: a
//! thousand operations cost some hundred kilobytes, no relocation when the library is loaded and no work when a client is made. Texts for
//! people stay in the files, for the generator of the typed models.
//!
//! The catalogue only helps; it never stands in the way. An operation that is not in it can be called by its name. A catalogued one is
//! checked strictly, also against the provider's lists of values, because a typing error found here costs nothing; should the provider
//! have added a field or a value since, or the catalogue be wrong, `$.unchecked` sends the parameters as they are given, placed and encrypted by
//! the catalogue all the same; and the exact body can be handed over as payload, which is sent as it is.

mod check;
mod nearest;
mod table;
mod text;

pub use check::{Violation, check, check_placement};
pub use table::{FieldIter, Fields, Operations, Texts};
pub(crate) use text::notify_url;

use table::{SchemaRow, TABLES, Table};

/// One thing that a provider can be asked.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    /// The provider's name for it: `POST /v3/pay/transactions/jsapi`.
    pub name: &'static str,
    /// `wechat`, `wechat-v2`, `alipay`
    pub provider: &'static str,
    /// Empty where the name is one word: `alipay.trade.precreate`.
    pub method: &'static str,
    /// The path with its `{placeholders}`, or the name that is one word.
    pub path: &'static str,
    /// One sentence, English.
    pub title: &'static str,
    pub repeat: Repeat,
    pub path_fields: Fields,
    pub query_fields: Fields,
    /// Whether other query parameters are taken too: of an address that the provider makes.
    pub open_query: bool,
    /// Of an operation that sends nothing: as what the signed request is handed out, `url`, `form`, `order_string`. Empty of all others.
    pub makes: Texts,
    /// Of an upload: the parts of the form beside the file and `meta`.
    pub form_fields: Fields,
    /// None where no body is sent. Of an upload: what the part `meta` is.
    pub body: Option<Schema>,
    /// Of an upload: the name of the form's part that is the file.
    pub file: Option<&'static str>,
    /// The one host that has the operation (`https://fraud.mch.weixin.qq.com`), where that is not the usual one.
    pub host: Option<&'static str>,
    /// Whether the provider demands the header `Idempotency-Key`.
    pub idempotency_key: bool,
    /// Whether the host asks for the merchant's certificate when the connection is made.
    pub client_certificate: bool,
    /// Where the merchant's own number is, for logs: `body.out_trade_no`, `path.out_refund_no`.
    pub order_number: Option<&'static str>,
    four_byte_texts: bool,
    encrypted: Texts,
    encrypted_answer: Texts,
}

/// Whether the same request may be sent again when it is unknown what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// It changes nothing.
    Safe,
    /// It carries the merchant's number; the provider documents that the identical request has one effect, however often it comes.
    SameNumber,
    Never,
}

/// A named value: a part of the path, of the query string or of an object.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    pub name: &'static str,
    pub required: bool,
    /// What the client fills in where the caller gives nothing.
    pub filled: Option<Fill>,
    pub schema: Schema,
}

/// A value of the client's configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fill {
    MerchantId,
    AppId,
    NotifyUrl,
    ReturnUrl,
    AppAuthToken,
}

impl Fill {
    /// The key in the configuration.
    pub fn key(self) -> &'static str {
        match self {
            Fill::MerchantId => "mchid",
            Fill::AppId => "appid",
            Fill::NotifyUrl => "notify_url",
            Fill::ReturnUrl => "return_url",
            Fill::AppAuthToken => "app_auth_token",
        }
    }
}

/// What a value must be.
#[derive(Clone, Copy)]
pub struct Schema {
    pub kind: Kind,
    /// Sent encrypted. Everything else here speaks of the plaintext.
    pub encrypted: bool,
    row: &'static SchemaRow,
    table: &'static Table,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Object,
    Array,
    String,
    Integer,
    Boolean,
}

/// A form that a text must have beyond its length and characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `2018-06-08T10:34:56+08:00`
    Rfc3339,
    /// `2018-06-08`
    Date,
    /// `2018-06-08 10:34:56`, Beijing time.
    DateTime,
    /// `88.88`: decimal, with two places at most. A range counts hundredths.
    Amount,
    /// An IPv4 or IPv6 address.
    Ip,
    /// An absolute http or https address without query and fragment.
    NotifyUrl,
    /// Of an upload: the name of the file.
    FileName,
    /// Of an upload: the SHA-256 of the file, hexadecimal.
    FileSha256,
}

/// The operation of that exact name, if it is catalogued.
pub fn find(provider: &str, name: &str) -> Option<Operation> {
    TABLES
        .iter()
        .filter(|table| table.provider == provider)
        .find_map(|table| table.find(name))
}

/// All catalogued operations of a provider, by name.
pub fn operations(provider: &str) -> Operations {
    Operations::of(provider)
}

/// How much of the library the catalogue is: tables of constants, nothing of which is copied when a client is made.
pub fn packed_bytes() -> usize {
    TABLES.iter().map(|table| table.bytes()).sum()
}

/// Dotted paths into the body of the values that are sent encrypted: `payer.identity.name`, `receivers[].name`.
pub fn encrypted_fields(operation: &Operation) -> impl Iterator<Item = &'static str> + use<> {
    operation.encrypted_fields()
}

impl Operation {
    /// Dotted paths into the body of the values that are sent encrypted; `[]` stands for each item of an array.
    pub fn encrypted_fields(&self) -> Texts {
        self.encrypted
    }

    /// The same of the answer: what comes back encrypted.
    pub fn encrypted_answer_fields(&self) -> Texts {
        self.encrypted_answer
    }
}

//! What the payer's browser or app is sent away with: a signed address, a form that sends itself, or an order string.
//! <https://opendocs.alipay.com/open/270/105899>, of apps <https://opendocs.alipay.com/open/204/105465>

use serde_json::{Map, Value};

use crate::catalogue::{self, Operation};
use crate::error::{Code, Error, Result};
use crate::host::Host;
use crate::params::Params;
use crate::wire::url::Origin;

use super::PROVIDER;
use super::app::App;
use super::prepare::{self, Way, invalid};

/// Whether a catalogued operation is a page for the payer's browser, or for Alipay's app, and no call.
pub(super) fn is_page(operation: &Operation) -> bool {
    operation.makes.len() > 0
}

pub(super) fn invoke(
    app: &App,
    origin: &Origin,
    kind: &str,
    mut given: Map<String, Value>,
    host: &Host,
) -> Result<Map<String, Value>> {
    if !["url", "form", "order_string"].contains(&kind) {
        return Err(invalid(
            "kind",
            "there is no such kind; the kinds are url, form and order_string",
        ));
    }
    let name = match given.shift_remove("operation") {
        Some(Value::String(name)) => name,
        _ => {
            return Err(invalid(
                "operation",
                "it is missing: the method of the page, such as alipay.trade.page.pay",
            ));
        }
    };
    let mut params = Params::parse(Value::Object(given).to_string().as_bytes(), b"")?;
    let known = catalogue::find(PROVIDER, &name);
    if let Some(operation) = &known {
        if !is_page(operation) {
            return Err(Error::new(
                Code::UnknownOperation,
                "the operation is a call, not a page: execute it",
            )
            .with_field("operation"));
        }
        let kinds: Vec<&str> = operation.makes.collect();
        if !kinds.contains(&kind) {
            return Err(invalid(
                "kind",
                &format!("{name} is made as {}", kinds.join(" or ")),
            ));
        }
    }
    let way = Way::Page;
    let signed = prepare::signed(app, &name, known.as_ref(), &mut params, way, host)?;
    let address = |query: &str| format!("{}{}?{query}", origin.as_str(), prepare::GATEWAY);
    let (name, text) = match kind {
        "url" => ("url", address(&signed.whole())),
        "form" => ("form", form(app, &address(&signed.query()), signed.form())?),
        _ => ("order_string", signed.whole()),
    };
    Ok(Map::from_iter([(name.to_owned(), Value::String(text))]))
}

/// A page that sends itself on. Whoever has no scripts sends it by hand. In UTF-8: the browser encodes the values as `accept-charset` says.
fn form<'a>(
    app: &App,
    address: &str,
    fields: impl Iterator<Item = (&'a str, &'a [u8])>,
) -> Result<String> {
    let charset = app.charset.name();
    let mut html = format!(
        "<form id=\"alipay\" method=\"post\" action=\"{}\" accept-charset=\"{charset}\">\n",
        escaped(address)
    );
    for (name, value) in fields {
        let text = app.charset.decode(value).ok_or_else(|| {
            Error::new(Code::Internal, "a value was encoded and cannot be decoded")
        })?;
        html.push_str(&format!(
            "<input type=\"hidden\" name=\"{}\" value=\"{}\">\n",
            escaped(name),
            escaped(&text)
        ));
    }
    html.push_str("<noscript><button>Alipay 支付宝</button></noscript>\n</form>\n<script>document.getElementById(\"alipay\").submit()</script>\n");
    Ok(html)
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

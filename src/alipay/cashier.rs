//! What the payer's browser or app is sent away with: a signed address, a form that sends itself, or an order string.
//! <https://opendocs.alipay.com/open/270/105899>, of apps <https://opendocs.alipay.com/open/204/105465>

use serde_json::{Map, Value};

use crate::catalogue;
use crate::error::{Code, Error, Result};
use crate::host::Host;
use crate::params::Params;
use crate::wire::url::Origin;

use super::PROVIDER;
use super::app::App;
use super::prepare::{self, invalid};

/// Methods that answer with a page, or that an app hands to Alipay's.
const PAGES: [&str; 12] = [
    "alipay.trade.page.pay",
    "alipay.trade.wap.pay",
    "alipay.trade.app.pay",
    "alipay.fund.auth.order.app.freeze",
    "alipay.user.agreement.page.sign",
    "alipay.user.certify.open.certify",
    "alipay.fund.trans.page.pay",
    "alipay.fund.trans.app.pay",
    "alipay.trade.page.refund",
    "alipay.trade.customs.page.declare",
    "alipay.open.invite.order.page.create",
    "alipay.user.customerpay.page.sign",
];

pub(super) fn is_page(name: &str) -> bool {
    PAGES.contains(&name)
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
    if known.is_some() && !is_page(&name) {
        return Err(Error::new(
            Code::UnknownOperation,
            "the operation is a call, not a page: execute it",
        )
        .with_field("operation"));
    }
    let signed = prepare::signed(app, &name, known.as_ref(), &mut params, true, host)?;
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

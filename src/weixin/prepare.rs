//! From operation and parameters to the bytes that will be sent. The secret goes in here and nowhere else.

use serde_json::{Map, Value};

use crate::catalogue::{self, Repeat};
use crate::error::{Code, Error, Result};
use crate::operation::{USER_AGENT, parse_name, refused, target};
use crate::params::{Params, Secretive};
use crate::provider::Prepared;
use crate::wire::json;

use super::{Account, PROVIDER};

/// What an operation wants to be told beside its parameters: what of the account, and which grant.
fn credentials(name: &str) -> Option<(&'static str, &'static str)> {
    Some(match name {
        "GET /sns/jscode2session" | "GET /sns/oauth2/access_token" => {
            ("authorization_code", "query")
        }
        "GET /cgi-bin/token" => ("client_credential", "query"),
        "POST /cgi-bin/stable_token" => ("client_credential", "body"),
        _ => return None,
    })
}

pub(super) fn prepare(account: &Account, name: &str, params: Params) -> Result<Prepared> {
    let mut params = Secretive(params);
    let (method, template) = parse_name(name)?;
    if params.options.idempotency_key.is_some() || params.options.filename.is_some() {
        let message = "idempotency keys and uploads are not known here";
        return Err(Error::new(Code::ParamsInvalid, message).with_field("$"));
    }
    let known = catalogue::find(PROVIDER, name);
    if let Some(operation) = &known {
        if operation.body.is_some() && params.payload.is_empty() {
            params.body.get_or_insert_with(|| Value::Object(Map::new()));
        }
        catalogue::check(operation, &params.path, &params.query, params.body.as_ref())
            .map_err(refused)?;
    }
    match credentials(name) {
        Some((grant, "query")) => {
            add(account, &mut params.query, grant);
        }
        Some((grant, _)) => {
            if let Some(Value::Object(body)) = &mut params.body {
                add(account, body, grant);
            }
        }
        None => {}
    }
    let mut headers = vec![
        (
            "Accept",
            params
                .options
                .accept
                .take()
                .unwrap_or_else(|| "application/json".into()),
        ),
        ("User-Agent", USER_AGENT.to_owned()),
    ];
    let body = match (&params.body, params.payload.is_empty()) {
        (Some(_), false) => {
            let message = "give body or payload, not both";
            return Err(Error::new(Code::ParamsInvalid, message).with_field("body"));
        }
        (Some(body), true) => std::mem::take(&mut *json::text(body)),
        (None, _) => std::mem::take(&mut params.payload),
    };
    if !body.is_empty() {
        let given = params.options.content_type.take();
        headers.push((
            "Content-Type",
            given.unwrap_or_else(|| "application/json".into()),
        ));
    }
    let repeat = known.as_ref().map_or(
        if method == "GET" {
            Repeat::Safe
        } else {
            Repeat::Never
        },
        |operation| operation.repeat,
    );
    Ok(Prepared {
        operation: name.to_owned(),
        label: known.map_or("other", |operation| operation.name),
        method,
        origin: None,
        client_certificate: false,
        target: target(template, &params)?,
        headers,
        body,
        signed_body: None,
        repeat,
        answer_is_signed: false,
        asked: Vec::new(),
        expect: std::mem::take(&mut params.options.expect),
        order_number: None,
        awaits_key: false,
    })
}

fn add(account: &Account, map: &mut Map<String, Value>, grant: &str) {
    map.insert("appid".into(), account.appid.as_str().into());
    map.insert("secret".into(), account.secret.as_str().into());
    map.insert("grant_type".into(), grant.into());
}

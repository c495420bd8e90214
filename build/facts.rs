//! Reads the tables of facts in `catalogue/facts/` into drafts of operations, in the words of `model.rs`.
//!
//! Only what the tables say regularly is translated here. What they say wrongly stays visible, as a type that there is not, until a
//! correction in `catalogue/overlay/` sets it right: an uncorrected mistake fails the build.

use serde_json::{Map, Value, json};

/// One operation while corrections still apply. The parts are objects as in a catalogue file, `Null` where there is none.
pub struct Draft {
    /// `POST /v3/pay/transactions/jsapi`
    pub name: String,
    pub path: Value,
    pub query: Value,
    /// Parts of a multipart form beside the file and `meta`.
    pub form: Value,
    pub body: Value,
    pub answer: Value,
    /// The name of the form's part that is the file, for uploads.
    pub file: Option<String>,
    pub host: Option<String>,
    pub client_certificate: bool,
    /// The header is demanded.
    pub idempotency_key: bool,
}

impl Draft {
    pub fn part(&mut self, name: &str) -> Option<&mut Value> {
        match name {
            "path" => Some(&mut self.path),
            "query" => Some(&mut self.query),
            "form" => Some(&mut self.form),
            "body" => Some(&mut self.body),
            "answer" => Some(&mut self.answer),
            _ => None,
        }
    }
}

/// All operations of a table, in its order.
pub fn read(text: &str) -> Result<Vec<Draft>, String> {
    let table: Value = serde_json::from_str(text).map_err(|problem| problem.to_string())?;
    let rows = table["operations"].as_array().ok_or("has no operations")?;
    rows.iter().map(draft).collect()
}

fn draft(row: &Value) -> Result<Draft, String> {
    let text = |key: &str| row[key].as_str().map(str::to_owned);
    let method = text("method").ok_or("an operation has no method")?;
    let path = text("path").ok_or("an operation has no path")?;
    let mut form = parameters(&row["form_params"]);
    let mut file = None;
    if let Some(fields) = form["fields"].as_array_mut() {
        fields.retain(|field| {
            if field["type"] == "file" {
                file = field["name"].as_str().map(str::to_owned);
            }
            field["type"] != "file" && field["name"] != "meta"
        });
    }
    let answers = row["response"].as_object();
    let answer = answers
        .and_then(|answers| answers.values().find(|answer| answer.is_object()))
        .filter(|answer| !answer.as_object().is_some_and(Map::is_empty));
    Ok(Draft {
        path: in_order(parameters(&row["path_params"]), &path),
        name: format!("{method} {path}"),
        query: parameters(&row["query_params"]),
        form,
        body: row
            .get("request")
            .map_or(Value::Null, |request| schema("", request, false, true)),
        answer: answer.map_or(Value::Null, |answer| schema("", answer, false, false)),
        file,
        host: text("host"),
        client_certificate: row["client_certificate"] == true,
        idempotency_key: row["header_params"]["Idempotency-Key"]["required"] == true,
    })
}

/// Parameters of a path, a query or a form, each with its own `required`.
fn parameters(facts: &Value) -> Value {
    let fields = facts.as_object().into_iter().flatten();
    let fields: Vec<Value> = fields
        .map(|(name, facts)| schema(name, facts, facts["required"] == true, true))
        .collect();
    json!({ "type": "object", "fields": fields })
}

/// Path parameters in the order of their placeholders; those without a placeholder come last, and are found out later.
fn in_order(mut parameters: Value, path: &str) -> Value {
    if let Some(fields) = parameters["fields"].as_array_mut() {
        fields.sort_by_key(|field| {
            let placeholder = format!("{{{}}}", field["name"].as_str().unwrap_or_default());
            path.find(&placeholder).unwrap_or(usize::MAX)
        });
    }
    parameters
}

/// `sent` tells requests from answers: of an answer nothing is taken for granted.
fn schema(name: &str, facts: &Value, required: bool, sent: bool) -> Value {
    let mut schema = Map::new();
    if !name.is_empty() {
        schema.insert("name".into(), name.into());
    }
    if required && sent {
        schema.insert("required".into(), true.into());
    }
    // A number is an integer unless a correction says otherwise: no amount here is anything else.
    let kind = match facts["type"].as_str() {
        Some("number") => "integer",
        Some(kind) => kind,
        None => "missing",
    };
    schema.insert("type".into(), kind.into());
    match kind {
        "object" => object(&mut schema, facts, sent),
        "array" => {
            if let Some(items) = facts.get("items") {
                schema.insert("items".into(), self::schema("", items, false, sent));
            }
        }
        _ => {}
    }
    if let Some(values) = facts["enum"].as_array() {
        let values = values.iter().map(|value| match (kind, value.as_str()) {
            ("integer", Some(digits)) => digits
                .parse::<i64>()
                .map_or(value.clone(), |number| number.into()),
            _ => value.clone(),
        });
        schema.insert("values".into(), values.collect());
    }
    // Of a number a length would count digits, and listed values have theirs.
    if let Some(length) = facts["maxLength"].as_u64()
        && matches!(kind, "string" | "array")
        && !schema.contains_key("values")
    {
        schema.insert("length".into(), json!([0, length]));
    }
    match facts["format"].as_str() {
        Some("rfc3339") => drop(schema.insert("format".into(), "rfc3339".into())),
        Some("date") => drop(schema.insert("format".into(), "date".into())),
        Some("numeric") => drop(schema.insert("charset".into(), "0-9".into())),
        // The others say what a text is about (MediaId, url, jsonObjectLike) or how wide a number is: nothing to hold a request to.
        _ => {}
    }
    if facts["encrypted"] == true {
        schema.insert("encrypted".into(), true.into());
    }
    schema.into()
}

fn object(schema: &mut Map<String, Value>, facts: &Value, sent: bool) {
    let required: Vec<&str> = facts["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let empty = Map::new();
    let properties = facts["properties"].as_object().unwrap_or(&empty);
    let mut fields: Vec<Value> = properties
        .iter()
        .map(|(name, facts)| self::schema(name, facts, required.contains(&name.as_str()), sent))
        .collect();
    if sent {
        // Required, and described nowhere.
        let orphans = required
            .iter()
            .filter(|name| !properties.contains_key(**name));
        fields.extend(orphans.map(|name| self::schema(name, &Value::Null, true, true)));
    }
    if fields.is_empty() {
        schema.insert("open".into(), true.into());
    }
    schema.insert("fields".into(), fields.into());
}

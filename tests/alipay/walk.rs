//! Every operation of the catalogue, built from sample parameters and signed; what stands on the wire is taken apart again and compared.

use std::collections::BTreeMap;

use payseal::catalogue::{self, Operation};
use serde_json::{Value, json};

use crate::alipay::{canonical, client, header, sent, undone, verifies};
use crate::support::drive::request_with;
use crate::support::host::World;
use crate::support::sample::{Extent, Sample, sample};

/// What openssl finds signed is exactly what was asked: the parameters beside the body, and the body as JSON.
fn holds(operation: &Operation, sample: &Sample, mut fields: BTreeMap<String, Vec<u8>>) {
    let name = operation.name;
    let signature = String::from_utf8(fields["sign"].clone()).unwrap();
    assert!(
        verifies("-sha256", &canonical(&fields, &["sign"]), &signature),
        "{name}"
    );
    let biz_content = fields.remove("biz_content");
    let biz_content = biz_content.map(|text| serde_json::from_slice::<Value>(&text).unwrap());
    assert_eq!(biz_content, sample.body, "{name}");
    for (parameter, value) in &sample.query {
        let text = value.as_str().unwrap().as_bytes();
        assert_eq!(fields.remove(parameter).as_deref(), Some(text), "{name}");
    }
    assert_eq!(fields.remove("method").as_deref(), Some(name.as_bytes()));
    let ours: Vec<_> = fields.keys().map(String::as_str).collect();
    assert_eq!(
        ours,
        [
            "app_id",
            "charset",
            "format",
            "sign",
            "sign_type",
            "timestamp",
            "version"
        ],
        "{name}"
    );
}

#[test]
fn every_operation_is_sent_as_it_was_asked_and_nothing_else() {
    let client = client(&World::new());
    let (mut sent_to_gateway, mut uploads) = (0, 0);
    for operation in catalogue::operations("alipay").filter(|it| it.makes.len() == 0) {
        for extent in [Extent::Least, Extent::All] {
            let sample = sample(&operation, extent);
            let mut params = json!({ "query": sample.query });
            if let Some(body) = &sample.body {
                params["body"] = body.clone();
            }
            let payload: &[u8] = if operation.file.is_some() {
                b"the file"
            } else {
                b""
            };
            if !payload.is_empty() {
                params["$"] = json!({ "filename": "a.png" });
            }
            let request = request_with(&client, operation.name, &params, payload).unwrap();
            match operation.file {
                None => holds(&operation, &sample, sent(&request)),
                Some(part) => {
                    assert!(header(&request, "Content-Type").starts_with("multipart/form-data"));
                    let body = String::from_utf8_lossy(&request.body);
                    assert!(body.contains(&format!("name=\"{part}\"; filename=\"a.png\"")));
                    assert!(body.contains("the file") && body.contains("name=\"scene\""));
                    uploads += 1;
                }
            }
            sent_to_gateway += 1;
        }
    }
    println!("{sent_to_gateway} requests taken apart, {uploads} of them uploads");
    assert_eq!((sent_to_gateway, uploads), (68, 2));
}

#[test]
fn what_sends_nothing_is_made_into_each_thing_that_it_says() {
    let client = client(&World::new());
    let mut made = 0;
    for operation in catalogue::operations("alipay").filter(|it| it.makes.len() > 0) {
        for extent in [Extent::Least, Extent::All] {
            let sample = sample(&operation, extent);
            let params =
                json!({ "operation": operation.name, "query": sample.query, "body": sample.body });
            for kind in operation.makes {
                let result = client.invoke(kind, params.to_string().as_bytes()).unwrap();
                let text = result[kind].as_str().unwrap();
                assert_eq!(result.len(), 1);
                made += 1;
                if kind == "form" {
                    assert!(text.contains("name=\"biz_content\""));
                    continue;
                }
                let query = text.split_once('?').map_or(text, |(_, query)| query);
                let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap());
                let fields = pairs.map(|(name, value)| (name.to_owned(), undone(value.as_bytes())));
                holds(&operation, &sample, fields.collect());
            }
        }
    }
    assert_eq!(made, 22);
}

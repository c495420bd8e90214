//! Images of complaints: the merchant's by upload, the payer's with his complaint.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Bytes;
use serde_json::{Value, json};

use super::MOST_IMAGES;
use crate::catalogue::Checked;
use crate::crypto::random_text;
use crate::operations::{File, Reply};
use crate::problem::Problem;
use crate::sandbox::Sandbox;

pub struct Image {
    pub content_type: &'static str,
    pub bytes: Bytes,
}

/// By `media_id`.
#[derive(Default)]
pub struct Images(HashMap<String, Image>);

impl Images {
    /// Answers the image's `media_id`.
    pub fn keep(&mut self, image: Image) -> String {
        let id = random_text(64);
        self.0.insert(id.clone(), image);
        id
    }
}

/// Where an image is fetched, by a signed request.
pub fn link(sandbox: &Sandbox, media_id: &str) -> String {
    format!("{}/v3/merchant-service/images/{media_id}", sandbox.address)
}

pub fn upload(sandbox: &Arc<Sandbox>, request: &Checked) -> Result<Reply, Problem> {
    let file = request
        .file
        .ok_or_else(|| Problem::parameter("body", "file", None, "必填参数缺失 (required)"))?;
    let ending = file
        .file_name
        .as_deref()
        .and_then(|name| name.rsplit('.').next());
    let image = Image {
        content_type: match ending.unwrap_or_default().to_ascii_lowercase().as_str() {
            "png" => "image/png",
            "bmp" => "image/bmp",
            _ => "image/jpeg",
        },
        bytes: file.bytes.clone(),
    };
    let id = sandbox.ledger().families.complaints.images.keep(image);
    Ok(json!({ "media_id": id }).into())
}

pub fn download(sandbox: &Arc<Sandbox>, request: &Checked) -> Result<Reply, Problem> {
    let ledger = sandbox.ledger();
    let images = &ledger.families.complaints.images;
    let image = images.0.get(request.parameter("media_id"));
    let image = image.ok_or_else(|| Problem::not_found("图片不存在"))?;
    Ok(Reply::File(File {
        content_type: image.content_type,
        bytes: image.bytes.to_vec(),
    }))
}

/// The links of the uploaded images that a field of the body names, at most four.
pub fn sent(sandbox: &Sandbox, body: &Value, field: &str) -> Result<Value, Problem> {
    let named: Vec<&str> = body[field]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let refuse = |at: String, issue| Err(Problem::parameter("body", &at, None, issue));
    if named.len() > MOST_IMAGES {
        return refuse(format!("/{field}"), "最多4张图片 (at most four images)");
    }
    let ledger = sandbox.ledger();
    let images = &ledger.families.complaints.images;
    if let Some(at) = named.iter().position(|id| !images.0.contains_key(*id)) {
        return refuse(
            format!("/{field}/{at}"),
            "图片不存在，请先上传 (no such image: upload it before)",
        );
    }
    Ok(named.iter().map(|id| link(sandbox, id)).collect())
}

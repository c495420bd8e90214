//! Uploads: `multipart/form-data` with the part `meta`, whose bytes are what is signed, and the file.

use std::convert::Infallible;

use aws_lc_rs::digest;
use axum::body::Bytes;
use axum::http::{HeaderMap, header};
use futures_util::stream;
use serde_json::Value;
use sm3::{Digest, Sm3};

use crate::problem::Problem;

/// 5 MB is the longest video; batches of users are smaller.
pub const LONGEST: usize = 12 << 20;

#[derive(Default)]
pub struct Upload {
    /// As sent; empty when there is none.
    pub meta: Bytes,
    pub files: Vec<Part>,
}

pub struct Part {
    pub name: String,
    pub file_name: Option<String>,
    pub bytes: Bytes,
}

pub fn is_form(headers: &HeaderMap) -> bool {
    content_type(headers).is_some_and(|kind| kind.starts_with("multipart/form-data"))
}

fn content_type(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::CONTENT_TYPE)?.to_str().ok()
}

/// Of a form that cannot be read, what could be read of it: the signature then fails, or the check of its parts.
pub async fn read(headers: &HeaderMap, body: &Bytes) -> Upload {
    let mut upload = Upload::default();
    let Some(Ok(boundary)) = content_type(headers).map(multer::parse_boundary) else {
        return upload;
    };
    let body = body.clone();
    let whole = stream::once(async move { Ok::<_, Infallible>(body) });
    let mut form = multer::Multipart::new(whole, boundary);
    while let Ok(Some(field)) = form.next_field().await {
        let name = field.name().unwrap_or_default().to_owned();
        let file_name = field.file_name().map(str::to_owned);
        let Ok(bytes) = field.bytes().await else {
            break;
        };
        match name == "meta" {
            true => upload.meta = bytes,
            false => upload.files.push(Part {
                name,
                file_name,
                bytes,
            }),
        }
    }
    upload
}

/// The file of the form, held against what `meta` says of it and what the operation takes.
pub fn check<'a>(
    operation: &str,
    form: &Value,
    upload: &'a Upload,
    meta: &Value,
) -> Result<&'a Part, Problem> {
    let refuse = |field: &str, issue: &str| Problem::parameter("body", field, None, issue);
    let wanted = form.as_object().and_then(|form| {
        let mut files = form.iter().filter(|(_, part)| part["type"] == "file");
        files.next().map(|(name, _)| name.as_str())
    });
    let wanted = wanted.unwrap_or("file");
    let file = upload
        .files
        .iter()
        .find(|part| part.name == wanted)
        .ok_or_else(|| refuse(wanted, "必填参数缺失 (required)"))?;
    let file_name = file.file_name.as_deref().unwrap_or_default();
    if file_name.is_empty() {
        return Err(refuse(
            wanted,
            "文件缺少filename (the part needs a filename)",
        ));
    }
    let digests = ["sha256", "file_digest", "digest"];
    let by_sm3 = |name| name == "digest" && meta["digest_algorithm"] == "SM3";
    for name in digests.into_iter().filter(|name| meta[name].is_string()) {
        let true_digest = match by_sm3(name) {
            true => hex(&Sm3::digest(&file.bytes)),
            false => hex(digest::digest(&digest::SHA256, &file.bytes).as_ref()),
        };
        let said = meta[name].as_str().unwrap_or_default();
        if !said.eq_ignore_ascii_case(&true_digest) {
            let issue = format!("文件摘要不一致，应为{true_digest} (not the digest of the file)");
            return Err(Problem::parameter(
                "body",
                &format!("/meta/{name}"),
                Some(&meta[name]),
                &issue,
            ));
        }
    }
    let (endings, megabytes): (&[&str], usize) = match operation {
        "POST /v3/merchant/media/upload" => (&["jpg", "jpeg", "bmp", "png"], 2),
        "POST /v3/merchant/media/video_upload" => (
            &[
                "avi", "wmv", "mpeg", "mp4", "mov", "mkv", "flv", "f4v", "m4v", "rmvb",
            ],
            5,
        ),
        "POST /v3/merchant-service/images/upload" => (&["jpg", "jpeg", "bmp", "png"], 2),
        _ => return Ok(file),
    };
    let ending = file_name.rsplit('.').next().unwrap_or_default();
    if !endings
        .iter()
        .any(|other| other.eq_ignore_ascii_case(ending))
    {
        return Err(refuse(
            wanted,
            &format!("文件格式须为{}之一", endings.join("、")),
        ));
    }
    if file.bytes.len() > megabytes << 20 {
        return Err(refuse(wanted, &format!("文件不得大于{megabytes}MB")));
    }
    Ok(file)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

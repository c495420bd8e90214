//! Uploads: the file is a part of the form that nobody signs.

use serde_json::{Value, json};

use crate::crypto::random_text;

use super::operations::{Ask, File, Operation, Reply, api};
use super::refusal::Refusal;

pub const OPERATIONS: &[Operation] = &[
    api("alipay.open.file.upload", |ask| {
        let file = file(ask, "file_content", 5, &[])?;
        keep(ask, file, "file_id")
    }),
    api("alipay.merchant.item.file.upload", |ask| {
        let file = file(
            ask,
            "file_content",
            10,
            &["jpg", "jpeg", "png", "bmp", "gif"],
        )?;
        keep(ask, file, "material_id")
    }),
    api("ant.merchant.expand.indirect.image.upload", |ask| {
        ask.param("image_type")
            .ok_or_else(|| Refusal::parameter("", "image_type", "不能为空"))?;
        let file = file(
            ask,
            "image_content",
            10,
            &["jpg", "jpeg", "png", "bmp", "gif"],
        )?;
        keep(ask, file, "image_id")
    }),
];

fn file<'a>(
    ask: &'a Ask,
    field: &str,
    megabytes: usize,
    endings: &[&str],
) -> Result<&'a File, Refusal> {
    let file = ask.files.iter().find(|file| file.field == field);
    let file =
        file.ok_or_else(|| Refusal::invalid("isv.upload-fail", format!("缺少文件{field}")))?;
    let ending = file.name.rsplit('.').next().unwrap_or_default();
    let known = |other: &&str| other.eq_ignore_ascii_case(ending);
    if !endings.is_empty() && !endings.iter().any(known) {
        let words = format!("文件扩展名无效，支持{}", endings.join("、"));
        return Err(Refusal::invalid("isv.invalid-file-extension", words));
    }
    if file.bytes.is_empty() || file.bytes.len() > megabytes << 20 {
        let words = format!("文件大小无效，不得为空或大于{megabytes}MB");
        return Err(Refusal::invalid("isv.invalid-file-size", words));
    }
    Ok(file)
}

fn keep(ask: &Ask, file: &File, name: &str) -> Result<Reply, Refusal> {
    let id = format!("A*{}", random_text(22));
    let mut state = ask.sandbox.alipay.state();
    state.files.insert(id.clone(), file.bytes.clone());
    let mut answer: Value = json!({});
    answer[name] = id.into();
    Ok(answer.into())
}

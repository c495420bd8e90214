//! multipart/form-data of uploads.

/// The part `meta`, whose bytes are signed, and the file under the name `part`; the body and its content type. `boundary` must not occur in
/// any part; a random one of 32 hex digits does not.
pub fn form(
    boundary: &str,
    meta: &[u8],
    part: &str,
    filename: &str,
    file: &[u8],
) -> (Vec<u8>, String) {
    let mut body = Vec::with_capacity(meta.len() + file.len() + 512);
    let mut add = |head: String, content: &[u8]| {
        body.extend_from_slice(format!("--{boundary}\r\n{head}\r\n\r\n").as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    };
    add(
        "Content-Disposition: form-data; name=\"meta\"\r\nContent-Type: application/json".into(),
        meta,
    );
    add(
        format!(
            "Content-Disposition: form-data; name=\"{part}\"; filename=\"{}\"\r\nContent-Type: {}",
            quoted(filename),
            media_type(filename)
        ),
        file,
    );
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    (body, format!("multipart/form-data; boundary={boundary}"))
}

/// Fields and one file, under the name `part`.
pub fn fields<'a>(
    boundary: &str,
    fields: impl Iterator<Item = (&'a str, &'a [u8])>,
    part: &str,
    filename: &str,
    file: &[u8],
) -> (Vec<u8>, String) {
    let mut body = Vec::with_capacity(file.len() + 1024);
    for (name, value) in fields {
        let head =
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(value);
        body.extend_from_slice(b"\r\n");
    }
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"{part}\"; filename=\"{}\"\r\nContent-Type: {}\r\n\r\n",
        quoted(filename),
        media_type(filename)
    );
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(file);
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    (body, format!("multipart/form-data; boundary={boundary}"))
}

/// As browsers do it (WHATWG HTML, multipart/form-data): quotes and line ends are percent-encoded.
fn quoted(filename: &str) -> String {
    filename
        .replace('"', "%22")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn media_type(filename: &str) -> &'static str {
    match filename
        .rsplit_once('.')
        .map(|(_, end)| end.to_ascii_lowercase())
        .as_deref()
    {
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("png") => "image/png",
        Some("bmp") => "image/bmp",
        Some("gif") => "image/gif",
        Some("mp4") => "video/mp4",
        Some("pdf") => "application/pdf",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_meta_part_is_byte_identical_to_what_is_signed() {
        let meta = br#"{ "filename": "a.png", "sha256": "00" }"#;
        let (body, content_type) = form("B", meta, "file", "a\"\r\n.png", b"\x89PNG");
        assert_eq!(content_type, "multipart/form-data; boundary=B");
        let expected: &[u8] = b"--B\r\nContent-Disposition: form-data; name=\"meta\"\r\nContent-Type: application/json\r\n\r\n\
            { \"filename\": \"a.png\", \"sha256\": \"00\" }\r\n--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a%22%0D%0A.png\"\r\n\
            Content-Type: image/png\r\n\r\n\x89PNG\r\n--B--\r\n";
        assert_eq!(body, expected);
    }
}

//! The flat XML of APIv2, in the least that the sandbox needs of it.

pub type Fields = Vec<(String, String)>;

/// The fields of `<xml>…</xml>`; None for whatever is not exactly that.
pub fn read(text: &str) -> Option<Fields> {
    let mut rest = text
        .trim()
        .strip_prefix("<xml>")?
        .strip_suffix("</xml>")?
        .trim_start();
    let mut fields = Fields::new();
    while !rest.is_empty() {
        let (name, after) = rest.strip_prefix('<')?.split_once('>')?;
        if let Some(name) = name.strip_suffix('/') {
            fields.push((name.trim_end().to_owned(), String::new()));
            rest = after.trim_start();
            continue;
        }
        let (value, after) = content(after, &format!("</{name}>"))?;
        if fields.iter().any(|(known, _)| known == name) {
            return None;
        }
        fields.push((name.to_owned(), value));
        rest = after.trim_start();
    }
    Some(fields)
}

/// Text and CDATA up to the end tag.
fn content<'a>(mut rest: &'a str, end: &str) -> Option<(String, &'a str)> {
    let mut value = String::new();
    loop {
        if let Some(after) = rest.strip_prefix("<![CDATA[") {
            let (text, after) = after.split_once("]]>")?;
            value.push_str(text);
            rest = after;
        } else if let Some(after) = rest.strip_prefix(end) {
            return Some((value, after));
        } else {
            let next = rest.find('<').filter(|at| *at > 0)?;
            value.push_str(&unescaped(&rest[..next]));
            rest = &rest[next..];
        }
    }
}

fn unescaped(text: &str) -> String {
    [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&apos;", "'"),
        ("&amp;", "&"),
    ]
    .iter()
    .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

/// As it stands in a document that has no CDATA.
pub fn escaped(text: &str) -> String {
    [("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")]
        .iter()
        .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

pub fn write(root: &str, fields: &[(String, String)]) -> String {
    let elements: String = fields
        .iter()
        .map(|(name, value)| match value.parse::<i64>() {
            Ok(_) if value.len() < 12 => format!("<{name}>{value}</{name}>\n"),
            _ => format!(
                "<{name}><![CDATA[{}]]></{name}>\n",
                value.replace("]]>", "]]]]><![CDATA[>")
            ),
        })
        .collect();
    format!("<{root}>{elements}</{root}>")
}

/// The value of a field that is there and not empty.
pub fn field<'a>(fields: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let (_, value) = fields.iter().find(|(key, _)| key == name)?;
    Some(value.as_str()).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let fields: Fields = [("a", "1"), ("b", "x<&>]]>y"), ("c", ""), ("d", "五")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        assert_eq!(read(&write("xml", &fields)), Some(fields));
        assert_eq!(
            read("<xml><a>&lt;&amp;lt;</a></xml>"),
            Some(vec![("a".into(), "<&lt;".into())])
        );
        for bad in [
            "",
            "<xml>",
            "<xml><a>1</b></xml>",
            "<xml><a>1</a><a>2</a></xml>",
            "<xml>x</xml>",
            "<!DOCTYPE a><xml></xml>",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}

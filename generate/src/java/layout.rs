//! How lines are broken, and comments and imports written.

use std::collections::BTreeSet;

use crate::describe::wrap;

pub const WIDTH: usize = 120;
/// The formatter keeps a chain of calls on one line while its last dot is within these columns,
const CHAIN: usize = 80;
/// and a record on one line while it has one component whose annotation ends within these.
pub const ANNOTATION: usize = 60;

/// `import` lines of what is named, sorted.
pub fn imports(named: &[(&str, bool)]) -> String {
    let named: BTreeSet<_> = named
        .iter()
        .filter(|(_, used)| *used)
        .map(|(name, _)| format!("import {name};\n"))
        .collect();
    if named.is_empty() {
        "\n".into()
    } else {
        format!("\n{}\n", named.into_iter().collect::<String>())
    }
}

/// Calls on one line, or each on its own.
pub fn chain(head: &str, links: &[String]) -> String {
    let last = links.last().map_or(0, String::len);
    let fits = |line: &str| line.len() - last <= CHAIN && line.len() <= WIDTH;
    let whole = format!("{head}{}", links.concat());
    if fits(&whole) {
        return whole + "\n";
    }
    let below = format!("                {}", links.concat());
    if head.ends_with("= ") && fits(&below) {
        return format!("{}\n{below}\n", head.trim_end());
    }
    format!("{head}{}\n", links.join("\n                "))
}

/// `head(a, b)tail` on one line, the inside on a line of its own, or one line for each, whatever fits first.
pub fn broken(indent: &str, head: &str, inside: &[String], tail: &str) -> String {
    broken_at(indent, head, indent.len() + 8, inside, tail) + "\n"
}

/// The same with the column where the inside begins, and without the line's end.
pub fn broken_at(indent: &str, head: &str, column: usize, inside: &[String], tail: &str) -> String {
    let fits = |line: &str| line.chars().count() <= WIDTH;
    let whole = format!("{indent}{head}({}){tail}", inside.join(", "));
    if fits(&whole) {
        return whole;
    }
    let margin = " ".repeat(column);
    let inner = format!("{margin}{}){tail}", inside.join(", "));
    let inner = if fits(&inner) {
        inner
    } else {
        format!("{margin}{}){tail}", inside.join(&format!(",\n{margin}")))
    };
    format!("{indent}{head}(\n{inner}")
}

pub fn documented(
    indent: &str,
    about: &str,
    parameters: &[(String, String)],
    returned: Option<&str>,
) -> String {
    javadoc(indent, about, parameters, returned, None)
}

pub fn javadoc(
    indent: &str,
    about: &str,
    parameters: &[(String, String)],
    returned: Option<&str>,
    thrown: Option<&str>,
) -> String {
    let width = WIDTH - indent.len() - 3;
    let mut lines = wrap(&escaped(about), width);
    let tags = parameters
        .iter()
        .map(|(name, doc)| format!("@param {name} {}", escaped(doc)));
    let tags = tags.chain(returned.map(|returned| format!("@return {returned}")));
    let tags: Vec<_> = tags
        .chain(thrown.map(|thrown| format!("@throws {thrown}")))
        .collect();
    if !tags.is_empty() {
        lines.push(String::new());
    }
    for tag in tags {
        let mut wrapped = wrap(&tag, width - 4).into_iter();
        lines.extend(wrapped.next());
        lines.extend(wrapped.map(|line| format!("    {line}")));
    }
    let lines: String = lines
        .iter()
        .map(|line| format!("{indent} * {line}").trim_end().to_owned() + "\n")
        .collect();
    format!("{indent}/**\n{lines}{indent} */\n")
}

pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

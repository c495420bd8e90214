//! Placeholders in PostgreSQL's way.

/// `?` becomes `$1`, `$2` and so on, except in strings and quoted names.
pub fn numbered(sql: &str) -> String {
    let mut numbered = String::with_capacity(sql.len() + 16);
    let mut count = 0;
    let mut quote = None;
    for character in sql.chars() {
        match (quote, character) {
            (None, '?') => {
                count += 1;
                numbered.push_str(&format!("${count}"));
                continue;
            }
            (None, '\'' | '"') => quote = Some(character),
            (Some(open), close) if open == close => quote = None,
            _ => {}
        }
        numbered.push(character);
    }
    numbered
}

#[cfg(test)]
mod tests {
    use super::numbered;

    #[test]
    fn only_placeholders_are_numbered() {
        assert_eq!(numbered("a = ? AND b = ?"), "a = $1 AND b = $2");
        assert_eq!(
            numbered("a = '?''?' AND \"?\" = ? AND c = ''"),
            "a = '?''?' AND \"?\" = $1 AND c = ''"
        );
    }
}

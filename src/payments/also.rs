//! Statements of the service's own that are carried out together with an acknowledgement.

use crate::error::{Code, Error, Result};

use super::given::Given;
use super::sql::statement;
use super::store::{FAILED_AT, Statement};

/// `{"sql", "values", "changes"}` each, with `?` for the values.
pub(super) fn read(given: &mut Given) -> Result<Vec<Statement>> {
    let mut also = Vec::new();
    for mut part in given.parts("also")?.unwrap_or_default() {
        let sql = part.required_text("sql")?;
        // A statement that changes the schema would commit what stands before it, in MySQL.
        let verb = sql
            .split_whitespace()
            .next()
            .unwrap_or_default()
            .to_ascii_uppercase();
        if !["INSERT", "UPDATE", "DELETE"].contains(&verb.as_str()) {
            return Err(part.error("sql", "must be an INSERT, UPDATE or DELETE"));
        }
        if names_ours(&sql) {
            return Err(part.error(
                "sql",
                "names a table of payseal's (`payseal_…`), which payseal alone reads and writes; write to tables of the service's own, and change an order by an action such as `close`, `refund` or `report`",
            ));
        }
        let values = part.values("values")?;
        let changes = part.integer("changes", 0..=i64::MAX)?;
        part.finish()?;
        also.push(statement(
            sql,
            values,
            changes.map(|changes| changes as u64),
        ));
    }
    Ok(also)
}

/// That the statement at this place of `also` changed too little or too much.
pub(super) fn miscounted(place: usize) -> Error {
    Error::new(
        Code::OrderState,
        format!("also[{place}] changed another number of rows than it must; nothing was written, and the work is still claimed"),
    )
    .with_field(format!("also[{place}].changes"))
}

/// Says which statement the database refused, if it was one of these, which follow `ours`.
pub(super) fn named(error: Error, ours: usize) -> Error {
    let failed = error.detail(FAILED_AT).and_then(|place| place.as_u64());
    match failed.and_then(|place| (place as usize).checked_sub(ours)) {
        None => error,
        Some(place) => error
            .reworded(|message| {
                format!("also[{place}] failed, and the work is still claimed: {message}")
            })
            .with_field(format!("also[{place}]")),
    }
}

/// Whether a word outside of the literals begins with `payseal_`, quoted as a name or not. What ends a literal depends on the database: a backslash
/// may hide a quotation mark. Found in one of both readings is found.
fn names_ours(sql: &str) -> bool {
    let names = |text: &str| {
        let is_of_word = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
        text.split(|c| !is_of_word(c)).any(|word| {
            word.get(..8)
                .is_some_and(|start| start.eq_ignore_ascii_case("payseal_"))
        })
    };
    let outside = |hides: bool| -> String {
        let mut outside = String::with_capacity(sql.len());
        let mut rest = sql;
        while let Some((before, literal)) = rest.split_once('\'') {
            outside.push_str(before);
            outside.push(' ');
            match end(literal, hides) {
                Some(end) => rest = &literal[end..],
                None => {
                    rest = literal; // an apostrophe of a comment
                    break;
                }
            }
        }
        outside + rest
    };
    names(&outside(false)) || names(&outside(true))
}

/// Behind the quotation mark that ends a literal. Of a doubled one the first ends a literal and the second begins another.
fn end(literal: &str, backslash_hides: bool) -> Option<usize> {
    let mut hidden = false;
    for (at, byte) in literal.bytes().enumerate() {
        match byte {
            _ if hidden => hidden = false,
            b'\\' => hidden = backslash_hides,
            b'\'' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::names_ours;

    #[test]
    fn a_table_of_payseals_is_found_however_it_is_written() {
        for sql in [
            "DELETE FROM payseal_orders",
            "delete from PaySeal_Orders where 1 = 1",
            "DELETE FROM \"payseal_orders\"",
            "DELETE FROM `payseal_orders`",
            "DELETE FROM [payseal_orders]",
            "DELETE FROM public.payseal_inbox",
            "DELETE FROM \"public\".\"payseal_inbox\"",
            "UPDATE shop SET a=1,b=(SELECT amount FROM payseal_orders)",
            "UPDATE shop SET a = 'it''s' WHERE b IN (SELECT order_no FROM payseal_orders)",
            "UPDATE shop SET a = '\\'', b = (SELECT 'x' FROM payseal_orders)",
            "UPDATE shop SET a = '\\', b = (SELECT 'x' FROM payseal_orders)",
            "DELETE /* don't */ FROM payseal_orders",
            "INSERT INTO shop VALUES (?);DELETE FROM payseal_orders",
        ] {
            assert!(names_ours(sql), "{sql}");
        }
    }

    #[test]
    fn what_only_looks_like_one_is_the_services_own() {
        for sql in [
            "INSERT INTO deliveries (order_no) VALUES (?)",
            "INSERT INTO log (text) VALUES ('DELETE FROM payseal_orders')",
            "INSERT INTO log (text) VALUES ('it''s payseal_orders')",
            "INSERT INTO my_payseal_orders (a) VALUES (?)",
            "INSERT INTO payseal (a) VALUES ('收')",
            "INSERT INTO 订单 (单号) VALUES (?)",
        ] {
            assert!(!names_ours(sql), "{sql}");
        }
    }
}

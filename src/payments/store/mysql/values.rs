//! Values in the driver's types.

use mysql_async::Value as Driver;

use super::super::attempt::{Failed, Kind};
use super::super::{Row, Value};
use crate::error::{Code, Error};

/// The number of the character set of what is no text.
const BINARY: u16 = 63;

pub fn to_driver(value: &Value) -> Driver {
    match value {
        Value::Null => Driver::NULL,
        Value::Integer(value) => Driver::Int(*value),
        Value::Text(value) => Driver::Bytes(value.as_bytes().to_vec()),
        Value::Bytes(value) => Driver::Bytes(value.clone()),
    }
}

pub fn from_driver(row: mysql_async::Row) -> Result<Row, Failed> {
    let columns = row.columns();
    let values = row.unwrap().into_iter();
    values
        .zip(columns.iter())
        .map(|(value, column)| {
            let binary = column.character_set() == BINARY;
            match value {
                Driver::NULL => Some(Value::Null),
                Driver::Int(value) => Some(Value::Integer(value)),
                Driver::UInt(value) => value.try_into().ok().map(Value::Integer),
                Driver::Bytes(digits) if column.column_type().is_numeric_type() => {
                    String::from_utf8(digits)
                        .ok()?
                        .parse()
                        .ok()
                        .map(Value::Integer)
                }
                Driver::Bytes(bytes) if binary => Some(Value::Bytes(bytes)),
                Driver::Bytes(text) => Some(Value::of_text(text)),
                _ => None,
            }
        })
        .map(|value| value.ok_or_else(unreadable))
        .collect()
}

fn unreadable() -> Failed {
    Failed {
        error: Error::new(
            Code::StoreFailed,
            "the database holds a fraction or a date where payseal never writes it; look who else writes to its tables",
        ),
        kind: Kind::Refused,
    }
}

//! Values in PostgreSQL's binary format.

use std::error::Error;

use bytes::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use super::super::Value;

type Fault = Box<dyn Error + Sync + Send>;

impl ToSql for Value {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Fault> {
        match (self, kind) {
            (Value::Null, _) => Ok(IsNull::Yes),
            (Value::Integer(value), &Type::INT8) => value.to_sql(kind, out),
            (Value::Integer(value), &Type::INT4) => i32::try_from(*value)?.to_sql(kind, out),
            (Value::Text(value), &Type::TEXT | &Type::VARCHAR) => value.as_str().to_sql(kind, out),
            (Value::Bytes(value), &Type::BYTEA) => value.as_slice().to_sql(kind, out),
            _ => Err(format!("a value of another type than {kind}").into()),
        }
    }

    fn accepts(_: &Type) -> bool {
        true // looked at with the value
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Value {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Value, Fault> {
        match *kind {
            Type::INT8 => i64::from_sql(kind, raw).map(Value::Integer),
            Type::INT4 => i32::from_sql(kind, raw).map(|value| Value::Integer(value.into())),
            Type::BOOL => bool::from_sql(kind, raw).map(|value| Value::Integer(value.into())),
            Type::NUMERIC => integer(raw).map(Value::Integer),
            Type::BYTEA => Ok(Value::Bytes(raw.to_vec())),
            _ => Ok(Value::of_text(raw.to_vec())),
        }
    }

    fn from_sql_null(_: &Type) -> Result<Value, Fault> {
        Ok(Value::Null)
    }

    fn accepts(kind: &Type) -> bool {
        matches!(
            *kind,
            Type::INT8
                | Type::INT4
                | Type::BOOL
                | Type::NUMERIC
                | Type::BYTEA
                | Type::TEXT
                | Type::VARCHAR
                | Type::NAME
        )
    }
}

/// What a sum of integers comes as: digits to the base of 10,000, each with its weight.
fn integer(raw: &[u8]) -> Result<i64, Fault> {
    let words: Vec<i16> = raw
        .chunks_exact(2)
        .map(|word| i16::from_be_bytes([word[0], word[1]]))
        .collect();
    let [count, weight, sign, _scale, digits @ ..] = &words[..] else {
        return Err("a number that is cut off".into());
    };
    if !(matches!(sign, 0 | 0x4000) && *count as usize == digits.len() && *count <= weight + 1) {
        return Err("a number that is not an integer".into());
    }
    let mut value: i128 = 0;
    for place in 0..=*weight {
        let digit = digits.get(place as usize).copied().unwrap_or(0);
        value = value
            .checked_mul(10_000)
            .and_then(|value| value.checked_add(digit.into()))
            .ok_or("a number that is too large")?;
    }
    Ok(i64::try_from(if *sign == 0 { value } else { -value })?)
}

#[cfg(test)]
mod tests {
    use super::integer;

    #[test]
    fn sums_are_read_exactly() {
        let read = |words: &[i16]| {
            let raw: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
            integer(&raw).ok()
        };
        assert_eq!(read(&[0, 0, 0, 0]), Some(0));
        assert_eq!(read(&[1, 0, 0, 0, 7]), Some(7));
        assert_eq!(read(&[1, 2, 0, 0, 3]), Some(300_000_000));
        assert_eq!(read(&[2, 1, 0x4000, 0, 12, 3456]), Some(-123_456));
        assert_eq!(read(&[1, -1, 0, 1, 5000]), None, "one half");
        assert_eq!(read(&[1, 5, 0, 0, 1]), None, "10 to the 20th");
        assert_eq!(read(&[2, 1, 0, 0, 12]), None);
    }
}

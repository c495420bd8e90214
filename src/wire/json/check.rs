//! The same strictness without building anything, for text that is only passed on.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::{DUPLICATE, MAX_DEPTH, MAX_KEYS, TOO_DEEP, Text};

pub(super) struct Check {
    pub depth: usize,
}

impl Check {
    fn inner<E: serde::de::Error>(&self) -> Result<Check, E> {
        match self.depth {
            MAX_DEPTH => Err(E::custom(TOO_DEEP)),
            depth => Ok(Check { depth: depth + 1 }),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Check {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Check {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        while access.next_element_seed(self.inner()?)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        let mut seen: Vec<Text<'de>> = Vec::with_capacity(16);
        while let Some(key) = access.next_key()? {
            if seen.contains(&key) {
                return Err(A::Error::custom(DUPLICATE));
            }
            if seen.len() == MAX_KEYS {
                return Err(A::Error::custom(TOO_MANY));
            }
            seen.push(key);
            access.next_value_seed(self.inner()?)?;
        }
        Ok(())
    }
}

/// Each key is compared with all before it: this bounds the work that a hostile message can ask for.
pub(super) const TOO_MANY: &str = "an object has too many keys";

//! Whether parameters fit an operation. Nothing that does not leaves the machine.

use std::fmt::{self, Write};

use serde_json::{Map, Number, Value};

use super::nearest::{nearest, same};
use super::text;
use super::{Fields, Kind, Operation, Schema};

/// The first thing that is wrong. It quotes names, never values: those may be somebody's secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// `body.amount.total`
    pub field: String,
    /// One sentence, beginning with the field.
    pub message: String,
    /// The likely mistake.
    pub hint: Option<String>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Deeper than any operation; only bounds the recursion over objects whose fields are not known.
const MAX_DEPTH: usize = 32;

/// Checks what would be sent, before anything in it is encrypted and after the client has filled in what it can. An absent body counts as
/// an empty one.
pub fn check(
    operation: &Operation,
    path: &Map<String, Value>,
    query: &Map<String, Value>,
    body: Option<&Value>,
) -> Result<(), Violation> {
    let check = Check { operation };
    check_placement(operation, path, query)?;
    match (operation.body, body) {
        (Some(schema), Some(body)) => check.value(schema, Place::Root("body"), body),
        (Some(schema), None) => check.object(schema, Place::Root("body"), &Map::new()),
        (None, Some(_)) => Err(Place::Root("body").violation(format_args!(
            "must be left out: {} has no body",
            operation.name
        ))),
        (None, None) => Ok(()),
    }
}

/// The same for path and query alone, where the caller hands over the exact bytes of the body.
pub fn check_placement(
    operation: &Operation,
    path: &Map<String, Value>,
    query: &Map<String, Value>,
) -> Result<(), Violation> {
    let check = Check { operation };
    check.members(
        Place::Root("path"),
        operation.path_fields,
        path,
        |field, place, value| check.in_path(field, place, value),
    )?;
    let known = operation.query_fields;
    for (name, value) in query {
        let root = Place::Root("query");
        match known.get(name) {
            Some(field) => check.in_query(field.schema, root.key(name), value)?,
            None if operation.open_query => check.free(root.key(name), value, MAX_DEPTH)?,
            None => return Err(check.unknown(root, known, name)),
        }
    }
    check.required(Place::Root("query"), known, query)
}

struct Check<'a> {
    operation: &'a Operation,
}

impl Check<'_> {
    fn value(&self, schema: Schema, place: Place, value: &Value) -> Result<(), Violation> {
        match (schema.kind, value) {
            (Kind::Object, Value::Object(members)) => self.object(schema, place, members),
            (Kind::Array, Value::Array(items)) => self.array(schema, place, items),
            (Kind::String, Value::String(text)) => self.text(schema, place, text),
            (Kind::Integer, Value::Number(number)) => self.integer(schema, place, number),
            (Kind::Boolean, Value::Bool(_)) => Ok(()),
            (kind, value) => Err(mismatch(kind, place, value)),
        }
    }

    fn object(
        &self,
        schema: Schema,
        place: Place,
        members: &Map<String, Value>,
    ) -> Result<(), Violation> {
        if schema.is_open() {
            let known = schema.fields();
            for (name, value) in members {
                let place = place.key(name);
                match known.get(name) {
                    Some(field) => self.value(field.schema, place, value)?,
                    None => self.free(place, value, MAX_DEPTH)?,
                }
            }
            self.required(place, known, members)?;
        } else {
            self.members(place, schema.fields(), members, |schema, place, value| {
                self.value(schema, place, value)
            })?;
        }
        if schema.any_of().len() > 0 && !schema.any_of().any(|name| members.contains_key(name)) {
            let names: Vec<_> = schema.any_of().collect();
            return Err(place.violation(format_args!("must have {}", names.join(" or "))));
        }
        for (less, more) in schema.ascending() {
            let number = |name| members.get(name).and_then(Value::as_i64);
            if matches!((number(less), number(more)), (Some(a), Some(b)) if a > b) {
                return Err(place
                    .key(less)
                    .violation(format_args!("must not be greater than {more}")));
            }
        }
        Ok(())
    }

    /// Every member is known and as it must be; none that is required is missing.
    fn members(
        &self,
        place: Place,
        fields: Fields,
        members: &Map<String, Value>,
        each: impl Fn(Schema, Place, &Value) -> Result<(), Violation>,
    ) -> Result<(), Violation> {
        for (name, value) in members {
            match fields.get(name) {
                Some(field) => each(field.schema, place.key(name), value)?,
                None => return Err(self.unknown(place, fields, name)),
            }
        }
        self.required(place, fields, members)
    }

    fn required(
        &self,
        place: Place,
        fields: Fields,
        members: &Map<String, Value>,
    ) -> Result<(), Violation> {
        let Some(field) = fields
            .iter()
            .find(|field| field.required && !members.contains_key(field.name))
        else {
            return Ok(());
        };
        let violation = place.key(field.name).violation(format_args!(
            "is missing; {} requires it",
            self.operation.name
        ));
        Err(match field.filled {
            Some(fill) => violation.hint(format!(
                "give it with the call, or give the client's configuration a {}",
                fill.key()
            )),
            None => violation,
        })
    }

    fn unknown(&self, place: Place, fields: Fields, name: &str) -> Violation {
        let violation = place
            .key(name)
            .violation(format_args!("is not a field of {}", self.operation.name));
        let meant = self.elsewhere(name).or_else(|| {
            Some(
                place
                    .key(nearest(name, fields.iter().map(|field| field.name))?)
                    .to_string(),
            )
        });
        match meant {
            Some(meant) => violation.hint(format!("did you mean {meant}?")),
            None if fields.is_empty() => violation.hint(format!("nothing belongs there; leave {place} out")),
            None if place.part() != "path" => violation.hint(
                "if the provider has added it since this version of the library, set the call's option unchecked".into(),
            ),
            None => violation,
        }
    }

    /// Where a field of this name belongs.
    fn elsewhere(&self, name: &str) -> Option<String> {
        let parts = [
            ("path", Some(self.operation.path_fields)),
            ("query", Some(self.operation.query_fields)),
            ("body", self.operation.body.map(|body| body.fields())),
        ];
        parts
            .into_iter()
            .find_map(|(part, fields)| within(Place::Root(part), fields?, name))
    }

    fn array(&self, schema: Schema, place: Place, items: &[Value]) -> Result<(), Violation> {
        if items.len() < schema.min_len() {
            return Err(place.violation(format_args!(
                "must have at least {} items, not {}",
                schema.min_len(),
                items.len()
            )));
        }
        if let Some(max) = schema.max_len().filter(|&max| items.len() > max) {
            return Err(place.violation(format_args!(
                "must have at most {max} items, not {}",
                items.len()
            )));
        }
        let Some(item_schema) = schema.items() else {
            return Ok(());
        };
        items
            .iter()
            .enumerate()
            .try_for_each(|(index, item)| self.value(item_schema, place.index(index), item))
    }

    fn text(&self, schema: Schema, place: Place, text: &str) -> Result<(), Violation> {
        if let Some(problem) = self.forbidden(text, schema.has_lines()) {
            return Err(place.violation(problem));
        }
        let characters = if text.is_ascii() {
            text.len()
        } else {
            text.chars().count()
        };
        if characters < schema.min_len() {
            return Err(match characters {
                0 => {
                    place.violation("must not be empty; leave it out where there is nothing to say")
                }
                _ => place.violation(format_args!(
                    "must have at least {} characters, not {characters}",
                    schema.min_len()
                )),
            });
        }
        if let Some(max) = schema.max_len().filter(|&max| characters > max) {
            return Err(place.violation(format_args!(
                "must have at most {max} characters, not {characters}"
            )));
        }
        if let Some(charset) = schema.charset()
            && let Some(wrong) = text::outside(text, charset)
        {
            return Err(place.violation(format_args!(
                "may only contain {}, not {wrong:?}",
                text::describe(charset)
            )));
        }
        if let Some(problem) = schema
            .format()
            .and_then(|format| text::malformed(text, format))
        {
            return Err(place.violation(problem));
        }
        if let (Some([min, max]), Some(amount)) = (schema.range(), text::hundredths(text)) {
            let decimal = |amount: i64| format!("{}.{:02}", amount / 100, amount % 100);
            if amount < min {
                return Err(place.violation(format_args!("must be at least {}", decimal(min))));
            }
            if amount > max {
                return Err(place.violation(format_args!("must be at most {}", decimal(max))));
            }
        }
        if schema.values().len() > 0 && !schema.values().any(|value| value == text) {
            return Err(self.not_listed(schema, place, text));
        }
        Ok(())
    }

    fn forbidden(&self, text: &str, lines: bool) -> Option<&'static str> {
        text::forbidden(text, lines, self.operation.four_byte_texts)
    }

    /// A value of which the catalogue says nothing.
    fn free(&self, place: Place, value: &Value, depth: usize) -> Result<(), Violation> {
        match value {
            _ if depth == 0 => Err(place.violation("is nested too deeply")),
            Value::Object(members) => members
                .iter()
                .try_for_each(|(name, value)| self.free(place.key(name), value, depth - 1)),
            Value::Array(items) => items
                .iter()
                .enumerate()
                .try_for_each(|(index, item)| self.free(place.index(index), item, depth - 1)),
            Value::String(text) => self
                .forbidden(text, false)
                .map_or(Ok(()), |problem| Err(place.violation(problem))),
            Value::Number(number) if number.is_f64() => Err(place.violation("must be an integer")),
            _ => Ok(()),
        }
    }

    fn integer(&self, schema: Schema, place: Place, number: &Number) -> Result<(), Violation> {
        let Some(value) = number.as_i64() else {
            return Err(if number.is_u64() {
                place.violation("is too great a number")
            } else {
                place.violation("must be an integer").hint(
                    "write 100, not 1e2 or 100.0; amounts are integers in the smallest unit".into(),
                )
            });
        };
        if let Some([min, max]) = schema.range() {
            if value < min {
                return Err(place.violation(format_args!("must be at least {min}")));
            }
            if value > max {
                return Err(place.violation(format_args!("must be at most {max}")));
            }
        }
        if schema.values().len() > 0 && !schema.values().any(|known| known.parse() == Ok(value)) {
            return Err(self.not_listed(schema, place, ""));
        }
        Ok(())
    }

    fn not_listed(&self, schema: Schema, place: Place, text: &str) -> Violation {
        let values: Vec<_> = schema.values().collect();
        let violation = place.violation(format_args!("must be one of {}", values.join(", ")));
        match nearest(text, schema.values()) {
            Some(meant) => violation.hint(format!("did you mean {meant}?")),
            None => violation,
        }
    }

    /// A part of the path: a text, or an integer, that cannot become more than one step of it.
    fn in_path(&self, schema: Schema, place: Place, value: &Value) -> Result<(), Violation> {
        self.in_query(schema, place, value)?;
        let problem = value.as_str().and_then(text::no_path_step);
        problem.map_or(Ok(()), |problem| Err(place.violation(problem)))
    }

    /// A query string is text, so numbers and booleans may come as text too.
    fn in_query(&self, schema: Schema, place: Place, value: &Value) -> Result<(), Violation> {
        let Value::String(text) = value else {
            return self.value(schema, place, value);
        };
        match schema.kind {
            Kind::Integer => match text.parse::<i64>() {
                Ok(number) if number.to_string() == *text => {
                    self.integer(schema, place, &number.into())
                }
                _ => Err(place.violation("must be an integer")),
            },
            Kind::Boolean if text == "true" || text == "false" => Ok(()),
            _ => self.value(schema, place, value),
        }
    }
}

/// The path of the field that is called like this among `fields` or below them.
fn within(place: Place, fields: Fields, name: &str) -> Option<String> {
    if let Some(field) = fields.iter().find(|field| same(field.name, name)) {
        return Some(place.key(field.name).to_string());
    }
    let mut objects = fields
        .iter()
        .filter(|field| field.schema.kind == Kind::Object);
    objects.find_map(|field| within(place.key(field.name), field.schema.fields(), name))
}

fn mismatch(kind: Kind, place: Place, value: &Value) -> Violation {
    let wanted = match kind {
        Kind::Object => "an object",
        Kind::Array => "an array",
        Kind::String => "a string",
        Kind::Integer => "an integer",
        Kind::Boolean => "true or false",
    };
    let found = match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    };
    let violation = place.violation(format_args!("must be {wanted}, not {found}"));
    match (kind, value) {
        (_, Value::Null) => {
            violation.hint("leave the field out where there is nothing to say".into())
        }
        (Kind::Integer, Value::String(_)) => {
            violation.hint("write the number without quotes".into())
        }
        (Kind::String, Value::Number(_)) => violation.hint("write the number in quotes".into()),
        _ => violation,
    }
}

/// Where a value stands; written out only when something is wrong with it.
#[derive(Clone, Copy)]
enum Place<'a> {
    Root(&'static str),
    Key(&'a Place<'a>, &'a str),
    Index(&'a Place<'a>, usize),
}

impl<'a> Place<'a> {
    fn key(&'a self, name: &'a str) -> Place<'a> {
        Place::Key(self, name)
    }

    fn index(&'a self, index: usize) -> Place<'a> {
        Place::Index(self, index)
    }

    fn part(&self) -> &'static str {
        match self {
            Place::Root(part) => part,
            Place::Key(parent, _) | Place::Index(parent, _) => parent.part(),
        }
    }

    fn violation(&self, problem: impl fmt::Display) -> Violation {
        let field = self.to_string();
        Violation {
            message: format!("{field} {problem}"),
            field,
            hint: None,
        }
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Root(part) => f.write_str(part),
            Place::Index(parent, index) => write!(f, "{parent}[{index}]"),
            Place::Key(parent, name) => {
                write!(f, "{parent}.")?;
                // An unknown name comes from outside: it must not break a line or fill a page.
                name.chars()
                    .take(64)
                    .flat_map(char::escape_debug)
                    .try_for_each(|c| f.write_char(c))
            }
        }
    }
}

impl Violation {
    fn hint(mut self, hint: String) -> Violation {
        self.hint = Some(hint);
        self
    }
}

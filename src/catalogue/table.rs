//! The packed tables, and how a row becomes the value that the rest of the library sees.

use std::fmt;

use super::{Field, Fill, Format, Kind, Operation, Repeat, Schema};

include!(concat!(env!("OUT_DIR"), "/catalogue.rs"));

/// One API generation of a provider. Rows name each other and their texts by index.
pub(super) struct Table {
    pub provider: &'static str,
    four_byte_texts: bool,
    /// All texts end to end; text n is `text[text_ends[n]..text_ends[n + 1]]`.
    text: &'static str,
    text_ends: &'static [u32],
    /// All lists end to end, cut like the texts. List 0 is empty.
    lists: &'static [u16],
    list_ends: &'static [u32],
    /// Sorted by name.
    operations: &'static [OperationRow],
    fields: &'static [FieldRow],
    schemas: &'static [SchemaRow],
    /// One bit for each ASCII character.
    charsets: &'static [u128],
    ranges: &'static [[i64; 2]],
}

/// "There is none", of an index.
const NONE: u16 = u16::MAX;

struct OperationRow {
    name: u16,
    title: u16,
    order_number: u16,
    path: u16,
    query: u16,
    form: u16,
    body: u16,
    file: u16,
    host: u16,
    encrypted: u16,
    encrypted_answer: u16,
    makes: u16,
    open_query: bool,
    idempotency_key: bool,
    client_certificate: bool,
    repeat: Repeat,
}

struct FieldRow {
    name: u16,
    schema: u16,
    required: bool,
    filled: Option<Fill>,
}

pub(super) struct SchemaRow {
    kind: Kind,
    encrypted: bool,
    open: bool,
    lines: bool,
    format: Option<Format>,
    /// Of an object the list of its fields, of an array the schema of its items, of a text or a number the list of its values.
    detail: u16,
    min: u16,
    max: u16,
    charset: u16,
    range: u16,
    any_of: u16,
    ascending: u16,
}

impl Table {
    pub fn find(&'static self, name: &str) -> Option<Operation> {
        let row = self
            .operations
            .binary_search_by(|row| self.text(row.name).cmp(name))
            .ok()?;
        Some(self.operation(&self.operations[row]))
    }

    pub fn bytes(&self) -> usize {
        size_of::<Table>()
            + size_of_val(self.text)
            + size_of_val(self.text_ends)
            + size_of_val(self.lists)
            + size_of_val(self.list_ends)
            + size_of_val(self.operations)
            + size_of_val(self.fields)
            + size_of_val(self.schemas)
            + size_of_val(self.charsets)
            + size_of_val(self.ranges)
    }

    fn operation(&'static self, row: &OperationRow) -> Operation {
        let name = self.text(row.name);
        let (method, path) = name.split_once(' ').unwrap_or(("", name));
        Operation {
            name,
            provider: self.provider,
            method,
            path,
            title: self.text(row.title),
            repeat: row.repeat,
            path_fields: self.field_list(row.path),
            query_fields: self.field_list(row.query),
            open_query: row.open_query,
            makes: self.text_list(row.makes),
            idempotency_key: row.idempotency_key,
            form_fields: self.field_list(row.form),
            body: (row.body != NONE).then(|| self.schema(row.body)),
            file: self.text_or_none(row.file),
            host: self.text_or_none(row.host),
            client_certificate: row.client_certificate,
            order_number: self.text_or_none(row.order_number),
            four_byte_texts: self.four_byte_texts,
            encrypted: self.text_list(row.encrypted),
            encrypted_answer: self.text_list(row.encrypted_answer),
        }
    }

    fn text(&self, n: u16) -> &'static str {
        &self.text[self.text_ends[n as usize] as usize..self.text_ends[n as usize + 1] as usize]
    }

    fn text_or_none(&self, n: u16) -> Option<&'static str> {
        (n != NONE).then(|| self.text(n))
    }

    fn list(&self, n: u16) -> &'static [u16] {
        &self.lists[self.list_ends[n as usize] as usize..self.list_ends[n as usize + 1] as usize]
    }

    fn text_list(&'static self, n: u16) -> Texts {
        Texts {
            table: self,
            list: self.list(n),
        }
    }

    fn field_list(&'static self, n: u16) -> Fields {
        Fields {
            table: self,
            list: self.list(n),
        }
    }

    fn field(&'static self, n: u16) -> Field {
        let row = &self.fields[n as usize];
        Field {
            name: self.text(row.name),
            required: row.required,
            filled: row.filled,
            schema: self.schema(row.schema),
        }
    }

    fn schema(&'static self, n: u16) -> Schema {
        let row = &self.schemas[n as usize];
        Schema {
            kind: row.kind,
            encrypted: row.encrypted,
            row,
            table: self,
        }
    }
}

impl Schema {
    /// Of an object: its fields, sorted by name.
    pub fn fields(&self) -> Fields {
        self.table.field_list(if self.kind == Kind::Object {
            self.row.detail
        } else {
            0
        })
    }

    /// Of an object: whether it may have other fields too.
    pub fn is_open(&self) -> bool {
        self.row.open
    }

    /// Of a text: whether it may have several lines.
    pub fn has_lines(&self) -> bool {
        self.row.lines
    }

    /// Of an object: one of these fields must be there. Empty if there is no such rule.
    pub fn any_of(&self) -> Texts {
        self.table.text_list(self.row.any_of)
    }

    /// Of an object: pairs of integer fields of which the first may not exceed the second.
    pub fn ascending(&self) -> impl Iterator<Item = (&'static str, &'static str)> + use<> {
        let table = self.table;
        table
            .list(self.row.ascending)
            .chunks_exact(2)
            .map(|pair| (table.text(pair[0]), table.text(pair[1])))
    }

    /// Of an array: what each item must be.
    pub fn items(&self) -> Option<Schema> {
        (self.kind == Kind::Array).then(|| self.table.schema(self.row.detail))
    }

    /// Of a text or a number: the values there are. Empty if any will do.
    pub fn values(&self) -> Texts {
        self.table
            .text_list(if matches!(self.kind, Kind::String | Kind::Integer) {
                self.row.detail
            } else {
                0
            })
    }

    /// Least number of characters or, of an array, items.
    pub fn min_len(&self) -> usize {
        self.row.min.into()
    }

    /// Greatest number of characters or, of an array, items.
    pub fn max_len(&self) -> Option<usize> {
        (self.row.max != NONE).then_some(self.row.max.into())
    }

    /// Of a text: whether only some characters may occur in it.
    pub fn is_restricted(&self) -> bool {
        self.row.charset != NONE
    }

    /// Which ASCII characters may occur, one bit each.
    pub(super) fn charset(&self) -> Option<u128> {
        self.table.charsets.get(self.row.charset as usize).copied()
    }

    pub fn format(&self) -> Option<Format> {
        self.row.format
    }

    /// Least and greatest value of a number; of an amount in hundredths.
    pub fn range(&self) -> Option<[i64; 2]> {
        self.table.ranges.get(self.row.range as usize).copied()
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Schema")
            .field("kind", &self.kind)
            .field("encrypted", &self.encrypted)
            .finish_non_exhaustive()
    }
}

/// Fields of an object, a path or a query string.
#[derive(Clone, Copy)]
pub struct Fields {
    table: &'static Table,
    list: &'static [u16],
}

impl Fields {
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub fn len(&self) -> usize {
        self.list.len()
    }

    pub fn iter(&self) -> FieldIter {
        FieldIter { fields: *self }
    }

    /// The field of that name.
    pub fn get(&self, name: &str) -> Option<Field> {
        let name_of = |n: u16| self.table.text(self.table.fields[n as usize].name);
        let at = self.list.binary_search_by(|&n| name_of(n).cmp(name)).ok()?;
        Some(self.table.field(self.list[at]))
    }
}

impl IntoIterator for Fields {
    type Item = Field;
    type IntoIter = FieldIter;

    fn into_iter(self) -> FieldIter {
        self.iter()
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.iter().map(|field| field.name))
            .finish()
    }
}

/// Goes through [`Fields`], by name.
#[derive(Clone, Debug)]
pub struct FieldIter {
    fields: Fields,
}

impl Iterator for FieldIter {
    type Item = Field;

    fn next(&mut self) -> Option<Field> {
        let (&first, rest) = self.fields.list.split_first()?;
        self.fields.list = rest;
        Some(self.fields.table.field(first))
    }
}

/// Texts of the catalogue, such as the values that a field may have.
#[derive(Clone, Copy)]
pub struct Texts {
    table: &'static Table,
    list: &'static [u16],
}

impl Iterator for Texts {
    type Item = &'static str;

    fn next(&mut self) -> Option<&'static str> {
        let (&first, rest) = self.list.split_first()?;
        self.list = rest;
        Some(self.table.text(first))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.list.len(), Some(self.list.len()))
    }
}

impl ExactSizeIterator for Texts {}

impl fmt::Debug for Texts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(*self).finish()
    }
}

/// The operations of a provider.
#[derive(Clone)]
pub struct Operations {
    tables: Vec<&'static Table>,
    at: usize,
}

impl Operations {
    pub(super) fn of(provider: &str) -> Operations {
        Operations {
            tables: TABLES
                .iter()
                .copied()
                .filter(|table| table.provider == provider)
                .rev()
                .collect(),
            at: 0,
        }
    }
}

impl Iterator for Operations {
    type Item = Operation;

    fn next(&mut self) -> Option<Operation> {
        loop {
            let table = *self.tables.last()?;
            if let Some(row) = table.operations.get(self.at) {
                self.at += 1;
                return Some(table.operation(row));
            }
            self.tables.pop();
            self.at = 0;
        }
    }
}

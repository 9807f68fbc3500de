//! JSON objects taken apart into columns with repetition and definition levels (Melnik et al., «Dremel», VLDB 2010; Apache
//! Parquet, «Nested Encoding»).

use parquet::data_type::ByteArray;
use serde_json::{Map, Value};

use crate::ocsf_fields::{Field, Form};

/// The values of a column.
#[derive(Debug)]
pub(crate) enum Values {
    Int(Vec<i32>),
    Long(Vec<i64>),
    Bool(Vec<bool>),
    Text(Vec<ByteArray>),
}

/// A column of the rows that were taken apart so far.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) values: Values,
    pub(crate) definitions: Vec<i16>,
    pub(crate) repetitions: Vec<i16>,
}

/// Columns in the order of the schema.
#[derive(Debug)]
pub(crate) struct Shredder {
    fields: Vec<Field>,
    pub(crate) columns: Vec<Column>,
    /// The column that is next.
    next: usize,
    /// What has no column, by its path.
    rest: Vec<(String, String)>,
    path: Vec<&'static str>,
}

/// The levels at a place of a row.
#[derive(Clone, Copy)]
struct At {
    definition: i16,
    repetition: i16,
    /// How many lists are around it.
    depth: i16,
}

impl Shredder {
    pub(crate) fn new(fields: Vec<Field>) -> Self {
        let mut columns = Vec::new();
        for field in &fields {
            add_columns(field.form, &mut columns);
        }
        Self {
            fields,
            columns,
            next: 0,
            rest: Vec::new(),
            path: Vec::new(),
        }
    }

    /// Takes a row apart, in which every needed field has a value of its type ([`is_of`]).
    pub(crate) fn row(&mut self, row: &Map<String, Value>) {
        self.next = 0;
        self.rest.clear();
        let at = At {
            definition: 0,
            repetition: 0,
            depth: 0,
        };
        let fields = std::mem::take(&mut self.fields);
        self.unknown(&fields, row);
        // What has no column is known only at the end; so the map comes last, at its own place.
        let mut map_at = None;
        for field in &fields {
            if let Form::Map = field.form {
                map_at = Some((self.next, row.get(field.name)));
                self.next += 2;
            } else {
                self.field(field, row.get(field.name), at);
            }
        }
        if let Some((column, value)) = map_at {
            self.map(column, value);
        }
        self.fields = fields;
    }

    fn field(&mut self, field: &Field, value: Option<&Value>, at: At) {
        let value = value.filter(|value| !value.is_null());
        let Some(value) = value else {
            return self.missing(field.form, at);
        };
        self.path.push(field.name);
        if is_of(field.form, value) {
            let definition = at.definition + i16::from(!field.needed);
            self.present(field.form, value, At { definition, ..at });
        } else {
            self.rest.push((self.path.join("."), plain(value)));
            self.missing(field.form, at);
        }
        self.path.pop();
    }

    fn present(&mut self, form: Form, value: &Value, at: At) {
        match (form, value) {
            (Form::Group(fields), Value::Object(object)) => {
                self.unknown(fields, object);
                for field in fields {
                    self.field(field, object.get(field.name), at);
                }
            }
            (Form::Texts, Value::Array(list)) => self.list(Form::Text, list, at),
            (Form::Groups(fields), Value::Array(list)) => self.list(Form::Group(fields), list, at),
            _ => {
                let column = &mut self.columns[self.next];
                self.next += 1;
                column.definitions.push(at.definition);
                column.repetitions.push(at.repetition);
                column.push(value);
            }
        }
    }

    /// The list's group is there; each element adds a level for itself and one because it may be null.
    fn list(&mut self, form: Form, list: &[Value], at: At) {
        let first = self.next;
        if list.is_empty() {
            return self.missing(form, at);
        }
        let inner = At {
            depth: at.depth + 1,
            ..at
        };
        for (number, value) in list.iter().enumerate() {
            self.next = first;
            let element = At {
                definition: at.definition + 1,
                repetition: if number == 0 { at.repetition } else { inner.depth },
                ..inner
            };
            if value.is_null() {
                self.missing(form, element);
            } else if is_of(form, value) {
                let definition = element.definition + 1;
                self.present(form, value, At { definition, ..element });
            } else {
                self.rest
                    .push((format!("{}[{number}]", self.path.join(".")), plain(value)));
                self.missing(form, element);
            }
        }
    }

    /// Nothing, in all columns of a field.
    fn missing(&mut self, form: Form, at: At) {
        let mut below = Vec::new();
        add_columns(form, &mut below);
        for column in self.columns.iter_mut().skip(self.next).take(below.len()) {
            column.definitions.push(at.definition);
            column.repetitions.push(at.repetition);
        }
        self.next += below.len();
    }

    /// Keeps what no field is for.
    fn unknown(&mut self, fields: &[Field], object: &Map<String, Value>) {
        for (name, value) in object {
            if !value.is_null() && !fields.iter().any(|field| field.name == name) {
                let path: Vec<&str> = self.path.iter().copied().chain([name.as_str()]).collect();
                self.rest.push((path.join("."), plain(value)));
            }
        }
    }

    /// The event's own map, and what has no column. A map's key has one level below the group's, its value two.
    fn map(&mut self, column: usize, own: Option<&Value>) {
        let mut pairs = std::mem::take(&mut self.rest);
        match own {
            Some(Value::Object(object)) => {
                let own = object.iter().map(|(name, value)| (name.clone(), plain(value)));
                pairs.splice(0..0, own);
            }
            None | Some(Value::Null) => {}
            Some(other) => pairs.push(("unmapped".to_owned(), plain(other))),
        }
        let columns = &mut self.columns[column..column + 2];
        if pairs.is_empty() {
            for column in columns {
                column.definitions.push(0);
                column.repetitions.push(0);
            }
            return;
        }
        for (number, (name, value)) in pairs.into_iter().enumerate() {
            for (column, (text, definition)) in columns.iter_mut().zip([(name, 2), (value, 3)]) {
                column.definitions.push(definition);
                column.repetitions.push(i16::from(number > 0));
                column.push(&Value::String(text));
            }
        }
    }
}

impl Column {
    fn new(values: Values) -> Self {
        Self {
            values,
            definitions: Vec::new(),
            repetitions: Vec::new(),
        }
    }

    /// Adds a value of the column's type.
    fn push(&mut self, value: &Value) {
        match &mut self.values {
            Values::Int(values) => values.push(value.as_i64().and_then(|int| i32::try_from(int).ok()).unwrap_or(0)),
            Values::Long(values) => values.push(value.as_i64().unwrap_or(0)),
            Values::Bool(values) => values.push(value.as_bool().unwrap_or(false)),
            Values::Text(values) => values.push(ByteArray::from(plain(value).into_bytes())),
        }
    }
}

fn add_columns(form: Form, columns: &mut Vec<Column>) {
    match form {
        Form::Int => columns.push(Column::new(Values::Int(Vec::new()))),
        Form::Long => columns.push(Column::new(Values::Long(Vec::new()))),
        Form::Bool => columns.push(Column::new(Values::Bool(Vec::new()))),
        Form::Text | Form::Texts => columns.push(Column::new(Values::Text(Vec::new()))),
        Form::Group(fields) | Form::Groups(fields) => {
            for field in fields {
                add_columns(field.form, columns);
            }
        }
        Form::Map => {
            columns.push(Column::new(Values::Text(Vec::new())));
            columns.push(Column::new(Values::Text(Vec::new())));
        }
    }
}

/// Whether a value has the type of a field. A text takes everything.
pub(crate) fn is_of(form: Form, value: &Value) -> bool {
    match form {
        Form::Int => value.as_i64().is_some_and(|int| i32::try_from(int).is_ok()),
        Form::Long => value.as_i64().is_some(),
        Form::Bool => value.is_boolean(),
        Form::Text => true,
        Form::Texts | Form::Groups(_) => value.is_array(),
        Form::Group(_) | Form::Map => value.is_object(),
    }
}

/// A text as it is, anything else as JSON.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

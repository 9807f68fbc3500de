//! Values of a table's columns as JSON, as `to_jsonb` gives them, written straight into a `jsonb` under
//! construction. What PostgreSQL itself makes depend on settings of the session (time zone, styles of
//! dates and intervals, digits of floats) has the same form for everybody here: instants are in UTC.

use super::jsonb::Corrupt;
use super::jsonb_build::{self, Kind};
use super::row::bytes;
use crate::error::Fault;
use auditlog_core::json::Json;
use pgrx::pg_sys;
use pgrx::pg_sys::{Datum, Oid};
use sha2::{Digest, Sha256};
use std::ffi::CStr;
use std::fmt::Write;

/// How a type's values become JSON.
enum Form {
    Bool,
    Int2,
    Int4,
    Int8,
    Float4,
    Float8,
    Numeric,
    Text,
    Uuid,
    /// `date`, `timestamp`, `timestamptz`, in the form of XML Schema.
    Moment(Oid),
    Jsonb,
    Bytea,
    /// A string: what the type's output function prints.
    Printed,
    /// What PostgreSQL's own `to_jsonb` says.
    Other(Box<pg_sys::FmgrInfo>),
}

/// Turns the values of one type into JSON.
pub struct Converter {
    form: Form,
    output: Box<pg_sys::FmgrInfo>,
    varlena: bool,
    /// Does the session's configuration change what the JSON form looks like, and what the text?
    json_varies: bool,
    text_varies: bool,
}

/// Places in the text of a value that is cut.
const START_BYTES: usize = 200;

/// Types whose text is the same under all settings.
const STEADY: [Oid; 20] = [
    pg_sys::BOOLOID,
    pg_sys::INT2OID,
    pg_sys::INT4OID,
    pg_sys::INT8OID,
    pg_sys::NUMERICOID,
    pg_sys::TEXTOID,
    pg_sys::VARCHAROID,
    pg_sys::BPCHAROID,
    pg_sys::NAMEOID,
    pg_sys::UUIDOID,
    pg_sys::OIDOID,
    pg_sys::JSONOID,
    pg_sys::JSONBOID,
    pg_sys::INETOID,
    pg_sys::CIDROID,
    pg_sys::MACADDROID,
    pg_sys::BITOID,
    pg_sys::VARBITOID,
    pg_sys::TIMEOID,
    pg_sys::TSVECTOROID,
];

impl Converter {
    /// For a type; what it needs lives in `memory`.
    ///
    /// # Safety
    /// `memory` outlives the result.
    pub unsafe fn new(declared: Oid, memory: pg_sys::MemoryContext) -> Converter {
        // SAFETY: catalogue look-ups inside a transaction.
        unsafe {
            let base = pg_sys::getBaseType(declared);
            let (mut function, mut varlena) = (Oid::INVALID, false);
            pg_sys::getTypeOutputInfo(base, &mut function, &mut varlena);
            let mut output = Box::new(std::mem::zeroed::<pg_sys::FmgrInfo>());
            pg_sys::fmgr_info_cxt(function, &mut *output, memory);
            let element = pg_sys::get_element_type(base);
            let steady = |of: Oid| STEADY.contains(&of) || pg_sys::get_typtype(of) as u8 == b'e';
            let varies = !steady(if element == Oid::INVALID { base } else { element });
            let form = form(base, element, memory);
            Converter {
                json_varies: varies && matches!(form, Form::Printed | Form::Other(_)),
                text_varies: varies,
                form,
                output,
                varlena,
            }
        }
    }

    /// Does the JSON form depend on settings that [`steadily`] takes care of?
    pub fn json_varies(&self) -> bool {
        self.json_varies
    }

    /// The same for the text.
    pub fn text_varies(&self) -> bool {
        self.text_varies
    }

    /// Appends a value to a `jsonb` under construction. One that is longer than `limit` bytes, or nested more
    /// than `depth` levels deep, is cut.
    ///
    /// # Safety
    /// A value of the converter's type, not NULL.
    pub unsafe fn write(&self, value: Datum, limit: usize, depth: usize, out: &mut Vec<u8>) -> Kind {
        // SAFETY: as the caller promises; the form was chosen by the type.
        unsafe {
            match &self.form {
                Form::Bool => jsonb_build::boolean(value.value() as u8 != 0),
                Form::Int2 => jsonb_build::integer(i64::from(value.value() as i16), out),
                Form::Int4 => jsonb_build::integer(i64::from(value.value() as i32), out),
                Form::Int8 => jsonb_build::integer(value.value() as i64, out),
                Form::Float4 => {
                    let number = f32::from_bits(value.value() as u32);
                    float(f64::from(number), number.to_string(), out)
                }
                Form::Float8 => {
                    let number = f64::from_bits(value.value() as u64);
                    float(number, number.to_string(), out)
                }
                Form::Numeric if too_long(value, limit) => self.cut(value, out),
                Form::Numeric => numeric(bytes(value), out),
                Form::Text if too_long(value, limit) => cut(bytes(value), out),
                Form::Text => string(bytes(value), out),
                Form::Uuid => {
                    let raw = std::slice::from_raw_parts(value.cast_mut_ptr::<u8>(), 16);
                    let uuid = uuid::Uuid::from_slice(raw).unwrap_or_default();
                    string(uuid.hyphenated().encode_lower(&mut [0; 36]).as_bytes(), out)
                }
                Form::Moment(of) => {
                    let mut text = [0 as std::ffi::c_char; 256];
                    let utc = 0;
                    pg_sys::JsonEncodeDateTime(text.as_mut_ptr(), value, *of, &utc);
                    string(CStr::from_ptr(text.as_ptr()).to_bytes(), out)
                }
                Form::Bytea => {
                    let size = pg_sys::toast_raw_datum_size(value) - 4;
                    let raw = bytes(value);
                    if size * 2 > limit {
                        return marker(size, raw, &hex(&raw[..raw.len().min(START_BYTES / 2)]), out);
                    }
                    string(hex(raw).as_bytes(), out)
                }
                Form::Jsonb if too_long(value, limit) => self.cut(value, out),
                Form::Jsonb => self.document(value, value, depth, out),
                Form::Printed => {
                    let text = self.print(value);
                    if text.len() > limit {
                        cut(text, out)
                    } else {
                        string(text, out)
                    }
                }
                Form::Other(_) if self.varlena && too_long(value, limit) => self.cut(value, out),
                Form::Other(function) => {
                    let function = (&raw const **function).cast_mut();
                    let json = pg_sys::FunctionCall1Coll(function, Oid::INVALID, value);
                    if too_long(json, limit) {
                        return self.cut(value, out);
                    }
                    self.document(value, json, depth, out)
                }
            }
        }
    }

    /// The value's text, as the type prints it.
    ///
    /// # Safety
    /// As [`Converter::write`].
    pub unsafe fn text(&self, value: Datum) -> Vec<u8> {
        // SAFETY: as the caller promises.
        unsafe {
            match self.form {
                Form::Text => bytes(value).to_vec(),
                Form::Int2 => (value.value() as i16).to_string().into_bytes(),
                Form::Int4 => (value.value() as i32).to_string().into_bytes(),
                Form::Int8 => (value.value() as i64).to_string().into_bytes(),
                _ => self.print(value).to_vec(),
            }
        }
    }

    unsafe fn print<'a>(&self, value: Datum) -> &'a [u8] {
        let function = (&raw const *self.output).cast_mut();
        // SAFETY: a value of the function's type; the text lives in the current memory context.
        unsafe { CStr::from_ptr(pg_sys::OutputFunctionCall(function, value)).to_bytes() }
    }

    unsafe fn cut(&self, value: Datum, out: &mut Vec<u8>) -> Kind {
        // SAFETY: as the caller promises.
        cut(unsafe { self.print(value) }, out)
    }

    unsafe fn document(&self, value: Datum, json: Datum, depth: usize, out: &mut Vec<u8>) -> Kind {
        // SAFETY: `json` is a jsonb.
        unsafe {
            let data = bytes(json);
            if super::jsonb::is_deeper(data, depth) {
                return self.cut(value, out);
            }
            jsonb_build::copy(data, out).unwrap_or_else(|Corrupt| Fault::broken("a jsonb value cannot be read").raise())
        }
    }
}

unsafe fn form(base: Oid, element: Oid, memory: pg_sys::MemoryContext) -> Form {
    match base {
        pg_sys::BOOLOID => Form::Bool,
        pg_sys::INT2OID => Form::Int2,
        pg_sys::INT4OID => Form::Int4,
        pg_sys::INT8OID => Form::Int8,
        pg_sys::FLOAT4OID => Form::Float4,
        pg_sys::FLOAT8OID => Form::Float8,
        pg_sys::NUMERICOID => Form::Numeric,
        pg_sys::TEXTOID | pg_sys::VARCHAROID | pg_sys::BPCHAROID => Form::Text,
        pg_sys::UUIDOID => Form::Uuid,
        pg_sys::DATEOID | pg_sys::TIMESTAMPOID | pg_sys::TIMESTAMPTZOID => Form::Moment(base),
        pg_sys::JSONBOID => Form::Jsonb,
        pg_sys::BYTEAOID => Form::Bytea,
        // SAFETY: catalogue look-ups.
        _ => unsafe {
            let mut cast = Oid::INVALID;
            let own = base.to_u32() >= pg_sys::FirstNormalObjectId;
            let explicit = pg_sys::CoercionContext::COERCION_EXPLICIT;
            let printed = element == Oid::INVALID
                && base != pg_sys::JSONOID
                && !pg_sys::type_is_rowtype(base)
                && (!own
                    || pg_sys::find_coercion_pathway(pg_sys::JSONOID, base, explicit, &mut cast)
                        != pg_sys::CoercionPathType::COERCION_PATH_FUNC);
            if printed {
                Form::Printed
            } else {
                Form::Other(to_jsonb(base, memory))
            }
        },
    }
}

/// `to_jsonb` for a type: it asks the call's expression what it was given.
unsafe fn to_jsonb(of: Oid, memory: pg_sys::MemoryContext) -> Box<pg_sys::FmgrInfo> {
    // SAFETY: nodes are made in `memory`, which outlives the function's info.
    unsafe {
        let before = pg_sys::CurrentMemoryContext;
        pg_sys::CurrentMemoryContext = memory;
        let argument = pg_sys::makeNullConst(of, -1, Oid::INVALID);
        let arguments = pg_sys::lappend(std::ptr::null_mut(), argument.cast());
        let call = pg_sys::makeFuncExpr(
            pg_sys::F_TO_JSONB.into(),
            pg_sys::JSONBOID,
            arguments,
            Oid::INVALID,
            Oid::INVALID,
            pg_sys::CoercionForm::COERCE_EXPLICIT_CALL,
        );
        pg_sys::CurrentMemoryContext = before;
        let mut info = Box::new(std::mem::zeroed::<pg_sys::FmgrInfo>());
        pg_sys::fmgr_info_cxt(pg_sys::F_TO_JSONB.into(), &mut *info, memory);
        info.fn_expr = call.cast();
        info
    }
}

/// Would the value take more than `limit` bytes? Does not fetch it.
unsafe fn too_long(value: Datum, limit: usize) -> bool {
    // SAFETY: a varlena.
    unsafe {
        let plain: *mut pg_sys::varlena = value.cast_mut_ptr();
        if pgrx::varatt_is_1b_e(plain) || pgrx::varatt_is_4b_c(plain) {
            pg_sys::toast_raw_datum_size(value) - 4 > limit
        } else {
            pgrx::varsize_any_exhdr(plain) > limit
        }
    }
}

fn string(text: &[u8], out: &mut Vec<u8>) -> Kind {
    out.extend_from_slice(text);
    Kind::STRING
}

fn float(number: f64, text: String, out: &mut Vec<u8>) -> Kind {
    if number.is_nan() {
        string(b"NaN", out)
    } else if number.is_infinite() {
        string(if number > 0.0 { b"Infinity" } else { b"-Infinity" }, out)
    } else {
        jsonb_build::number(&text, out)
    }
}

/// A stored numeric: the same bytes, but NaN and the infinities are no numbers in JSON.
fn numeric(content: &[u8], out: &mut Vec<u8>) -> Kind {
    let head = u16::from_ne_bytes([content[0], content[1]]);
    match head & 0xF000 {
        0xC000 => string(b"NaN", out),
        0xD000 => string(b"Infinity", out),
        0xF000 => string(b"-Infinity", out),
        _ => jsonb_build::stored_numeric(content, out),
    }
}

fn hex(raw: &[u8]) -> String {
    let mut text = String::with_capacity(2 + raw.len() * 2);
    text.push_str("\\x");
    text.push_str(&auditlog_core::erase::hex(raw));
    text
}

/// What stands for a value that is too long: its size, its hash, and how it begins.
fn cut(text: &[u8], out: &mut Vec<u8>) -> Kind {
    let mut end = text.len().min(START_BYTES);
    while end > 0 && text.get(end).is_some_and(|b| b & 0xC0 == 0x80) {
        end -= 1;
    }
    marker(text.len(), text, &String::from_utf8_lossy(&text[..end]), out)
}

fn marker(size: usize, content: &[u8], start: &str, out: &mut Vec<u8>) -> Kind {
    let mut digest = String::new();
    for byte in Sha256::digest(content) {
        let _ = write!(digest, "{byte:02x}");
    }
    let member = |name: &str, value: Json| (name.to_owned(), value);
    let cut = Json::Object(vec![
        member("bytes", Json::Number(size.to_string())),
        member("sha256", Json::String(digest)),
        member("start", Json::String(start.to_owned())),
    ]);
    jsonb_build::nested(&Json::Object(vec![member("$truncated", cut)]), out)
}

/// Runs `f` under settings with which every type prints alike.
pub fn steadily<R>(f: impl FnOnce() -> R) -> R {
    // SAFETY: settings of this process; their strings are NUL-terminated.
    unsafe {
        let zone = crate::infallible::pg_get_timezone_name(pg_sys::session_timezone);
        let utc = !zone.is_null() && [c"UTC", c"Etc/UTC", c"GMT"].contains(&CStr::from_ptr(zone));
        let steady = utc
            && pg_sys::DateStyle == pg_sys::USE_ISO_DATES as i32
            && pg_sys::IntervalStyle == pg_sys::INTSTYLE_POSTGRES as i32
            && pg_sys::extra_float_digits > 0
            && crate::compat::bytea_is_hex();
        if steady {
            return f();
        }
        let level = pg_sys::NewGUCNestLevel();
        for (name, value) in [
            (c"TimeZone", c"UTC"),
            (c"DateStyle", c"ISO"),
            (c"IntervalStyle", c"postgres"),
            (c"extra_float_digits", c"1"),
            (c"bytea_output", c"hex"),
        ] {
            crate::guc::set_for_level(name, value);
        }
        let result = f();
        // An error rolls the settings back with the transaction or savepoint.
        pg_sys::AtEOXact_GUC(false, level);
        result
    }
}

/// Are two values of a column the same, byte by byte? Values that are stored elsewhere are fetched only
/// when they may be the same and are not the same pointer.
///
/// # Safety
/// Two values of the same type with this length and passing, not NULL.
pub unsafe fn same(a: Datum, b: Datum, by_value: bool, length: i16) -> bool {
    if by_value {
        return a.value() == b.value();
    }
    // SAFETY: as the caller promises.
    unsafe {
        match length {
            -1 => same_varlena(a, b),
            -2 => CStr::from_ptr(a.cast_mut_ptr()) == CStr::from_ptr(b.cast_mut_ptr()),
            length => {
                let length = length.max(0) as usize;
                let raw = |datum: Datum| std::slice::from_raw_parts(datum.cast_mut_ptr::<u8>(), length);
                raw(a) == raw(b)
            }
        }
    }
}

unsafe fn same_varlena(a: Datum, b: Datum) -> bool {
    // SAFETY: two varlenas.
    unsafe {
        let (x, y): (*mut pg_sys::varlena, *mut pg_sys::varlena) = (a.cast_mut_ptr(), b.cast_mut_ptr());
        let stored = |at: *mut pg_sys::varlena| std::slice::from_raw_parts(at.cast::<u8>(), pgrx::varsize_any(at));
        if stored(x) == stored(y) {
            return true;
        }
        let plain = |at| !pgrx::varatt_is_1b_e(at) && !pgrx::varatt_is_4b_c(at);
        let size = |datum, at| {
            if plain(at) {
                pgrx::varsize_any_exhdr(at)
            } else {
                pg_sys::toast_raw_datum_size(datum) - 4
            }
        };
        size(a, x) == size(b, y) && bytes(a) == bytes(b)
    }
}

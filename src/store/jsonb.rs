//! Reads `jsonb` as it lies in the table, with every bound checked: verification must survive rows
//! that somebody edited in the data file, where PostgreSQL's own iterator would trust the lengths.
//! The layout is that of PostgreSQL's `utils/jsonb.h` and `numeric.c`, unchanged since 9.4.

use auditlog_core::encode::JsonWriter;
use auditlog_core::json::Json;
use auditlog_core::view::View;
use std::borrow::Cow;

const COUNT: u32 = 0x0FFF_FFFF;
const SCALAR: u32 = 0x1000_0000;
const OBJECT: u32 = 0x2000_0000;
const ARRAY: u32 = 0x4000_0000;

const LENGTH: u32 = 0x0FFF_FFFF;
const HAS_OFFSET: u32 = 0x8000_0000;
const KIND: u32 = 0x7000_0000;

/// Deeper nesting than any value we accept (`auditlog.max_json_depth` ≤ 512) is corruption.
const MAX_DEPTH: u32 = 2000;

/// The bytes are no `jsonb`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Corrupt;

type Result<T> = std::result::Result<T, Corrupt>;

fn word(data: &[u8], at: usize) -> Result<u32> {
    let bytes = data.get(at..at + 4).ok_or(Corrupt)?;
    Ok(u32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
}

/// One value as it lies there.
#[derive(Clone, Copy)]
pub enum Item<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A `numeric` with its varlena header.
    Number(&'a [u8]),
    /// The text.
    String(&'a [u8]),
    /// An array or object, from its header on.
    Container(&'a [u8]),
}

/// A container: `data` begins at its header.
struct Container<'a> {
    data: &'a [u8],
    header: u32,
}

/// Walks the entries of a container in storage order.
struct Entries<'a> {
    data: &'a [u8],
    base: usize,
    next: usize,
    end: usize,
    offset: usize,
}

impl<'a> Container<'a> {
    fn new(data: &'a [u8]) -> Result<Container<'a>> {
        Ok(Container {
            data,
            header: word(data, 0)?,
        })
    }

    fn count(&self) -> usize {
        (self.header & COUNT) as usize
    }

    fn entries(&self) -> Result<Entries<'a>> {
        let n = if self.header & OBJECT != 0 {
            self.count() * 2
        } else {
            self.count()
        };
        let base = 4 + n * 4;
        if base > self.data.len() {
            return Err(Corrupt);
        }
        Ok(Entries {
            data: self.data,
            base,
            next: 0,
            end: n,
            offset: 0,
        })
    }
}

impl<'a> Entries<'a> {
    fn item(&mut self) -> Result<Item<'a>> {
        if self.next >= self.end {
            return Err(Corrupt);
        }
        let entry = word(self.data, 4 + self.next * 4)?;
        let start = self.offset;
        let length = (entry & LENGTH) as usize;
        let end = if entry & HAS_OFFSET != 0 {
            length
        } else {
            start + length
        };
        self.offset = end;
        self.next += 1;
        let aligned = start.next_multiple_of(4);
        let slice = |from: usize| self.data.get(self.base + from..self.base + end).ok_or(Corrupt);
        Ok(match entry & KIND {
            0x0000_0000 => Item::String(slice(start)?),
            0x1000_0000 => Item::Number(slice(aligned)?),
            0x2000_0000 => Item::Bool(false),
            0x3000_0000 => Item::Bool(true),
            0x4000_0000 => Item::Null,
            0x5000_0000 => Item::Container(slice(aligned)?),
            _ => return Err(Corrupt),
        })
    }
}

/// Appends the canonical bytes (docs/format.md) of a `jsonb` payload, the bytes after the varlena header.
pub fn canonical(data: &[u8], out: &mut Vec<u8>) -> Result<()> {
    let root = Container::new(data)?;
    if root.header & SCALAR != 0 {
        let item = root.entries()?.item()?;
        return write_item(&item, MAX_DEPTH, out);
    }
    write_container(&root, MAX_DEPTH, out)
}

fn write_container(container: &Container<'_>, depth: u32, out: &mut Vec<u8>) -> Result<()> {
    let depth = depth.checked_sub(1).ok_or(Corrupt)?;
    let n = container.count();
    let mut entries = container.entries()?;
    if container.header & ARRAY != 0 {
        JsonWriter(out).array(n as u32);
        for _ in 0..n {
            write_item(&entries.item()?, depth, out)?;
        }
        return Ok(());
    }
    if container.header & OBJECT == 0 {
        return Err(Corrupt);
    }
    // All keys come before all values.
    let mut keys = container.entries()?;
    for _ in 0..n {
        entries.item()?;
    }
    JsonWriter(out).object(n as u32);
    for _ in 0..n {
        let Item::String(key) = keys.item()? else {
            return Err(Corrupt);
        };
        JsonWriter(out).key(key);
        write_item(&entries.item()?, depth, out)?;
    }
    Ok(())
}

fn write_item(item: &Item<'_>, depth: u32, out: &mut Vec<u8>) -> Result<()> {
    match item {
        Item::Null => JsonWriter(out).null(),
        Item::Bool(b) => JsonWriter(out).boolean(*b),
        Item::String(s) => JsonWriter(out).string(s),
        Item::Number(n) => {
            let mut text = Vec::with_capacity(24);
            numeric_text(n, &mut text)?;
            JsonWriter(out).number(&text);
        }
        Item::Container(c) => write_container(&Container::new(c)?, depth, out)?,
    }
    Ok(())
}

/// The value of a `jsonb` payload, not taken apart.
pub fn root(data: &[u8]) -> Result<Item<'_>> {
    let root = Container::new(data)?;
    if root.header & SCALAR != 0 {
        root.entries()?.item()
    } else {
        Ok(Item::Container(data))
    }
}

/// The value of a JSON text that PostgreSQL or serde_json wrote.
pub fn from_text(text: String) -> Json {
    // SAFETY: a jsonb datum that was just made.
    let data: &[u8] = unsafe { super::row::bytes(super::columns::jsonb_from_text(text)) };
    tree(data).unwrap_or(Json::Null)
}

/// The value as a tree, for documents that are taken apart.
pub fn tree(data: &[u8]) -> Result<Json> {
    root(data)?.tree()
}

impl<'a> Item<'a> {
    /// The value as a tree.
    pub fn tree(&self) -> Result<Json> {
        item_tree(self, MAX_DEPTH)
    }

    /// The items of an array; `None` when this is something else.
    pub fn items(self) -> Option<impl Iterator<Item = Result<Item<'a>>>> {
        let container = self.container(ARRAY)?;
        let mut entries = container.entries().ok()?;
        Some((0..container.count()).map(move |_| entries.item()))
    }

    /// The members of an object; `None` when this is something else or cannot be read.
    pub fn pairs(self) -> Option<impl Iterator<Item = Result<(&'a [u8], Item<'a>)>>> {
        let container = self.container(OBJECT)?;
        let n = container.count();
        let (mut keys, mut values) = (container.entries().ok()?, container.entries().ok()?);
        // All keys come before all values.
        for _ in 0..n {
            values.item().ok()?;
        }
        Some((0..n).map(move |_| match keys.item()? {
            Item::String(key) => Ok((key, values.item()?)),
            _ => Err(Corrupt),
        }))
    }

    /// The decimal text of a number.
    pub fn number(self) -> Option<String> {
        let Item::Number(data) = self else { return None };
        let mut out = Vec::with_capacity(24);
        numeric_text(data, &mut out).ok()?;
        String::from_utf8(out).ok()
    }

    fn container(self, kind: u32) -> Option<Container<'a>> {
        let Item::Container(data) = self else { return None };
        Container::new(data).ok().filter(|c| c.header & kind != 0)
    }
}

impl<'a> View<'a> for Item<'a> {
    fn kind(self) -> &'static str {
        match self {
            Item::Null => "null",
            Item::Bool(_) => "boolean",
            Item::Number(_) => "number",
            Item::String(_) => "string",
            Item::Container(_) if self.container(ARRAY).is_some() => "array",
            Item::Container(_) => "object",
        }
    }

    fn get(self, key: &str) -> Option<Self> {
        self.pairs()?
            .map_while(Result::ok)
            .find(|(k, _)| *k == key.as_bytes())
            .map(|(_, value)| value)
    }

    fn members(self) -> usize {
        self.container(OBJECT).map_or(0, |c| c.count())
    }

    fn text(self) -> Option<Cow<'a, str>> {
        match self {
            Item::String(bytes) => Some(String::from_utf8_lossy(bytes)),
            _ => None,
        }
    }

    fn boolean(self) -> Option<bool> {
        match self {
            Item::Bool(b) => Some(b),
            _ => None,
        }
    }
}

fn container_tree(container: &Container<'_>, depth: u32) -> Result<Json> {
    let depth = depth.checked_sub(1).ok_or(Corrupt)?;
    let n = container.count();
    let mut entries = container.entries()?;
    if container.header & ARRAY != 0 {
        let mut items = Vec::with_capacity(n);
        for _ in 0..n {
            items.push(item_tree(&entries.item()?, depth)?);
        }
        return Ok(Json::Array(items));
    }
    let mut keys = container.entries()?;
    for _ in 0..n {
        entries.item()?;
    }
    let mut pairs = Vec::with_capacity(n);
    for _ in 0..n {
        let Item::String(key) = keys.item()? else {
            return Err(Corrupt);
        };
        pairs.push((text(key)?, item_tree(&entries.item()?, depth)?));
    }
    Ok(Json::Object(pairs))
}

fn item_tree(item: &Item<'_>, depth: u32) -> Result<Json> {
    Ok(match item {
        Item::Null => Json::Null,
        Item::Bool(b) => Json::Bool(*b),
        Item::String(s) => Json::String(text(s)?),
        Item::Number(n) => {
            let mut out = Vec::with_capacity(24);
            numeric_text(n, &mut out)?;
            Json::Number(text(&out)?)
        }
        Item::Container(c) => container_tree(&Container::new(c)?, depth)?,
    })
}

/// Is a value nested more than `limit` levels deep? Reads only containers, and says yes when unsure.
pub fn is_deeper(data: &[u8], limit: usize) -> bool {
    deeper(data, limit).unwrap_or(true)
}

fn deeper(data: &[u8], limit: usize) -> Result<bool> {
    let container = Container::new(data)?;
    if container.header & SCALAR != 0 {
        return Ok(false);
    }
    let Some(limit) = limit.checked_sub(1) else {
        return Ok(true);
    };
    let mut entries = container.entries()?;
    while entries.next < entries.end {
        if let Item::Container(inner) = entries.item()?
            && deeper(inner, limit)?
        {
            return Ok(true);
        }
    }
    Ok(false)
}

fn text(bytes: &[u8]) -> Result<String> {
    String::from_utf8(bytes.to_vec()).map_err(|_| Corrupt)
}

/// Appends a numeric's text exactly as `numeric_out` prints it; `data` is the whole varlena.
fn numeric_text(data: &[u8], out: &mut Vec<u8>) -> Result<()> {
    let first = *data.first().ok_or(Corrupt)?;
    let header = if cfg!(target_endian = "little") {
        first & 1 == 1
    } else {
        first & 0x80 != 0
    };
    let data = &data[if header { 1 } else { 4.min(data.len()) }..];
    let half = |at: usize| -> Result<u16> {
        let b = data.get(at..at + 2).ok_or(Corrupt)?;
        Ok(u16::from_ne_bytes([b[0], b[1]]))
    };
    let head = half(0)?;
    let (negative, dscale, weight, digits_at) = match head & 0xC000 {
        0xC000 => return Err(Corrupt), // NaN and infinities are no JSON
        0x8000 => {
            let magnitude = i32::from(head & 0x003F);
            let weight = if head & 0x0040 != 0 { magnitude - 64 } else { magnitude };
            (head & 0x2000 != 0, usize::from((head & 0x1F80) >> 7), weight, 2)
        }
        sign => (
            sign == 0x4000,
            usize::from(head & 0x3FFF),
            i32::from(half(2)? as i16),
            4,
        ),
    };
    // A jsonb number is padded to a multiple of four bytes only before the value, so the rest are digits.
    let count = (data.len() - digits_at) / 2;
    let digit = |i: i32| -> Result<u16> {
        if i < 0 || i as usize >= count {
            return Ok(0);
        }
        let d = half(digits_at + i as usize * 2)?;
        if d > 9999 { Err(Corrupt) } else { Ok(d) }
    };
    if negative {
        out.push(b'-');
    }
    if weight < 0 {
        out.push(b'0');
    } else {
        for i in 0..=weight {
            let d = digit(i)?;
            let four = [d / 1000, d / 100 % 10, d / 10 % 10, d % 10];
            let skip = if i == 0 {
                four.iter().take(3).take_while(|x| **x == 0).count()
            } else {
                0
            };
            out.extend(four[skip..].iter().map(|x| b'0' + *x as u8));
        }
    }
    if dscale > 0 {
        out.push(b'.');
        let end = out.len() + dscale;
        let mut i = weight + 1;
        while out.len() < end {
            let d = digit(i)?;
            out.extend([d / 1000, d / 100 % 10, d / 10 % 10, d % 10].map(|x| b'0' + x as u8));
            i += 1;
        }
        out.truncate(end);
    }
    Ok(())
}

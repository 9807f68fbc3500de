//! The files inside a report's PDF.

use lopdf::{Dictionary, Document, LoadOptions, Object, decode_text_string};

use crate::files::MAX_JSON_BYTES;
use crate::manifest::{CSV_NAME, JSON_NAME, MANIFEST_NAME};
use crate::verify::Finding;

/// The most bytes of a PDF that are read.
pub const MAX_PDF_BYTES: usize = 1 << 30;

/// The three files that a report's PDF has inside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Embedded {
    /// `report.json`.
    pub json: Vec<u8>,
    /// `report.csv`.
    pub csv: Vec<u8>,
    /// `manifest.json`.
    pub manifest: Vec<u8>,
}

/// Why a PDF gives no report.
#[derive(Debug, thiserror::Error)]
pub enum ExtractError {
    /// More than [`MAX_PDF_BYTES`].
    #[error("the PDF has {0} bytes, more than the {MAX_PDF_BYTES} that are read")]
    Large(usize),
    /// No PDF, or one with a file that grows beyond the limit.
    #[error("the PDF cannot be read: {0}")]
    Pdf(#[from] lopdf::Error),
    /// It has no such file inside.
    #[error("the PDF has no {0} inside: it is no report of pg_auditlog, or was saved anew by another program")]
    Missing(&'static str),
    /// It has two, and readers may show either.
    #[error("the PDF has {0} inside more than once")]
    Twice(&'static str),
}

/// Takes the files out of a PDF.
///
/// # Errors
/// [`ExtractError`]. A file that takes more than [`MAX_JSON_BYTES`] when unpacked is an error: no memory is taken beyond it.
pub fn extract(pdf: &[u8]) -> Result<Embedded, ExtractError> {
    if pdf.len() > MAX_PDF_BYTES {
        return Err(ExtractError::Large(pdf.len()));
    }
    let options = LoadOptions {
        strict: true,
        ..LoadOptions::with_max_decompressed_size(MAX_JSON_BYTES)
    };
    let document = Document::load_mem_with_options(pdf, options)?;
    Ok(Embedded {
        json: file(&document, JSON_NAME)?,
        csv: file(&document, CSV_NAME)?,
        manifest: file(&document, MANIFEST_NAME)?,
    })
}

/// The bytes of the one file with this name, wherever in the PDF it is.
fn file(document: &Document, name: &'static str) -> Result<Vec<u8>, ExtractError> {
    let mut specifications = Vec::new();
    document
        .objects
        .values()
        .for_each(|object| collect(object, &mut specifications));
    specifications.retain(|specification| is_named(document, specification, name));
    let [specification] = specifications[..] else {
        return Err(match specifications.is_empty() {
            true => ExtractError::Missing(name),
            false => ExtractError::Twice(name),
        });
    };
    let files = specification.get_deref(b"EF", document)?.as_dict()?;
    let file = files.get(b"F").or_else(|_| files.get(b"UF"))?;
    // a reader takes the one or the other
    if files.get(b"UF").is_ok_and(|other| other != file) {
        return Err(ExtractError::Twice(name));
    }
    let (_, stream) = document.dereference(file)?;
    let stream = stream.as_stream()?;
    if stream.dict.has(b"Filter") {
        Ok(stream.decompressed_content_with_limit(MAX_JSON_BYTES)?)
    } else {
        Ok(stream.content.clone())
    }
}

/// All file specifications in an object.
fn collect<'d>(object: &'d Object, found: &mut Vec<&'d Dictionary>) {
    let dictionary = match object {
        Object::Array(items) => return items.iter().for_each(|item| collect(item, found)),
        Object::Dictionary(dictionary) => dictionary,
        Object::Stream(stream) => &stream.dict,
        _ => return,
    };
    if dictionary.has(b"EF") {
        found.push(dictionary);
    }
    dictionary.iter().for_each(|(_, member)| collect(member, found));
}

/// Has one of its names this text? A reader may show either.
fn is_named(document: &Document, specification: &Dictionary, name: &str) -> bool {
    [&b"UF"[..], b"F"].into_iter().any(|key| {
        let text = specification.get_deref(key, document).ok();
        text.filter(|text| matches!(text, Object::String(..)))
            .and_then(|text| decode_text_string(text).ok())
            .is_some_and(|text| text == name)
    })
}

/// Are the files inside the PDF those that lie beside it?
pub fn compare(inside: &Embedded, json: &[u8], csv: Option<&[u8]>, manifest: Option<&[u8]>) -> Vec<Finding> {
    let pairs = [
        (JSON_NAME, &inside.json, Some(json)),
        (CSV_NAME, &inside.csv, csv),
        (MANIFEST_NAME, &inside.manifest, manifest),
    ];
    pairs
        .into_iter()
        .filter(|(_, inside, beside)| beside.is_some_and(|beside| beside != **inside))
        .map(|(name, ..)| Finding {
            kind: "pdf",
            detail: format!("{name} inside the PDF is not the one beside it"),
        })
        .collect()
}

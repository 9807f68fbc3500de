//! The file around the pages: PDF/A-3a, metadata, attachments.

use std::collections::HashSet;
use std::io;

use krilla::configure::{Archival, ConfigurationBuilder};
use krilla::embed::{AssociationKind, EmbeddedFile, MimeType};
use krilla::error::KrillaError;
use krilla::metadata::{DateTime, Metadata};
use krilla::outline::Outline;
use krilla::tagging::TagTree;
use krilla::{Document, SerializeSettings};
use sha2::{Digest as _, Sha256};

use super::closing::hexadecimal;
use super::escape::label;
use super::fonts::Fonts;
use super::{Attachment, PdfError};
use crate::model::Report;

/// A new document that is checked against PDF/A-3a when it is finished.
pub(crate) fn open() -> Document {
    let configuration = ConfigurationBuilder::new()
        .with_archival_validator(Archival::A3_A)
        .finish();
    Document::new_with(SerializeSettings {
        // A single validator agrees with itself.
        configuration: configuration.unwrap_or_default(),
        enable_tagging: true,
        ..SerializeSettings::default()
    })
}

/// Puts the attachments in.
pub(crate) fn attach(document: &mut Document, report: &Report, files: &[Attachment<'_>]) -> Result<(), PdfError> {
    let mut names = HashSet::new();
    for file in files {
        let refuse = |problem| PdfError::Attachment {
            name: file.name.to_owned(),
            problem,
        };
        if !is_file_name(file.name) {
            return Err(refuse("must be named with 1 to 100 letters, digits, «.», «-» or «_»"));
        }
        if !names.insert(file.name) {
            return Err(refuse("is there twice; give each file its own name"));
        }
        let mime = MimeType::new(file.mime)
            .filter(|_| file.mime.len() <= 100)
            .ok_or_else(|| refuse("has a malformed media type; give one such as application/json"))?;
        if i32::try_from(file.bytes.len()).is_err() {
            return Err(refuse("is larger than 2 GiB; leave it beside the PDF"));
        }
        let kind = match file.name.rsplit('.').next() {
            Some("json" | "csv") => AssociationKind::Data,
            _ => AssociationKind::Supplement,
        };
        let embedded = EmbeddedFile {
            path: file.name.to_owned(),
            mime_type: Some(mime),
            description: Some(description(file)),
            association_kind: kind,
            data: file.bytes.to_vec().into(),
            modification_date: Some(date(&report.made_at)),
            compress: Some(true),
            location: None,
        };
        document
            .embed_file(embedded)
            .ok_or_else(|| refuse("is there twice; give each file its own name"))?;
    }
    Ok(())
}

/// PDF/A wants one, of at most 32,767 bytes.
fn description(file: &Attachment<'_>) -> String {
    let text = if file.description.is_empty() {
        file.name
    } else {
        file.description
    };
    super::escape::cut(text, 2_000)
        .0
        .chars()
        .filter(|character| !character.is_control())
        .collect()
}

fn is_file_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    (1..=100).contains(&name.len()) && name.bytes().all(allowed) && !name.starts_with('.')
}

/// Writes the file.
pub(crate) fn close(
    mut document: Document,
    report: &Report,
    hashes: &[String],
    outline: Outline,
    tags: TagTree,
    fonts: &Fonts,
) -> Result<Vec<u8>, PdfError> {
    let title = match report.title.trim() {
        "" => "Audit log report",
        title => title,
    };
    let mut metadata = Metadata::new()
        .title(label(fonts, title, 500))
        .description(label(fonts, &report.definition.name, 500))
        .language("en".into())
        .creator("pg_auditlog".into())
        .producer(format!("pg_auditlog {}", env!("CARGO_PKG_VERSION")))
        .creation_date(date(&report.made_at))
        .document_id(document_id(report, hashes));
    if let Some(organisation) = report.organisation.as_deref().filter(|name| !name.trim().is_empty()) {
        metadata = metadata.authors(vec![label(fonts, organisation, 300)]);
    }
    document.set_metadata(metadata);
    document.set_outline(outline);
    document.set_tag_tree(tags);
    document.finish().map_err(|error| PdfError::Invalid(describe(&error)))
}

/// The same for the same content, and for no other: SHA-256 of the report and its attachments.
fn document_id(report: &Report, hashes: &[String]) -> String {
    struct Hasher(Sha256);
    impl io::Write for Hasher {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.update(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut hasher = Hasher(Sha256::new());
    // Neither the hasher nor a report's types fail.
    let _ = serde_json::to_writer(&mut hasher, report);
    for hash in hashes {
        hasher.0.update(hash);
    }
    hexadecimal(&hasher.0.finalize())
}

/// A time of the report (RFC 3339, UTC); the epoch when it is none.
fn date(text: &str) -> DateTime {
    let number = |range: std::ops::Range<usize>, most: u16| {
        let digits = text.get(range)?;
        let all = digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse::<u16>().ok().filter(|value| all && *value <= most)
    };
    let parts = || {
        let day = |value: u16| u8::try_from(value).ok();
        let date = DateTime::new(number(0..4, 9999)?)
            .month(day(number(5..7, 12)?.max(1))?)
            .day(day(number(8..10, 31)?.max(1))?)
            .hour(day(number(11..13, 23)?)?)
            .minute(day(number(14..16, 59)?)?)
            .second(day(number(17..19, 59)?)?);
        Some(date)
    };
    let epoch = DateTime::new(1970).month(1).day(1).hour(0).minute(0).second(0);
    parts().unwrap_or(epoch).utc_offset_hour(0).utc_offset_minute(0)
}

fn describe(error: &KrillaError) -> String {
    match error {
        KrillaError::Validation(problems) => {
            let mut kinds: Vec<String> = problems
                .iter()
                .take(3)
                .map(|(problem, _)| format!("{problem:?}"))
                .collect();
            kinds.dedup();
            kinds.join(", ")
        }
        other => format!("{other:?}"),
    }
}

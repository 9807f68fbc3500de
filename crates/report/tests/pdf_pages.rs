//! The PDF of a report: its pages, its structure, its attachments.

mod pdf_support;

use auditlog_report::model::Report;
use auditlog_report::pdf::{Attachment, Limits, PdfError, render, render_with};
use pdf_support::{assert_sound, minimal, tool, with_rows, written};
use serde_json::json;

fn attachment<'a>(name: &'a str, bytes: &'a [u8]) -> Attachment<'a> {
    Attachment {
        name,
        mime: "application/json",
        description: "a test",
        bytes,
    }
}

fn report(change: impl FnOnce(&mut serde_json::Value)) -> Report {
    let mut value = minimal();
    change(&mut value);
    serde_json::from_value(value).unwrap()
}

#[test]
fn the_same_report_gives_the_same_bytes() {
    let report = with_rows(300);
    let files = [attachment("report.json", b"{}"), attachment("manifest.json", b"[]")];
    let first = render(&report, &files).unwrap();
    assert!(first == render(&report, &files).unwrap());
    let on_a_thread = std::thread::scope(|scope| scope.spawn(|| render(&report, &files).unwrap()).join().unwrap());
    assert!(first == on_a_thread);
    let other = [attachment("report.json", b"{ }"), files[1]];
    assert!(first != render(&report, &other).unwrap());
}

#[test]
fn the_file_says_that_it_is_pdf_a_3a() {
    let pdf = render(&with_rows(1), &[]).unwrap();
    let text = String::from_utf8_lossy(&pdf);
    assert!(text.contains("<pdfaid:part>3</pdfaid:part>"));
    assert!(text.contains("<pdfaid:conformance>A</pdfaid:conformance>"));
    assert!(text.contains("/Lang(en)") && text.contains("/MarkInfo<</Marked true"));
}

#[test]
fn five_thousand_rows_fill_pages_that_repeat_the_head() {
    let pdf = render(&with_rows(5_000), &[]).unwrap();
    assert_sound(&pdf);
    let file = written(&pdf);
    let Some(info) = tool("pdfinfo", &[], &file.path, &[]) else {
        return;
    };
    let field = |name: &str| {
        info.lines()
            .find_map(|line| line.strip_prefix(name))
            .unwrap_or_default()
            .trim()
    };
    let pages: usize = field("Pages:").parse().unwrap();
    assert!((80..160).contains(&pages), "{pages} pages");
    assert_eq!(field("Tagged:"), "yes");
    assert_eq!(field("Title:"), "A test");
    assert!(field("CreationDate:").contains("Feb  1"), "{info}");

    let Some(text) = tool("pdftotext", &["-layout"], &file.path, &["-"]) else {
        return;
    };
    let all: Vec<&str> = text.split('\u{c}').collect();
    assert_eq!(all.len(), pages + 1);
    let mut with_table = 0;
    for (index, page) in all[..pages].iter().enumerate() {
        assert!(
            page.contains(&format!("Page {} of {pages}", index + 1)),
            "page {}",
            index + 1
        );
        if page.contains("@example.com") {
            assert_eq!(page.matches("Distinct-Action").count(), 1, "page {}", index + 1);
            with_table += 1;
        }
    }
    assert!(with_table > 75);
    for row in 0..5_000 {
        assert!(text.contains(&format!("user{row}@example.com")), "row {row}");
    }
    assert!(text.contains("2 exceptions") && text.contains("Other rows"));
}

#[test]
fn rows_beyond_the_limit_are_said_to_be_in_the_csv() {
    let pdf = render_with(&with_rows(123), &[], &Limits { rows: 100 }).unwrap();
    let file = written(&pdf);
    let Some(text) = tool("pdftotext", &["-layout"], &file.path, &["-"]) else {
        return;
    };
    assert!(text.contains("Rows 101–123 are in report.csv."), "{text}");
    assert!(text.contains("user99@") && !text.contains("user100@"));
}

#[test]
fn the_structure_has_headings_tables_and_figures() {
    let report = report(|value| {
        value["charts"] = json!([
            {"title": "Days", "alt": "Events rise", "form": "lines", "unit": "events", "x": ["1", "2"],
             "series": [{"name": "all", "values": [1.0, 2.0]}, {"name": "some", "values": [0.5, -1.0]}]},
            {"title": "Heat", "alt": "Noon", "form": "heat", "unit": "events", "x": ["0", "1"],
             "series": [{"name": "Monday", "values": [1.0, 2.0]}]},
            {"title": "Kinds", "alt": "Mostly reads", "form": "bars", "unit": "", "x": ["read"],
             "series": [{"name": "n", "values": [4.0]}]}
        ]);
    });
    let file = written(&render(&report, &[]).unwrap());
    let Some(tree) = tool("pdfinfo", &["-struct"], &file.path, &[]) else {
        return;
    };
    for tag in [
        "H1", "H2", "H3", "Table", "TR", "TH", "TD", "L", "LI", "Figure", "TOC", "TOCI", "Link", "Code", "THead",
        "TBody",
    ] {
        assert!(
            tree.lines()
                .any(|line| line.trim().split([' ', '(', ':']).next() == Some(tag)),
            "{tag} in {tree}"
        );
    }
    let Some(text) = tool("pdftotext", &["-layout"], &file.path, &["-"]) else {
        return;
    };
    for shown in [
        "Days (events)",
        "Monday",
        "−1",
        "Complete and unchanged",
        "Prepared by",
        "No files are attached",
    ] {
        assert!(text.contains(shown), "{shown} in {text}");
    }
}

#[test]
fn the_contents_name_the_pages() {
    let report = report(|value| {
        let sections = (0..30).map(|index| {
            let mut section = pdf_support::section(&format!("s{index}"), vec![]);
            section["title"] = json!(format!("Part-{index}-of-it"));
            section
        });
        value["sections"] = sections.collect();
    });
    let file = written(&render(&report, &[]).unwrap());
    let Some(text) = tool("pdftotext", &["-layout"], &file.path, &["-"]) else {
        return;
    };
    let pages: Vec<&str> = text.split('\u{c}').collect();
    for index in 0..30 {
        let title = format!("Part-{index}-of-it");
        let line = pages[1].lines().find(|line| line.contains(&title)).unwrap();
        let page: usize = line.split_whitespace().next_back().unwrap().parse().unwrap();
        assert!(pages[page - 1].contains(&title), "{line}");
    }
}

#[test]
fn attachments_come_out_as_they_went_in() {
    let json: Vec<u8> = (0..200_000u32).map(|index| (index * 31 % 251) as u8).collect();
    let files = [
        attachment("report.json", &json),
        attachment("report.csv", b"a,b\n"),
        attachment("empty.txt", b""),
    ];
    let file = written(&render(&with_rows(3), &files).unwrap());
    let folder = tempfile::tempdir().unwrap();
    if tool(
        "pdfdetach",
        &["-saveall", "-o", folder.path().to_str().unwrap()],
        &file.path,
        &[],
    )
    .is_none()
    {
        return;
    }
    for attached in files {
        assert!(
            std::fs::read(folder.path().join(attached.name)).unwrap() == attached.bytes,
            "{}",
            attached.name
        );
    }
}

#[test]
fn attachments_that_pdf_cannot_hold_are_refused() {
    let report = with_rows(1);
    let refused = |files: &[Attachment<'_>]| match render(&report, files) {
        Err(PdfError::Attachment { problem, .. }) => problem,
        other => panic!("{:?}", other.map(|pdf| pdf.len())),
    };
    assert!(refused(&[attachment("a.json", b""), attachment("a.json", b"")]).contains("twice"));
    assert!(refused(&[attachment("../a", b"")]).contains("must be named"));
    assert!(refused(&[attachment("", b"")]).contains("must be named"));
    assert!(
        refused(&[Attachment {
            mime: "json",
            ..attachment("a.json", b"")
        }])
        .contains("media type")
    );
}

#[test]
fn a_log_with_gaps_is_not_called_complete() {
    let report = report(|value| value["integrity"]["gaps"] = json!(3));
    let file = written(&render(&report, &[]).unwrap());
    let Some(text) = tool("pdftotext", &["-layout"], &file.path, &["-"]) else {
        return;
    };
    assert!(
        text.contains("unexplained gaps") && !text.contains("Complete and unchanged"),
        "{text}"
    );
}

//! The files inside a PDF.

use auditlog_report::extract::{Embedded, ExtractError, compare, extract};
use lopdf::{Document, Object, Stream, dictionary};

/// A PDF with these files inside.
fn pdf(files: &[(&str, &[u8])], compressed: bool) -> Vec<u8> {
    let mut document = Document::with_version("1.7");
    let mut names = Vec::new();
    for (name, bytes) in files {
        let mut stream = Stream::new(dictionary! { "Type" => "EmbeddedFile" }, bytes.to_vec());
        if compressed {
            stream.compress().expect("compressed");
        }
        let stream = document.add_object(stream);
        let specification = document.add_object(dictionary! {
            "Type" => "Filespec",
            "F" => Object::string_literal(*name),
            "UF" => Object::string_literal(*name),
            "EF" => dictionary! { "F" => stream },
        });
        names.extend([Object::string_literal(*name), specification.into()]);
    }
    let pages = document.add_object(dictionary! { "Type" => "Pages", "Kids" => Vec::<Object>::new(), "Count" => 0 });
    let catalog = document.add_object(dictionary! {
        "Type" => "Catalog",
        "Pages" => pages,
        "Names" => dictionary! { "EmbeddedFiles" => dictionary! { "Names" => names } },
    });
    document.trailer.set("Root", catalog);
    saved(document)
}

fn saved(mut document: Document) -> Vec<u8> {
    let mut bytes = Vec::new();
    document.save_to(&mut bytes).expect("saved");
    bytes
}

#[test]
fn files_come_out_as_they_were_put_in() {
    let json = vec![b'x'; 100_000];
    let files: [(&str, &[u8]); 4] = [
        ("report.json", &json),
        ("other.txt", b"other"),
        ("report.csv", b"a,b\r\n"),
        ("manifest.json", b"{}\n"),
    ];
    for compressed in [false, true] {
        let inside = extract(&pdf(&files, compressed)).expect("files");
        let expected = Embedded {
            json: json.clone(),
            csv: b"a,b\r\n".to_vec(),
            manifest: b"{}\n".to_vec(),
        };
        assert_eq!(inside, expected);
        assert_eq!(compare(&inside, &json, Some(b"a,b\r\n"), Some(b"{}\n")), []);
        assert_eq!(compare(&inside, &json[1..], None, Some(b"{}")).len(), 2);
    }
}

#[test]
fn what_is_no_report_is_refused() {
    let missing = extract(&pdf(&[("report.json", b"{}"), ("report.csv", b"")], true));
    assert!(matches!(missing, Err(ExtractError::Missing("manifest.json"))));
    let files: [(&str, &[u8]); 4] = [
        ("report.json", b"1"),
        ("report.csv", b""),
        ("manifest.json", b""),
        ("report.json", b"2"),
    ];
    assert!(matches!(
        extract(&pdf(&files, false)),
        Err(ExtractError::Twice("report.json"))
    ));
    // a second one that readers show and no object has
    let mut document = Document::load_mem(&pdf(&files[..3], true)).expect("a PDF");
    let stream = document.add_object(Stream::new(dictionary! { "Type" => "EmbeddedFile" }, b"2".to_vec()));
    let hidden = dictionary! { "UF" => Object::string_literal("report.json"), "EF" => dictionary! { "F" => stream } };
    document.add_object(vec![hidden.into()]);
    assert!(matches!(
        extract(&saved(document)),
        Err(ExtractError::Twice("report.json"))
    ));
    // two contents under one name
    let mut document = Document::load_mem(&pdf(&files[..3], true)).expect("a PDF");
    let stream = document.add_object(Stream::new(dictionary! { "Type" => "EmbeddedFile" }, b"2".to_vec()));
    for object in document.objects.values_mut() {
        if let Ok(files) = object
            .as_dict_mut()
            .and_then(|dictionary| dictionary.get_mut(b"EF")?.as_dict_mut())
        {
            files.set("UF", stream);
        }
    }
    assert!(matches!(
        extract(&saved(document)),
        Err(ExtractError::Twice("report.json"))
    ));
    for bytes in [&b""[..], b"%PDF-1.7\n", b"{}"] {
        assert!(matches!(extract(bytes), Err(ExtractError::Pdf(_))));
    }
}

#[test]
fn a_bomb_is_refused() {
    // 300 MiB of zeros in 300 KiB
    let zeros = vec![0; 300 << 20];
    let files: [(&str, &[u8]); 3] = [("report.json", &zeros), ("report.csv", b""), ("manifest.json", b"")];
    let bomb = pdf(&files, true);
    assert!(bomb.len() < 1 << 20);
    assert!(matches!(extract(&bomb), Err(ExtractError::Pdf(_))));
}

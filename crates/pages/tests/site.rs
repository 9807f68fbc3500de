//! Every page of the gallery, read by a real parser: what holds for all of them.

use std::collections::HashSet;

use auditlog_pages::text;
use scraper::{ElementRef, Html, Selector};

#[path = "../examples/gallery/admin.rs"]
mod admin;
#[path = "../examples/gallery/data.rs"]
mod data;
#[path = "../examples/gallery/evidence.rs"]
mod evidence;
#[path = "../examples/gallery/looks.rs"]
mod looks;
#[path = "../examples/gallery/proof.rs"]
mod proof;
#[path = "../examples/gallery/site.rs"]
mod site;
#[path = "../examples/gallery/viewer.rs"]
mod viewer;
#[path = "../examples/gallery/watch.rs"]
mod watch;

/// Runs a check over every page; its faults are told all at once.
fn every_page(check: impl Fn(&Html, &mut Vec<String>)) {
    let mut faults = Vec::new();
    for page in site::site() {
        let html = Html::parse_document(&page.markup.into_string());
        let mut found = Vec::new();
        check(&html, &mut found);
        faults.extend(found.into_iter().map(|fault| format!("{}: {fault}", page.name)));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn select<'a>(html: &'a Html, selector: &str) -> Vec<ElementRef<'a>> {
    html.select(&Selector::parse(selector).unwrap()).collect()
}

fn all(html: &Html) -> impl Iterator<Item = ElementRef<'_>> {
    html.root_element().descendent_elements()
}

#[test]
fn the_markup_is_what_the_parser_makes_of_it() {
    every_page(|html, faults| {
        faults.extend(
            html.errors
                .iter()
                .filter(|error| !error.contains("self-closing") && !error.contains("DOCTYPE"))
                .map(|e| (**e).to_owned()),
        );
        if select(html, "html > body > main#main").len() != 1 {
            faults.push("no main part where it should be".into());
        }
    });
}

#[test]
fn nothing_runs_but_our_script() {
    every_page(|html, faults| {
        for element in all(html) {
            let value = element.value();
            if matches!(
                value.name(),
                "iframe"
                    | "object"
                    | "embed"
                    | "base"
                    | "style"
                    | "img"
                    | "video"
                    | "audio"
                    | "applet"
                    | "frame"
                    | "math"
                    | "foreignobject"
            ) {
                faults.push(format!("an element {}", value.name()));
            }
            for (name, content) in value.attrs() {
                if name.starts_with("on")
                    || name == "style"
                    || name == "srcdoc"
                    || name == "formaction"
                    || name == "xlink:href"
                {
                    faults.push(format!("attribute {name}={content}"));
                }
            }
        }
        let scripts = select(html, "script");
        if scripts.len() != 1
            || scripts[0].attr("src").is_none_or(|src| !src.starts_with("/assets/"))
            || !scripts[0].inner_html().is_empty()
        {
            faults.push("another script than ours".into());
        }
    });
}

#[test]
fn links_lead_to_our_own_pages() {
    every_page(|html, faults| {
        for element in all(html) {
            for name in [
                "href",
                "src",
                "action",
                "data-href",
                "data-live",
                "data-proof",
                "data-suggest",
                "data-progress",
            ] {
                let Some(to) = element.attr(name) else { continue };
                let ours = to.starts_with("/") && !to.starts_with("//") && !to.contains('\\') || to.starts_with('#');
                if !ours || !to.is_ascii() || to.contains(|c: char| c.is_ascii_control() || " \"'<>".contains(c)) {
                    faults.push(format!("{name}={to}"));
                }
            }
        }
    });
}

#[test]
fn no_deceptive_character_is_shown() {
    every_page(|html, faults| {
        for node in html.root_element().descendants() {
            let Some(shown) = node.value().as_text() else { continue };
            // A query is edited as it is; the box tells of what cannot be seen in it.
            let edited = node
                .parent()
                .and_then(ElementRef::wrap)
                .is_some_and(|parent| parent.value().name() == "textarea");
            if !edited && let Some(c) = shown.chars().find(|c| *c != '\n' && text::is_deceptive(*c)) {
                faults.push(format!("{c:?} in {:?}", &**shown));
            }
        }
        for element in all(html) {
            for name in ["title", "aria-label", "alt", "placeholder", "data-confirm"] {
                if element
                    .attr(name)
                    .is_some_and(|value| value.chars().any(|c| c != '\n' && text::is_deceptive(c)))
                {
                    faults.push(format!("{name} of {}", element.value().name()));
                }
            }
        }
    });
}

#[test]
fn ids_are_unique_and_referred_to() {
    every_page(|html, faults| {
        let mut ids = HashSet::new();
        for element in all(html) {
            if let Some(id) = element.attr("id")
                && !ids.insert(id)
            {
                faults.push(format!("id {id} twice"));
            }
        }
        for element in all(html) {
            for name in ["for", "form", "aria-labelledby", "aria-describedby", "aria-controls"] {
                for id in element.attr(name).into_iter().flat_map(str::split_whitespace) {
                    if !ids.contains(id) {
                        faults.push(format!("{name} of {} refers to {id}", element.value().name()));
                    }
                }
            }
            if let Some(id) = element.attr("href").and_then(|href| href.strip_prefix('#'))
                && !ids.contains(id)
            {
                faults.push(format!("link to #{id}"));
            }
        }
    });
}

#[test]
fn every_input_has_a_label() {
    every_page(|html, faults| {
        let labelled: HashSet<_> = select(html, "label[for]")
            .into_iter()
            .filter_map(|label| label.attr("for"))
            .collect();
        for input in select(html, "input, select, textarea") {
            let named = input.attr("id").is_some_and(|id| labelled.contains(id)) || input.attr("aria-label").is_some();
            if input.attr("type") != Some("hidden") && !named {
                faults.push(format!(
                    "no label: {}",
                    input.html().chars().take(120).collect::<String>()
                ));
            }
        }
        for button in select(html, "button, a[href], summary") {
            if button.text().collect::<String>().trim().is_empty() && button.attr("aria-label").is_none() {
                faults.push(format!(
                    "no name: {}",
                    button.html().chars().take(120).collect::<String>()
                ));
            }
        }
    });
}

#[test]
fn every_form_that_changes_something_has_its_token() {
    let token = Selector::parse("input[type=hidden][name=csrf_token]").unwrap();
    every_page(|html, faults| {
        for form in select(html, "form") {
            let tokens: Vec<_> = form.select(&token).collect();
            match form.attr("method") {
                Some("post") if tokens.len() == 1 && tokens[0].attr("value") == Some("gallery-token") => {}
                Some("get") if tokens.is_empty() => {}
                Some("dialog") => {}
                other => faults.push(format!(
                    "form {other:?} {:?} with {} tokens",
                    form.attr("action"),
                    tokens.len()
                )),
            }
            if form
                .ancestors()
                .filter_map(ElementRef::wrap)
                .any(|e| e.value().name() == "form")
            {
                faults.push("a form in a form".into());
            }
        }
    });
}

#[test]
fn headings_landmarks_and_tables_have_their_order() {
    let row = Selector::parse("tr").unwrap();
    every_page(|html, faults| {
        if select(html, "h1").len() != 1 {
            faults.push("not one heading of the first level".into());
        }
        let mut last = 0;
        for heading in select(html, "main h1, main h2, main h3, main h4") {
            let level = heading.value().name()[1..].parse::<u8>().unwrap();
            if level > last + 1 {
                faults.push(format!("h{level} after h{last}"));
            }
            last = level;
        }
        for cell in select(html, "th") {
            if cell.attr("scope").is_none() {
                faults.push("th without scope".into());
            }
        }
        for table in select(html, "table") {
            let width = |row: ElementRef<'_>| {
                row.child_elements()
                    .map(|c| c.attr("colspan").map_or(1, |n| n.parse().unwrap_or(1)))
                    .sum::<usize>()
            };
            let rows: Vec<_> = table.select(&row).collect();
            let rows: HashSet<_> = rows
                .iter()
                .copied()
                .filter(|row| {
                    row.ancestors()
                        .filter_map(ElementRef::wrap)
                        .find(|e| e.value().name() == "table")
                        == Some(table)
                })
                .map(width)
                .collect();
            if rows.len() > 1 {
                faults.push(format!(
                    "rows of {rows:?} cells in {:?}",
                    table.text().take(3).collect::<String>()
                ));
            }
            if table.select(&Selector::parse("caption").unwrap()).next().is_none() {
                faults.push("table without caption".into());
            }
        }
    });
}

#[test]
fn hostile_values_are_there_as_text() {
    let pages = site::site();
    for page in pages.iter().filter(|page| page.name.ends_with("-hostile")) {
        let html = page.markup.clone().into_string();
        assert!(
            html.contains("&lt;script&gt;alert(1)"),
            "{}: the attack is not in it",
            page.name
        );
        assert!(!html.contains("<script>alert"), "{}", page.name);
    }
}

#[test]
fn the_proof_of_the_gallery_is_genuine() {
    let (text, key) = proof::proof();
    let proof = auditlog_tlog::tlog_proof::TlogProof::parse(&text).unwrap();
    let keys = [auditlog_tlog::note::VerifierKey::parse(&key).unwrap()];
    let leaf = std::array::from_fn(|i| u8::from_str_radix(&proof::entry_hash()[2 * i..2 * i + 2], 16).unwrap());
    proof
        .verify(&leaf, &keys, &auditlog_tlog::policy::Policy::none())
        .unwrap();
    assert_eq!(proof.index, proof::INDEX);
}

#[test]
fn viewers_see_what_they_may_do() {
    use auditlog_pages::layout::{Role, Section};
    let spice = data::Spice(false);
    let links = |roles: &[Role]| {
        let markup = auditlog_pages::pages::help::page(&site::chrome(spice, roles, Section::None, "/")).into_string();
        select(&Html::parse_document(&markup), ".main-nav a")
            .into_iter()
            .filter_map(|a| a.attr("href").map(str::to_owned))
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(links(&[Role::Administrator]), "/ /search /live /alerts /reports /admin");
    assert_eq!(links(&[Role::Analyst]), "/ /search /live /alerts");
    assert_eq!(links(&[Role::Compliance]), "/ /search /live /alerts /reports");
    assert_eq!(links(&[Role::Manager]), "/ /search /live");
    assert_eq!(links(&[Role::User]), "/ /search /live");
    assert_eq!(
        links(&[Role::User, Role::Compliance]),
        "/ /search /live /alerts /reports"
    );
}

#[test]
fn the_style_sheet_has_every_class() {
    let css = auditlog_pages::assets::all()
        .iter()
        .find(|asset| asset.path == "app.css")
        .unwrap();
    let css = std::str::from_utf8(css.body).unwrap();
    assert!(
        !css.contains("url(") && !css.contains("@import") && !css.contains("@font-face"),
        "style sheets load nothing"
    );
}

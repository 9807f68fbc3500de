//! Samples: what is drawn, and what each record says.

use super::*;

#[test]
fn a_sample_that_somebody_has_chosen_is_found() {
    let setup = Setup::new();
    let other =
        |report: &mut Report, section: usize| report.sections[section].sample.as_mut().expect("a sample").seed += "x";
    setup.found("sample", "from the rows", |report| other(report, 0));
    setup.found("sample", "order of the log", |report| {
        report.sections[0].sample.as_mut().expect("a sample").items.swap(0, 1);
    });
    setup.found("sample", "from the rows", |report| {
        drop(report.sections[0].sample.as_mut().expect("a sample").items.remove(0));
    });
    setup.found("sample", "not between the first and the last", |report| {
        let first = report.sections[0].sample.as_ref().expect("a sample").items[0].log_index;
        report.integrity.first_log_index = Some(first + 1);
    });
    // of a section that does not list all events only an unlikely choice is found
    setup.found("sample", "somebody has chosen", |report| {
        let sample = report.sections[1].sample.as_mut().expect("a sample");
        sample.of = 1_000_000;
    });
}

#[test]
fn samples_are_compared_with_their_records() {
    let setup = Setup::new();
    let columns: Vec<String> = setup.synthetic.report.sections[0]
        .sample
        .as_ref()
        .expect("a sample")
        .columns
        .iter()
        .map(|column| column.name.clone())
        .collect();
    for (at, name) in columns.iter().enumerate() {
        setup.found("sample", &format!("«{name}»"), |report| {
            let sample = report.sections[0].sample.as_mut().expect("a sample");
            sample.items[0].values[at] = json!("something else");
        });
    }
    // another record of the same log with its own, right proof
    setup.found("sample", "the record is of log_index", |report| {
        let sample = report.sections[0].sample.as_mut().expect("a sample");
        let second = sample.items[1].clone();
        let first = &mut sample.items[0];
        (first.record, first.entry_hash, first.values) = (second.record, second.entry_hash, second.values);
    });
    // columns that nothing in the event backs
    setup.found("sample", "«verdict»", |report| {
        let sample = report.sections[0].sample.as_mut().expect("a sample");
        sample.columns[3].name = "verdict".to_owned();
    });
    // the class of retention changes and is no part of the event: it is said that it was not checked
    let verified = setup.forged(|report| {
        let sample = report.sections[0].sample.as_mut().expect("a sample");
        sample.columns[3].name = "retention_class".to_owned();
    });
    assert!(verified.fits(), "{}", verified.text());
    assert!(
        verified.text().contains("what samples show as «retention_class»"),
        "{}",
        verified.text()
    );
}

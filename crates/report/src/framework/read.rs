//! Text → [`Framework`].

mod check;
mod exception;
mod values;

use super::{Control, Directness, Framework, FrameworkError, MAX_CONTROLS, Measure, Parameter, Parameters};
use auditlog_policy::alert::definition::Fault;
use auditlog_policy::alert::definition::keys::{Keys, each, name, text, wrong};
use auditlog_policy::yaml::{self, Node, Value};
use auditlog_query::CheckOptions;
use values::{choice, fields, query, whole};

type Read<T> = Result<T, FrameworkError>;

const KEYS: [&str; 8] = [
    "framework",
    "name",
    "version",
    "as_of",
    "authority",
    "notes",
    "parameters",
    "controls",
];

const CONTROL_KEYS: [&str; 13] = [
    "control",
    "title",
    "asks",
    "query",
    "checks",
    "group_by",
    "metrics",
    "fields",
    "derived",
    "exceptions",
    "directness",
    "applies_to",
    "notes",
];

/// Most parameters of a framework, exceptions of a control, and columns of a table.
const MAX_ITEMS: usize = 64;

/// What all parts of a framework are read with.
struct Reader<'a> {
    source: &'a str,
    options: &'a CheckOptions<'a>,
    parameters: Parameters,
}

pub(super) fn framework(source: &str, options: &CheckOptions<'_>) -> Read<Framework> {
    let root = yaml::read(source).map_err(|error| {
        let hint = "Write YAML or JSON with the keys framework, name, version and controls; queries go in quotes.";
        Fault::new(error.message, hint).at(error.place)
    })?;
    let keys = Keys::new(&root, "a framework", &KEYS)?;
    let id_node = keys.need("framework", "Give the framework a short name, such as framework: soc2.")?;
    let id = values::identifier(id_node, "the framework's short name")?;
    let title = name(
        keys.need("name", "Give the full name, such as name: SOC 2 Type II.")?,
        "the name",
        100,
    )?;
    let version = name(
        keys.need(
            "version",
            "Give the version that reports print, such as version: \"2022\".",
        )?,
        "the version",
        200,
    )?;
    let parameters = keys.get("parameters").map_or(Ok(Vec::new()), parameters)?;
    let reader = Reader {
        source,
        options,
        parameters: Parameters::of(&parameters),
    };
    let hint = "Write controls: with a list of controls, each with control, title, asks, and query or checks.";
    let node = keys.need("controls", hint)?;
    let Value::List(items) = &node.value else {
        return Err(wrong(node, "controls", "a list of controls", hint));
    };
    if items.is_empty() || items.len() > MAX_CONTROLS {
        let message = format!("there are {} controls", items.len());
        return Err(Fault::new(message, format!("Write 1 to {MAX_CONTROLS}.")).at(node.place));
    }
    let mut controls: Vec<Control> = Vec::with_capacity(items.len());
    for item in items {
        let control = reader.control(item)?;
        if controls.iter().any(|other| other.control == control.control) {
            let place = item.get("control").unwrap_or(item).place;
            let message = format!("there are two controls {:?}", control.control);
            let hint = "Give each a number of its own, or write both as one with a longer query.";
            return Err(Fault::new(message, hint).at(place));
        }
        controls.push(control);
    }
    let found = Framework {
        id,
        name: title,
        version,
        as_of: keys.get("as_of").map(values::day).transpose()?,
        authority: optional(&keys, "authority")?,
        notes: optional(&keys, "notes")?,
        parameters,
        controls,
    };
    // aliases and escapes may stand for more than is written
    if found.to_json().to_string().len() > yaml::MAX_TEXT_BYTES {
        let message = format!(
            "the framework is longer than {} bytes, written as JSON",
            yaml::MAX_TEXT_BYTES
        );
        return Err(Fault::new(message, "Shorten its texts, or make two frameworks of it.").at(keys.place));
    }
    Ok(found)
}

/// A text of several lines that may be missing.
fn optional(keys: &Keys<'_>, key: &str) -> Read<String> {
    let found = keys.get(key).map(|node| text(node, key, true)).transpose()?;
    Ok(found.unwrap_or_default().trim().to_owned())
}

/// The same for one that must be there.
fn needed(keys: &Keys<'_>, key: &str, what: &str, hint: &str) -> Read<String> {
    let node = keys.need(key, hint)?;
    let found = text(node, what, true)?.trim().to_owned();
    if found.is_empty() {
        return Err(Fault::new(format!("{what} is empty"), hint).at(node.place));
    }
    Ok(found)
}

fn parameters(node: &Node) -> Read<Vec<Parameter>> {
    let hint = "Begin each parameter with a dash, such as - name: retention_days.";
    let Value::List(items) = &node.value else {
        return Err(wrong(node, "parameters", "a list of parameters", hint));
    };
    if items.len() > MAX_ITEMS {
        let message = format!("there are {} parameters", items.len());
        return Err(Fault::new(message, format!("At most {MAX_ITEMS} are taken.")).at(node.place));
    }
    let mut found: Vec<Parameter> = Vec::with_capacity(items.len());
    for item in items {
        let keys = Keys::new(item, "a parameter", &["name", "value", "unit", "basis", "meaning"])?;
        let name_node = keys.need("name", "Give it a name, such as name: retention_days.")?;
        let parameter = Parameter {
            name: values::identifier(name_node, "a parameter's name")?,
            value: whole(
                keys.need("value", "Give its default, such as value: 365.")?,
                "the value",
                0,
            )?,
            unit: choice(
                keys.need("unit", "Say what it counts, such as unit: days.")?,
                "unit",
                &super::Unit::ALL.map(|unit| (unit.name(), unit)),
            )?,
            basis: needed(
                &keys,
                "basis",
                "the basis",
                "Cite what it rests on, such as basis: PCI DSS 10.5.1, or basis: own default.",
            )?,
            meaning: needed(
                &keys,
                "meaning",
                "the meaning",
                "Say what it does, such as meaning: Events are kept at least this long.",
            )?,
        };
        if found.iter().any(|other| other.name == parameter.name) {
            let message = format!("there are two parameters {:?}", parameter.name);
            return Err(Fault::new(message, "Give each a name of its own.").at(name_node.place));
        }
        found.push(parameter);
    }
    Ok(found)
}

impl Reader<'_> {
    fn control(&self, node: &Node) -> Read<Control> {
        let keys = Keys::new(node, "a control", &CONTROL_KEYS)?;
        let number = name(
            keys.need("control", "Give its official number, such as control: CC6.1.")?,
            "the number",
            60,
        )?;
        let query = keys
            .get("query")
            .map(|node| query(self, node, "the query"))
            .transpose()?;
        let checks = keys.get("checks").map_or(Ok(Vec::new()), |node| self.checks(node))?;
        if query.is_none() && checks.is_empty() {
            let message = format!("the control {number:?} has neither a query nor checks");
            let hint = "Say which events are its evidence, such as query: \"status:denied\", or what is checked, such as checks: [{state: chain, tests: [no_gaps]}].";
            return Err(Fault::new(message, hint).at(keys.place));
        }
        let exceptions = match keys.get("exceptions") {
            Some(node) if query.is_none() => {
                let message = format!("the control {number:?} has exceptions but no query");
                let hint = "Exceptions are events of the query: add one, or leave the exceptions to the tests.";
                return Err(Fault::new(message, hint).at(node.place));
            }
            Some(node) => self.exceptions(node, query.as_deref().unwrap_or_default())?,
            None => Vec::new(),
        };
        let columns = check::columns(&checks, query.is_some());
        Ok(Control {
            control: number,
            title: name(
                keys.need("title", "Give it a title in your own words.")?,
                "the title",
                200,
            )?,
            asks: needed(
                &keys,
                "asks",
                "asks",
                "Say which evidence is asked for, in your own words.",
            )?,
            group_by: keys
                .get("group_by")
                .map_or(Ok(Vec::new()), |node| fields(node, "group_by", None, 4))?,
            metrics: keys.get("metrics").map_or(Ok(Vec::new()), metrics)?,
            fields: keys
                .get("fields")
                .map_or(Ok(Vec::new()), |node| fields(node, "fields", Some(&columns), MAX_ITEMS))?,
            derived: keys.get("derived").map_or(Ok(Vec::new()), |node| {
                each(node, |item| values::identifier(item, "a column"))
            })?,
            exceptions,
            directness: choice(
                keys.need(
                    "directness",
                    "Say directness: direct when the log proves the control, or supporting when it proves a part.",
                )?,
                "directness",
                &[Directness::Direct, Directness::Supporting].map(|found| (found.label(), found)),
            )?,
            applies_to: keys
                .get("applies_to")
                .map_or(Ok(Vec::new()), |node| each(node, |item| name(item, "a baseline", 60)))?,
            notes: optional(&keys, "notes")?,
            query,
            checks,
        })
    }
}

fn metrics(node: &Node) -> Read<Vec<Measure>> {
    let known = Measure::ALL.map(|measure| (measure.name(), measure));
    each(node, |item| choice(item, "metric", &known))
}

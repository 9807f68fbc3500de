//! Which values a path means.

use super::Checker;
use crate::ast::Path;
use crate::error::{Notice, QueryError, quoted};
use crate::fields::{self, Field, Kind};
use crate::node::Target;

impl Checker<'_> {
    /// The targets of a path; reports a name that nobody knows.
    pub(super) fn resolve(&mut self, path: &Path) -> Result<Vec<Target>, Box<QueryError>> {
        let written: Vec<String> = path.segments.iter().map(|segment| segment.name.clone()).collect();
        if self.inside {
            return Ok(vec![unknown(written)]);
        }
        // a quoted name is a key as it is spelled: `"Severity"` is not the field `severity`
        if let Some(target) = known(&written)
            && (!path.segments[0].quoted
                || (target.path == written && target.field.is_some_and(|field| field.in_document)))
        {
            return Ok(vec![target]);
        }
        let names = if path.segments[0].quoted {
            Vec::new()
        } else {
            fields::targets(&written[0])
        };
        let mut targets: Vec<Target> = names
            .into_iter()
            .filter_map(|target| {
                let full: Vec<String> = target
                    .split('.')
                    .map(str::to_owned)
                    .chain(written[1..].iter().cloned())
                    .collect();
                // nothing lies below a text: `request.size` is a path, `request` a short name
                known(&full).or_else(|| (written.len() == 1).then(|| unknown(full)))
            })
            .collect();
        if targets.is_empty() && !path.segments[0].quoted {
            self.report_unknown(path, &written)?;
        }
        if targets.is_empty() || self.options.literal_keys {
            let path = if path.segments[0].quoted {
                written
            } else {
                with_known_group(written)
            };
            targets.push(Target {
                literal: !targets.is_empty(),
                ..unknown(path)
            });
        }
        Ok(targets)
    }

    fn report_unknown(&mut self, path: &Path, written: &[String]) -> Result<(), Box<QueryError>> {
        let name = written.join(".");
        let group = fields::GROUPS
            .iter()
            .any(|group| group.eq_ignore_ascii_case(&written[0]));
        if group && written.len() == 1 {
            return Ok(());
        }
        let nearest = fields::nearest(&name);
        // below a group, known or not, every key of a document is kept: only a near name is suspicious
        if written.len() > 1 && nearest.is_none() {
            return Ok(());
        }
        let message = format!("unknown field {}", quoted(&name));
        let hint = match nearest {
            Some(near) => format!("Did you mean «{near}»? Quote the name when a key of this name is meant."),
            None => {
                "auditlog.fields() lists the known ones. Quote the name when a key of this name is meant.".to_owned()
            }
        };
        if self.options.strict {
            return Err(QueryError::syntax(self.text, path.span, message, hint));
        }
        self.notices.push(Notice::new(path.span, message, hint));
        Ok(())
    }
}

/// The longest field of the table that the path is or, below JSON, begins with.
fn known(path: &[String]) -> Option<Target> {
    (1..=path.len().min(2)).rev().find_map(|length| {
        let field = fields::by_path(&path[..length].join("."))?;
        // a quoted "actor.email" is one key, not two
        let segments = field.path.split('.').count();
        (segments == length && (length == path.len() || field.kind == Kind::Json))
            .then(|| target(field, &path[length..]))
    })
}

fn target(field: &'static Field, below: &[String]) -> Target {
    let path = field.path.split('.').map(str::to_owned).chain(below.iter().cloned());
    Target {
        field: Some(field),
        path: path.collect(),
        literal: false,
    }
}

/// A path that the table does not know.
fn unknown(path: Vec<String>) -> Target {
    Target {
        field: None,
        path,
        literal: false,
    }
}

/// The known groups are names of ours, so their case does not matter either.
fn with_known_group(mut path: Vec<String>) -> Vec<String> {
    if let Some(group) = fields::GROUPS.iter().find(|group| group.eq_ignore_ascii_case(&path[0])) {
        path[0] = (*group).to_owned();
    }
    path
}

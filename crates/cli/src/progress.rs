//! How far the work is, on a terminal.

use std::io::IsTerminal;

use auditlog_bundle::verify::Progress;
use indicatif::{ProgressBar, ProgressStyle};

/// A bar on the terminal of standard error, or nothing where there is none.
#[derive(Debug)]
pub struct Bar(ProgressBar);

impl Bar {
    /// A bar; hidden when `quiet` or without a terminal.
    pub fn new(quiet: bool) -> Self {
        let bar = if quiet || !std::io::stderr().is_terminal() {
            ProgressBar::hidden()
        } else {
            ProgressBar::new(0)
        };
        let style = "{elapsed_precise} {wide_bar} {human_pos}/{human_len} events, {per_sec}, {eta} left";
        bar.set_style(ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self(bar)
    }

    /// Takes it off the terminal.
    pub fn finish(&self) {
        self.0.finish_and_clear();
    }
}

impl Progress for Bar {
    fn start(&self, events: u64) {
        self.0.set_length(events);
    }

    fn add(&self, events: u64) {
        self.0.inc(events);
    }
}

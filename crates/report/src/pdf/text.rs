//! Text as glyphs with their places, and its lines.
//!
//! Most text is one glyph per character, with the widths of the font's table. Text with other scripts, marks or from right to left is
//! shaped by HarfBuzz's rules and brought into its visual order line by line.

use unicode_bidi::{BidiInfo, Level};

use super::escape::{Lines, drawable};
use super::fonts::{Face, Fonts};
use super::shaping::is_simple;
use super::style::Type;

/// A glyph; measures in ems.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Glyph {
    pub id: u16,
    /// Bytes of the text that it stands for.
    pub start: u32,
    pub end: u32,
    pub advance: f32,
    pub dx: f32,
    pub dy: f32,
}

/// What may happen behind a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Break {
    /// A break only when nothing else is left.
    No,
    /// Better than within a word: behind `/`, `-`, `,` …
    Soft,
    /// A space: a line may end here, and the space is not drawn at its end.
    Space,
    /// A line feed.
    Forced,
}

/// What cannot be divided: mostly a character.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cluster {
    /// Glyphs from left to right.
    pub glyphs: (u32, u32),
    pub font: u8,
    /// Of the bidirectional algorithm: odd from right to left.
    pub level: u8,
    /// In ems.
    pub width: f32,
    pub after: Break,
}

/// A text that is ready to be broken into lines and drawn.
#[derive(Debug)]
pub(crate) struct Shaped {
    pub text: String,
    pub glyphs: Vec<Glyph>,
    pub(super) clusters: Vec<Cluster>,
}

/// A line: clusters, and its width in points.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Line {
    from: usize,
    until: usize,
    pub width: f32,
}

/// Glyphs of a line that are drawn at once: of one font, from left to right.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    pub font: u8,
    /// Indexes of the glyphs.
    pub from: u32,
    pub until: u32,
    /// Width in ems.
    pub width: f32,
}

impl Shaped {
    /// Escapes and shapes a text.
    pub(crate) fn new(fonts: &Fonts, face: Face, text: &str, lines: Lines) -> Self {
        let text = drawable(fonts, text, lines);
        let mut shaped = Self {
            glyphs: Vec::with_capacity(text.len()),
            clusters: Vec::with_capacity(text.len()),
            text: String::new(),
        };
        if text.chars().all(is_simple) {
            for (at, character) in text.char_indices() {
                match fonts.find(face, character) {
                    Some(found) => shaped.push_simple(found, at, character, 0),
                    None => shaped.push_other(at, character),
                }
            }
        } else {
            shaped.shape(fonts, face, &text);
        }
        shaped.text = text.into_owned();
        shaped
    }

    /// Width in points of the widest line when no line is broken but at line feeds.
    pub(crate) fn natural_width(&self, size: f32) -> f32 {
        self.widest(size, |after| after == Break::Forced)
    }

    /// Width in points of the widest word.
    pub(crate) fn widest_word(&self, size: f32) -> f32 {
        self.widest(size, |after| matches!(after, Break::Space | Break::Forced))
    }

    fn widest(&self, size: f32, ends: impl Fn(Break) -> bool) -> f32 {
        let widths = self.clusters.split(|cluster| ends(cluster.after));
        widths
            .map(|part| part.iter().map(|cluster| cluster.width).sum())
            .fold(0.0, f32::max)
            * size
    }

    /// The lines of a width in points, at least one.
    pub(crate) fn lines(&self, size: f32, width: f32) -> Vec<Line> {
        let limit = width / size + 1e-3;
        let mut lines = Vec::new();
        let mut start = 0;
        while start < self.clusters.len() {
            let (end, next) = self.line_end(start, limit);
            lines.push(self.line(start, end, size));
            start = next;
        }
        if lines.is_empty() || self.clusters.last().is_some_and(|last| last.after == Break::Forced) {
            lines.push(Line {
                from: self.clusters.len(),
                until: self.clusters.len(),
                width: 0.0,
            });
        }
        lines
    }

    /// Where the line from `start` ends, and where the next begins.
    fn line_end(&self, start: usize, limit: f32) -> (usize, usize) {
        let (mut width, mut space, mut soft) = (0.0, None, None);
        for (index, cluster) in self.clusters.iter().enumerate().skip(start) {
            if cluster.after == Break::Forced {
                return (index, index + 1);
            }
            width += cluster.width;
            if width > limit && cluster.after != Break::Space && index > start {
                // A word that fits on a line is not divided; one that does not goes on where it is.
                let whole = space.filter(|at| self.fits(*at, limit));
                let end = whole
                    .or(soft.filter(|at| *at > start && self.width(start, *at) >= limit * 0.5))
                    .unwrap_or(index);
                return (end, end);
            }
            match cluster.after {
                Break::Space => space = Some(index + 1),
                Break::Soft => soft = Some(index + 1),
                Break::No | Break::Forced => {}
            }
        }
        (self.clusters.len(), self.clusters.len())
    }

    fn width(&self, from: usize, until: usize) -> f32 {
        self.clusters[from..until].iter().map(|cluster| cluster.width).sum()
    }

    /// Whether the word from a cluster on fits on a line.
    fn fits(&self, from: usize, limit: f32) -> bool {
        let mut width = 0.0;
        for cluster in &self.clusters[from..] {
            if matches!(cluster.after, Break::Space | Break::Forced) {
                break;
            }
            width += cluster.width;
            if width > limit {
                return false;
            }
        }
        true
    }

    fn line(&self, from: usize, until: usize, size: f32) -> Line {
        let mut until = until;
        while until > from && self.clusters[until - 1].after == Break::Space {
            until -= 1;
        }
        Line {
            from,
            until,
            width: self.width(from, until) * size,
        }
    }

    /// A line without what is beyond a width in points.
    pub(crate) fn trimmed(&self, line: Line, size: f32, width: f32) -> Line {
        let mut line = line;
        while line.until > line.from && line.width > width {
            line.until -= 1;
            line.width -= self.clusters[line.until].width * size;
        }
        line
    }

    /// The runs of a line, from left to right.
    pub(crate) fn runs(&self, line: Line, mut draw: impl FnMut(Run)) {
        let clusters = &self.clusters[line.from..line.until];
        if clusters.iter().all(|cluster| cluster.level == 0) {
            join(clusters.iter(), &mut draw);
            return;
        }
        let levels: Vec<Level> = clusters
            .iter()
            .map(|cluster| Level::new(cluster.level).unwrap_or(Level::ltr()))
            .collect();
        let order = BidiInfo::reorder_visual(&levels);
        join(order.iter().map(|&index| &clusters[index]), &mut draw);
    }
}

fn join<'a>(clusters: impl Iterator<Item = &'a Cluster>, draw: &mut impl FnMut(Run)) {
    let mut run: Option<Run> = None;
    for cluster in clusters {
        match &mut run {
            Some(run) if run.font == cluster.font && run.until == cluster.glyphs.0 => {
                run.until = cluster.glyphs.1;
                run.width += cluster.width;
            }
            _ => {
                let next = Run {
                    font: cluster.font,
                    from: cluster.glyphs.0,
                    until: cluster.glyphs.1,
                    width: cluster.width,
                };
                if let Some(done) = run.replace(next) {
                    draw(done);
                }
            }
        }
    }
    if let Some(done) = run {
        draw(done);
    }
}

/// A text in a type, ready to be drawn.
pub(crate) fn shaped(fonts: &Fonts, style: &Type, text: &str) -> Shaped {
    Shaped::new(fonts, style.face, text, Lines::Escape)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str, width: f32) -> Vec<String> {
        let fonts = Fonts::read().unwrap();
        let shaped = Shaped::new(&fonts, Face::Mono, text, Lines::Keep);
        // A character of the mono font is 0.602 em wide.
        shaped
            .lines(10.0, width * 6.03)
            .iter()
            .map(|line| visible(&shaped, *line))
            .collect()
    }

    fn visible(shaped: &Shaped, line: Line) -> String {
        let mut out = String::new();
        shaped.runs(line, |run| {
            for glyph in &shaped.glyphs[run.from as usize..run.until as usize] {
                out.push_str(&shaped.text[glyph.start as usize..glyph.end as usize]);
            }
        });
        out
    }

    #[test]
    fn lines_break_at_spaces_then_at_signs_then_anywhere() {
        assert_eq!(lines("the quick brown fox", 10.0), ["the quick", "brown fox"]);
        assert_eq!(lines("a abcdefgh", 8.0), ["a", "abcdefgh"]);
        assert_eq!(lines("a abcdefghi", 8.0), ["a abcdef", "ghi"]);
        assert_eq!(
            lines("a/long/path/name", 8.0),
            ["a/long/", "path/", "name"].map(String::from)
        );
        assert_eq!(lines("aaaaaaaaaaaaaaaaaaaaa", 8.0), ["aaaaaaaa", "aaaaaaaa", "aaaaa"]);
        assert_eq!(lines("a\n\nb\n", 8.0), ["a", "", "b", ""]);
        assert_eq!(lines("", 8.0), [""]);
        assert_eq!(lines("abc", 0.1), ["a", "b", "c"]);
    }

    #[test]
    fn no_line_is_wider_than_asked_for_and_nothing_is_lost() {
        let fonts = Fonts::read().unwrap();
        let text = "Zürich नमस्ते مرحبا بالعالم a\u{301}bc/def-ghi שלום 12345 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
        let shaped = Shaped::new(&fonts, Face::Sans, text, Lines::Escape);
        for width in [20.0, 50.0, 90.0, 1000.0] {
            let mut seen: Vec<char> = Vec::new();
            for line in shaped.lines(9.0, width) {
                assert!(line.width <= width + 0.1, "{line:?} in {width}");
                let mut last = None;
                shaped.runs(line, |run| {
                    for glyph in &shaped.glyphs[run.from as usize..run.until as usize] {
                        if last != Some(glyph.start) {
                            seen.extend(shaped.text[glyph.start as usize..glyph.end as usize].chars());
                        }
                        last = Some(glyph.start);
                    }
                });
            }
            let sorted = |chars: &mut Vec<char>| {
                chars.retain(|character| *character != ' ');
                chars.sort_unstable();
            };
            let mut all: Vec<char> = text.chars().collect();
            sorted(&mut seen);
            sorted(&mut all);
            assert_eq!(seen, all);
        }
    }

    #[test]
    fn text_from_right_to_left_is_drawn_so() {
        let fonts = Fonts::read().unwrap();
        let shaped = Shaped::new(&fonts, Face::Sans, "ab שלום cd", Lines::Escape);
        let line = shaped.lines(10.0, 500.0)[0];
        assert_eq!(visible(&shaped, line), "ab םולש cd");
    }
}

//! From characters to glyphs: one for each where that is enough, else by HarfBuzz's rules.

use unicode_bidi::{BidiInfo, Level};

use super::fonts::{Face, Fonts, Found, Placed};
use super::text::{Break, Cluster, Glyph, Shaped};

impl Shaped {
    pub(super) fn push_simple(&mut self, found: Found, at: usize, character: char, level: u8) {
        let glyph = self.glyphs.len() as u32;
        self.glyphs.push(Glyph {
            id: found.glyph,
            start: at as u32,
            end: (at + character.len_utf8()) as u32,
            advance: found.advance,
            dx: 0.0,
            dy: 0.0,
        });
        self.clusters.push(Cluster {
            glyphs: (glyph, glyph + 1),
            font: found.font,
            level,
            width: found.advance,
            after: break_after(character),
        });
    }

    /// A line feed; everything else without a glyph has been escaped.
    pub(super) fn push_other(&mut self, _at: usize, character: char) {
        if character == '\n' {
            let glyph = self.glyphs.len() as u32;
            self.clusters.push(Cluster {
                glyphs: (glyph, glyph),
                font: 0,
                level: 0,
                width: 0.0,
                after: Break::Forced,
            });
        }
    }

    pub(super) fn shape(&mut self, fonts: &Fonts, face: Face, text: &str) {
        let bidi = BidiInfo::new(text, Some(Level::ltr()));
        let mut run: Option<(usize, u8, u8)> = None;
        for (at, character) in text.char_indices() {
            let level = bidi.levels[at].number();
            // A mark is drawn by the font of its letter when that has it.
            let found = run
                .filter(|_| !is_simple(character))
                .and_then(|(_, font, _)| fonts.find_in(font, character))
                .or_else(|| fonts.find(face, character));
            let here = found.map(|found| (found.font, level));
            if let Some((start, font, of)) = run
                && here != Some((font, of))
            {
                self.shape_run(fonts, &text[start..at], start, font, of);
                run = None;
            }
            match here {
                Some((font, level)) => run = run.or(Some((at, font, level))),
                None => self.push_other(at, character),
            }
        }
        if let Some((start, font, level)) = run {
            self.shape_run(fonts, &text[start..], start, font, level);
        }
    }

    fn shape_run(&mut self, fonts: &Fonts, text: &str, offset: usize, font: u8, level: u8) {
        let Some(placed) = fonts.shape(font, text, level % 2 == 1) else {
            for (at, character) in text.char_indices() {
                if let Some(found) = fonts.find_in(font, character) {
                    self.push_simple(found, offset + at, character, level);
                }
            }
            return;
        };
        // Clusters in the order of the text, the glyphs of each from left to right.
        let mut groups: Vec<&[Placed]> = placed.chunk_by(|a, b| a.at == b.at).collect();
        if level % 2 == 1 {
            groups.reverse();
        }
        for (index, group) in groups.iter().enumerate() {
            let start = group[0].at;
            let end = groups.get(index + 1).map_or(text.len(), |next| next[0].at);
            let from = self.glyphs.len() as u32;
            self.glyphs.extend(group.iter().map(|placed| Glyph {
                id: placed.glyph as u16,
                start: (offset + start) as u32,
                end: (offset + end) as u32,
                advance: placed.advance,
                dx: placed.dx,
                dy: placed.dy,
            }));
            self.clusters.push(Cluster {
                glyphs: (from, self.glyphs.len() as u32),
                font,
                level,
                width: group.iter().map(|placed| placed.advance).sum(),
                after: text[start..end].chars().next_back().map_or(Break::No, break_after),
            });
        }
    }
}

/// Whether a character needs no shaping: letters with their own glyph, from left to right.
pub(super) fn is_simple(character: char) -> bool {
    matches!(character,
        '\u{0}'..='\u{2ff}' | '\u{370}'..='\u{482}' | '\u{48a}'..='\u{58f}' | '\u{10a0}'..='\u{10ff}'
        | '\u{1e00}'..='\u{20cf}' | '\u{2100}'..='\u{2dff}')
}

fn break_after(character: char) -> Break {
    match character {
        ' ' => Break::Space,
        '/' | '-' | ',' | ';' | ':' | '&' | '?' | '=' | '_' | '.' | '@' | '|' | ')' | '}' | ']' => Break::Soft,
        _ => Break::No,
    }
}

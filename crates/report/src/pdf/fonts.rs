//! The fonts in the crate, and which of them has a character.

use harfrust::{Direction, ShapeOptions, Shaper, ShaperData, UnicodeBuffer};
use krilla::text::Font;
use skrifa::instance::{LocationRef, Size};
use skrifa::{FontRef, MetadataProvider};

/// What a text is set in; characters that the face lacks come from the fallback fonts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Face {
    Sans,
    Bold,
    Mono,
}

/// In the order of [`Fonts::fonts`]; the first three are the faces.
const FILES: [&[u8]; 6] = [
    include_bytes!("../../fonts/NotoSans-Regular.ttf"),
    include_bytes!("../../fonts/NotoSans-Bold.ttf"),
    include_bytes!("../../fonts/DejaVuSansMono.ttf"),
    // Armenian, Georgian, Hebrew, Arabic, mathematics, boxes, symbols
    include_bytes!("../../fonts/DejaVuSans.ttf"),
    include_bytes!("../../fonts/NotoSansDevanagari-Regular.ttf"),
    include_bytes!("../../fonts/NotoSansThai-Regular.ttf"),
];
const FALLBACKS: std::ops::Range<u8> = 3..6;

/// Characters whose glyphs are looked up once: most of what logs hold.
const CACHED: usize = 0x500;

/// A glyph of a character, its advance in ems.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Found {
    /// Index into [`Fonts::fonts`].
    pub font: u8,
    /// The glyph.
    pub glyph: u16,
    /// Width in ems.
    pub advance: f32,
}

struct Loaded {
    pdf: Font,
    file: FontRef<'static>,
    shaping: ShaperData,
    em: f32,
    low: Vec<Option<Found>>,
}

/// The fonts, read.
pub(crate) struct Fonts {
    fonts: Vec<Loaded>,
}

/// A shaped glyph: the byte of the text that its cluster begins at, and its place in ems.
pub(crate) struct Placed {
    pub glyph: u32,
    pub at: usize,
    pub advance: f32,
    pub dx: f32,
    pub dy: f32,
}

impl Fonts {
    /// Reads the fonts of the crate.
    ///
    /// Returns none when one is damaged, which the tests exclude.
    pub(crate) fn read() -> Option<Self> {
        let mut fonts = Vec::with_capacity(FILES.len());
        for (index, &bytes) in FILES.iter().enumerate() {
            let file = FontRef::new(bytes).ok()?;
            let pdf = Font::new(bytes.into(), 0)?;
            let em = pdf.units_per_em();
            let mut loaded = Loaded {
                pdf,
                shaping: ShaperData::new(&file),
                file,
                em,
                low: Vec::new(),
            };
            loaded.low = (0..CACHED as u32)
                .map(|code| char::from_u32(code).and_then(|character| loaded.look_up(index as u8, character)))
                .collect();
            fonts.push(loaded);
        }
        Some(Self { fonts })
    }

    /// The font of an index, for drawing.
    pub(crate) fn pdf(&self, font: u8) -> &Font {
        &self.fonts[usize::from(font)].pdf
    }

    /// The glyph of a character in a face or in what stands in for it; none when no font has it.
    pub(crate) fn find(&self, face: Face, character: char) -> Option<Found> {
        self.find_in(face as u8, character)
            .or_else(|| FALLBACKS.clone().find_map(|font| self.find_in(font, character)))
    }

    /// The glyph of a character in one font.
    pub(crate) fn find_in(&self, font: u8, character: char) -> Option<Found> {
        let loaded = &self.fonts[usize::from(font)];
        match loaded.low.get(character as usize) {
            Some(found) => *found,
            None => loaded.look_up(font, character),
        }
    }

    /// Shapes a run of one font and one direction; the glyphs come from left to right. None when a glyph is missing.
    pub(crate) fn shape(&self, font: u8, text: &str, right_to_left: bool) -> Option<Vec<Placed>> {
        let loaded = &self.fonts[usize::from(font)];
        let shaper: Shaper<'_> = loaded.shaping.shaper(&loaded.file).build();
        let mut buffer = UnicodeBuffer::new();
        buffer.push_str(text);
        buffer.set_direction(if right_to_left {
            Direction::RightToLeft
        } else {
            Direction::LeftToRight
        });
        buffer.guess_segment_properties();
        let shaped = shaper.shape(buffer, ShapeOptions::default());
        let scale = 1.0 / loaded.em;
        shaped
            .glyph_infos()
            .iter()
            .zip(shaped.glyph_positions())
            .map(|(info, place)| {
                (info.glyph_id != 0).then_some(Placed {
                    glyph: info.glyph_id,
                    at: info.cluster as usize,
                    advance: place.x_advance as f32 * scale,
                    dx: place.x_offset as f32 * scale,
                    dy: place.y_offset as f32 * scale,
                })
            })
            .collect()
    }
}

impl Loaded {
    fn look_up(&self, font: u8, character: char) -> Option<Found> {
        let glyph = self.file.charmap().map(character).filter(|glyph| glyph.to_u32() != 0)?;
        let metrics = self.file.glyph_metrics(Size::unscaled(), LocationRef::default());
        let advance = metrics.advance_width(glyph).unwrap_or(0.0) / self.em;
        Some(Found {
            font,
            glyph: u16::try_from(glyph.to_u32()).ok()?,
            advance,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fonts_are_whole_and_have_the_scripts() {
        let fonts = Fonts::read().unwrap();
        for character in "AzÄßŁőΩжЂԱაשلकไ€→✓│∑".chars() {
            for face in [Face::Sans, Face::Bold, Face::Mono] {
                assert!(fonts.find(face, character).is_some(), "{character} in {face:?}");
            }
        }
        assert!(fonts.find(Face::Sans, '\u{10ffff}').is_none());
    }

    #[test]
    fn figures_are_equally_wide() {
        let fonts = Fonts::read().unwrap();
        for face in [Face::Sans, Face::Bold, Face::Mono] {
            let widths: Vec<f32> = ('0'..='9')
                .map(|figure| fonts.find(face, figure).unwrap().advance)
                .collect();
            assert!(widths.iter().all(|width| *width == widths[0]), "{widths:?}");
        }
    }
}

//! What pages look like: measures in points (1/72 inch), colours, sizes of text.

use super::fonts::Face;

/// A colour of the sRGB space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rgb(pub u8, pub u8, pub u8);

/// A4.
pub(crate) const PAGE_WIDTH: f32 = 595.28;
/// See [`PAGE_WIDTH`].
pub(crate) const PAGE_HEIGHT: f32 = 841.89;
/// Left edge of the text.
pub(crate) const LEFT: f32 = 56.0;
/// Right edge of the text.
pub(crate) const RIGHT: f32 = PAGE_WIDTH - 56.0;
/// Width of the text.
pub(crate) const WIDTH: f32 = RIGHT - LEFT;
/// Top of the text.
pub(crate) const TOP: f32 = 76.0;
/// Bottom of the text.
pub(crate) const BOTTOM: f32 = PAGE_HEIGHT - 68.0;

/// Text.
pub(crate) const INK: Rgb = Rgb(0x1b, 0x24, 0x30);
/// Labels and notes: 5.9 : 1 on white.
pub(crate) const MUTED: Rgb = Rgb(0x57, 0x63, 0x70);
/// Lines between rows.
pub(crate) const HAIRLINE: Rgb = Rgb(0xd9, 0xdf, 0xe5);
/// Behind cards, queries and heads of tables.
pub(crate) const PALE: Rgb = Rgb(0xf4, 0xf6, 0xf8);
/// The one accent.
pub(crate) const ACCENT: Rgb = Rgb(0x14, 0x4a, 0x75);
/// The accent, behind text.
pub(crate) const ACCENT_PALE: Rgb = Rgb(0xe6, 0xee, 0xf5);
/// Paper.
pub(crate) const WHITE: Rgb = Rgb(0xff, 0xff, 0xff);

/// Colours of a verdict or a severity; it is always written as a word, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tone {
    /// Of text on white or on `back`: at least 4.5 : 1.
    pub text: Rgb,
    /// Behind text.
    pub back: Rgb,
}

/// Must be explained.
pub(crate) const CRITICAL: Tone = Tone {
    text: Rgb(0x9f, 0x16, 0x1c),
    back: Rgb(0xfb, 0xe9, 0xe9),
};
/// Should be explained.
pub(crate) const WARNING: Tone = Tone {
    text: Rgb(0x85, 0x4a, 0x00),
    back: Rgb(0xfd, 0xf1, 0xdc),
};
/// Nothing needs a look.
pub(crate) const GOOD: Tone = Tone {
    text: Rgb(0x17, 0x62, 0x36),
    back: Rgb(0xe5, 0xf4, 0xea),
};
/// Worth knowing.
pub(crate) const NEUTRAL: Tone = Tone {
    text: Rgb(0x3f, 0x4c, 0x5a),
    back: Rgb(0xec, 0xef, 0xf2),
};
/// Information.
pub(crate) const INFORM: Tone = Tone {
    text: ACCENT,
    back: ACCENT_PALE,
};

/// Colours of a chart's series; each has a name and its numbers beside it.
pub(crate) const SERIES: [Rgb; 6] = [
    ACCENT,
    Rgb(0xc2, 0x6a, 0x1b),
    Rgb(0x2f, 0x7d, 0x6d),
    Rgb(0x8a, 0x3f, 0x72),
    Rgb(0x6b, 0x76, 0x82),
    Rgb(0xa8, 0x8b, 0x1a),
];

/// A size of text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Type {
    pub face: Face,
    pub size: f32,
    /// From one baseline to the next.
    pub leading: f32,
    pub color: Rgb,
}

impl Type {
    /// The same in another colour.
    pub(crate) const fn colored(self, color: Rgb) -> Self {
        Self { color, ..self }
    }

    /// From the top of a line to its baseline.
    pub(crate) fn ascent(&self) -> f32 {
        // Half of the leading above and below of a text that is 0.74 high and 0.22 deep.
        (self.leading - self.size * 0.96) / 2.0 + self.size * 0.74
    }
}

const fn text(face: Face, size: f32, leading: f32, color: Rgb) -> Type {
    Type {
        face,
        size,
        leading,
        color,
    }
}

/// The title on the cover.
pub(crate) const COVER_TITLE: Type = text(Face::Bold, 30.0, 37.0, INK);
/// What is below the title on the cover.
pub(crate) const COVER_SUBTITLE: Type = text(Face::Sans, 14.0, 20.0, MUTED);
/// Heading of a part.
pub(crate) const H1: Type = text(Face::Bold, 18.0, 24.0, INK);
/// Heading inside of a part.
pub(crate) const H2: Type = text(Face::Bold, 11.0, 15.0, INK);
/// Small heading.
pub(crate) const H3: Type = text(Face::Bold, 9.0, 12.5, INK);
/// Running text.
pub(crate) const BODY: Type = text(Face::Sans, 9.5, 14.0, INK);
/// Notes.
pub(crate) const SMALL: Type = text(Face::Sans, 8.0, 11.0, MUTED);
/// Labels above values.
pub(crate) const LABEL: Type = text(Face::Bold, 7.0, 9.5, MUTED);
/// Queries, notes of a checkpoint.
pub(crate) const CODE: Type = text(Face::Mono, 8.0, 11.5, INK);
/// Cells.
pub(crate) const CELL: Type = text(Face::Sans, 7.5, 10.0, INK);
/// Cells with hashes and identifiers.
pub(crate) const CELL_CODE: Type = text(Face::Mono, 6.8, 10.0, INK);
/// Heads of columns.
pub(crate) const CELL_HEAD: Type = text(Face::Bold, 7.5, 10.0, INK);
/// The figure of a card.
pub(crate) const FIGURE: Type = text(Face::Bold, 15.0, 19.0, INK);
/// Badges.
pub(crate) const BADGE: Type = text(Face::Bold, 7.0, 9.0, INK);
/// Text of charts.
pub(crate) const CHART: Type = text(Face::Sans, 6.8, 9.0, MUTED);

//! Icons: lines of one width on a grid of 16, in the colour of the text, never the only bearer of a meaning.

use maud::{Markup, html};

macro_rules! icons {
    ($($name:ident $path:literal,)*) => {
        /// An icon.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Icon {
            $(#[doc = stringify!($name)] $name,)*
        }

        impl Icon {
            fn path(self) -> &'static str {
                match self { $(Self::$name => $path,)* }
            }
        }
    };
}

icons! {
    Overview "M2.5 9.5h3v4h-3zM6.5 2.5h3v11h-3zM10.5 6.5h3v7h-3z",
    Search "M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM10.3 10.3l3.2 3.2",
    Live "M8 7a1 1 0 1 0 0 2 1 1 0 0 0 0-2zM5.2 10.8a4 4 0 0 1 0-5.6M10.8 5.2a4 4 0 0 1 0 5.6M3 13a7 7 0 0 1 0-10M13 3a7 7 0 0 1 0 10",
    Alert "M8 2.2a4 4 0 0 0-4 4c0 3.6-1.5 4.8-1.5 4.8h11S12 9.800 12 6.200a4 4 0 0 0-4-4zM6.600 13.300a1.600 1.600 0 0 0 2.800 0",
    Report "M3.500 1.800h6l3 3v9.400h-9zM9.200 2v3.200h3.200M5.800 8h4.400M5.800 10.800h4.400",
    Admin "M2 4.500h6.500M11.500 4.500H14M10 3v3M2 11.500h2.500M7.500 11.500H14M6 10v3",
    Seal "M8 1.700 9.700 3l2.200-.100.500 2.100L14.200 6.300 13.400 8.400 14 10.500l-2 .900-.700 2-2.100-.200L8 14.400 6.800 13.200l-2.100.200-.700-2-2-.900.600-2.100L1.800 6.300 3.600 5l.500-2.100L6.300 3zM5.600 8.100l1.700 1.700 3.100-3.400",
    Check "M3 8.500l3.200 3.200L13 4.800",
    Cross "M4 4l8 8M12 4l-8 8",
    Warning "M8 2.200 14.300 13.300H1.700zM8 6.300v3.400M8 11.200v.600",
    Info "M8 1.800a6.200 6.200 0 1 0 0 12.400A6.200 6.200 0 0 0 8 1.800zM8 7.300v4M8 4.700v.600",
    Stop "M5.400 1.800h5.200l3.600 3.600v5.200l-3.600 3.600H5.400L1.800 10.600V5.400zM8 4.800v4M8 10.600v.600",
    Clock "M8 1.800a6.200 6.200 0 1 0 0 12.400A6.200 6.200 0 0 0 8 1.800zM8 4.500V8l2.400 1.600",
    Minus "M3.500 8h9",
    Dot "M8 6.200a1.800 1.800 0 1 0 0 3.600 1.800 1.800 0 0 0 0-3.600z",
    Plus "M8 3v10M3 8h10",
    Download "M8 2v8M4.700 7 8 10.300 11.300 7M2.500 13.500h11",
    Copy "M5.500 5.500h8v8h-8zM10.500 5.300V2.500h-8v8h2.800",
    Pause "M5.500 3v10M10.500 3v10",
    Play "M4.500 2.800 12.800 8l-8.300 5.200z",
    Previous "M10 3 5 8l5 5",
    Next "M6 3l5 5-5 5",
    Down "M3.500 6 8 10.500 12.500 6",
    Save "M4 2h8v12l-4-3-4 3z",
    Theme "M8 1.800a6.200 6.200 0 1 0 0 12.400zM8 1.800a6.200 6.200 0 0 1 0 12.400",
    Lock "M3.500 7.200h9v6.600h-9zM5.300 7V5a2.700 2.700 0 0 1 5.400 0v2",
    User "M8 2.200a2.700 2.700 0 1 0 0 5.400 2.700 2.700 0 0 0 0-5.400zM2.800 14c.300-3 2.300-4.600 5.200-4.600s4.900 1.600 5.200 4.600",
    Exit "M9.500 2.500H3v11h6.500M6.500 8H14M11.300 5.300 14 8l-2.700 2.700",
    Mute "M2.500 6.200v3.600h2.600l3.400 3V3.200l-3.400 3zM11 6.200l3 3.600M14 6.200l-3 3.600",
    Columns "M2 2.800h12v10.400H2zM6 2.800v10.400M10 2.800v10.400",
    Keyboard "M1.500 4h13v8.500h-13zM4 6.500h.500M6.800 6.500h.500M9.500 6.500h.500M12 6.500h.200M4.500 9.800h7",
    Diff "M2.5 8h11M9.500 4 13.500 8l-4 4",
    Exclude "M8 1.800a6.200 6.200 0 1 0 0 12.400A6.200 6.200 0 0 0 8 1.800zM5 8h6",
    Refresh "M13 8a5 5 0 1 1-1.500-3.500M13 2.300v2.700h-2.700",
}

/// The icon, hidden from those who hear the page.
pub fn icon(icon: Icon) -> Markup {
    html! {
        svg.icon viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false" { path d=(icon.path()) {} }
    }
}

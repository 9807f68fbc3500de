//! The pages of `auditlog-server`: typed view models in, HTML out; and the static files that the pages need.
//!
//! Pure: no clock, no I/O, no database, no web framework. The server fills a [`layout::Chrome`] (who is signed in, what
//! is known of the log's integrity) and a page's `Model`, calls `page(&chrome, &model)` and sends the
//! markup. What comes from the log is hostile text: it reaches HTML through [`text`] alone, and never becomes a link to
//! anything but a page of ours ([`url`]).
//!
//! The routes, form fields and REST shapes that the pages count on are listed in the crate's README.
#![forbid(unsafe_code)]

pub mod assets;
pub mod chart;
pub mod components;
pub mod event;
pub mod format;
pub mod layout;
pub mod pages;
pub mod text;
pub mod time;
pub mod url;

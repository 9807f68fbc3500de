//! Links of viewers: how long they may be good, and which sites may have them in a frame.

use std::time::Duration;

use auditlog_sink::client::{SCHEMES, Url};

use super::{ConfigError, Given};

/// No link is good for longer, whatever is said.
const LONGEST: Duration = Duration::from_secs(24 * 3_600);
/// Unless something else is said.
const USUAL: Duration = Duration::from_secs(15 * 60);

/// Links of viewers.
#[derive(Debug, Clone)]
pub struct ViewerSettings {
    /// How long a link may be good, and is unless less is asked for.
    pub longest: Duration,
    /// Origins of pages that may have the list in a frame.
    pub origins: Vec<String>,
}

impl ViewerSettings {
    /// What was said of it.
    ///
    /// # Errors
    /// When it is no time of a minute to a day, or an origin is none.
    pub fn of(given: &Given) -> Result<ViewerSettings, ConfigError> {
        let longest = given.viewer_longest.map_or(USUAL, |span| span.0);
        if !(Duration::from_secs(60)..=LONGEST).contains(&longest) {
            return Err(ConfigError::Wrong("viewer_longest is a minute to 24 hours".to_owned()));
        }
        let origins = given.viewer_origins.as_deref().unwrap_or_default().split(',');
        let origins = origins.map(str::trim).filter(|origin| !origin.is_empty());
        Ok(ViewerSettings {
            longest,
            origins: origins.map(origin).collect::<Result<_, _>>()?,
        })
    }

    /// How many minutes a link is good unless it is asked for less.
    pub fn minutes(&self) -> i32 {
        i32::try_from(self.longest.as_secs() / 60).unwrap_or(1)
    }

    /// Who may have it in a frame, as Content-Security-Policy says it.
    pub fn ancestors(&self) -> String {
        match self.origins.is_empty() {
            true => "'none'".to_owned(),
            false => self.origins.join(" "),
        }
    }
}

/// A scheme, a host and a port, without anything that would mean more to a browser.
fn origin(text: &str) -> Result<String, ConfigError> {
    let wrong = || {
        ConfigError::Wrong(format!(
            "viewer_origins: «{}» is no origin such as https://portal.example.com",
            text.escape_debug()
        ))
    };
    let url = Url::parse(text, SCHEMES).map_err(|_| wrong())?;
    if !url.path.is_empty() || (url.scheme == "http" && !url.is_loopback()) {
        return Err(wrong());
    }
    Ok(format!("{}://{}", url.scheme, url.authority()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(origins: &str) -> Result<ViewerSettings, ConfigError> {
        ViewerSettings::of(&Given {
            viewer_origins: Some(origins.to_owned()),
            ..Given::default()
        })
    }

    #[test]
    fn only_origins() {
        assert_eq!(of("").expect("none").ancestors(), "'none'");
        let two = of("https://Portal.example.com, http://localhost:3000,").expect("two");
        assert_eq!(two.ancestors(), "https://Portal.example.com http://localhost:3000");
        assert_eq!(two.minutes(), 15);
        for wrong in [
            "*",
            "https://*.example.com",
            "https://a.example/x",
            "http://a.example",
            "https://a.example; script-src *",
            "'self'",
            "data:",
            "https:",
            "https://u:p@a.example",
        ] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
        for (span, good) in [("30s", false), ("60s", true), ("24h", true), ("25h", false)] {
            let given = Given {
                viewer_longest: Some(span.parse().expect("a time")),
                ..Given::default()
            };
            assert_eq!(ViewerSettings::of(&given).is_ok(), good, "{span}");
        }
    }
}

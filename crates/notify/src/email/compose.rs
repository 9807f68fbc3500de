//! The message itself: the same bytes for every try.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lettre::Message;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use sha2::{Digest as _, Sha256};

use super::EmailChannel;
use crate::notification::Notification;
use crate::outcome::{Failure, Outcome};
use crate::template::{Template, chosen};
use crate::text;

/// The most characters of a subject.
const SUBJECT: usize = 200;

/// The bytes of the message. Its Message-ID follows from the notification's id, so whoever gets it twice can see that;
/// what belongs to the same alert and group is a thread.
pub(super) fn message(
    channel: &EmailChannel,
    n: &Notification,
    to: &[Mailbox],
    template: Option<&Template>,
) -> Result<Vec<u8>, Outcome> {
    let plain = |text: &str| text.to_owned();
    let subject = channel.subject.as_ref().map(|template| template.render(n, &plain));
    let subject = subject
        .filter(|text| !text.trim().is_empty())
        .unwrap_or_else(|| text::title(n));
    let own = chosen(n, template, &plain).filter(|text| !text.trim().is_empty());
    let text = own
        .clone()
        .unwrap_or_else(|| format!("{}\n\n{}", text::title(n), text::plain(n)));
    let domain = channel.from.email.domain();
    let mut builder = Message::builder()
        .from(channel.from.clone())
        .subject(text::line(&subject, SUBJECT))
        .date(time(n.fired_at))
        .message_id(Some(format!("<{}@{domain}>", n.id)))
        .references(format!("<thread.{}@{domain}>", hex(&n.dedup_key)))
        // So that nobody's absence answers (RFC 3834 §5).
        .raw_header(header("Auto-Submitted", "auto-generated"))
        .raw_header(header("X-Auditlog-Alert", &text::line(&n.alert, SUBJECT)))
        .raw_header(header("X-Auditlog-Severity", n.severity.label()));
    if let Some(reply_to) = &channel.reply_to {
        builder = builder.reply_to(reply_to.clone());
    }
    for recipient in to {
        builder = builder.to(recipient.clone());
    }
    let parts = MultiPart::alternative()
        .boundary(format!("part-{}", hex(&n.id)))
        .singlepart(SinglePart::plain(text))
        .singlepart(SinglePart::html(html(n, own.as_deref())));
    builder
        .multipart(parts)
        .map(|message| message.formatted())
        .map_err(|error| {
            let error = Failure::new(format!("the notification is no message of e-mail: {error}"));
            Outcome::Reject { error }
        })
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

fn time(micros: i64) -> SystemTime {
    let seconds = u64::try_from(micros.div_euclid(1_000_000)).unwrap_or_default();
    // What lies behind the year 9999 can't be said in a header.
    UNIX_EPOCH + Duration::from_secs(seconds.min(253_402_300_799))
}

fn hex(text: &str) -> String {
    use std::fmt::Write as _;
    let mut hex = String::with_capacity(32);
    for byte in &Sha256::digest(text)[..16] {
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

/// `text` as HTML that shows it.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(character),
        }
    }
    escaped
}

/// The other form of the text; of a template's text, the same text.
fn html(n: &Notification, own: Option<&str>) -> String {
    let mut html = String::from("<!DOCTYPE html>\n<html><body style=\"font-family:sans-serif\">\n");
    if let Some(text) = own {
        html.push_str("<div style=\"white-space:pre-wrap\">");
        html.push_str(&escape(text));
        html.push_str("</div>\n</body></html>\n");
        return html;
    }
    html.push_str(&format!("<h3>{}</h3>\n", escape(&text::title(n))));
    for line in text::sentences(n).split('\n') {
        html.push_str(&format!("<p>{}</p>\n", escape(line)));
    }
    let members = text::members(n);
    if !members.is_empty() {
        html.push_str("<ul>\n");
        for line in members {
            html.push_str(&format!("<li>{}</li>\n", escape(&line)));
        }
        html.push_str("</ul>\n");
    }
    html.push_str("<table>\n");
    for (name, value) in text::facts(n) {
        html.push_str(&format!(
            "<tr><th align=\"left\" valign=\"top\">{}</th><td>{}</td></tr>\n",
            escape(&name),
            escape(&value)
        ));
    }
    html.push_str("</table>\n");
    if let Some(url) = n
        .url
        .as_deref()
        .filter(|url| url.starts_with("https://") || url.starts_with("http://"))
    {
        html.push_str(&format!("<p><a href=\"{0}\">{0}</a></p>\n", escape(url)));
    }
    html.push_str("</body></html>\n");
    html
}

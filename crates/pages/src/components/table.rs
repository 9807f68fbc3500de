//! Tables. Wide ones scroll by themselves, so that the page does not; the region can be reached by keyboard. On a phone each row is
//! a small card, in which the cells say what they are: `data-label` repeats the heads of the columns.

use maud::{Markup, PreEscaped, html};

/// A table: `caption` names it for those who hear it, `heads` are its columns; a head that begins with `#` is one of numbers.
pub fn table(caption: &str, heads: &[&str], rows: Markup) -> Markup {
    table_of("", caption, heads, rows)
}

/// Classes of tables that are narrow enough to stay tables on a phone.
const NARROW: [&str; 2] = ["diff", "few"];

/// The same with a class of its own.
pub fn table_of(class: &str, caption: &str, heads: &[&str], rows: Markup) -> Markup {
    let class = match NARROW.contains(&class) {
        true => class.to_owned(),
        false => format!("records {class}").trim_end().to_owned(),
    };
    html! {
        div.scroll role="group" aria-label=(caption) tabindex="0" {
            table class=(class) {
                caption.unseen { (caption) }
                thead { tr {
                    @for head in heads {
                        @match head.strip_prefix('#') {
                            Some(head) => th.num scope="col" { (head) },
                            None if head.is_empty() => td {},
                            None => th scope="col" { (head) },
                        }
                    }
                } }
                tbody { (labelled(heads, &rows.0)) }
            }
        }
    }
}

/// The rows, with the head of its column at each cell. Cells are told by their tags: text is escaped, so a `<` begins a tag always.
fn labelled(heads: &[&str], rows: &str) -> Markup {
    let mut out = String::with_capacity(rows.len() * 2);
    let mut column = 0;
    for (i, part) in rows.split('<').enumerate() {
        if i > 0 {
            out.push('<');
        }
        let name_end = part.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(part.len());
        let (name, rest) = part.split_at(name_end);
        out.push_str(name);
        match name {
            "tr" => column = 0,
            "td" | "th" => {
                let head = heads
                    .get(column)
                    .map_or("", |head| head.strip_prefix('#').unwrap_or(head));
                if !head.is_empty() {
                    out.push_str(" data-label=\"");
                    out.push_str(&html! { (head) }.0);
                    out.push('"');
                }
                column += 1;
            }
            _ => {}
        }
        out.push_str(rest);
    }
    PreEscaped(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_say_what_they_are() {
        let rows = html! { tr { td { "<td>" } th.num scope="row" { b { "1" } } td {} } tr { td colspan="2" { "x" } } };
        let made = table("Things", &["A \"b\"", "#No.", ""], rows).0;
        assert!(made.contains("<td data-label=\"A &quot;b&quot;\">&lt;td&gt;</td><th data-label=\"No.\" class=\"num\" scope=\"row\"><b>1</b></th><td></td>"), "{made}");
        assert!(
            made.contains("<td data-label=\"A &quot;b&quot;\" colspan=\"2\">x</td>"),
            "{made}"
        );
    }
}

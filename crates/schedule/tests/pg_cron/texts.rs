//! Texts for pg_cron's reader: its corners, and random ones.

use auditlog_testkit::Random;

/// Corners of pg_cron's reader. A comment without an end of line is not among them: pg_cron 1.4 never
/// comes back from it.
pub const FIXED: &[&str] = &[
    "",
    " ",
    "\n",
    "\n* * * * *",
    "# every minute\n* * * * *",
    "* * * * *\n",
    "* * * * *\r\n",
    "* *\n* * *",
    "*\t*\t*\t*\t*",
    "* * * * * ",
    "* * * * *\u{b}",
    "* * * *",
    "* * * * ",
    "05 004 * * *",
    "*/60 * * * *",
    "*/1000 * * * *",
    "*/0 * * * *",
    "*/00 * * * *",
    "5-5/9 * * * *",
    "1/5 * * * *",
    "1, * * * *",
    "1,,2 * * * *",
    "0 0 0 * *",
    "0 0 * 0 *",
    "0 0 * * 7",
    "0 0 * * 8",
    "0 0 * JAN,fEb Sun",
    "0 0 * jan-mar mon-fri/2",
    "0 0 * mon *",
    "0 0 * * monday",
    "0 0 ? * *",
    "0 0 L * *",
    "0 0 $ * *",
    "0 0 $",
    "0 0 $,1 * *",
    "0 0 1,$ * *",
    "@hourly",
    "@daily",
    "@midnight",
    "@weekly",
    "@monthly",
    "@yearly",
    "@annually",
    "@reboot",
    "@restart",
    "@Daily",
    "@daily ",
    "@daily\n",
    "@daily\r",
    " @daily",
    "@",
    "@every 5m",
    "30 seconds",
    "30seconds",
    "+30 seconds",
    "-30 seconds",
    "1 second",
    "2 second",
    "1 second ",
    "1 seconds ",
    "60 seconds",
    "0 seconds",
    "30 SECONDS",
    "30 secs",
    "30 seconds ago",
    "5 minutes",
    "ä * * * *",
];

/// A schedule, or nearly one.
pub fn text(random: &mut Random) -> String {
    if random.chance(4) {
        return format!(
            "{} second{}",
            random.below(70),
            if random.chance(70) { "s" } else { "" }
        );
    }
    let limits: [(u64, u64, &[&str]); 5] = [
        (0, 59, &[]),
        (0, 23, &[]),
        (1, 31, &[]),
        (1, 12, &["jan", "Feb", "MAR", "nov", "dec"]),
        (0, 7, &["sun", "Mon", "FRI", "sat"]),
    ];
    let mut words: Vec<String> = limits
        .iter()
        .map(|(low, high, names)| field(random, *low, *high, names))
        .collect();
    if random.chance(8) {
        words[2] = "$".to_owned();
    }
    if random.chance(5) {
        words.pop();
    } else if random.chance(4) {
        words.push("*".to_owned());
    }
    let mut text = words.join(if random.chance(90) { " " } else { "\t " });
    if random.chance(15) && !text.is_empty() {
        let noise = ["-", "/", ",", "*", "x", "9", "#", "?", "L", " ", ";", "\n", "é"];
        let at = random.below(text.len() as u64) as usize;
        let noise = noise[random.below(noise.len() as u64) as usize];
        // a "#" at the beginning would be a comment without an end
        if at > 0 || noise != "#" {
            text.insert_str(at, noise);
        }
    }
    text
}

/// Seldom backwards.
fn range(first: String, last: String, random: &mut Random) -> String {
    match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(a), Ok(b)) if a > b && random.chance(95) => format!("{b}-{a}"),
        _ => format!("{first}-{last}"),
    }
}

fn field(random: &mut Random, low: u64, high: u64, names: &[&str]) -> String {
    let mut items = Vec::new();
    for _ in 0..=random.below(3) {
        let value = |random: &mut Random| {
            if !names.is_empty() && random.chance(40) {
                return names[random.below(names.len() as u64) as usize].to_owned();
            }
            // seldom just outside
            let number = low + random.below(high - low + 1);
            if random.chance(1) {
                (high + 1).to_string()
            } else {
                number.to_string()
            }
        };
        let item = match random.below(10) {
            0..=3 => "*".to_owned(),
            4 => format!("*/{}", 1 + random.below(high + 2)),
            5..=7 => value(random),
            _ => range(value(random), value(random), random),
        };
        let step = if random.chance(5) {
            format!("/{}", random.below(9))
        } else {
            String::new()
        };
        items.push(item + &step);
        if random.chance(60) {
            break;
        }
    }
    items.join(",")
}

//! Events that look like those of a service, from pseudo-random numbers.

use auditlog_core::columns::{COLUMNS, position};
use auditlog_core::encode::text_array;
use auditlog_core::json::Json;

use super::row::{Owned, Row};

/// Pseudo-random numbers: splitmix64.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The numbers of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.number() % end
    }

    fn of<'a>(&mut self, texts: &[&'a str]) -> &'a str {
        texts[self.below(texts.len() as u64) as usize]
    }

    fn chance(&mut self, one_in: u64) -> bool {
        self.below(one_in) == 0
    }
}

/// The event that becomes number `index`.
pub(super) fn row(index: u64, random: &mut Random) -> Row {
    let mut row = Row {
        values: vec![Owned::Null; COLUMNS.len()],
        salt: Some(random.number().to_be_bytes().repeat(2)),
        paths: None,
        erased: Vec::new(),
    };
    let time = 1_773_153_045_000_000 + index as i64 * 997 + random.below(500) as i64;
    set(&mut row, "timestamp", Owned::Int(time));
    set(&mut row, "recorded_at", Owned::Int(time + 1500));
    set(&mut row, "db_xid", Owned::Int(700 + index as i64 / 3));
    let severity = random.of(&["info", "info", "notice", "warning", "error"]);
    set_text(&mut row, "severity", severity);
    let id = format!("evt_{:016x}-{index:08x}", random.number());
    set_text(&mut row, "event_id", &id);
    let kind = random.of(&[
        "authentication.login.failed",
        "user.update",
        "resource.instance.start",
        "data.export",
    ]);
    set_text(&mut row, "event_type", kind);
    set_text(&mut row, "category", kind.split('.').next().unwrap_or_default());
    let operation = random.of(&["create", "read", "update", "delete"]);
    set_text(&mut row, "operation", operation);
    let status = random.of(&["success", "failed", "denied"]);
    set_text(&mut row, "status", status);
    people(&mut row, random);
    resources(&mut row, random);
    changes(&mut row, random);
    set_text(&mut row, "db_session_user", "app");
    set_text(&mut row, "db_current_user", "app");
    set(
        &mut row,
        "db_client_addr",
        Owned::Inet(32, vec![10, 0, 3, random.below(250) as u8]),
    );
    set_text(&mut row, "db_application", "orders-api");
    if random.chance(6) {
        choose_personal(&mut row, random);
    }
    row
}

fn people(row: &mut Row, random: &mut Random) {
    let user = random.below(5000);
    set_text(row, "actor_type", "user");
    set_text(row, "actor_id", &format!("user_{user}"));
    if !random.chance(5) {
        set_text(row, "actor_email", &format!("user{user}@example.com"));
        let address = match random.chance(6) {
            true => Owned::Inet(
                128,
                [&[0x20, 0x01, 0x0d, 0xb8][..], &random.number().to_be_bytes(), &[0; 4]].concat(),
            ),
            false => Owned::Inet(32, random.number().to_be_bytes()[..4].to_vec()),
        };
        set(row, "actor_ip", address);
        let agent = random.of(&[
            "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/128.0",
            "curl/8.5.0",
        ]);
        set_text(row, "actor_user_agent", agent);
    }
    if random.chance(3) {
        set_text(row, "actor_session_id", &format!("{:016x}", random.number()));
        set_text(row, "tenant", &format!("t{}", user % 40));
    }
}

fn resources(row: &mut Row, random: &mut Random) {
    set_text(row, "resource_type", "instance");
    set_text(row, "resource_id", &format!("i-{:012x}", random.number() >> 16));
    if random.chance(2) {
        set_text(row, "cloud_provider", "aws");
        set_text(row, "account_id", &format!("{:012}", random.below(1_000_000)));
        set_text(row, "region", "eu-central-1");
        let tags = [("Environment", "production"), ("Team", "payments")];
        set(row, "resource_tags", Owned::Json(texts(&tags)));
    }
    set_text(row, "request_id", &format!("req-{:016x}", random.number()));
    if random.chance(3) {
        let mut payload = Vec::new();
        let tags: [&[u8]; 3] = [b"pci", "größe".as_bytes(), b""];
        text_array(tags[..random.below(4) as usize].iter().copied(), &mut payload);
        set(row, "tags", Owned::List(payload));
    }
    if random.chance(9) {
        set_text(row, "method", "");
        set_text(row, "idempotency_key", &format!("k{:x}", random.number()));
    }
}

fn changes(row: &mut Row, random: &mut Random) {
    if !random.chance(2) {
        return;
    }
    let state = |random: &mut Random| {
        let mut pairs = match texts(&[("name", "Zoë Quîntero"), ("plan", "gold")]) {
            Json::Object(pairs) => pairs,
            _ => Vec::new(),
        };
        let amount = format!("{}.{:02}", random.below(100_000), random.below(100));
        pairs.push(("amount".to_owned(), Json::Number(amount)));
        pairs.push(("active".to_owned(), Json::Bool(random.chance(2))));
        let address = [("city", "Bern"), ("street", "Bundesplatz 3")];
        pairs.push(("address".to_owned(), texts(&address)));
        let list = vec![Json::Null, Json::Number(random.number().to_string()), texts(&[])];
        pairs.push(("history".to_owned(), Json::Array(list)));
        Json::Object(pairs)
    };
    let before = state(random);
    let after = state(random);
    set(row, "before", Owned::Json(before));
    set(row, "after", Owned::Json(after));
    let phone = Json::Object(vec![("actor".to_owned(), texts(&[("phone", "+41 79 000 00 00")]))]);
    set(row, "extra", Owned::Json(phone));
}

/// A list of personal paths of the event's own: columns, members inside JSON, nothing, or all.
fn choose_personal(row: &mut Row, random: &mut Random) {
    let lists: [&[&str]; 4] = [
        &[],
        &["actor.id", "actor.email"],
        &[
            "actor.phone",
            "changes.before.name",
            "changes.after.address",
            "changes.after.name",
        ],
        &[
            "changes.before",
            "changes.before.name",
            "resource.tags",
            "timestamp",
            "none.such",
        ],
    ];
    let paths = lists[random.below(4) as usize];
    let mut payload = Vec::new();
    text_array(paths.iter().map(|path| path.as_bytes()), &mut payload);
    set(row, "personal", Owned::List(payload));
    row.paths = Some(paths.iter().map(|path| (*path).to_owned()).collect());
}

pub(super) fn texts(members: &[(&str, &str)]) -> Json {
    let member = |(key, value): &(&str, &str)| ((*key).to_owned(), Json::String((*value).to_owned()));
    Json::Object(members.iter().map(member).collect())
}

pub(super) fn set(row: &mut Row, name: &str, value: Owned) {
    row.values[position(name).expect("a column")] = value;
}

pub(super) fn set_text(row: &mut Row, name: &str, text: &str) {
    set(row, name, Owned::Text(text.to_owned()));
}

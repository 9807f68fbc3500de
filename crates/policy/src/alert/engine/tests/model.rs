//! When alerts fire, straight from the definition: every set of events is looked at.

/// An event as the model sees it.
#[derive(Debug, Clone)]
pub struct Event {
    pub at: i64,
    pub arrived: i64,
    pub matches: bool,
    pub group: Option<u8>,
    pub value: Option<u8>,
    /// Which queries it matches, a bit for each.
    pub queries: u8,
}

/// An alert as the model sees it.
#[derive(Debug, Clone)]
pub struct Alert {
    pub count: usize,
    /// 0: every event fires.
    pub window: i64,
    /// 0: no quiet time.
    pub suppress: i64,
    pub grouped: bool,
    pub distinct: bool,
    /// So many of the queries must be matched, instead; 0: none.
    pub all_of: u32,
}

impl Alert {
    /// Those of its queries that the event matches.
    fn queries(&self, event: &Event) -> u32 {
        u32::from(event.queries) & ((1 << self.all_of) - 1)
    }
}

/// A firing: completing event, what was counted, events, first and last of them.
pub type Fired = (i64, u64, u64, i64, i64);

pub fn firings(alert: &Alert, events: &[Event], lateness: i64) -> Vec<Fired> {
    let mut clock = i64::MIN;
    let mut before: Vec<(usize, i64)> = Vec::new();
    let mut fired: Vec<Fired> = Vec::new();
    let mut quiet: Vec<(Option<u8>, i64, i64)> = Vec::new();
    for (number, event) in events.iter().enumerate() {
        clock = clock.max(event.arrived);
        let counts = match alert.all_of {
            0 => !alert.distinct || event.value.is_some(),
            _ => alert.queries(event) != 0,
        };
        if !event.matches || !counts {
            continue;
        }
        let group = |event: &Event| event.group.filter(|_| alert.grouped);
        before.push((number, clock));
        let is_quiet = quiet.iter().any(|(other, at, arrived)| {
            *other == group(event)
                && (event.at - at).abs() < alert.suppress
                && clock - arrived < alert.suppress + lateness
        });
        if is_quiet {
            continue;
        }
        let mine: Vec<usize> = before
            .iter()
            .filter(|(other, arrived)| {
                let other_event = &events[*other];
                *other == number
                    || (group(other_event) == group(event)
                        && (other_event.at - event.at).abs() < alert.window
                        && clock - arrived < alert.window + lateness)
            })
            .map(|(other, _)| *other)
            .collect();
        // every window that begins with one of them, and has the event in it
        let mut best: Option<(usize, i64, Vec<usize>)> = None;
        for start in mine.iter().map(|other| events[*other].at) {
            let width = alert.window.max(1);
            if !(start..start + width).contains(&event.at) {
                continue;
            }
            let mut inside: Vec<usize> = mine
                .iter()
                .copied()
                .filter(|other| (start..start + width).contains(&events[*other].at))
                .collect();
            if alert.window == 0 {
                inside = vec![number];
            }
            inside.sort_by_key(|other| (events[*other].at, *other));
            let mut values: Vec<Option<u8>> = inside.iter().map(|other| events[*other].value).collect();
            values.sort_unstable();
            values.dedup();
            let matched = inside.iter().fold(0, |all, other| all | alert.queries(&events[*other]));
            let count = match alert.all_of {
                0 if alert.distinct => values.len(),
                0 => inside.len(),
                _ => matched.count_ones() as usize,
            };
            if best
                .as_ref()
                .is_none_or(|(most, at, _)| count > *most || (count == *most && start < *at))
            {
                best = Some((count, start, inside));
            }
        }
        let Some((count, _, inside)) = best.filter(|(count, ..)| *count >= alert.count) else {
            continue;
        };
        fired.push((
            number as i64,
            count as u64,
            inside.len() as u64,
            inside[0] as i64,
            inside[inside.len() - 1] as i64,
        ));
        if alert.suppress > 0 {
            quiet.push((group(event), event.at, clock));
        }
    }
    fired
}

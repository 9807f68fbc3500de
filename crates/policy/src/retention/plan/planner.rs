//! The moves of a range between tiers, and what blocks them.

use super::range::{Key, Range, Share, a_move};
use super::{Block, HoldReach, Move, MoveKind, Part, SinkState, Situation};
use crate::retention::age::DAY_US;
use crate::retention::policy::Class;
use crate::retention::requirement::Requirement;
use crate::retention::tier::{Tier, Tiers};
use std::collections::BTreeSet;

/// The moves of a range between tiers.
pub(super) struct Planner<'a> {
    pub class: &'a Class,
    pub key: &'a Key,
    pub range: &'a Range<'a>,
    pub situation: &'a Situation<'a>,
    pub at: i64,
}

impl Planner<'_> {
    pub fn plan(&self, out: &mut Vec<Move>) {
        let tier = self.there_is(self.tiers().tier(self.key.until, self.at));
        let back = self.situation.back_to_hot && self.key.until <= self.at;
        if tier == Tier::Hot && self.key.tier == Tier::Warm && back {
            self.push(out, (tier, Part::Whole), &self.range.content, Vec::new());
        }
        if tier <= self.key.tier {
            return;
        }
        if tier != Tier::Gone {
            self.push(out, (tier, Part::Whole), &self.range.content, Vec::new());
            return;
        }
        let mut common = self.minimums();
        common.extend(self.sinks());
        let any_held = self.range.content.iter().any(|share| self.is_held(share));
        let whole = self.situation.reach == HoldReach::Range && any_held;
        let (held, free): (Vec<Share<'_>>, Vec<Share<'_>>) = self
            .range
            .content
            .iter()
            .partition(|share| whole || self.is_held(share));
        let part = |part| {
            if free.is_empty() || held.is_empty() {
                Part::Whole
            } else {
                part
            }
        };
        if !free.is_empty() || held.is_empty() {
            self.push(out, (Tier::Gone, part(Part::Free)), &free, common.clone());
        }
        if !held.is_empty() {
            let mut blocked = self.holds(&held);
            blocked.extend(common);
            self.push(out, (Tier::Gone, part(Part::Held)), &held, blocked);
        }
        // what stays beyond its time waits where that costs least
        let last = self.there_is(self.tiers().last());
        if last > self.key.tier {
            if self.minimums().is_empty() {
                self.push(out, (last, part(Part::Held)), &held, Vec::new());
            } else {
                self.push(out, (last, Part::Whole), &self.range.content, Vec::new());
            }
        }
    }

    /// The tier, or warm where there is no archive.
    fn there_is(&self, tier: Tier) -> Tier {
        match tier {
            Tier::Cold if !self.situation.archive => Tier::Warm,
            tier => tier,
        }
    }

    fn tiers(&self) -> &Tiers {
        &self.class.tiers
    }

    fn push(&self, out: &mut Vec<Move>, (to, part): (Tier, Part), content: &[Share<'_>], mut blocked: Vec<Block>) {
        let kind = match to {
            Tier::Hot => MoveKind::ToHot,
            Tier::Warm => MoveKind::ToWarm,
            Tier::Cold => MoveKind::ToCold,
            Tier::Gone => MoveKind::Remove,
        };
        // an empty partition is not worth a move, but goes in the end
        if content.is_empty() && kind != MoveKind::Remove {
            return;
        }
        if kind == MoveKind::ToCold {
            blocked.extend(self.sinks());
        }
        blocked.sort();
        let names = self.range.partitions.iter().map(|name| (*name).to_owned()).collect();
        let all = self.range.content.iter().map(|share| share.rows.rows).sum();
        let due = (to != Tier::Hot)
            .then(|| self.tiers().enters(to, self.key.until))
            .flatten();
        let found = a_move(kind, self.key, names, content, all, due);
        out.push(Move { part, blocked, ..found });
    }

    /// The holds that keep these rows now.
    fn active<'s>(&'s self, share: &Share<'s>) -> impl Iterator<Item = &'s str> {
        let named = |name: &&String| {
            let hold = self.situation.holds.iter().find(|hold| hold.name == **name);
            // a hold that is not known keeps what it covers: better a question than a loss
            hold.is_none_or(|hold| hold.holds(self.at))
        };
        share.rows.holds.iter().filter(named).map(String::as_str)
    }

    fn is_held(&self, share: &Share<'_>) -> bool {
        self.active(share).next().is_some()
    }

    fn holds(&self, held: &[Share<'_>]) -> Vec<Block> {
        let names: BTreeSet<&str> = held.iter().flat_map(|share| self.active(share)).collect();
        names.into_iter().map(|name| Block::Hold(name.to_owned())).collect()
    }

    fn minimums(&self) -> Vec<Block> {
        let named = |requirement: &&Requirement| self.class.classification.iter().any(|id| requirement.id == *id);
        let block = |requirement: &Requirement| {
            let us = i64::from(requirement.minimum_days?) * DAY_US;
            let until = self.key.until.saturating_add(us);
            (self.at < until).then(|| Block::Minimum {
                requirement: requirement.id.to_string(),
                until,
            })
        };
        self.situation
            .requirements
            .iter()
            .filter(named)
            .filter_map(block)
            .collect()
    }

    fn sinks(&self) -> Vec<Block> {
        let behind = |sink: &&SinkState| {
            self.range
                .last_index
                .is_some_and(|last| sink.delivered.is_none_or(|at| at < last))
        };
        // what is in the archive has left the log: whether it was delivered was asked then
        let asked = if self.key.tier == Tier::Cold {
            &[]
        } else {
            self.situation.sinks
        };
        asked
            .iter()
            .filter(behind)
            .map(|sink| Block::Sink(sink.name.clone()))
            .collect()
    }
}

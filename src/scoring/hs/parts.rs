//! Which descriptions are learnt from, tuned on, and only measured by. In: groups of texts. Out: the [`Part`] of each.
//!
//! Descriptions are held out, never rows: whatever has the same words, or names the same line, lies in one part, and a
//! text in another file with the words of one held out is held out with it. The law is never held out.

use std::collections::{BTreeSet, HashMap};

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::features::normalised;
use super::source::{Item, Kind};

/// One of five is only measured by; the others are tuned on in turns, by models that did not see them.
const TEST_SHARE: usize = 5;
pub const NUM_FOLDS: usize = 5;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    Test,
    Fold(usize),
}

pub struct Parts(HashMap<String, Part>);

impl Parts {
    pub fn new<'a>(groups: impl IntoIterator<Item = &'a str>, seed: u64) -> Self {
        let mut parts = Self(HashMap::new());
        parts.add(groups, seed);
        parts
    }

    /// Parts further groups; those known stay where they are.
    pub fn add<'a>(&mut self, groups: impl IntoIterator<Item = &'a str>, seed: u64) {
        let is_new = |group: &&str| !group.is_empty() && !self.0.contains_key(*group);
        let distinct: BTreeSet<&str> = groups.into_iter().filter(is_new).collect();
        let mut order: Vec<&str> = distinct.into_iter().collect();
        order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
        let num_test = order.len() / TEST_SHARE;
        let part = |at: usize| if at < num_test { Part::Test } else { Part::Fold(at % NUM_FOLDS) };
        self.0.extend(order.into_iter().enumerate().map(|(at, group)| (group.to_owned(), part(at))));
    }

    pub fn of(&self, group: &str) -> Option<Part> {
        self.0.get(group).copied()
    }

    /// Whether a model that is judged by `held` may learn from `item`. What is tested is never learnt before the end.
    pub fn may_learn(&self, item: &Item, held: Part) -> bool {
        if item.kind == Kind::Nomenclature {
            return true;
        }
        let is_held = |text: &str| self.of(text).is_some_and(|part| part == held || part == Part::Test);
        !is_held(&item.group) && !is_held(&normalised(&item.text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scoring::hs::code::{Code, Zeros};

    fn item(kind: Kind, text: &str, group: &str) -> Item {
        Item {
            kind,
            text: text.into(),
            context: String::new(),
            code: Code::parse("0902", Zeros::Kept).unwrap(),
            asked: text.into(),
            group: group.into(),
        }
    }

    #[test]
    fn a_fifth_is_tested_and_the_same_words_stay_together() {
        let groups: Vec<String> = (0..100).map(|at| format!("goods {at}")).collect();
        let twice = groups.iter().chain(&groups).map(String::as_str);
        let parts = Parts::new(twice, 7);
        assert_eq!(groups.iter().filter(|group| parts.of(group) == Some(Part::Test)).count(), 20);
        let mut more = Parts::new(groups.iter().map(String::as_str), 7);
        more.add(groups.iter().map(String::as_str).chain(["else"]), 8);
        assert!(groups.iter().all(|group| more.of(group) == parts.of(group)) && more.of("else").is_some());
        let of_fold = |fold| groups.iter().filter(|group| parts.of(group) == Some(Part::Fold(fold))).count();
        assert_eq!([0, 1, 2, 3, 4].map(of_fold), [16; 5]);
        let held = groups.iter().find(|group| parts.of(group) == Some(Part::Test)).unwrap();
        let (past, name) = (item(Kind::Past, held, held), item(Kind::National, &held.to_uppercase(), "이름"));
        for part in [Part::Test, Part::Fold(0)] {
            assert!(!parts.may_learn(&past, part) && !parts.may_learn(&name, part));
            assert!(parts.may_learn(&item(Kind::Nomenclature, held, ""), part));
        }
        let tuned = groups.iter().find(|group| parts.of(group) == Some(Part::Fold(1))).unwrap();
        assert!(!parts.may_learn(&item(Kind::Past, tuned, tuned), Part::Fold(1)));
        assert!(parts.may_learn(&item(Kind::Past, tuned, tuned), Part::Fold(2)));
    }
}

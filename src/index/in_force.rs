//! Which documents hold today. In: the first and last day of each. Out: what a search leaves out.
//!
//! A rule that has lapsed, or does not hold yet, is left out of every search and not only ranked lower: the deciding
//! sentence is quoted as the law, and no mark beside it would be read as loudly. It stays in the index, can be opened,
//! and comes and goes with the day without a new build.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use crate::ingest::Date;
use crate::lang::Language;

/// The day from which all of the built-in corpora hold. A clock that stands before it is wrong (a machine that lost its
/// battery starts in 1970), and must not silence them.
const FIRST_DAY: &str = "2026-03-01";

/// A document's days.
pub(super) struct Term {
    pub document: String,
    pub subject: String,
    pub language: Language,
    pub from: Option<Date>,
    pub to: Option<Date>,
}

/// What is not in force on some day.
#[derive(Debug, Default)]
pub(super) struct Lapsed {
    documents: HashSet<String>,
    /// Subjects none of whose documents in that language is in force.
    subjects: HashSet<(String, Language)>,
    /// The passages of those documents.
    pub keys: HashSet<u64>,
}

impl Lapsed {
    pub fn has_document(&self, id: &str) -> bool {
        self.documents.contains(id)
    }

    pub fn has_subject(&self, subject: &str, language: Language) -> bool {
        // Mostly empty, and then no key need be made.
        !self.subjects.is_empty() && self.subjects.contains(&(subject.to_owned(), language))
    }
}

/// The days of all documents of a generation.
pub(super) struct Terms {
    terms: Vec<Term>,
    /// As of the day last asked for.
    lapsed: Mutex<Option<(Date, Arc<Lapsed>)>>,
}

impl Terms {
    pub fn new(terms: Vec<Term>) -> Self {
        Self { terms, lapsed: Mutex::default() }
    }

    /// What is not in force on `day`; `keys_of` knows the passages of documents.
    pub fn lapsed<E>(
        &self,
        day: Date,
        keys_of: impl FnOnce(&HashSet<String>) -> Result<HashSet<u64>, E>,
    ) -> Result<Arc<Lapsed>, E> {
        let mut known = self.lapsed.lock().expect("no holder panics");
        match &*known {
            Some((of, lapsed)) if *of == day => Ok(Arc::clone(lapsed)),
            _ => {
                let mut lapsed = self.compute(day);
                lapsed.keys = keys_of(&lapsed.documents)?;
                let lapsed = Arc::new(lapsed);
                *known = Some((day, Arc::clone(&lapsed)));
                Ok(lapsed)
            }
        }
    }

    fn compute(&self, day: Date) -> Lapsed {
        let (hold, lapsed): (Vec<&Term>, Vec<&Term>) =
            self.terms.iter().partition(|term| is_in_force(term.from, term.to, day));
        let subject = |term: &&Term| (term.subject.clone(), term.language);
        let holding: HashSet<_> = hold.iter().map(subject).collect();
        Lapsed {
            documents: lapsed.iter().map(|term| term.document.clone()).collect(),
            subjects: lapsed.iter().map(subject).filter(|subject| !holding.contains(subject)).collect(),
            keys: HashSet::new(),
        }
    }
}

/// Whether what holds from the one day to the other, both included, holds on `day`.
pub(super) fn is_in_force(from: Option<Date>, to: Option<Date>, day: Date) -> bool {
    from.is_none_or(|from| from <= day) && to.is_none_or(|to| day <= to)
}

/// `clock` as the day it is taken for.
pub(super) fn today(clock: Date) -> Date {
    clock.max(FIRST_DAY.parse().expect("a valid day"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::ingest::{documents, source_files};

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    fn term(document: &str, subject: &str, from: Option<&str>, to: Option<&str>) -> Term {
        Term {
            document: document.into(),
            subject: subject.into(),
            language: Language::En,
            from: from.map(day),
            to: to.map(day),
        }
    }

    #[test]
    fn the_first_and_the_last_day_belong_to_it() {
        let (from, to) = (Some(day("2026-03-01")), Some(day("2026-03-31")));
        for (on, holds) in [("2026-02-28", false), ("2026-03-01", true), ("2026-03-31", true), ("2026-04-01", false)] {
            assert_eq!(is_in_force(from, to, day(on)), holds, "{on}");
        }
        assert!(is_in_force(None, None, day("1970-01-01")));
        assert!(is_in_force(None, to, day("2020-01-01")) && !is_in_force(None, to, day("2030-01-01")));
        assert!(is_in_force(from, None, day("2030-01-01")) && !is_in_force(from, None, day("2020-01-01")));
    }

    #[test]
    fn a_new_version_takes_over_on_its_day() {
        let old = term("royalties-2025", "royalties", None, Some("2026-06-30"));
        let new = term("royalties-2026", "royalties", Some("2026-07-01"), None);
        let gone = term("quota", "quota", None, Some("2026-06-30"));
        let terms = Terms::new(vec![old, new, gone]);
        let lapsed = |on: &str| {
            let keys_of = |documents: &HashSet<String>| Ok::<_, ()>((0..documents.len() as u64).collect());
            terms.lapsed(day(on), keys_of).unwrap()
        };
        let before = lapsed("2026-06-30");
        assert!(before.has_document("royalties-2026") && !before.has_document("royalties-2025"));
        assert_eq!(before.keys.len(), 1);
        let after = lapsed("2026-07-01");
        assert!(after.has_document("royalties-2025") && !after.has_document("royalties-2026"));
        assert!(after.has_subject("quota", Language::En) && !after.has_subject("royalties", Language::En));
        assert!(!after.has_subject("quota", Language::Ko), "its twin has days of its own");
        assert_eq!(after.keys.len(), 2);
    }

    #[test]
    fn a_clock_that_lost_its_battery_does_not_silence_the_built_in_corpora() {
        let today = today(day("1970-01-01"));
        let mut num_documents = 0;
        for file in source_files(Path::new("/nowhere")).unwrap() {
            for document in documents(&file.shown(), &file.corpus, &file.read().unwrap()).unwrap() {
                assert!(is_in_force(document.effective_from, document.effective_to, today), "{}", document.id);
                num_documents += 1;
            }
        }
        assert!(num_documents > 200, "{num_documents}");
    }
}

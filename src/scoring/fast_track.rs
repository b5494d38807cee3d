//! Importers whose declarations could be released at once: a long clean history, and low scores over a period.
//!
//! In: the scores of a period's rows, and what the model learnt of each importer. Out: [`Candidate`]s, by a [`Rule`] that
//! is told with them. A candidate is proposed to a person; nothing is released by it, and the random share of inspections
//! goes on among its declarations.

use std::collections::BTreeMap;

use serde::Serialize;

use super::capacity::Level;
use super::leanings::Party;
use super::model::Scored;

/// What makes a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Rule {
    /// Fewest declarations learnt from.
    pub min_earlier: u32,
    /// Fewest declarations in the period.
    pub min_declarations: usize,
    /// Greatest share of yellow ones; none is red.
    pub max_yellow: f64,
    /// Greatest mean probability, as a share of that of all importers.
    pub max_mean_ratio: f64,
}

pub const RULE: Rule = Rule { min_earlier: 30, min_declarations: 10, max_yellow: 0.10, max_mean_ratio: 0.75 };

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Candidate {
    pub importer: String,
    pub declarations: usize,
    pub yellow: usize,
    pub mean: f64,
    /// Declarations learnt from, none of which was found fraudulent, and findings to be expected among them.
    pub earlier: u32,
    pub earlier_expected: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FastTrack {
    pub rule: Rule,
    /// The rule in words.
    pub en: String,
    pub ko: String,
    pub importers: usize,
    /// Those with the most declarations first.
    pub candidates: Vec<Candidate>,
}

#[derive(Default)]
struct Sum {
    declarations: usize,
    yellow: usize,
    red: usize,
    probability: f64,
    found: usize,
}

impl Rule {
    fn words(&self) -> [String; 2] {
        let Self { min_earlier, min_declarations, max_yellow, max_mean_ratio } = self;
        let (yellow, ratio) = (max_yellow * 100.0, max_mean_ratio * 100.0);
        [
            format!(
                "at least {min_earlier} earlier declarations and none of them found fraudulent; in the period at least \
                 {min_declarations} declarations, none red, none found fraudulent, at most {yellow:.0}% yellow, and a mean \
                 probability of at most {ratio:.0}% of that of all. A candidate is proposed to a person, and random \
                 inspections go on."
            ),
            format!(
                "과거 신고 {min_earlier}건 이상에 적발 없음; 기간 중 신고 {min_declarations}건 이상, 적색과 적발 없음, 황색 \
                 {yellow:.0}% 이하, 평균 확률이 전체 평균의 {ratio:.0}% 이하. 후보는 담당자에게 제안될 뿐이며 무작위 검사는 계속한다."
            ),
        ]
    }

    /// Candidates among the importers of a period; each row comes with its importer, and what was found of it.
    pub fn candidates<'a>(
        &self,
        rows: impl Iterator<Item = (&'a str, &'a Scored, Option<bool>)>,
        history: impl Fn(&str) -> Party,
    ) -> FastTrack {
        let mut sums: BTreeMap<&str, Sum> = BTreeMap::new();
        let mut all = (0, 0.0);
        for (importer, scored, found) in rows {
            all = (all.0 + 1, all.1 + scored.score);
            if importer.is_empty() {
                continue;
            }
            let sum = sums.entry(importer).or_default();
            sum.declarations += 1;
            sum.yellow += usize::from(scored.level == Level::Yellow);
            sum.red += usize::from(scored.level == Level::Red);
            sum.probability += scored.score;
            sum.found += usize::from(found == Some(true));
        }
        let usual = all.1 / f64::from(all.0.max(1));
        let importers = sums.len();
        let fits = |(importer, sum): (&str, Sum)| {
            let (party, mean) = (history(importer), sum.probability / sum.declarations as f64);
            let is_clean = party.rows >= self.min_earlier && party.positives == 0 && sum.found == 0;
            let is_low = sum.declarations >= self.min_declarations
                && sum.red == 0
                && sum.yellow as f64 <= self.max_yellow * sum.declarations as f64
                && mean <= self.max_mean_ratio * usual;
            (is_clean && is_low).then(|| Candidate {
                importer: importer.into(),
                declarations: sum.declarations,
                yellow: sum.yellow,
                mean,
                earlier: party.rows,
                earlier_expected: party.expected,
            })
        };
        let mut candidates: Vec<Candidate> = sums.into_iter().filter_map(fits).collect();
        candidates.sort_by(|a, b| b.declarations.cmp(&a.declarations).then_with(|| a.importer.cmp(&b.importer)));
        let [en, ko] = self.words();
        FastTrack { rule: *self, en, ko, importers, candidates }
    }
}

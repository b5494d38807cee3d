//! What a training came to, in figures with intervals at 95%.

use serde::{Deserialize, Serialize};

use super::Kind;
use super::find::Finding;
use super::measure::{Figure, Judged, equal_error, share};
use super::sample::Relation;
use super::verdict::{Judge, Measured, Verdict};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub model: String,
    pub seed: u64,
    pub trained_on_demo: bool,
    pub data_sha256: String,
    /// Identities learnt from, of each kind.
    pub identities: usize,
    pub steps: usize,
    pub pages: usize,
    pub stamp: Compared,
    pub signature: Compared,
    pub seconds: f64,
}

/// How well marks of a kind are compared and found, on identities that nothing was learnt from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Compared {
    pub identities: usize,
    pub same_pairs: usize,
    pub random_pairs: usize,
    pub skilled_pairs: usize,
    /// Equal error rates: against marks of others, against skilled forgeries, and against both.
    pub equal_error_random: Option<Figure>,
    pub equal_error_skilled: Option<Figure>,
    pub equal_error: Option<Figure>,
    /// Against genuine marks from a copying machine, by shape alone.
    pub equal_error_copied: Option<Figure>,
    /// Against both, with the network alone and with what is measured of the inks alone.
    pub network_alone: Option<Figure>,
    pub registration_alone: Option<Figure>,
    /// Of same pairs, the share called different; of others, the share called the same; of all, the share left open.
    pub called_different: Option<Figure>,
    pub called_same: Option<Figure>,
    pub left_open: Option<Figure>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finding: Option<Finding>,
}

/// A pair with what was measured of it, and the identity it belongs to.
pub(super) type Weighed = (Relation, usize, Measured);

impl Compared {
    pub(super) fn new(weighed: &[Weighed], judge: &Judge, registration: Option<&Judge>) -> Self {
        let count = |relation| weighed.iter().filter(|pair| pair.0 == relation).count();
        let against = |others: &[Relation], score: &dyn Fn(&Measured) -> f64| {
            let held = weighed.iter().filter(|pair| pair.0 == Relation::Same || others.contains(&pair.0));
            let judged: Vec<Judged> = held.map(|pair| (score(&pair.2), pair.0 == Relation::Same, pair.1)).collect();
            equal_error(&judged)
        };
        let probability = |measured: &Measured| judge.probability(&measured.row());
        let both = [Relation::Random, Relation::Skilled];
        let said = |is_same: bool, verdict: Verdict| {
            let relevant = weighed.iter().filter(|pair| pair.0 != Relation::Copied);
            let held: Vec<&Weighed> = relevant.filter(|pair| (pair.0 == Relation::Same) == is_same).collect();
            let told = held.iter().filter(|pair| judge.verdict(probability(&pair.2)) == verdict).count();
            (told, held.len())
        };
        let (open, of_same) = said(true, Verdict::Doubtful);
        let (also_open, of_others) = said(false, Verdict::Doubtful);
        let of = |(told, all): (usize, usize)| share(told, all);
        let identities: std::collections::BTreeSet<usize> = weighed.iter().map(|pair| pair.1).collect();
        Self {
            identities: identities.len(),
            same_pairs: count(Relation::Same),
            random_pairs: count(Relation::Random),
            skilled_pairs: count(Relation::Skilled),
            equal_error_random: against(&[Relation::Random], &probability),
            equal_error_skilled: against(&[Relation::Skilled], &probability),
            equal_error: against(&both, &probability),
            equal_error_copied: against(&[Relation::Copied], &probability),
            network_alone: against(&both, &|measured| measured.likeness),
            registration_alone: registration.and_then(|registration| {
                against(&both, &|measured| registration.probability(&measured.registration()))
            }),
            called_different: of(said(true, Verdict::Different)),
            called_same: of(said(false, Verdict::Same)),
            left_open: share(open + also_open, of_same + of_others),
            finding: None,
        }
    }

    /// Each figure with its names in English and Korean, in the order they are told.
    pub fn figures(&self) -> Vec<([&'static str; 2], Option<Figure>)> {
        let mut figures = vec![
            (["equal error rate", "동일 오류율"], self.equal_error),
            (["against marks of others", "타인의 것 대비"], self.equal_error_random),
            (["against skilled forgeries", "숙련 위조 대비"], self.equal_error_skilled),
            (["against machine copies, by shape alone", "복사본 대비(형태만)"], self.equal_error_copied),
            (["network alone", "신경망만"], self.network_alone),
            (["ink registration alone", "잉크 정합만"], self.registration_alone),
            (["same pairs called different", "같은 쌍을 다르다고 한 비율"], self.called_different),
            (["other pairs called the same", "다른 쌍을 같다고 한 비율"], self.called_same),
            (["pairs left open", "판단을 보류한 비율"], self.left_open),
        ];
        if let Some(finding) = &self.finding {
            figures.push((["marks found on pages (recall)", "문서에서 찾은 비율(재현율)"], finding.recall));
            figures.push((["of them on grey scans", "흑백 스캔의 재현율"], finding.recall_without_colour));
            figures.push((["boxes that hold a mark (precision)", "찾은 상자의 정밀도"], finding.precision));
        }
        figures
    }

    /// Figures as lines for a person.
    pub fn in_words(&self, kind: Kind) -> String {
        let mut text = format!(
            "{}: {} unseen identities; {} same, {} random and {} skilled pairs\n",
            kind.word(),
            self.identities,
            self.same_pairs,
            self.random_pairs,
            self.skilled_pairs
        );
        for ([name, _], figure) in self.figures().into_iter().filter(|(_, figure)| figure.is_some()) {
            text.push_str(&format!("  {name:40} {}\n", shown(figure)));
        }
        text
    }
}

impl Report {
    pub fn of(&self, kind: Kind) -> &Compared {
        match kind {
            Kind::Stamp => &self.stamp,
            Kind::Signature => &self.signature,
        }
    }

    pub fn in_words(&self) -> String {
        let mut text: String = Kind::ALL.iter().map(|kind| self.of(*kind).in_words(*kind)).collect();
        text.push_str("learnt from drawn marks: no figure says anything of the field\n");
        text
    }
}

/// Percent with its interval.
pub(super) fn shown(figure: Option<Figure>) -> String {
    figure.map_or("-".into(), |Figure { value, low, high }| {
        format!("{:.1}% [{:.1}, {:.1}]", 100.0 * value, 100.0 * low, 100.0 * high)
    })
}

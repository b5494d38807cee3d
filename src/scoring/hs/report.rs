//! What a training came to, in figures. In: judged texts that no model learnt from. Out: [`Report`].

use std::collections::BTreeMap;

use serde::Serialize;

use super::base::LEVELS;
use super::sets::{Sets, before};
use super::source::FileRead;
use crate::scoring::metrics::calibration_error;

/// All figures of a training.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Version of the model.
    pub model: String,
    pub files: Vec<FileRead>,
    pub seed: u64,
    /// Items of the model that was measured; it is the one that serves.
    pub learnt: usize,
    /// Descriptions as traders write them.
    pub past: Option<Measured>,
    /// National lines by what describes them in Korean: the name, and where that says only "other" or several lines bear
    /// it, what stands above it in the tariff as well.
    pub national: Option<Measured>,
    /// The same lines by their names alone, without those that say only "other".
    pub national_bare: Option<Measured>,
    /// The same lines, each under all that stands above it and its class of goods.
    pub national_in_context: Option<Measured>,
    pub refusal: Option<Refused>,
    /// Mean time for one text on one processor.
    pub ms_per_text: f64,
    pub seconds: f64,
}

/// Figures over held-out texts of one sort.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measured {
    pub rows: usize,
    /// Shares by `hs2`, `hs4`, `hs6`.
    #[serde(flatten)]
    pub levels: BTreeMap<String, Level>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Level {
    pub top1: f64,
    /// At 95%.
    pub top1_interval: [f64; 2],
    pub top3: f64,
    pub top5: f64,
    /// The code of the nearest text: what a model must beat.
    pub nearest_top1: f64,
    /// Of the probability of the first code.
    pub calibration_error: f64,
    pub coverage_stated: f64,
    pub coverage: f64,
    /// Mean number of codes in a set, where it is not all.
    pub set_size: f64,
    /// Share of texts whose set would be all codes.
    pub open_sets: f64,
}

/// How vague and clear held-out texts were refused.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Refused {
    /// Vague texts, and the share of them refused; absent without a list.
    pub vague_rows: usize,
    pub vague_refused: Option<f64>,
    pub clear_rows: usize,
    pub clear_refused: f64,
    /// Without texts that stand on the vague list and among classified ones alike.
    pub vague_alone_rows: usize,
    pub vague_alone_refused: Option<f64>,
    pub clear_alone_rows: usize,
    pub clear_alone_refused: f64,
    /// Korean names, for which there is no list.
    pub korean_rows: usize,
    pub korean_refused: f64,
}

/// A text that was judged, and its truth.
pub(super) struct Tested {
    pub levels: [Vec<(u32, f32)>; 3],
    pub truth: [Option<u32>; 3],
    /// Class of the nearest text at each level.
    pub nearest: [Option<u32>; 3],
}

pub(super) fn measure(tested: &[Tested], sets: &Sets) -> Option<Measured> {
    let rows = tested.len();
    if rows == 0 {
        return None;
    }
    let levels = LEVELS.iter().enumerate().map(|(at, digits)| (format!("hs{digits}"), level(tested, sets, at)));
    Some(Measured { rows, levels: levels.collect() })
}

fn level(tested: &[Tested], sets: &Sets, at: usize) -> Level {
    let share = |is: &dyn Fn(&Tested) -> bool| share(tested.iter().filter(|tested| is(tested)).count(), tested.len());
    let rank = |tested: &Tested| tested.levels[at].iter().position(|(class, _)| Some(*class) == tested.truth[at]);
    let within = |top: usize| share(&|tested| rank(tested).is_some_and(|rank| rank < top));
    let first: Vec<f64> =
        tested.iter().map(|tested| tested.levels[at].first().map_or(0.0, |(_, p)| f64::from(*p))).collect();
    let right: Vec<bool> = tested.iter().map(|tested| rank(tested) == Some(0)).collect();
    let sizes: Vec<Option<usize>> = tested.iter().map(|tested| sets.num(at, &tested.levels[at])).collect();
    let covered = tested.iter().zip(&sizes).filter(|(tested, size)| {
        // All codes there are hold the true one wherever it is known at all.
        size.map_or(tested.truth[at].is_some(), |size| rank(tested).is_some_and(|rank| rank < size))
    });
    let closed: Vec<usize> = sizes.iter().copied().flatten().collect();
    Level {
        top1: within(1),
        top1_interval: wilson(within(1), tested.len()),
        top3: within(3),
        top5: within(5),
        nearest_top1: share(&|tested| tested.nearest[at].is_some() && tested.nearest[at] == tested.truth[at]),
        calibration_error: calibration_error(&first, &right),
        coverage_stated: sets.coverage,
        coverage: self::share(covered.count(), tested.len()),
        set_size: closed.iter().sum::<usize>() as f64 / closed.len().max(1) as f64,
        open_sets: self::share(sizes.len() - closed.len(), sizes.len()),
    }
}

/// What of `ranked` is needed to set the limits of sets, for each level.
pub(super) fn masses(tested: &[Tested]) -> Vec<Vec<Option<f32>>> {
    (0..LEVELS.len())
        .map(|at| tested.iter().map(|tested| before(&tested.levels[at], tested.truth[at])).collect())
        .collect()
}

pub(super) fn share(part: usize, all: usize) -> f64 {
    part as f64 / all.max(1) as f64
}

/// Wilson's interval at 95% of a share.
fn wilson(share: f64, rows: usize) -> [f64; 2] {
    let (n, z2) = (rows as f64, 1.96_f64 * 1.96);
    let centre = (share + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt() * 1.96 / (1.0 + z2 / n);
    [centre - half, centre + half]
}

impl Report {
    /// The measured sorts of texts, each with its name in English and Korean.
    pub(super) fn parts(&self) -> impl Iterator<Item = ([&'static str; 2], &Measured)> {
        let named = [
            (["past descriptions", "과거 물품 설명"], &self.past),
            (["Korean tariff lines", "국문 세번"], &self.national),
            (["Korean tariff lines, names alone", "국문 세번(품명만)"], &self.national_bare),
            (["Korean tariff lines in context", "국문 세번(상위 품명 및 분류명 포함)"], &self.national_in_context),
        ];
        named.into_iter().filter_map(|(name, measured)| Some((name, measured.as_ref()?)))
    }

    /// A few lines for a terminal.
    pub fn in_words(&self) -> String {
        let mut text = format!("model {}: {} texts learnt from, in {:.1} s\n\n", self.model, self.learnt, self.seconds);
        for ([name, _], Measured { rows, levels }) in self.parts() {
            text.push_str(&format!(
                "{name}, {rows} held out    top 1 (nearest)   top 3   top 5   coverage (stated)   codes a set\n"
            ));
            for (name, level) in levels {
                text.push_str(&format!(
                    "  {name}    {:.3} ({:.3})   {:.3}   {:.3}   {:.3} ({:.2})   {:.1}\n",
                    level.top1,
                    level.nearest_top1,
                    level.top3,
                    level.top5,
                    level.coverage,
                    level.coverage_stated,
                    level.set_size
                ));
            }
        }
        if let Some(refused) = &self.refusal {
            if let Some(vague) = refused.vague_refused {
                text.push_str(&format!("refused: {vague:.3} of {} vague texts\n", refused.vague_rows));
            }
            text.push_str(&format!("refused: {:.3} of {} clear texts\n", refused.clear_refused, refused.clear_rows));
        }
        text.push_str(&format!("{:.2} ms a text\n", self.ms_per_text));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_counted_by_rank() {
        let levels = || [0, 1, 2].map(|_| vec![(4, 0.5), (1, 0.25), (2, 0.125), (3, 0.125)]);
        let tested = |truth, nearest| Tested { levels: levels(), truth: [truth; 3], nearest: [nearest; 3] };
        let tested = [tested(Some(4), Some(4)), tested(Some(2), Some(2)), tested(Some(3), None), tested(None, None)];
        let sets = Sets::fit(0.5, &masses(&tested));
        let measured = measure(&tested, &sets).unwrap();
        let level = &measured.levels["hs4"];
        assert_eq!((level.top1, level.top3, level.top5, level.nearest_top1), (0.25, 0.5, 0.75, 0.5));
        // Masses before the truth are 0, .75, .875 and none; the place is ceil(5 * .5) = 3.
        assert_eq!((level.coverage, level.set_size, level.open_sets), (0.75, 4.0, 0.0));
        assert!((level.calibration_error - 0.25).abs() < 1e-9, "half is said and a quarter right");
        let [low, high] = wilson(0.5, 100);
        assert!((low - 0.4038).abs() < 1e-3 && (high - 0.5962).abs() < 1e-3, "{low} {high}");
        assert_eq!(measure(&[], &sets), None);
    }
}

//! What a training came to, in figures. In: judged texts that no model learnt from. Out: [`Report`].

use std::collections::BTreeMap;

use serde::Serialize;

use super::base::LEVELS;
use super::model::Recommendation;
use super::sets::{Sets, of_truth};
use super::source::FileRead;
use crate::scoring::metrics::calibration_error;

/// All figures of a training.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Version of the model.
    pub model: String,
    pub files: Vec<FileRead>,
    /// What told meanings; none: the words alone speak.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoder: Option<String>,
    pub seed: u64,
    /// Items of the model that was measured; it is the one that serves.
    pub learnt: usize,
    /// Descriptions as traders write them, in English and in Korean.
    pub past: Option<Measured>,
    pub past_korean: Option<Measured>,
    /// National lines by what describes them in Korean: the name, and where that says only "other" or several lines bear
    /// it, what stands above it in the tariff as well.
    pub national: Option<Measured>,
    /// The same lines by their names alone, without those that say only "other".
    pub national_bare: Option<Measured>,
    /// The same lines, each under all that stands above it and its class of goods.
    pub national_in_context: Option<Measured>,
    pub refusal: Option<Refused>,
    pub asked: Option<Asked>,
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
    /// Texts cut to a last word, which stand in for a list where there is none.
    pub cut_rows: usize,
    pub cut_refused: Option<f64>,
    /// Other limits: share of the clear texts refused, and of the vague ones then.
    pub curve: Vec<[f64; 2]>,
}

/// What a question is worth, if it is answered as the texts of the true code would. Whoever answers reads the goods and
/// not the law, so this is the most that can be hoped for.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Asked {
    pub rows: usize,
    /// Texts with a question, and those among them whose true code answers it.
    pub asked: usize,
    pub answered: usize,
    /// Means over the answered: codes in the set before, as the question promised, and after.
    pub set_before: f64,
    pub set_promised: f64,
    pub set_after: f64,
    /// Share of them whose first code is right, and whose set holds the true one, before and after.
    pub top1: [f64; 2],
    pub covered: [f64; 2],
}

impl Asked {
    pub(super) fn add(&mut self, before: &Recommendation, after: &Recommendation, truth: &str) {
        let set = |told: &Recommendation| told.sets.as_ref().and_then(|sets| sets.hs6.clone()).unwrap_or_default();
        let (sets, told) = ([set(before), set(after)], [before, after]);
        self.answered += 1;
        self.set_before += sets[0].len() as f64;
        self.set_promised += before.next_question.as_ref().map_or(0.0, |q| f64::from(q.expected_set_size));
        self.set_after += sets[1].len() as f64;
        for at in 0..2 {
            let is_first = told[at].hs6.first().is_some_and(|first| first.code == truth);
            self.top1[at] += f64::from(u8::from(is_first));
            self.covered[at] += f64::from(u8::from(sets[at].iter().any(|code| code == truth)));
        }
    }

    /// Sums to means.
    pub(super) fn means(mut self) -> Self {
        let all = self.answered.max(1) as f64;
        let [top1, covered] = [&mut self.top1, &mut self.covered];
        let sums = [&mut self.set_before, &mut self.set_promised, &mut self.set_after];
        sums.into_iter().chain(top1).chain(covered).for_each(|sum| *sum /= all);
        self
    }
}

/// Shares of clear texts that a limit may let be refused, at which [`Refused::curve`] is told.
const CURVE: [f64; 7] = [0.02, 0.05, 0.08, 0.1, 0.15, 0.2, 0.3];

/// How many vague texts are refused for how many clear ones.
pub(super) fn trade_off(mut clear: Vec<f64>, vague: &[f64]) -> Vec<[f64; 2]> {
    if clear.is_empty() || vague.is_empty() {
        return Vec::new();
    }
    clear.sort_unstable_by(f64::total_cmp);
    let at = |refused: f64| {
        let place = ((clear.len() as f64 * (1.0 - refused)).ceil() as usize).clamp(1, clear.len());
        let limit = clear[place - 1];
        let above = |all: &[f64]| share(all.iter().filter(|vagueness| **vagueness > limit).count(), all.len());
        [above(&clear), above(vague)]
    };
    CURVE.map(at).to_vec()
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
pub(super) fn truths(tested: &[Tested]) -> Vec<Vec<Option<f32>>> {
    (0..LEVELS.len())
        .map(|at| tested.iter().map(|tested| of_truth(&tested.levels[at], tested.truth[at])).collect())
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
            (["past descriptions", "과거 물품 설명(영문)"], &self.past),
            (["past descriptions in Korean", "과거 물품 설명(국문)"], &self.past_korean),
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
            for [clear, vague] in &refused.curve {
                text.push_str(&format!("    {vague:.3} of the vague ones would be for {clear:.3} of the clear ones\n"));
            }
        }
        if let Some(Asked { rows, asked, answered, set_before, set_after, top1: [before, after], .. }) = &self.asked {
            text.push_str(&format!(
                "asked: {asked} of {rows} past descriptions, {answered} answered as their code's text would: codes a set \
                 {set_before:.1} before and {set_after:.1} after, first code right {before:.3} and {after:.3}\n"
            ));
        }
        text.push_str(&format!("{:.2} ms a text\n", self.ms_per_text));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_that_refuses_more_clear_texts_refuses_more_vague_ones() {
        let clear: Vec<f64> = (0..100).map(f64::from).collect();
        let vague: Vec<f64> = (50..150).map(f64::from).collect();
        let curve = trade_off(clear, &vague);
        assert_eq!(curve[3], [0.1, 0.6], "above 89 lie 10 of 0..100 and 60 of 50..150");
        assert!(curve.windows(2).all(|pair| pair[0][1] <= pair[1][1]));
        assert!(trade_off(Vec::new(), &vague).is_empty());
    }

    #[test]
    fn shares_are_counted_by_rank() {
        let levels = || [0, 1, 2].map(|_| vec![(4, 0.5), (1, 0.25), (2, 0.125), (3, 0.125)]);
        let tested = |truth, nearest| Tested { levels: levels(), truth: [truth; 3], nearest: [nearest; 3] };
        let tested = [tested(Some(4), Some(4)), tested(Some(2), Some(2)), tested(Some(3), None), tested(None, None)];
        let sets = Sets::fit(0.5, &truths(&tested));
        let measured = measure(&tested, &sets).unwrap();
        let level = &measured.levels["hs4"];
        assert_eq!((level.top1, level.top3, level.top5, level.nearest_top1), (0.25, 0.5, 0.75, 0.5));
        // The true ones have .5, .125, .125 and none; the third greatest is .125.
        assert_eq!((level.coverage, level.set_size, level.open_sets), (0.75, 4.0, 0.0));
        assert!((level.calibration_error - 0.25).abs() < 1e-9, "half is said and a quarter right");
        let [low, high] = wilson(0.5, 100);
        assert!((low - 0.4038).abs() < 1e-3 && (high - 0.5962).abs() < 1e-3, "{low} {high}");
        assert_eq!(measure(&[], &sets), None);
    }
}

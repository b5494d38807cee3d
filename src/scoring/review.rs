//! A file of declarations looked at as a whole: what it holds, whether it looks like what was learnt from, which groups
//! stand out, who might be let through faster, and whether all are treated alike.
//!
//! In: rows with their scores and levels, and the findings where the file has them. Out: [`Review`], as JSON and in words
//! of either language.

use std::fmt::Write;

use jiff::civil::Date;
use serde::Serialize;

use super::capacity::{Level, Levels};
use super::drift::{Drift, Moved, Verdict};
use super::fairness::{Calibrated, Fairness, Group, Sorted};
use super::fast_track::{FastTrack, RULE};
use super::groups::{self, GroupRisk};
use super::mapping::{Origin, Role};
use super::metrics::Estimate;
use super::model::{Judged, Model, Scored};
use super::sample::Sample;
use super::table::{Categories, Table};
use crate::lang::{Language, grouped};

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Review {
    pub model: String,
    pub trained_on: Origin,
    pub rows: usize,
    /// Rows that could not be used.
    pub refused: usize,
    pub from: Option<Date>,
    pub to: Option<Date>,
    pub red: usize,
    pub yellow: usize,
    pub green: usize,
    /// Frauds to expect: the sum of the probabilities.
    pub expected: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected_revenue: Option<f64>,
    /// Rows whose findings are known, and frauds among them.
    pub known: usize,
    pub found: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub random: Option<Drawn>,
    /// Absent of models that were made before it was kept.
    pub drift: Option<Drift>,
    pub groups: Vec<Grouped>,
    /// Absent where the mapping names no parties.
    pub fast_track: Option<FastTrack>,
    pub fairness: Vec<Sorted>,
}

/// The random share of inspections.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Drawn {
    pub rows: usize,
    /// Those that are inspected for this alone.
    pub not_red: usize,
}

/// The riskiest groups by one column.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Grouped {
    pub column: String,
    pub en: String,
    pub ko: String,
    pub groups: Vec<GroupRisk>,
}

/// Groups told of each column.
const TOLD: usize = 10;
/// Inputs told in words, the most moved first.
const TOLD_INPUTS: usize = 12;

impl Review {
    /// Looks at all rows of `table`.
    pub fn of(
        model: &Model,
        table: &Table,
        judged: &Judged,
        levels: &Levels,
        scored: &[Scored],
        sample: Option<&Sample>,
    ) -> Self {
        let count = |level: Level| levels.levels.iter().filter(|other| **other == level).count();
        let finding = |row: usize| table.findings.get(row).copied().flatten();
        let known = (0..table.num_rows()).filter_map(finding);
        let revenues = scored.iter().map(|scored| scored.expected_revenue);
        let random = sample.map(|sample| {
            let drawn: Vec<&Scored> = scored.iter().filter(|scored| sample.holds(&scored.id)).collect();
            let not_red = drawn.iter().filter(|scored| scored.level != Level::Red).count();
            Drawn { rows: drawn.len(), not_red }
        });
        let mut fairness = Fairness::new(&model.mapping, &model.encoder);
        fairness.add(table, judged, &levels.levels, finding);
        Self {
            model: model.version.clone(),
            trained_on: model.trained_on,
            rows: table.num_rows(),
            refused: table.refused.len(),
            from: table.dates.iter().min().copied(),
            to: table.dates.iter().max().copied(),
            red: count(Level::Red),
            yellow: count(Level::Yellow),
            green: count(Level::Green),
            expected: judged.probabilities.iter().sum(),
            expected_revenue: model.revenue.as_ref().map(|_| revenues.flatten().sum()),
            known: known.clone().count(),
            found: known.filter(|is_fraud| *is_fraud).count(),
            random,
            drift: model.drift(table, judged),
            groups: grouped_by(model, table, scored),
            fast_track: fast_track(model, table, scored, finding),
            fairness: fairness.finish(),
        }
    }

    /// The review for people, as Markdown.
    pub fn in_words(&self, language: Language) -> String {
        let ko = language == Language::Ko;
        let mut text = String::new();
        self.head(&mut text, ko).expect("a string takes all");
        if let Some(drift) = &self.drift {
            drift_in_words(drift, &mut text, ko).expect("a string takes all");
        }
        groups_in_words(&self.groups, &mut text, ko).expect("a string takes all");
        if let Some(fast_track) = &self.fast_track {
            fast_track_in_words(fast_track, &mut text, ko).expect("a string takes all");
        }
        fairness_in_words(&self.fairness, &mut text, ko).expect("a string takes all");
        text
    }

    fn head(&self, text: &mut String, ko: bool) -> std::fmt::Result {
        let Self { model, rows, refused, red, yellow, green, expected, known, found, .. } = self;
        let day = |day: Option<Date>| day.map_or_else(|| "-".to_owned(), |day| day.to_string());
        let (from, to) = (day(self.from), day(self.to));
        let trained_on = self.trained_on.words();
        if ko {
            writeln!(text, "# 위험 선별 점검, 모형 {model}\n\n학습 자료: {}\n", trained_on.ko)?;
            writeln!(
                text,
                "{from}부터 {to}까지 {rows}건(사용 불가 {refused}건): 적색 {red}, 황색 {yellow}, 녹색 {green}."
            )?;
            writeln!(text, "예상 적발 {expected:.1}건; 결과가 알려진 {known}건 중 적발 {found}건.")?;
        } else {
            writeln!(text, "# Review of risk selection, model {model}\n\nTrained on {}\n", trained_on.en)?;
            writeln!(
                text,
                "{rows} declarations from {from} to {to} ({refused} not usable): {red} red, {yellow} yellow, {green} green."
            )?;
            writeln!(text, "{expected:.1} frauds to expect; findings known of {known}, of which {found} are fraud.")?;
        }
        if let Some(revenue) = self.expected_revenue {
            let revenue = grouped(revenue.round() as i64);
            match ko {
                true => writeln!(text, "예상 추징세액 {revenue}.")?,
                false => writeln!(text, "Additional duty to expect: {revenue}.")?,
            }
        }
        if let Some(Drawn { rows, not_red }) = &self.random {
            match ko {
                true => writeln!(
                    text,
                    "학습을 위해 무작위로 {rows}건을 추출하였다. 그중 {not_red}건은 위험이 아니라 추첨만으로 검사한다."
                )?,
                false => writeln!(
                    text,
                    "{rows} drawn at random for learning, of which {not_red} are inspected for that alone and for no risk."
                )?,
            }
        }
        Ok(())
    }
}

fn drift_in_words(drift: &Drift, text: &mut String, ko: bool) -> std::fmt::Result {
    let Drift { reference_rows, reference_from, reference_to, verdict, thresholds, .. } = drift;
    let ([moving, drifted], [near, far]) = (thresholds.psi, thresholds.distance);
    if ko {
        writeln!(text, "\n## 분포 변화: {}\n", verdict_word(*verdict, true))?;
        writeln!(
            text,
            "학습 자료 {reference_rows}행({reference_from}부터 {reference_to}까지)과 비교. 모집단 안정성 지수(PSI) {moving} 이상이거나 \
             콜모고로프 거리 {near} 이상이면 변화 중, {drifted} 또는 {far} 이상이면 변화함. 우연으로 볼 수 있는 값은 판정하지 않는다.\n"
        )?;
        writeln!(
            text,
            "| 항목 | 판정 | PSI | 거리 | 결측(학습) | 결측(현재) | 처음 보는 값 |\n|---|---|---|---|---|---|---|"
        )?;
    } else {
        writeln!(text, "\n## Drift: {}\n", verdict_word(*verdict, false))?;
        writeln!(
            text,
            "Against the {reference_rows} rows learnt from, {reference_from} to {reference_to}. From a population stability \
             index (PSI) of {moving} or a Kolmogorov distance of {near} on a column is moving, from {drifted} or {far} on it \
             has drifted; what may be chance is not judged.\n"
        )?;
        writeln!(
            text,
            "| | verdict | PSI | distance | missing then | missing now | never seen |\n|---|---|---|---|---|---|---|"
        )?;
    }
    let mut inputs: Vec<&Moved> = drift.inputs.iter().collect();
    inputs.sort_by(|a, b| b.verdict.cmp(&a.verdict).then(b.psi.total_cmp(&a.psi)));
    for moved in std::iter::once(&drift.score).chain(inputs.into_iter().take(TOLD_INPUTS)) {
        let Moved { verdict, psi, missing_then, missing_now, .. } = moved;
        let name = if ko { &moved.ko } else { &moved.en };
        let verdict = verdict_word(*verdict, ko);
        let distance = moved.distance.map_or("-".to_owned(), |distance| format!("{distance:.3}"));
        let unseen = moved.unseen.map_or("-".to_owned(), percent);
        let (then, now) = (percent(*missing_then), percent(*missing_now));
        writeln!(text, "| {name} | {verdict} | {psi:.3} | {distance} | {then} | {now} | {unseen} |")?;
    }
    Ok(())
}

fn verdict_word(verdict: Verdict, ko: bool) -> &'static str {
    match (verdict, ko) {
        (Verdict::Stable, false) => "stable",
        (Verdict::Moving, false) => "moving",
        (Verdict::Drifted, false) => "drifted",
        (Verdict::Stable, true) => "안정",
        (Verdict::Moving, true) => "변화 중",
        (Verdict::Drifted, true) => "변화함",
    }
}

fn groups_in_words(columns: &[Grouped], text: &mut String, ko: bool) -> std::fmt::Result {
    for Grouped { en, ko: name, groups, .. } in columns {
        if groups.is_empty() {
            continue;
        }
        match ko {
            true => writeln!(
                text,
                "\n## 고위험 묶음: {name}\n\n| | 신고 | 적색 | 예상 적발 | 평균 확률 |\n|---|---|---|---|---|"
            )?,
            false => writeln!(
                text,
                "\n## High-risk groups: {en}\n\n| | declarations | red | frauds to expect | mean probability |\n|---|---|---|---|---|"
            )?,
        }
        for GroupRisk { group, declarations, red, expected, mean, .. } in groups {
            writeln!(text, "| {group} | {declarations} | {red} | {expected:.1} | {mean:.3} |")?;
        }
    }
    Ok(())
}

fn fast_track_in_words(fast_track: &FastTrack, text: &mut String, ko: bool) -> std::fmt::Result {
    let FastTrack { en, ko: rule, importers, candidates, .. } = fast_track;
    match ko {
        true => writeln!(text, "\n## 신속 통관 후보: 수입자 {importers} 중 {}\n\n규칙: {rule}\n", candidates.len())?,
        false => {
            writeln!(text, "\n## Fast-track candidates: {} of {importers} importers\n\nRule: {en}\n", candidates.len())?
        }
    }
    match ko {
        true => writeln!(text, "| 수입자 | 신고 | 평균 확률 | 과거 신고 | 당시 예상 적발 |\n|---|---|---|---|---|")?,
        false => writeln!(
            text,
            "| importer | declarations | mean probability | earlier | findings expected then |\n|---|---|---|---|---|"
        )?,
    }
    for candidate in candidates.iter().take(TOLD) {
        let super::fast_track::Candidate { importer, declarations, mean, earlier, earlier_expected, .. } = candidate;
        writeln!(text, "| {importer} | {declarations} | {mean:.3} | {earlier} | {earlier_expected:.1} |")?;
    }
    Ok(())
}

/// Whether all are treated alike, for a review and for a model card.
pub(super) fn fairness_in_words(sorted: &[Sorted], text: &mut String, ko: bool) -> std::fmt::Result {
    if sorted.is_empty() {
        return Ok(());
    }
    match ko {
        true => writeln!(
            text,
            "\n## 공정성\n\n선별은 적색의 비율이다. 구간은 95%(윌슨)이므로 스무 집단 가운데 하나는 우연히 벗어난다. 더 자주 선별된다고 해서 \
             불공정한 것은 아니지만, 확률이 실제보다 높은 집단은 그렇다."
        )?,
        false => writeln!(
            text,
            "\n## Fairness\n\nSelected is the share that is red. Intervals are at 95% (Wilson's), so one group of twenty lies \
             outside by chance. To be selected more often is not unfair by itself; probabilities that are too high are."
        )?,
    }
    for Sorted { en, ko: name, groups, small_groups, small_rows, .. } in sorted {
        let head = if ko { name } else { en };
        match ko {
            true => writeln!(text, "\n| {head} | 신고 | 선별 | 전체 대비 | 정밀도 | 확률 평균 | 적발 비율 | 보정 |")?,
            false => writeln!(
                text,
                "\n| {head} | rows | selected | against all | precision | mean probability | found | calibration |"
            )?,
        }
        writeln!(text, "|---|---|---|---|---|---|---|---|")?;
        for group in groups {
            let Group { name, rows, selected, selected_ratio, expected, found, precision, calibration } = group;
            let told = |estimate: &Option<Estimate>| estimate.map_or("-".to_owned(), |estimate| interval(&estimate));
            let calibration = match (calibration, ko) {
                (None, _) => "-",
                (Some(Calibrated::Right), false) => "right",
                (Some(Calibrated::TooHigh), false) => "too high",
                (Some(Calibrated::TooLow), false) => "too low",
                (Some(Calibrated::Right), true) => "맞음",
                (Some(Calibrated::TooHigh), true) => "높음",
                (Some(Calibrated::TooLow), true) => "낮음",
            };
            let (selected, precision, found_told) = (interval(selected), told(precision), told(found));
            let expected = if found.is_some() { format!("{expected:.3}") } else { "-".to_owned() };
            writeln!(
                text,
                "| {name} | {rows} | {selected} | {selected_ratio:.2} | {precision} | {expected} | {found_told} | \
                 {calibration} |"
            )?;
        }
        if *small_groups > 0 {
            match ko {
                true => writeln!(text, "\n작은 집단 {small_groups}개({small_rows}행)는 생략하였다.")?,
                false => writeln!(text, "\n{small_groups} small groups of {small_rows} rows are not told.")?,
            }
        }
    }
    Ok(())
}

fn interval(Estimate { value, low, high }: &Estimate) -> String {
    format!("{value:.3} [{low:.3}, {high:.3}]")
}

fn percent(share: f64) -> String {
    format!("{:.1}%", share * 100.0)
}

/// Groups by all who act, by origin, and by heading.
fn grouped_by(model: &Model, table: &Table, scored: &[Scored]) -> Vec<Grouped> {
    let mapping = &model.mapping;
    let mut columns: Vec<&String> = mapping.parties.iter().collect();
    if let Some(price) = &mapping.unit_price {
        columns.extend([&price.origin, &price.goods]);
    }
    let grouped = columns.into_iter().filter_map(|name| {
        let column = mapping.column(name)?;
        let Categories { codes, texts } = table.categories.get(name)?;
        let digits = if column.role == Role::Hs { 4 } else { usize::MAX };
        let group = |row: usize| {
            let text = &texts[codes[row] as usize];
            (!text.is_empty()).then(|| text.get(..digits).unwrap_or(text).to_owned())
        };
        let rows = scored.iter().enumerate().map(|(row, scored)| (group(row), scored));
        let (en, ko) = (column.words.en.clone(), column.words.ko.clone());
        Some(Grouped { column: name.clone(), en, ko, groups: groups::riskiest(rows, TOLD) })
    });
    grouped.collect()
}

fn fast_track(
    model: &Model,
    table: &Table,
    scored: &[Scored],
    finding: impl Fn(usize) -> Option<bool>,
) -> Option<FastTrack> {
    let kind = model.leanings.kinds.first()?;
    let importers = &table.categories[&kind.column];
    let rows = scored.iter().enumerate().map(|(row, scored)| (importers.text(row), scored, finding(row)));
    Some(RULE.candidates(rows, |importer| kind.party(importer)))
}

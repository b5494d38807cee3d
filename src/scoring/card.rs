//! The model card: what a model is for, what it learnt from, how good it is and where it ends, for people.
//!
//! Two languages, one set of figures: whatever a card says in numbers comes from the [`Report`].

use std::borrow::Cow;
use std::path::Path;

use super::mapping::Role;
use super::report::{FileRead, Measured, Ranking};
use super::review::fairness_in_words;
use super::{Model, Report};

pub fn english(model: &Model, report: &Report) -> String {
    let Report { test, valid, .. } = report;
    let mut card = format!("# Risk model {}\n\n", model.version);
    card.push_str(&format!("Learnt from {}: {}.\n\n", model.mapping.about.en, model.trained_on.words().en));
    card.push_str(
        "## What it is for\n\nIt puts import declarations in the order of their risk of fraud, so that officers look first where most is \
         found. It decides nothing: a score is a reason to look, not a finding, and each comes with its own reasons. It \
         must not be used on people, nor on tables other than the one its mapping describes.\n\n",
    );
    card.push_str(&format!(
        "## How it works\n\n{} boosted trees on {} features (log loss, histograms, leaf-wise growth), calibrated on the \
         validation rows. Categories enter as the share of fraud among earlier rows, by folds that keep a row from its own \
         label; prices against the history of the same goods. Contributions in a score are exact Shapley values of the \
         trees. Yellow and red are the riskiest shares of declarations that can be looked at.\n\n",
        report.num_trees,
        report.num_features
    ));
    if !model.leanings.kinds.is_empty() {
        let spreads = model.leanings.kinds.iter().map(|kind| format!("`{}` {:.2}", kind.column, kind.spread));
        card.push_str(&format!(
            "Those who act add a leaning each to the log-odds: by how much more was found of their declarations than all \
             else gives reason to expect, drawn towards 0 where little is known. Spreads: {}.\n\n",
            spreads.collect::<Vec<_>>().join(", ")
        ));
    }
    if model.revenue.is_some() {
        card.push_str(
            "What a finding brings is told by a second model, boosted by least squares on the additional duty as a share of \
             the value, and scaled so that the validation findings add up. Probability times amount is the revenue to \
             expect of an inspection.\n\n",
        );
    }
    card.push_str("## What it learnt from\n\n| part | file | rows | not used | sha256 |\n|---|---|---|---|---|\n");
    card.push_str(&file_lines(&report.files));
    card.push_str("\nColumns left out:\n\n");
    for (name, reason) in unused(model) {
        card.push_str(&format!("- `{name}`: {reason}\n"));
    }
    card.push_str(&format!(
        "\n## How good it is\n\nTest rows: {} with a base rate of {:.3}. Intervals at 95%.\n\n",
        test.rows, test.base_rate
    ));
    card.push_str(&ranking_head(test, ["AUC", "precision at 5%", "precision at 10%", "AUC without twins"]));
    card.push_str(&rankings(
        test,
        "this model",
        "lookup of twins",
        "best possible",
        &["logistic regression", "random forest", "linear SVM", "isolation forest"],
    ));
    card.push_str(&format!(
        "\nCalibration error {:.4} (validation rows {:.4}, which it was calibrated on), Brier score {:.4}.\n",
        test.calibration_error, valid.calibration_error, test.brier
    ));
    revenue(report, &mut card, &REVENUE_EN);
    fairness_in_words(&report.fairness, &mut card, false).expect("a string takes all");
    card.push_str("\n## Where it ends\n\n");
    for warning in &report.warnings {
        card.push_str(&format!("- {warning}\n"));
    }
    card.push_str(
        "- It has seen only declarations that were inspected; what was never looked at it cannot know.\n\
         - Fraud changes. Train anew when the share found among red declarations falls, and keep inspecting a random few.\n",
    );
    card
}

pub fn korean(model: &Model, report: &Report) -> String {
    let Report { test, valid, .. } = report;
    let mut card = format!("# 위험 모형 {}\n\n", model.version);
    card.push_str(&format!("학습 자료: {}({}).\n\n", model.mapping.about.ko, model.trained_on.words().ko));
    card.push_str(
        "## 용도\n\n수입신고를 부정 위험이 높은 순서로 정렬하여 적발 가능성이 큰 건부터 살펴보게 한다. 모형은 아무것도 결정하지 \
         않는다. 점수는 살펴볼 이유일 뿐 적발 결과가 아니며, 모든 점수에는 근거가 붙는다. 사람에 대한 판단이나 매핑이 정한 표 이외의 \
         자료에 사용해서는 안 된다.\n\n",
    );
    card.push_str(&format!(
        "## 방법\n\n특성 {}개에 대한 부스팅 나무 {}그루(로그 손실, 히스토그램, 잎 우선 성장)를 학습하고 검증 자료로 보정하였다. 범주는 \
         과거 행의 부정 비율로 들어가되 자기 자신의 정답을 보지 못하도록 겹을 나누어 계산하고, 가격은 같은 물품의 이력과 비교한다. 점수의 \
         기여도는 나무의 정확한 섀플리 값이다. 황색과 적색은 살펴볼 수 있는 비율만큼의 고위험 신고이다.\n\n",
        report.num_features,
        report.num_trees
    ));
    if !model.leanings.kinds.is_empty() {
        let spreads = model.leanings.kinds.iter().map(|kind| format!("`{}` {:.2}", kind.column, kind.spread));
        card.push_str(&format!(
            "행위자마다 로그 승산에 성향을 더한다. 그 신고에서 다른 모든 사정으로 기대되는 것보다 얼마나 더 적발되었는지를 나타내며, 알려진 것이 \
             적으면 0에 가까워진다. 표준편차: {}.\n\n",
            spreads.collect::<Vec<_>>().join(", ")
        ));
    }
    if model.revenue.is_some() {
        card.push_str(
            "적발 시 추징세액은 두 번째 모형이 말한다. 과세가격 대비 추징세액의 비율을 최소제곱으로 부스팅하고, 검증 자료의 적발 건 합계가 맞도록 \
             조정하였다. 확률과 금액의 곱이 검사에서 기대되는 세수이다.\n\n",
        );
    }
    card.push_str("## 학습 자료\n\n| 구분 | 파일 | 행 | 제외 | sha256 |\n|---|---|---|---|---|\n");
    card.push_str(&file_lines(&report.files));
    card.push_str("\n사용하지 않은 열(이유는 영문 카드와 스키마 참조): ");
    card.push_str(&unused(model).map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(", "));
    card.push_str(&format!(
        "\n\n## 성능\n\n시험 자료 {}행, 기저 비율 {:.3}. 구간은 95%.\n\n",
        test.rows, test.base_rate
    ));
    card.push_str(&ranking_head(test, ["AUC", "상위 5% 정밀도", "상위 10% 정밀도", "쌍둥이 제외 AUC"]));
    card.push_str(&rankings(
        test,
        "이 모형",
        "쌍둥이 조회표",
        "가능한 최선",
        &["로지스틱 회귀", "랜덤 포레스트", "선형 SVM", "격리 숲"],
    ));
    card.push_str(&format!(
        "\n보정 오차 {:.4}(보정에 쓴 검증 자료 {:.4}), 브라이어 점수 {:.4}.\n",
        test.calibration_error, valid.calibration_error, test.brier
    ));
    revenue(report, &mut card, &REVENUE_KO);
    fairness_in_words(&report.fairness, &mut card, true).expect("a string takes all");
    card.push_str("\n## 한계\n\n");
    if let Some(twin_free) = test.twin_free.as_ref().filter(|twin_free| twin_free.rows < test.rows) {
        card.push_str(&format!(
            "- 시험 자료 {}행 가운데 {}행은 학습 또는 검증 자료에 쌍둥이 행이 있다. 전체 수치는 기억을 재는 것이며, 쌍둥이를 뺀 수치만 일반화를 \
             말해 준다.\n",
            test.rows,
            test.rows - twin_free.rows
        ));
    }
    card.push_str(
        "- 검사한 신고만 학습하였으므로 한 번도 살펴보지 않은 것은 알 수 없다.\n\
         - 부정의 양상은 변한다. 적색 신고의 적발률이 떨어지면 다시 학습하고, 무작위 검사를 일부 유지한다.\n",
    );
    card
}

/// Words of the table of revenue: head, orders in their order, and the share of the best possible.
type RevenueWords = [&'static str; 7];
const REVENUE_EN: RevenueWords = [
    "Additional duty found among the first declarations, as a share of all that was found; told of the findings, as a share \
     of what they brought",
    "by expected revenue (this model)",
    "by probability alone",
    "by amount alone",
    "best possible",
    "perfect foresight, which nobody has",
    "Of the best possible at 5%",
];
const REVENUE_KO: RevenueWords = [
    "먼저 살펴본 신고에서 찾은 추징세액의 전체 대비 비율, 그리고 적발 건에 대해 말한 금액의 실제 대비 비율",
    "기대 세수순(이 모형)",
    "확률순",
    "금액순",
    "가능한 최선",
    "완전한 예지(불가능)",
    "상위 5%에서 가능한 최선 대비",
];

fn revenue(report: &Report, card: &mut String, words: &RevenueWords) {
    let Some(figures) = &report.revenue else { return };
    let [head, by_revenue, by_probability, by_amount, best, perfect, of_best] = words;
    let [low, high] = figures.told_of_found_interval;
    card.push_str(&format!("\n{head}: {:.3} [{low:.3}, {high:.3}].\n\n", figures.told_of_found));
    card.push_str("| | 5% | 10% |\n|---|---|---|\n");
    let (five, ten) = (&figures.at_5pct, &figures.at_10pct);
    let mut line = |name: &str, five: f64, ten: f64| card.push_str(&format!("| {name} | {five:.3} | {ten:.3} |\n"));
    line(by_revenue, five.by_revenue, ten.by_revenue);
    line(by_probability, five.by_probability, ten.by_probability);
    line(by_amount, five.by_amount, ten.by_amount);
    if let (Some(five), Some(ten)) = (five.best_possible, ten.best_possible) {
        line(best, five, ten);
    }
    line(perfect, five.perfect_foresight, ten.perfect_foresight);
    if let (Some(own), Some([low, high])) = (five.of_best_possible, five.of_best_possible_interval) {
        card.push_str(&format!("\n{of_best}: {own:.3} [{low:.3}, {high:.3}].\n"));
    }
}

/// One line a file.
pub(super) fn file_lines(files: &[FileRead]) -> String {
    let line = |file: &FileRead| {
        let name = file_name(&file.name);
        format!("| {} | {name} | {} | {} | `{}` |\n", file.part, file.rows, file.refused.len(), file.sha256)
    };
    files.iter().map(line).collect()
}

/// A file's name without the folders it lay in, which are nobody else's business.
pub(super) fn file_name(path: &str) -> Cow<'_, str> {
    Path::new(path).file_name().map_or(path.into(), std::ffi::OsStr::to_string_lossy)
}

fn unused(model: &Model) -> impl Iterator<Item = (&str, &str)> {
    model.mapping.columns.iter().filter_map(|column| match &column.role {
        Role::Unused { reason } => Some((column.name.as_str(), reason.as_str())),
        _ => None,
    })
}

/// The head of a table of [`rankings`]; the last column only where twins are known.
pub(super) fn ranking_head(test: &Measured, columns: [&str; 4]) -> String {
    let columns = if test.twin_free.is_some() { &columns[..] } else { &columns[..3] };
    format!("| | {} |\n|---{}|\n", columns.join(" | "), "|---".repeat(columns.len()))
}

/// One line a model: itself, the lookup, the best possible, and the rivals in their order.
pub(super) fn rankings(test: &Measured, own: &str, lookup_name: &str, best_name: &str, rivals: &[&str]) -> String {
    let line = |name: &str, ranking: &Ranking| {
        let interval = ranking.auc_interval.map_or(String::new(), |[low, high]| format!(" [{low:.4}, {high:.4}]"));
        let number = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.4}"));
        let [five, ten] = [ranking.precision_at_5pct_interval, ranking.precision_at_10pct_interval];
        let alone = test.twin_free.as_ref().map_or(String::new(), |_| format!(" {} |", number(ranking.twin_free_auc)));
        format!(
            "| {name} | {}{interval} | {:.3} [{:.3}, {:.3}] | {:.3} [{:.3}, {:.3}] |{alone}\n",
            number(ranking.auc),
            ranking.precision_at_5pct,
            five[0],
            five[1],
            ranking.precision_at_10pct,
            ten[0],
            ten[1],
        )
    };
    let mut lines = line(own, &test.ranking);
    if let Some(lookup) = &test.lookup {
        lines.push_str(&line(lookup_name, lookup));
    }
    if let Some(best) = &test.best_possible {
        lines.push_str(&line(best_name, best));
    }
    for (ranking, name) in test.rivals.values().zip(rivals) {
        lines.push_str(&line(name, ranking));
    }
    lines
}

//! The model card: what a model is for, what it learnt from, how good it is and where it ends, for people.
//!
//! Two languages, one set of figures: whatever a card says in numbers comes from the [`Report`].

use super::factors::FACTORS;
use super::model::Model;
use super::reasons::Reason;
use super::report::{Report, number};
use super::scale::{ANCHOR_ODDS, POINTS_AT_ANCHOR, POINTS_TO_DOUBLE};
use crate::scoring::card::{file_lines, ranking_head, rankings};

pub fn english(model: &Model, report: &Report) -> String {
    let Report { test, learnt, tested, new_companies, .. } = report;
    let mut card = format!("# Delinquency model {}\n\n", model.version);
    card.push_str(&format!("Learnt from {}: {}.\n\n", model.tables.about.en, model.trained_on.words().en));
    card.push_str(
        "## What it is for\n\nIt says how likely a company is to be more than 30 days late with a due of the next six \
         months, so that officers can talk to it, secure the claim or grant a respite in time. It decides nothing: a \
         score is a reason to look, not a finding, and each comes with its own reasons. The rules beside it are \
         conditions of the law that ledgers show to be met; exceptions are for the officer. It must not be used on \
         people, nor on tables other than those its mapping describes.\n\n## How it works\n\n",
    );
    card.push_str(&format!(
        "{} boosted trees on {} factors of tax, trade and firm, calibrated by a logistic curve on companies that were not \
         learnt from. All factors are as they were known on the last day of the as-of month: a debt that was open then \
         counts as open, however it was paid later, and the payments of that month are not known yet. Contributions \
         in a score are exact Shapley values of the trees. Reasons: ",
        report.num_trees, report.num_features
    ));
    card.push_str(&reasons(|reason| reason.words().en));
    card.push_str(&format!(
        ".\n\nThe score is {POINTS_AT_ANCHOR} points where {ANCHOR_ODDS} companies pay for one that does not, and \
         {POINTS_TO_DOUBLE} more whenever these odds double, within 0 and 1000. Grades are bands of the probability; where \
         a rule has a floor the grade is no better than it, and the probability stays as it is.\n\n| grade | probability | \
         test rows | in default |\n|---|---|---|---|\n"
    ));
    card.push_str(&grades(report));
    card.push_str("\n## What it learnt from\n\n| table | file | rows | not used | sha256 |\n|---|---|---|---|---|\n");
    card.push_str(&file_lines(&report.files));
    card.push_str(&format!(
        "\nLearnt looking back from {} to {} ({} rows, and {} watched), tested from {} to {} ({} rows), so that all that \
         was learnt was known before the first tested month. Three fifths of the companies were learnt from, one fifth \
         watched, one fifth seen in the test alone.\n\n",
        learnt.from, learnt.to, learnt.rows, report.watched.rows, tested.from, tested.to, tested.rows
    ));
    card.push_str(&format!(
        "## How good it is\n\nTest rows: {} with a base rate of {:.3}. Intervals at 95%, as if rows were independent; the \
         same company stands in several months, so they are wider in truth.\n\n",
        test.rows, test.base_rate
    ));
    card.push_str(&ranking_head(test, ["AUC", "precision at 5%", "precision at 10%", ""]));
    card.push_str(&rankings(
        test,
        "this model",
        "lookup of the last six months",
        "best possible",
        &["logistic regression"],
    ));
    card.push_str(&format!(
        "\nCompanies that were neither learnt from nor watched: AUC {}. Calibration error {:.4}, Brier score {:.4}.\n\n\
         ### Stability\n\n| cohort | rows | in default | said | AUC | PSI |\n|---|---|---|---|---|---|\n",
        number(new_companies.ranking.auc),
        test.calibration_error,
        test.brier
    ));
    card.push_str(&cohorts(report));
    card.push_str("\n## Where it ends\n\n");
    for warning in &report.warnings {
        card.push_str(&format!("- {warning}\n"));
    }
    card.push_str(
        "- It knows ledgers, declarations and audits, not bank accounts: a company that fails from one day to the next \
         it sees too late.\n- A phoenix is taken from a shared phone, address or account alone.\n- Times change. Train \
         anew when the stability index of all rows passes 0.25 or grades default otherwise than their bands say.\n",
    );
    card
}

pub fn korean(model: &Model, report: &Report) -> String {
    let Report { test, learnt, tested, new_companies, .. } = report;
    let mut card = format!("# 체납 예측 모형 {}\n\n", model.version);
    card.push_str(&format!("학습 자료: {}({}).\n\n", model.tables.about.ko, model.trained_on.words().ko));
    card.push_str(
        "## 용도\n\n앞으로 6개월 안에 납부기한이 오는 세액을 30일 넘게 연체할 가능성을 말해 주어, 미리 안내하거나 채권을 확보하거나 납부를 \
         유예할 수 있게 한다. 모형은 아무것도 결정하지 않는다. 점수는 살펴볼 이유일 뿐이며 모든 점수에는 근거가 붙는다. 함께 표시되는 규칙은 \
         납부 내역으로 보아 충족된 법령상 요건이며, 예외 사유는 담당자가 판단한다. 사람에 대한 판단이나 매핑이 정한 표 이외의 자료에 사용해서는 \
         안 된다.\n\n## 방법\n\n",
    );
    card.push_str(&format!(
        "조세·교역·기업 요인 {}개에 대한 부스팅 나무 {}그루를 학습하고, 학습하지 않은 업체로 로지스틱 보정을 하였다. 모든 요인은 기준월 말일에 \
         알려져 있던 그대로이다. 그때 미납이던 세액은 나중에 납부되었더라도 미납으로 보며, 기준월의 납부 결과는 아직 알 수 없는 것으로 본다. \
         기여도는 나무의 정확한 섀플리 값이다. 근거 부호: ",
        report.num_features, report.num_trees
    ));
    card.push_str(&reasons(|reason| reason.words().ko));
    card.push_str(&format!(
        ".\n\n점수는 납부 업체와 연체 업체의 비가 {ANCHOR_ODDS}:1일 때 {POINTS_AT_ANCHOR}점이고 그 비가 두 배가 될 때마다 \
         {POINTS_TO_DOUBLE}점 높아지며 0~1000점이다. 등급은 확률 구간이다. 규칙에 하한 등급이 있으면 등급은 그보다 좋아지지 않으나 확률은 \
         그대로이다.\n\n| 등급 | 확률 | 시험 행 | 연체율 |\n|---|---|---|---|\n"
    ));
    card.push_str(&grades(report));
    card.push_str("\n## 학습 자료\n\n| 표 | 파일 | 행 | 제외 | sha256 |\n|---|---|---|---|---|\n");
    card.push_str(&file_lines(&report.files));
    card.push_str(&format!(
        "\n{}~{}을 기준월로 학습({}행, 검증 {}행)하고 {}~{}을 기준월로 시험({}행)하였으므로, 학습한 모든 결과는 첫 시험 기준월 전에 알려져 \
         있었다. 업체의 5분의 3은 학습, 5분의 1은 검증에 쓰고 5분의 1은 시험에만 썼다.\n\n",
        learnt.from, learnt.to, learnt.rows, report.watched.rows, tested.from, tested.to, tested.rows
    ));
    card.push_str(&format!(
        "## 성능\n\n시험 자료 {}행, 기저 비율 {:.3}. 95% 구간은 행이 서로 독립일 때의 것이며, 같은 업체가 여러 달에 나오므로 실제로는 더 \
         넓다.\n\n",
        test.rows, test.base_rate
    ));
    card.push_str(&ranking_head(test, ["AUC", "상위 5% 정밀도", "상위 10% 정밀도", ""]));
    card.push_str(&rankings(test, "이 모형", "최근 6개월 연체 조회표", "가능한 최선", &["로지스틱 회귀"]));
    card.push_str(&format!(
        "\n학습에도 검증에도 쓰지 않은 업체: AUC {}. 보정 오차 {:.4}, 브라이어 점수 {:.4}.\n\n### 안정성\n\n| 집단 | 행 | 연체율 | \
         예측 평균 | AUC | PSI |\n|---|---|---|---|---|---|\n",
        number(new_companies.ranking.auc),
        test.calibration_error,
        test.brier
    ));
    card.push_str(&cohorts(report));
    card.push_str(
        "\n## 한계\n\n- 납부 내역, 신고, 조사만 알고 계좌는 모르므로, 하루아침에 무너지는 업체는 늦게야 알아본다.\n- 승계 정황은 전화번호, 주소, \
         계좌의 일치만으로 본다.\n- 사정은 변한다. 전체 안정성 지수가 0.25를 넘거나 등급별 연체율이 구간을 벗어나면 다시 학습한다.\n",
    );
    card
}

fn reasons(words: fn(Reason) -> String) -> String {
    let told = Reason::ALL.map(|reason| {
        let factors =
            FACTORS.iter().filter(|factor| factor.reason == reason).map(|factor| format!("`{}`", factor.name));
        format!("{} {} ({})", reason.code(), words(reason), factors.collect::<Vec<_>>().join(", "))
    });
    told.join("; ")
}

fn grades(report: &Report) -> String {
    let lines = report.grades.iter().map(|graded| {
        let defaults = if graded.rows == 0 { "-".to_owned() } else { format!("{:.3}", graded.defaults) };
        format!("| {} | {} - {} | {} | {defaults} |\n", graded.grade, graded.from, graded.below, graded.rows)
    });
    lines.collect()
}

fn cohorts(report: &Report) -> String {
    let lines = report.stability.iter().map(|cohort| {
        format!(
            "| {} | {} | {:.3} | {:.3} | {} | {} |\n",
            cohort.band,
            cohort.rows,
            cohort.base_rate,
            cohort.mean_probability,
            number(cohort.auc),
            number(cohort.psi)
        )
    });
    lines.collect()
}

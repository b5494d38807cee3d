//! The model card: what a model is for, what it learnt from, how good it is and where it ends, for people.
//!
//! Two languages, one set of figures: whatever a card says in numbers comes from the [`Report`].

use super::report::{Measured, Report};
use crate::scoring::card::file_name;

pub fn english(report: &Report) -> String {
    let mut card = format!("# HS model {}\n\n## What it is for\n\n", report.model);
    card.push_str(
        "It recommends HS codes for a description of goods, in English or Korean, with probabilities and similar texts \
         as reasons. It decides nothing: a classification follows from the legal texts and the goods, which it has not \
         seen. A text marked as refused is too vague, and its codes are guesses.\n\n## How it works\n\n\
         Words, pairs of words and runs of 2 to 5 characters, weighted by rarity, and, where an encoder is named, the \
         vector of the text by it; likeness in both to past descriptions and to the names of the nomenclature; \
         multinomial logistic regression over both on chapters, headings and subheadings; a conditional logit weighs these signals and is the calibration. Sets are split conformal. National lines are \
         ordered by likeness alone. Questions and their answers come from a list of attributes and the wording of the \
         nomenclature.\n\n## What it learnt from\n\n| file | rows | not used | sha256 |\n|---|---|---|---|\n",
    );
    card.push_str(&files(report));
    if let Some(encoder) = &report.encoder {
        card.push_str(&format!("\nTexts were encoded by `{encoder}`.\n"));
    }
    card.push_str(&format!(
        "\nBeside these, the built-in descriptions of the headings. One fifth of the distinct descriptions, drawn with seed {}, was held out with all rows that share their \
         words; the model served is the model measured, and has not learnt from that fifth.\n\n## How good it is\n\n\
         | texts | level | top 1 [95%] | nearest text alone | top 3 | top 5 | calibration error | coverage (stated) | \
         codes a set |\n|---|---|---|---|---|---|---|---|---|\n",
        report.seed
    ));
    card.push_str(&figures(report, 0));
    if let Some(refused) = &report.refusal {
        let list = match refused.vague_refused {
            Some(share) => format!("{share:.3} of {} held-out vague texts", refused.vague_rows),
            None => "there was no list of vague texts".to_owned(),
        };
        card.push_str(&format!(
            "\nRefused: {list}; {:.3} of {} held-out clear ones.\n",
            refused.clear_refused, refused.clear_rows
        ));
    }
    card.push_str(
        "\n## Where it ends\n\n- It knows the words it has seen; brand names and abbreviations it has not seen say \
         nothing to it.\n- The figures hold for texts like those above; declarations are worded otherwise. Measure it \
         on your own before you rely on it.\n- The stated coverage holds on average over such texts, not for each \
         heading.\n",
    );
    card
}

pub fn korean(report: &Report) -> String {
    let mut card = format!("# 품목분류 모형 {}\n\n## 용도\n\n", report.model);
    card.push_str(
        "국문 또는 영문 물품 설명에 대하여 HS 부호를 확률 및 유사 사례와 함께 추천한다. 모형은 아무것도 결정하지 않는다. 품목분류는 \
         법령과 물품에 따라 정해지며 모형은 물품을 보지 못하였다. 거절로 표시된 설명은 너무 모호하므로 그 부호는 추측이다.\n\n## 방법\n\n\
         단어, 단어쌍, 2~5자 문자열을 희소도로 가중하고, 부호기가 있으면 문장의 뜻을 나타내는 벡터를 더하여, 각각에 대한 과거 설명 및 품목표 \
         명칭과의 유사도와 류·호·소호별 다항 로지스틱 회귀를 조건부 로짓으로 결합하여 보정한다. 부호 집합은 분할 컨포멀 방식이며, 국내 세번은 유사도 순서이다. 질문과 답은 속성 목록과 품목표의 \
         문구에서 나온다.\n\n## 학습 자료\n\n\
         | 파일 | 행 | 제외 | sha256 |\n|---|---|---|---|\n",
    );
    card.push_str(&files(report));
    if let Some(encoder) = &report.encoder {
        card.push_str(&format!("\n부호기: `{encoder}`\n"));
    }
    card.push_str(&format!(
        "\n그 밖에 내장된 호별 설명을 학습하였다. 서로 다른 설명의 5분의 1(시드 {})을 같은 문구의 모든 행과 함께 시험용으로 떼어 두었다. 사용 중인 모형은 측정한 모형과 같으며 이 \
         5분의 1을 학습하지 않았다.\n\n## 성능\n\n| 자료 | 단위 | 1순위 [95%] | 최근접 사례만 | 3순위 내 | 5순위 내 | 보정 오차 | \
         포함률(명시) | 집합 크기 |\n|---|---|---|---|---|---|---|---|---|\n",
        report.seed
    ));
    card.push_str(&figures(report, 1));
    if let Some(refused) = &report.refusal {
        let list = match refused.vague_refused {
            Some(share) => format!("모호한 설명 {}건 중 {share:.3}", refused.vague_rows),
            None => "모호한 설명 목록 없음".to_owned(),
        };
        card.push_str(&format!(
            "\n거절: {list}, 명확한 설명 {}건 중 {:.3}.\n",
            refused.clear_rows, refused.clear_refused
        ));
    }
    card.push_str(
        "\n## 한계\n\n- 학습한 단어만 안다. 처음 보는 상표나 약어는 의미가 없다.\n- 수치는 위와 같은 설명에 대한 것이다. 신고서의 \
         품명은 다르게 쓰이므로 사용 전에 자체 자료로 측정하여야 한다.\n- 명시된 포함률은 평균이며 호마다 보장되지 않는다.\n",
    );
    card
}

fn files(report: &Report) -> String {
    let line = |file: &super::source::FileRead| {
        let name = file_name(&file.name);
        format!("| {name} | {} | {} | `{}` |\n", file.rows, file.refused.len(), file.sha256)
    };
    report.files.iter().map(line).collect()
}

fn figures(report: &Report, language: usize) -> String {
    let mut lines = String::new();
    for (names, Measured { rows, levels }) in report.parts() {
        for (level, figures) in levels {
            let [low, high] = figures.top1_interval;
            lines.push_str(&format!(
                "| {} ({rows}) | {level} | {:.3} [{low:.3}, {high:.3}] | {:.3} | {:.3} | {:.3} | {:.3} | {:.3} ({:.2}) | {:.1} |\n",
                names[language],
                figures.top1,
                figures.nearest_top1,
                figures.top3,
                figures.top5,
                figures.calibration_error,
                figures.coverage,
                figures.coverage_stated,
                figures.set_size,
            ));
        }
    }
    lines
}

//! The model card in two languages; every figure comes from the [`Report`].

use super::Kind;
use super::report::{Report, shown};
use super::verdict::STATED;

pub fn english(report: &Report) -> String {
    let mut card = format!(
        "# Document model {}\n\nLearnt from drawn certificates (seed {}): stamps and signatures that exist nowhere. **No \
         figure here says anything of real documents**; `haetae documents measure` measures on yours.\n\n\
         ## What it is for\n\nIt finds stamps and signatures on scanned documents and says how likely two of them come from \
         one original. It decides nothing: \"different\" is a reason to look at the paper, \"same\" is no proof. It must not \
         be the only ground for anything done to a person.\n\n\
         ## How it works\n\nRegions of connected ink are judged by their measures. A mark's ink is parted from print by \
         colour where there is one; two marks are laid over each other by the greatest correlation; a network of four \
         convolutions, learnt with the supervised contrastive loss on {} identities of each kind and their forgeries in {} \
         steps, makes vectors of both. The vectors' cosine and the ink left over are weighed by a logistic regression on \
         further identities. The thresholds of the verdicts aim at {:.0}% errors on either side.\n\n",
        report.model,
        report.seed,
        report.identities,
        report.steps,
        100.0 * STATED
    );
    for kind in Kind::ALL {
        let compared = report.of(kind);
        card.push_str(&format!(
            "## How good it is: {}\n\n{} identities that nothing was learnt from; {} same, {} random and {} skilled pairs. \
             Intervals at 95%.\n\n| | |\n|---|---|\n",
            kind.word(),
            compared.identities,
            compared.same_pairs,
            compared.random_pairs,
            compared.skilled_pairs
        ));
        for ([name, _], figure) in compared.figures() {
            card.push_str(&format!("| {name} | {} |\n", shown(figure)));
        }
        card.push('\n');
    }
    card.push_str(&format!(
        "## Where it ends\n\n\
         - A photocopy has the shape of its original: by shape alone it passes. Only a black copy of a coloured stamp on a \
         colour scan is noticed; ask for the paper.\n\
         - Print across a mark on a grey scan counts as its ink.\n\
         - Drawn hands are simpler than people's: expect more variation, and more errors, on real signatures.\n\
         - Probabilities are those of as many same as different pairs.\n\n\
         Data sha256: `{}`\n",
        report.data_sha256
    ));
    card
}

pub fn korean(report: &Report) -> String {
    let mut card = format!(
        "# 문서 모형 {}\n\n그려서 만든 증명서(시드 {})로 학습하였다. 도장과 서명은 모두 지어낸 것이며, **여기의 어떤 수치도 실제 문서에 대해 말해 주지 \
         않는다**. 실제 자료에 대한 수치는 `haetae documents measure`로 잰다.\n\n\
         ## 용도\n\n스캔한 문서에서 도장과 서명을 찾고, 두 개가 같은 원본에서 나왔을 가능성을 말한다. 아무것도 결정하지 않는다. \"다름\"은 원본 \
         서류를 살펴볼 이유이고, \"같음\"은 증거가 아니다. 사람에 대한 처분의 유일한 근거로 쓰여서는 안 된다.\n\n\
         ## 방법\n\n이어진 잉크 영역을 측정값으로 판정한다. 색이 있으면 색으로 인쇄와 도장의 잉크를 나누고, 두 개를 상관이 가장 큰 위치에 겹친다. \
         합성곱 네 층의 신경망(종류별 {}개의 원본과 그 위조를 {}단계 동안 지도 대조 손실로 학습)이 각각의 벡터를 만든다. 벡터의 코사인과 남는 \
         잉크를 별도의 원본으로 학습한 로지스틱 회귀가 종합한다. 판정 기준은 양쪽 오류율 {:.0}%를 목표로 정하였다.\n\n",
        report.model,
        report.seed,
        report.identities,
        report.steps,
        100.0 * STATED
    );
    for kind in Kind::ALL {
        let compared = report.of(kind);
        let name = match kind {
            Kind::Stamp => "도장",
            Kind::Signature => "서명",
        };
        card.push_str(&format!(
            "## 성능: {name}\n\n학습에 쓰지 않은 원본 {}개. 같은 쌍 {}개, 무작위 쌍 {}개, 숙련 위조 쌍 {}개. 구간은 95%.\n\n| | |\n|---|---|\n",
            compared.identities, compared.same_pairs, compared.random_pairs, compared.skilled_pairs
        ));
        for ([_, name], figure) in compared.figures() {
            card.push_str(&format!("| {name} | {} |\n", shown(figure)));
        }
        card.push('\n');
    }
    card.push_str(&format!(
        "## 한계\n\n\
         - 복사본은 원본과 형태가 같으므로 형태만으로는 통과한다. 컬러 스캔에서 유색 도장의 검은 복사본만 알아차린다. 서류 원본을 요구한다.\n\
         - 흑백 스캔에서 도장 위의 인쇄는 도장의 잉크로 간주된다.\n\
         - 그려 낸 필적은 사람의 필적보다 단순하다. 실제 서명은 더 변하고 오류도 더 많다고 보아야 한다.\n\
         - 확률은 같은 쌍과 다른 쌍이 반반일 때의 값이다.\n\n\
         학습 자료 sha256: `{}`\n",
        report.data_sha256
    ));
    card
}

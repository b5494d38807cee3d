//! What passes and what does not, in both languages: each row is a sentence a model may write about the evidence.

use std::path::Path;

use super::*;
use crate::ingest::{chunk, documents, source_files};
use crate::rag::{Citation, Quote};

/// A question with the passages found for it; the first sentence of the first is the deciding one.
struct Case {
    question: &'static str,
    passages: &'static [&'static str],
    refs: &'static [&'static str],
}

/// A citation without a text.
fn citation(n: usize, language: Language) -> Citation {
    Citation {
        n,
        document: format!("d{n}"),
        passage: format!("d{n}#0"),
        title: "Title".into(),
        heading: String::new(),
        corpus: "valuation".into(),
        language,
        topic: None,
        authority: "guide".into(),
        text: String::new(),
        span: 0..0,
        score: 1.0,
        refs: Vec::new(),
    }
}

impl Case {
    fn checker(&self) -> Checker {
        let language = Language::detect(self.question);
        let citation = |(at, text): (usize, &&str)| Citation {
            text: (*text).to_owned(),
            refs: self.refs.iter().map(ToString::to_string).collect(),
            ..citation(at + 1, language)
        };
        let first = self.passages[0];
        let span = sentences(first)[0].clone();
        let quote = Quote { n: 1, text: first[span.clone()].to_owned(), span, language, score: 1.0 };
        let citations = self.passages.iter().enumerate().map(citation).collect();
        Checker::new(
            self.question,
            language,
            &Evidence { citations, quotes: vec![quote], hits: vec![], confidence: 1.0 },
        )
    }

    #[track_caller]
    fn withholds(&self, rows: &[(&str, Disagreement)]) {
        let checker = self.checker();
        let wrong: Vec<_> = rows
            .iter()
            .map(|(sentence, reason)| (sentence, checker.check(sentence), reason))
            .filter(|(_, verdict, reason)| verdict.as_ref().err() != Some(reason))
            .collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[track_caller]
    fn passes(&self, rows: &[&str]) {
        let checker = self.checker();
        let lost: Vec<_> = rows
            .iter()
            .map(|sentence| (sentence, checker.check(sentence)))
            .filter(|(_, verdict)| verdict.is_err())
            .collect();
        assert!(lost.is_empty(), "{lost:#?}");
    }
}

const COMMISSION: Case = Case {
    question: "Is a buying commission part of the customs value?",
    passages: &[
        "A buying commission is not added to the price actually paid or payable. It is what an importer pays an agent for \
         representing it abroad in the purchase of the goods. A selling commission is added to the price. The importer \
         proves it by the agency contract within 30 days.",
        "If the agent acts on its own account and owns the goods, the fee is added to the price. Brokerage is added too.",
    ],
    refs: &["KR-CA-30(1)1", "WTO-VA-8.1(a)(i)"],
};

const KOREAN: Case = Case {
    question: "구매수수료는 과세가격에 포함되나요?",
    passages: &[
        "구매수수료는 과세가격에 포함되지 아니한다. 구매수수료란 구매자가 해외에서 물품의 구매를 대리하는 자에게 지급하는 대가를 말한다. \
         판매수수료와 중개료는 과세가격에 가산한다. 수입자는 30일 이내에 대리계약서로 이를 증명한다.",
        "대리인이 자기 계산으로 물품을 소유하는 경우에는 그 수수료를 과세가격에 가산한다.",
    ],
    refs: &["KR-CA-30(1)1"],
};

#[test]
fn what_contradicts_the_deciding_sentence_is_withheld() {
    use Disagreement::Polarity;
    COMMISSION.withholds(&[
        ("A buying commission is added to the price.", Polarity),
        ("A buying commission is included in the customs value.", Polarity),
        ("The buying commission forms part of the dutiable value.", Polarity),
        ("Buying commissions are dutiable.", Polarity),
        ("A buying commission is not excluded from the customs value.", Polarity),
        ("A buying commission is never left out of the customs value.", Polarity),
        ("It is added to the price.", Polarity),
        ("Therefore, it is part of the customs value.", Polarity),
        ("This must be included.", Polarity),
        ("A buying commission is always added.", Polarity),
        ("A buying commission is added, but a selling commission is not.", Polarity),
        ("A buying commission is added, while brokerage is not added.", Polarity),
        ("Although a buying commission is added, the importer proves it by the agency contract.", Polarity),
        ("All commissions except selling commissions are included.", Polarity),
        ("Neither buying commissions nor selling commissions are added to the price.", Polarity),
        ("It is wrong to say that a buying commission is not added to the price.", Polarity),
        ("It is not true that a buying commission is not added to the price.", Polarity),
        ("A buying commission is not added unless it is paid, and paid commissions are added.", Polarity),
        ("A selling commission is not added to the price.", Polarity),
        ("A selling commission is excluded from the dutiable value.", Polarity),
        ("The importer proves it by invoice, and it is then added.", Polarity),
        ("Commission to the agent representing the importer abroad is added.", Polarity),
        ("What an importer pays an agent abroad is added to the price.", Polarity),
        ("Not only selling commissions but also buying commissions are added.", Polarity),
        ("A selling commission is not added, only a buying commission is.", Polarity),
        ("Customs duty is levied on a buying commission.", Polarity),
        ("The customs value includes commissions and brokerage.", Disagreement::Citation),
        ("The answer is yes.", Polarity),
        ("Yes.", Polarity),
    ]);
}

#[test]
fn what_says_the_same_in_other_words_is_kept() {
    COMMISSION.passes(&[
        "A buying commission is not added to the price.",
        "A buying commission is not part of the customs value.",
        "The buying commission is excluded from the customs value.",
        "Buying commissions are not dutiable.",
        "A buying commission is left out of the dutiable value.",
        "A selling commission is added to the price.",
        "A buying commission is not added, but a selling commission is added to the price.",
        "A buying commission is what an importer pays an agent for representing it abroad.",
        "If the agent acts on its own account and owns the goods, the fee is added to the price.",
        "The importer proves it by the agency contract within thirty days.",
        "- The importer proves it by the agency contract.",
        "2. A selling commission is added to the price.",
    ]);
}

#[test]
fn korean_contradictions_are_withheld() {
    use Disagreement::Polarity;
    KOREAN.withholds(&[
        ("구매수수료는 과세가격에 포함됩니다.", Polarity),
        ("구매수수료는 과세가격에 가산한다.", Polarity),
        ("구매수수료는 과세가격에서 제외되지 아니한다.", Polarity),
        ("구매수수료는 과세가격에서 제외하지 않습니다.", Polarity),
        ("구매수수료는 과세가격에 포함하지 않을 수 없습니다.", Polarity),
        ("구매수수료가 과세가격에 포함되지 않는다고 볼 수 없습니다.", Polarity),
        ("구매수수료가 과세가격에 포함되지 않는다는 것은 사실이 아닙니다.", Polarity),
        ("구매수수료는 포함되지만 판매수수료는 포함되지 않습니다.", Polarity),
        ("구매수수료는 과세가격에 가산하며, 판매수수료는 공제합니다.", Polarity),
        ("구매수수료는 항상 과세가격에 포함됩니다.", Polarity),
        ("따라서 해당 비용은 과세가격에 가산됩니다.", Polarity),
        ("이는 가산요소에 해당합니다.", Polarity),
        ("판매수수료는 과세가격에 포함되지 않습니다.", Polarity),
        ("판매수수료와 중개료는 과세가격에서 제외됩니다.", Polarity),
        ("판매수수료를 제외한 모든 수수료는 과세가격에 포함됩니다.", Polarity),
        ("구매수수료는 포함됩니다만 판매수수료는 아닙니다.", Polarity),
        ("결론적으로 포함됩니다.", Polarity),
        ("구매를 대리하는 자에게 지급하는 대가는 과세가격에 가산합니다.", Polarity),
        ("구매수수료를 포함하여 과세가격을 계산합니다.", Polarity),
        ("구매수수료는 제외 대상이 아니다.", Polarity),
        ("구매수수료는 과세가격에 포함되지 아니한다는 규정은 없습니다.", Polarity),
        ("수입자는 30일 이내에 이를 증명할 필요가 없습니다.", Polarity),
        ("중개료는 과세하지 않습니다.", Polarity),
        ("네.", Polarity),
        ("답은 '예'입니다.", Polarity),
    ]);
}

#[test]
fn korean_that_says_the_same_is_kept() {
    KOREAN.passes(&[
        "구매수수료는 과세가격에 포함되지 않습니다.",
        "구매수수료는 과세가격에 포함되지 아니한다.",
        "구매수수료는 과세가격에서 제외됩니다.",
        "구매수수료는 과세가격에 가산하지 않습니다.",
        "판매수수료와 중개료는 과세가격에 가산합니다.",
        "구매수수료는 과세가격에 포함되지 않지만, 판매수수료는 과세가격에 가산합니다.",
        "구매수수료란 구매자가 해외에서 물품의 구매를 대리하는 자에게 지급하는 대가입니다.",
        "대리인이 자기 계산으로 물품을 소유하는 경우에는 그 수수료를 과세가격에 가산합니다.",
        "수입자는 삼십일 이내에 대리계약서로 이를 증명합니다.",
    ]);
}

#[test]
fn a_wrong_yes_or_no_goes_and_a_right_one_stays() {
    let shown = |case: &Case, sentence: &str| case.checker().check(sentence);
    for (given, kept) in [
        ("Yes, a buying commission is not added to the price.", "A buying commission is not added to the price [1]."),
        (
            "**Yes**, a buying commission is not added to the price.",
            "A buying commission is not added to the price [1].",
        ),
        (
            "Correct, a buying commission is not added to the price.",
            "A buying commission is not added to the price [1].",
        ),
        (
            "Yes it is true: a buying commission is not added to the price.",
            "It is true: a buying commission is not added to the price [1].",
        ),
        (
            "No, a buying commission is not added to the price.",
            "No, a buying commission is not added to the price [1].",
        ),
    ] {
        assert_eq!(shown(&COMMISSION, given), Ok(kept.into()), "{given}");
    }
    for (given, kept) in [
        ("네, 구매수수료는 과세가격에 포함되지 않습니다.", "구매수수료는 과세가격에 포함되지 않습니다 [1]."),
        ("예. 구매수수료는 과세가격에 포함되지 않습니다.", "구매수수료는 과세가격에 포함되지 않습니다 [1]."),
        ("네 구매수수료는 과세가격에 포함되지 않습니다.", "구매수수료는 과세가격에 포함되지 않습니다 [1]."),
        (
            "아니요, 구매수수료는 과세가격에 포함되지 않습니다.",
            "아니요, 구매수수료는 과세가격에 포함되지 않습니다 [1].",
        ),
    ] {
        assert_eq!(shown(&KOREAN, given), Ok(kept.into()), "{given}");
    }
    let polarity = Err(Disagreement::Polarity);
    assert_eq!(shown(&COMMISSION, "No, a buying commission is added to the price."), polarity);
    assert_eq!(shown(&KOREAN, "아니요, 구매수수료는 과세가격에 포함됩니다."), polarity);
}

#[test]
fn a_determiner_is_no_lead() {
    let case = Case {
        question: "Is an addition made for discounts?",
        passages: &[
            "No addition is made for cash discounts that the buyer took. Discounts must be shown on the invoice.",
        ],
        refs: &[],
    };
    let shown = case.checker().check("No addition is made for cash discounts.");
    assert_eq!(shown, Ok("No addition is made for cash discounts [1].".into()));
    case.withholds(&[("An addition is made for cash discounts.", Disagreement::Polarity)]);
    let case = Case {
        question: "특수관계가 가격에 영향을 미치지 않았다고 인정받는 요건은 무엇인가요?",
        passages: &["네 가지 요건을 모두 갖추어야 특수관계가 가격에 영향을 미치지 않은 것으로 인정한다."],
        refs: &[],
    };
    let shown =
        case.checker().check("네 가지 요건을 모두 갖추어야 특수관계가 가격에 영향을 미치지 않은 것으로 인정합니다.");
    assert!(shown.is_ok_and(|text| text.starts_with("네 가지")));
}

#[test]
fn a_condition_may_not_be_dropped_for_every_case() {
    let case = Case {
        question: "Is interest on deferred payment part of the customs value?",
        passages: &[
            "Interest is not included if it is shown separately and the rate is usual. Otherwise it is included.",
        ],
        refs: &[],
    };
    case.withholds(&[
        (
            "Interest is never included, whether or not it is shown separately: it is always left out.",
            Disagreement::Polarity,
        ),
        ("Interest is excluded in all cases.", Disagreement::Polarity),
        ("Interest is included if it is shown separately and the rate is usual.", Disagreement::Polarity),
    ]);
    case.passes(&["Interest is not included if it is shown separately."]);
    let owned =
        "A buying commission is left out when the agent acts on its own account, owns the goods or controls the price.";
    COMMISSION.withholds(&[(owned, Disagreement::Polarity)]);
    // A bare yes or no is not the word for what holds in some cases only.
    let shown = case.checker().check("No, interest is not included if it is shown separately.");
    assert_eq!(shown, Ok("Interest is not included if it is shown separately [1].".into()));
    let korean = Case {
        question: "연불이자는 과세가격에 포함되나요?",
        passages: &["연불이자는 서면약정에 따라 구분되는 경우에는 과세가격에 포함되지 아니한다."],
        refs: &[],
    };
    korean.withholds(&[
        ("연불이자는 어떤 경우에도 과세가격에 포함되지 않습니다.", Disagreement::Polarity),
        ("연불이자는 서면약정에 따라 구분되는 경우에도 과세가격에 포함됩니다.", Disagreement::Polarity),
    ]);
    korean.passes(&["연불이자는 서면약정에 따라 구분되는 경우에는 과세가격에 포함되지 않습니다."]);
}

#[test]
fn unless_turns_the_rule_round() {
    let case = Case {
        question: "Is the packing cost added?",
        passages: &["Packing costs are added to the price unless the seller bears them."],
        refs: &[],
    };
    case.passes(&[
        "Packing costs are added to the price unless the seller bears them.",
        "Packing costs are not added if the seller bears them.",
    ]);
    case.withholds(&[
        ("Packing costs are not added to the price.", Disagreement::Polarity),
        ("Packing costs are not added unless the seller bears them.", Disagreement::Polarity),
        ("Packing costs are added if the seller bears them.", Disagreement::Polarity),
    ]);
}

#[test]
fn an_exception_is_no_part_of_its_rule() {
    let case = Case {
        question: "Are commissions added?",
        passages: &["Commissions and brokerage, except buying commissions, are added to the price."],
        refs: &[],
    };
    case.passes(&[
        "Commissions and brokerage are added to the price.",
        "Buying commissions are not added to the price.",
    ]);
    case.withholds(&[
        ("Buying commissions are added to the price.", Disagreement::Polarity),
        ("Brokerage is not added to the price.", Disagreement::Polarity),
    ]);
    let korean = Case {
        question: "수수료는 가산하나요?",
        passages: &["구매수수료를 제외한 수수료와 중개료는 과세가격에 가산한다."],
        refs: &[],
    };
    korean.passes(&["구매수수료는 가산하지 않습니다.", "중개료는 과세가격에 가산합니다."]);
    korean.withholds(&[
        ("구매수수료는 가산합니다.", Disagreement::Polarity),
        ("중개료는 과세가격에서 제외됩니다.", Disagreement::Polarity),
    ]);
}

const DEADLINE: Case = Case {
    question: "Is the deadline for the final declaration 60 days?",
    passages: &[
        "The final declaration is made within 30 days of the price being fixed. The rate is 10 percent.",
        "A refund is claimed within 60 days of payment. The limit is KRW 30,000,000. One half is paid at once.",
    ],
    refs: &["KR-CA-28(2)"],
};

#[test]
fn an_amount_must_be_the_one_given_for_the_thing() {
    use Disagreement::{Number, Polarity};
    DEADLINE.withholds(&[
        ("The final declaration is made within 60 days of the price being fixed.", Number),
        ("The final declaration is made within sixty days.", Number),
        ("The final declaration is made within 30 months of the price being fixed.", Number),
        ("The final declaration is made within 30 hours of the price being fixed.", Number),
        ("The final declaration is made within ninety days.", Number),
        ("The rate is 12 percent.", Number),
        ("The rate is twelve per cent.", Number),
        ("The rate is 0.1 percent.", Number),
        ("The limit is KRW 3,000,000.", Number),
        ("The limit is 30,000,000 dollars.", Number),
        ("Two thirds is paid at once.", Number),
        ("Yes.", Polarity),
    ]);
    DEADLINE.passes(&[
        "The final declaration is made within 30 days of the price being fixed.",
        "The final declaration is made within thirty days of the price being fixed.",
        "A refund is claimed within 60 days of payment.",
        "The rate is ten per cent.",
        "The rate is 10%.",
        "The limit is 30 million won.",
        "The limit is KRW 30000000.",
        "50% is paid at once.",
    ]);
    let shown = DEADLINE.checker().check("Yes, the final declaration is made within 30 days.");
    assert_eq!(shown, Ok("The final declaration is made within 30 days [1].".into()), "the days asked for are others");
}

#[test]
fn korean_amounts_are_read_in_every_spelling() {
    let case = Case {
        question: "확정가격신고는 언제까지 하나요?",
        passages: &[
            "확정가격신고는 가격이 확정된 날부터 30일 이내에 한다. 면세한도는 3만원이고 세율은 10퍼센트이다. 가산율은 100분의 20이다.",
        ],
        refs: &[],
    };
    case.passes(&[
        "확정가격신고는 가격이 확정된 날부터 삼십일 이내에 합니다.",
        "면세한도는 30,000원입니다.",
        "세율은 10%입니다.",
        "가산율은 20%입니다.",
    ]);
    case.withholds(&[
        ("확정가격신고는 가격이 확정된 날부터 60일 이내에 합니다.", Disagreement::Number),
        ("확정가격신고는 가격이 확정된 날부터 육십일 이내에 합니다.", Disagreement::Number),
        ("확정가격신고는 가격이 확정된 날부터 30개월 이내에 합니다.", Disagreement::Number),
        ("확정가격신고는 가격이 확정된 날부터 한 달 이내에 합니다.", Disagreement::Number),
        ("면세한도는 3천원입니다.", Disagreement::Number),
        ("세율은 십이 퍼센트입니다.", Disagreement::Number),
    ]);
}

#[test]
fn articles_of_other_laws_and_deeper_places_are_not_known() {
    use Disagreement::Article;
    COMMISSION.withholds(&[
        ("Under Article 31, a buying commission is not added to the price.", Article),
        ("Under Article 30 of the Foreign Trade Act, a buying commission is not added to the price.", Article),
        ("Under Article 30 of the VAT Act, a buying commission is not added to the price.", Article),
        ("Under Article 30(2), a buying commission is not added to the price.", Article),
        ("Under Article 30(1)6, a buying commission is not added to the price.", Article),
        ("Under Article 8.1(c) of the Agreement, a buying commission is not added to the price.", Article),
    ]);
    COMMISSION.passes(&[
        "Under Article 30(1)1 of the Customs Act, a buying commission is not added to the price.",
        "Under Article 30, a buying commission is not added to the price.",
        "Under Article 8.1(a)(i) of the Agreement, a buying commission is not added to the price.",
    ]);
    KOREAN.withholds(&[
        ("관세법 제31조에 따라 구매수수료는 과세가격에 포함되지 않습니다.", Article),
        ("법인세법 제30조에 따라 구매수수료는 과세가격에 포함되지 않습니다.", Article),
        ("부가가치세법 제30조에 따라 구매수수료는 과세가격에 포함되지 않습니다.", Article),
        ("법인세법 시행령 제30조에 따라 구매수수료는 과세가격에 포함되지 않습니다.", Article),
        ("관세법 제30조제1항제6호에 따라 구매수수료는 과세가격에 포함되지 않습니다.", Article),
        ("관세법 제30조의2에 따라 구매수수료는 과세가격에 포함되지 않습니다.", Article),
    ]);
    KOREAN.passes(&[
        "관세법 제30조제1항제1호에 따라 구매수수료는 과세가격에 포함되지 않습니다.",
        "「관세법」 제30조에 따라 구매수수료는 과세가격에 포함되지 않습니다.",
        "같은 법 제30조에 따라 구매수수료는 과세가격에 포함되지 않습니다.",
    ]);
}

#[test]
fn an_article_that_only_the_question_names_is_not_known() {
    let case = Case {
        question: "Does Article 77 of the Customs Act say that a buying commission is added?",
        passages: COMMISSION.passages,
        refs: COMMISSION.refs,
    };
    case.withholds(&[("Under Article 77, a buying commission is not added to the price.", Disagreement::Article)]);
}

#[test]
fn another_language_is_withheld() {
    use Disagreement::Language;
    COMMISSION.withholds(&[
        ("구매수수료는 과세가격에 포함되지 않습니다.", Language),
        ("A buying commission (购买佣金) is not added to the price.", Language),
        ("Комиссия за закупку is not added to the price.", Language),
        ("買付手数料は加算しない。", Language),
    ]);
    COMMISSION.passes(&["A buying commission (구매수수료) is not added to the price."]);
    KOREAN.withholds(&[
        ("A buying commission is not added to the price.", Language),
        ("The buying commission 구매수수료 is not part of the customs value of the goods.", Language),
        ("구매수수료는 不包括 과세가격에 포함되지 않습니다.", Language),
        ("구매수수료는 かさん하지 않습니다.", Language),
    ]);
    KOREAN.passes(&["구매수수료(buying commission)는 과세가격에 포함되지 않습니다."]);
}

#[test]
fn a_sentence_stands_on_a_passage_or_not_at_all() {
    COMMISSION.withholds(&[
        ("Whales migrate south each winter.", Disagreement::Citation),
        ("I hope this helps.", Disagreement::Citation),
        ("[1]", Disagreement::Citation),
    ]);
    let shown = |sentence: &str| COMMISSION.checker().check(sentence);
    assert_eq!(
        shown("Brokerage is added [7]."),
        Ok("Brokerage is added [2].".into()),
        "a mark of no passage gives way to the one that bears it"
    );
    assert_eq!(
        shown("The importer proves it by the agency contract [2]."),
        Ok("The importer proves it by the agency contract [1].".into())
    );
}

#[test]
fn every_sentence_of_the_evidence_passes_the_check_against_itself() {
    for case in [&COMMISSION, &KOREAN, &DEADLINE] {
        let checker = case.checker();
        for passage in case.passages {
            for span in sentences(passage) {
                let sentence = &passage[span];
                assert!(checker.check(sentence).is_ok(), "{sentence}: {:?}", checker.check(sentence));
            }
        }
    }
}

const METHOD: Case = Case {
    question: "When is the transaction value rejected?",
    passages: &[
        "The transaction value is rejected when the sale depends on a condition whose value cannot be determined in money. \
         The name of the fee does not decide, because a royalty may be the price. The importer may ask for a review. \
         Customs must tell the importer in writing how it valued the goods.",
    ],
    refs: &[],
};

#[test]
fn what_may_must_or_need_not_be_done_is_not_turned_round() {
    use Disagreement::Polarity;
    METHOD.withholds(&[
        ("The transaction value is rejected when the sale depends on a condition whose value can be determined in money.", Polarity),
        ("The name of the fee does decide, because a royalty may be the price.", Polarity),
        ("The name of the fee decides.", Polarity),
        ("The importer may not ask for a review.", Polarity),
        ("Customs need not tell the importer in writing how it valued the goods.", Polarity),
        ("Customs does not have to tell the importer how it valued the goods.", Polarity),
        ("The transaction value is not rejected when the sale depends on a condition.", Polarity),
    ]);
    METHOD.passes(&[
        "The transaction value is rejected when the value of a condition cannot be determined in money.",
        "The name of the fee does not decide.",
        "The importer may ask for a review.",
        "Customs tells the importer in writing how it valued the goods.",
    ]);
    let korean = Case {
        question: "거래가격은 언제 배제되나요?",
        passages: &["조건의 금액을 계산할 수 없으면 거래가격을 적용하지 아니한다. 수입자는 심사를 청구할 수 있다. \
                     세관장은 결정방법을 서면으로 통보하여야 한다."],
        refs: &[],
    };
    korean.withholds(&[
        ("조건의 금액을 계산할 수 있으면 거래가격을 적용하지 아니한다.", Polarity),
        ("조건의 금액을 계산할 수 없으면 거래가격을 적용한다.", Polarity),
        ("수입자는 심사를 청구할 수 없다.", Polarity),
        ("세관장은 결정방법을 서면으로 통보하지 않아도 된다.", Polarity),
        ("세관장은 결정방법을 통보할 필요가 없다.", Polarity),
    ]);
    korean.passes(&[
        "조건의 금액을 계산할 수 없으면 거래가격을 적용하지 않습니다.",
        "수입자는 심사를 청구할 수 있습니다.",
        "세관장은 결정방법을 서면으로 통보합니다.",
    ]);
}

/// Ways to turn a sentence into its opposite.
const TURNS: [(&str, &str); 24] = [
    ("is not added", "is added"),
    ("are not added", "are added"),
    ("is not part of", "is part of"),
    ("is not included", "is included"),
    ("is added", "is not added"),
    ("are added", "are not added"),
    ("is deducted", "is added"),
    ("is included", "is not included"),
    ("is excluded", "is included"),
    ("must be added", "need not be added"),
    ("is accepted", "is not accepted"),
    ("does not ", "does "),
    ("cannot ", "can "),
    ("포함되지 않는다", "포함된다"),
    ("가산하지 않는다", "가산한다"),
    ("더하지 않는다", "더한다"),
    ("할 수 없다.", "할 수 있다."),
    ("포함된다.", "포함되지 않는다."),
    ("더한다.", "더하지 않는다."),
    ("가산한다.", "가산하지 않는다."),
    ("공제한다.", "공제하지 않는다."),
    ("제외한다.", "포함한다."),
    ("할 수 있다.", "할 수 없다."),
    ("하여야 한다.", "하지 않아도 된다."),
];

/// The built-in corpora as an oracle: what they say passes, and its opposite does not.
#[test]
fn the_corpora_pass_and_their_opposites_do_not() {
    let (mut num_said, mut lost, mut num_turned, mut passed) = (0, Vec::new(), 0, Vec::new());
    for file in source_files(Path::new("/nowhere")).unwrap() {
        for document in documents(&file.shown(), &file.corpus, &file.read().unwrap()).unwrap() {
            let passages = chunk::passages(&document);
            let citations: Vec<Citation> = passages
                .iter()
                .enumerate()
                .map(|(at, passage)| Citation {
                    text: passage.text.clone(),
                    heading: passage.heading.clone(),
                    refs: document.refs.clone(),
                    ..citation(at + 1, document.language)
                })
                .collect();
            let Some(span) = sentences(&citations[0].text).into_iter().next() else { continue };
            let language = document.language;
            let quote = Quote { n: 1, text: citations[0].text[span.clone()].into(), span, language, score: 1.0 };
            let question = document.asked.first().unwrap_or(&document.title);
            let evidence = Evidence { citations, quotes: vec![quote], hits: vec![], confidence: 1.0 };
            let checker = Checker::new(question, language, &evidence);
            for citation in &evidence.citations {
                for span in sentences(&citation.text) {
                    let said = &citation.text[span];
                    num_said += 1;
                    if let Err(reason) = checker.check(said) {
                        lost.push(format!("{reason:?}: {said}"));
                    }
                    let turn = TURNS.iter().find(|(word, _)| said.contains(word));
                    if let Some((word, opposite)) = turn {
                        num_turned += 1;
                        let turned = said.replacen(word, opposite, 1);
                        passed.extend(checker.check(&turned).is_ok().then_some(turned));
                    }
                }
            }
        }
    }
    assert!(num_said > 4000 && num_turned > 600, "{num_said} {num_turned}");
    assert!(lost.len() * 50 <= num_said, "{} of {num_said}: {lost:#?}", lost.len());
    assert!(passed.len() * 100 <= num_turned, "{} of {num_turned}: {passed:#?}", passed.len());
}

//! The tests that a sale has to pass: that it is one, restrictions, conditions, and doubt about the declared price.

use jiff::ToSpan;

use super::Work;
use crate::valuation::case::{ConditionKind, Doubt, RestrictionKind, SaleKind};
use crate::valuation::worksheet::{Effect, words};

/// Days in which proof of the declared price is due (Rule Article 5-2 by Decree Article 24(2)).
const DAYS_FOR_PROOF: i64 = 15;

/// Whether the goods were sold for export to the country.
pub fn sale(work: &mut Work<'_>) {
    let Some(kind) = work.case.sale.kind else {
        let refs = work.refs(&["KR-CA-30(1)", "KR-CD-17", "KR-VN-15(1)"], &["US-1401A(b)(1)"]);
        work.draft.miss("sale.kind", "수출판매 해당 여부", "whether the goods were sold for export", &refs);
        return;
    };
    let (ko, en, provision): (_, _, &'static str) = match kind {
        SaleKind::Sale => return,
        SaleKind::Barter => ("가격이 정해지지 않은 물물교환", "barter without a price", "KR-VN-14:3"),
        SaleKind::FreeOfCharge => ("무상으로 도착하는 물품", "goods that arrive free of charge", "KR-CD-17:1"),
        SaleKind::Consignment => ("위탁판매물품", "goods on consignment", "KR-CD-17:2"),
        SaleKind::ExporterStock => {
            ("수출자의 책임으로 국내에서 판매할 물품", "stock sold here at the exporter's risk", "KR-CD-17:3")
        }
        SaleKind::Branch => {
            ("독립된 법적 사업체가 아닌 지점과의 거래", "a branch that is no legal person", "KR-CD-17:4")
        }
        SaleKind::Lease => ("임대차계약에 따른 물품", "goods under a lease", "KR-CD-17:5"),
        SaleKind::FreeLoan => ("무상으로 임차한 물품", "goods on free loan", "KR-CD-17:6"),
        SaleKind::Waste => ("수출자의 부담으로 폐기할 물품", "waste destroyed at the exporter's cost", "KR-CD-17:7"),
    };
    let refs = work.refs(&[provision, "KR-VN-14:1"], &["US-1401A(b)(1)"]);
    work.draft.reject(format!("판매가 아님: {ko}"), format!("no sale: {en}"), &refs);
}

/// Restrictions, conditions and doubt. Proceeds are an addition and stand there.
pub fn rest(work: &mut Work<'_>) {
    restrictions(work);
    conditions(work);
    if let Some(doubt) = &work.case.sale.doubt {
        doubts(work, doubt);
    }
    if work.case.additions.objective_data == Some(false) {
        let refs = work.refs(&["KR-CA-30(1)", "WTO-VA-8.3"], &["US-1401A(b)(1)"]);
        work.draft.reject(
            "가산금액에 객관적이고 수량화할 수 있는 자료가 없음",
            "an addition does not rest on objective and quantifiable data",
            &refs,
        );
    }
}

fn restrictions(work: &mut Work<'_>) {
    let refs = work.refs(&["KR-CA-30(3)1", "KR-CD-21"], &["US-1401A(b)(2)(A)"]);
    let restrictions = work.stated(
        &work.case.sale.restrictions,
        "sale.restrictions",
        "처분 또는 사용에 대한 제한 유무",
        "restrictions on disposal or use, or that there are none",
        &refs,
    );
    for (at, restriction) in restrictions.iter().enumerate() {
        let provision = match restriction.kind {
            // Decree Article 22(1)1-2: these never count.
            RestrictionKind::Law | RestrictionKind::Territory => continue,
            RestrictionKind::Purpose => "KR-CD-21:1",
            RestrictionKind::Persons => "KR-CD-21:2",
            RestrictionKind::Usual => "KR-CD-22(1)3",
            RestrictionKind::Other => "KR-CD-21:3",
        };
        let refs = work.refs(&["KR-CA-30(3)1", provision, "KR-CD-22(1)3"], &["US-1401A(b)(2)(A)"]);
        let affects = work.fact(
            restriction.affects_price,
            format!("sale.restrictions[{at}].affects_price"),
            "제한이 가격에 실질적으로 영향을 미치는지",
            "whether the restriction affects the price substantially",
            &refs,
        );
        if affects == Some(true) {
            work.draft.reject(
                "가격에 실질적으로 영향을 미치는 처분ㆍ사용 제한",
                "a restriction on disposal or use that affects the price substantially",
                &refs,
            );
        }
    }
}

fn conditions(work: &mut Work<'_>) {
    let refs = work.refs(&["KR-CA-30(3)2", "KR-CD-22(2)"], &["US-1401A(b)(2)(A)"]);
    let conditions = work.stated(
        &work.case.sale.conditions,
        "sale.conditions",
        "가격에 영향을 준 조건 또는 사정의 유무",
        "conditions or considerations that moved the price, or that there are none",
        &refs,
    );
    for (at, condition) in conditions.iter().enumerate() {
        let provision = match condition.kind {
            // Notice Article 27: conditions about production or marketing do not exclude the price.
            ConditionKind::ProductionOrMarketing => continue,
            ConditionKind::OtherGoodsBought => "KR-CD-22(2)1",
            ConditionKind::OtherGoodsSold => "KR-CD-22(2)2",
            ConditionKind::FinishedGoodsReturned => "KR-CD-22(2)3",
            ConditionKind::Other => "KR-CD-22(2)",
        };
        let refs = work.refs(&["KR-CA-30(3)2", provision], &["US-1401A(b)(2)(A)"]);
        match (&condition.value, condition.has_value) {
            (_, Some(false)) => work.draft.reject(
                "금액으로 계산할 수 없는 조건 또는 사정",
                "a condition or consideration whose value cannot be determined",
                &refs,
            ),
            (Some(value), _) => {
                let refs = work.refs(&["KR-CA-30(2)", "KR-VN-16(1)", "WTO-VA-N1.1(b)"], &["US-1401A(b)(4)(A)"]);
                let money = work.money(value);
                work.line("condition", words("조건의 금액", "value of the condition"), Effect::Add, money, &refs);
            }
            (None, _) => work.draft.miss(
                format!("sale.conditions[{at}].value"),
                "조건의 금액, 또는 계산할 수 없다는 사실",
                "what the condition is worth, or that it cannot be determined",
                &refs,
            ),
        }
    }
}

fn doubts(work: &mut Work<'_>, doubt: &Doubt) {
    let due = doubt.requested.saturating_add(DAYS_FOR_PROOF.days());
    let refs = ["KR-CA-30(4)", "KR-CD-24(2)", "KR-CR-5-2"];
    match (doubt.answered, doubt.as_of) {
        (Some(answered), _) if answered > due => late(work, due),
        (Some(_), _) => {
            for (fact, key, against, ko, en, provision) in [
                (
                    doubt.accounting_sound,
                    "accounting_sound",
                    false,
                    "제출 자료가 회계원칙에 맞는지",
                    "whether the papers follow accepted accounting principles",
                    "KR-CA-30(5)2",
                ),
                (
                    doubt.shows_the_transaction,
                    "shows_the_transaction",
                    false,
                    "제출 자료가 거래관계를 나타내는지",
                    "whether the papers show the transaction",
                    "KR-CD-24(3)1",
                ),
                (
                    doubt.doubt_remains,
                    "doubt_remains",
                    true,
                    "합리적 의심이 남는지",
                    "whether a reasonable doubt remains",
                    "KR-CD-24(3)2",
                ),
            ] {
                let fact = work.fact(fact, format!("sale.doubt.{key}"), ko, en, &[provision]);
                if fact == Some(against) {
                    work.draft.reject(
                        "신고가격을 인정하기 곤란함(증명자료 불충분)",
                        "the declared price cannot be accepted: the proof does not suffice",
                        &["KR-CA-30(5)", provision],
                    );
                }
            }
        }
        (None, Some(day)) if day > due => late(work, due),
        (None, _) => work.draft.miss(
            "sale.doubt.answered",
            format!("증명자료 제출 여부(기한 {due})"),
            format!("whether proof was given (due {due})"),
            &refs,
        ),
    }
}

fn late(work: &mut Work<'_>, due: jiff::civil::Date) {
    work.draft.reject(
        format!("기한 {due}까지 증명자료를 제출하지 않음"),
        format!("no proof was given until {due}"),
        &["KR-CA-30(5)1", "KR-CR-5-2"],
    );
}

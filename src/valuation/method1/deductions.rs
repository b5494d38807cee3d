//! What the price contains and the law takes off, if it can be clearly told apart (Customs Act 30(2), Decree 20-2(3)).

use super::Work;
use crate::valuation::case::{Deduction, DeductionKind};
use crate::valuation::worksheet::{Effect, words};

pub fn deductions(work: &mut Work<'_>) {
    let refs = work.refs(&["KR-CA-30(2)"], &["US-1401A(b)(3)"]);
    let deductions = work.stated(
        &work.case.deductions,
        "deductions",
        "가격에 포함된 공제요소 유무",
        "amounts in the price that are taken off, or that there are none",
        &refs,
    );
    for (at, deduction) in deductions.iter().enumerate() {
        one(work, deduction, at);
    }
}

fn one(work: &mut Work<'_>, deduction: &Deduction, at: usize) {
    let place = format!("deductions[{at}]");
    let (label, kr, us): (_, &'static str, &'static str) = match deduction.kind {
        DeductionKind::WorkAfterImport => {
            (words("수입 후 설치ㆍ정비ㆍ기술지원", "work after importation"), "KR-CA-30(2)1", "US-1401A(b)(3)(A)(i)")
        }
        DeductionKind::TransportAfterImport => {
            (words("수입항 도착 후 운송비", "transport after arrival"), "KR-CA-30(2)2", "US-1401A(b)(3)(A)(ii)")
        }
        DeductionKind::DutiesAndTaxes => {
            (words("관세 등 세금과 공과금", "duties and taxes"), "KR-CA-30(2)3", "US-1401A(b)(3)(B)")
        }
        DeductionKind::DeferredInterest => {
            (words("연불이자", "interest for deferred payment"), "KR-CA-30(2)4", "WTO-DEC-3.1")
        }
    };
    let refs = work.refs(&[kr], &[us]);
    let separable = work.fact(
        deduction.separable,
        format!("{place}.separable"),
        "금액을 명백히 구분할 수 있는지",
        "whether the amount can be clearly told apart",
        &refs,
    );
    let mut counts = separable;
    if deduction.kind == DeductionKind::DeferredInterest && separable != Some(false) {
        counts = match (interest_counts(work, deduction, &place), separable) {
            (Some(false), _) => Some(false),
            (Some(true), separable) => separable,
            (None, _) => None,
        };
    }
    let Some(amount) = &deduction.amount else {
        match (deduction.kind, counts) {
            // The rates tell how much of a price with all taxes they are.
            (DeductionKind::DutiesAndTaxes, Some(true)) => work.taxes_in_price = true,
            (_, Some(false)) => {}
            _ => work.draft.miss(format!("{place}.amount"), "공제 금액", "amount to be taken off", &refs),
        }
        return;
    };
    if let Some(counts) = counts {
        let effect = if counts { Effect::Deduct } else { Effect::None };
        let money = work.money(amount);
        work.line("deduction", label, effect, money, &refs);
    }
}

/// Decree Article 20-2(3): the three conditions.
fn interest_counts(work: &mut Work<'_>, deduction: &Deduction, place: &str) -> Option<bool> {
    let written = work.fact(
        deduction.written,
        format!("{place}.written"),
        "금융계약이 서면인지",
        "whether the finance contract is in writing",
        &["KR-CD-20-2(3)2"],
    );
    let sold = work.fact(
        deduction.sold_at_declared_price,
        format!("{place}.sold_at_declared_price"),
        "수입신고된 가격으로 판매되는지",
        "whether the goods are sold at the declared price",
        &["KR-CD-20-2(3)3"],
    );
    let refs = ["KR-CD-20-2(3)3"];
    let agreed = work.fact(
        deduction.interest_percent,
        format!("{place}.interest_percent"),
        "약정 이자율",
        "agreed rate of interest",
        &refs,
    );
    let usual = work.fact(
        deduction.usual_interest_percent,
        format!("{place}.usual_interest_percent"),
        "금융이 제공된 국가의 통용 이자율",
        "usual rate where the finance is given",
        &refs,
    );
    if written == Some(false) || sold == Some(false) || matches!((agreed, usual), (Some(a), Some(u)) if a > u) {
        return Some(false);
    }
    (written? && sold? && agreed? <= usual?).then_some(true)
}

//! Royalties: added if they relate to the goods and are paid as a condition of the sale
//! (Customs Act 30(1)4, Decree 19, Rule 4-2, Notice 21-22; WTO Agreement 8.1(c); 19 USC 1401a(b)(1)(D)).

use super::{Money, Work};
use crate::valuation::case::{Right, Royalty, RoyaltyCondition, RoyaltyRelation, RoyaltyShare, RoyaltyShareBy};
use crate::valuation::exact::Exact;
use crate::valuation::worksheet::{Effect, words};

pub fn royalties(work: &mut Work<'_>) {
    let refs = work.refs(&["KR-CA-30(1)4", "KR-CD-19(2)"], &["US-1401A(b)(1)(D)"]);
    let royalties = work.stated(
        &work.case.additions.royalties,
        "additions.royalties",
        "권리사용료 유무",
        "royalties and licence fees, or that there are none",
        &refs,
    );
    for (at, royalty) in royalties.iter().enumerate() {
        one(work, royalty, &format!("additions.royalties[{at}]"));
    }
}

fn one(work: &mut Work<'_>, royalty: &Royalty, place: &str) {
    let mut refs = work.refs(&["KR-CA-30(1)4"], &["US-1401A(b)(1)(D)"]);
    let relates = relates(work, royalty, place, &mut refs);
    let condition = if relates == Some(false) { Some(false) } else { is_condition(work, royalty, place, &mut refs) };
    let counts = match (relates, condition) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    };
    let label = words("권리사용료", "royalty");
    if counts == Some(false) {
        if let Some(money) = gross(work, royalty, place, &mut Vec::new(), true) {
            work.line("royalty", label, Effect::None, money, &refs);
        }
        return;
    }
    let money = gross(work, royalty, place, &mut refs, false);
    let share = share(work, royalty.share.as_ref(), place, &mut refs);
    let (Some(Money { amount, currency }), Some(share), Some(true)) = (money, share, counts) else { return };
    work.line("royalty", label, Effect::Add, Money { amount: amount * share, currency }, &refs);
}

/// The first test.
fn relates(work: &mut Work<'_>, royalty: &Royalty, place: &str, refs: &mut Vec<&'static str>) -> Option<bool> {
    let is_us = work.is_us();
    let mut refer = |kr: &'static str| {
        if !is_us {
            refs.push(kr);
        }
    };
    match (royalty.right, royalty.relates) {
        (Right::Reproduction, _) => {
            refer("KR-CD-19(2)");
            refs.push("WTO-VA-N8.1(c)");
            return Some(false);
        }
        (_, Some(RoyaltyRelation::Medium8523)) => {
            refer("KR-CD-19(4)");
            return Some(false);
        }
        // The right to distribute lies in the goods themselves; only the second test is open (note 8.1(c).2).
        (Right::Distribution, _) => {
            refs.push("WTO-VA-N8.1(c)");
            return Some(true);
        }
        _ => {}
    }
    let provision = match royalty.right {
        Right::Patent => "KR-CD-19(3)1",
        Right::Design => "KR-CD-19(3)2",
        Right::Trademark => "KR-CD-19(3)3",
        Right::Copyright | Right::Software => "KR-CD-19(3)4",
        Right::UtilityModel | Right::TradeSecret => "KR-CD-19(3)5",
        Right::Other | Right::Distribution | Right::Reproduction => "KR-CD-19(3)6",
    };
    refer(provision);
    let relates = work.fact(
        royalty.relates,
        format!("{place}.relates"),
        "권리가 수입물품과 어떻게 관련되는지",
        "how the right relates to the goods",
        &["KR-CD-19(2)", provision],
    );
    relates.map(|relates| relates != RoyaltyRelation::None)
}

/// The second test.
fn is_condition(work: &mut Work<'_>, royalty: &Royalty, place: &str, refs: &mut Vec<&'static str>) -> Option<bool> {
    let condition = work.fact(
        royalty.condition,
        format!("{place}.condition"),
        "거래조건으로 지급되는지",
        "whether it is paid as a condition of the sale",
        &["KR-CD-19(5)", "KR-CR-4-2"],
    )?;
    let provision = match condition {
        RoyaltyCondition::ToSeller => "KR-CD-19(5)1",
        RoyaltyCondition::ToThirdParty => "KR-CD-19(5)2",
        RoyaltyCondition::UsedBySeller => "KR-CD-19(5)3",
        RoyaltyCondition::LicensorControls => "KR-VN-21(2)",
        RoyaltyCondition::None => "KR-CR-4-2",
    };
    if !work.is_us() {
        refs.push(provision);
    }
    Some(condition != RoyaltyCondition::None)
}

/// The whole royalty: without payment for other business, with the tax withheld from it (Notice Article 22(2)).
fn gross(
    work: &mut Work<'_>,
    royalty: &Royalty,
    place: &str,
    refs: &mut Vec<&'static str>,
    only_to_show: bool,
) -> Option<Money> {
    let paid = match (&royalty.amount, royalty.percent, &royalty.of) {
        (Some(amount), ..) => work.money(amount),
        (None, Some(percent), Some(of)) => {
            let Money { amount, currency } = work.money(of);
            Money { amount: amount * Exact::percent(percent.0), currency }
        }
        _ => {
            if !only_to_show {
                let refs = work.refs(&["KR-CA-30(1)4", "KR-CA-28(1)"], &["US-1401A(b)(1)(D)"]);
                work.draft.miss(format!("{place}.amount"), "권리사용료 금액", "amount of the royalty", &refs);
            }
            return None;
        }
    };
    let factor = work.exchange.factor(paid.currency);
    let mut amount = paid.amount;
    if let Some(other) = &royalty.other_business {
        refs.push("KR-VN-22(2)1");
        amount = (amount - work.home(other) / factor.clone()).max(Exact::zero());
    }
    if let Some(percent) = royalty.withheld_percent {
        refs.push("KR-VN-22(2)2");
        amount = amount / (Exact::one() - Exact::percent(percent.0));
    }
    if let Some(withheld) = &royalty.withheld {
        refs.push("KR-VN-22(2)2");
        amount = amount + work.home(withheld) / factor;
    }
    Some(Money { amount, currency: paid.currency })
}

/// Notice Article 22(1): the part that belongs to the goods. Left away, it is the whole.
fn share(
    work: &mut Work<'_>,
    share: Option<&RoyaltyShare>,
    place: &str,
    refs: &mut Vec<&'static str>,
) -> Option<Exact> {
    let Some(share) = share else { return Some(Exact::one()) };
    let provision = match share.by {
        RoyaltyShareBy::Whole => return Some(Exact::one()),
        RoyaltyShareBy::FinishedGoods => "KR-VN-22(1)2",
        RoyaltyShareBy::Equipment => "KR-VN-22(1)3",
        RoyaltyShareBy::Imports => "KR-VN-22(1)4",
    };
    refs.push(provision);
    let refs = [provision];
    let part =
        work.fact(share.part, format!("{place}.share.part"), "수입물품의 가격", "price of the imported goods", &refs);
    let whole = work.fact(
        share.whole,
        format!("{place}.share.whole"),
        "전체의 가격(제조원가, 전체 설비, 전체 수입)",
        "price of the whole: finished goods, equipment, imports",
        &refs,
    );
    Some(Exact::from(part?.0) / Exact::from(whole?.0))
}

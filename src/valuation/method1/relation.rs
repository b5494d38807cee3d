//! Buyer and seller who are related: whether they are, and whether that has moved the price.

use rust_decimal::Decimal;

use super::{Share, Work};
use crate::valuation::case::{Circumstance, Finding, RelationKind, TestValue};
use crate::valuation::exact::Exact;

/// Percent of both parties' voting stock in one hand from which they are related (Decree Article 23(1)4).
const STOCK_PERCENT: i64 = 5;
/// Percent of a test value within which a price is near it (Rule Article 5(1)).
const NEAR_PERCENT: i64 = 10;

pub fn relation(work: &mut Work<'_>) {
    let refs = work.refs(&["KR-CA-30(3)4", "KR-CD-23(1)"], &["US-1401A(b)(2)(A)", "US-1401A(g)(1)"]);
    let relations = work.stated(
        &work.case.sale.relations,
        "sale.relations",
        "구매자와 판매자의 특수관계 유무",
        "relations between buyer and seller, or that there are none",
        &refs,
    );
    let mut related = None;
    for (at, relation) in relations.iter().enumerate() {
        let provision: &'static str = match relation.kind {
            RelationKind::Officers => "KR-CD-23(1)1",
            RelationKind::Partners => "KR-CD-23(1)2",
            RelationKind::Employment => "KR-CD-23(1)3",
            RelationKind::Stock => "KR-CD-23(1)4",
            RelationKind::Control => "KR-CD-23(1)5",
            RelationKind::CommonControl => "KR-CD-23(1)6",
            RelationKind::JointControl => "KR-CD-23(1)7",
            RelationKind::Family => "KR-CD-23(1)8",
        };
        if relation.kind != RelationKind::Stock {
            related = Some(provision);
            continue;
        }
        let place = format!("sale.relations[{at}]");
        let refs = [provision];
        let buyer = work.fact(
            relation.buyer_percent,
            format!("{place}.buyer_percent"),
            "구매자 의결권 주식의 소유 비율",
            "share of the buyer's voting stock",
            &refs,
        );
        let seller = work.fact(
            relation.seller_percent,
            format!("{place}.seller_percent"),
            "판매자 의결권 주식의 소유 비율",
            "share of the seller's voting stock",
            &refs,
        );
        let limit = Decimal::from(STOCK_PERCENT);
        if buyer.is_some_and(|percent| percent.0 >= limit) && seller.is_some_and(|percent| percent.0 >= limit) {
            related = Some(provision);
        }
    }
    if let Some(provision) = related {
        influence(work, provision);
    }
}

/// Notice Articles 28 and 29: the circumstances of the sale, or nearness to a test value.
fn influence(work: &mut Work<'_>, provision: &'static str) {
    let given = work.case.sale.influence.clone().unwrap_or_default();
    let circumstances = given.circumstances.unwrap_or_default();
    let tests = given.test_values.unwrap_or_default();
    let mut is_open = circumstances.is_empty() && tests.is_empty();
    for (at, test) in tests.iter().enumerate() {
        match near(work, test, at) {
            Some(true) => return,
            Some(false) => {}
            None => is_open = true,
        }
    }
    for (at, circumstance) in circumstances.iter().enumerate() {
        match holds(work, circumstance, at) {
            Some(true) => return,
            Some(false) => {}
            None => is_open = true,
        }
    }
    let refs = work.refs(&["KR-CA-30(3)4", provision, "KR-CD-23(2)"], &["US-1401A(b)(2)(B)"]);
    if is_open {
        work.draft.miss(
            "sale.influence",
            "특수관계가 가격에 영향을 미치지 않았다는 사실(판매 주변상황 또는 비교가격)",
            "what shows that the relation has not influenced the price: circumstances of the sale or a test value",
            &refs,
        );
    } else {
        work.draft.reject("특수관계가 가격에 영향을 미침", "the relation has influenced the price", &refs);
    }
}

/// Whether the price is near the test value; none where a fact is missing.
fn near(work: &mut Work<'_>, test: &TestValue, at: usize) -> Option<bool> {
    let place = format!("sale.influence.test_values[{at}]");
    if test.of_the_goods {
        return Some(false);
    }
    let accepted = work.fact(
        test.accepted,
        format!("{place}.accepted"),
        "세관장이 과세가격으로 인정한 가격인지",
        "whether customs has accepted the test value",
        &["KR-VN-29(2)"],
    )?;
    if !accepted {
        return Some(false);
    }
    let Some(price) = test.unit_price.map(|price| work.home(&price)).or_else(|| unit_price(work)) else {
        work.draft.miss(
            format!("{place}.unit_price"),
            "비교할 수입물품의 단위가격",
            "price of one unit to compare",
            &["KR-CD-23(3)"],
        );
        return None;
    };
    let value = work.home(&test.unit_value);
    let band = value.clone() * Exact::from(NEAR_PERCENT) / Exact::from(100);
    let is_near = price.distance(&value) <= band;
    // Rule Article 5(1), proviso: customs may accept a price above the band and refuse one that is not above it.
    Some(match test.customs_finds {
        Some(Finding::Reasonable) if price > value.clone() + band.clone() => true,
        Some(Finding::Unreasonable) if price <= value + band => false,
        _ => is_near,
    })
}

/// Whether a situation of Notice Article 28(2) holds; none where a fact is missing.
fn holds(work: &mut Work<'_>, circumstance: &Circumstance, at: usize) -> Option<bool> {
    let place = format!("sale.influence.circumstances[{at}]");
    let refs = ["KR-VN-28(2)"];
    if let (5, Some(cost), Some(percent)) = (circumstance.item, circumstance.unit_cost, circumstance.profit_percent) {
        let needed = work.home(&cost) * (Exact::one() + Exact::percent(percent.0));
        return unit_price(work).map(|price| price >= needed);
    }
    let holds = work.fact(
        circumstance.holds,
        format!("{place}.holds"),
        "판매 주변상황에 해당하는지",
        "whether the situation holds",
        &refs,
    )?;
    if holds && matches!(circumstance.item, 1..=3 | 7) && circumstance.adjustable == Some(false) {
        return Some(false);
    }
    Some(holds)
}

/// Price of one unit of the first goods.
fn unit_price(work: &Work<'_>) -> Option<Exact> {
    let goods = work.case.goods.first()?;
    if let Some(price) = &goods.unit_price {
        return Some(work.home(price));
    }
    let quantity = goods.quantity?;
    let first = work.parts.iter().find(|part| matches!(part.share, Share::Goods(0)))?;
    Some(first.home.clone() / Exact::from(quantity.0))
}

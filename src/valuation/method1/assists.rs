//! Assists: what the buyer supplies free or too cheap for the production of the goods, its value and its share
//! (Customs Act 30(1)3, Decree 18 and 18-2, Rule 4, Notice 19-20; 19 USC 1401a(h)(1)).

use super::{Money, Work};
use crate::valuation::case::{Allocation, AllocationBy, Assist, AssistKind, AssistSource, System};
use crate::valuation::exact::Exact;
use crate::valuation::worksheet::{Effect, words};

pub fn assists(work: &mut Work<'_>) {
    let refs = work.refs(&["KR-CA-30(1)3", "KR-CD-18"], &["US-1401A(b)(1)(C)", "US-1401A(h)(1)"]);
    let assists = work.stated(
        &work.case.additions.assists,
        "additions.assists",
        "생산지원 유무",
        "assists, or that there are none",
        &refs,
    );
    for (at, assist) in assists.iter().enumerate() {
        one(work, assist, &format!("additions.assists[{at}]"));
    }
}

fn one(work: &mut Work<'_>, assist: &Assist, place: &str) {
    let (label, kr, us): (_, &'static str, &'static str) = match assist.kind {
        AssistKind::Materials => {
            (words("생산지원: 재료ㆍ부분품", "assist: materials and parts"), "KR-CD-18:1", "US-1401A(h)(1)(A)(i)")
        }
        AssistKind::Tools => {
            (words("생산지원: 공구ㆍ금형", "assist: tools and moulds"), "KR-CD-18:2", "US-1401A(h)(1)(A)(ii)")
        }
        AssistKind::Consumed => {
            (words("생산지원: 소비되는 물품", "assist: goods consumed"), "KR-CD-18:3", "US-1401A(h)(1)(A)(iii)")
        }
        AssistKind::Design => (
            words("생산지원: 기술ㆍ설계ㆍ디자인", "assist: engineering and design"),
            "KR-CD-18:4",
            "US-1401A(h)(1)(A)(iv)",
        ),
    };
    let mut refs = work.refs(&["KR-CA-30(1)3", kr], &["US-1401A(b)(1)(C)", us]);
    let counts = match assist.kind {
        AssistKind::Design if assist.inside_a_tangible_assist => {
            refs.push("KR-VN-19(3)");
            Some(true)
        }
        AssistKind::Design => {
            let home = match work.case.system {
                System::Kr => "KR",
                System::Us => "US",
            };
            if assist.performed_in.is_none() {
                work.draft.miss(
                    format!("{place}.performed_in"),
                    "용역을 수행한 나라",
                    "country where the work was done",
                    &refs,
                );
            }
            assist.performed_in.as_deref().map(|country| !country.eq_ignore_ascii_case(home))
        }
        _ => Some(true),
    };
    if counts == Some(false) {
        let money = work.together(&[assist.cost, assist.elements, assist.transport]);
        work.line("assist", label, Effect::None, money, &refs);
        return;
    }
    let value = value(work, assist, place, &mut refs);
    let share = share(work, assist.allocation.as_ref(), place, &mut refs);
    let (Some(Money { amount, currency }), Some(share), Some(_)) = (value, share, counts) else { return };
    work.line("assist", label, Effect::Add, Money { amount: amount * share, currency }, &refs);
}

/// Rule Article 4(3): cost by where it comes from, less its use so far, with carriage, less what the producer pays.
fn value(work: &mut Work<'_>, assist: &Assist, place: &str, refs: &mut Vec<&'static str>) -> Option<Money> {
    let source = work.fact(
        assist.source,
        format!("{place}.source"),
        "취득 경위(구입ㆍ임차, 직접 생산, 특수관계자)",
        "where it comes from: bought or leased, made, or from an affiliate",
        &["KR-CR-4(3)"],
    );
    if let (Some(source), System::Kr) = (source, work.case.system) {
        refs.push(match source {
            AssistSource::Bought => "KR-CR-4(3)1",
            AssistSource::Made => "KR-CR-4(3)2",
            AssistSource::Affiliate => "KR-CR-4(3)3",
        });
    }
    let cost = work.fact(
        assist.cost,
        format!("{place}.cost"),
        "구입ㆍ임차 비용 또는 생산비용",
        "purchase price, rent or cost of production",
        refs,
    )?;
    source?;
    let same = work.together(&[Some(cost), assist.elements, assist.transport, assist.charged]).currency;
    let factor = work.exchange.factor(same);
    let amount = |work: &Work<'_>, amount: &Option<crate::valuation::money::Amount>| {
        amount.as_ref().map_or_else(Exact::zero, |amount| work.home(amount) / factor.clone())
    };
    let left = match (assist.life_units, assist.used_units) {
        (Some(life), Some(used)) => (Exact::from(life.0) - Exact::from(used.0)) / Exact::from(life.0),
        (None, None) => Exact::one(),
        _ => {
            let refs = ["WTO-VA-N8.1(b)(ii)"];
            work.draft.miss(
                format!("{place}.life_units"),
                "총 사용수명과 이미 사용한 수량",
                "units of the whole life and units made before",
                &refs,
            );
            return None;
        }
    };
    let value = amount(work, &Some(cost)) * left + amount(work, &assist.elements) + amount(work, &assist.transport)
        - amount(work, &assist.charged);
    Some(Money { amount: value.max(Exact::zero()), currency: same })
}

/// Decree Article 18-2: by quantity, by price, or all at once.
fn share(
    work: &mut Work<'_>,
    allocation: Option<&Allocation>,
    place: &str,
    refs: &mut Vec<&'static str>,
) -> Option<Exact> {
    let allocation = work.fact(
        allocation,
        format!("{place}.allocation"),
        "배분방법(총생산량, 가격, 최초 수입물품 전액)",
        "how it is spread: by quantity, by price, or all on this import",
        &["KR-CD-18-2(1)", "KR-CD-18-2(2)"],
    )?;
    if !work.is_us() {
        refs.push(match allocation.by {
            AllocationBy::ThisImport => "KR-CD-18-2(2)",
            AllocationBy::Quantity => "KR-CD-18-2(1)1",
            AllocationBy::Price => "KR-CD-18-2(1)2",
        });
    }
    if allocation.by == AllocationBy::ThisImport {
        return Some(Exact::one());
    }
    let part = work.fact(
        allocation.part,
        format!("{place}.allocation.part"),
        "해당 수입물품의 수량 또는 가격",
        "quantity or price of this import",
        refs,
    );
    let whole = work.fact(
        allocation.whole,
        format!("{place}.allocation.whole"),
        "전체 생산량 또는 전체 가격",
        "whole production or price of all goods",
        refs,
    );
    Some(Exact::from(part?.0) / Exact::from(whole?.0))
}

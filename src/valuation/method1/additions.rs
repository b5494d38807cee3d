//! Additions beside transport: a closed list (Customs Act 30(1)1-5; WTO Agreement 8.1 and 8.4; 19 USC 1401a(b)(1)).

use jiff::ToSpan;

use super::{Money, Work, assists, royalties};
use crate::valuation::case::{Commission, CommissionKind, Packing, Proceeds, StandardRate};
use crate::valuation::exact::Exact;
use crate::valuation::worksheet::{Effect, words};

/// Years for which a standard rate holds (Rule Article 7-9(5)).
const STANDARD_RATE_YEARS: i64 = 1;

pub fn additions(work: &mut Work<'_>) {
    let additions = &work.case.additions;
    let covered = additions.standard_rate.as_ref().is_some_and(|standard| standard_rate(work, standard));
    let list = |given: bool| given || !covered;
    if list(additions.commissions.is_some()) {
        commissions(work);
    }
    if list(additions.containers.is_some()) {
        containers(work);
    }
    if list(additions.packing.is_some()) {
        packing(work);
    }
    if list(additions.assists.is_some()) {
        assists::assists(work);
    }
    if list(additions.royalties.is_some()) {
        royalties::royalties(work);
    }
    if list(additions.proceeds.is_some()) {
        proceeds(work);
    }
}

/// Rule Article 7-9(4): the rate in percent to the third digit, then rounded to the second.
fn standard_rate(work: &mut Work<'_>, standard: &StandardRate) -> bool {
    let refs = ["KR-CD-30(1)", "KR-CR-7-9(4)", "KR-CR-7-9(5)"];
    let last = standard.issued.saturating_add(STANDARD_RATE_YEARS.years());
    if work.case.declared > last {
        work.draft.note(
            format!("가산율 결정서의 적용기간이 {last}에 끝남"),
            format!("the standard rate has expired on {last}"),
            &refs,
        );
        return false;
    }
    let percent = work.home(&standard.additions) * Exact::from(100) / work.home(&standard.price);
    let percent = percent.cut(3).round(2);
    let prices = work.draft.lines.iter().filter(|line| line.key == "price");
    let base: Exact = prices.map(|line| &line.home).sum();
    let money = work.in_home(base * percent.clone() / Exact::from(100));
    let label = words(
        format!("가산율 {}% 적용", percent.plain(2)),
        format!("standard rate of addition, {} %", percent.plain(2)),
    );
    work.line("standard_rate", label, Effect::Add, money, &refs);
    true
}

fn commissions(work: &mut Work<'_>) {
    let refs = work.refs(&["KR-CA-30(1)1", "KR-VN-17"], &["US-1401A(b)(1)(B)"]);
    let commissions = work.stated(
        &work.case.additions.commissions,
        "additions.commissions",
        "수수료ㆍ중개료 유무",
        "commissions and brokerage, or that there are none",
        &refs,
    );
    for (at, commission) in commissions.iter().enumerate() {
        one_commission(work, commission, at);
    }
}

fn one_commission(work: &mut Work<'_>, commission: &Commission, at: usize) {
    let place = format!("additions.commissions[{at}]");
    let (label, refs) = match commission.kind {
        CommissionKind::Selling => (
            words("판매수수료", "selling commission"),
            work.refs(&["KR-CA-30(1)1", "KR-VN-17:1"], &["US-1401A(b)(1)(B)"]),
        ),
        CommissionKind::Brokerage => (
            words("중개료(구매자 부담분)", "brokerage borne by the buyer"),
            work.refs(&["KR-CA-30(1)1", "KR-VN-17:2"], &["US-1401A(b)(1)(B)"]),
        ),
        CommissionKind::Confirming => (
            words("신용장 확인수수료", "confirming commission"),
            work.refs(&["KR-CA-30(2)", "WCO-EN-5.1"], &["WCO-EN-5.1"]),
        ),
        CommissionKind::Buying => (
            words("구매수수료", "buying commission"),
            work.refs(&["KR-CA-30(1)1", "KR-CD-17-2(1)", "KR-CR-3-3"], &["US-1401A(b)(1)(B)"]),
        ),
    };
    let counts = match commission.kind {
        CommissionKind::Selling | CommissionKind::Brokerage => Some(true),
        CommissionKind::Confirming => work.fact(
            commission.for_the_seller,
            format!("{place}.for_the_seller"),
            "판매자의 이익을 위한 지급인지",
            "whether it is paid for the benefit of the seller",
            &refs,
        ),
        CommissionKind::Buying => buying_counts(work, commission, &place),
    };
    let Some(amount) = &commission.amount else {
        if counts != Some(false) {
            work.draft.miss(format!("{place}.amount"), "수수료 금액", "amount of the commission", &refs);
        }
        return;
    };
    let money = work.money(amount);
    let Some(counts) = counts else { return };
    let effect = if counts { Effect::Add } else { Effect::None };
    match (&commission.other_services, commission.kind, counts) {
        // Decree Article 17-2(2): only what can be told apart is a buying commission.
        (Some(other), CommissionKind::Buying, false) => {
            let refs = ["KR-CD-17-2(2)"];
            let separable = work.fact(
                commission.separable,
                format!("{place}.separable"),
                "구매수수료를 따로 구분할 수 있는지",
                "whether the buying commission can be told apart",
                &refs,
            );
            match separable {
                Some(true) => {
                    let rest = Money {
                        amount: (work.home(amount) - work.home(other)).max(Exact::zero()),
                        currency: work.exchange.home(),
                    };
                    work.line("commission", label, Effect::None, rest, &refs);
                    let other = work.money(other);
                    let label = words("구매수수료에 포함된 다른 비용", "other services in the buying commission");
                    work.line("commission", label, Effect::Add, other, &refs);
                }
                Some(false) => work.line("commission", label, Effect::Add, money, &refs),
                None => {}
            }
        }
        _ => work.line("commission", label, effect, money, &refs),
    }
}

/// Whether what is called a buying commission is added, because it is none (Rule Article 3-3).
fn buying_counts(work: &mut Work<'_>, commission: &Commission, place: &str) -> Option<bool> {
    let refs = ["KR-CD-17-2(1)", "KR-CR-3-3"];
    let facts = [
        (
            commission.for_the_buyers_account.map(|own| !own),
            "for_the_buyers_account",
            "구매자의 계산과 위험부담으로 하는 용역인지",
            "whether the agent acts for the buyer's account and risk",
        ),
        (
            commission.owns_the_goods,
            "owns_the_goods",
            "대리인이 물품에 소유권 등을 가지는지",
            "whether the agent owns the goods or has a similar right",
        ),
        (
            commission.controls_the_price,
            "controls_the_price",
            "대리인이 거래나 가격을 통제하는지",
            "whether the agent controls the deal or the price",
        ),
    ];
    if facts.iter().any(|(fact, ..)| *fact == Some(true)) {
        return Some(true);
    }
    let mut known = true;
    for (fact, key, ko, en) in facts {
        known &= work.fact(fact, format!("{place}.{key}"), ko, en, &refs).is_some();
    }
    known.then_some(false)
}

fn containers(work: &mut Work<'_>) {
    let refs = work.refs(&["KR-CA-30(1)2", "KR-VN-18"], &["US-1401A(b)(1)(A)", "US-1401A(h)(3)"]);
    let containers = work.stated(
        &work.case.additions.containers,
        "additions.containers",
        "용기 비용 유무",
        "cost of containers, or that there is none",
        &refs,
    );
    for (at, container) in containers.iter().enumerate() {
        let place = format!("additions.containers[{at}]");
        let one = work.fact(
            container.one_with_the_goods,
            format!("{place}.one_with_the_goods"),
            "물품과 동일체로 취급되는 용기인지",
            "whether the container is one with the goods",
            &refs,
        );
        let Some(amount) = &container.amount else {
            if one != Some(false) {
                work.draft.miss(format!("{place}.amount"), "용기 비용", "cost of the container", &refs);
            }
            continue;
        };
        if let Some(one) = one {
            let effect = if one { Effect::Add } else { Effect::None };
            let money = work.money(amount);
            work.line("container", words("용기 비용", "containers"), effect, money, &refs);
        }
    }
}

fn packing(work: &mut Work<'_>) {
    let refs = work.refs(&["KR-CA-30(1)2"], &["US-1401A(b)(1)(A)", "US-1401A(h)(3)"]);
    let packing = work.stated(
        &work.case.additions.packing,
        "additions.packing",
        "포장 노무비ㆍ자재비 유무",
        "labour and material of packing, or that there are none",
        &refs,
    );
    for (at, Packing { labour, material, after_import }) in packing.iter().enumerate() {
        if labour.is_none() && material.is_none() {
            let key = format!("additions.packing[{at}].material");
            work.draft.miss(key, "포장 노무비 또는 자재비", "labour or material of the packing", &refs);
            continue;
        }
        let effect = if *after_import { Effect::None } else { Effect::Add };
        let money = work.together(&[*labour, *material]);
        work.line("packing", words("포장 노무비ㆍ자재비", "packing, labour and material"), effect, money, &refs);
    }
}

fn proceeds(work: &mut Work<'_>) {
    let refs = work.refs(&["KR-CA-30(1)5", "KR-VN-23"], &["US-1401A(b)(1)(E)"]);
    let proceeds = work.stated(
        &work.case.additions.proceeds,
        "additions.proceeds",
        "사후귀속이익 유무",
        "proceeds of resale, disposal or use for the seller, or that there are none",
        &refs,
    );
    for (at, one) in proceeds.iter().enumerate() {
        one_proceeds(work, one, at, &refs);
    }
}

fn one_proceeds(work: &mut Work<'_>, proceeds: &Proceeds, at: usize, refs: &[&'static str]) {
    let money = match (&proceeds.amount, proceeds.percent, &proceeds.of) {
        (Some(amount), ..) => work.money(amount),
        (None, Some(percent), Some(of)) => {
            let Money { amount, currency } = work.money(of);
            Money { amount: amount * Exact::percent(percent.0), currency }
        }
        _ if proceeds.determinable == Some(false) => {
            let refs = work.refs(&["KR-CA-30(3)3"], &["US-1401A(b)(2)(A)"]);
            work.draft.reject(
                "사후귀속이익을 조정할 수 없음",
                "proceeds go to the seller and cannot be adjusted for",
                &refs,
            );
            return;
        }
        _ => {
            let key = format!("additions.proceeds[{at}].amount");
            work.draft.miss(key, "사후귀속이익 금액", "amount of the proceeds", refs);
            return;
        }
    };
    work.line("proceeds", words("사후귀속이익", "proceeds for the seller"), Effect::Add, money, refs);
}

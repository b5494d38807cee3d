//! Method 5: up from the cost of production (Customs Act 34, Decree 28, Notice 38; WTO Agreement 6; 19 USC 1401a(e)).

use super::case::System;
use super::exact::Exact;
use super::goods_value::{Found, GoodsWork};
use super::money::Amount;
use super::worksheet::{Effect, Words, words};

pub fn find(work: &mut GoodsWork<'_>) -> Found {
    let is_us = work.case.system == System::Us;
    let law = |kr: &'static str, us: &'static str| if is_us { us } else { kr };
    let goods = work.goods();
    let known = work.known(
        goods.computed.as_ref(),
        "computed",
        "생산에 관한 자료",
        "figures of the production",
        &[law("KR-CA-34(2)", "US-1401A(e)(1)")],
    );
    let Some(computed) = known else { return work.without_value() };
    let verifiable = work.fact(
        computed.verifiable,
        "computed.verifiable",
        "생산자의 회계자료로 확인할 수 있는지",
        "whether the producer's accounts allow a check",
        &["KR-CD-28(1)", "KR-VN-38"],
    );
    if verifiable == Some(false) {
        work.draft.reject(
            "생산비용을 확인할 수 없음",
            "the cost of production cannot be verified",
            &["KR-CA-34(2)", "KR-VN-38"],
        );
        return Found::DoesNotApply;
    }
    let parts: [(Option<Amount>, &str, Words, &'static str, Needed); 7] = [
        (
            computed.materials,
            "materials",
            words("원자재 비용", "materials"),
            law("KR-CA-34(1)1", "US-1401A(e)(1)(A)"),
            Needed::Always,
        ),
        (
            computed.processing,
            "processing",
            words("조립ㆍ가공 비용", "assembly and processing"),
            law("KR-CA-34(1)1", "US-1401A(e)(1)(A)"),
            Needed::Always,
        ),
        (
            computed.packing,
            "packing",
            words("용기ㆍ포장비용", "containers and packing"),
            law("KR-CD-28(2)", "US-1401A(e)(1)(D)"),
            Needed::UnlessNothingElse,
        ),
        (
            computed.assists,
            "assists",
            words("생산지원", "assists"),
            law("WTO-VA-N6.3", "US-1401A(e)(1)(C)"),
            Needed::UnlessNothingElse,
        ),
        (
            computed.korean_design,
            "korean_design",
            words("생산자가 부담한 국내 설계비용", "design done here and paid by the producer"),
            law("KR-CD-28(2)", "US-1401A(h)(1)(A)(iv)"),
            Needed::UnlessNothingElse,
        ),
        (
            computed.profit,
            "profit",
            words("통상의 이윤 및 일반경비", "usual profit and general expenses"),
            law("KR-CA-34(1)2", "US-1401A(e)(1)(B)"),
            Needed::Always,
        ),
        (
            computed.transport,
            "transport",
            words("수입항까지의 운임ㆍ보험료 등", "transport to the port of importation"),
            law("KR-CA-34(1)3", "US-1401A(b)(4)(A)"),
            if is_us { Needed::Never } else { Needed::Always },
        ),
    ];
    let mut sum = Exact::zero();
    for (amount, key, label, provision, needed) in parts {
        match (amount, needed) {
            (_, Needed::Never) => {}
            (Some(amount), _) => {
                sum = sum + work.home(&amount);
                work.line("cost", label, Effect::Add, &amount, &[provision]);
            }
            (None, Needed::UnlessNothingElse) if work.case.nothing_else => {}
            (None, _) => {
                let key = work.key(&format!("computed.{key}"));
                work.draft.miss(key, label.ko, label.en, &[provision]);
            }
        }
    }
    let quantity = work.quantity();
    if !work.draft.missing.is_empty() {
        return Found::Undecided;
    }
    let Some(quantity) = quantity else { return Found::Undecided };
    let whole = sum * quantity;
    let label = words("산정가격(수량 전체)", "computed value of the whole quantity");
    work.home_line("computed_value", label, Effect::None, whole.clone(), &[law("KR-CA-34(1)", "US-1401A(e)(1)")]);
    Found::Value(whole)
}

#[derive(Clone, Copy)]
enum Needed {
    Always,
    UnlessNothingElse,
    /// Freight is no part of a value on an FOB basis
    Never,
}

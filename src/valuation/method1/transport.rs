//! Transport to the port of importation: in the value by the law of Korea, out of it by that of the United States
//! (Customs Act 30(1)6, Decree 20, Rule 4-3, Notice 24-26; 19 USC 1401a(b)(4)(A)).

use super::{Money, Share, Work};
use crate::valuation::case::{ByAir, Cost, CostKind, Incoterm, UsualGround};
use crate::valuation::exact::Exact;
use crate::valuation::money::Amount;
use crate::valuation::worksheet::{Effect, REROUTING_FROM, Words, words};

/// Won up to which small goods by air are valued at sea freight (Rule Article 4-3(2)1, 4 and 7; for removals 8).
const SMALL_GOODS: i64 = 200_000;
const REMOVAL_GOODS: i64 = 500_000;

/// Whose cost transport and insurance to the port of importation are by the terms.
#[derive(Clone, Copy)]
struct Terms {
    buyer_carries: bool,
    buyer_insures: bool,
}

impl Incoterm {
    fn terms(self) -> Terms {
        match self {
            Self::Exw | Self::Fca | Self::Fas | Self::Fob => Terms { buyer_carries: true, buyer_insures: true },
            Self::Cfr | Self::Cpt => Terms { buyer_carries: false, buyer_insures: true },
            Self::Cif | Self::Cip | Self::Dap | Self::Dpu | Self::Ddp => {
                Terms { buyer_carries: false, buyer_insures: false }
            }
        }
    }
}

pub fn transport(work: &mut Work<'_>) {
    let refs = work.refs(&["KR-CA-30(1)6", "KR-VN-24(5)"], &["US-1401A(b)(4)(A)"]);
    let incoterm = work.fact(
        work.case.transport.incoterm,
        "transport.incoterm",
        "가격조건(운임ㆍ보험료를 누가 부담하는지)",
        "terms of delivery: who bears freight and insurance",
        &refs,
    );
    let Some(terms) = incoterm.map(Incoterm::terms) else { return };
    if work.is_us() {
        american(work, terms);
        return;
    }
    let costs = work.stated(
        &work.case.transport.costs,
        "transport.costs",
        "구매자가 가격과 별도로 지급한 운송비",
        "transport cost that the buyer paid beside the price, or that there is none",
        &refs,
    );
    let before = work.sum();
    let by_air = work.case.transport.by_air.as_ref();
    let substituted = match by_air {
        Some(by_air) => air(work, by_air, &before),
        None => usual(work, terms),
    };
    for (at, cost) in costs.iter().enumerate() {
        let replaced = match cost.kind {
            CostKind::Insurance => substituted.insurance,
            // What lay inside the actual freight has gone with it.
            _ => substituted.freight,
        };
        one_cost(work, cost, at, replaced);
    }
    lump(work);
    laytime(work);
    let has = |kind| costs.iter().any(|cost| cost.kind == kind);
    let transport = &work.case.transport;
    let is_carried = substituted.freight || has(CostKind::Freight) || transport.lump.is_some();
    if terms.buyer_carries && !is_carried && transport.usual.is_none() && by_air.is_none() {
        work.draft.miss(
            "transport.costs",
            "수입항까지의 운임",
            "freight to the port of importation",
            &["KR-CA-30(1)6", "KR-CD-20(1)"],
        );
    }
    if terms.buyer_insures && !has(CostKind::Insurance) && !substituted.insurance {
        insured(work);
    }
}

/// Notice Article 26(1): a premium is added only if there is an insurance.
fn insured(work: &mut Work<'_>) {
    let refs = ["KR-VN-26(1)"];
    match work.case.transport.insured {
        Some(false) => {}
        Some(true) => work.draft.miss("transport.costs", "보험료", "insurance premium", &["KR-VN-26(2)"]),
        None => work.draft.miss("transport.insured", "보험 가입 여부", "whether the goods are insured", &refs),
    }
}

/// What stands in place of the actual cost.
#[derive(Clone, Copy, Default)]
struct Substituted {
    freight: bool,
    insurance: bool,
}

fn add(work: &mut Work<'_>, key: &'static str, label: Words, amount: &Amount, refs: &[&'static str]) {
    let money = work.money(amount);
    work.shared_line(key, label, Effect::Add, money, refs, Share::ByWeight);
}

/// Decree Article 20(4) and Notice Article 25: the usual freight where the actual one is not.
fn usual(work: &mut Work<'_>, terms: Terms) -> Substituted {
    let Some(usual) = &work.case.transport.usual else { return Substituted::default() };
    let provision: &'static str = match usual.ground {
        UsualGround::OwnCarrier => "KR-CD-20(4)1",
        UsualGround::VoyageCharter => "KR-CD-20(4)2",
        UsualGround::SpecialTerms => "KR-CD-20(4)3",
        UsualGround::WarOrDisaster => "KR-CD-20(4)4",
        UsualGround::Free => "KR-VN-25(2)",
        UsualGround::MarketLevel => {
            work.draft.note(
                "운임시장 전체의 상승은 통상운임 적용 사유가 아님",
                "freight that rose with the whole market is not replaced by the usual freight",
                &["KR-CD-20(4)"],
            );
            return Substituted::default();
        }
    };
    if usual.ground == UsualGround::WarOrDisaster && work.case.declared < REROUTING_FROM {
        work.draft.note(
            format!("전쟁ㆍ천재지변 사유는 {REROUTING_FROM} 이후 수입신고분부터 적용됨"),
            format!("war or disaster is a ground for declarations from {REROUTING_FROM} on only"),
            &["KR-CD-20(4)4"],
        );
        return Substituted::default();
    }
    if !terms.buyer_carries {
        work.draft.note(
            "판매자가 운임을 부담하는 조건이므로 실제 운임을 고려하지 않음",
            "the seller bears the freight by the terms: what was actually paid is not looked at",
            &["KR-VN-24(5)1"],
        );
        return Substituted::default();
    }
    let refs = ["KR-CD-20(4)", provision, "KR-VN-25(1)"];
    if usual.ground != UsualGround::Free {
        let differs = work.fact(
            usual.differs_markedly,
            "transport.usual.differs_markedly",
            "실제 운임이 통상의 운임과 현저하게 다른지",
            "whether the freight differs markedly from the usual one",
            &refs,
        );
        if differs != Some(true) {
            return Substituted { freight: differs.is_none(), insurance: false };
        }
    }
    match &usual.freight {
        Some(freight) => add(work, "usual_freight", words("통상운임", "usual freight"), freight, &refs),
        None => work.draft.miss("transport.usual.freight", "통상운임", "usual freight", &refs),
    }
    let with_insurance = usual.ground == UsualGround::WarOrDisaster;
    if with_insurance && work.case.transport.insured != Some(false) {
        match &usual.insurance {
            Some(premium) => add(work, "usual_insurance", words("통상보험료", "usual premium"), premium, &refs),
            None => work.draft.miss("transport.usual.insurance", "통상보험료", "usual premium", &refs),
        }
    }
    Substituted { freight: true, insurance: with_insurance }
}

/// Rule Article 4-3(2)-(4): twelve classes of goods are valued as if they had not come by air.
fn air(work: &mut Work<'_>, by_air: &ByAir, value: &Exact) -> Substituted {
    let limit = match by_air.class {
        1 | 4 | 7 => Some(SMALL_GOODS),
        8 => Some(REMOVAL_GOODS),
        _ => None,
    };
    let refs = ["KR-CD-20(3)", "KR-CR-4-3(2)", "KR-CR-4-3(3)"];
    let air_freight =
        work.fact(by_air.air_freight, "transport.by_air.air_freight", "실제 항공운임", "actual freight by air", &refs);
    if limit.is_some_and(|limit| *value > Exact::from(limit)) {
        work.draft.note(
            format!(
                "운임ㆍ보험료를 제외한 과세가격이 {}원을 초과하여 실제 항공운임을 적용함",
                limit.unwrap_or_default()
            ),
            format!(
                "the value without freight and insurance exceeds KRW {}: air freight counts",
                limit.unwrap_or_default()
            ),
            &["KR-CR-4-3(2)"],
        );
        if let Some(freight) = air_freight {
            add(work, "freight", words("항공운임", "freight by air"), &freight, &["KR-CA-30(1)6", "KR-CD-20(1)"]);
        }
        return Substituted { freight: true, insurance: false };
    }
    let sea = work.fact(
        by_air.sea_freight,
        "transport.by_air.sea_freight",
        "선편소포우편물요금 또는 선박회사의 통상운임",
        "parcel tariff by sea, or usual freight of a shipping company",
        &refs,
    );
    if let (Some(air), Some(sea)) = (air_freight, sea) {
        // Rule Article 4-3(3): never more than the freight by air.
        let lower = if work.home(&sea) <= work.home(&air) { sea } else { air };
        add(work, "sea_freight", words("항공기 외 운송방법의 운임", "freight as if not by air"), &lower, &refs);
    }
    if let Some(premium) = &by_air.sea_insurance {
        let refs = ["KR-CR-4-3(4)"];
        add(work, "sea_insurance", words("항공기 외 운송방법의 보험료", "premium as if not by air"), premium, &refs);
    }
    Substituted { freight: true, insurance: by_air.sea_insurance.is_some() }
}

fn one_cost(work: &mut Work<'_>, cost: &Cost, at: usize, replaced: bool) {
    use CostKind as Kind;
    let (key, label, provision): (_, _, &'static str) = match cost.kind {
        Kind::Freight => ("freight", words("운임", "freight"), "KR-VN-24(3)1"),
        Kind::Insurance => ("insurance", words("보험료", "insurance"), "KR-VN-26(1)"),
        Kind::ExportSide => {
            ("related_cost", words("수출국 내 운송ㆍ선적비", "carriage and loading abroad"), "KR-CA-30(1)6")
        }
        Kind::ContainerHire => ("related_cost", words("컨테이너 임차료", "container hire"), "KR-VN-24(4)6"),
        Kind::StorageInTransit => ("related_cost", words("운송 중 보관료", "storage in transit"), "KR-CA-30(1)6"),
        Kind::ShipPreparation => {
            ("related_cost", words("선적자재비ㆍ선박개장비", "preparation of the ship"), "KR-VN-24(4)1")
        }
        Kind::EmptyPositioning => {
            ("related_cost", words("공선회조료", "positioning of the empty ship"), "KR-VN-24(3)2")
        }
        Kind::DemurrageAtLoading => {
            ("demurrage", words("선적항 체선료", "demurrage at the loading port"), "KR-VN-24(4)3")
        }
        Kind::DespatchAtLoading => ("despatch", words("선적항 조출료", "despatch at the loading port"), "KR-VN-24(4)3"),
        Kind::DemurrageAtImport => {
            ("demurrage", words("수입항 체선료", "demurrage at the import port"), "KR-VN-24(4)4")
        }
        Kind::DespatchAtImport => ("despatch", words("수입항 조출료", "despatch at the import port"), "KR-VN-24(4)4"),
        Kind::UnloadingAtImport => {
            ("after_arrival", words("수입항 하역비", "unloading at the import port"), "KR-VN-24(4)2")
        }
        Kind::PilotageAtImport => (
            "after_arrival",
            words("수입항 도선료ㆍ예선료ㆍ강취료", "pilotage and towage at the import port"),
            "KR-VN-24(4)7",
        ),
        Kind::StorageAfterArrival => ("after_arrival", words("도착 후 보관료", "storage after arrival"), "KR-CD-20(5)"),
        Kind::InlandAfterArrival => {
            ("after_arrival", words("도착 후 내륙운송료", "inland carriage after arrival"), "KR-VN-24(4)5")
        }
    };
    let refs = ["KR-CA-30(1)6", provision];
    let inside = cost.inside_freight;
    let effect = match cost.kind {
        Kind::Freight | Kind::Insurance if replaced => Effect::None,
        Kind::Insurance if work.case.transport.insured == Some(false) => Effect::None,
        Kind::Freight | Kind::Insurance | Kind::DemurrageAtLoading => Effect::Add,
        Kind::ExportSide
        | Kind::ContainerHire
        | Kind::StorageInTransit
        | Kind::ShipPreparation
        | Kind::EmptyPositioning => {
            if inside {
                Effect::None
            } else {
                Effect::Add
            }
        }
        Kind::DespatchAtLoading => {
            let key = format!("transport.costs[{at}].proved");
            let proved = work.fact(
                cost.proved,
                key,
                "조출료 공제를 수입통관 시 확인할 수 있는지",
                "whether the despatch taken off can be proved at import",
                &refs,
            );
            match proved {
                Some(true) => Effect::Deduct,
                Some(false) => Effect::None,
                None => return,
            }
        }
        Kind::DespatchAtImport => Effect::None,
        Kind::DemurrageAtImport
        | Kind::UnloadingAtImport
        | Kind::PilotageAtImport
        | Kind::StorageAfterArrival
        | Kind::InlandAfterArrival => {
            if inside && !replaced {
                Effect::Deduct
            } else {
                Effect::None
            }
        }
    };
    let Some(amount) = &cost.amount else {
        if effect != Effect::None {
            let key = format!("transport.costs[{at}].amount");
            work.draft.miss(key, "운송 관련 금액", "amount of the transport cost", &refs);
        }
        return;
    };
    let money = work.money(amount);
    work.shared_line(key, label, effect, money, &refs, Share::ByWeight);
}

/// Rule Article 4-3(1)2: a part of one freight by weight, by price where weights are unknown or unfit.
fn lump(work: &mut Work<'_>) {
    let Some(lump) = &work.case.transport.lump else { return };
    let refs = ["KR-CD-20(2)", "KR-CR-4-3(1)2"];
    let parts = lump.part_weight.zip(lump.whole_weight).or_else(|| lump.part_price.zip(lump.whole_price));
    let Some((part, whole)) = parts else {
        work.draft.miss(
            "transport.lump",
            "일괄운임을 배분할 중량(또는 가격)",
            "weights, or prices, by which the lump freight is shared",
            &refs,
        );
        return;
    };
    let Money { amount, currency } = work.money(&lump.freight);
    let money = Money { amount: amount * Exact::from(part.0) / Exact::from(whole.0), currency };
    work.shared_line(
        "freight",
        words("일괄운임 배분액", "share of a lump freight"),
        Effect::Add,
        money,
        &refs,
        Share::ByWeight,
    );
}

/// Rule Article 4-3(1)3: undivided laytime is halved, and demurrage counts for the half of the loading port.
fn laytime(work: &mut Work<'_>) {
    let Some(laytime) = &work.case.transport.laytime else { return };
    let half = Exact::from(laytime.allowed_days.0) / Exact::from(2);
    let over = (Exact::from(laytime.loading_days.0) - half).max(Exact::zero());
    let Money { amount, currency } = work.money(&laytime.demurrage_per_day);
    let money = Money { amount: amount * over, currency };
    let refs = ["KR-CR-4-3(1)3", "KR-VN-24(4)3"];
    let label = words("선적항 체선료(허용정박시간 반분)", "demurrage at the loading port, laytime halved");
    work.shared_line("demurrage", label, Effect::Add, money, &refs, Share::ByWeight);
}

/// International freight and insurance are no part of the price; those that a price contains are taken out.
fn american(work: &mut Work<'_>, terms: Terms) {
    let refs = ["US-1401A(b)(4)(A)"];
    let costs = work.case.transport.costs.as_deref().unwrap_or_default();
    let mut is_carried = false;
    let mut is_insured = false;
    for (at, cost) in costs.iter().enumerate() {
        let (label, contained) = match cost.kind {
            CostKind::Freight => {
                is_carried = true;
                (words("국제운임", "international freight"), !terms.buyer_carries)
            }
            CostKind::Insurance => {
                is_insured = true;
                (words("국제보험료", "international insurance"), !terms.buyer_insures)
            }
            _ => (words("운송 관련 비용", "transport cost"), false),
        };
        let Some(amount) = &cost.amount else {
            if contained {
                let key = format!("transport.costs[{at}].amount");
                work.draft.miss(key, "가격에 포함된 운송비", "transport cost in the price", &refs);
            }
            continue;
        };
        let effect = if contained { Effect::Deduct } else { Effect::None };
        let money = work.money(amount);
        work.shared_line("international_transport", label, effect, money, &refs, Share::ByWeight);
    }
    if !terms.buyer_carries && !is_carried {
        work.draft.miss("transport.costs", "가격에 포함된 국제운임", "international freight in the price", &refs);
    }
    if !terms.buyer_insures && !is_insured && work.case.transport.insured != Some(false) {
        work.draft.miss("transport.costs", "가격에 포함된 국제보험료", "international insurance in the price", &refs);
    }
}

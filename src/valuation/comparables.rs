//! Methods 2 and 3: the accepted value of identical or similar goods (Customs Act 31-32, Decree 25-26; WTO Agreement 2-3).
//!
//! Method 6 uses the same with wider windows (Rule 7(1)).

use super::case::{Comparable, Difference, DifferenceOf, System};
use super::exact::Exact;
use super::goods_value::{Found, GoodsWork};
use super::worksheet::{Effect, words};

/// Days before and after the shipment (Decree Article 25(3); for method 6 Rule Article 7(1)2).
const DAYS: i64 = 60;
const SEASONAL_DAYS: i64 = 30;
const WIDENED_DAYS: i64 = 90;

/// Which goods, and how strictly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Identical,
    Similar,
    /// Both, within the wider window of method 6
    Widened,
}

/// A value that may be used, for one unit.
struct Candidate {
    value: Exact,
    same_producer: bool,
    num_differences: usize,
}

pub fn find(work: &mut GoodsWork<'_>, kind: Kind) -> Found {
    let goods = work.goods();
    let (list, key): (_, &'static str) = match kind {
        Kind::Identical => (goods.identical.as_ref(), "identical"),
        Kind::Similar => (goods.similar.as_ref(), "similar"),
        Kind::Widened if goods.identical.as_ref().is_some_and(|list| !list.is_empty()) => {
            (goods.identical.as_ref(), "identical")
        }
        Kind::Widened => (goods.similar.as_ref(), "similar"),
    };
    let refs = refs(work, kind);
    let known = match kind {
        Kind::Identical => work.known(list, key, "동종ㆍ동질물품의 거래가격", "values of identical goods", &refs),
        Kind::Similar => work.known(list, key, "유사물품의 거래가격", "values of similar goods", &refs),
        Kind::Widened => list,
    };
    let Some(list) = known else { return work.without_value() };
    let mut best: Option<Candidate> = None;
    for (nth, comparable) in list.iter().enumerate() {
        let Some(candidate) = candidate(work, comparable, &format!("{key}[{nth}]"), kind) else { continue };
        // Act Article 31(3): the nearest particulars, and of those that are alike the lowest price. The law has no
        // measure of nearness in time: all dates within the window are alike.
        let rank = |c: &Candidate| (!c.same_producer, c.num_differences, c.value.clone());
        if best.as_ref().is_none_or(|best| rank(&candidate) < rank(best)) {
            best = Some(candidate);
        }
    }
    if !work.draft.missing.is_empty() {
        return Found::Undecided;
    }
    let Some(best) = best else {
        work.draft.reject("요건을 갖춘 거래가격이 없음", "no value meets the conditions", &refs);
        return Found::DoesNotApply;
    };
    let Some(quantity) = work.quantity() else { return Found::Undecided };
    let value = best.value.clone() * quantity;
    work.home_line("unit_value", words("적용 단위가격", "unit value taken"), Effect::None, best.value, &refs);
    let label = match key {
        "identical" => words("동종ㆍ동질물품의 거래가격", "value of identical goods"),
        _ => words("유사물품의 거래가격", "value of similar goods"),
    };
    work.home_line("comparable_value", label, Effect::Add, value.clone(), &refs);
    Found::Value(value)
}

fn refs(work: &GoodsWork<'_>, kind: Kind) -> Vec<&'static str> {
    match (work.case.system, kind) {
        (System::Us, _) => vec!["US-1401A(c)(1)", "US-1401A(c)(2)"],
        (System::Kr, Kind::Identical) => vec!["KR-CA-31(1)", "KR-CA-31(3)", "KR-CD-25"],
        (System::Kr, Kind::Similar) => vec!["KR-CA-32(1)", "KR-CA-32(3)", "KR-CD-26"],
        (System::Kr, Kind::Widened) => vec!["KR-CA-35(1)", "KR-CD-29(1)1", "KR-CR-7(1)"],
    }
}

/// The value of one comparable with its adjustments; none where it may not be used or a fact is missing.
fn candidate(work: &mut GoodsWork<'_>, comparable: &Comparable, place: &str, kind: Kind) -> Option<Candidate> {
    if comparable.doubtful {
        return None;
    }
    let accepted = work.fact(
        comparable.accepted,
        &format!("{place}.accepted"),
        "과세가격으로 인정된 사실이 있는지",
        "whether customs has accepted the value",
        &["KR-CA-31(1)"],
    )?;
    if !accepted {
        return None;
    }
    if kind != Kind::Widened {
        let same = work.fact(
            comparable.same_country,
            &format!("{place}.same_country"),
            "해당 물품의 생산국에서 생산되었는지",
            "whether it was made in the country of the goods",
            &["KR-CA-31(1)1"],
        )?;
        if !same {
            return None;
        }
    }
    if !in_time(work, comparable, place, kind)? {
        return None;
    }
    let same_producer = work.fact(
        comparable.same_producer,
        &format!("{place}.same_producer"),
        "생산자가 같은지",
        "whether the producer is the same",
        &["KR-CD-25(5)"],
    )?;
    let Some(differences) = &comparable.differences else {
        let key = work.key(&format!("{place}.differences"));
        work.draft.miss(
            key,
            "거래 단계ㆍ수량ㆍ운송 거리ㆍ운송 형태의 차이",
            "differences in level, quantity, distance and mode of transport",
            &["KR-CA-31(1)2", "KR-CD-25(4)"],
        );
        return None;
    };
    let mut value = work.home(&comparable.unit_value);
    for (nth, difference) in differences.iter().enumerate() {
        value = value + adjustment(work, difference, &format!("{place}.differences[{nth}]"))?;
    }
    Some(Candidate { value, same_producer, num_differences: differences.len() })
}

/// Whether the shipment falls into the window.
fn in_time(work: &mut GoodsWork<'_>, comparable: &Comparable, place: &str, kind: Kind) -> Option<bool> {
    if work.case.system == System::Us {
        return work.fact(
            comparable.same_time,
            &format!("{place}.same_time"),
            "같은 때 또는 거의 같은 때 수출되었는지",
            "whether it was exported at or about the same time",
            &["US-1401A(c)(1)(B)"],
        );
    }
    let refs = ["KR-CA-31(1)1", "KR-CD-25(3)"];
    let theirs = work.fact(
        comparable.shipped,
        &format!("{place}.shipped"),
        "비교물품의 선적일",
        "day of shipment of the other goods",
        &refs,
    );
    if work.case.shipped.is_none() {
        work.draft.miss("shipped", "해당 물품의 선적일", "day of shipment of the goods", &refs);
    }
    let ours = work.case.shipped?;
    let theirs = theirs?;
    let days = i64::from((theirs - ours).get_days().abs());
    let limit = match (kind, work.case.seasonal) {
        (Kind::Widened, _) => WIDENED_DAYS,
        (_, true) => SEASONAL_DAYS,
        (_, false) => DAYS,
    };
    Some(days <= limit)
}

/// What a difference does to the other value (Decree Article 25(4)).
fn adjustment(work: &mut GoodsWork<'_>, difference: &Difference, place: &str) -> Option<Exact> {
    match (&difference.add, &difference.subtract) {
        (Some(add), _) => return Some(work.home(add)),
        (None, Some(subtract)) => return Some(-work.home(subtract)),
        (None, None) => {}
    }
    if let (DifferenceOf::Distance, Some(freight), Some(theirs), Some(ours)) =
        (difference.of, &difference.freight, difference.their_distance, difference.our_distance)
    {
        // In proportion to the distance: what more of it costs is added.
        let ratio = Exact::from(ours.0) / Exact::from(theirs.0);
        return Some(work.home(freight) * (ratio - Exact::one()));
    }
    let provision = match difference.of {
        DifferenceOf::Level => "KR-CD-25(4)1",
        DifferenceOf::Quantity => "KR-CD-25(4)2",
        DifferenceOf::Distance => "KR-CD-25(4)3",
        DifferenceOf::Mode => "KR-CD-25(4)4",
    };
    let key = work.key(place);
    work.draft.miss(key, "가격차이 조정금액과 그 입증자료", "the adjustment, with its proof", &[provision, "KR-VN-30"]);
    None
}

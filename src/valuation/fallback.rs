//! Method 6: reasonable means within the bounds of the law (Customs Act 35, Decree 29, Rules 7 to 7-8, Notice 39;
//! WTO Agreement 7; 19 USC 1401a(f)).

use super::case::{Fallback, FallbackBasis, System};
use super::comparables::{self, Kind};
use super::deductive::{self, Reading};
use super::exact::Exact;
use super::goods_value::{Found, GoodsWork};
use super::worksheet::{Effect, words};

/// Percent a year above which the interest of a lease gives way (Rule Article 7-4(2)3 with 9-3).
const LEASE_INTEREST_TENTHS: i64 = 31;

pub fn find(work: &mut GoodsWork<'_>) -> Found {
    let refs: &[&'static str] = match work.case.system {
        System::Kr => &["KR-CA-35(1)", "KR-CD-29(1)", "KR-VN-39(1)"],
        System::Us => &["US-1401A(f)(1)"],
    };
    let goods = work.goods();
    let Some(fallback) = &goods.fallback else {
        // No method comes after this one, so that it can only be open.
        let key = work.key("fallback");
        work.draft.miss(key, "합리적 기준의 기초자료", "a basis for reasonable means", refs);
        return Found::Undecided;
    };
    match fallback.basis {
        FallbackBasis::Widened => widened(work),
        FallbackBasis::DomesticGoods => {
            forbidden(work, "우리나라에서 생산된 물품의 국내판매가격", "the price of goods made here", "KR-CD-29(2)1")
        }
        FallbackBasis::HigherOfTwo => {
            forbidden(work, "선택가능한 가격 중 높은 가격", "the higher of two values", "KR-CD-29(2)2")
        }
        FallbackBasis::ExportersHomePrice => {
            forbidden(work, "수출국의 국내판매가격", "the price on the exporter's market", "KR-CD-29(2)3")
        }
        FallbackBasis::OtherCost => {
            forbidden(work, "산정가격 외의 생산비용", "cost of production other than by method 5", "KR-CD-29(2)4")
        }
        FallbackBasis::ThirdCountryPrice => {
            forbidden(work, "제3국 수출가격", "the price of exports to another country", "KR-CD-29(2)5")
        }
        FallbackBasis::MinimumValue => forbidden(work, "최저과세기준가격", "a minimum value", "KR-CD-29(2)6"),
        FallbackBasis::Arbitrary => {
            forbidden(work, "자의적 또는 가공적인 가격", "an arbitrary or fictitious value", "KR-CD-29(2)7")
        }
        FallbackBasis::Damaged => value_less(work, fallback, &["KR-CD-29(3)1", "KR-CR-7-2"]),
        FallbackBasis::LeasePrice => value_less(work, fallback, &["KR-CD-29(3)3", "KR-CR-7-4(1)1"]),
        FallbackBasis::LeaseRents => rents(work, fallback),
        FallbackBasis::Used => value_less(work, fallback, &["KR-CD-29(3)4", "KR-CR-7-5(1)"]),
        FallbackBasis::Traveller => value_less(work, fallback, &["KR-CD-29(3)2", "KR-CR-7-3(1)"]),
        FallbackBasis::BondedMix => bonded_mix(work, fallback),
        FallbackBasis::BondedOil => value_less(work, fallback, &["KR-CD-29(3)7", "KR-CR-7-8"]),
        FallbackBasis::MarketPrice => value_less(work, fallback, &["KR-CA-35(2)"]),
        FallbackBasis::EarlierValue => value_less(work, fallback, &["KR-CD-29(1)3"]),
    }
}

fn forbidden(work: &mut GoodsWork<'_>, ko: &str, en: &str, provision: &'static str) -> Found {
    let refs = match work.case.system {
        System::Kr => [provision, "WTO-VA-7.2"],
        System::Us => ["US-1401A(f)(2)", "WTO-VA-7.2"],
    };
    work.draft.note(format!("금지된 기준: {ko}"), format!("forbidden basis: {en}"), &refs);
    let key = work.key("fallback.basis");
    work.draft.miss(key, "금지되지 않은 기초자료", "a basis that is not forbidden", &refs);
    Found::Undecided
}

/// Methods 2 and 3 read widely, then method 4.
fn widened(work: &mut GoodsWork<'_>) -> Found {
    match comparables::find(work, Kind::Widened) {
        Found::DoesNotApply => work.draft.against.clear(),
        Found::Undecided if work.draft.missing.is_empty() => {}
        found => return found,
    }
    match deductive::find(work, Reading::Widened) {
        Found::Value(value) => Found::Value(value),
        Found::DoesNotApply | Found::Undecided => {
            work.draft.against.clear();
            if work.draft.missing.is_empty() {
                let key = work.key("fallback");
                let refs = ["KR-CD-29(1)", "KR-CR-7(1)", "KR-CR-7(3)"];
                work.draft.miss(key, "확대된 요건에 맞는 자료", "figures that meet the wider conditions", &refs);
            }
            Found::Undecided
        }
    }
}

/// A value with what is taken off, times a factor.
fn value_less(work: &mut GoodsWork<'_>, fallback: &Fallback, refs: &[&'static str]) -> Found {
    let value = work.fact(fallback.value, "fallback.value", "기초가격", "the value to begin with", refs);
    let Some(amount) = value else { return Found::Undecided };
    let mut value = work.home(&amount);
    work.line("fallback_value", words("기초가격", "value to begin with"), Effect::Add, &amount, refs);
    if let Some(less) = &fallback.less {
        work.line("less", words("공제액", "taken off"), Effect::Deduct, less, refs);
        value = (value - work.home(less)).max(Exact::zero());
    }
    if let Some(factor) = fallback.factor {
        value = value * Exact::from(factor.0);
        let label =
            words(format!("비율 {} 적용", factor.0.normalize()), format!("times the factor {}", factor.0.normalize()));
        work.home_line("factor", label, Effect::None, value.clone(), refs);
    }
    Found::Value(value)
}

/// Rule Article 7-6(1): price of the product in proportion to the foreign goods in it.
fn bonded_mix(work: &mut GoodsWork<'_>, fallback: &Fallback) -> Found {
    let refs = ["KR-CD-29(3)5", "KR-CR-7-6(1)"];
    let price = work.fact(fallback.value, "fallback.value", "제품가격", "price of the product", &refs);
    let foreign = work.fact(fallback.foreign, "fallback.foreign", "외국물품가격", "value of the foreign goods", &refs);
    let domestic =
        work.fact(fallback.domestic, "fallback.domestic", "내국물품가격", "value of the domestic goods", &refs);
    let (Some(price), Some(foreign), Some(domestic)) = (price, foreign, domestic) else { return Found::Undecided };
    let (foreign, domestic) = (work.home(&foreign), work.home(&domestic));
    let whole = foreign.clone() + domestic;
    if whole.is_zero() {
        work.fact(None::<bool>, "fallback.foreign", "0보다 큰 원료가격", "a value of the goods used above 0", &refs);
        return Found::Undecided;
    }
    let value = work.home(&price) * foreign / whole;
    let label = words("제품가격 중 외국물품 비율", "price of the product by the share of foreign goods");
    work.home_line("fallback_value", label, Effect::Add, value.clone(), &refs);
    Found::Value(value)
}

/// Rule Article 7-4: the present value of all rents, and of the price of an option.
fn rents(work: &mut GoodsWork<'_>, fallback: &Fallback) -> Found {
    let provision = if fallback.option_price.is_some() { "KR-CR-7-4(1)4" } else { "KR-CR-7-4(1)3" };
    let refs = ["KR-CD-29(3)3", provision, "KR-CR-7-4(2)"];
    let rent = work.fact(fallback.rent, "fallback.rent", "기간별 임차료", "rent of a period", &refs);
    let periods = work.fact(fallback.periods, "fallback.periods", "임차료 지급 횟수", "number of rents", &refs);
    let a_year =
        work.fact(fallback.periods_per_year, "fallback.periods_per_year", "연간 지급 횟수", "rents a year", &refs);
    let ahead = work.fact(
        fallback.paid_in_advance,
        "fallback.paid_in_advance",
        "선지급 여부",
        "whether rent is paid in advance",
        &refs,
    );
    let (Some(rent), Some(periods), Some(a_year), Some(ahead)) = (rent, periods, a_year, ahead) else {
        return Found::Undecided;
    };
    // A rate of the contract that is not below that of Rule Article 9-3 gives way to it, and so does a lack of one.
    let ceiling = Exact::from(LEASE_INTEREST_TENTHS) / Exact::from(1000);
    let agreed = fallback.interest_percent.map(|percent| Exact::percent(percent.0));
    let yearly = agreed.map_or_else(|| ceiling.clone(), |agreed| agreed.min(ceiling.clone()));
    // The Rule does not say how a yearly rate becomes that of a period; it is divided.
    let discount = Exact::one() / (Exact::one() + yearly / Exact::from(a_year.0));
    let upkeep = fallback.less.as_ref().map_or_else(Exact::zero, |less| work.home(less));
    let net = (work.home(&rent) - upkeep).max(Exact::zero());
    let last = discount.power(periods);
    // The sum of a geometric row, from now on or from the end of the first period on.
    let row = if discount == Exact::one() {
        Exact::from(i64::from(periods))
    } else {
        (Exact::one() - last.clone()) / (Exact::one() - discount.clone())
    };
    let mut value = net * row * if ahead { Exact::one() } else { discount };
    work.home_line(
        "present_value",
        words("총 예상임차료의 현재가격", "present value of the rents"),
        Effect::Add,
        value.clone(),
        &refs,
    );
    if let Some(option) = &fallback.option_price {
        // Due at the end of the last period.
        let present = work.home(option) * last;
        let label = words("구매선택권 행사금액의 현재가격", "present value of the option");
        work.home_line("present_value", label, Effect::Add, present.clone(), &refs);
        value = value + present;
    }
    Found::Value(value)
}

//! Method 4: back from the price at which the goods are sold in the country (Customs Act 33, Decree 27, Notice 31-36;
//! WTO Agreement 5; 19 USC 1401a(d)).

use std::collections::BTreeMap;

use jiff::ToSpan;

use super::case::{Deductive, Resale, ResaleOf, System};
use super::exact::Exact;
use super::goods_value::{Found, GoodsWork};
use super::taxes;
use super::worksheet::{Effect, words};

/// Days after the import declaration (Decree Article 27(3); for method 6 Rule Article 7(3)).
const DAYS: i64 = 90;
const WIDENED_DAYS: i64 = 180;
/// The importer's own rate holds up to this percentage of the industry's (Decree Article 27(5)).
const OWN_OF_INDUSTRY_PERCENT: i64 = 120;

/// How strictly the conditions are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    Strict,
    /// Method 6: 180 days, and processed goods without a request
    Widened,
}

pub fn find(work: &mut GoodsWork<'_>, reading: Reading) -> Found {
    let refs: &[&'static str] = match work.case.system {
        System::Kr => &["KR-CA-33(1)", "KR-CD-27"],
        System::Us => &["US-1401A(d)(2)(A)"],
    };
    let goods = work.goods();
    let known = match reading {
        Reading::Strict => {
            work.known(goods.deductive.as_ref(), "deductive", "국내판매가격 자료", "sales in the country", refs)
        }
        Reading::Widened => goods.deductive.as_ref(),
    };
    let Some(deductive) = known else { return work.without_value() };
    if deductive.doubtful {
        work.draft.reject(
            "국내판매가격의 진실성이 의심됨",
            "the sale price is doubtful",
            &["KR-CA-33(2)", "KR-CD-27(10)"],
        );
        return Found::DoesNotApply;
    }
    let processed = work.fact(
        deductive.processed,
        "deductive.processed",
        "국내 가공 후 판매인지",
        "whether the goods are processed before the sale",
        &["KR-CA-33(3)"],
    );
    if processed == Some(true) && reading == Reading::Strict {
        let requested = work.fact(
            deductive.processing_requested,
            "deductive.processing_requested",
            "납세의무자의 요청 여부",
            "whether the importer has asked for it",
            &["KR-CA-33(3)"],
        );
        if requested == Some(false) {
            work.draft.reject(
                "가공 후 판매이고 납세의무자의 요청이 없음",
                "the goods are processed before the sale and the importer has not asked for it",
                &["KR-CA-33(3)"],
            );
            return Found::DoesNotApply;
        }
    }
    let price = unit_price(work, deductive, reading);
    let taken_off = price.clone().and_then(|price| taken_off(work, deductive, &price, processed == Some(true)));
    if !work.draft.against.is_empty() {
        return Found::DoesNotApply;
    }
    let (Some(price), Some(taken_off)) = (price, taken_off) else { return Found::Undecided };
    if !work.draft.missing.is_empty() {
        return Found::Undecided;
    }
    let balance = price - taken_off;
    let value = match &deductive.taxes {
        Some(taxes) => {
            let refs = ["KR-CA-33(1)4", "KR-VN-32(2)"];
            work.line("taxes", words("조세와 공과금", "duties and taxes"), Effect::Deduct, taxes, &refs);
            balance - work.home(taxes)
        }
        None => {
            let Some(factor) = taxes::ad_valorem_factor(goods, work.case.system, false) else {
                work.fact(
                    None::<bool>,
                    "deductive.taxes",
                    "관세율 또는 조세와 공과금의 금액",
                    "rates of duty, or the amount of the duties and taxes",
                    &["KR-CA-33(1)4"],
                );
                return Found::Undecided;
            };
            // Notice Article 32(2): the taxes are those on the value that comes out.
            let value = balance.clone() / (Exact::one() + factor);
            let refs = ["KR-CA-33(1)4", "KR-VN-32(2)"];
            let label = words("조세와 공과금", "duties and taxes");
            work.home_line("taxes", label, Effect::Deduct, balance - value.clone(), &refs);
            value
        }
    };
    if value.is_negative() {
        work.draft.reject("공제액이 판매가격보다 큼", "more is taken off than the sale price is", refs);
        return Found::DoesNotApply;
    }
    let Some(quantity) = work.quantity() else { return Found::Undecided };
    let whole = value * quantity;
    work.home_line(
        "deductive_value",
        words("과세가격(수량 전체)", "value of the whole quantity"),
        Effect::None,
        whole.clone(),
        refs,
    );
    Found::Value(whole)
}

/// The price at which most is sold, of the goods before identical ones, of those before similar ones.
fn unit_price(work: &mut GoodsWork<'_>, deductive: &Deductive, reading: Reading) -> Option<Exact> {
    let mut by_price: BTreeMap<(ResaleOf, Exact), Exact> = BTreeMap::new();
    for (nth, sale) in deductive.sales.iter().enumerate() {
        if counts(work, sale, nth, reading)? {
            let key = (sale.of, work.home(&sale.unit_price));
            let sum = by_price.entry(key).or_default();
            *sum = sum.clone() + Exact::from(sale.quantity.0);
        }
    }
    let refs: &[&'static str] = match work.case.system {
        System::Kr => &["KR-CA-33(1)1", "KR-CD-27(1)", "KR-CD-27(2)", "KR-CD-27(3)"],
        System::Us => &["US-1401A(d)(2)(B)"],
    };
    let Some(first) = by_price.keys().map(|(of, _)| *of).min() else {
        work.draft.reject("요건을 갖춘 국내판매가 없음", "no sale meets the conditions", refs);
        return None;
    };
    // The law says nothing of two prices with the same quantity; the lower is taken, as in methods 2 and 3.
    let mut best: Option<(&Exact, &Exact)> = None;
    for ((of, price), quantity) in &by_price {
        if *of == first && best.is_none_or(|(_, most)| quantity > most) {
            best = Some((price, quantity));
        }
    }
    let price = best.map(|(price, _)| price.clone())?;
    let label = words("최대수량 판매 단위가격", "unit price in the greatest quantity");
    work.home_line("sale_price", label, Effect::Add, price.clone(), refs);
    Some(price)
}

/// Whether a sale may be used; none where a fact is missing.
fn counts(work: &mut GoodsWork<'_>, sale: &Resale, nth: usize, reading: Reading) -> Option<bool> {
    let place = format!("deductive.sales[{nth}]");
    let first = work.fact(
        sale.first,
        &format!("{place}.first"),
        "수입 후 최초 거래인지",
        "whether it is the first sale after importation",
        &["KR-CD-27(1)"],
    );
    let related = work.fact(
        sale.related,
        &format!("{place}.related"),
        "구매자와의 특수관계 여부",
        "whether the buyer is related",
        &["KR-CD-27(1)1"],
    );
    let date = work.fact(sale.date, &format!("{place}.date"), "판매일", "day of the sale", &["KR-CD-27(3)"]);
    let days = match reading {
        Reading::Strict => DAYS,
        Reading::Widened => WIDENED_DAYS,
    };
    let last = work.case.declared.saturating_add(days.days());
    Some(first? && !related? && !sale.supplied_assists && date? <= last)
}

/// Commission or profit, cost after arrival, and processing.
fn taken_off(work: &mut GoodsWork<'_>, deductive: &Deductive, price: &Exact, processed: bool) -> Option<Exact> {
    let mut sum = Exact::zero();
    if let Some(commission) = &deductive.commission {
        let refs = ["KR-CA-33(1)2"];
        work.line("commission", words("통상의 판매수수료", "usual commission"), Effect::Deduct, commission, &refs);
        sum = sum + work.home(commission);
    } else {
        let profit = price.clone() * profit_rate(work, deductive)?;
        let refs: &[&'static str] = match work.case.system {
            System::Kr => &["KR-CA-33(1)2", "KR-CD-27(5)"],
            System::Us => &["US-1401A(d)(3)(A)(i)", "US-1401A(d)(3)(B)(i)"],
        };
        let label = words("이윤 및 일반경비", "profit and general expenses");
        work.home_line("profit", label, Effect::Deduct, profit.clone(), refs);
        sum = sum + profit;
    }
    let inland = work.fact(
        deductive.inland_cost,
        "deductive.inland_cost",
        "도착 후 통상의 운임ㆍ보험료와 관련 비용",
        "usual transport, insurance and related cost after arrival",
        &["KR-CA-33(1)3"],
    );
    if let Some(inland) = inland {
        let label = words("도착 후 운임ㆍ보험료 등", "transport and related cost after arrival");
        work.line("inland_cost", label, Effect::Deduct, &inland, &["KR-CA-33(1)3", "KR-CD-27(9)"]);
        sum = sum + work.home(&inland);
    }
    if work.case.system == System::Us {
        let refs = ["US-1401A(d)(3)(A)(ii)"];
        let international = work.fact(
            deductive.international_cost,
            "deductive.international_cost",
            "국제운임과 보험료",
            "international freight and insurance",
            &refs,
        );
        if let Some(international) = international {
            let label = words("국제운임ㆍ보험료", "international freight and insurance");
            work.line("international_transport", label, Effect::Deduct, &international, &refs);
            sum = sum + work.home(&international);
        }
    }
    if processed {
        let refs = ["KR-CA-33(3)2"];
        let value = work.fact(
            deductive.processing_value,
            "deductive.processing_value",
            "국내 가공에 따른 부가가치",
            "value added by the processing",
            &refs,
        );
        if let Some(value) = value {
            work.line(
                "processing",
                words("국내 가공 부가가치", "value added by processing"),
                Effect::Deduct,
                &value,
                &refs,
            );
            sum = sum + work.home(&value);
        }
    }
    Some(sum)
}

/// Decree Article 27(5): the importer's own rate up to 120 percent of the industry's, else the industry's.
fn profit_rate(work: &mut GoodsWork<'_>, deductive: &Deductive) -> Option<Exact> {
    if work.case.system == System::Us {
        let consistent = work.fact(
            deductive.own_consistent,
            "deductive.own_consistent",
            "수입자의 이윤이 업계와 부합하는지",
            "whether the importer's profit is consistent with the industry's",
            &["US-1401A(d)(3)(B)(i)"],
        )?;
        let (rate, key) = match consistent {
            true => (deductive.own_percent, "deductive.own_percent"),
            false => (deductive.industry_percent, "deductive.industry_percent"),
        };
        let refs = ["US-1401A(d)(3)(B)(i)"];
        return work
            .fact(rate, key, "이윤 및 일반경비의 비율", "rate of profit and general expenses", &refs)
            .map(|r| Exact::percent(r.0));
    }
    let own = work.fact(
        deductive.own_percent,
        "deductive.own_percent",
        "납세의무자의 이윤 및 일반경비 비율",
        "the importer's own rate of profit and general expenses",
        &["KR-CD-27(5)1", "KR-VN-36(1)"],
    );
    let industry = work.fact(
        deductive.industry_percent,
        "deductive.industry_percent",
        "동종ㆍ동류비율",
        "the industry's rate of profit and general expenses",
        &["KR-CD-27(6)", "KR-VN-35(1)"],
    );
    let (own, industry) = (Exact::percent(own?.0), Exact::percent(industry?.0));
    let limit = industry.clone() * Exact::from(OWN_OF_INDUSTRY_PERCENT) / Exact::from(100);
    Some(if own <= limit { own } else { industry })
}

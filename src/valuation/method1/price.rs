//! The price actually paid or payable: the invoice, what was paid beside it, and how it changed.

use jiff::civil::Date;

use super::{Money, Share, Work};
use crate::valuation::case::{Adjustment, Direction, Discount, DiscountKind, Goods, Indirect, IndirectKind};
use crate::valuation::exact::Exact;
use crate::valuation::worksheet::{Effect, words};

pub fn price(work: &mut Work<'_>) {
    if let Some(prices) = invoice(work) {
        for (at, price) in prices.into_iter().enumerate() {
            let refs = work.refs(&["KR-CA-30(1)", "KR-CA-30(2)", "KR-VN-16(1)"], &["US-1401A(b)(1)"]);
            work.prices.push(price.amount.clone() * work.exchange.factor(price.currency));
            work.shared_line("price", words("거래가격", "price"), Effect::Add, price, &refs, Share::Goods(at));
        }
    }
    discounts(work);
    indirect(work);
    adjustments(work);
}

/// The price of each kind of goods; none where one is unknown.
fn invoice(work: &mut Work<'_>) -> Option<Vec<Money>> {
    let prices: Vec<Option<Money>> = work.case.goods.iter().map(|goods| of_goods(work, goods)).collect();
    let whole = whole_price(work)?;
    let Some(whole) = whole else { return checked(work, prices) };
    if let [_] = prices.as_slice() {
        return Some(vec![whole]);
    }
    // Several goods at one price: shared by their list prices.
    let prices = checked(work, prices)?;
    let home: Vec<Exact> =
        prices.iter().map(|price| price.amount.clone() * work.exchange.factor(price.currency)).collect();
    let sum: Exact = home.iter().sum();
    let share =
        |price: &Exact| Money { amount: whole.amount.clone() * price.clone() / sum.clone(), currency: whole.currency };
    Some(home.iter().map(share).collect())
}

/// All prices, if all are known and something is paid at all.
fn checked(work: &mut Work<'_>, prices: Vec<Option<Money>>) -> Option<Vec<Money>> {
    let refs = work.refs(&["KR-CA-30(2)", "KR-VN-14:3"], &["US-1401A(b)(4)(A)"]);
    for (at, price) in prices.iter().enumerate() {
        if price.is_none() {
            let key = format!("goods[{at}].unit_price");
            work.draft.miss(key, "단가(또는 가격)와 수량", "unit price and quantity, or price", &refs);
        }
    }
    let prices: Vec<Money> = prices.into_iter().collect::<Option<_>>()?;
    if prices.iter().all(|price| price.amount.is_zero()) {
        work.draft.miss("goods[0].price", "0보다 큰 거래가격", "a price above 0", &refs);
        return None;
    }
    Some(prices)
}

fn of_goods(work: &Work<'_>, goods: &Goods) -> Option<Money> {
    match (&goods.price, &goods.unit_price, goods.quantity) {
        (Some(price), ..) => Some(work.money(price)),
        (None, Some(price), Some(quantity)) => {
            let Money { amount, currency } = work.money(price);
            Some(Money { amount: amount * Exact::from(quantity.0), currency })
        }
        _ => None,
    }
}

/// One price for all goods: settled in another currency, of the deciding sale of a chain, or of a package. The outer
/// absence says that a fact is missing, the inner that goods have prices of their own.
fn whole_price(work: &mut Work<'_>) -> Option<Option<Money>> {
    if let Some(settled) = &work.case.payments.settled {
        let money = work.money(settled);
        work.draft.note(
            "송품장 통화와 실제 결제통화가 달라 결제통화를 기초로 함",
            "another currency was settled than invoiced: the settled one counts",
            &["KR-VN-2"],
        );
        return Some(Some(money));
    }
    if let Some(chain) = &work.case.sale.chain {
        let mut deciding = None;
        for (at, link) in chain.iter().enumerate() {
            let key = format!("sale.chain[{at}].brought_the_goods");
            let refs = ["KR-CD-17", "KR-VN-15(2)"];
            let brought = work.fact(
                link.brought_the_goods,
                key,
                "우리나라로의 이동 원인이 된 거래인지",
                "whether the goods came because of this sale",
                &refs,
            )?;
            if brought {
                deciding = Some(work.money(&link.price));
            }
        }
        if deciding.is_none() {
            work.draft.reject(
                "수출판매를 확인할 수 없음",
                "no sale for export can be found in the chain",
                &["KR-VN-14:2", "KR-VN-15(2)"],
            );
            return None;
        }
        return Some(deciding);
    }
    Some(work.case.payments.package_price.as_ref().map(|price| work.money(price)))
}

/// A percentage of the invoice price, in its currency if it has one only.
fn percent_of_price(work: &Work<'_>, percent: rust_decimal::Decimal) -> Money {
    let prices = work.draft.lines.iter().filter(|line| line.key == "price");
    let currencies: Vec<_> = prices.clone().map(|line| line.currency).collect();
    let rate = Exact::percent(percent);
    match currencies.first() {
        Some(first) if currencies.iter().all(|currency| currency == first) => {
            Money { amount: prices.map(|line| &line.amount).sum::<Exact>() * rate, currency: *first }
        }
        _ => work.in_home(prices.map(|line| &line.home).sum::<Exact>() * rate),
    }
}

fn discounts(work: &mut Work<'_>) {
    let refs = work.refs(&["KR-CA-30(2)", "KR-VN-16(1)"], &["US-1401A(b)(4)(A)"]);
    let discounts = work.stated(
        &work.case.payments.discounts,
        "payments.discounts",
        "할인 유무",
        "discounts, or that there are none",
        &refs,
    );
    for (at, discount) in discounts.iter().enumerate() {
        one_discount(work, discount, at);
    }
}

fn one_discount(work: &mut Work<'_>, discount: &Discount, at: usize) {
    let (label, opinion) = match discount.kind {
        DiscountKind::Cash => (words("현금할인", "cash discount"), "WCO-AO-5.1"),
        DiscountKind::Quantity => (words("수량할인", "quantity discount"), "WCO-AO-15.1"),
        DiscountKind::Other => (words("할인", "discount"), "WTO-VA-1"),
    };
    let refs = work.refs(&["KR-CA-30(2)", opinion], &["US-1401A(b)(4)(A)", opinion]);
    let place = format!("payments.discounts[{at}]");
    let earned = work.fact(
        discount.earned,
        format!("{place}.earned"),
        "할인조건을 충족했는지(기한 내 지급, 수량 주문)",
        "whether the discount was earned: paid in time, quantity ordered",
        &refs,
    );
    let money = match (&discount.amount, discount.percent) {
        (Some(amount), _) => Some(work.money(amount)),
        (None, Some(percent)) => Some(percent_of_price(work, percent.0)),
        (None, None) => None,
    };
    let (Some(money), Some(earned)) = (money.clone(), earned) else {
        if money.is_none() {
            work.draft.miss(format!("{place}.amount"), "할인 금액 또는 비율", "amount or rate of the discount", &refs);
        }
        return;
    };
    let effect = if earned { Effect::Deduct } else { Effect::None };
    work.line("discount", label, effect, money, &refs);
}

fn indirect(work: &mut Work<'_>) {
    let refs = work.refs(&["KR-CA-30(2)", "KR-CD-20-2(1)"], &["US-1401A(b)(4)(A)"]);
    let payments = work.stated(
        &work.case.payments.indirect,
        "payments.indirect",
        "상계, 채무변제 등 간접지급액 유무",
        "indirect payments such as set-off and debts, or that there are none",
        &refs,
    );
    for (at, payment) in payments.iter().enumerate() {
        one_payment(work, payment, at);
    }
}

fn one_payment(work: &mut Work<'_>, payment: &Indirect, at: usize) {
    use IndirectKind as Kind;
    let (label, provision): (_, &'static str) = match payment.kind {
        Kind::SetOff => (words("판매자 채무와의 상계", "set-off against a debt of the seller"), "KR-CA-30(2)"),
        Kind::EarlierCredit => (words("이전 거래의 신용공제", "credit for an earlier delivery"), "WCO-AO-8.1"),
        Kind::SellersDebt => (words("판매자 채무의 변제", "payment of a debt of the seller"), "KR-CA-30(2)"),
        Kind::ThirdParty => (words("제3자 지급액", "payment to a third party"), "KR-CD-20-2(1)1"),
        Kind::Warranty => (words("하자보증비", "warranty"), "KR-CD-20-2(1)2"),
        Kind::Training => (words("외국훈련ㆍ교육비", "training abroad"), "KR-CD-20-2(1)3"),
        Kind::Research => (words("연구개발비", "research and development"), "KR-CD-20-2(1)3"),
        Kind::SellersFinance => (words("판매자 부담 금융비용", "finance a seller usually bears"), "KR-CD-20-2(1)4"),
        Kind::Charge => (words("판매자가 요구한 부대비용", "charge demanded by the seller"), "KR-VN-16(1)2"),
        Kind::Other => (words("그 밖의 간접지급액", "other indirect payment"), "KR-CD-20-2(1)"),
        Kind::BuyersActivity => (words("구매자 자신의 활동비", "the buyer's own activity"), "KR-CD-20-2(2)"),
        Kind::Unrelated => (words("물품과 관계없는 지급", "payment unrelated to the goods"), "WTO-VA-N1.4"),
        Kind::Maintenance => (words("수입 후 유지보수비", "maintenance after importation"), "KR-CA-30(2)1"),
    };
    let refs = work.refs(&["KR-CA-30(2)", provision], &["US-1401A(b)(4)(A)"]);
    let place = format!("payments.indirect[{at}]");
    let counts = match payment.kind {
        Kind::SetOff | Kind::EarlierCredit | Kind::SellersDebt | Kind::ThirdParty | Kind::Charge => Some(true),
        Kind::BuyersActivity | Kind::Unrelated | Kind::Maintenance => Some(false),
        Kind::Warranty | Kind::Training | Kind::Research | Kind::SellersFinance | Kind::Other => work.fact(
            payment.condition_of_sale,
            format!("{place}.condition_of_sale"),
            "거래조건으로 지급하는지",
            "whether it is paid as a condition of the sale",
            &refs,
        ),
    };
    let Some(amount) = &payment.amount else {
        if counts != Some(false) {
            work.draft.miss(format!("{place}.amount"), "지급 금액", "amount of the payment", &refs);
        }
        return;
    };
    if let Some(counts) = counts {
        let effect = if counts { Effect::Add } else { Effect::None };
        let money = work.money(amount);
        work.line("indirect_payment", label, effect, money, &refs);
    }
}

fn adjustments(work: &mut Work<'_>) {
    let refs = work.refs(&["KR-VN-16(2)"], &["US-1401A(b)(4)(B)"]);
    let adjustments = work.stated(
        &work.case.payments.adjustments,
        "payments.adjustments",
        "계약 후 가격 변경 유무",
        "changes of the price after the contract, or that there are none",
        &refs,
    );
    for (at, adjustment) in adjustments.iter().enumerate() {
        one_adjustment(work, adjustment, at);
    }
}

fn one_adjustment(work: &mut Work<'_>, adjustment: &Adjustment, at: usize) {
    let refs = work.refs(&["KR-VN-16(1)", "KR-VN-16(2)", "KR-CR-3(3)3"], &["US-1401A(b)(4)(B)"]);
    let place = format!("payments.adjustments[{at}]");
    let counts = match adjustment.direction {
        // What is paid more for the goods is part of the price whenever it is agreed.
        Direction::Increase => Some(true),
        Direction::Reduction => reduction_counts(work, adjustment, &place, &refs),
    };
    let Some(amount) = &adjustment.amount else {
        if counts != Some(false) {
            work.draft.miss(format!("{place}.amount"), "변경 금액", "amount of the change", &refs);
        }
        return;
    };
    let Some(counts) = counts else { return };
    let money = work.money(amount);
    let (label, effect) = match adjustment.direction {
        Direction::Increase => (words("가격의 추가 지급", "increase of the price"), Effect::Add),
        Direction::Reduction if counts => (words("가격 인하", "reduction of the price"), Effect::Deduct),
        Direction::Reduction => (words("도착 후 환불ㆍ감액", "refund or reduction after arrival"), Effect::None),
    };
    work.line("price_adjustment", label, effect, money, &refs);
}

/// Notice Article 16(2): before arrival, or by a review clause that meets all three conditions.
fn reduction_counts(work: &mut Work<'_>, adjustment: &Adjustment, place: &str, refs: &[&'static str]) -> Option<bool> {
    let day = |work: &mut Work<'_>, day: Option<Date>, key: String, ko, en| work.fact(day, key, ko, en, refs);
    let agreed = day(
        work,
        adjustment.agreed,
        format!("{place}.agreed"),
        "변경에 합의한 날",
        "day on which the change was agreed",
    );
    let arrived = day(work, work.case.arrived, "arrived".into(), "물품 도착일", "day of arrival of the goods");
    if agreed? < arrived? {
        return Some(true);
    }
    let Some(clause) = &adjustment.clause else { return Some(false) };
    let mut all = Some(true);
    for (fact, key, ko, en) in [
        (
            clause.formula_fixed_before_import,
            "formula_fixed_before_import",
            "가격산출공식이 수입 전에 확정되었는지",
            "whether the formula was fixed before importation",
        ),
        (
            clause.depends_on_later_facts,
            "depends_on_later_facts",
            "수입 후 사실에 따라 확정되는지",
            "whether the price depends on facts after importation",
        ),
        (
            clause.beyond_the_parties_control,
            "beyond_the_parties_control",
            "당사자가 통제할 수 없는 변수인지",
            "whether those facts are beyond the parties' control",
        ),
    ] {
        match work.fact(fact, format!("{place}.clause.{key}"), ko, en, &["KR-CR-3(3)3"]) {
            Some(true) => {}
            Some(false) => return Some(false),
            None => all = None,
        }
    }
    all
}

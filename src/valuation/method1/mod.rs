//! Method 1: the price paid or payable for goods sold for export to the country, with what the law adds and takes off
//! (Customs Act 30; WTO Agreement 1 and 8; 19 USC 1401a(b)).
//!
//! In: a valid case. Out: the value of each kind of goods, or why there is none: a reason in law, or facts that are
//! missing. A reason in law ends the method whatever else is unknown; missing facts end all, since no later method may
//! be used before this one is excluded.

mod additions;
mod assists;
mod conditions;
mod deductions;
mod price;
mod relation;
mod royalties;
mod transport;

use super::case::{Case, System, ValidCase};
use super::exact::Exact;
use super::exchange::Exchange;
use super::money::{Amount, Currency};
use super::taxes;
use super::worksheet::{Draft, Effect, Line, Words, in_force};

/// What became of the method.
pub enum Attempt {
    /// The value of each kind of goods, in the country's currency, not yet cut
    Valued(Vec<Exact>),
    DoesNotApply,
    Undecided,
}

/// An amount of any precision in its currency.
#[derive(Clone)]
struct Money {
    amount: Exact,
    currency: Currency,
}

/// How an amount about all goods is shared among them.
#[derive(Clone, Copy)]
enum Share {
    ByPrice,
    /// Rule Article 4-3(1)2: freight by weight, by price where weights are unknown
    ByWeight,
    /// Already told for each kind of goods
    Goods(usize),
}

struct Part {
    home: Exact,
    share: Share,
}

/// The method at work.
struct Work<'a> {
    case: &'a Case,
    exchange: &'a Exchange,
    draft: Draft,
    parts: Vec<Part>,
    /// Invoice price of each kind of goods, in the country's currency
    prices: Vec<Exact>,
    /// Duties and taxes are in the price and follow from its rates
    taxes_in_price: bool,
}

pub fn attempt(valid: &ValidCase) -> (Attempt, Draft) {
    let mut work = Work {
        case: &valid.case,
        exchange: &valid.exchange,
        draft: Draft::new(1),
        parts: Vec::new(),
        prices: Vec::new(),
        taxes_in_price: false,
    };
    conditions::sale(&mut work);
    if work.draft.against.is_empty() {
        price::price(&mut work);
        conditions::rest(&mut work);
        relation::relation(&mut work);
        deductions::deductions(&mut work);
        additions::additions(&mut work);
        transport::transport(&mut work);
    }
    let attempt = if !work.draft.against.is_empty() {
        Attempt::DoesNotApply
    } else if work.draft.missing.is_empty() {
        work.values()
    } else {
        Attempt::Undecided
    };
    (attempt, work.draft)
}

impl<'a> Work<'a> {
    fn is_us(&self) -> bool {
        self.case.system == System::Us
    }

    /// The references of the system at hand.
    fn refs(&self, kr: &[&'static str], us: &[&'static str]) -> Vec<&'static str> {
        if self.is_us() { us.to_vec() } else { kr.to_vec() }
    }

    fn money(&self, amount: &Amount) -> Money {
        Money { amount: Exact::from(amount.value), currency: self.exchange.currency(amount) }
    }

    fn home(&self, amount: &Amount) -> Exact {
        self.exchange.home_value(amount)
    }

    fn in_home(&self, home: Exact) -> Money {
        Money { amount: home, currency: self.exchange.home() }
    }

    /// Several amounts as one: in their currency if they share one, in the country's otherwise.
    fn together(&self, amounts: &[Option<Amount>]) -> Money {
        let given: Vec<&Amount> = amounts.iter().flatten().collect();
        let currencies: Vec<Currency> = given.iter().map(|amount| self.exchange.currency(amount)).collect();
        match currencies.first() {
            Some(first) if currencies.iter().all(|currency| currency == first) => {
                Money { amount: given.iter().map(|amount| Exact::from(amount.value)).sum(), currency: *first }
            }
            Some(_) => self.in_home(given.iter().map(|amount| self.home(amount)).sum()),
            None => Money { amount: Exact::zero(), currency: self.exchange.home() },
        }
    }

    fn line(&mut self, key: &'static str, label: Words, effect: Effect, money: Money, refs: &[&'static str]) {
        self.shared_line(key, label, effect, money, refs, Share::ByPrice);
    }

    fn shared_line(
        &mut self,
        key: &'static str,
        label: Words,
        effect: Effect,
        money: Money,
        refs: &[&'static str],
        share: Share,
    ) {
        let home = money.amount.clone() * self.exchange.factor(money.currency);
        match effect {
            Effect::Add => self.parts.push(Part { home: home.clone(), share }),
            Effect::Deduct => self.parts.push(Part { home: -home.clone(), share }),
            Effect::None | Effect::Tax => {}
        }
        let goods = match share {
            Share::Goods(at) if self.case.goods.len() > 1 => Some(at),
            _ => None,
        };
        let version = refs.iter().find_map(|provision| in_force(provision, self.case.declared));
        let Money { amount, currency } = money;
        self.draft.lines.push(Line { key, label, effect, amount, currency, home, goods, refs: refs.to_vec(), version });
    }

    /// A list of the case; that it was left away is missed unless the declarant has said that there is nothing else.
    fn stated<T>(
        &mut self,
        list: &'a Option<Vec<T>>,
        key: &str,
        ko: &'static str,
        en: &'static str,
        refs: &[&'static str],
    ) -> &'a [T] {
        match list {
            Some(list) => list,
            None => {
                if !self.case.nothing_else {
                    self.draft.miss(key, ko, en, refs);
                }
                &[]
            }
        }
    }

    /// A fact of the case; missed where it was left away.
    fn fact<T: Copy>(
        &mut self,
        fact: Option<T>,
        key: impl Into<String>,
        ko: &'static str,
        en: &'static str,
        refs: &[&'static str],
    ) -> Option<T> {
        if fact.is_none() {
            self.draft.miss(key, ko, en, refs);
        }
        fact
    }

    /// The sum of all parts so far, without sharing.
    fn sum(&self) -> Exact {
        self.parts.iter().map(|part| &part.home).sum()
    }

    /// The parts shared among the goods.
    fn values(&mut self) -> Attempt {
        let total_price: Exact = self.prices.iter().sum();
        let weights: Option<Vec<Exact>> =
            self.case.goods.iter().map(|goods| goods.weight.map(|weight| Exact::from(weight.0))).collect();
        let weights = weights.filter(|weights| weights.iter().all(|weight| !weight.is_zero()));
        let total_weight: Exact = weights.iter().flatten().sum();
        let mut values = vec![Exact::zero(); self.prices.len()];
        for part in &self.parts {
            for (at, value) in values.iter_mut().enumerate() {
                let share = match (part.share, &weights) {
                    (Share::Goods(goods), _) if goods == at => Exact::one(),
                    (Share::Goods(_), _) => Exact::zero(),
                    (Share::ByWeight, Some(weights)) => weights[at].clone() / total_weight.clone(),
                    (Share::ByPrice | Share::ByWeight, _) => self.prices[at].clone() / total_price.clone(),
                };
                *value = value.clone() + part.home.clone() * share;
            }
        }
        if self.taxes_in_price {
            for (value, goods) in values.iter_mut().zip(&self.case.goods) {
                let Some(factor) = taxes::ad_valorem_factor(goods, self.case.system, true) else {
                    self.draft.miss(
                        "deductions",
                        "가격에 포함된 관세 등 세금의 금액(종량세ㆍ기준가격이 있어 역산 불가)",
                        "amount of the duties and taxes in the price (not to be computed back: specific rates or a base price)",
                        &["KR-CA-30(2)3"],
                    );
                    return Attempt::Undecided;
                };
                let net = value.clone() / (Exact::one() + factor);
                let taxes = value.clone() - net.clone();
                *value = net;
                let currency = self.exchange.home();
                self.draft.lines.push(Line {
                    key: "duties_and_taxes",
                    label: super::worksheet::words(
                        "가격에 포함된 관세 등 세금(역산)",
                        "duties and taxes in the price, computed back",
                    ),
                    effect: Effect::Deduct,
                    amount: taxes.clone(),
                    currency,
                    home: taxes,
                    goods: None,
                    refs: self.refs(&["KR-CA-30(2)3"], &["US-1401A(b)(3)(B)"]),
                    version: None,
                });
            }
        }
        if values.iter().any(Exact::is_negative) {
            self.draft.reject(
                "공제액이 가격보다 커서 실제지급가격을 확인할 수 없음",
                "more is taken off than the price is, so that the price paid cannot be established",
                &["KR-VN-14:3"],
            );
            return Attempt::DoesNotApply;
        }
        Attempt::Valued(values)
    }
}

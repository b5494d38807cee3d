//! What methods 2 to 6 have in common: they value one kind of goods by what is known of it.

use super::case::{Case, Goods, ValidCase};
use super::exact::Exact;
use super::exchange::Exchange;
use super::money::{Amount, Currency};
use super::worksheet::{Draft, Effect, Line, Words, in_force};

/// What became of a method for one kind of goods.
pub enum Found {
    /// The value of the whole line, in the country's currency
    Value(Exact),
    DoesNotApply,
    Undecided,
}

/// One kind of goods under one method.
pub struct GoodsWork<'a> {
    pub case: &'a Case,
    pub exchange: &'a Exchange,
    pub at: usize,
    pub draft: Draft,
}

impl<'a> GoodsWork<'a> {
    pub fn new(valid: &'a ValidCase, at: usize, method: u8) -> Self {
        Self { case: &valid.case, exchange: &valid.exchange, at, draft: Draft::new(method) }
    }

    pub fn goods(&self) -> &'a Goods {
        &self.case.goods[self.at]
    }

    /// Place of a key of the goods.
    pub fn key(&self, key: &str) -> String {
        format!("goods[{}].{key}", self.at)
    }

    pub fn home(&self, amount: &Amount) -> Exact {
        self.exchange.home_value(amount)
    }

    pub fn fact<T: Copy>(
        &mut self,
        fact: Option<T>,
        key: &str,
        ko: &'static str,
        en: &'static str,
        refs: &[&'static str],
    ) -> Option<T> {
        if fact.is_none() {
            let key = self.key(key);
            self.draft.miss(key, ko, en, refs);
        }
        fact
    }

    /// What is known of the goods for this method; where it was left away the method does not apply if the declarant
    /// has said that there is nothing else, and stays open if not.
    pub fn known<T>(
        &mut self,
        given: Option<&'a T>,
        key: &str,
        ko: &'static str,
        en: &'static str,
        refs: &[&'static str],
    ) -> Option<&'a T> {
        if given.is_none() {
            if self.case.nothing_else {
                self.draft.reject(format!("자료 없음: {ko}"), format!("nothing is known: {en}"), refs);
            } else {
                let key = self.key(key);
                self.draft.miss(key, ko, en, refs);
            }
        }
        given
    }

    pub fn quantity(&mut self) -> Option<Exact> {
        let quantity = self.goods().quantity;
        self.fact(quantity, "quantity", "수량", "quantity", &["KR-CA-16"]).map(|quantity| Exact::from(quantity.0))
    }

    pub fn line(&mut self, key: &'static str, label: Words, effect: Effect, amount: &Amount, refs: &[&'static str]) {
        let home = self.home(amount);
        self.told(key, label, effect, (Exact::from(amount.value), self.exchange.currency(amount)), home, refs);
    }

    pub fn home_line(&mut self, key: &'static str, label: Words, effect: Effect, home: Exact, refs: &[&'static str]) {
        self.told(key, label, effect, (home.clone(), self.exchange.home()), home, refs);
    }

    fn told(
        &mut self,
        key: &'static str,
        label: Words,
        effect: Effect,
        (amount, currency): (Exact, Currency),
        home: Exact,
        refs: &[&'static str],
    ) {
        let goods = (self.case.goods.len() > 1).then_some(self.at);
        let version = refs.iter().find_map(|provision| in_force(provision, self.case.declared));
        self.draft.lines.push(Line { key, label, effect, amount, currency, home, goods, refs: refs.to_vec(), version });
    }

    /// The end of a method that has no value: by a reason, or open.
    pub fn without_value(&self) -> Found {
        if self.draft.against.is_empty() { Found::Undecided } else { Found::DoesNotApply }
    }
}

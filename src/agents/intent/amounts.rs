//! A transaction told in words: "value 100 compressors, FOB USD 50,000, freight USD 2,000, insurance 300 dollars, duty 8%".
//!
//! In: a request. Out: what it states, clause by clause; nothing is filled in that is not said. What a statement means in
//! law is the calculator's business.

use std::sync::LazyLock;

use regex::Regex;
use rust_decimal::Decimal;

/// What a clause states an amount of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    Price,
    Freight,
    Insurance,
    SellingCommission,
    BuyingCommission,
    Royalty,
    Packing,
    Assist,
    Proceeds,
    Discount,
    InlandFreight,
}

/// An amount with its currency.
#[derive(Clone, Debug, PartialEq)]
pub struct Money {
    pub amount: Decimal,
    /// Absent where none is said.
    pub currency: Option<String>,
}

/// A transaction as stated.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stated {
    pub incoterm: Option<String>,
    pub items: Vec<(Item, Money)>,
    /// Won for one unit of the price's currency.
    pub exchange: Option<Decimal>,
    /// Percent.
    pub duty: Option<Decimal>,
}

static CLAUSE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"[;\n?!·]|,(?:\s|$)|\.(?:\s|$)| and | plus |그리고|, ?및").expect("a valid pattern"));
static MONEY: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?i)(?P<before>USD|EUR|JPY|CNY|GBP|KRW|US\$|\$|€|¥|£|₩)?\s?(?P<number>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)",
        r"\s?(?P<scale>만|억|천|thousand|million|k\b)?\s?(?P<after>USD|EUR|JPY|CNY|GBP|KRW|dollars?|euros?|yen|yuan|won|pounds?|달러|유로|엔|위안|파운드|원|%|퍼센트|percent)?"
    ))
    .expect("a valid pattern")
});
static INCOTERM: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\b(EXW|FCA|FAS|FOB|CFR|CPT|CIF|CIP|DAP|DPU|DDP)\b").expect("a valid pattern"));
/// What marks a clause; the first that fits. More particular ones stand first.
static ITEMS: LazyLock<Vec<(Item, Regex)>> = LazyLock::new(|| {
    let marked = |item, words: &str| (item, Regex::new(&format!("(?i){words}")).expect("a valid pattern"));
    vec![
        marked(
            Item::InlandFreight,
            r"inland (?:freight|transport)|domestic transport|국내 ?운송|내륙 ?운송|국내 ?운임",
        ),
        marked(Item::BuyingCommission, r"buying commission|구매 ?수수료"),
        marked(
            Item::SellingCommission,
            r"selling commission|sales commission|brokerage|commission|판매 ?수수료|중개료|수수료",
        ),
        marked(Item::Royalty, r"royalt|licen[cs]e fee|로열티|권리 ?사용료|기술료"),
        marked(Item::Packing, r"packing|packag|포장"),
        marked(Item::Assist, r"\bassists?\b|\bmoulds?\b|\bmolds?\b|\bdies\b|\btool(?:s|ing)\b|생산 ?지원|금형|공구"),
        marked(Item::Proceeds, r"proceeds|사후 ?귀속|수익"),
        marked(Item::Discount, r"discount|할인"),
        marked(Item::Freight, r"freight|shipping|transport|운임|운송"),
        marked(Item::Insurance, r"insur|보험"),
    ]
});
static EXCHANGE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?i)exchange rate|rate of exchange|\bat a rate of\b|환율").expect("a valid pattern"));
static DUTY: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?i)dut(?:y|ies)|tariff|관세율|관세|세율").expect("a valid pattern"));
static PRICE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(?:EXW|FCA|FAS|FOB|CFR|CPT|CIF|CIP|DAP|DPU|DDP)\b|price|invoice|paid|value|worth|가격|송품장|대금|물품|금액|지급").expect("a valid pattern")
});

/// What `request` states of a transaction; `None` where it states no price.
pub fn stated(request: &str) -> Option<Stated> {
    let mut stated =
        Stated { incoterm: INCOTERM.find(request).map(|found| found.as_str().to_owned()), ..Stated::default() };
    for clause in CLAUSE.split(request) {
        read(clause, &mut stated);
    }
    stated.items.iter().any(|(item, _)| *item == Item::Price).then_some(stated)
}

fn read(clause: &str, stated: &mut Stated) {
    let mut amounts: Vec<(Money, bool)> = Vec::new();
    for found in MONEY.captures_iter(clause) {
        let Some((money, is_percent)) = money(&found) else { continue };
        amounts.push((money, is_percent));
    }
    let percent = amounts.iter().find(|(_, is_percent)| *is_percent).map(|(money, _)| money.amount);
    // A count of goods and a year are no amounts: one with a currency is meant where there is one.
    let plain = || amounts.iter().filter(|(_, is_percent)| !is_percent).map(|(money, _)| money);
    let money = plain().find(|money| money.currency.is_some()).or_else(|| plain().next_back());
    if EXCHANGE.is_match(clause) {
        // "1 USD = 1,350 won": the won are the rate.
        let won = plain().rfind(|money| money.amount > Decimal::ONE);
        stated.exchange = stated.exchange.or(won.map(|money| money.amount));
        return;
    }
    if let (Some(percent), true) = (percent, DUTY.is_match(clause)) {
        stated.duty = stated.duty.or(Some(percent));
        return;
    }
    let Some(money) = money.cloned() else { return };
    let marked = ITEMS.iter().find(|(_, words)| words.is_match(clause)).map(|(item, _)| *item);
    match marked {
        Some(item) if money.currency.is_some() || stated.has_price() => stated.items.push((item, money)),
        None if !stated.has_price() && money.currency.is_some() => stated.items.push((Item::Price, money)),
        None if !stated.has_price() && PRICE.is_match(clause) => stated.items.push((Item::Price, money)),
        _ => {}
    }
}

impl Stated {
    fn has_price(&self) -> bool {
        self.items.iter().any(|(item, _)| *item == Item::Price)
    }
}

fn money(found: &regex::Captures<'_>) -> Option<(Money, bool)> {
    let mut amount: Decimal = found.name("number")?.as_str().replace(',', "").parse().ok()?;
    let scale = found.name("scale").map_or(1, |scale| match scale.as_str().to_lowercase().as_str() {
        "만" => 10_000,
        "억" => 100_000_000,
        "million" => 1_000_000,
        _ => 1_000,
    });
    amount = amount.checked_mul(Decimal::from(scale))?;
    let sign = found.name("before").or(found.name("after")).map(|sign| sign.as_str().to_lowercase());
    let is_percent = matches!(sign.as_deref(), Some("%" | "퍼센트" | "percent"));
    let currency = sign.as_deref().and_then(|sign| {
        Some(match sign {
            "usd" | "us$" | "$" | "dollar" | "dollars" | "달러" => "USD",
            "eur" | "€" | "euro" | "euros" | "유로" => "EUR",
            "jpy" | "¥" | "yen" | "엔" => "JPY",
            "cny" | "yuan" | "위안" => "CNY",
            "gbp" | "£" | "pound" | "pounds" | "파운드" => "GBP",
            "krw" | "₩" | "won" | "원" => "KRW",
            _ => return None,
        })
    });
    Some((Money { amount, currency: currency.map(ToOwned::to_owned) }, is_percent))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(request: &str) -> Stated {
        stated(request).unwrap_or_else(|| panic!("no transaction in {request}"))
    }

    fn of(stated: &Stated, item: Item) -> Option<(String, Option<&str>)> {
        let found = stated.items.iter().find(|(found, _)| *found == item)?;
        Some((found.1.amount.to_string(), found.1.currency.as_deref()))
    }

    #[test]
    fn an_invoice_in_english_is_read_clause_by_clause() {
        let stated = read(
            "What duty is due on 100 compressors, FOB Shanghai USD 50,000, freight USD 2,000, insurance 300 dollars, \
             selling commission of USD 1,500, exchange rate 1,350.5, duty 8%?",
        );
        assert_eq!(stated.incoterm.as_deref(), Some("FOB"));
        assert_eq!(of(&stated, Item::Price), Some(("50000".into(), Some("USD"))));
        assert_eq!(of(&stated, Item::Freight), Some(("2000".into(), Some("USD"))));
        assert_eq!(of(&stated, Item::Insurance), Some(("300".into(), Some("USD"))));
        assert_eq!(of(&stated, Item::SellingCommission), Some(("1500".into(), Some("USD"))));
        assert_eq!(stated.exchange.map(|rate| rate.to_string()).as_deref(), Some("1350.5"));
        assert_eq!(stated.duty.map(|rate| rate.to_string()).as_deref(), Some("8"));
    }

    #[test]
    fn an_invoice_in_korean_is_read_clause_by_clause() {
        let stated = read("FOB 50,000달러, 운임 2,000달러, 보험료 300달러, 환율 1,350원, 관세율 8%일 때 과세가격은?");
        assert_eq!(of(&stated, Item::Price), Some(("50000".into(), Some("USD"))));
        assert_eq!(of(&stated, Item::Freight), Some(("2000".into(), Some("USD"))));
        assert_eq!(stated.exchange.map(|rate| rate.to_string()).as_deref(), Some("1350"));
        assert_eq!(stated.duty.map(|rate| rate.to_string()).as_deref(), Some("8"));
    }

    #[test]
    fn a_question_without_amounts_states_no_transaction() {
        assert_eq!(stated("Is a buying commission part of the customs value?"), None);
        assert_eq!(stated("관세법 제30조 제1항의 가산요소는?"), None);
    }
}

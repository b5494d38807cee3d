//! The customs valuation calculator: what imported goods are worth by law, and the duty and taxes on that.
//!
//! In: a [`Case`] (JSON or TOML), checked into a [`ValidCase`]. Out: a [`Worksheet`] with the method that applies and why
//! no earlier one does, every amount with its law, the facts that are missing, and the totals. All arithmetic is exact;
//! amounts are cut only where the law cuts them (see [`taxes`]). The language model has no part in this and no
//! number comes from it. Knows nothing of files, of the web, or of where the facts come from, and judges no facts: it
//! takes them as they are told.

mod case;
mod comparables;
mod computed;
mod deductive;
mod error;
mod exact;
mod exchange;
mod fallback;
mod goods_value;
mod method1;
mod money;
mod taxes;
mod worksheet;

#[cfg(test)]
mod tests;

pub use case::{Case, System, ValidCase};
pub use error::Error;
pub use exact::Exact;
pub use exchange::week_of;
pub use money::{Amount, Currency, Number};
pub use worksheet::{
    Effect, Line, Missing, Outcome, RateUsed, Reason, Status, Step, Taxes, Totals, Valued, Version, Words, Worksheet,
};

use case::ProvisionalGround;
use goods_value::{Found, GoodsWork};
use method1::Attempt;
use rust_decimal::Decimal;
use worksheet::{Draft, Refs, reason, words};

/// US dollars up to which no price declaration is needed (Rule Article 2(1)8).
const NO_DECLARATION_USD: i64 = 10_000;
/// Won below which duty is not collected (Decree Article 37(1)).
const NOT_COLLECTED: i64 = 10_000;

/// The worksheet of a case.
pub fn value(valid: &ValidCase) -> Worksheet {
    let mut sheet = empty(valid);
    let (attempt, draft) = method1::attempt(valid);
    let values = match attempt {
        Attempt::Valued(values) => {
            keep(&mut sheet, draft, None, Outcome::Applies);
            values.into_iter().map(|value| Some((1, value))).collect()
        }
        Attempt::Undecided => {
            keep(&mut sheet, draft, None, Outcome::Undecided);
            vec![None; valid.case.goods.len()]
        }
        Attempt::DoesNotApply => {
            keep(&mut sheet, draft, None, Outcome::DoesNotApply);
            if valid.case.system == System::Kr {
                sheet.notes.push(reason(
                    "세관장은 제1방법을 배제하는 근거를 미리 서면으로 통보하고 의견을 들어야 함(법 제30조제3항의 경우)",
                    "customs must first give its grounds in writing and hear the payer (in the cases of Act Article 30(3))",
                    &["KR-CA-30(3)"],
                ));
            }
            (0..valid.case.goods.len()).map(|at| later_methods(valid, at, &mut sheet)).collect()
        }
    };
    settle(valid, &values, &mut sheet);
    sheet
}

fn empty(valid: &ValidCase) -> Worksheet {
    let rates = valid.exchange.rates().map(|(currency, used)| RateUsed {
        currency: *currency,
        rate: used.rate.clone(),
        per: used.per.clone(),
        from: used.week.map(|(from, _)| from),
        to: used.week.map(|(_, to)| to),
        mean: used.is_mean,
        refs: match valid.case.system {
            System::Kr => vec!["KR-CA-18", "KR-CR-1-2(1)", "KR-VN-3(2)"],
            System::Us => Refs::new(),
        },
    });
    Worksheet {
        system: valid.case.system,
        declared: valid.case.declared,
        currency: valid.exchange.home(),
        status: Status::Incomplete,
        method: None,
        provisional: valid.case.provisional.is_some(),
        steps: Vec::new(),
        lines: Vec::new(),
        missing: Vec::new(),
        goods: Vec::new(),
        rates: rates.collect(),
        notes: Vec::new(),
        totals: Totals::default(),
    }
}

fn label(method: u8) -> Words {
    match method {
        1 => words("해당 물품의 거래가격", "transaction value"),
        2 => words("동종ㆍ동질물품의 거래가격", "transaction value of identical goods"),
        3 => words("유사물품의 거래가격", "transaction value of similar goods"),
        4 => words("국내판매가격", "deductive value"),
        5 => words("산정가격", "computed value"),
        _ => words("합리적 기준", "fallback"),
    }
}

/// The law of a method.
fn law(method: u8, system: System) -> Refs {
    let (kr, us) = match method {
        1 => ("KR-CA-30", "US-1401A(b)"),
        2 => ("KR-CA-31", "US-1401A(c)"),
        3 => ("KR-CA-32", "US-1401A(c)"),
        4 => ("KR-CA-33", "US-1401A(d)"),
        5 => ("KR-CA-34", "US-1401A(e)"),
        _ => ("KR-CA-35", "US-1401A(f)"),
    };
    match system {
        System::Kr => vec![kr, "KR-VN-13"],
        System::Us => vec![us, "US-1401A(a)(1)"],
    }
}

/// Takes what a method has found into the worksheet: its lines unless it does not apply, its gaps if they decide.
fn keep(sheet: &mut Worksheet, draft: Draft, goods: Option<usize>, outcome: Outcome) {
    let reasons = match outcome {
        Outcome::DoesNotApply => draft.against,
        Outcome::Applies => vec![Reason { words: label(draft.method), refs: law(draft.method, sheet.system) }],
        Outcome::Undecided => {
            draft.missing.iter().map(|m| Reason { words: m.words.clone(), refs: m.refs.clone() }).collect()
        }
    };
    sheet.steps.push(Step { method: draft.method, label: label(draft.method), goods, outcome, reasons });
    if outcome != Outcome::DoesNotApply {
        sheet.lines.extend(draft.lines);
        sheet.missing.extend(draft.missing);
        sheet.notes.extend(draft.notes);
    }
}

/// Methods 2 to 6 in their order; 4 and 5 change places if the importer asks for it (Act Article 33(1), proviso).
fn later_methods(valid: &ValidCase, at: usize, sheet: &mut Worksheet) -> Option<(u8, Exact)> {
    let order: [u8; 5] = if valid.case.computed_first { [2, 3, 5, 4, 6] } else { [2, 3, 4, 5, 6] };
    for method in order {
        let mut work = GoodsWork::new(valid, at, method);
        let found = match method {
            2 => comparables::find(&mut work, comparables::Kind::Identical),
            3 => comparables::find(&mut work, comparables::Kind::Similar),
            4 => deductive::find(&mut work, deductive::Reading::Strict),
            5 => computed::find(&mut work),
            _ => fallback::find(&mut work),
        };
        match found {
            Found::Value(value) => {
                keep(sheet, work.draft, Some(at), Outcome::Applies);
                return Some((method, value));
            }
            Found::DoesNotApply => keep(sheet, work.draft, Some(at), Outcome::DoesNotApply),
            Found::Undecided => {
                keep(sheet, work.draft, Some(at), Outcome::Undecided);
                return None;
            }
        }
    }
    None
}

/// Taxes and totals.
fn settle(valid: &ValidCase, values: &[Option<(u8, Exact)>], sheet: &mut Worksheet) {
    let methods: Vec<Option<u8>> = values.iter().map(|value| value.as_ref().map(|(method, _)| *method)).collect();
    sheet.method = methods.first().copied().flatten().filter(|first| methods.iter().all(|m| *m == Some(*first)));
    for (at, value) in values.iter().enumerate() {
        let Some((method, value)) = value else { continue };
        let mut draft = Draft::new(*method);
        let goods = &valid.case.goods[at];
        if let Some(taxes) = taxes::taxes(&valid.case, &valid.exchange, at, value.clone(), &mut draft) {
            sheet.lines.extend(taxes::lines(&valid.case, at, &taxes, sheet.currency));
            let (description, hs) = (goods.description.clone(), goods.hs.clone());
            sheet.goods.push(Valued { description, hs, method: *method, taxes });
        }
        sheet.missing.extend(draft.missing);
    }
    if sheet.goods.len() < values.len() {
        let known = sheet.lines.iter().map(|line| match line.effect {
            Effect::Add => line.home.clone(),
            Effect::Deduct => -line.home.clone(),
            Effect::None | Effect::Tax => Exact::zero(),
        });
        sheet.totals.so_far = Some(known.sum());
        return;
    }
    let sum = |of: fn(&Taxes) -> &Exact| Some(sheet.goods.iter().map(|goods| of(&goods.taxes)).sum::<Exact>());
    let totals = Totals {
        customs_value: sum(|t| &t.customs_value),
        duty: sum(|t| &t.duty),
        excise: sum(|t| &t.excise),
        liquor: sum(|t| &t.liquor),
        transport_energy: sum(|t| &t.transport_energy),
        education: sum(|t| &t.education),
        rural: sum(|t| &t.rural),
        vat: sum(|t| &t.vat),
        taxes: None,
        so_far: None,
    };
    let all = [
        &totals.duty,
        &totals.excise,
        &totals.liquor,
        &totals.transport_energy,
        &totals.education,
        &totals.rural,
        &totals.vat,
    ];
    let taxes: Exact = all.into_iter().flatten().sum();
    sheet.totals = Totals { taxes: Some(taxes), ..totals };
    sheet.status = Status::Complete;
    notes(valid, sheet);
}

/// What the law says beside the numbers.
fn notes(valid: &ValidCase, sheet: &mut Worksheet) {
    if let Some(provisional) = &valid.case.provisional {
        let provision = match provisional.ground {
            ProvisionalGround::PrimaryProducts => "KR-CD-16(1)1",
            ProvisionalGround::LaterAdditions => "KR-CD-16(1)2",
            ProvisionalGround::RulingPending => "KR-CD-16(1)2-2",
            ProvisionalGround::TransferPricing => "KR-CD-16(1)2-3",
            ProvisionalGround::Unavoidable => "KR-CD-16(1)3",
        };
        sheet.notes.push(reason(
            "잠정가격: 세관장이 정한 2년 이내의 기간에 확정가격을 신고하고 차액을 정산함",
            "provisional price: the final one is declared within the period set by customs, at most 2 years, and the \
             difference is settled",
            &["KR-CA-28(2)", provision, "KR-CD-16(3)"],
        ));
    }
    if valid.case.system == System::Us {
        return;
    }
    if sheet.totals.taxes.as_ref().is_some_and(|taxes| !taxes.is_zero() && *taxes < Exact::from(NOT_COLLECTED)) {
        sheet.notes.push(reason(
            "세액이 1만원 미만이어서 징수하지 아니함",
            "the taxes are below KRW 10,000 and are not collected",
            &["KR-CA-40", "KR-CD-37(1)"],
        ));
    }
    sheet.notes.push(reason(
        "과세표준은 1원 미만, 세액은 10원 미만의 끝수를 버림",
        "of the tax base what is below 1 won is dropped, of each tax what is below 10 won",
        &["KR-SFA-47(1)", "KR-SFA-47(2)"],
    ));
    let small = valid.exchange.has(Currency::USD)
        && sheet.totals.customs_value.as_ref().is_some_and(|value| {
            *value <= Exact::from(Decimal::from(NO_DECLARATION_USD)) * valid.exchange.factor(Currency::USD)
        });
    let plain = ["price", "freight", "insurance", "related_cost", "after_arrival"];
    let no_additions =
        sheet.lines.iter().all(|line| matches!(line.effect, Effect::None | Effect::Tax) || plain.contains(&line.key));
    let no_excise = valid
        .case
        .goods
        .iter()
        .all(|goods| goods.excise.is_none() && goods.liquor.is_none() && goods.transport_energy.is_none());
    if small && no_additions && no_excise && sheet.method == Some(1) && valid.case.provisional.is_none() {
        sheet.notes.push(reason(
            "과세가격이 미화 1만불 이하여서 분할 수입이 아니면 가격신고를 생략할 수 있음",
            "the value is at most USD 10,000: no price declaration is needed unless the goods come in split lots",
            &["KR-CA-27(3)", "KR-CR-2(1)8", "KR-CR-2(2)"],
        ));
    }
}

//! Duty and the internal taxes on the import, in the law's order: duty; individual consumption, liquor and transport tax;
//! education tax; rural tax; value-added tax on all of them (VAT Act 29(2)).
//!
//! Rounding: the State Funds Act 47 drops what is below 1 won of a tax base and below 10 won of what is collected. Its
//! text is not among the customs laws, which say nothing of it; for the United States the statute at hand says nothing
//! either, and cents are rounded. Rates are those of the Acts in force in 2026; a rate that a Decree has moved is given
//! in the case and held to the Act's limit of 30 percent either way.

use jiff::civil::{Date, date};
use rust_decimal::Decimal;

use super::case::{Case, Excise, ExciseClass, Goods, Liquor, LiquorClass, RuralBase, System};
use super::error::Error;
use super::exact::Exact;
use super::exchange::Exchange;
use super::money::{Currency, Number};
use super::worksheet::{Draft, Effect, Line, Taxes, Words, words};

const VAT_PERCENT: i64 = 10;
/// How far a Decree may move a rate (ICT Act 1(7), Liquor Tax Act 8(2)), in percent of it.
const DECREE_PERCENT: i64 = 30;
/// The reduced rate of keg beer ends (Liquor Tax Act 8(1)2(c)).
const KEG_BEER_UNTIL: Date = date(2026, 12, 31);

/// How an excise is measured.
#[derive(Clone, Copy)]
enum Measure {
    /// Percent of value and duty
    Percent(i64),
    /// Percent of what is above so many won an article
    Above { percent: i64, base_price: i64 },
    /// Won for a litre or kilogram
    Unit(i64),
}

impl ExciseClass {
    /// ICT Act 1(2) and its Decree 4.
    fn measure(self) -> Measure {
        match self {
            Self::GamblingMachines | Self::HuntingGuns => Measure::Percent(20),
            Self::Jewellery | Self::PreciousMetal | Self::Furs | Self::FurniturePieces => {
                Measure::Above { percent: 20, base_price: 5_000_000 }
            }
            Self::Watches | Self::Carpets | Self::Bags => Measure::Above { percent: 20, base_price: 2_000_000 },
            Self::FurnitureSets => Measure::Above { percent: 20, base_price: 8_000_000 },
            Self::Cars | Self::ElectricCars => Measure::Percent(5),
            Self::Petrol => Measure::Unit(475),
            Self::Diesel => Measure::Unit(340),
            Self::Kerosene | Self::ByproductOil => Measure::Unit(90),
            Self::HeavyOil => Measure::Unit(17),
            Self::Propane => Measure::Unit(20),
            Self::Butane => Measure::Unit(252),
            Self::NaturalGasForPower => Measure::Unit(12),
            Self::NaturalGas => Measure::Unit(60),
            Self::BituminousCoal => Measure::Unit(46),
        }
    }

    fn act_rate(self) -> i64 {
        match self.measure() {
            Measure::Percent(rate) | Measure::Above { percent: rate, .. } | Measure::Unit(rate) => rate,
        }
    }

    /// Education Tax Act 3:2 and 5(1)2.
    fn education_percent(self) -> i64 {
        match self {
            Self::Petrol
            | Self::Diesel
            | Self::Propane
            | Self::NaturalGasForPower
            | Self::NaturalGas
            | Self::BituminousCoal => 0,
            Self::Kerosene | Self::HeavyOil | Self::Butane | Self::ByproductOil => 15,
            _ => 30,
        }
    }
}

/// Won a kilolitre, or percent of value and duty (Liquor Tax Act 8(1)).
#[derive(Clone, Copy)]
enum LiquorRate {
    Kilolitre(i64),
    Percent(i64),
}

impl LiquorClass {
    fn rate(self, day: Date) -> LiquorRate {
        const BEER: i64 = 885_700;
        match self {
            Self::SpiritAlcohol => LiquorRate::Kilolitre(57_000),
            Self::Takju => LiquorRate::Kilolitre(44_400),
            // Four fifths of the rate, below 100 won dropped.
            Self::KegBeer if day <= KEG_BEER_UNTIL => LiquorRate::Kilolitre(BEER * 80 / 100 / 100 * 100),
            Self::Beer | Self::KegBeer => LiquorRate::Kilolitre(BEER),
            Self::Yakju | Self::Wine | Self::OtherFermented => LiquorRate::Percent(30),
            Self::Distilled | Self::Other => LiquorRate::Percent(72),
            Self::Extract => LiquorRate::Percent(10),
        }
    }

    /// Education Tax Act 3:4 and 5(1)4.
    fn education_percent(self) -> i64 {
        match self {
            Self::SpiritAlcohol | Self::Takju | Self::Yakju => 0,
            Self::Beer | Self::KegBeer | Self::Distilled | Self::Other => 30,
            Self::Wine | Self::OtherFermented | Self::Extract => 10,
        }
    }
}

/// A rate that a Decree may have moved, within its limit of the Act's.
fn check_rate(place: String, given: Option<Number>, act: i64, unit: &'static str) -> Result<(), Error> {
    let Some(Number(given)) = given else { return Ok(()) };
    let limit = |percent: i64| Decimal::from(act) * Decimal::from(percent) / Decimal::ONE_HUNDRED;
    let (least, most) = (limit(100 - DECREE_PERCENT), limit(100 + DECREE_PERCENT));
    if given > most {
        let (given, limit) = (given.to_string(), most.normalize().to_string());
        return Err(Error::AboveLimit { place, given, limit, unit });
    }
    if given < least {
        let (given, limit) = (given.to_string(), least.normalize().to_string());
        return Err(Error::BelowLimit { place, given, limit, unit });
    }
    Ok(())
}

pub fn check_excise(excise: &Excise, place: &str) -> Result<(), Error> {
    let unit = match excise.class.measure() {
        Measure::Unit(_) => "won",
        Measure::Percent(_) | Measure::Above { .. } => "percent",
    };
    check_rate(format!("{place}.rate"), excise.rate, excise.class.act_rate(), unit)
}

pub fn check_liquor(liquor: &Liquor, place: &str) -> Result<(), Error> {
    if liquor.degrees.is_some_and(|degrees| degrees.0 > Decimal::ONE_HUNDRED) {
        let given = liquor.degrees.map(|degrees| degrees.0.to_string()).unwrap_or_default();
        let limit = "100".into();
        return Err(Error::AboveLimit { place: format!("{place}.degrees"), given, limit, unit: "degrees" });
    }
    match (liquor.rate, liquor.class.rate(KEG_BEER_UNTIL)) {
        (Some(_), LiquorRate::Kilolitre(act)) if liquor.class != LiquorClass::SpiritAlcohol => {
            check_rate(format!("{place}.rate"), liquor.rate, act, "won a kilolitre")
        }
        // Liquor Tax Act 8(2) lets a Decree move the rates of takju and beer only.
        (Some(_), _) => Err(Error::FixedRate { place: format!("{place}.rate") }),
        (None, _) => Ok(()),
    }
}

/// The taxes on one kind of goods of the value `customs_value`; facts that are missing are noted in `draft`.
pub fn taxes(case: &Case, exchange: &Exchange, at: usize, customs_value: Exact, draft: &mut Draft) -> Option<Taxes> {
    let goods = &case.goods[at];
    let collect = |tax: Exact| match case.system {
        System::Kr => tax.floor_to(10),
        System::Us => tax.round(2),
    };
    let customs_value = match case.system {
        System::Kr => customs_value.floor_to(1),
        System::Us => customs_value.round(2),
    };
    let duty = duty(goods, exchange, at, &customs_value, draft)?;
    // Each duty is a tax of its own and is cut by itself.
    let additional = goods.additional_duty_percent.map_or_else(Exact::zero, |p| Exact::percent(p.0));
    let duty = collect(duty) + collect(additional * customs_value.clone());
    if case.system == System::Us {
        return Some(Taxes { customs_value, duty, ..Taxes::default() });
    }
    let base = customs_value.clone() + duty.clone();
    let excise = match &goods.excise {
        Some(excise) => collect(excise_tax(goods, excise, at, &base, draft)?),
        None => Exact::zero(),
    };
    let liquor = match &goods.liquor {
        Some(liquor) => collect(liquor_tax(liquor, at, &base, case.declared, draft)?),
        None => Exact::zero(),
    };
    let transport_energy = goods
        .transport_energy
        .as_ref()
        .map_or_else(Exact::zero, |tax| collect(Exact::from(tax.litres.0) * Exact::from(tax.won_per_litre.0)));
    let share = |percent: i64, tax: &Exact| Exact::from(percent) * tax.clone() / Exact::from(100);
    let education = collect(share(goods.excise.as_ref().map_or(0, |e| e.class.education_percent()), &excise))
        + collect(share(goods.liquor.as_ref().map_or(0, |l| l.class.education_percent()), &liquor))
        + collect(share(15, &transport_energy));
    let rural = match &goods.rural {
        Some(rural) => {
            let base = match (rural.base, &rural.reduced) {
                (RuralBase::Excise, _) => excise.clone(),
                (RuralBase::ReducedDuty, Some(reduced)) => exchange.home_value(reduced),
                (RuralBase::ReducedDuty, None) => {
                    let key = format!("goods[{at}].rural.reduced");
                    draft.miss(key, "감면된 세액", "the tax that was reduced", &["KR-RST-5(1)"]);
                    return None;
                }
            };
            collect(Exact::percent(rural.percent.0) * base)
        }
        None => Exact::zero(),
    };
    let vat = if goods.vat_exempt {
        Exact::zero()
    } else {
        let all = [&base, &excise, &liquor, &transport_energy, &education, &rural];
        collect(share(VAT_PERCENT, &all.into_iter().sum()))
    };
    Some(Taxes { customs_value, duty, excise, liquor, transport_energy, education, rural, vat })
}

fn duty(goods: &Goods, exchange: &Exchange, at: usize, value: &Exact, draft: &mut Draft) -> Option<Exact> {
    let by_value = goods.duty_percent.map(|percent| Exact::percent(percent.0) * value.clone());
    let by_quantity = match (&goods.duty_per_unit, goods.quantity) {
        (Some(amount), Some(quantity)) => Some(exchange.home_value(amount) * Exact::from(quantity.0)),
        (Some(_), None) => {
            draft.miss(format!("goods[{at}].quantity"), "종량세 수량", "quantity for the specific duty", &["KR-CA-15"]);
            return None;
        }
        (None, _) => None,
    };
    match (by_value, by_quantity) {
        (Some(a), Some(b)) => Some(a.max(b)),
        (Some(duty), None) | (None, Some(duty)) => Some(duty),
        (None, None) => {
            let refs = ["KR-CA-15", "KR-CA-50(1)"];
            draft.miss(format!("goods[{at}].duty_percent"), "관세율", "rate of duty", &refs);
            None
        }
    }
}

fn excise_tax(goods: &Goods, excise: &Excise, at: usize, base: &Exact, draft: &mut Draft) -> Option<Exact> {
    let rate = excise.rate.map_or_else(|| Exact::from(excise.class.act_rate()), |rate| Exact::from(rate.0));
    let mut quantity = |key: &str| {
        let quantity = excise.quantity.or(goods.quantity);
        if quantity.is_none() {
            let key = format!("goods[{at}].excise.{key}");
            draft.miss(key, "개별소비세 과세 수량", "quantity for the individual consumption tax", &["KR-ICT-8(1)3"]);
        }
        quantity.map(|quantity| Exact::from(quantity.0))
    };
    Some(match excise.class.measure() {
        Measure::Percent(_) => base.clone() * rate / Exact::from(100),
        Measure::Unit(_) => quantity("quantity")? * rate,
        Measure::Above { base_price, .. } => {
            let articles = quantity("quantity")?;
            let mut base_price = Exact::from(base_price);
            if excise.class == ExciseClass::Carpets {
                // ICT Decree 4:2: 100,000 won a square metre where that is more.
                let Some(area) = excise.square_metres else {
                    let key = format!("goods[{at}].excise.square_metres");
                    draft.miss(key, "융단 1개의 면적", "square metres of one carpet", &["KR-ICD-4:2"]);
                    return None;
                };
                base_price = base_price.max(Exact::from(area.0) * Exact::from(100_000));
            }
            let above = (base.clone() - base_price * articles).max(Exact::zero());
            above * rate / Exact::from(100)
        }
    })
}

fn liquor_tax(liquor: &Liquor, at: usize, base: &Exact, day: Date, draft: &mut Draft) -> Option<Exact> {
    let rate = match liquor.class.rate(day) {
        LiquorRate::Percent(percent) => return Some(base.clone() * Exact::from(percent) / Exact::from(100)),
        LiquorRate::Kilolitre(won) => liquor.rate.map_or_else(|| Exact::from(won), |rate| Exact::from(rate.0)),
    };
    let Some(litres) = liquor.litres else {
        draft.miss(format!("goods[{at}].liquor.litres"), "주류 수량(리터)", "litres of liquor", &["KR-LIQ-7(1)2"]);
        return None;
    };
    let mut rate = rate;
    if liquor.class == LiquorClass::SpiritAlcohol {
        let Some(degrees) = liquor.degrees else {
            draft.miss(format!("goods[{at}].liquor.degrees"), "알코올 도수", "degrees of alcohol", &["KR-LIQ-8(1)1"]);
            return None;
        };
        // 600 won for each degree above 95.
        let above = (Exact::from(degrees.0) - Exact::from(95)).max(Exact::zero()).floor_to(1);
        rate = rate + above * Exact::from(600);
    }
    Some(rate * Exact::from(litres.0) / Exact::from(1000))
}

/// Duty and taxes on a value of 1, without any cutting; none where they do not follow from the value alone.
pub fn ad_valorem_factor(goods: &Goods, system: System, with_vat: bool) -> Option<Exact> {
    if goods.duty_per_unit.is_some() || goods.transport_energy.is_some() {
        return None;
    }
    let hundredth = |percent: i64| Exact::from(percent) / Exact::from(100);
    let duty = Exact::percent(goods.duty_percent?.0)
        + goods.additional_duty_percent.map_or_else(Exact::zero, |percent| Exact::percent(percent.0));
    if system == System::Us {
        return Some(duty);
    }
    let base = Exact::one() + duty.clone();
    let mut taxes = duty;
    if let Some(excise) = &goods.excise {
        let Measure::Percent(act) = excise.class.measure() else { return None };
        let rate = excise.rate.map_or_else(|| hundredth(act), |rate| Exact::percent(rate.0));
        let excise_tax = base.clone() * rate;
        taxes = taxes + excise_tax.clone() * (Exact::one() + hundredth(excise.class.education_percent()));
        if let Some(rural) = &goods.rural {
            if rural.base != RuralBase::Excise {
                return None;
            }
            taxes = taxes + excise_tax * Exact::percent(rural.percent.0);
        }
    } else if goods.rural.is_some() {
        return None;
    }
    if let Some(liquor) = &goods.liquor {
        // The day matters for keg beer only, and that is taxed by quantity.
        let LiquorRate::Percent(percent) = liquor.class.rate(KEG_BEER_UNTIL) else { return None };
        taxes = taxes + base * hundredth(percent) * (Exact::one() + hundredth(liquor.class.education_percent()));
    }
    if with_vat && !goods.vat_exempt {
        taxes = taxes.clone() + (Exact::one() + taxes) * hundredth(VAT_PERCENT);
    }
    Some(taxes)
}

/// The taxes as lines of the worksheet; those that are nothing only where they are always asked for.
pub fn lines(case: &Case, at: usize, taxes: &Taxes, currency: Currency) -> Vec<Line> {
    let goods = (case.goods.len() > 1).then_some(at);
    let is_us = case.system == System::Us;
    let all: [(&'static str, Words, &Exact, &[&'static str]); 7] = [
        ("duty", words("관세", "duty"), &taxes.duty, &["KR-CA-15", "KR-CA-50(1)"]),
        (
            "excise",
            words("개별소비세", "individual consumption tax"),
            &taxes.excise,
            &["KR-ICT-1(2)", "KR-ICT-8(1)3", "KR-ICD-4"],
        ),
        ("liquor", words("주세", "liquor tax"), &taxes.liquor, &["KR-LIQ-7", "KR-LIQ-8(1)", "KR-LQD-5(2)"]),
        (
            "transport_energy",
            words("교통ㆍ에너지ㆍ환경세", "transport, energy and environment tax"),
            &taxes.transport_energy,
            &["KR-CA-4(1)"],
        ),
        ("education", words("교육세", "education tax"), &taxes.education, &["KR-EDU-3", "KR-EDU-5(1)"]),
        ("rural", words("농어촌특별세", "special tax for rural development"), &taxes.rural, &["KR-RST-5(1)"]),
        ("vat", words("부가가치세", "value-added tax"), &taxes.vat, &["KR-VAT-29(2)", "KR-VAT-30"]),
    ];
    let is_shown = |key: &str, tax: &Exact| !tax.is_zero() || key == "duty" || (key == "vat" && !is_us);
    let line = |(key, label, tax, refs): (_, _, &Exact, &[&'static str])| Line {
        key,
        label,
        effect: Effect::Tax,
        amount: tax.clone(),
        currency,
        home: tax.clone(),
        goods,
        // The duty of the United States stands in its tariff; the statute on value only says what it is taken of.
        refs: if is_us { vec!["US-1401A(a)(1)"] } else { refs.to_vec() },
        version: None,
    };
    all.into_iter().filter(|(key, _, tax, _)| is_shown(key, tax)).map(line).collect()
}

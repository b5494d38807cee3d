//! A case whose numbers can be computed with: nothing is divided by zero, no rate is beyond its limit, and each
//! currency has the rate of its week.

use rust_decimal::Decimal;

use super::super::error::Error;
use super::super::exchange::Exchange;
use super::super::money::{Amount, Number};
use super::{Case, Goods, Right, Royalty, RoyaltyRelation, System};

/// Lines of a declaration; an import declaration of Korea has room for 999.
const MOST_GOODS: usize = 999;
/// Percent: the highest rate of Korea's tariff is 887.4, for tariff quotas of grain.
const HIGHEST_DUTY: i64 = 1000;
const HUNDRED: Decimal = Decimal::ONE_HUNDRED;
/// Years of a customs period, in months: two, and two more (Decree Article 16(3)-(4)).
const PROVISIONAL_MONTHS: u32 = 24;

/// A case that has been checked, with its exchange rates.
#[derive(Clone, Debug)]
pub struct ValidCase {
    pub case: Case,
    pub exchange: Exchange,
}

impl ValidCase {
    pub(super) fn new(case: Case) -> Result<Self, Error> {
        if case.goods.is_empty() {
            return Err(Error::NoGoods);
        }
        if case.goods.len() > MOST_GOODS {
            return Err(Error::TooManyGoods { given: case.goods.len(), limit: MOST_GOODS });
        }
        let exchange = Exchange::new(&case)?;
        for (at, goods) in case.goods.iter().enumerate() {
            check_goods(goods, &format!("goods[{at}]"), case.system)?;
        }
        check_price(&case)?;
        check_additions(&case)?;
        check_transport(&case)?;
        let mut missing = None;
        amounts(&case, &mut |place, amount| {
            let currency = exchange.currency(amount);
            if missing.is_none() && !exchange.has(currency) {
                missing = Some(Error::NoRate { currency, place, declared: case.declared });
            }
        });
        match missing {
            Some(error) => Err(error),
            None => Ok(Self { case, exchange }),
        }
    }
}

fn at_most(place: String, given: Decimal, limit: Decimal, unit: &'static str) -> Result<(), Error> {
    if given > limit {
        return Err(Error::AboveLimit { place, given: given.to_string(), limit: limit.to_string(), unit });
    }
    Ok(())
}

fn percent(place: String, given: Option<Number>, limit: Decimal) -> Result<(), Error> {
    given.map_or(Ok(()), |given| at_most(place, given.0, limit, "percent"))
}

fn not_zero(place: String, given: Option<Number>) -> Result<(), Error> {
    match given {
        Some(number) if number.0.is_zero() => Err(Error::Zero { place }),
        _ => Ok(()),
    }
}

/// A part of a whole, where both are given.
fn share(place: &str, part: Option<Number>, whole: Option<Number>) -> Result<(), Error> {
    not_zero(format!("{place}.whole"), whole)?;
    match (part, whole) {
        (Some(part), Some(whole)) if part > whole => Err(Error::PartAboveWhole {
            place: format!("{place}.part"),
            part: part.0.to_string(),
            whole: whole.0.to_string(),
        }),
        _ => Ok(()),
    }
}

fn check_goods(goods: &Goods, place: &str, system: System) -> Result<(), Error> {
    if goods.price.is_some() && goods.unit_price.is_some() {
        return Err(Error::Twice { place: format!("{place}.price"), other: format!("{place}.unit_price") });
    }
    not_zero(format!("{place}.quantity"), goods.quantity)?;
    percent(format!("{place}.duty_percent"), goods.duty_percent, Decimal::from(HIGHEST_DUTY))?;
    percent(format!("{place}.additional_duty_percent"), goods.additional_duty_percent, Decimal::from(HIGHEST_DUTY))?;
    if system == System::Us {
        let korean = [
            ("excise", goods.excise.is_some()),
            ("liquor", goods.liquor.is_some()),
            ("transport_energy", goods.transport_energy.is_some()),
            ("rural", goods.rural.is_some()),
        ];
        if let Some((key, _)) = korean.iter().find(|(_, given)| *given) {
            return Err(Error::NotInUs { place: format!("{place}.{key}") });
        }
    }
    if let Some(excise) = &goods.excise {
        super::super::taxes::check_excise(excise, &format!("{place}.excise"))?;
    }
    if let Some(liquor) = &goods.liquor {
        super::super::taxes::check_liquor(liquor, &format!("{place}.liquor"))?;
    }
    if let Some(rural) = &goods.rural {
        percent(format!("{place}.rural.percent"), Some(rural.percent), HUNDRED)?;
    }
    for (list, key) in [(&goods.identical, "identical"), (&goods.similar, "similar")] {
        for (at, comparable) in list.iter().flatten().enumerate() {
            for (nth, difference) in comparable.differences.iter().flatten().enumerate() {
                let place = format!("{place}.{key}[{at}].differences[{nth}]");
                not_zero(format!("{place}.their_distance"), difference.their_distance)?;
                if difference.add.is_some() && difference.subtract.is_some() {
                    return Err(Error::Twice { place: format!("{place}.add"), other: format!("{place}.subtract") });
                }
            }
        }
    }
    if let Some(deductive) = &goods.deductive {
        percent(format!("{place}.deductive.own_percent"), deductive.own_percent, HUNDRED)?;
        percent(format!("{place}.deductive.industry_percent"), deductive.industry_percent, HUNDRED)?;
    }
    if let Some(fallback) = &goods.fallback {
        percent(format!("{place}.fallback.interest_percent"), fallback.interest_percent, HUNDRED)?;
        not_zero(format!("{place}.fallback.periods_per_year"), fallback.periods_per_year)?;
        if let Some(periods) = fallback.periods {
            // 100 years of monthly rents: beyond any economic life.
            at_most(format!("{place}.fallback.periods"), periods.into(), 1200.into(), "periods")?;
        }
    }
    Ok(())
}

fn check_price(case: &Case) -> Result<(), Error> {
    for (at, discount) in case.payments.discounts.iter().flatten().enumerate() {
        let place = format!("payments.discounts[{at}]");
        percent(format!("{place}.percent"), discount.percent, HUNDRED)?;
        if discount.amount.is_some() && discount.percent.is_some() {
            return Err(Error::Twice { place: format!("{place}.amount"), other: format!("{place}.percent") });
        }
    }
    for (at, deduction) in case.deductions.iter().flatten().enumerate() {
        percent(format!("deductions[{at}].interest_percent"), deduction.interest_percent, HUNDRED)?;
    }
    for (at, circumstance) in case.sale.influence.iter().flat_map(|i| i.circumstances.iter().flatten()).enumerate() {
        let place = format!("sale.influence.circumstances[{at}].item");
        item(place, circumstance.item, 10)?;
    }
    for (at, test) in case.sale.influence.iter().flat_map(|i| i.test_values.iter().flatten()).enumerate() {
        if test.unit_value.is_zero() {
            return Err(Error::Zero { place: format!("sale.influence.test_values[{at}].unit_value") });
        }
    }
    for (at, relation) in case.sale.relations.iter().flatten().enumerate() {
        percent(format!("sale.relations[{at}].buyer_percent"), relation.buyer_percent, HUNDRED)?;
        percent(format!("sale.relations[{at}].seller_percent"), relation.seller_percent, HUNDRED)?;
    }
    if let Some(provisional) = &case.provisional {
        for (key, given) in [("months", provisional.months), ("extended_by", provisional.extended_by)] {
            let given = Decimal::from(given.unwrap_or(0));
            at_most(format!("provisional.{key}"), given, PROVISIONAL_MONTHS.into(), "months")?;
        }
    }
    Ok(())
}

fn item(place: String, given: u8, most: u8) -> Result<(), Error> {
    if given == 0 {
        return Err(Error::BelowLimit { place, given: "0".into(), limit: "1".into(), unit: "as an item" });
    }
    at_most(place, given.into(), most.into(), "as an item")
}

fn check_additions(case: &Case) -> Result<(), Error> {
    for (at, assist) in case.additions.assists.iter().flatten().enumerate() {
        let place = format!("additions.assists[{at}]");
        if let Some(allocation) = &assist.allocation {
            share(&format!("{place}.allocation"), allocation.part, allocation.whole)?;
        }
        not_zero(format!("{place}.life_units"), assist.life_units)?;
        if let (Some(used), Some(life)) = (assist.used_units, assist.life_units)
            && used > life
        {
            let (part, whole) = (used.0.to_string(), life.0.to_string());
            return Err(Error::PartAboveWhole { place: format!("{place}.used_units"), part, whole });
        }
    }
    for (at, royalty) in case.additions.royalties.iter().flatten().enumerate() {
        check_royalty(royalty, &format!("additions.royalties[{at}]"))?;
    }
    for (at, proceeds) in case.additions.proceeds.iter().flatten().enumerate() {
        percent(format!("additions.proceeds[{at}].percent"), proceeds.percent, HUNDRED)?;
    }
    if let Some(standard) = &case.additions.standard_rate {
        if standard.price.is_zero() {
            return Err(Error::Zero { place: "additions.standard_rate.price".into() });
        }
        if standard.issued > case.declared {
            let place = "additions.standard_rate.issued".into();
            return Err(Error::AfterDeclaration { place, given: standard.issued, declared: case.declared });
        }
    }
    Ok(())
}

fn check_royalty(royalty: &Royalty, place: &str) -> Result<(), Error> {
    percent(format!("{place}.percent"), royalty.percent, HUNDRED)?;
    if royalty.withheld_percent.is_some_and(|rate| rate.0 >= HUNDRED) {
        let given = royalty.withheld_percent.map(|rate| rate.0.to_string()).unwrap_or_default();
        return Err(Error::AboveLimit {
            place: format!("{place}.withheld_percent"),
            given,
            limit: "99.99".into(),
            unit: "percent",
        });
    }
    if royalty.withheld.is_some() && royalty.withheld_percent.is_some() {
        let other = format!("{place}.withheld_percent");
        return Err(Error::Twice { place: format!("{place}.withheld"), other });
    }
    if royalty.amount.is_some() && royalty.percent.is_some() {
        return Err(Error::Twice { place: format!("{place}.amount"), other: format!("{place}.percent") });
    }
    if let Some(given) = &royalty.share {
        share(&format!("{place}.share"), given.part, given.whole)?;
    }
    use RoyaltyRelation as R;
    let fits = match (royalty.right, royalty.relates) {
        (_, None | Some(R::None | R::Alike)) => true,
        (Right::Patent | Right::UtilityModel | Right::TradeSecret, Some(given)) => {
            matches!(given, R::PatentedArticle | R::EmbodiedPart | R::ProcessEquipment)
        }
        (Right::Design, Some(given)) => given == R::ShowsDesign,
        (Right::Trademark, Some(given)) => given == R::BearsMark,
        (Right::Copyright, Some(given)) => given == R::Recorded,
        (Right::Software, Some(given)) => matches!(given, R::Recorded | R::Medium8523),
        (Right::Distribution | Right::Reproduction | Right::Other, Some(_)) => true,
    };
    if fits {
        return Ok(());
    }
    Err(Error::OddRelation {
        place: format!("{place}.relates"),
        right: format!("{:?}", royalty.right).to_lowercase(),
        given: format!("{:?}", royalty.relates.unwrap_or(R::None)),
    })
}

fn check_transport(case: &Case) -> Result<(), Error> {
    if let Some(lump) = &case.transport.lump {
        share("transport.lump", lump.part_weight, lump.whole_weight)?;
        share("transport.lump", lump.part_price, lump.whole_price)?;
    }
    if let Some(by_air) = &case.transport.by_air {
        item("transport.by_air.class".into(), by_air.class, 12)?;
    }
    Ok(())
}

/// Shows each amount of the case with its place.
fn amounts(case: &Case, see: &mut impl FnMut(String, &Amount)) {
    let mut one = |place: String, amount: &Option<Amount>| {
        if let Some(amount) = amount {
            see(place, amount);
        }
    };
    for (at, goods) in case.goods.iter().enumerate() {
        let place = format!("goods[{at}]");
        one(format!("{place}.unit_price"), &goods.unit_price);
        one(format!("{place}.price"), &goods.price);
        one(format!("{place}.duty_per_unit"), &goods.duty_per_unit);
        one(format!("{place}.rural.reduced"), &goods.rural.as_ref().and_then(|rural| rural.reduced));
        for (key, list) in [("identical", &goods.identical), ("similar", &goods.similar)] {
            for (nth, comparable) in list.iter().flatten().enumerate() {
                let place = format!("{place}.{key}[{nth}]");
                one(format!("{place}.unit_value"), &Some(comparable.unit_value));
                for (nth, difference) in comparable.differences.iter().flatten().enumerate() {
                    let place = format!("{place}.differences[{nth}]");
                    one(format!("{place}.add"), &difference.add);
                    one(format!("{place}.subtract"), &difference.subtract);
                    one(format!("{place}.freight"), &difference.freight);
                }
            }
        }
        if let Some(deductive) = &goods.deductive {
            let place = format!("{place}.deductive");
            for (nth, sale) in deductive.sales.iter().enumerate() {
                one(format!("{place}.sales[{nth}].unit_price"), &Some(sale.unit_price));
            }
            one(format!("{place}.processing_value"), &deductive.processing_value);
            one(format!("{place}.commission"), &deductive.commission);
            one(format!("{place}.inland_cost"), &deductive.inland_cost);
            one(format!("{place}.international_cost"), &deductive.international_cost);
            one(format!("{place}.taxes"), &deductive.taxes);
        }
        if let Some(computed) = &goods.computed {
            let place = format!("{place}.computed");
            for (key, amount) in [
                ("materials", &computed.materials),
                ("processing", &computed.processing),
                ("packing", &computed.packing),
                ("assists", &computed.assists),
                ("korean_design", &computed.korean_design),
                ("profit", &computed.profit),
                ("transport", &computed.transport),
            ] {
                one(format!("{place}.{key}"), amount);
            }
        }
        if let Some(fallback) = &goods.fallback {
            let place = format!("{place}.fallback");
            for (key, amount) in [
                ("value", &fallback.value),
                ("less", &fallback.less),
                ("rent", &fallback.rent),
                ("option_price", &fallback.option_price),
                ("foreign", &fallback.foreign),
                ("domestic", &fallback.domestic),
            ] {
                one(format!("{place}.{key}"), amount);
            }
        }
    }
    let sale = &case.sale;
    for (at, link) in sale.chain.iter().flatten().enumerate() {
        one(format!("sale.chain[{at}].price"), &Some(link.price));
    }
    for (at, condition) in sale.conditions.iter().flatten().enumerate() {
        one(format!("sale.conditions[{at}].value"), &condition.value);
    }
    if let Some(influence) = &sale.influence {
        for (at, circumstance) in influence.circumstances.iter().flatten().enumerate() {
            one(format!("sale.influence.circumstances[{at}].unit_cost"), &circumstance.unit_cost);
        }
        for (at, test) in influence.test_values.iter().flatten().enumerate() {
            one(format!("sale.influence.test_values[{at}].unit_value"), &Some(test.unit_value));
            one(format!("sale.influence.test_values[{at}].unit_price"), &test.unit_price);
        }
    }
    let payments = &case.payments;
    one("payments.package_price".into(), &payments.package_price);
    one("payments.settled".into(), &payments.settled);
    for (at, discount) in payments.discounts.iter().flatten().enumerate() {
        one(format!("payments.discounts[{at}].amount"), &discount.amount);
    }
    for (at, indirect) in payments.indirect.iter().flatten().enumerate() {
        one(format!("payments.indirect[{at}].amount"), &indirect.amount);
    }
    for (at, adjustment) in payments.adjustments.iter().flatten().enumerate() {
        one(format!("payments.adjustments[{at}].amount"), &adjustment.amount);
    }
    let additions = &case.additions;
    for (at, commission) in additions.commissions.iter().flatten().enumerate() {
        one(format!("additions.commissions[{at}].amount"), &commission.amount);
        one(format!("additions.commissions[{at}].other_services"), &commission.other_services);
    }
    for (at, container) in additions.containers.iter().flatten().enumerate() {
        one(format!("additions.containers[{at}].amount"), &container.amount);
    }
    for (at, packing) in additions.packing.iter().flatten().enumerate() {
        one(format!("additions.packing[{at}].labour"), &packing.labour);
        one(format!("additions.packing[{at}].material"), &packing.material);
    }
    for (at, assist) in additions.assists.iter().flatten().enumerate() {
        let place = format!("additions.assists[{at}]");
        for (key, amount) in [
            ("cost", &assist.cost),
            ("elements", &assist.elements),
            ("transport", &assist.transport),
            ("charged", &assist.charged),
        ] {
            one(format!("{place}.{key}"), amount);
        }
    }
    for (at, royalty) in additions.royalties.iter().flatten().enumerate() {
        let place = format!("additions.royalties[{at}]");
        one(format!("{place}.amount"), &royalty.amount);
        one(format!("{place}.of"), &royalty.of);
        one(format!("{place}.withheld"), &royalty.withheld);
        one(format!("{place}.other_business"), &royalty.other_business);
    }
    for (at, proceeds) in additions.proceeds.iter().flatten().enumerate() {
        one(format!("additions.proceeds[{at}].amount"), &proceeds.amount);
        one(format!("additions.proceeds[{at}].of"), &proceeds.of);
    }
    if let Some(standard) = &additions.standard_rate {
        one("additions.standard_rate.additions".into(), &Some(standard.additions));
        one("additions.standard_rate.price".into(), &Some(standard.price));
    }
    let transport = &case.transport;
    for (at, cost) in transport.costs.iter().flatten().enumerate() {
        one(format!("transport.costs[{at}].amount"), &cost.amount);
    }
    one("transport.lump.freight".into(), &transport.lump.as_ref().map(|lump| lump.freight));
    one("transport.laytime.demurrage_per_day".into(), &transport.laytime.as_ref().map(|l| l.demurrage_per_day));
    if let Some(usual) = &transport.usual {
        one("transport.usual.freight".into(), &usual.freight);
        one("transport.usual.insurance".into(), &usual.insurance);
    }
    if let Some(by_air) = &transport.by_air {
        one("transport.by_air.air_freight".into(), &by_air.air_freight);
        one("transport.by_air.sea_freight".into(), &by_air.sea_freight);
        one("transport.by_air.sea_insurance".into(), &by_air.sea_insurance);
    }
    for (at, deduction) in case.deductions.iter().flatten().enumerate() {
        one(format!("deductions[{at}].amount"), &deduction.amount);
    }
}

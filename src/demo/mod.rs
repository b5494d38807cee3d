//! A world to learn from: an invented customs administration with its companies, trade, taxes and audits.
//!
//! In: a seed and a scale. Out: tables, as CSV or Parquet, and a README that writes down every planted effect with its
//! size and its noise, so that a model's score can be read against the best possible one. The same seed and scale give the
//! same bytes. Nothing in it is taken from anywhere: codes of goods are of HS 2022, all else is invented, and no figure of
//! it says anything of the field.

mod innocent;
mod ledger;
mod parties;
mod rates;
mod readme;
mod sheet;
mod trade;
mod words;

use std::path::{Path, PathBuf};

use fs_err as fs;
use jiff::civil::Date;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use parties::Parties;
use sheet::Folder;
use trade::{Declaration, PREFERENCE, Trade};
use words::{FIRM_FIRST, GOODS};

pub use sheet::Format;

/// Why the world could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the scale is {scale}, and must be from {MIN_SCALE} to {MAX_SCALE}")]
    Scale { scale: f64 },
    #[error("`{path}` is not empty\n\nhint: name a new folder with `--out`")]
    NotEmpty { path: PathBuf },
    #[error("cannot write `{path}`: {source}")]
    Disk { path: PathBuf, source: std::io::Error },
}

/// What is made: 1 is 100,000 declarations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct World {
    pub seed: u64,
    pub scale: f64,
}

/// How many there are of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    pub declarations: usize,
    pub companies: usize,
    pub sellers: usize,
    pub brokers: usize,
}

/// What was made.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Made {
    pub declarations: usize,
    pub frauds: usize,
    pub companies: usize,
    pub people: usize,
    pub sellers: usize,
    pub brokers: usize,
    pub phoenixes: usize,
    pub rings: usize,
    pub late_months: usize,
    pub months: usize,
}

const MIN_SCALE: f64 = 0.01;
const MAX_SCALE: f64 = 100.0;
/// Three years.
const DAYS: i32 = 3 * 365;
const FIRST_DAY: Date = Date::constant(2023, 1, 1);

impl World {
    pub fn size(&self) -> Size {
        let scaled = |at_one: f64, power: f64| (at_one * self.scale.powf(power)).round() as usize;
        Size {
            declarations: scaled(100_000.0, 1.0),
            companies: scaled(2_000.0, 0.9).max(30),
            sellers: scaled(3_000.0, 0.9).max(30),
            brokers: scaled(120.0, 0.5).max(5),
        }
    }

    /// Writes the world into `folder`, which is made if it is not there, as CSV.
    ///
    /// # Errors
    /// A scale out of range, a folder that holds something, a disk that does not take it.
    pub fn write(&self, folder: &Path) -> Result<Made, Error> {
        self.write_as(Format::Csv, folder)
    }

    /// Writes the world into `folder`, which is made if it is not there.
    ///
    /// # Errors
    /// A scale out of range, a folder that holds something, a disk that does not take it.
    pub fn write_as(&self, format: Format, folder: &Path) -> Result<Made, Error> {
        if !(MIN_SCALE..=MAX_SCALE).contains(&self.scale) {
            return Err(Error::Scale { scale: self.scale });
        }
        fs::create_dir_all(folder).map_err(disk(folder))?;
        if fs::read_dir(folder).map_err(disk(folder))?.next().is_some() {
            return Err(Error::NotEmpty { path: folder.into() });
        }
        let folder = Folder { path: folder, format };
        let size = self.size();
        let mut parties = Parties::draw(&size, &mut self.stream(0));
        let mut due = vec![vec![0.0; ledger::MONTHS as usize]; parties.companies.len()];
        let mut evaded = vec![0.0; parties.companies.len()];
        let mut last_days = vec![None; parties.companies.len()];
        let mut frauds = 0;
        let mut declarations = folder.sheet("declarations", DECLARATION)?;
        let mut truth = folder.sheet("truth", TRUTH)?;
        for (number, declaration) in Trade::new(&parties, size.declarations, self.stream(1)).enumerate() {
            declarations.write(declaration_row(number, &declaration))?;
            truth.write(truth_row(number, &declaration))?;
            due[declaration.importer][month_of(declaration.day) as usize] += declaration.duty;
            evaded[declaration.importer] += declaration.evaded;
            last_days[declaration.importer] = Some(declaration.day);
            frauds += usize::from(declaration.is_fraud);
        }
        declarations.finish()?;
        truth.finish()?;
        let mut innocent = self.stream(INNOCENT);
        parties.veil_rings(&mut self.stream(VEILS));
        parties.mix(&mut innocent);
        parties.wind_up(&last_days, &mut innocent);
        write_parties(folder, &parties)?;
        let mut made = Made {
            declarations: size.declarations,
            frauds,
            companies: parties.companies.len(),
            people: parties.people.len(),
            sellers: parties.sellers.len(),
            brokers: parties.brokers.len(),
            phoenixes: parties.companies.iter().filter(|company| company.phoenix_of.is_some()).count(),
            rings: parties.companies.iter().filter_map(|company| company.ring).max().map_or(0, |last| last + 1),
            late_months: 0,
            months: 0,
        };
        self.write_books(folder, &parties, &due, &evaded, &mut made)?;
        self.write_rates(folder)?;
        let marker = serde_json::json!({
            "invented": true,
            "made_by": format!("haetae demo generate --seed {} --scale {}", self.seed, self.scale),
        });
        let path = folder.path.join("world.json");
        fs::write(&path, format!("{marker:#}\n")).map_err(disk(&path))?;
        let text = readme::text(self, format, &made);
        let path = folder.path.join("README.md");
        fs::write(&path, text).map_err(disk(&path))?;
        Ok(made)
    }

    /// What a currency is worth and what duty is due, week by week and code by code.
    fn write_rates(&self, folder: Folder<'_>) -> Result<(), Error> {
        let mut exchange = folder.sheet("exchange", "currency,from:day,to:day,krw:number")?;
        for week in rates::weeks(FIRST_DAY, date(DAYS - 1), &mut self.stream(RATES)) {
            let (from, to) = (week.from.to_string(), week.to.to_string());
            exchange.write([week.currency.to_owned(), from, to, format!("{:.2}", week.krw)])?;
        }
        exchange.finish()?;
        let mut tariff = folder.sheet("tariff", "hs,type,rate:number,from:day,to:day")?;
        for (at, goods) in GOODS.iter().enumerate() {
            // Of several goods under one code the first has its rate, as in the declarations.
            if GOODS[..at].iter().all(|other| other.hs != goods.hs) {
                tariff.write([goods.hs, "A", &goods.duty.to_string(), "", ""])?;
                tariff.write([goods.hs, "F", &(goods.duty * PREFERENCE).to_string(), "", ""])?;
            }
        }
        tariff.finish()
    }

    /// Ledgers and audits.
    fn write_books(
        &self,
        folder: Folder<'_>,
        parties: &Parties,
        due: &[Vec<f64>],
        evaded: &[f64],
        made: &mut Made,
    ) -> Result<(), Error> {
        // Audits have a stream of their own: what they claim weighs on the months that follow.
        let (mut rng, mut audit_rng) = (self.stream(2), self.stream(3));
        let mut ledgers = folder.sheet("ledgers", LEDGER)?;
        let mut audits = folder.sheet("audits", AUDIT)?;
        for (at, company) in parties.companies.iter().enumerate() {
            let audit = ledger::audit(at, evaded[at], &mut audit_rng);
            let claim = audit.as_ref().filter(|audit| audit.claimed > 0.0).map(|audit| month_of(audit.day));
            for month in ledger::months(at, company, &due[at], claim, &mut rng) {
                // Drawn all the same, so that the draws of others do not hang on it.
                if company.wound_up.is_some_and(|day| month.month > month_of(day)) {
                    continue;
                }
                made.months += 1;
                made.late_months += usize::from(month.days_late > 30);
                let first = date_of_month(month.month);
                ledgers.write([
                    company_id(at),
                    format!("{:04}-{:02}", first.year(), first.month()),
                    won(month.due),
                    won(month.paid),
                    month.days_late.to_string(),
                    won(month.due - month.paid),
                    format!("{:.6}", month.probability),
                    format!("{:.6}", month.six_months),
                ])?;
            }
            if let Some(audit) = audit {
                let row = [company_id(at), date(audit.day).to_string(), audit.finding.into(), won(audit.claimed)];
                audits.write(row)?;
            }
        }
        ledgers.finish()?;
        audits.finish()
    }

    /// Chance for one part of the world, so that parts do not hang on each other's draws.
    fn stream(&self, part: u64) -> ChaCha8Rng {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(part);
        rng
    }
}

/// The part of the chance that what innocent companies share is drawn from.
const INNOCENT: u64 = 10;
/// The part of rates.
const RATES: u64 = 12;
/// The part that the holdings of rings are veiled from.
const VEILS: u64 = 11;

/// Columns are texts unless they say otherwise.
const DECLARATION: &str = "declaration,date:day,office,broker,importer,importer_age_days:whole,seller,related,transport,hs,\
    item_en,item_ko,departure,origin,rate_type,rate:number,mass_kg:number,value_krw:number,duty_krw:number,fraud:whole,\
    additional_duty_krw:number,planted_probability:number,planted_additional_krw:number";
const TRUTH: &str = "declaration,undervaluation:number,hidden:whole,routed:whole,young_phoenix:whole,related_low:whole,\
    evaded_krw:number";
const COMPANY: &str = "company,name_ko,name_en,founded:day,closed:day,address_ko,address_en,phone,account,\
    planted_phoenix_of,planted_ring";
const LEDGER: &str = "company,month,due_krw:number,paid_krw:number,days_late:whole,arrears_krw:number,\
    planted_probability:number,planted_six_months:number";
const AUDIT: &str = "company,date:day,finding,claimed_krw:number";

fn declaration_row(number: usize, declaration: &Declaration) -> [String; 23] {
    let goods = &GOODS[declaration.goods];
    [
        format!("D{number:08}"),
        date(declaration.day).to_string(),
        declaration.office.into(),
        broker_id(declaration.broker),
        company_id(declaration.importer),
        declaration.importer_age.to_string(),
        format!("S{:06}", declaration.seller),
        if declaration.is_related { "Y" } else { "N" }.into(),
        declaration.transport.into(),
        declaration.hs.into(),
        goods.en.into(),
        goods.ko.into(),
        declaration.departure.into(),
        declaration.origin.into(),
        declaration.rate_type.into(),
        declaration.rate.to_string(),
        format!("{:.1}", declaration.mass.max(0.1)),
        won(declaration.value),
        won(declaration.duty),
        u8::from(declaration.is_fraud).to_string(),
        won(declaration.evaded),
        format!("{:.6}", declaration.probability),
        won(declaration.at_stake),
    ]
}

fn truth_row(number: usize, declaration: &Declaration) -> [String; 7] {
    let flag = |is: bool| u8::from(is).to_string();
    let effects = declaration.effects;
    [
        format!("D{number:08}"),
        format!("{:.4}", effects.undervaluation),
        flag(effects.is_hidden),
        flag(effects.is_routed),
        flag(effects.is_young_phoenix),
        flag(effects.is_related_low),
        won(declaration.evaded),
    ]
}

fn write_parties(folder: Folder<'_>, parties: &Parties) -> Result<(), Error> {
    let mut companies = folder.sheet("companies", COMPANY)?;
    let mut roles = folder.sheet("roles", "company,role,person,holder,share:number")?;
    for (at, company) in parties.companies.iter().enumerate() {
        companies.write([
            company_id(at),
            company.name_ko.clone(),
            company.name_en.clone(),
            date(company.founded).to_string(),
            company.closed.or(company.wound_up).map_or(String::new(), |day| date(day).to_string()),
            company.address.clone(),
            company.address_en.clone(),
            company.phone.clone(),
            company.account.clone(),
            company.phoenix_of.map_or(String::new(), company_id),
            company.ring.map_or(String::new(), |ring| format!("R{ring:04}")),
        ])?;
        for officer in &company.officers {
            roles.write([company_id(at), "officer".into(), person_id(*officer), String::new(), String::new()])?;
        }
        for (person, share) in &company.owners {
            roles.write([company_id(at), "owner".into(), person_id(*person), String::new(), format!("{share:.4}")])?;
        }
        for (holder, share) in &company.holders {
            roles.write([company_id(at), "owner".into(), String::new(), company_id(*holder), format!("{share:.4}")])?;
        }
    }
    companies.finish()?;
    roles.finish()?;
    let mut people = folder.sheet("people", "person,name_ko,name_en")?;
    for (at, person) in parties.people.iter().enumerate() {
        people.write([person_id(at), person.name_ko.clone(), person.name_en.clone()])?;
    }
    people.finish()?;
    let mut families = folder.sheet("families", "person,relative,relation")?;
    for family in &parties.families {
        families.write([person_id(family.person), person_id(family.relative), family.relation.into()])?;
    }
    families.finish()?;
    let mut brokers = folder.sheet("brokers", "broker,name_ko,name_en")?;
    for at in 0..parties.brokers.len() {
        let (ko, en) = FIRM_FIRST[at % FIRM_FIRST.len()];
        brokers.write([broker_id(at), format!("{ko}관세사무소 {at}"), format!("{en} Customs Brokers {at}")])?;
    }
    brokers.finish()?;
    let mut sellers = folder.sheet("sellers", "seller,name,country,related_to")?;
    let mut related: Vec<Vec<String>> = vec![Vec::new(); parties.sellers.len()];
    for (at, company) in parties.companies.iter().enumerate() {
        if let Some(seller) = company.related_seller {
            related[seller].push(company_id(at));
        }
    }
    for (at, seller) in parties.sellers.iter().enumerate() {
        sellers.write([format!("S{at:06}"), seller.name.clone(), seller.country.into(), related[at].join(" ")])?;
    }
    sellers.finish()
}

fn company_id(at: usize) -> String {
    format!("C{at:06}")
}

fn person_id(at: usize) -> String {
    format!("P{at:06}")
}

fn broker_id(at: usize) -> String {
    format!("B{at:04}")
}

fn won(amount: f64) -> String {
    format!("{amount:.0}")
}

/// The date of a day of the world.
fn date(day: i32) -> Date {
    FIRST_DAY.saturating_add(jiff::Span::new().days(day))
}

/// The month of a day of the world, from 0.
fn month_of(day: i32) -> i32 {
    let date = date(day);
    i32::from(date.year() - FIRST_DAY.year()) * 12 + i32::from(date.month() - FIRST_DAY.month())
}

/// The first day of a month of the world.
fn date_of_month(month: i32) -> Date {
    FIRST_DAY.saturating_add(jiff::Span::new().months(month))
}

fn disk(path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    move |source| Error::Disk { path: path.into(), source }
}

#[cfg(test)]
mod tests;

//! A company's page: all that the register and the network hold of it, in one object.
//!
//! In: a register, a network, a company and a day. Out: a [`Profile`], each of its facts with where it comes from
//! ([`Source`]), so that every number can be looked up again, and what is missing. Rendered as JSON (it is
//! [`Serialize`]) or as Markdown in either language ([`Profile::markdown`]). Only rows up to the day are counted;
//! roles, industry and network have no days and are as the register now holds them, which the page says. What documents
//! say of the company is the caller's to find and to hand in ([`Mention`]). It judges nothing.

mod books;
mod markdown;
mod peers;
mod period;
mod trade;

use jiff::civil::Date;
use serde::Serialize;

pub use books::{Finances, Inspections};
pub use peers::{Peers, Rank, UnitValue};
pub use period::{last_full_quarter, quarter_of};
pub use trade::{QuarterTrend, Slice, Trade};

use crate::network::{Exposure, Network, Pattern, Stake};
use crate::register::{self, Audit, Company, Holder, Party, PartyKind, Register, RoleKind, Span};

/// Where a fact comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// Rows of one table of the register: those that fit the condition, as SQLite reads it.
    Rows { table: &'static str, condition: String },
    /// Worked out over several tables.
    Worked { tables: Vec<&'static str>, how: &'static str },
}

impl Source {
    /// The rows of `table` in which `column` is `id`.
    fn of(table: &'static str, column: &str, id: &str) -> Self {
        Self::Rows { table, condition: format!("{column} = {}", quoted(id)) }
    }

    /// The same, in a period.
    fn within(table: &'static str, column: &str, id: &str, span: Span) -> Self {
        let (from, to) = (span.from, span.to);
        Self::Rows { table, condition: format!("{column} = {} AND date BETWEEN '{from}' AND '{to}'", quoted(id)) }
    }
}

/// A text as SQL writes it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A value with where it comes from.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fact<T> {
    pub value: T,
    pub source: Source,
}

/// What a document says of the company; found by the caller.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Mention {
    pub document: String,
    pub title: String,
    pub text: String,
}

/// What is asked of a profile beside whose it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scope {
    /// The day as of which it is drawn; the last day of the declarations unless given.
    pub as_of: Option<Date>,
    pub mentions: Vec<Mention>,
}

/// What someone is to the company.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RoleOf {
    pub kind: RoleKind,
    pub party: Party,
    /// Of 1; owners only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
}

/// What would be told if it were there.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Missing {
    pub en: String,
    pub ko: String,
}

/// The page of one company.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Profile {
    /// Whether all of it is invented.
    pub demo: bool,
    pub as_of: Date,
    /// The day up to which the register reaches: that of roles, industry and network.
    pub register_to: Date,
    /// The last full quarter before that day.
    pub quarter: Span,
    /// The four quarters that end with it.
    pub year: Span,
    pub company: Fact<Company>,
    pub roles: Fact<Vec<RoleOf>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finances: Option<Finances>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trade: Option<Trade>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peers: Option<Peers>,
    pub audits: Fact<Vec<Audit>>,
    pub inspections: Fact<Inspections>,
    /// Patterns that it takes part in.
    pub patterns: Fact<Vec<Pattern>>,
    /// Who owns it at the end of all holdings.
    pub owners: Fact<Vec<Stake>>,
    /// Risk that reached it over the network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exposure: Option<Fact<Exposure>>,
    pub mentions: Vec<Mention>,
    pub missing: Vec<Missing>,
}

/// Why a profile could not be drawn.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no company has the id `{id}`")]
    Unknown { id: String },
    #[error("`{as_of}` lies before the first declaration, of {first}")]
    TooEarly { as_of: Date, first: Date },
    #[error("the register holds no declarations and no day was named to draw the profile as of")]
    NoDay,
    #[error(transparent)]
    Register(#[from] register::Error),
}

/// Draws the page of a company, by its id.
///
/// # Errors
/// A company that is not there; a day before all declarations; a register that cannot be read.
pub fn profile(register: &Register, network: &Network, id: &str, scope: Scope) -> Result<Profile, Error> {
    let company = register.company(id)?.ok_or_else(|| Error::Unknown { id: id.to_owned() })?;
    let span = register.span()?;
    let as_of = match (scope.as_of, span) {
        (Some(as_of), Some(span)) if as_of < span.from => return Err(Error::TooEarly { as_of, first: span.from }),
        (Some(as_of), _) => as_of,
        (None, Some(span)) => span.to,
        (None, None) => return Err(Error::NoDay),
    };
    let quarter = last_full_quarter(as_of);
    let year = period::four_quarters(quarter);
    let mut missing = Vec::new();
    let mut lacks = |en: &str, ko: &str| missing.push(Missing { en: en.to_owned(), ko: ko.to_owned() });
    let first = span.map_or(as_of, |span| span.from);
    let finances = books::finances(register, id, as_of)?;
    if finances.is_none() {
        lacks("ledgers: none of this company", "납부 내역: 이 회사의 자료 없음");
    }
    let trade = trade::trade(register, id, Span { from: first, to: as_of }, quarter, year)?;
    if trade.is_none() {
        lacks("declarations: none up to this day", "수입신고: 기준일까지 없음");
    } else if trade.as_ref().is_some_and(|trade| trade.last_quarter.value.declarations == 0) {
        lacks("declarations: none in the last full quarter", "수입신고: 직전 분기에 없음");
    }
    let peers = peers::peers(register, id, as_of, year)?;
    match &peers {
        None => lacks("peers: it has no industry, as it imported nothing", "동종업체: 수입 실적이 없어 업종 미정"),
        Some(peers) => {
            if peers.unit_values.is_empty() {
                lacks("unit values: too few others import its goods", "단가 비교: 같은 품목의 수입자가 적음");
            }
            if peers.growth.is_none() {
                lacks("growth: no year before to compare with", "성장률: 비교할 직전 연도 없음");
            }
        }
    }
    let audits = register.audits(id)?.into_iter().filter(|audit| audit.date <= as_of).collect::<Vec<_>>();
    if audits.is_empty() {
        lacks("audits: none up to this day", "심사 이력: 기준일까지 없음");
    }
    let at = network.company(id);
    let survey = network.survey();
    let patterns = survey.patterns.iter().filter(|pattern| pattern.involves(id)).cloned().collect();
    let owners = at.map(|at| network.owners(at)).unwrap_or_default();
    if owners.is_empty() {
        lacks("owners: none are known", "주주: 자료 없음");
    }
    if scope.mentions.is_empty() {
        lacks("documents: none were handed in", "문서: 전달된 자료 없음");
    }
    let audits_source =
        Source::Rows { table: "audits", condition: format!("company = {} AND date <= '{as_of}'", quoted(id)) };
    Ok(Profile {
        demo: register.is_demo(),
        as_of,
        register_to: span.map_or(as_of, |span| span.to),
        quarter,
        year,
        company: Fact { value: company, source: Source::of("companies", "id", id) },
        roles: Fact { value: roles(register, id)?, source: Source::of("roles", "company", id) },
        finances,
        trade,
        peers,
        audits: Fact { value: audits, source: audits_source },
        inspections: books::inspections(register, id, as_of)?,
        patterns: Fact {
            value: patterns,
            source: Source::Worked {
                tables: vec!["companies", "roles", "families", "partners", "goods", "ledgers"],
                how: "rings of holdings and companies that closed in debt and rose again; each with its evidence",
            },
        },
        owners: Fact {
            value: owners,
            source: Source::Worked { tables: vec!["roles"], how: "shares multiplied along the holdings" },
        },
        exposure: at.map(|at| Fact {
            value: network.exposure(&survey.spread, at),
            source: Source::Worked {
                tables: vec!["companies", "roles", "families", "partners", "brokerage", "audits"],
                how: "chance that a walk over the network from here ends at an audited company or a phoenix",
            },
        }),
        mentions: scope.mentions,
        missing,
    })
}

fn roles(register: &Register, id: &str) -> Result<Vec<RoleOf>, Error> {
    let mut roles = Vec::new();
    for role in register.roles_in(id)? {
        let (kind, id) = match role.holder {
            Holder::Person(id) => (PartyKind::Person, id),
            Holder::Company(id) => (PartyKind::Company, id),
        };
        let party = register.party_of(kind, &id)?.unwrap_or(Party { kind, id, name_ko: None, name_en: None });
        roles.push(RoleOf { kind: role.kind, party, share: role.share });
    }
    Ok(roles)
}

#[cfg(test)]
mod tests;

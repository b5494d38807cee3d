//! The law's own conditions, beside the model: what a debt sets off, whatever its probability.
//!
//! In: a [`History`]. Out: the rules that apply to it on its as-of day, each with its legal reference and the figures that
//! it stands on. A rule says that a condition is met as far as ledgers tell; exceptions (an objection that is pending, a
//! respite) are for the officer. A grade may be held down to a floor where a rule applies; the probability never is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::history::{History, standings};
use super::reasons::grouped;
use super::scale::Grade;
use crate::scoring::table::days_since_1970;

/// One condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Debts older than a year.
    CreditDataYear,
    /// Three debts in a year.
    CreditDataThrice,
    NamePublished,
    Detention,
    ExitBan,
    RecentClosure,
    PhoenixOfDebtor,
}

/// A rule that applies.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Applied {
    pub code: Rule,
    /// As `KR-CA-44(1)1`.
    pub references: Vec<&'static str>,
    pub en: String,
    pub ko: String,
    /// The grade is at least this bad.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floor: Option<Grade>,
}

/// The best grade that is left where a rule applies; rules that are not named have none.
pub type Floors = BTreeMap<Rule, Grade>;

/// Won.
const CREDIT_DATA_FROM: f64 = 5e6;
const PUBLISHED_FROM: f64 = 2e8;
const DETENTION_FROM: f64 = 2e8;
const EXIT_BAN_FROM: f64 = 5e7;
const TIMES: usize = 3;
const YEAR: f64 = 365.0;
/// Days since a closing that count as recent.
const RECENT: i32 = 365;

impl Rule {
    pub const ALL: [Self; 7] = [
        Self::CreditDataYear,
        Self::CreditDataThrice,
        Self::NamePublished,
        Self::Detention,
        Self::ExitBan,
        Self::RecentClosure,
        Self::PhoenixOfDebtor,
    ];

    pub fn references(self) -> Vec<&'static str> {
        match self {
            Self::CreditDataYear => vec!["KR-CA-44(1)1", "KR-CD-41(2)"],
            Self::CreditDataThrice => vec!["KR-CA-44(1)2", "KR-CD-41(2)"],
            Self::NamePublished => vec!["KR-CA-116-2(1)1"],
            Self::Detention => vec!["KR-CA-116-4(1)1"],
            Self::ExitBan => vec!["KR-CA-116-5(1)"],
            // Liability of liquidators, owners and whoever took a business over.
            Self::RecentClosure | Self::PhoenixOfDebtor => vec!["KR-CA-19(8)"],
        }
    }
}

/// The rules that apply, in the order of [`Rule::ALL`].
pub fn applied(history: &History, floors: &Floors) -> Vec<Applied> {
    let debts = Debts::of(history);
    let told = Rule::ALL.into_iter().filter_map(|rule| {
        let [en, ko] = tell(rule, history, &debts)?;
        Some(Applied { code: rule, references: rule.references(), en, ko, floor: floors.get(&rule).copied() })
    });
    told.collect()
}

/// Overdue for more than 30 days, so that the day set by a notice has gone by as well.
struct Debts {
    owed: f64,
    /// Of those overdue for more than a year.
    owed_for_a_year: f64,
    num_for_a_year: usize,
    /// Dues of the last twelve months that became debts.
    times: usize,
}

impl Debts {
    fn of(history: &History) -> Self {
        let mut debts = Self { owed: 0.0, owed_for_a_year: 0.0, num_for_a_year: 0, times: 0 };
        for (ago, standing, _) in history.standings().filter(|(_, standing, _)| standing.days() > 30.0) {
            debts.times += usize::from(ago <= 12);
            debts.owed += standing.owed();
            if standing.days() > YEAR && standing.owed() > 0.0 {
                debts.owed_for_a_year += standing.owed();
                debts.num_for_a_year += 1;
            }
        }
        debts
    }
}

fn tell(rule: Rule, history: &History, debts: &Debts) -> Option<[String; 2]> {
    let Debts { owed, owed_for_a_year, num_for_a_year, times } = debts;
    let [all, old] = [*owed, *owed_for_a_year].map(grouped);
    let applies = |is_so: bool, en: String, ko: String| is_so.then_some([en, ko]);
    match rule {
        Rule::CreditDataYear => applies(
            *owed_for_a_year >= CREDIT_DATA_FROM,
            format!("KRW {old} overdue for more than a year: may be given to the credit bureau on its request"),
            format!("체납 발생 후 1년이 지난 체납액 {old}원: 신용정보집중기관이 요구하면 체납자료 제공 가능"),
        ),
        Rule::CreditDataThrice => applies(
            *times >= TIMES && *owed >= CREDIT_DATA_FROM,
            format!(
                "{times} debts in twelve months and KRW {all} owed: may be given to the credit bureau on its request"
            ),
            format!("최근 1년 체납 {times}회, 체납액 {all}원: 신용정보집중기관이 요구하면 체납자료 제공 가능"),
        ),
        Rule::NamePublished => applies(
            *owed_for_a_year >= PUBLISHED_FROM,
            format!("KRW {old} overdue for more than a year: the name may be published after deliberation"),
            format!("체납 발생 후 1년이 지난 체납액 {old}원: 심의를 거쳐 명단 공개 가능"),
        ),
        Rule::Detention => applies(
            *num_for_a_year >= TIMES && *owed_for_a_year >= DETENTION_FROM,
            format!(
                "{num_for_a_year} debts each overdue for more than a year, KRW {old}: the first of three conditions of detention"
            ),
            format!("각 1년이 지난 체납 {num_for_a_year}건, 합계 {old}원: 감치 요건 세 가지 중 첫째 충족"),
        ),
        Rule::ExitBan => applies(
            *owed >= EXIT_BAN_FROM,
            format!(
                "KRW {all} overdue: an exit ban is to be requested if there is no good reason and the decree's conditions are met"
            ),
            format!("체납액 {all}원: 정당한 사유가 없고 대통령령의 요건에 해당하면 출국금지 요청 대상"),
        ),
        Rule::RecentClosure => {
            let closed = history.firm.closed?;
            let days = history.as_of.last_day() - days_since_1970(closed);
            applies(
                (0..=RECENT).contains(&days),
                format!("closed on {closed} with KRW {all} owed: look at the liability of liquidators and owners"),
                format!("{closed} 폐업, 체납액 {all}원: 청산인과 출자자의 제2차 납세의무 검토"),
            )
        }
        Rule::PhoenixOfDebtor => {
            let from = history.firm.risen_from.as_ref()?;
            let owed: f64 = standings(&from.dues, history.as_of).map(|(_, standing, _)| standing.owed()).sum();
            let (company, owed_there) = (&from.company, grouped(owed));
            applies(
                owed > 0.0,
                format!(
                    "seems risen from {company}, which owes KRW {owed_there}: look at the liability of who takes a business over"
                ),
                format!("{company}(체납액 {owed_there}원)을 승계한 정황: 사업양수인의 제2차 납세의무 검토"),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::Date;

    use super::*;
    use crate::legal::LegalRef;
    use crate::scoring::delinquency::history::{Due, Firm, Predecessor};

    /// A company that left so many dues of this amount open, from January 2024, seen from the end of a month.
    fn debtor(num_open: i32, amount: f64, as_of: &str) -> History {
        let first: super::super::Month = "2024-01".parse().unwrap();
        let open = |at| Due { month: first.plus(at), due: amount, paid: 0.0, days_late: 0.0 };
        History {
            company: "A".into(),
            as_of: as_of.parse().unwrap(),
            dues: (0..num_open).map(open).collect(),
            trade: None,
            audits: None,
            firm: Firm::default(),
        }
    }

    fn codes(history: &History) -> Vec<Rule> {
        applied(history, &Floors::new()).into_iter().map(|applied| applied.code).collect()
    }

    #[test]
    fn every_reference_can_be_read() {
        for reference in Rule::ALL.into_iter().flat_map(Rule::references) {
            reference.parse::<LegalRef>().unwrap();
        }
    }

    #[test]
    fn rules_begin_where_the_law_says() {
        // 366 days after the end of January 2024.
        assert_eq!(codes(&debtor(1, 5e6, "2025-01")), [Rule::CreditDataYear]);
        assert_eq!(codes(&debtor(1, 4_999_999.0, "2025-01")), []);
        assert_eq!(codes(&debtor(1, 5e6, "2024-12")), []);
        assert_eq!(codes(&debtor(3, 2e6, "2024-06")), [Rule::CreditDataThrice]);
        assert_eq!(codes(&debtor(2, 3e6, "2024-06")), []);
        assert_eq!(codes(&debtor(1, 5e7, "2024-06")), [Rule::ExitBan]);
        assert_eq!(codes(&debtor(1, 2e8, "2025-02")), [Rule::CreditDataYear, Rule::NamePublished, Rule::ExitBan]);
        let detained = [Rule::CreditDataYear, Rule::NamePublished, Rule::Detention, Rule::ExitBan];
        assert_eq!(codes(&debtor(3, 1e8, "2025-04")), detained);
    }

    #[test]
    fn closings_and_predecessors_count_by_what_was_known() {
        let mut history = debtor(2, 1e6, "2024-06");
        history.firm.closed = Some(Date::constant(2024, 6, 30));
        assert_eq!(codes(&history), [Rule::RecentClosure]);
        history.firm.closed = Some(Date::constant(2024, 7, 1));
        assert_eq!(codes(&history), []);
        let mut risen = debtor(0, 0.0, "2024-02");
        risen.firm.risen_from = Some(Predecessor { company: "B".into(), dues: debtor(1, 7e6, "2024-02").dues });
        let told = applied(&risen, &Floors::from([(Rule::PhoenixOfDebtor, "08".parse().unwrap())]));
        assert_eq!(
            (told[0].code, told[0].floor.map(|floor| floor.to_string())),
            (Rule::PhoenixOfDebtor, Some("08".into()))
        );
        assert!(told[0].en.contains("B, which owes KRW 7,000,000") && told[0].ko.contains("7,000,000원"));
        risen.as_of = "2024-01".parse().unwrap();
        assert_eq!(codes(&risen), [], "it had only just fallen due");
    }
}

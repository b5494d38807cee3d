//! What a company owed and paid, and what inspections found.

use jiff::civil::Date;
use serde::Serialize;

use super::{Error, Fact, Source, quoted};
use crate::register::{LedgerMonth, Register};

/// What a company owed and paid.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finances {
    pub months: Fact<usize>,
    pub due_krw: Fact<i64>,
    pub paid_krw: Fact<i64>,
    pub arrears_krw: Fact<i64>,
    /// Months paid more than 30 days late, or not.
    pub late_months: Fact<usize>,
    /// Months with arrears, the newest first.
    pub in_arrears: Fact<Vec<LedgerMonth>>,
}

/// What inspections of a company's declarations found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Inspections {
    /// Declarations looked into.
    pub inspected: i64,
    pub fraud: i64,
    /// Of those looked into.
    pub fraud_share: Option<f64>,
}

pub fn finances(register: &Register, id: &str, as_of: Date) -> Result<Option<Finances>, Error> {
    let months: Vec<LedgerMonth> = register.ledger(id)?.into_iter().filter(|month| month.month <= as_of).collect();
    if months.is_empty() {
        return Ok(None);
    }
    let condition = format!("company = {} AND month <= '{}'", quoted(id), as_of.strftime("%Y-%m"));
    let rows = |more: &str| Source::Rows { table: "ledgers", condition: format!("{condition}{more}") };
    let sum = |of: fn(&LedgerMonth) -> i64| months.iter().map(of).sum();
    let mut in_arrears: Vec<LedgerMonth> = months.iter().filter(|month| month.arrears_krw > 0).cloned().collect();
    in_arrears.reverse();
    let late = months.iter().filter(|month| month.days_late > 30 || month.arrears_krw > 0).count();
    Ok(Some(Finances {
        months: Fact { value: months.len(), source: rows("") },
        due_krw: Fact { value: sum(|month| month.due_krw), source: rows("") },
        paid_krw: Fact { value: sum(|month| month.paid_krw), source: rows("") },
        arrears_krw: Fact { value: sum(|month| month.arrears_krw), source: rows("") },
        late_months: Fact { value: late, source: rows(" AND (days_late > 30 OR arrears_krw > 0)") },
        in_arrears: Fact { value: in_arrears, source: rows(" AND arrears_krw > 0") },
    }))
}

pub fn inspections(register: &Register, id: &str, as_of: Date) -> Result<Fact<Inspections>, Error> {
    let (inspected, fraud) = register.inspections(id, as_of)?;
    let fraud_share = (inspected > 0).then(|| fraud as f64 / inspected as f64);
    let condition = format!("importer = {} AND date <= '{as_of}' AND fraud IS NOT NULL", quoted(id));
    Ok(Fact {
        value: Inspections { inspected, fraud, fraud_share },
        source: Source::Rows { table: "declarations", condition },
    })
}

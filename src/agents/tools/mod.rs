//! The tools, one file each. A tool asks one service of the [`super::desk::Desk`] one thing, and tells the result in both
//! languages; it decides nothing that the service has not decided.

mod company_profile;
mod compare_marks;
mod customs_value;
mod dataset_job;
mod delinquency_score;
mod exchange_rate;
mod export_dossier;
mod find_company;
mod high_risk_groups;
mod hs_recommend;
mod network_around;
mod network_path;
mod network_patterns;
mod open_passage;
mod price_check;
mod risk_of_imports;
mod risk_score;
mod search_corpora;
mod tariff_rate;

use jiff::civil::Date;

use super::tool::{AnyTool, Failure};
use crate::lang::Language;
use crate::scoring::Level;

/// All of them, in the order they are shown.
pub fn all() -> Vec<Box<dyn AnyTool>> {
    vec![
        Box::new(search_corpora::SearchCorpora),
        Box::new(open_passage::OpenPassage),
        Box::new(customs_value::CustomsValue),
        Box::new(hs_recommend::HsRecommend),
        Box::new(exchange_rate::ExchangeRate),
        Box::new(tariff_rate::TariffRate),
        Box::new(risk_score::RiskScore),
        Box::new(risk_of_imports::RiskOfImports),
        Box::new(high_risk_groups::HighRiskGroups),
        Box::new(price_check::PriceCheck),
        Box::new(find_company::FindCompany),
        Box::new(company_profile::CompanyProfile),
        Box::new(delinquency_score::DelinquencyScore),
        Box::new(network_around::NetworkAround),
        Box::new(network_path::NetworkPath),
        Box::new(network_patterns::NetworkPatterns),
        Box::new(compare_marks::CompareMarks),
        Box::new(dataset_job::DatasetJob),
        Box::new(export_dossier::ExportDossier),
    ]
}

/// What a tool is called in headings.
pub fn title(name: &str, language: Language) -> String {
    let tools = all();
    let card = tools.iter().map(|tool| tool.card()).find(|card| card.name == name);
    card.map_or_else(|| name.to_owned(), |card| card.title(language).to_owned())
}

/// A day as an argument.
///
/// # Errors
/// [`Failure::Arguments`], naming the field.
fn day(tool: &str, field: &str, text: &Option<String>) -> Result<Option<Date>, Failure> {
    let Some(text) = text else { return Ok(None) };
    let read = text.parse().map_err(|_| Failure::Arguments {
        tool: tool.into(),
        reason: format!("`{field}` must be a day such as 2025-03-31, got `{text}`"),
    });
    read.map(Some)
}

/// A share of 1 in percent, with one digit: `12.5%`.
fn percent(share: f64) -> String {
    format!("{:.1}%", share * 100.0)
}

fn level_ko(level: Level) -> &'static str {
    match level {
        Level::Green => "녹색(통과)",
        Level::Yellow => "황색(서류심사)",
        Level::Red => "적색(검사)",
    }
}

fn level_en(level: Level) -> &'static str {
    match level {
        Level::Green => "green (release)",
        Level::Yellow => "yellow (documents)",
        Level::Red => "red (inspect)",
    }
}

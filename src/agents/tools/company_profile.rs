//! A company's page: what the register and the network hold of it, each fact with its source.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{day, percent};
use crate::agents::desk::{Desk, inner};
use crate::agents::tool::{Access, Both, Card, Cost, Failure, Finding, Hints, Outcome, Stance, Tool};
use crate::lang::grouped;
use crate::profile::{Error, Profile, Scope, profile};

pub struct CompanyProfile;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    /// Id of a company
    pub company: String,
    /// Day as of which the page is drawn, as in 2025-09-30; the last of the data where absent
    #[serde(default)]
    pub as_of: Option<String>,
}

/// Inspections from which on their outcome says something.
const MIN_INSPECTED: i64 = 10;
/// Shares of inspections with a finding that stand out.
const HIGH: f64 = 0.10;
const MIDDLE: f64 = 0.05;
/// Slices told of each kind.
const TOLD: usize = 3;

impl Tool for CompanyProfile {
    type Arguments = Arguments;
    const CARD: Card = Card {
        name: "company_profile",
        title_ko: "업체 현황",
        title_en: "Company profile",
        purpose_ko: "업체의 개요, 분기별 거래 실적과 추이, 주요 품목·원산지·거래처, 동종업체 비교, 심사와 체납을 보입니다.",
        purpose_en: "Shows a company: overview, trade by quarter with trends, top goods, origins and sellers, peers, audits, arrears.",
        hints: Hints::READ,
        cost: Cost::Medium,
        access: Access::Audit,
    };

    fn call(&self, desk: &Desk, arguments: Arguments) -> Result<Outcome, Failure> {
        let (register, network) = (desk.register()?, desk.network()?);
        let as_of: Option<Date> = day(Self::CARD.name, "as_of", &arguments.as_of)?;
        let scope = Scope { as_of, mentions: Vec::new() };
        let page = profile(register, network, &arguments.company, scope).map_err(|error| match error {
            Error::Unknown { id } => Failure::NotFound { name: id, nearest: Vec::new() },
            Error::TooEarly { .. } => Failure::Bad { reason: error.to_string() },
            error => inner(Self::CARD.name, &error),
        })?;
        let mut outcome = Outcome::new(&page, told(&page));
        outcome.findings = findings(&page);
        // Documents on a company are not looked for here, and so are not missing.
        let wanted = page.missing.iter().filter(|missing| !missing.en.starts_with("documents"));
        outcome.missing = wanted.map(|missing| Both::new(missing.ko.clone(), missing.en.clone())).collect();
        outcome.demo = page.demo;
        Ok(outcome)
    }
}

fn told(page: &Profile) -> Both {
    let company = &page.company.value;
    let name = |first: &Option<String>, second: &Option<String>| {
        first.clone().or_else(|| second.clone()).unwrap_or_else(|| company.id.clone())
    };
    let day = |date: Option<Date>| date.map_or_else(|| "-".to_owned(), |date| date.to_string());
    let id = &company.id;
    let mut ko = format!("**{}** ({id}): 설립 {}", name(&company.name_ko, &company.name_en), day(company.founded));
    let mut en = format!("**{}** ({id}): founded {}", name(&company.name_en, &company.name_ko), day(company.founded));
    if let Some(closed) = company.closed {
        ko.push_str(&format!(", **폐업 {closed}**"));
        en.push_str(&format!(", **closed {closed}**"));
    }
    ko.push('\n');
    en.push('\n');
    if let Some(trade) = &page.trade {
        let quarter = &trade.last_quarter.value;
        let change =
            |share: Option<f64>| share.map_or_else(|| "-".to_owned(), |share| format!("{:+.1}%", share * 100.0));
        let (from, to, num, value) =
            (page.quarter.from, page.quarter.to, quarter.declarations, grouped(quarter.value_krw));
        let (on_quarter, on_year) = (change(quarter.on_quarter), change(quarter.on_year));
        ko.push_str(&format!(
            "- 직전 분기 ({from} – {to}): 수입신고 **{num}**건, **{value}**원 (전분기 대비 {on_quarter}, 전년 동기 대비 {on_year})\n"
        ));
        en.push_str(&format!(
            "- Last quarter ({from} – {to}): **{num}** declarations, KRW **{value}** ({on_quarter} on the quarter, {on_year} on the year)\n"
        ));
        for (title_ko, title_en, slices) in [
            ("주요 품목", "Top goods", &trade.goods.value),
            ("주요 원산지", "Top origins", &trade.origins.value),
            ("주요 해외거래처", "Top sellers", &trade.sellers.value),
        ] {
            let list = slices.iter().take(TOLD).map(|slice| format!("{} {}", slice.tally.key, percent(slice.share)));
            let list = list.collect::<Vec<_>>().join(", ");
            ko.push_str(&format!("- {title_ko} (최근 네 분기): {list}\n"));
            en.push_str(&format!("- {title_en} (last four quarters): {list}\n"));
        }
    }
    if let Some(peers) = &page.peers {
        for unit in peers.unit_values.iter().take(TOLD) {
            let (hs, rank) = (&unit.value.hs, &unit.value.krw_per_kg);
            let (own, median) = (format!("{:.0}", rank.own), format!("{:.0}", rank.median));
            let rank = percent(rank.percentile);
            ko.push_str(&format!("- HS {hs} 단가 {own}원/kg, 동종업체 중앙값 {median} (하위 {rank})\n"));
            en.push_str(&format!(
                "- Unit value of HS {hs}: {own} KRW/kg, peers' median {median} (above {rank} of them)\n"
            ));
        }
    }
    if let Some(finances) = &page.finances {
        let (due, arrears) = (grouped(finances.due_krw.value), grouped(finances.arrears_krw.value));
        let (late, months) = (finances.late_months.value, finances.months.value);
        ko.push_str(&format!("- 납부: 고지 {due}원, 체납 {arrears}원, {months}개월 중 30일 넘게 늦은 달 {late}\n"));
        en.push_str(&format!(
            "- Payments: KRW {due} due, KRW {arrears} in arrears; {late} of {months} months over 30 days late\n"
        ));
    }
    for audit in &page.audits.value {
        let (date, finding, claimed) = (audit.date, &audit.finding, grouped(audit.claimed_krw));
        ko.push_str(&format!("- 심사 {date}: {finding}, 추징 {claimed}원\n"));
        en.push_str(&format!("- Audit of {date}: {finding}, KRW {claimed} claimed\n"));
    }
    let found = &page.inspections.value;
    ko.push_str(&format!("- 검사 {}건 중 적발 {}건\n", found.inspected, found.fraud));
    en.push_str(&format!("- {} inspections, {} with a finding\n", found.inspected, found.fraud));
    Both::new(ko.trim_end(), en.trim_end())
}

fn findings(page: &Profile) -> Vec<Finding> {
    let mut findings = Vec::new();
    let found = &page.inspections.value;
    if let Some(share) = found.fraud_share.filter(|_| found.inspected >= MIN_INSPECTED) {
        let (inspected, fraud, share_text) = (found.inspected, found.fraud, percent(share));
        findings.push(Finding {
            matter: Both::new("검사 이력", "inspections"),
            stance: if share >= HIGH {
                Stance::High
            } else if share >= MIDDLE {
                Stance::Middle
            } else {
                Stance::Low
            },
            words: Both::new(
                format!("지금까지 검사 {inspected}건 중 {fraud}건({share_text})에서 적발되었습니다."),
                format!("Of {inspected} inspections so far {fraud} ({share_text}) found something."),
            ),
        });
    }
    let claimed: i64 = page.audits.value.iter().map(|audit| audit.claimed_krw).sum();
    if claimed > 0 {
        let (num, claimed) = (page.audits.value.len(), grouped(claimed));
        findings.push(Finding {
            matter: Both::new("심사 이력", "audit history"),
            stance: Stance::High,
            words: Both::new(
                format!("과거 심사 {num}회에서 {claimed}원이 추징되었습니다."),
                format!("KRW {claimed} was claimed in {num} earlier audits."),
            ),
        });
    }
    findings
}

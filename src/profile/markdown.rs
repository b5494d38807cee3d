//! A profile as Markdown in either language: facts with marks, and at the end what the marks stand for.

use std::fmt::Write;

use super::trade::{QuarterTrend, Slice};
use super::{Fact, Profile, Rank, Source};
use crate::lang::{Language, grouped};
use crate::network::{Node, Pattern};
use crate::register::RoleKind;

/// Quarters that are told.
const QUARTERS: usize = 8;

impl Profile {
    /// The page as Markdown.
    pub fn markdown(&self, language: Language) -> String {
        let mut page = Page { text: String::new(), sources: Vec::new(), language };
        page.overview(self);
        page.finances(self);
        page.trade(self);
        page.peers(self);
        page.risk(self);
        page.network(self);
        page.rest(self);
        page.text
    }
}

/// A page in the making.
struct Page {
    text: String,
    sources: Vec<Source>,
    language: Language,
}

impl Page {
    fn word<'a>(&self, ko: &'a str, en: &'a str) -> &'a str {
        match self.language {
            Language::Ko => ko,
            Language::En => en,
        }
    }

    fn push(&mut self, text: std::fmt::Arguments) {
        self.text.write_fmt(text).expect("a string takes all that is written to it");
    }

    fn heading(&mut self, ko: &str, en: &str) {
        let word = self.word(ko, en);
        self.push(format_args!("\n## {word}\n\n"));
    }

    /// The mark of a source, the same for the same.
    fn mark(&mut self, source: &Source) -> String {
        let place = self.sources.iter().position(|known| known == source).unwrap_or_else(|| {
            self.sources.push(source.clone());
            self.sources.len() - 1
        });
        format!("[{}]", place + 1)
    }

    fn line(&mut self, ko: &str, en: &str, value: &str, source: &Source) {
        let (word, mark) = (self.word(ko, en), self.mark(source));
        self.push(format_args!("- {word}: {value} {mark}\n"));
    }

    fn won(&self, amount: i64) -> String {
        let amount = grouped(amount);
        match self.language {
            Language::Ko => format!("{amount}원"),
            Language::En => format!("{amount} won"),
        }
    }

    fn name<'a>(&self, ko: &'a Option<String>, en: &'a Option<String>, id: &'a str) -> &'a str {
        let (first, second) = match self.language {
            Language::Ko => (ko, en),
            Language::En => (en, ko),
        };
        first.as_deref().or(second.as_deref()).unwrap_or(id)
    }

    fn node(&self, node: &Node) -> String {
        format!("{} ({})", self.name(&node.name_ko, &node.name_en, &node.id), node.id)
    }

    fn overview(&mut self, profile: &Profile) {
        let company = &profile.company.value;
        let source = &profile.company.source;
        let name = self.name(&company.name_ko, &company.name_en, &company.id).to_owned();
        self.push(format_args!("# {name} ({})\n\n", company.id));
        if profile.demo {
            let word = self
                .word("가상 자료: 실제와 무관합니다.", "Invented data: no figure of it says anything of the field.");
            self.push(format_args!("> {word}\n\n"));
        }
        let (from, to) = (profile.quarter.from, profile.quarter.to);
        let word = match self.language {
            Language::Ko => format!("기준일 {}, 직전 분기 {from} ~ {to}", profile.as_of),
            Language::En => format!("As of {}; the last full quarter is {from} to {to}.", profile.as_of),
        };
        self.push(format_args!("{word}\n"));
        self.heading("개요", "Overview");
        let both = [&company.name_ko, &company.name_en].into_iter().flatten().cloned().collect::<Vec<_>>().join(", ");
        self.line("상호", "name", &both, source);
        if let Some(founded) = company.founded {
            self.line("설립일", "founded", &founded.to_string(), source);
        }
        if let Some(closed) = company.closed {
            self.line("폐업일", "closed", &closed.to_string(), source);
        }
        if company.address_ko.is_some() || company.address_en.is_some() {
            let address = self.name(&company.address_ko, &company.address_en, "").to_owned();
            self.line("주소", "address", &address, source);
        }
        if let Some(phone) = &company.phone {
            self.line("전화", "phone", phone, source);
        }
        if let Some(account) = &company.account {
            self.line("계좌", "account", account, source);
        }
        for role in &profile.roles.value {
            let party = &role.party;
            let holder = format!("{} ({})", self.name(&party.name_ko, &party.name_en, &party.id), party.id);
            let share = role.share.map_or_else(String::new, |share| format!(", {:.1}%", share * 100.0));
            let (ko, en) = match role.kind {
                RoleKind::Officer => ("임원", "officer"),
                RoleKind::Owner => ("주주", "owner"),
            };
            self.line(ko, en, &format!("{holder}{share}"), &profile.roles.source);
        }
    }

    fn finances(&mut self, profile: &Profile) {
        let Some(finances) = &profile.finances else { return };
        self.heading("납부와 체납", "Dues and arrears");
        for (ko, en, fact) in [
            ("부과", "due", &finances.due_krw),
            ("납부", "paid", &finances.paid_krw),
            ("체납", "arrears", &finances.arrears_krw),
        ] {
            let amount = self.won(fact.value);
            self.line(ko, en, &amount, &fact.source);
        }
        let count = match self.language {
            Language::Ko => format!("{}개월 중 {}개월", finances.months.value, finances.late_months.value),
            Language::En => format!("{} of {} months", finances.late_months.value, finances.months.value),
        };
        self.line("30일 넘게 늦거나 미납", "over 30 days late, or unpaid", &count, &finances.late_months.source);
        if let Some(last) = finances.in_arrears.value.first() {
            let told = format!("{}, {}", last.month.strftime("%Y-%m"), self.won(last.arrears_krw));
            self.line("최근 체납", "last in arrears", &told, &finances.in_arrears.source);
        }
    }

    fn trade(&mut self, profile: &Profile) {
        let Some(trade) = &profile.trade else { return };
        self.heading("수입", "Imports");
        let total = trade.total.value;
        let told = match self.language {
            Language::Ko => format!(
                "신고 {}건, 과세가격 {}, 관세 {}",
                total.declarations,
                self.won(total.value_krw),
                self.won(total.duty_krw)
            ),
            Language::En => format!(
                "{} declarations of {}, duty {}",
                total.declarations,
                self.won(total.value_krw),
                self.won(total.duty_krw)
            ),
        };
        self.line("전체", "in all", &told, &trade.total.source);
        self.by_quarter(&trade.quarters);
        self.slices("주요 품목", "Goods of the last four quarters", &trade.goods);
        self.slices("원산지", "Origins", &trade.origins);
        self.slices("해외거래처", "Sellers", &trade.sellers);
        self.slices("관세사", "Brokers", &trade.brokers);
    }

    fn by_quarter(&mut self, quarters: &Fact<Vec<QuarterTrend>>) {
        let (word, mark) =
            (self.word("분기별 추이, 최근 순", "By quarter, the latest first"), self.mark(&quarters.source));
        let head = self.word(
            "| 분기 시작 | 신고 | 과세가격 | 직전 분기 대비 | 전년 동기 대비 |",
            "| quarter from | declarations | value | on the quarter before | on the year before |",
        );
        self.push(format_args!("\n{word} {mark}:\n\n{head}\n|---|---:|---:|---:|---:|\n"));
        for quarter in quarters.value.iter().rev().take(QUARTERS) {
            self.quarter(quarter);
        }
    }

    fn quarter(&mut self, quarter: &QuarterTrend) {
        let change = |change: Option<f64>| change.map_or_else(|| "-".into(), |by| format!("{:+.0}%", by * 100.0));
        let (declarations, value) = (quarter.declarations, self.won(quarter.value_krw));
        let (on_quarter, on_year): (String, String) = (change(quarter.on_quarter), change(quarter.on_year));
        self.push(format_args!("| {} | {declarations} | {value} | {on_quarter} | {on_year} |\n", quarter.start));
    }

    fn slices(&mut self, ko: &str, en: &str, slices: &Fact<Vec<Slice>>) {
        if slices.value.is_empty() {
            return;
        }
        let (word, mark) = (self.word(ko, en), self.mark(&slices.source));
        self.push(format_args!("\n{word} {mark}:\n\n"));
        for Slice { tally, share } in &slices.value {
            let name = self.name(&tally.name_ko, &tally.name_en, "");
            let name = if name.is_empty() { String::new() } else { format!(" {name}") };
            let (key, value, percent) = (&tally.key, self.won(tally.value_krw), share * 100.0);
            self.push(format_args!("- {key}{name}: {value}, {percent:.0}%\n"));
        }
    }

    fn peers(&mut self, profile: &Profile) {
        let Some(peers) = &profile.peers else { return };
        self.heading("동종업체 비교", "Among its peers");
        let industry = &peers.industry.value;
        let share = 100.0 * industry.value_krw as f64 / industry.total_krw.max(1) as f64;
        let told = match self.language {
            Language::Ko => format!("HS {}류, 수입액의 {share:.0}%", industry.chapter),
            Language::En => format!("HS chapter {}, {share:.0}% of its imports", industry.chapter),
        };
        self.line("업종", "industry", &told, &peers.industry.source);
        self.line("동종업체 수", "peers", &peers.num_peers.value.to_string(), &peers.num_peers.source);
        for fact in &peers.unit_values {
            let UnitValueWords { ko, en } = unit_value_words(&fact.value.hs);
            let told = self.rank(fact.value.krw_per_kg, |value| format!("{value:.0}"));
            self.line(&ko, &en, &told, &fact.source);
        }
        let percent = |value: f64| format!("{:.1}%", value * 100.0);
        if let Some(fact) = &peers.growth {
            let told = self.rank(fact.value, percent);
            self.line("최근 1년 성장률", "growth over the year", &told, &fact.source);
        }
        if let Some(fact) = &peers.lateness {
            let told = self.rank(fact.value, percent);
            self.line("늦게 낸 달의 비율", "months paid late", &told, &fact.source);
        }
    }

    fn rank(&self, rank: Rank, show: impl Fn(f64) -> String) -> String {
        let Rank { own, median, percentile, others } = rank;
        let (own, median, percentile) = (show(own), show(median), percentile * 100.0);
        match self.language {
            Language::Ko => format!("{own}, 중앙값 {median}, {others}개사 중 {percentile:.0}%가 더 낮음"),
            Language::En => format!("{own}; the median is {median}; {percentile:.0}% of {others} others are lower"),
        }
    }

    fn risk(&mut self, profile: &Profile) {
        self.heading("위험 이력", "Risk history");
        let inspections = &profile.inspections.value;
        let share = inspections.fraud_share.map_or_else(String::new, |share| format!(" ({:.1}%)", share * 100.0));
        let told = match self.language {
            Language::Ko => format!("검사 {}건 중 적발 {}건{share}", inspections.inspected, inspections.fraud),
            Language::En => {
                format!("fraud in {} of {} declarations looked into{share}", inspections.fraud, inspections.inspected)
            }
        };
        self.line("검사", "inspections", &told, &profile.inspections.source);
        for audit in &profile.audits.value {
            let told = format!("{}, {}, {}", audit.date, audit.finding, self.won(audit.claimed_krw));
            self.line("심사", "audit", &told, &profile.audits.source);
        }
    }

    fn network(&mut self, profile: &Profile) {
        self.heading("관계망", "Network");
        if profile.as_of < profile.register_to {
            let to = profile.register_to;
            let word = match self.language {
                Language::Ko => format!("관계망, 임원·주주, 업종은 기준일이 아닌 {to} 현재 등록부 기준입니다."),
                Language::En => {
                    format!("Network, roles and industry are not of that day but of the register up to {to}.")
                }
            };
            self.push(format_args!("{word}\n\n"));
        }
        for stake in &profile.owners.value {
            let how = if stake.is_indirect { self.word(", 간접", ", in part through others") } else { "" };
            let told = format!("{}, {:.1}%{how}", self.node(&stake.owner), stake.share * 100.0);
            self.line("최종 소유자", "ultimate owner", &told, &profile.owners.source);
        }
        for pattern in &profile.patterns.value {
            let (en, ko) = match pattern {
                Pattern::Ring(ring) => (&ring.en, &ring.ko),
                Pattern::Phoenix(phoenix) => (&phoenix.en, &phoenix.ko),
            };
            let told = self.word(ko, en).to_owned();
            self.line("유형", "pattern", &told, &profile.patterns.source);
        }
        if let Some(Fact { value, source }) = &profile.exposure {
            let told = match self.language {
                Language::Ko => format!("{:.4}, 회사의 {:.0}%보다 높음", value.exposure, value.percentile * 100.0),
                Language::En => {
                    format!("{:.4}, more than {:.0}% of companies", value.exposure, value.percentile * 100.0)
                }
            };
            self.line("위험 노출", "exposure", &told, source);
            for inflow in value.inflows.iter().take(3).filter(|inflow| inflow.amount > 0.0) {
                let way = self.word(&inflow.ko, &inflow.en).to_owned();
                self.push(format_args!("    - {:.0}%: {way}\n", inflow.share * 100.0));
            }
        }
    }

    /// What documents say, what is missing, and what the marks stand for.
    fn rest(&mut self, profile: &Profile) {
        if !profile.mentions.is_empty() {
            self.heading("문서", "Documents");
            for mention in &profile.mentions {
                self.push(format_args!("- {} ({}): {}\n", mention.title, mention.document, mention.text));
            }
        }
        if !profile.missing.is_empty() {
            self.heading("없는 자료", "Missing");
            for missing in &profile.missing {
                let word = self.word(&missing.ko, &missing.en).to_owned();
                self.push(format_args!("- {word}\n"));
            }
        }
        self.heading("출처", "Sources");
        for (place, source) in std::mem::take(&mut self.sources).iter().enumerate() {
            let told = match source {
                Source::Rows { table, condition } => format!("`{table}` `WHERE {condition}`"),
                Source::Worked { tables, how } => format!("`{}`: {how}", tables.join("`, `")),
            };
            self.push(format_args!("{}. {told}\n", place + 1));
        }
    }
}

struct UnitValueWords {
    ko: String,
    en: String,
}

fn unit_value_words(hs: &str) -> UnitValueWords {
    UnitValueWords { ko: format!("HS {hs} 단가(원/kg)"), en: format!("won a kilogram of HS {hs}") }
}

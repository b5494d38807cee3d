//! A worksheet for people: Markdown and HTML, in either language.
//!
//! Knows how to lay out, and nothing of what the numbers mean.

use std::fmt::Write;

use super::{Effect, Line, Outcome, Reason, Status, Words, Worksheet};
use crate::lang::Language;
use crate::legal::LegalRef;

/// Digits after the point of foreign amounts on paper.
const DIGITS: u32 = 4;

impl Words {
    pub fn in_language(&self, language: Language) -> &str {
        match language {
            Language::Ko => &self.ko,
            Language::En => &self.en,
        }
    }
}

/// A table or a list under a heading: what both forms are made of.
struct Section {
    heading: &'static str,
    columns: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Worksheet {
    pub fn markdown(&self, language: Language) -> String {
        let mut text = format!("# {}\n\n{}\n", self.title(language), self.summary(language));
        for section in self.sections(language) {
            let _ = write!(text, "\n## {}\n\n|", section.heading);
            for column in &section.columns {
                let _ = write!(text, " {column} |");
            }
            let _ = write!(text, "\n|{}", "---|".repeat(section.columns.len()));
            for row in &section.rows {
                text.push_str("\n|");
                for cell in row {
                    let _ = write!(text, " {} |", cell.replace('|', "\\|").replace('\n', " "));
                }
            }
            text.push('\n');
        }
        text
    }

    pub fn html(&self, language: Language) -> String {
        let mut text = format!(
            "<!doctype html>\n<html lang=\"{language}\">\n<head>\n<meta charset=\"utf-8\">\n<title>{title}</title>\n\
             </head>\n<body>\n<h1>{title}</h1>\n<p>{}</p>\n",
            escaped(&self.summary(language)),
            title = escaped(&self.title(language)),
        );
        for section in self.sections(language) {
            let _ = write!(text, "<h2>{}</h2>\n<table>\n<tr>", section.heading);
            for column in &section.columns {
                let _ = write!(text, "<th>{column}</th>");
            }
            text.push_str("</tr>\n");
            for row in &section.rows {
                text.push_str("<tr>");
                for cell in row {
                    let _ = write!(text, "<td>{}</td>", escaped(cell));
                }
                text.push_str("</tr>\n");
            }
            text.push_str("</table>\n");
        }
        text.push_str("</body>\n</html>\n");
        text
    }

    fn title(&self, language: Language) -> String {
        match language {
            Language::Ko => format!("과세가격 계산서 (수입신고일 {})", self.declared),
            Language::En => format!("Valuation worksheet (import declaration of {})", self.declared),
        }
    }

    fn summary(&self, language: Language) -> String {
        let said = match (self.status, &self.totals.customs_value, language) {
            (Status::Complete, Some(value), Language::Ko) => {
                format!("과세가격 {}{}", value.grouped(2), if self.currency.code() == "KRW" { "원" } else { "달러" })
            }
            (Status::Complete, Some(value), Language::En) => {
                format!("Customs value {} {}", self.currency, value.grouped(2))
            }
            (.., Language::Ko) => "사실이 부족하여 과세가격을 정할 수 없습니다. 부족한 사실은 아래와 같습니다.".into(),
            (.., Language::En) => "The customs value cannot be determined: facts are missing, as listed below.".into(),
        };
        let method = match (self.method, language) {
            (Some(method), Language::Ko) => format!(" (제{method}방법)"),
            (Some(method), Language::En) => format!(" (method {method})"),
            (None, _) => String::new(),
        };
        let provisional = match (self.provisional, language) {
            (true, Language::Ko) => ", 잠정가격",
            (true, Language::En) => ", provisional",
            (false, _) => "",
        };
        said + &method + provisional
    }

    fn sections(&self, language: Language) -> Vec<Section> {
        let korean = language == Language::Ko;
        let pick = |ko, en| if korean { ko } else { en };
        let refs = |refs: &[&'static str]| in_words(refs, language);
        let told = |reasons: &[Reason]| -> String {
            let told = reasons.iter().map(|r| format!("{} ({})", r.words.in_language(language), refs(&r.refs)));
            told.collect::<Vec<_>>().join("; ")
        };
        let mut sections = Vec::new();
        if !self.missing.is_empty() {
            sections.push(Section {
                heading: pick("부족한 사실", "Missing facts"),
                columns: vec![pick("방법", "Method"), pick("항목", "Key"), pick("내용", "Fact"), pick("근거", "Law")],
                rows: self
                    .missing
                    .iter()
                    .map(|missing| {
                        let fact = missing.words.in_language(language).to_owned();
                        vec![missing.method.to_string(), format!("`{}`", missing.key), fact, refs(&missing.refs)]
                    })
                    .collect(),
            });
        }
        sections.push(Section {
            heading: pick("과세가격 결정방법", "Methods"),
            columns: vec![
                pick("방법", "Method"),
                pick("물품", "Goods"),
                pick("결과", "Outcome"),
                pick("이유", "Reasons"),
            ],
            rows: self
                .steps
                .iter()
                .map(|step| {
                    let outcome = match step.outcome {
                        Outcome::Applies => pick("적용", "applies"),
                        Outcome::DoesNotApply => pick("적용 불가", "does not apply"),
                        Outcome::Undecided => pick("판단 불가", "undecided"),
                    };
                    let goods = step.goods.map_or_else(|| pick("전체", "all").into(), |at| (at + 1).to_string());
                    let method = format!("{}. {}", step.method, step.label.in_language(language));
                    vec![method, goods, outcome.into(), told(&step.reasons)]
                })
                .collect(),
        });
        if !self.lines.is_empty() {
            let rows = self.lines.iter().map(|line| self.row(line, language)).collect();
            sections.push(Section {
                heading: pick("계산", "Computation"),
                columns: vec![
                    pick("항목", "Item"),
                    pick("구분", "Effect"),
                    pick("금액", "Amount"),
                    if self.currency.code() == "KRW" { pick("원화", "KRW") } else { pick("미화", "USD") },
                    pick("근거", "Law"),
                ],
                rows,
            });
        }
        if self.status == Status::Complete {
            if self.goods.len() > 1 {
                sections.push(self.goods_section(language));
            }
            sections.push(self.totals_section(language));
        } else if let Some(so_far) = &self.totals.so_far {
            sections.push(Section {
                heading: pick("지금까지 확인된 금액", "What can be said so far"),
                columns: vec![pick("항목", "Item"), pick("금액", "Amount")],
                rows: vec![vec![pick("합계", "Sum").into(), so_far.grouped(DIGITS)]],
            });
        }
        if !self.rates.is_empty() {
            let rows = self.rates.iter().map(|rate| {
                let week = match (rate.from, rate.to) {
                    (Some(from), Some(to)) => format!("{from} ~ {to}"),
                    _ => String::new(),
                };
                let quoted = format!("{} {}", rate.per.plain(0), rate.currency);
                vec![quoted, rate.rate.grouped(DIGITS), week, refs(&rate.refs)]
            });
            sections.push(Section {
                heading: pick("과세환율", "Exchange rates"),
                columns: vec![
                    pick("통화", "Currency"),
                    pick("환율", "Rate"),
                    pick("적용 주", "Week"),
                    pick("근거", "Law"),
                ],
                rows: rows.collect(),
            });
        }
        if !self.notes.is_empty() {
            sections.push(Section {
                heading: pick("알림", "Notes"),
                columns: vec![pick("내용", "Note"), pick("근거", "Law")],
                rows: self
                    .notes
                    .iter()
                    .map(|note| vec![note.words.in_language(language).to_owned(), refs(&note.refs)])
                    .collect(),
            });
        }
        sections
    }

    fn row(&self, line: &Line, language: Language) -> Vec<String> {
        let korean = language == Language::Ko;
        let effect = match (line.effect, korean) {
            (Effect::Add, true) => "가산",
            (Effect::Add, false) => "added",
            (Effect::Deduct, true) => "공제",
            (Effect::Deduct, false) => "deducted",
            (Effect::None, true) => "제외",
            (Effect::None, false) => "left out",
            (Effect::Tax, true) => "세액",
            (Effect::Tax, false) => "tax",
        };
        let mut label = line.label.in_language(language).to_owned();
        if let Some(version) = line.version {
            let text = version.text.in_language(language);
            let _ = match language {
                Language::Ko => write!(label, " [{} 시행: {text}]", version.from),
                Language::En => write!(label, " [in force from {}: {text}]", version.from),
            };
        }
        if let Some(at) = line.goods {
            let _ = write!(label, " #{}", at + 1);
        }
        let amount = format!("{} {}", line.currency, line.amount.grouped(DIGITS));
        vec![label, effect.into(), amount, line.home.grouped(DIGITS), in_words(&line.refs, language)]
    }

    fn goods_section(&self, language: Language) -> Section {
        let korean = language == Language::Ko;
        let pick = |ko, en| if korean { ko } else { en };
        let rows = self.goods.iter().enumerate().map(|(at, goods)| {
            let taxes = &goods.taxes;
            vec![
                (at + 1).to_string(),
                goods.description.clone(),
                goods.method.to_string(),
                taxes.customs_value.grouped(2),
                taxes.duty.grouped(2),
                taxes.vat.grouped(2),
            ]
        });
        Section {
            heading: pick("물품별", "By goods"),
            columns: vec![
                "#",
                pick("품명", "Description"),
                pick("방법", "Method"),
                pick("과세가격", "Customs value"),
                pick("관세", "Duty"),
                pick("부가가치세", "Value-added tax"),
            ],
            rows: rows.collect(),
        }
    }

    fn totals_section(&self, language: Language) -> Section {
        let korean = language == Language::Ko;
        let pick = |ko, en| if korean { ko } else { en };
        let totals = &self.totals;
        let all = [
            (pick("과세가격", "Customs value"), &totals.customs_value, true),
            (pick("관세", "Duty"), &totals.duty, true),
            (pick("개별소비세", "Individual consumption tax"), &totals.excise, false),
            (pick("주세", "Liquor tax"), &totals.liquor, false),
            (pick("교통ㆍ에너지ㆍ환경세", "Transport, energy and environment tax"), &totals.transport_energy, false),
            (pick("교육세", "Education tax"), &totals.education, false),
            (pick("농어촌특별세", "Special tax for rural development"), &totals.rural, false),
            (pick("부가가치세", "Value-added tax"), &totals.vat, self.currency.code() == "KRW"),
            (pick("세액 합계", "Duty and taxes"), &totals.taxes, true),
        ];
        let rows = all.iter().filter_map(|(label, amount, always)| {
            let amount = amount.as_ref()?;
            (*always || !amount.is_zero()).then(|| vec![(*label).to_owned(), amount.grouped(2)])
        });
        Section {
            heading: pick("합계", "Totals"),
            columns: vec![pick("항목", "Item"), if self.currency.code() == "KRW" { "KRW" } else { "USD" }],
            rows: rows.collect(),
        }
    }
}

/// References as people write them; one that cannot be read stays as it is.
fn in_words(refs: &[&'static str], language: Language) -> String {
    let words = refs.iter().map(|text| match text.parse::<LegalRef>() {
        Ok(reference) => reference.in_words(language),
        Err(_) => (*text).to_owned(),
    });
    words.collect::<Vec<_>>().join(", ")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

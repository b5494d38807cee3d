//! Drafts on worked examples: the sum as the document works it, and the same sum with one amount changed, worked here in
//! decimals. An example whose sum does not come out exactly as printed yields nothing.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;
use rust_decimal::Decimal;

use super::Draft;
use super::material::{Material, Section, Sentence};
use crate::datasets::{Difficulty, QuestionType};
use crate::lang::Language;

const NUMBER: &str = r"(?:(?:USD|KRW|EUR|JPY|CNY|GBP|미화) )?\d[\d,]*(?:\.\d+)?(?: ?(?:달러|원|유로|엔|위안|%|퍼센트|percent|개월|개|대|톤|일))?";

static SUM: LazyLock<Regex> = LazyLock::new(|| {
    let terms = format!(r"\(*{NUMBER}\)*(?: ?[+\-−–x×÷/] ?\(*{NUMBER}\)*)+");
    Regex::new(&format!(r"(?P<terms>{terms}) = (?P<result>{NUMBER})")).expect("a valid pattern")
});
static DIGITS: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\d[\d,]*(?:\.\d+)?").expect("a valid pattern"));

/// Longest case told before the question, in characters.
const MAX_CASE: usize = 620;

/// Drafts with one amount changed, of one sum.
const MAX_CHANGED: usize = 2;

/// What the terms come to; `None` where they are no sum, or divide by nothing.
pub fn evaluate(terms: &str) -> Option<Decimal> {
    let mut reader = Reader { chars: terms.chars().collect(), at: 0 };
    let value = reader.sum()?;
    reader.skip_words();
    (reader.at == reader.chars.len()).then_some(value)
}

/// Whether `terms = result` holds exactly, whatever the currency.
pub fn holds(calculation: &str) -> bool {
    let Some((terms, result)) = calculation.rsplit_once(" = ") else { return false };
    match (evaluate(terms), evaluate(result)) {
        (Some(worked), Some(stated)) => worked == stated,
        _ => false,
    }
}

/// Reads sums, products, brackets, and numbers among words for units.
struct Reader {
    chars: Vec<char>,
    at: usize,
}

impl Reader {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    /// Passes over blanks, currencies and units; `x` between numbers is no word.
    fn skip_words(&mut self) {
        while let Some(c) = self.peek() {
            let is_times = c == 'x' && self.chars.get(self.at + 1).is_none_or(|c| !c.is_alphabetic());
            if !(c.is_whitespace() || (c.is_alphabetic() && !is_times)) {
                break;
            }
            self.at += 1;
        }
    }

    fn sum(&mut self) -> Option<Decimal> {
        let mut value = self.product()?;
        loop {
            self.skip_words();
            match self.peek() {
                Some('+') => {
                    self.at += 1;
                    value = value.checked_add(self.product()?)?;
                }
                Some('-' | '−' | '–') => {
                    self.at += 1;
                    value = value.checked_sub(self.product()?)?;
                }
                _ => return Some(value),
            }
        }
    }

    fn product(&mut self) -> Option<Decimal> {
        let mut value = self.factor()?;
        loop {
            self.skip_words();
            match self.peek() {
                Some('x' | '×' | '*') => {
                    self.at += 1;
                    value = value.checked_mul(self.factor()?)?;
                }
                Some('÷' | '/') => {
                    self.at += 1;
                    value = value.checked_div(self.factor()?)?;
                }
                _ => return Some(value),
            }
        }
    }

    fn factor(&mut self) -> Option<Decimal> {
        self.skip_words();
        if self.peek()? == '(' {
            self.at += 1;
            let value = self.sum()?;
            self.skip_words();
            if self.peek()? != ')' {
                return None;
            }
            self.at += 1;
            return self.percent(value);
        }
        let start = self.at;
        while self.peek().is_some_and(|c| c.is_ascii_digit() || matches!(c, ',' | '.')) {
            self.at += 1;
        }
        let digits: String = self.chars[start..self.at].iter().filter(|c| **c != ',').collect();
        let value = digits.trim_end_matches('.').parse().ok()?;
        self.percent(value)
    }

    fn percent(&mut self, value: Decimal) -> Option<Decimal> {
        let rest: String = self.chars[self.at..].iter().take(8).collect();
        let sign = ["%", " %", "퍼센트", " percent"].into_iter().find(|sign| rest.starts_with(sign));
        match sign {
            Some(sign) => {
                self.at += sign.chars().count();
                value.checked_div(Decimal::ONE_HUNDRED)
            }
            None => Some(value),
        }
    }
}

/// With commas at the thousands; `None` for more than two decimals.
fn written(value: Decimal) -> Option<String> {
    let value = value.normalize();
    if value.scale() > 2 || value.is_sign_negative() {
        return None;
    }
    let text = value.to_string();
    let (whole, decimals) = text.split_once('.').unwrap_or((&text, ""));
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    Some(if decimals.is_empty() { grouped } else { format!("{grouped}.{decimals}") })
}

pub(super) fn drafts(material: &Material<'_>, drafts: &mut Vec<Draft>) {
    let example: Vec<&Sentence<'_>> = material.sentences.iter().filter(|s| s.section == Section::Example).collect();
    for (at, sentence) in example.iter().enumerate() {
        for (nth, found) in SUM.captures_iter(sentence.text).enumerate() {
            let (Some(terms), Some(result)) = (found.name("terms"), found.name("result")) else { continue };
            // "X = 120,000 − 1,200 = 118,800" is part of a chain, and so is a result that goes on.
            let goes_on =
                sentence.text[result.end()..].starts_with(" =") || sentence.text[..terms.start()].ends_with("= ");
            if goes_on || !holds(&sentence.text[terms.start()..result.end()]) {
                continue;
            }
            let sum = Sum { terms: terms.range(), result: result.range() };
            if nth == 0 {
                as_worked(material, &example[..at], sentence, &sum, drafts);
            }
            changed(material, sentence, &sum, drafts);
        }
    }
}

/// Where a sum stands in its sentence.
struct Sum {
    terms: Range<usize>,
    result: Range<usize>,
}

impl Sum {
    fn difficulty(&self, text: &str) -> Difficulty {
        let num_terms = DIGITS.find_iter(&text[self.terms.clone()]).count();
        if num_terms > 3 { Difficulty::Hard } else { Difficulty::Medium }
    }
}

fn as_worked(
    material: &Material<'_>,
    before: &[&Sentence<'_>],
    sentence: &Sentence<'_>,
    sum: &Sum,
    drafts: &mut Vec<Draft>,
) {
    let lead = sentence.text[..sum.terms.start].trim_end();
    let case: Vec<String> = before.iter().map(|sentence| sentence.text.replace('\n', " ")).collect();
    let case = case.join(" ");
    let result = &sentence.text[sum.result.clone()];
    let Some(amount) = DIGITS.find(result) else { return };
    // Whoever knows the result already is asked nothing, and a case must be told before it is asked about.
    let is_known = DIGITS.find_iter(&case).any(|found| found.as_str() == amount.as_str());
    let num_told = DIGITS
        .find_iter(&sentence.text[sum.terms.clone()])
        .filter(|term| case.contains(term.as_str()) || lead.contains(term.as_str()))
        .count();
    if is_known || case.is_empty() || case.chars().count() > MAX_CASE || lead.is_empty() || num_told < 2 {
        return;
    }
    let (terms, text) = (&sentence.text[sum.terms.clone()], sentence.text.replace('\n', " "));
    let (question, answer) = match material.language() {
        Language::Ko => {
            let asked = match lead.strip_suffix(['은', '는']) {
                Some(_) => format!("{lead} 얼마인가요?"),
                None => format!("{lead} ____ 빈칸에 들어갈 금액은 얼마인가요?"),
            };
            (format!("{case} {asked}"), format!("{result}입니다. {terms} = {result}. 원문: “{text}”"))
        }
        Language::En => {
            let asked = match lead.strip_prefix("The ").and_then(|lead| lead.strip_suffix(" is")) {
                Some(subject) if !subject.contains(',') => format!("What is the {subject}?"),
                _ => format!("{lead} ____. Which amount belongs in the gap?"),
            };
            (format!("{case} {asked}"), format!("{result}, because {terms} = {result}. The text reads: “{text}”"))
        }
    };
    let kind = (QuestionType::Calculation, sum.difficulty(sentence.text));
    let evidence =
        before.iter().map(|s| s.span.clone()).chain([sentence.span.clone()]).map(|span| material.evidence(span));
    let draft = material.draft("as_worked", kind, question, answer, evidence.collect());
    drafts.push(Draft { calculation: Some(format!("{terms} = {result}")), ..draft });
}

/// Another amount in the place of one: by a tenth more, or twice as much where a tenth is no whole number.
fn other_amount(amount: &str) -> Option<String> {
    let value: Decimal = amount.replace(',', "").parse().ok()?;
    if value < Decimal::TEN || value.fract() != Decimal::ZERO {
        return None;
    }
    let tenth = value.checked_div(Decimal::TEN)?;
    written(if tenth.fract() == Decimal::ZERO { value + tenth } else { value + value })
}

fn changed(material: &Material<'_>, sentence: &Sentence<'_>, sum: &Sum, drafts: &mut Vec<Draft>) {
    let terms = &sentence.text[sum.terms.clone()];
    let result = &sentence.text[sum.result.clone()];
    let Some(old_result) = DIGITS.find(result) else { return };
    let amounts: Vec<Range<usize>> = DIGITS.find_iter(terms).map(|found| found.range()).collect();
    let title = material.title();
    let mut num_made = 0;
    // The last amounts first: the first one, the price, is what everyone would change.
    for amount in amounts.into_iter().rev() {
        let old = &terms[amount.clone()];
        let is_share =
            terms[amount.end..].trim_start().starts_with(['%', '퍼']) || terms[amount.end..].starts_with(" percent");
        if num_made == MAX_CHANGED
            || is_share
            || DIGITS.find_iter(terms).filter(|found| found.as_str() == old).count() != 1
        {
            continue;
        }
        let Some(new) = other_amount(old) else { continue };
        let new_terms = format!("{}{new}{}", &terms[..amount.start], &terms[amount.end..]);
        let Some(worked) = evaluate(&new_terms) else { continue };
        let is_percent = result.contains('%') || result.contains("퍼센트") || result.contains("percent");
        let worked = if is_percent { worked * Decimal::ONE_HUNDRED } else { worked };
        let Some(worked) = written(worked) else { continue };
        let new_result = format!("{}{worked}{}", &result[..old_result.start()], &result[old_result.end()..]);
        num_made += 1;
        let (question, answer) = match material.language() {
            Language::Ko => (
                format!(
                    "‘{title}’ 사례의 계산 {terms} = {result}에서 {old} 대신 {new}{} 넣고 나머지는 그대로 두면 결과는 얼마인가요?",
                    object_particle(&new)
                ),
                format!("{new_result}입니다. {new_terms} = {new_result}."),
            ),
            Language::En => (
                format!(
                    "The example on “{title}” works out {terms} = {result}. What is the result if {old} is replaced by {new} and all else stays?"
                ),
                format!("{new_result}, because {new_terms} = {new_result}."),
            ),
        };
        let kind = (QuestionType::Calculation, Difficulty::Hard);
        let draft = material.draft("changed", kind, question, answer, vec![material.evidence(sentence.span.clone())]);
        drafts.push(Draft { calculation: Some(format!("{new_terms} = {new_result}")), ..draft });
    }
}

/// A number ends in a sound that need not be the last digit's ("10" is "십"), so the particle is told by the zeros.
fn object_particle(number: &str) -> &'static str {
    let whole = number.split('.').next().unwrap_or(number).replace(',', "");
    let num_zeros = whole.len() - whole.trim_end_matches('0').len();
    match num_zeros {
        // "만" and "억" end in consonants as "십", "백" and "천" do; "조" is beyond these examples.
        1.. => "을",
        0 => match whole.chars().last() {
            Some('2' | '4' | '5' | '9') => "를",
            _ => "을",
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_worked_as_the_documents_write_them() {
        for sum in [
            "50,000 + 500 + 1,500 + 100 = USD 52,100",
            "USD 85,000 / (1 - 0.15) = USD 100,000",
            "(7 + 6 − 10) × 10,000 = USD 30,000",
            "90,000 / 100,000 = 90%",
            "9,800 x 1,400 = KRW 13,720,000",
            "미화 2,000,000달러 + 미화 200,000달러 + 미화 8,000달러 = 미화 2,208,000달러",
            "200,000,000원 × 5% = 10,000,000원",
            "20,000 x (3.00 + 0.50) = USD 70,000",
        ] {
            assert!(holds(sum), "{sum}");
        }
        for sum in ["1 + 1 = 3", "1 / 0 = 1", "1 + = 1", "(1 + 1 = 2", "one = one"] {
            assert!(!holds(sum), "{sum}");
        }
    }

    #[test]
    fn amounts_are_written_with_commas_and_two_decimals_at_most() {
        let written = |text: &str| written(text.parse().unwrap());
        assert_eq!(written("1234567.50").as_deref(), Some("1,234,567.5"));
        assert_eq!(written("100").as_deref(), Some("100"));
        assert_eq!(written("0.125"), None);
    }
}

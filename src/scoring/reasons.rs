//! Why a row has its score, in words of both languages.
//!
//! In: the contribution of every feature. Out: one reason for the features that are made of the same columns, as a reader
//! thinks of "the price" and not of five numbers made of it; contributions add, so theirs is exact. The words tell the
//! feature of the group that weighs most.

use std::collections::BTreeMap;

use serde::Serialize;

use super::features::{Encoder, Fact, Feature, Usual};
use super::leanings::{Kind, Leanings, Party};
use super::mapping::{Mapping, Words};
use super::table::Table;

/// A reason.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Told {
    /// Columns of the table that it is about.
    pub columns: Vec<String>,
    /// What they add to the margin, in log-odds: above 0 raises the score.
    pub contribution: f64,
    pub en: String,
    pub ko: String,
}

/// Tells reasons for the rows of a table.
pub struct Reasons<'a> {
    mapping: &'a Mapping,
    encoder: &'a Encoder,
    leanings: &'a Leanings,
    table: &'a Table,
    /// Features of the same columns, and behind them the kinds of parties.
    groups: Vec<(&'a [String], Vec<usize>)>,
}

impl<'a> Reasons<'a> {
    pub fn new(mapping: &'a Mapping, encoder: &'a Encoder, leanings: &'a Leanings, table: &'a Table) -> Self {
        let mut groups: BTreeMap<&[String], Vec<usize>> = BTreeMap::new();
        for (at, feature) in encoder.features.iter().enumerate() {
            groups.entry(&feature.columns).or_default().push(at);
        }
        for (at, kind) in leanings.kinds.iter().enumerate() {
            groups.entry(std::slice::from_ref(&kind.column)).or_default().push(encoder.features.len() + at);
        }
        Self { mapping, encoder, leanings, table, groups: groups.into_iter().collect() }
    }

    /// The `limit` weightiest reasons for a row; none where there are no contributions, which are one a feature and one a
    /// kind of parties.
    pub fn tell(&self, row: usize, contributions: &[f64], limit: usize) -> Vec<Told> {
        if contributions.is_empty() {
            return Vec::new();
        }
        let sum = |features: &Vec<usize>| features.iter().map(|at| contributions[*at]).sum::<f64>();
        let mut groups: Vec<(&[String], &Vec<usize>, f64)> =
            self.groups.iter().map(|(columns, features)| (*columns, features, sum(features))).collect();
        groups.sort_by(|a, b| b.2.abs().total_cmp(&a.2.abs()));
        groups.truncate(limit);
        let told = groups.into_iter().map(|(columns, features, contribution)| {
            // Of features on the group's own side the weightiest, so that the words never speak for the other side.
            let weight = |at: &&usize| contributions[**at] * contribution.signum();
            let heaviest = features.iter().max_by(|a, b| weight(a).total_cmp(&weight(b)));
            let words = heaviest.map(|at| match self.encoder.features.get(*at) {
                Some(feature) => self.words(feature, row),
                None => self.party_words(&self.leanings.kinds[at - self.encoder.features.len()], row),
            });
            let Words { en, ko } = words.unwrap_or(Words { en: String::new(), ko: String::new() });
            Told { columns: columns.to_vec(), contribution, en, ko }
        });
        told.collect()
    }

    fn party_words(&self, kind: &Kind, row: usize) -> Words {
        let text = self.table.categories[&kind.column].text(row);
        let named = self
            .mapping
            .column(&kind.column)
            .map_or_else(|| Words { en: kind.column.clone(), ko: kind.column.clone() }, |column| column.words.clone());
        let [en, ko] = [&named.en, &named.ko].map(|name| group(&[name.as_str()], &[text.to_owned()]));
        party(&en, &ko, kind.party(text))
    }

    fn words(&self, feature: &Feature, row: usize) -> Words {
        let names: Vec<Words> =
            feature.columns.iter().filter_map(|name| Some(self.mapping.column(name)?.words.clone())).collect();
        let joined = |pick: fn(&Words) -> &String| names.iter().map(|words| pick(words).as_str()).collect::<Vec<_>>();
        let (en, ko) = (joined(|words| &words.en), joined(|words| &words.ko));
        match self.encoder.fact(feature, self.table, row) {
            Fact::Number(value) if value.is_nan() => {
                Words { en: format!("{} is missing", en[0]), ko: format!("{} 없음", ko[0]) }
            }
            Fact::Number(value) => {
                let value = plain(value);
                Words { en: format!("{} {value}", en[0]), ko: format!("{} {value}", ko[0]) }
            }
            Fact::UnitPrice(price) | Fact::Position { price, .. } if price.is_nan() => Words {
                en: format!("no unit price: {} or {} is missing or 0", en[0], en[1]),
                ko: format!("단가 없음: {} 또는 {} 값이 없거나 0", ko[0], ko[1]),
            },
            Fact::UnitPrice(price) => {
                let price = plain(price);
                Words {
                    en: format!("{} for one unit of {}: {price}", en[0], en[1]),
                    ko: format!("{} 1단위당 {}: {price}", ko[1], ko[0]),
                }
            }
            Fact::Position { price, usual } => position(price, usual, &en, &ko),
            Fact::Rate { texts, positives, rows, overall } => {
                rate(&group(&en, &texts), &group(&ko, &texts), positives, rows, overall)
            }
            Fact::Count { texts, rows } => count(&group(&en, &texts), &group(&ko, &texts), rows),
        }
    }
}

fn position(price: f64, usual: Usual, en: &[&str], ko: &[&str]) -> Words {
    let mean = usual.mean.exp();
    let [price, mean, times] = [price, mean, price / mean].map(plain);
    Words {
        en: format!(
            "{} for one unit of {}: {price}, {times} times the {mean} that is usual for such goods",
            en[0], en[1]
        ),
        ko: format!("{} 1단위당 {}: {price}, 같은 종류 물품의 통상 수준 {mean}의 {times}배", ko[1], ko[0]),
    }
}

fn count(en: &str, ko: &str, rows: u32) -> Words {
    Words { en: format!("{en}: seen in {rows} earlier declarations"), ko: format!("{ko}: 과거 신고 {rows}건") }
}

fn rate(en: &str, ko: &str, positives: u32, rows: u32, overall: f64) -> Words {
    let overall = percent(overall);
    if rows == 0 {
        return Words { en: format!("{en}: never seen in training"), ko: format!("{ko}: 학습 자료에 없음") };
    }
    let share = percent(f64::from(positives) / f64::from(rows));
    Words {
        en: format!(
            "{en}: {positives} of {rows} earlier declarations were found fraudulent ({share}, overall {overall})"
        ),
        ko: format!("{ko}: 과거 신고 {rows}건 중 {positives}건 적발({share}, 전체 {overall})"),
    }
}

fn party(en: &str, ko: &str, Party { positives, rows, expected, .. }: Party) -> Words {
    if rows == 0 {
        return rate(en, ko, 0, 0, 0.0);
    }
    Words {
        en: format!(
            "{en}: {positives} of {rows} earlier declarations were found fraudulent, where {expected:.1} were to be \
             expected"
        ),
        ko: format!("{ko}: 과거 신고 {rows}건 중 {positives}건 적발(기대 {expected:.1}건)"),
    }
}

/// `HS code 4202, country of origin CN`
fn group(names: &[&str], texts: &[String]) -> String {
    let named = names
        .iter()
        .zip(texts)
        .map(|(name, text)| if text.is_empty() { format!("{name} -") } else { format!("{name} {text}") });
    named.collect::<Vec<_>>().join(", ")
}

fn percent(share: f64) -> String {
    format!("{:.0}%", share * 100.0)
}

/// Three digits that count, and all those before the point.
pub(super) fn plain(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 || size >= 100.0 {
        return format!("{value:.0}");
    }
    let decimals = (2 - size.log10().floor() as i32).clamp(0, 6) as usize;
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_by_three_digits() {
        let told = [0.0, 1_234_567.8, 12.345, 1.0, 0.0123456, -7.12345, 99.96].map(plain);
        assert_eq!(told, ["0", "1234568", "12.3", "1.00", "0.0123", "-7.12", "100.0"]);
    }

    #[test]
    fn a_price_is_told_against_what_is_usual() {
        let usual = Usual { mean: 100.0_f64.ln(), spread: 1.0 };
        let words = position(25.0, usual, &["customs value", "net mass in kg"], &["과세가격", "신고중량(KG)"]);
        assert_eq!(
            words.en,
            "customs value for one unit of net mass in kg: 25.0, 0.250 times the 100 that is usual for such goods"
        );
        assert_eq!(words.ko, "신고중량(KG) 1단위당 과세가격: 25.0, 같은 종류 물품의 통상 수준 100의 0.250배");
    }

    #[test]
    fn a_group_is_told_by_its_history_or_the_lack_of_it() {
        let words = rate("HS code 4202", "HS 부호 4202", 3, 12, 0.2);
        assert_eq!(words.en, "HS code 4202: 3 of 12 earlier declarations were found fraudulent (25%, overall 20%)");
        assert_eq!(words.ko, "HS 부호 4202: 과거 신고 12건 중 3건 적발(25%, 전체 20%)");
        assert!(rate("x", "x", 0, 0, 0.2).en.ends_with("never seen in training"));
    }
}

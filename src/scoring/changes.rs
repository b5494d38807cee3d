//! What would have to stand in a declaration for it not to be red: the smallest change of one field at a time, all else as
//! declared.
//!
//! In: a red row, and from which rank on it is red. Out: [`Changes`]. Only fields that the declarant fills in are changed
//! (the mapping's `declared`), and the model is asked anew about each change, all features that hang on the field with
//! it. This tells of associations in the past, neither of causes nor of what ought to be declared, and says so.

use serde::Serialize;

use super::capacity::Rank;
use super::mapping::{Role, Words};
use super::model::Model;
use super::reasons::plain;
use super::table::{Categories, Table};
use crate::lang::grouped;

/// What would take a row out of the red.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Changes {
    /// The smallest first; numbers before texts, of which none is smaller than another.
    pub changes: Vec<Change>,
    /// How to read them.
    pub en: &'static str,
    pub ko: &'static str,
}

/// One field with another content.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    pub column: String,
    pub from: String,
    pub to: String,
    /// Probability of fraud with it.
    pub score: f64,
    pub en: String,
    pub ko: String,
}

const READ_EN: &str = "Associations in past declarations, with all else as declared: neither causes nor advice. \
    A declaration states what is true.";
const READ_KO: &str = "과거 신고에서 나타난 연관일 뿐 원인이나 권고가 아니며, 그 밖의 항목은 신고한 대로 둔 경우이다. \
    신고는 사실대로 하여야 한다.";

/// Steps of a number, up and down, each by a twentieth: to a fifth and to five times at the furthest.
const STEP: f64 = 1.05;
const NUM_STEPS: i32 = 33;
/// Other texts of a field that are tried, the most usual first.
const NUM_TEXTS: usize = 12;

/// Looks for changes of the rows of a table.
pub struct Search<'a> {
    model: &'a Model,
    table: &'a Table,
    by: Rank,
    fields: Vec<Field<'a>>,
}

struct Field<'a> {
    name: &'a str,
    role: &'a Role,
    words: &'a Words,
    /// Texts that are usual in this field.
    usual: Vec<&'a str>,
}

/// A field with what is tried in its place.
struct Trial<'a> {
    field: &'a Field<'a>,
    to: Content,
    /// Steps away, or the place among texts.
    distance: i32,
}

enum Content {
    Number(f64),
    Text(String),
}

impl<'a> Search<'a> {
    pub fn new(model: &'a Model, table: &'a Table, by: Rank) -> Self {
        let field = |name: &'a String| {
            let column = model.mapping.column(name)?;
            let mut usual: Vec<(&str, u32)> = match column.role {
                // Another code among all would be other goods.
                Role::Category => model.encoder.known(&[name]).map(|(text, (_, rows))| (text, rows)).collect(),
                _ => Vec::new(),
            };
            usual.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
            let usual = usual.into_iter().map(|(text, _)| text).take(NUM_TEXTS).collect();
            Some(Field { name, role: &column.role, words: &column.words, usual })
        };
        Self { model, table, by, fields: model.mapping.declared.iter().filter_map(field).collect() }
    }

    /// Changes that take a row below `red_from`; `None` where the mapping does not say what a declarant fills in.
    pub fn of(&self, row: usize, red_from: f64) -> Option<Changes> {
        if self.fields.is_empty() {
            return None;
        }
        let trials: Vec<Trial<'_>> = self.fields.iter().flat_map(|field| self.trials(field, row)).collect();
        let table = self.with(row, &trials);
        let judged = self.model.judge(&table);
        let is_out: Vec<bool> = judged.ranks(self.by).iter().map(|rank| *rank < red_from).collect();
        let mut found: Vec<(i32, Change)> = Vec::new();
        for field in &self.fields {
            let leaves = (0..trials.len()).filter(|at| is_out[*at] && std::ptr::eq(trials[*at].field, field));
            let Some(at) = leaves.min_by_key(|at| trials[*at].distance) else { continue };
            let distance = match trials[at].to {
                Content::Number(_) => trials[at].distance,
                Content::Text(_) => i32::MAX,
            };
            found.push((distance, self.told(row, &trials[at], judged.probabilities[at])));
        }
        found.sort_by_key(|(distance, _)| *distance);
        Some(Changes { changes: found.into_iter().map(|(_, change)| change).collect(), en: READ_EN, ko: READ_KO })
    }

    fn trials(&'a self, field: &'a Field<'a>, row: usize) -> Vec<Trial<'a>> {
        let Some(column) = self.table.categories.get(field.name) else {
            let value = self.table.numbers[field.name][row];
            if value.is_nan() || value == 0.0 {
                return Vec::new();
            }
            let steps = (1..=NUM_STEPS).flat_map(|distance| [(distance, distance), (distance, -distance)]);
            let trial = |(distance, power)| Trial { field, to: Content::Number(value * STEP.powi(power)), distance };
            return steps.map(trial).collect();
        };
        let current = column.text(row);
        let mut texts: Vec<&str> = self.beside(field, row);
        for text in &field.usual {
            if !texts.contains(text) {
                texts.push(text);
            }
        }
        texts.retain(|text| *text != current && !text.is_empty());
        let trial =
            |(place, text): (usize, &str)| Trial { field, to: Content::Text(text.into()), distance: place as i32 };
        texts.into_iter().take(NUM_TEXTS).enumerate().map(trial).collect()
    }

    /// What stands in the field of earlier declarations that are otherwise of the same kind, the most usual first: of
    /// crossings that end with it, those that begin as the row does; of a goods code, those of the same heading too.
    fn beside(&self, field: &Field<'_>, row: usize) -> Vec<&'a str> {
        let mapping = &self.model.mapping;
        let mut found: Vec<(&str, u32)> = Vec::new();
        for crossing in mapping.crossings.iter().filter(|crossing| crossing.last().is_some_and(|l| l == field.name)) {
            let columns: Vec<&str> = crossing.iter().map(String::as_str).collect();
            let others = &columns[..columns.len() - 1];
            found.extend(self.model.encoder.known_beside(&columns, others, self.table, row));
        }
        if *field.role == Role::Hs {
            let code = self.table.categories[field.name].text(row);
            let heading = code.get(..4).unwrap_or(code);
            found.extend(self.model.encoder.known_from(field.name, heading));
        }
        found.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        let mut texts: Vec<&str> = Vec::new();
        for (text, _) in found {
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        texts
    }

    /// The row once for each trial.
    fn with(&self, row: usize, trials: &[Trial<'_>]) -> Table {
        let mut table = Table { lines: vec![self.table.lines[row]; trials.len()], ..Table::default() };
        for (name, numbers) in &self.table.numbers {
            let number = |trial: &Trial<'_>| match trial.to {
                Content::Number(number) if trial.field.name == name => number,
                _ => numbers[row],
            };
            table.numbers.insert(name.clone(), trials.iter().map(number).collect());
        }
        for (name, column) in &self.table.categories {
            let mut changed = Categories { codes: vec![0; trials.len()], texts: vec![column.text(row).to_owned()] };
            for (at, trial) in trials.iter().enumerate() {
                if let (true, Content::Text(text)) = (trial.field.name == name, &trial.to) {
                    changed.codes[at] = changed.texts.len() as u32;
                    changed.texts.push(text.clone());
                }
            }
            table.categories.insert(name.clone(), changed);
        }
        table
    }

    fn told(&self, row: usize, trial: &Trial<'_>, score: f64) -> Change {
        let name = trial.field.name;
        let (from, to, by) = match &trial.to {
            Content::Number(to) => {
                let from = self.table.numbers[name][row];
                (number(from), number(*to), format!(" ({:+.0}%)", (to / from - 1.0) * 100.0))
            }
            Content::Text(to) => (self.table.categories[name].text(row).to_owned(), to.clone(), String::new()),
        };
        let Words { en, ko } = trial.field.words;
        let shown = if from.is_empty() { "-" } else { &from };
        Change {
            en: format!("{en} {to} instead of {shown}{by}: not red, probability {score:.3}"),
            ko: format!("{ko} {shown} 대신 {to}{by}: 적색 아님, 확률 {score:.3}"),
            column: name.to_owned(),
            from,
            to,
            score,
        }
    }
}

/// As people write it; a change by a twentieth shows in three digits.
fn number(value: f64) -> String {
    if value.abs() < 1000.0 { plain(value) } else { grouped(value.round() as i64) }
}

//! What rows are grouped by: one column, the first digits of a goods code, or several of these together.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::scoring::table::{Categories, Table};

/// Columns that rows agree in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Key {
    pub parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    pub column: String,
    /// Of a goods code, only its first digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digits: Option<usize>,
}

/// Between the parts of a key's text; no code holds it.
pub(super) const SEPARATOR: char = '|';

impl Key {
    pub fn of(columns: &[&str]) -> Self {
        let part = |column: &&str| Part { column: (*column).to_owned(), digits: None };
        Self { parts: columns.iter().map(part).collect() }
    }

    pub fn digits(column: &str, digits: usize) -> Self {
        Self { parts: vec![Part { column: column.to_owned(), digits: Some(digits) }] }
    }

    pub fn and(mut self, column: &str) -> Self {
        self.parts.push(Part { column: column.to_owned(), digits: None });
        self
    }

    /// A name such as `hs4` or `hs_origin`.
    pub fn name(&self) -> String {
        let name = |part: &Part| match part.digits {
            Some(digits) => format!("{}{digits}", part.column),
            None => part.column.clone(),
        };
        self.parts.iter().map(name).collect::<Vec<_>>().join("_")
    }

    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().map(|part| part.column.as_str())
    }

    /// The group of one row.
    pub fn text(&self, table: &Table, row: usize) -> String {
        let texts: Vec<String> = self.parts.iter().map(|part| part.text(table, row)).collect();
        texts.join(&SEPARATOR.to_string())
    }

    /// The groups of all rows.
    pub fn groups(&self, table: &Table) -> Categories {
        let mut parts = self.parts.iter().map(|part| part.groups(table));
        let first =
            parts.next().unwrap_or_else(|| Categories { codes: vec![0; table.num_rows()], texts: vec![String::new()] });
        parts.fold(first, |joined, part| cross(&joined, &part))
    }
}

impl Part {
    fn text(&self, table: &Table, row: usize) -> String {
        match table.categories.get(&self.column) {
            Some(column) => self.cut(column.text(row)).to_owned(),
            None => number_text(table.numbers[&self.column][row]),
        }
    }

    fn groups(&self, table: &Table) -> Categories {
        match table.categories.get(&self.column) {
            Some(column) => regroup(column, |text| self.cut(text)),
            None => of_numbers(&table.numbers[&self.column]),
        }
    }

    /// The first digits; a code too short for them counts as missing, as it names no goods at that level.
    fn cut<'a>(&self, text: &'a str) -> &'a str {
        match self.digits {
            Some(digits) => text.get(..digits).unwrap_or(""),
            None => text,
        }
    }
}

fn number_text(number: f64) -> String {
    if number.is_nan() { String::new() } else { number.to_string() }
}

fn of_numbers(numbers: &[f64]) -> Categories {
    let mut groups = Categories::default();
    let mut known: HashMap<u64, u32> = HashMap::new();
    for number in numbers {
        let next = known.len() as u32;
        let code = *known.entry(number.to_bits()).or_insert_with(|| {
            groups.texts.push(number_text(*number));
            next
        });
        groups.codes.push(code);
    }
    groups
}

/// The same rows grouped by what `shorten` leaves of each text.
fn regroup(column: &Categories, shorten: impl Fn(&str) -> &str) -> Categories {
    let mut texts = Vec::new();
    let mut known: HashMap<&str, u32> = HashMap::new();
    let codes: Vec<u32> = column
        .texts
        .iter()
        .map(|text| {
            let text = shorten(text);
            let next = known.len() as u32;
            *known.entry(text).or_insert_with(|| {
                texts.push(text.to_owned());
                next
            })
        })
        .collect();
    Categories { codes: column.codes.iter().map(|code| codes[*code as usize]).collect(), texts }
}

fn cross(left: &Categories, right: &Categories) -> Categories {
    let mut groups = Categories::default();
    let mut known: HashMap<(u32, u32), u32> = HashMap::new();
    for pair in left.codes.iter().zip(&right.codes) {
        let next = known.len() as u32;
        let code = *known.entry((*pair.0, *pair.1)).or_insert_with(|| {
            let (left, right) = (&left.texts[*pair.0 as usize], &right.texts[*pair.1 as usize]);
            groups.texts.push(format!("{left}{SEPARATOR}{right}"));
            next
        });
        groups.codes.push(code);
    }
    groups
}

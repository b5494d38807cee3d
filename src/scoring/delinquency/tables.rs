//! Which tables a delinquency score is made of, and which of their columns is what.
//!
//! In: TOML, a file of one's own or one of `models/mappings/delinquency/`, which are built in. Out: a checked [`Tables`],
//! which gives each table the [`Mapping`] it is read by. What a column means is fixed here; the TOML says its headers.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::rules::Floors;
use crate::assets;
use crate::scoring::Error;
use crate::scoring::mapping::{Column, Mapping, Origin, Role, Words};

/// Headers of the columns of each table, and the floors of grades.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tables {
    pub name: String,
    /// What the tables hold, for a model card.
    pub about: Words,
    #[serde(default)]
    pub origin: Origin,
    ledgers: Headers,
    companies: Headers,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    declarations: Option<Headers>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    audits: Option<Headers>,
    #[serde(default)]
    pub floors: Floors,
}

/// Headers under which each column may stand.
type Headers = BTreeMap<String, Vec<String>>;

/// One of the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Ledgers,
    Companies,
    Declarations,
    Audits,
}

/// A column as it is known here: its name, what it is for, and whether a mapping may leave it out.
type Known = (&'static str, Role, bool);

const MONEY: Role = Role::Number { at_least: Some(0.0) };

impl Kind {
    pub const ALL: [Self; 4] = [Self::Ledgers, Self::Companies, Self::Declarations, Self::Audits];

    /// The name of its file, without the ending.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ledgers => "ledgers",
            Self::Companies => "companies",
            Self::Declarations => "declarations",
            Self::Audits => "audits",
        }
    }

    /// Whether nothing can be done without it.
    pub fn is_needed(self) -> bool {
        matches!(self, Self::Ledgers | Self::Companies)
    }

    fn columns(self) -> Vec<Known> {
        match self {
            Self::Ledgers => vec![
                ("company", Role::Category, false),
                ("month", Role::Month, false),
                ("due", MONEY, false),
                ("paid", MONEY, false),
                ("days_late", MONEY, false),
                ("planted", Role::Truth, true),
            ],
            Self::Companies => vec![
                ("company", Role::Key, false),
                ("founded", Role::Day, false),
                ("closed", Role::Day, true),
                ("phone", Role::Category, true),
                ("address", Role::Category, true),
                ("account", Role::Category, true),
            ],
            Self::Declarations => vec![
                ("declaration", Role::Key, false),
                ("company", Role::Category, false),
                ("date", Role::Day, false),
                ("value", MONEY, false),
                ("duty", MONEY, false),
                ("goods", Role::Hs, true),
            ],
            Self::Audits => {
                vec![("company", Role::Category, false), ("date", Role::Day, false), ("claimed", MONEY, false)]
            }
        }
    }
}

impl Tables {
    /// The tables called `name`, or those of the file at that path.
    ///
    /// # Errors
    /// Neither a known name nor a readable file; a file that is no such mapping.
    pub fn load(name: &str) -> Result<Self, Error> {
        if let Some(text) = assets::text::<assets::Models>(&format!("{FOLDER}{name}.toml")) {
            return Self::parse(&text, name);
        }
        if !name.ends_with(".toml") {
            return Err(Error::UnknownMapping { name: name.into(), known: known().join("`, `") });
        }
        let text = fs_err::read_to_string(Path::new(name))
            .map_err(|source| Error::Unreadable { name: name.into(), source })?;
        Self::parse(&text, name)
    }

    /// # Errors
    /// Text that is no mapping of such tables, with the reason.
    pub fn parse(text: &str, origin: &str) -> Result<Self, Error> {
        let wrong = |reason: String| Error::Mapping { origin: origin.into(), reason };
        let tables: Self = toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
        tables.check().map_err(wrong)?;
        Ok(tables)
    }

    /// What a table is read by; `None` where the TOML leaves it out.
    pub fn mapping(&self, kind: Kind) -> Option<Mapping> {
        let headers = self.headers(kind)?;
        let column = |(name, role, _): Known| {
            let headers = headers.get(name)?.clone();
            Some(Column { name: name.into(), headers, role, words: Words { en: name.into(), ko: name.into() } })
        };
        Some(Mapping {
            name: self.name.clone(),
            about: self.about.clone(),
            origin: self.origin,
            crossings: Vec::new(),
            parties: Vec::new(),
            declared: Vec::new(),
            fairness: Vec::new(),
            columns: kind.columns().into_iter().filter_map(column).collect(),
            unit_price: None,
            revenue: None,
            twins: None,
            known: Vec::new(),
        })
    }

    fn headers(&self, kind: Kind) -> Option<&Headers> {
        match kind {
            Kind::Ledgers => Some(&self.ledgers),
            Kind::Companies => Some(&self.companies),
            Kind::Declarations => self.declarations.as_ref(),
            Kind::Audits => self.audits.as_ref(),
        }
    }

    fn check(&self) -> Result<(), String> {
        for kind in Kind::ALL {
            let Some(headers) = self.headers(kind) else { continue };
            let (table, known) = (kind.name(), kind.columns());
            for (name, of_column) in headers {
                if !known.iter().any(|(known, ..)| known == name) {
                    let known: Vec<&str> = known.iter().map(|(known, ..)| *known).collect();
                    return Err(format!("`{table}` has no column `{name}`, and has `{}`", known.join("`, `")));
                }
                if of_column.is_empty() {
                    return Err(format!("`{table}.{name}` has no header"));
                }
                let others = headers.iter().filter(|(other, _)| *other != name);
                if let Some(twice) = others.flat_map(|(_, headers)| headers).find(|header| of_column.contains(header)) {
                    return Err(format!("header `{twice}` stands for two columns of `{table}`"));
                }
            }
            for (name, _, may_be_left_out) in known {
                if !may_be_left_out && !headers.contains_key(name) {
                    return Err(format!("`{table}` lacks `{name}`, which is needed"));
                }
            }
        }
        Ok(())
    }
}

const FOLDER: &str = "mappings/delinquency/";

/// Names of the mappings that are built in.
fn known() -> Vec<String> {
    let files = <assets::Models as rust_embed::Embed>::iter();
    files.filter_map(|file| Some(file.strip_prefix(FOLDER)?.strip_suffix(".toml")?.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: &str = r#"
        name = "x"
        about = { en = "x", ko = "x" }
        [ledgers]
        company = ["ID"]
        month = ["Month"]
        due = ["Due"]
        paid = ["Paid"]
        days_late = ["Days"]
        [companies]
        company = ["ID"]
        founded = ["Founded"]
        [floors]
        exit_ban = "09"
    "#;

    #[track_caller]
    fn assert_refused(from: &str, to: &str, word: &str) {
        assert!(SOUND.contains(from));
        let error = Tables::parse(&SOUND.replacen(from, to, 1), "x.toml").unwrap_err().to_string();
        assert!(error.contains("x.toml") && error.contains(word), "{error}");
    }

    #[test]
    fn every_built_in_mapping_is_sound_and_is_written_as_it_was_read() {
        assert!(known().contains(&"demo".to_owned()));
        for name in known() {
            let tables = Tables::load(&name).unwrap();
            assert_eq!(tables.name, name);
            assert_eq!(Tables::parse(&toml::to_string_pretty(&tables).unwrap(), "x").unwrap(), tables);
            let ledgers = tables.mapping(Kind::Ledgers).unwrap();
            assert_eq!(ledgers.columns[1].role, Role::Month);
        }
    }

    #[test]
    fn a_mapping_that_cannot_be_meant_is_refused_with_its_reason() {
        let tables = Tables::parse(SOUND, "x.toml").unwrap();
        assert_eq!(tables.mapping(Kind::Audits), None);
        assert_refused("due = [\"Due\"]", "", "`ledgers` lacks `due`");
        assert_refused("due = [\"Due\"]", "dues = [\"Due\"]", "no column `dues`, and has `company`");
        assert_refused("due = [\"Due\"]", "due = []", "`ledgers.due` has no header");
        assert_refused("\"Due\"", "\"Paid\"", "header `Paid` stands for two columns of `ledgers`");
        assert_refused("exit_ban", "exit", "exit");
        assert_refused("\"09\"", "\"11\"", "`11` is no grade");
        assert!(Tables::load("demos").unwrap_err().to_string().contains("`demo`"));
    }
}

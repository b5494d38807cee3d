//! Which column of a table is what: the mapping between a customer's headers and the words the models use.
//!
//! In: TOML, a file of one's own or one of `models/mappings/`, which are built in. Out: a checked [`Mapping`]. A column
//! that is known and left out says why, so that nobody adds it back without knowing.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Error;
use crate::assets;

/// A table's columns and what is made of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    pub name: String,
    /// What the table holds, for a model card.
    pub about: Words,
    /// Where the rows come from unless their sha256 is known.
    #[serde(default)]
    pub origin: Origin,
    /// Columns whose values together make groups with a history.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub crossings: Vec<Vec<String>>,
    /// Columns that name those who act, each with a leaning of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parties: Vec<String>,
    /// Columns that the declarant fills in at will: what would change a score is told of these alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub declared: Vec<String>,
    #[serde(rename = "column")]
    pub columns: Vec<Column>,
    /// Groups that a law would ask about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fairness: Vec<Sorting>,
    #[serde(default)]
    pub unit_price: Option<UnitPrice>,
    #[serde(default)]
    pub revenue: Option<Revenue>,
    #[serde(default)]
    pub twins: Option<Twins>,
    #[serde(default)]
    pub known: Vec<Known>,
}

/// The same in both languages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Words {
    pub en: String,
    pub ko: String,
}

/// One column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "ColumnTable", into = "ColumnTable")]
pub struct Column {
    /// What the models call it.
    pub name: String,
    /// Any of these heads it in a file.
    pub headers: Vec<String>,
    pub role: Role,
    /// What people call it; empty only for what is no input.
    pub words: Words,
}

/// What a column is for.
#[derive(Clone, Debug, PartialEq)]
pub enum Role {
    /// Names a row; no two rows share one.
    Key,
    /// The day of the row, as `2026-01-31` or `20260131`.
    Date,
    /// What is learnt: texts that mean yes, and texts that mean no.
    Label {
        positive: Vec<String>,
        negative: Vec<String>,
    },
    /// A goods code of the Harmonized System, with or without dots.
    Hs,
    Category,
    Number {
        at_least: Option<f64>,
    },
    /// A day that may be missing, beside the one that orders the rows; of the tables of companies alone.
    Day,
    /// A month, as `2026-01`, `202601` or a day in it; of the tables of companies alone.
    Month,
    /// The probability that the label was drawn with, which only an invented world knows: never an input, but what the
    /// best possible score is measured by.
    Truth,
    /// What was assessed in addition upon a finding; of rows without a finding it is not asked.
    Amount,
    /// What a finding brings whether there is one or not, which only an invented world knows: as [`Role::Truth`].
    AmountTruth,
    /// Known and left out.
    Unused {
        reason: String,
    },
}

/// A column as written.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ColumnTable {
    name: String,
    headers: Vec<String>,
    role: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    positive: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    negative: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at_least: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    en: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    ko: String,
}

impl TryFrom<ColumnTable> for Column {
    type Error = String;

    fn try_from(table: ColumnTable) -> Result<Self, String> {
        let ColumnTable { name, headers, role, positive, negative, at_least, reason, en, ko } = table;
        let fits_not = |field: &str| Err(format!("column `{name}`: `{field}` does not go with the role `{role}`"));
        if role != "label" && !(positive.is_empty() && negative.is_empty()) {
            return fits_not("positive` or `negative");
        }
        if role != "number" && at_least.is_some() {
            return fits_not("at_least");
        }
        if role != "unused" && reason.is_some() {
            return fits_not("reason");
        }
        let role = match (role.as_str(), reason) {
            ("key", _) => Role::Key,
            ("date", _) => Role::Date,
            ("label", _) if positive.is_empty() || negative.is_empty() => {
                return Err(format!("column `{name}`: a label takes `positive` and `negative`"));
            }
            ("label", _) => Role::Label { positive, negative },
            ("hs", _) => Role::Hs,
            ("category", _) => Role::Category,
            ("number", _) => Role::Number { at_least },
            ("truth", _) => Role::Truth,
            ("amount", _) => Role::Amount,
            ("amount_truth", _) => Role::AmountTruth,
            ("unused", Some(reason)) => Role::Unused { reason },
            ("unused", None) => return Err(format!("column `{name}` is unused and does not say the `reason`")),
            (other, _) => {
                let known = "key, date, label, hs, category, number, truth, amount, amount_truth, unused";
                return Err(format!("column `{name}` has the role `{other}`, and roles are {known}"));
            }
        };
        Ok(Self { name, headers, role, words: Words { en, ko } })
    }
}

impl From<Column> for ColumnTable {
    fn from(column: Column) -> Self {
        let Column { name, headers, role, words: Words { en, ko } } = column;
        let table = Self { name, headers, en, ko, ..Self::default() };
        match role {
            Role::Key => Self { role: "key".into(), ..table },
            Role::Date => Self { role: "date".into(), ..table },
            Role::Label { positive, negative } => Self { role: "label".into(), positive, negative, ..table },
            Role::Hs => Self { role: "hs".into(), ..table },
            Role::Category => Self { role: "category".into(), ..table },
            Role::Number { at_least } => Self { role: "number".into(), at_least, ..table },
            Role::Day => Self { role: "day".into(), ..table },
            Role::Month => Self { role: "month".into(), ..table },
            Role::Truth => Self { role: "truth".into(), ..table },
            Role::Amount => Self { role: "amount".into(), ..table },
            Role::AmountTruth => Self { role: "amount_truth".into(), ..table },
            Role::Unused { reason } => Self { role: "unused".into(), reason: Some(reason), ..table },
        }
    }
}

/// Value for a quantity, by the names of columns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnitPrice {
    pub value: String,
    pub quantity: String,
    pub goods: String,
    pub origin: String,
    /// What the goods are called, where that tells more than their code, or another thing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
}

/// How declarations are sorted to see whether they are treated alike: by the content of a column, by its number in
/// bands, or by how often its content was met before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sorting {
    pub column: String,
    /// Where bands of a number part.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cuts: Vec<f64>,
    /// Where bands part of the number of earlier declarations with the same content: the size of a company.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<u32>,
}

/// What the amount of a finding is a share of: a share is alike for a crate and for a shipload.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revenue {
    pub of: String,
}

/// Rows that agree in these columns are twins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Twins {
    pub columns: Vec<String>,
}

/// A data set known by its files' sha256.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    pub origin: Origin,
    pub sha256: Vec<String>,
}

/// What a model learnt from, which every score repeats.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// The administration's own rows.
    #[default]
    Customer,
    /// Files that say nothing of where they come from.
    Unstated,
    /// A generated world: says nothing of the field.
    Demo,
    /// A published synthetic set: says nothing of the field.
    PublicSynthetic,
}

impl Origin {
    pub fn words(self) -> Words {
        let (en, ko) = match self {
            Self::Customer => ("the administration's own data", "기관 자체 자료"),
            Self::Unstated => ("data whose origin was not stated", "출처를 밝히지 않은 자료"),
            Self::Demo => {
                ("demo data, generated: says nothing of the field", "시연용으로 생성한 자료이며 현장을 말해 주지 않음")
            }
            Self::PublicSynthetic => {
                ("a public synthetic set: says nothing of the field", "공개된 합성 자료이며 현장을 말해 주지 않음")
            }
        };
        Words { en: en.into(), ko: ko.into() }
    }
}

impl Mapping {
    /// The mapping called `name`, or the one in the file at that path.
    ///
    /// # Errors
    /// Neither a known name nor a readable file; a file that is not a mapping.
    pub fn load(name: &str) -> Result<Self, Error> {
        if let Some(text) = assets::text::<assets::Models>(&format!("mappings/{name}.toml")) {
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
    /// Text that is not a mapping, with the reason.
    pub fn parse(text: &str, origin: &str) -> Result<Self, Error> {
        let wrong = |reason: String| Error::Mapping { origin: origin.into(), reason };
        let mapping: Self = toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
        mapping.check().map_err(wrong)?;
        Ok(mapping)
    }

    /// The column of this name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The columns a model may look at.
    pub fn inputs(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(|column| column.is_input())
    }

    /// Where a file with this sha256 comes from.
    pub fn origin_of(&self, sha256: &str) -> Origin {
        let known = self.known.iter().find(|known| known.sha256.iter().any(|hash| hash == sha256));
        known.map_or(self.origin, |known| known.origin)
    }

    fn check(&self) -> Result<(), String> {
        for (at, column) in self.columns.iter().enumerate() {
            if self.columns[..at].iter().any(|other| other.name == column.name) {
                return Err(format!("column `{}` is there twice", column.name));
            }
            let taken = |header: &&String| self.columns[..at].iter().any(|other| other.headers.contains(header));
            if let Some(header) = column.headers.iter().find(taken) {
                return Err(format!("header `{header}` stands for two columns"));
            }
            if column.headers.is_empty() {
                return Err(format!("column `{}` has no header", column.name));
            }
            if column.is_input() && (column.words.en.is_empty() || column.words.ko.is_empty()) {
                return Err(format!("column `{}` lacks its words, `en` and `ko`", column.name));
            }
        }
        for (role, count) in [
            ("key", self.count(|role| matches!(role, Role::Key))),
            ("date", self.count(|role| matches!(role, Role::Date))),
            ("label", self.count(|role| matches!(role, Role::Label { .. }))),
        ] {
            if count != 1 {
                return Err(format!("{count} columns have the role `{role}`, and it takes one"));
            }
        }
        if self.inputs().next().is_none() {
            return Err("no column is an input".into());
        }
        let num_amounts = self.count(|role| matches!(role, Role::Amount));
        if num_amounts != usize::from(self.revenue.is_some()) {
            return Err(format!(
                "{num_amounts} columns have the role `amount`; it takes one beside `revenue`, and none without"
            ));
        }
        if let Some(revenue) = &self.revenue {
            self.has(&revenue.of, "revenue.of", |role| matches!(role, Role::Number { .. }))?;
        }
        if let Some(price) = &self.unit_price {
            self.has(&price.value, "unit_price.value", |role| matches!(role, Role::Number { .. }))?;
            self.has(&price.quantity, "unit_price.quantity", |role| matches!(role, Role::Number { .. }))?;
            self.has(&price.goods, "unit_price.goods", |role| matches!(role, Role::Hs))?;
            self.has(&price.origin, "unit_price.origin", |role| matches!(role, Role::Category))?;
            if let Some(item) = &price.item {
                self.has(item, "unit_price.item", |role| matches!(role, Role::Category))?;
            }
        }
        for crossing in &self.crossings {
            if crossing.len() < 2 {
                return Err(format!("a crossing takes two columns or more, and one has {}", crossing.len()));
            }
            for name in crossing {
                self.has(name, "crossings", |role| matches!(role, Role::Category | Role::Hs))?;
            }
        }
        for Sorting { column, cuts, rows } in &self.fairness {
            let is_number = !cuts.is_empty();
            if is_number && !rows.is_empty() {
                return Err(format!("`fairness` of column `{column}` has both `cuts` and `rows`"));
            }
            if !cuts.is_sorted() || !rows.is_sorted() {
                return Err(format!("`fairness` of column `{column}` has bands that do not rise"));
            }
            self.has(column, "fairness.column", |role| matches!(role, Role::Number { .. }) == is_number)?;
        }
        for name in &self.declared {
            self.has(name, "declared", |_| true)?;
        }
        for name in &self.parties {
            self.has(name, "parties", |role| matches!(role, Role::Category))?;
        }
        for name in self.twins.iter().flat_map(|twins| &twins.columns) {
            self.has(name, "twins", |_| true)?;
        }
        Ok(())
    }

    fn count(&self, is: impl Fn(&Role) -> bool) -> usize {
        self.columns.iter().filter(|column| is(&column.role)).count()
    }

    fn has(&self, name: &str, place: &str, fits: impl Fn(&Role) -> bool) -> Result<(), String> {
        match self.column(name) {
            Some(column) if column.is_input() && fits(&column.role) => Ok(()),
            Some(_) => Err(format!("`{place}` names column `{name}`, whose role does not fit")),
            None => Err(format!("`{place}` names column `{name}`, which is not there")),
        }
    }
}

impl Column {
    pub fn is_input(&self) -> bool {
        matches!(self.role, Role::Hs | Role::Category | Role::Number { .. })
    }
}

/// Names of the mappings that are built in.
fn known() -> Vec<String> {
    let files = <assets::Models as rust_embed::Embed>::iter();
    let names = files.filter_map(|file| Some(file.strip_prefix("mappings/")?.strip_suffix(".toml")?.to_owned()));
    // Those of other models have folders of their own.
    names.filter(|name| !name.contains('/')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: &str = r#"
        name = "x"
        about = { en = "x", ko = "x" }
        column = [
          { name = "id", headers = ["ID"], role = "key" },
          { name = "day", headers = ["Day"], role = "date" },
          { name = "bad", headers = ["Bad"], role = "label", positive = ["1"], negative = ["0"] },
          { name = "price", headers = ["Price"], role = "number", en = "price", ko = "가격" },
        ]
    "#;

    #[track_caller]
    fn assert_refused(text: &str, word: &str) {
        let error = Mapping::parse(text, "x.toml").unwrap_err().to_string();
        assert!(error.contains("x.toml") && error.contains(word), "{error}");
    }

    #[test]
    fn every_built_in_mapping_is_sound_and_known_by_its_name() {
        assert!(known().contains(&"kr-declarations".to_owned()));
        for name in known() {
            assert_eq!(Mapping::load(&name).unwrap().name, name);
        }
    }

    #[test]
    fn a_mapping_that_cannot_be_meant_is_refused_with_its_reason() {
        Mapping::parse(SOUND, "x.toml").unwrap();
        assert_refused(&SOUND.replace("role = \"key\"", "role = \"kee\""), "kee");
        assert_refused(&SOUND.replace("\"Day\"", "\"ID\""), "header `ID` stands for two columns");
        assert_refused(
            &SOUND.replace("role = \"date\"", "role = \"date\", reason = \"x\""),
            "`reason` does not go with the role `date`",
        );
        assert_refused(&SOUND.replace("role = \"date\"", "role = \"unused\""), "does not say the `reason`");
        assert_refused(&SOUND.replace("negative = [\"0\"]", "negative = []"), "takes `positive` and `negative`");
        assert_refused(&SOUND.replace("role = \"date\"", "role = \"key\""), "2 columns have the role `key`");
        assert_refused(&SOUND.replace(", ko = \"가격\"", ""), "column `price` lacks its words");
        assert_refused(&format!("{SOUND}\n[twins]\ncolumns = [\"hs\"]"), "column `hs`, which is not there");
        assert_refused(&format!("{SOUND}\n[twins]\ncolumns = [\"bad\"]"), "whose role does not fit");
        assert_refused(&format!("crossings = [[\"price\"]]\n{SOUND}"), "a crossing takes two columns");
        assert_refused(&format!("crossings = [[\"price\", \"id\"]]\n{SOUND}"), "whose role does not fit");
        assert_refused(&SOUND.replace("name = \"x\"", "nome = \"x\""), "nome");
    }

    #[test]
    fn a_mapping_is_written_as_it_was_read() {
        for name in known() {
            let mapping = Mapping::load(&name).unwrap();
            assert_eq!(Mapping::parse(&toml::to_string_pretty(&mapping).unwrap(), "x").unwrap(), mapping);
        }
    }

    #[test]
    fn an_unknown_mapping_is_told_those_that_are_known() {
        let error = Mapping::load("kr-declaration").unwrap_err().to_string();
        assert!(error.contains("`kr-declaration`") && error.contains("`kr-declarations`"), "{error}");
        assert!(Mapping::load("nowhere/x.toml").unwrap_err().to_string().contains("nowhere/x.toml"));
    }

    #[test]
    fn a_known_file_gives_its_origin_away() {
        let mapping = Mapping::load("kr-declarations").unwrap();
        let hash = &mapping.known[0].sha256[0];
        assert_eq!(mapping.origin_of(hash), Origin::PublicSynthetic);
        assert_eq!(mapping.origin_of("0"), Origin::Customer);
    }
}

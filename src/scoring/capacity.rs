//! How many declarations can be looked at, and the level that this gives each.
//!
//! In: room for red and for yellow, as shares or as counts, and what declarations are ranked by. Out: a [`Level`] each:
//! by the place among usual rows, so that rows of a pipe are levelled as they come; or, where there is a [`Plan`], by the
//! place among the rows of the same office, day, or whatever it names.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Error;
use super::mapping::{Mapping, Role};
use super::table::Table;

/// How many declarations can be looked at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Capacity {
    pub red: Room,
    pub yellow: Room,
    pub by: Rank,
}

/// Room for one level.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(try_from = "toml::Value")]
pub enum Room {
    /// Of all declarations of the group, from 0 to 1.
    Share(f64),
    /// Declarations of the group.
    Count(usize),
}

/// What comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Rank {
    /// The most likely fraudulent.
    #[default]
    Probability,
    /// Those of which most revenue is to be expected.
    Revenue,
}

/// What to do with a declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Release.
    Green,
    /// Look at the documents.
    Yellow,
    /// Inspect.
    Red,
}

/// Room for each group of declarations.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Columns of the mapping whose values together make a group, its date among them.
    pub per: Vec<String>,
    #[serde(default)]
    pub red: Option<Room>,
    #[serde(default)]
    pub yellow: Option<Room>,
    /// Groups with room of their own.
    #[serde(default, rename = "group")]
    pub groups: Vec<Own>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Own {
    /// One for each of the first columns of `per`; what follows may be anything.
    pub values: Vec<String>,
    #[serde(default)]
    pub red: Option<Room>,
    #[serde(default)]
    pub yellow: Option<Room>,
}

/// Levels of all rows, and from which rank on each row's group is red.
#[derive(Debug, Default)]
pub struct Levels {
    pub levels: Vec<Level>,
    pub red_from: Vec<f64>,
}

impl Capacity {
    /// Shares of all, by probability.
    ///
    /// # Errors
    /// Shares outside 0 to 1, or above 1 together.
    pub fn new(red: f64, yellow: f64) -> Result<Self, Error> {
        Self { red: Room::Share(red), yellow: Room::Share(yellow), by: Rank::Probability }.checked()
    }

    /// # Errors
    /// As [`Self::new`].
    pub fn checked(self) -> Result<Self, Error> {
        let limit = "a share from 0 to 1, and `--red` and `--yellow` at most 1 together";
        let share = |room: Room| if let Room::Share(share) = room { share } else { 0.0 };
        for (flag, room) in [("--red", self.red), ("--yellow", self.yellow)] {
            let value = share(room);
            if !(0.0..=1.0).contains(&value) || share(self.red) + share(self.yellow) > 1.0 {
                return Err(Error::Share { flag, value, limit });
            }
        }
        Ok(self)
    }

    /// Whether rows can be levelled one by one: a count is of something.
    pub fn is_by_share(&self) -> bool {
        matches!((self.red, self.yellow), (Room::Share(_), Room::Share(_)))
    }

    /// The level of what so many of the usual rows lie below. Counts are of a group, and there is none.
    pub(super) fn level(&self, below: f64) -> Level {
        let share = |room: Room| if let Room::Share(share) = room { share } else { 0.0 };
        let (red, yellow) = (share(self.red), share(self.yellow));
        if red > 0.0 && below >= 1.0 - red {
            Level::Red
        } else if red + yellow > 0.0 && below >= 1.0 - red - yellow {
            Level::Yellow
        } else {
            Level::Green
        }
    }
}

impl Room {
    /// Places among `rows`, to the nearest one.
    fn of(self, rows: usize) -> usize {
        match self {
            Self::Share(share) => ((rows as f64 * share).round() as usize).min(rows),
            Self::Count(count) => count.min(rows),
        }
    }
}

impl FromStr for Room {
    type Err = String;

    /// `20` is a count, `0.05` a share.
    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(count) = text.parse() {
            return Ok(Self::Count(count));
        }
        match text.parse() {
            Ok(share) if (0.0..=1.0).contains(&share) => Ok(Self::Share(share)),
            _ => Err("room is a share from 0.0 to 1.0 or a whole number of declarations".into()),
        }
    }
}

impl TryFrom<toml::Value> for Room {
    type Error = String;

    fn try_from(value: toml::Value) -> Result<Self, String> {
        value.to_string().parse()
    }
}

impl Levels {
    /// Those of some of the rows.
    #[must_use]
    pub fn part(&self, rows: std::ops::Range<usize>) -> Self {
        Self { levels: self.levels[rows.clone()].to_vec(), red_from: self.red_from[rows].to_vec() }
    }
}

impl Plan {
    /// The same room for every group of rows that agree in these columns.
    pub fn per(columns: Vec<String>) -> Self {
        Self { per: columns, red: None, yellow: None, groups: Vec::new() }
    }

    /// # Errors
    /// A file that cannot be read or is no plan.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let origin = path.display().to_string();
        let text = fs_err::read_to_string(path).map_err(|source| Error::Unreadable { name: origin.clone(), source })?;
        toml::from_str(&text).map_err(|error| Error::Plan { origin, reason: error.to_string() })
    }

    /// The room that all groups have unless they have their own.
    #[must_use]
    pub fn or(&self, capacity: Capacity) -> Capacity {
        Capacity { red: self.red.unwrap_or(capacity.red), yellow: self.yellow.unwrap_or(capacity.yellow), ..capacity }
    }

    /// Whether the date is among what makes a group.
    pub fn needs_dates(&self, mapping: &Mapping) -> bool {
        self.per.iter().any(|name| mapping.column(name).is_some_and(|column| column.role == Role::Date))
    }

    /// # Errors
    /// A column that groups cannot be made of, and room for a group that has too many values.
    pub fn check(&self, mapping: &Mapping) -> Result<(), Error> {
        let bad = |reason: String| Error::Plan { origin: "per".into(), reason };
        for name in &self.per {
            match mapping.column(name).map(|column| &column.role) {
                Some(Role::Category | Role::Hs | Role::Date) => {}
                Some(_) => return Err(bad(format!("column `{name}` is neither a category nor the date"))),
                None => return Err(bad(format!("mapping `{}` has no column `{name}`", mapping.name))),
            }
        }
        match self.groups.iter().find(|own| own.values.len() > self.per.len()) {
            Some(own) => Err(bad(format!("group `{}` has more values than columns", own.values.join("`, `")))),
            None => Ok(()),
        }
    }

    /// The group of each row.
    fn groups(&self, mapping: &Mapping, table: &Table) -> Vec<Vec<String>> {
        let value = |name: &String, row: usize| match mapping.column(name).map(|column| &column.role) {
            Some(Role::Date) => table.dates[row].to_string(),
            _ => table.categories[name].text(row).to_owned(),
        };
        (0..table.num_rows()).map(|row| self.per.iter().map(|name| value(name, row)).collect()).collect()
    }

    /// Levels of all rows of several tables, by the rank of each among those of its group; of equal ones the earlier row
    /// comes first.
    pub fn levels(&self, mapping: &Mapping, tables: &[Table], ranks: &[f64], capacity: Capacity) -> Levels {
        let mut groups: BTreeMap<Vec<String>, Vec<usize>> = BTreeMap::new();
        let rows = tables.iter().flat_map(|table| self.groups(mapping, table));
        for (row, group) in rows.enumerate() {
            groups.entry(group).or_default().push(row);
        }
        let own: HashMap<&[String], &Own> = self.groups.iter().map(|own| (own.values.as_slice(), own)).collect();
        let capacity = self.or(capacity);
        let key = |row: usize| if ranks[row].is_nan() { f64::NEG_INFINITY } else { ranks[row] };
        let mut levels = Levels { levels: vec![Level::Green; ranks.len()], red_from: vec![f64::INFINITY; ranks.len()] };
        for (group, mut rows) in groups {
            rows.sort_by(|a, b| key(*b).total_cmp(&key(*a)));
            // The closest description of the group counts.
            let own = (0..=group.len()).rev().find_map(|len| own.get(&group[..len]));
            let red = own.and_then(|own| own.red).unwrap_or(capacity.red).of(rows.len());
            let yellow = own.and_then(|own| own.yellow).unwrap_or(capacity.yellow).of(rows.len());
            let red_from = if red == 0 { f64::INFINITY } else { key(rows[red - 1]) };
            for (place, row) in rows.into_iter().enumerate() {
                levels.red_from[row] = red_from;
                levels.levels[row] = match place {
                    place if place < red => Level::Red,
                    place if place < red + yellow => Level::Yellow,
                    _ => Level::Green,
                };
            }
        }
        levels
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scoring::table::Categories;

    fn plan(text: &str) -> Plan {
        toml::from_str(text).unwrap()
    }

    /// Six rows of office A and two of B, the riskier the later.
    fn offices() -> (Mapping, Table, Vec<f64>) {
        let column = Categories { codes: vec![0, 0, 1, 0, 0, 1, 0, 0], texts: vec!["A".into(), "B".into()] };
        let table = Table {
            lines: (2..10).collect(),
            dates: (1..=8).map(|day| jiff::civil::date(2025, 3, 1 + day % 2)).collect(),
            categories: [("office".to_owned(), column)].into(),
            ..Table::default()
        };
        (Mapping::load("kr-declarations").unwrap(), table, (0..8).map(f64::from).collect())
    }

    #[test]
    fn each_group_has_its_room_and_its_own_where_it_is_told() {
        use Level::{Green as G, Red as R, Yellow as Y};
        let (mapping, table, ranks) = offices();
        let capacity = Capacity::new(0.5, 0.0).unwrap();
        let tables = [table];
        let levels = |text: &str| plan(text).levels(&mapping, &tables, &ranks, capacity);
        let halves = levels("per = ['office']");
        assert_eq!(halves.levels, [G, G, G, G, R, R, R, R]);
        assert_eq!((halves.red_from[0], halves.red_from[2]), (4.0, 5.0));
        let own = levels("per = ['office']\nred = 1\nyellow = 2\n[[group]]\nvalues = ['B']\nred = 0\nyellow = 0.5");
        assert_eq!(own.levels, [G, G, G, G, Y, Y, Y, R]);
        let daily = levels("per = ['office', 'date']\nred = 1\n[[group]]\nvalues = ['B']\nred = 0");
        assert_eq!(daily.levels, [G, G, G, G, G, G, R, R], "office A's best of either day");
    }

    #[test]
    fn room_is_a_share_or_a_count() {
        assert_eq!(("20".parse(), "0.05".parse()), (Ok(Room::Count(20)), Ok(Room::Share(0.05))));
        assert!(["-1", "1.5", "x", "NaN"].iter().all(|text| text.parse::<Room>().is_err()));
        assert!(toml::from_str::<Plan>("per = []\nred = 'many'").is_err());
    }

    #[test]
    fn a_plan_names_columns_that_groups_can_be_made_of() {
        let (mapping, ..) = offices();
        let refused = |text: &str| plan(text).check(&mapping).unwrap_err().to_string();
        plan("per = ['office', 'date']").check(&mapping).unwrap();
        assert!(refused("per = ['mass']").contains("`mass` is neither a category nor the date"));
        assert!(refused("per = ['nowhere']").contains("no column `nowhere`"));
        assert!(refused("per = ['office']\n[[group]]\nvalues = ['A', 'B']").contains("more values than columns"));
    }
}

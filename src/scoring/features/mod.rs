//! Rows made numbers: what a model is asked to look at, and what it remembers of the rows it learnt from.
//!
//! In: a [`Table`]. Out: a [`Matrix`], one column a [`Feature`]. [`Encoder::fit`] sees training rows alone; what it gives
//! for them is free of their own labels (`rates`) and of their own prices (`peers`). Knows nothing of the model.

mod key;
mod peers;
mod rates;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::mapping::{Mapping, Role};
use super::matrix::Matrix;
use super::table::Table;
use peers::Peers;
use rates::Rates;

pub use key::Key;
pub use peers::Usual;

/// One column of the matrix.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Feature {
    pub name: String,
    /// Columns of the table that it is made of; reasons are told together for features of the same ones.
    pub columns: Vec<String>,
    pub kind: Kind,
}

/// How a feature's number comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// As it stands in the table.
    Number,
    UnitPrice,
    /// The unit price among its peers; the place in [`peers::LEVELS`].
    Position(usize),
    /// Share of the group found positive before; the place among the encoder's rates.
    Rate(usize),
    /// Rows of the group before.
    Count(usize),
}

/// What turns rows into numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Encoder {
    pub features: Vec<Feature>,
    rates: Vec<Rates>,
    /// Place of the twins' rates.
    twins: Option<usize>,
    peers: Option<Peers>,
}

/// What a feature's number stands for in one row.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    Number(f64),
    UnitPrice(f64),
    Position {
        price: f64,
        usual: Usual,
    },
    /// `texts` names the group, one a column.
    Rate {
        texts: Vec<String>,
        positives: u32,
        rows: u32,
        overall: f64,
    },
    Count {
        texts: Vec<String>,
        rows: u32,
    },
}

/// Parts the training rows are cut into for rates.
const FOLDS: u8 = 5;
/// Levels of a goods code: chapter, heading, subheading.
const HS_LEVELS: [usize; 3] = [2, 4, 6];

impl Encoder {
    /// Learns from the training rows, and gives their matrix.
    pub fn fit(mapping: &Mapping, table: &Table, seed: u64) -> (Self, Matrix) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let folds: Vec<u8> = (0..table.num_rows()).map(|_| rng.random_range(0..FOLDS)).collect();
        let mut encoder = Self { features: Vec::new(), rates: Vec::new(), twins: None, peers: None };
        let mut columns = Vec::new();
        for name in encoder.add_numbers(mapping) {
            columns.push(as_f32(&table.numbers[&name]));
        }
        if let Some(price) = &mapping.unit_price {
            let (peers, positions) = Peers::fit(price, table);
            encoder.add_peers(peers);
            columns.push(unit_prices(price, table));
            columns.extend(positions);
        }
        for key in keys(mapping) {
            let (rates, numbers) = Rates::fit(key, table, &folds);
            encoder.add_rates(rates);
            columns.extend(numbers);
        }
        encoder.twins = mapping.twins.as_ref().map(|_| encoder.rates.len() - 1);
        (encoder, Matrix::new(table.num_rows(), columns))
    }

    /// The matrix of rows that were not learnt from.
    pub fn apply(&self, table: &Table) -> Matrix {
        let mut columns = Vec::new();
        for feature in self.features.iter().filter(|feature| feature.kind == Kind::Number) {
            columns.push(as_f32(&table.numbers[&feature.columns[0]]));
        }
        if let Some(peers) = &self.peers {
            columns.push(unit_prices(&peers.columns, table));
            columns.extend(peers.apply(table));
        }
        columns.extend(self.rates.iter().flat_map(|rates| rates.apply(table)));
        Matrix::new(table.num_rows(), columns)
    }

    /// What a feature's number stands for in a row.
    pub fn fact(&self, feature: &Feature, table: &Table, row: usize) -> Fact {
        match (feature.kind, &self.peers) {
            (Kind::Position(level), Some(peers)) => {
                let (price, usual) = peers.usual(table, row);
                Fact::Position { price, usual: usual[level] }
            }
            (Kind::UnitPrice, Some(peers)) => Fact::UnitPrice(peers::unit_price(&peers.columns, table, row)),
            (Kind::Rate(at) | Kind::Count(at), _) => {
                let rates = &self.rates[at];
                let text = rates.key.text(table, row);
                let (positives, rows) = rates.counts(&text);
                let texts = text.split(key::SEPARATOR).map(str::to_owned).collect();
                match feature.kind {
                    Kind::Count(_) => Fact::Count { texts, rows },
                    _ => Fact::Rate { texts, positives, rows, overall: rates.overall },
                }
            }
            _ => Fact::Number(table.numbers[&feature.columns[0]][row]),
        }
    }

    /// Groups of a key of whole columns, with how many rows were found positive of how many.
    pub fn known(&self, columns: &[&str]) -> impl Iterator<Item = (&str, (u32, u32))> {
        let rates = self.rates_of(columns).into_iter();
        rates.flat_map(|rates| rates.groups.iter().map(|(text, counts)| (text.as_str(), *counts)))
    }

    /// Rows learnt from with this content of a column.
    pub fn rows_of(&self, column: &str, text: &str) -> u32 {
        self.rates_of(&[column]).map_or(0, |rates| rates.counts(text).1)
    }

    /// Where the matrix holds the unit price among its closest peers.
    pub fn position(&self) -> Option<usize> {
        self.features.iter().position(|feature| feature.kind == Kind::Position(0))
    }

    /// Contents of the last of `columns` in groups whose `others` are those of the row, with their rows.
    pub fn known_beside(&self, columns: &[&str], others: &[&str], table: &Table, row: usize) -> Vec<(&str, u32)> {
        let mut start = Key::of(others).text(table, row);
        start.push(key::SEPARATOR);
        self.starting(columns, &start).map(|(text, rows)| (&text[start.len()..], rows)).collect()
    }

    /// Contents of a column that start so, with their rows.
    pub fn known_from(&self, column: &str, start: &str) -> Vec<(&str, u32)> {
        self.starting(&[column], start).collect()
    }

    fn starting<'a>(&'a self, columns: &[&str], start: &str) -> impl Iterator<Item = (&'a str, u32)> {
        let start = start.to_owned();
        self.rates_of(columns).into_iter().flat_map(move |rates| {
            let start = start.clone();
            let from = rates.groups.range(start.clone()..);
            from.map(|(text, (_, rows))| (text.as_str(), *rows)).take_while(move |(text, _)| text.starts_with(&start))
        })
    }

    fn rates_of(&self, columns: &[&str]) -> Option<&Rates> {
        let is_whole = |key: &Key| key.parts.iter().all(|part| part.digits.is_none());
        self.rates.iter().find(|rates| is_whole(&rates.key) && rates.key.columns().eq(columns.iter().copied()))
    }

    /// The features that tell nothing of the parties' own records, which are learnt beside.
    pub fn beside_parties(&self, parties: &[String]) -> Vec<usize> {
        let is_record = |feature: &Feature| {
            matches!(feature.kind, Kind::Rate(_)) && feature.columns.iter().all(|column| parties.contains(column))
        };
        (0..self.features.len()).filter(|at| !is_record(&self.features[*at])).collect()
    }

    /// What a plain table of twins says of each row, without any model; `None` where the mapping knows no twins.
    pub fn lookup(&self, table: &Table) -> Option<Vec<f64>> {
        let rates = &self.rates[self.twins?];
        let [shares, _] = rates.apply(table);
        Some(shares.iter().map(|share| if share.is_nan() { rates.overall } else { f64::from(*share) }).collect())
    }

    /// Whether features and what they are made from belong together, as read from a file they must.
    pub fn is_sound(&self, mapping: &Mapping) -> bool {
        let expected: Vec<Kind> =
            std::iter::repeat_n(Kind::Number, self.features.iter().filter(|f| f.kind == Kind::Number).count())
                .chain(
                    self.peers.iter().flat_map(|_| {
                        std::iter::once(Kind::UnitPrice).chain((0..peers::LEVELS.len()).map(Kind::Position))
                    }),
                )
                .chain((0..self.rates.len()).flat_map(|at| [Kind::Rate(at), Kind::Count(at)]))
                .collect();
        let has_columns = |feature: &Feature| {
            !feature.columns.is_empty()
                && feature.columns.iter().all(|name| mapping.column(name).is_some_and(|c| c.is_input()))
        };
        self.twins.is_none_or(|at| at < self.rates.len())
            && self.features.iter().map(|feature| feature.kind).eq(expected)
            && self.features.iter().all(has_columns)
    }

    fn add_numbers(&mut self, mapping: &Mapping) -> Vec<String> {
        let numbers = mapping.columns.iter().filter(|column| matches!(column.role, Role::Number { .. }));
        let names: Vec<String> = numbers.map(|column| column.name.clone()).collect();
        self.features.extend(names.iter().map(|name| Feature {
            name: name.clone(),
            columns: vec![name.clone()],
            kind: Kind::Number,
        }));
        names
    }

    fn add_peers(&mut self, peers: Peers) {
        let price = &peers.columns;
        let own = vec![price.value.clone(), price.quantity.clone()];
        self.features.push(Feature { name: "unit_price".into(), columns: own.clone(), kind: Kind::UnitPrice });
        for (at, level) in peers::LEVELS.iter().enumerate() {
            let name = format!("unit_price_among_{level}");
            self.features.push(Feature { name, columns: own.clone(), kind: Kind::Position(at) });
        }
        self.peers = Some(peers);
    }

    fn add_rates(&mut self, rates: Rates) {
        let (at, name) = (self.rates.len(), rates.key.name());
        let columns: Vec<String> = rates.key.columns().map(str::to_owned).collect();
        let rate = Feature { name: format!("{name}_rate"), columns: columns.clone(), kind: Kind::Rate(at) };
        let count = Feature { name: format!("{name}_count"), columns, kind: Kind::Count(at) };
        self.features.extend([rate, count]);
        self.rates.push(rates);
    }
}

/// The groups whose history is kept: every category, goods at every level, goods from an origin, and last the twins.
fn keys(mapping: &Mapping) -> Vec<Key> {
    let mut keys = Vec::new();
    for column in &mapping.columns {
        match column.role {
            Role::Category => keys.push(Key::of(&[&column.name])),
            Role::Hs => {
                keys.extend(HS_LEVELS.map(|digits| Key::digits(&column.name, digits)));
                keys.push(Key::of(&[&column.name]));
            }
            _ => {}
        }
    }
    if let Some(price) = &mapping.unit_price {
        keys.extend(HS_LEVELS.map(|digits| Key::digits(&price.goods, digits).and(&price.origin)));
    }
    let crossing = |columns: &Vec<String>| Key::of(&columns.iter().map(String::as_str).collect::<Vec<_>>());
    keys.extend(mapping.crossings.iter().map(crossing));
    if let Some(twins) = &mapping.twins {
        keys.push(Key::of(&twins.columns.iter().map(String::as_str).collect::<Vec<_>>()));
    }
    keys
}

fn as_f32(numbers: &[f64]) -> Vec<f32> {
    numbers.iter().map(|number| *number as f32).collect()
}

fn unit_prices(columns: &super::mapping::UnitPrice, table: &Table) -> Vec<f32> {
    (0..table.num_rows()).map(|row| peers::unit_price(columns, table, row) as f32).collect()
}

#[cfg(test)]
mod tests;

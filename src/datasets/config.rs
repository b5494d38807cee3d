//! What a dataset is to be: how many rows, of which types, for whom, by which generator, through which filters. Read
//! from TOML; every key may be left out. The same settings and the same corpus give the same plan.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Difficulty, Error, Persona, QuestionType};
use crate::lang::Language;

/// Who writes the rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Writers {
    /// Templates over the sentences of the corpus: true by construction, no model needed.
    #[default]
    Templates,
    /// The language model, under a schema.
    Model,
    /// Half and half.
    Both,
}

/// A filter's switch and its limit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilterSetting {
    #[serde(default = "on")]
    pub enabled: bool,
    pub limit: f64,
}

fn on() -> bool {
    true
}

const fn at(limit: f64) -> FilterSetting {
    FilterSetting { enabled: true, limit }
}

const fn off(limit: f64) -> FilterSetting {
    FilterSetting { enabled: false, limit }
}

/// All filters. Scores lie in [0, 1]; a row is kept where its score is on the right side of the limit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FilterSettings {
    /// Lengths and fields are sound; 1 or 0.
    pub schema: FilterSetting,
    /// At least this share of the letters is of the row's language.
    pub language: FilterSetting,
    /// At least this share of quotes, numbers and references of the answer stands in the evidence.
    pub evidence: FilterSetting,
    /// Free of personal data; 1 or 0.
    pub personal: FilterSetting,
    /// At most this share of the answer's words stands in the question already.
    pub easiness: FilterSetting,
    /// At most this Jaccard similarity to a question that was kept.
    pub duplicates: FilterSetting,
    /// At least this reciprocal rank of the evidence's passage when the question is searched.
    pub round_trip: FilterSetting,
    /// At least this much more confidence of the gate with the row's documents than without them.
    pub answerable: FilterSetting,
    /// At least this score of the judging model.
    pub judge: FilterSetting,
}

impl Default for FilterSettings {
    fn default() -> Self {
        Self {
            schema: at(1.0),
            language: at(0.9),
            evidence: at(1.0),
            personal: at(1.0),
            easiness: at(0.95),
            duplicates: at(0.8),
            round_trip: at(0.1),
            answerable: at(0.0),
            judge: off(0.75),
        }
    }
}

/// What to generate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GenerationConfig {
    pub corpus: String,
    /// Rows wanted, filters passed.
    pub rows: usize,
    pub seed: u64,
    pub generator: Writers,
    /// Work planned beyond `rows` for what the filters refuse, as a share of `rows`.
    pub reserve: f64,
    /// Requests to the model at a time.
    pub parallel: usize,
    pub max_attempts: u32,
    /// Shares; they are weighed against each other and need not add up to 1.
    pub types: BTreeMap<QuestionType, f64>,
    pub personas: BTreeMap<Persona, f64>,
    pub languages: BTreeMap<Language, f64>,
    pub difficulties: BTreeMap<Difficulty, f64>,
    /// Topics to stay within; all where empty.
    pub topics: Vec<String>,
    pub filters: FilterSettings,
}

impl Default for GenerationConfig {
    fn default() -> Self {
        use QuestionType as T;
        let types = [
            (T::Fact, 0.18),
            (T::Condition, 0.15),
            (T::Calculation, 0.10),
            (T::Comparison, 0.10),
            (T::MultiHop, 0.08),
            (T::Procedure, 0.10),
            (T::Counterfactual, 0.12),
            (T::Unanswerable, 0.06),
            (T::FalsePremise, 0.06),
            (T::AsOfDate, 0.05),
        ];
        Self {
            corpus: "valuation".into(),
            rows: 2000,
            seed: 1,
            generator: Writers::default(),
            reserve: 0.3,
            parallel: 4,
            max_attempts: 5,
            types: types.into(),
            personas: Persona::ALL.iter().map(|persona| (*persona, 1.0)).collect(),
            languages: [(Language::Ko, 1.0), (Language::En, 1.0)].into(),
            difficulties: [(Difficulty::Easy, 0.3), (Difficulty::Medium, 0.4), (Difficulty::Hard, 0.3)].into(),
            topics: Vec::new(),
            filters: FilterSettings::default(),
        }
    }
}

/// Most rows of one dataset's generation.
pub const MAX_ROWS: usize = 1_000_000;

impl GenerationConfig {
    /// Reads TOML.
    ///
    /// # Errors
    /// [`Error::Config`], naming the key.
    pub fn parse(text: &str) -> Result<Self, Error> {
        toml::from_str(text).map_err(|error| Error::Config { reason: error.to_string() })
    }

    /// Checks every value.
    ///
    /// # Errors
    /// [`Error::Config`], naming the key, the limit and the value given.
    pub fn validate(&self) -> Result<(), Error> {
        let wrong = |reason: String| Err(Error::Config { reason });
        if !(1..=MAX_ROWS).contains(&self.rows) {
            return wrong(format!("`rows` is {}, and must be between 1 and {MAX_ROWS}", self.rows));
        }
        if !(0.0..=50.0).contains(&self.reserve) {
            return wrong(format!("`reserve` is {}, and must be between 0 and 50", self.reserve));
        }
        if !(1..=64).contains(&self.parallel) {
            return wrong(format!("`parallel` is {}, and must be between 1 and 64", self.parallel));
        }
        if !(1..=20).contains(&self.max_attempts) {
            return wrong(format!("`max_attempts` is {}, and must be between 1 and 20", self.max_attempts));
        }
        let shares = [
            ("types", self.types.values().copied().collect::<Vec<f64>>()),
            ("personas", self.personas.values().copied().collect()),
            ("languages", self.languages.values().copied().collect()),
            ("difficulties", self.difficulties.values().copied().collect()),
        ];
        for (name, shares) in shares {
            if let Some(share) = shares.iter().find(|share| !(0.0..=1e6).contains(*share)) {
                return wrong(format!("`{name}` holds a share of {share}, and shares are 0 or more"));
            }
            if shares.iter().sum::<f64>() <= 0.0 {
                return wrong(format!("`{name}` holds no share above 0"));
            }
        }
        if self.types.get(&QuestionType::Other).is_some_and(|share| *share > 0.0) {
            return wrong("`types`: `other` is for imported rows and cannot be generated".into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_and_what_is_wrong_is_named() {
        let text = "rows = 10\ngenerator = \"both\"\n[types]\nfact = 1\n[filters]\nlanguage = { limit = 0.8 }\n\
            easiness = { enabled = false, limit = 1 }\n";
        let config = GenerationConfig::parse(text).unwrap();
        assert_eq!((config.rows, config.generator, config.types.len()), (10, Writers::Both, 1));
        assert!(config.filters.language.enabled && !config.filters.easiness.enabled);
        config.validate().unwrap();
        let unknown = GenerationConfig::parse("colour = 1").unwrap_err().to_string();
        assert!(unknown.contains("colour"), "{unknown}");
        let riddle = GenerationConfig::parse("[types]\nriddle = 1").unwrap_err().to_string();
        assert!(riddle.contains("riddle"), "{riddle}");
        for (text, named) in
            [("rows = 0", "rows"), ("reserve = -1", "reserve"), ("[personas]\nbroker = -1", "personas")]
        {
            let error = GenerationConfig::parse(text).unwrap().validate().unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
    }
}

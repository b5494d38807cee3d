//! What stands behind the tools: the documents, the register, the scores. Each may be absent, and then says what is to be
//! done about it.
//!
//! In: a home folder, and the retrieval where there is one. Out: references to services, each opened once, when it is first
//! asked for. Opening blocks.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use jiff::civil::Date;

use super::tool::Failure;
use crate::access::{Access, Grant};
use crate::datasets::Place;
use crate::documents;
use crate::network::Network;
use crate::rag::Rag;
use crate::rates::{self, Rates};
use crate::register::{Candidate, Declaration, Likeness, Register};
use crate::scoring::{self, Capacity, Purpose, Reader, Scored, Shelf};

/// The services, as one caller may use them. Cheap to clone.
#[derive(Clone)]
pub struct Desk {
    services: Arc<Services>,
    grant: Grant,
    datasets: Place,
}

struct Services {
    home: PathBuf,
    rag: Option<Arc<Rag>>,
    register: OnceLock<Register>,
    network: OnceLock<Network>,
    rates: OnceLock<Rates>,
    risk: OnceLock<scoring::Model>,
    hs: OnceLock<scoring::hs::Model>,
    delinquency: OnceLock<scoring::delinquency::Model>,
    documents: OnceLock<documents::Model>,
}

/// Shares of declarations that are red and yellow, as `haetae score risk` has them where nothing is said.
const RED: f64 = 0.05;
const YELLOW: f64 = 0.15;

impl Desk {
    /// A desk for those who may use everything.
    pub fn new(home: &Path, rag: Option<Arc<Rag>>) -> Self {
        let services = Services {
            home: home.into(),
            rag,
            register: OnceLock::new(),
            network: OnceLock::new(),
            rates: OnceLock::new(),
            risk: OnceLock::new(),
            hs: OnceLock::new(),
            delinquency: OnceLock::new(),
            documents: OnceLock::new(),
        };
        Self { services: Arc::new(services), grant: Grant::everything(), datasets: Place::in_home(home) }
    }

    /// The same with the datasets of another place than the home folder.
    #[must_use]
    pub fn with_datasets(self, datasets: Place) -> Self {
        Self { datasets, ..self }
    }

    /// Where the datasets are kept.
    pub fn datasets(&self) -> &Place {
        &self.datasets
    }

    /// The same services for another caller.
    pub fn of(&self, grant: &Grant) -> Self {
        Self { grant: grant.clone(), ..self.clone() }
    }

    /// What the caller may.
    pub fn grant(&self) -> &Grant {
        &self.grant
    }

    pub fn home(&self) -> &Path {
        &self.services.home
    }

    /// # Errors
    /// Where no index was built.
    pub fn rag(&self) -> Result<&Arc<Rag>, Failure> {
        self.services.rag.as_ref().ok_or_else(|| not_set_up("documents", "`haetae corpora build` builds the index"))
    }

    /// The corpora that rules are looked for in: the built-in ones and the administration's own.
    pub fn corpora(&self) -> Vec<String> {
        let documents = self.services.rag.as_ref().and_then(|rag| rag.index().documents().ok()).unwrap_or_default();
        // The headings' descriptions carry no rules; they are what HS codes are recommended from.
        let names = documents.into_iter().map(|document| document.corpus);
        let names = names.filter(|corpus| corpus != "hs" && self.grant.may_read(corpus));
        names.collect::<BTreeSet<String>>().into_iter().collect()
    }

    /// The corpora among those asked for; all that the caller may read where none is, and the empty list for all there are.
    ///
    /// # Errors
    /// A corpus that the caller may not read.
    pub fn readable(&self, asked: Vec<String>) -> Result<Vec<String>, Failure> {
        if let Some(corpus) = asked.iter().find(|corpus| !self.grant.may_read(corpus)) {
            return Err(Failure::Access { tool: corpus.clone(), needed: "its role does not list this corpus".into() });
        }
        match self.grant.corpora() {
            Some(none) if none.is_empty() => {
                Err(Failure::Access { tool: "search_corpora".into(), needed: "its role lists no corpus".into() })
            }
            Some(all) if asked.is_empty() => Ok(all),
            _ => Ok(asked),
        }
    }

    /// # Errors
    /// Where no tables were imported.
    pub fn register(&self) -> Result<&Register, Failure> {
        let open = || match Register::open(self.home()) {
            Ok(Some(register)) => Ok(register),
            Ok(None) => Err(not_set_up("register", "`haetae register import DIR` imports the tables")),
            Err(error) => Err(not_set_up("register", &error.to_string())),
        };
        kept(&self.services.register, open)
    }

    /// # Errors
    /// As [`Self::register`].
    pub fn network(&self) -> Result<&Network, Failure> {
        let register = self.register()?;
        kept(&self.services.network, || Network::read(register).map_err(|error| inner("network", &error)))
    }

    /// # Errors
    /// Where the tables hold what cannot be read.
    pub fn rates(&self) -> Result<&Rates, Failure> {
        kept(&self.services.rates, || {
            Rates::read(&self.home().join(rates::FOLDER)).map_err(|error| inner("rates", &error))
        })
    }

    /// Whether the register holds an invented world.
    pub fn is_demo(&self) -> bool {
        self.register().is_ok_and(Register::is_demo)
    }

    /// Versions of what is at hand, for the record: of a model that was opened its own, else of the one that would be. None
    /// is opened for this, which would take longer than most calls.
    pub fn versions(&self) -> BTreeMap<String, String> {
        let (services, home) = (&self.services, self.home());
        let opened = [
            (Shelf::risk(home), services.risk.get().map(|model| model.version.clone())),
            (Shelf::delinquency(home), services.delinquency.get().map(|model| model.version.clone())),
            (Shelf::documents(home), services.documents.get().map(|model| model.version().to_owned())),
            (Shelf::hs(home), services.hs.get().map(|model| model.version().to_owned())),
        ];
        let of = |(shelf, opened): (Shelf, Option<String>)| {
            Some((shelf.kind().to_owned(), opened.or_else(|| shelf.serving().ok())?))
        };
        let mut versions: BTreeMap<String, String> = opened.into_iter().filter_map(of).collect();
        let index = self.services.rag.as_ref().and_then(|rag| rag.index().version());
        versions.extend(index.map(|version| ("index".to_owned(), version)));
        versions
    }

    /// # Errors
    /// Where no model was trained.
    pub fn risk(&self) -> Result<&scoring::Model, Failure> {
        trained(&self.services.risk, &Shelf::risk(self.home()), Shelf::current)
    }

    /// # Errors
    /// Where no model was trained.
    pub fn hs(&self) -> Result<&scoring::hs::Model, Failure> {
        let encoder = || {
            let rag = self.services.rag.as_ref();
            let missing = || scoring::Error::Encode { reason: "no encoder is loaded".into() };
            Ok(Arc::clone(rag.ok_or_else(missing)?.index().embedder()))
        };
        trained(&self.services.hs, &Shelf::hs(self.home()), |shelf| scoring::hs::Model::current(shelf, encoder))
    }

    /// # Errors
    /// Where no model was trained.
    pub fn delinquency(&self) -> Result<&scoring::delinquency::Model, Failure> {
        let shelf = Shelf::delinquency(self.home());
        trained(&self.services.delinquency, &shelf, scoring::delinquency::Model::current)
    }

    /// # Errors
    /// Where no model was trained.
    pub fn documents(&self) -> Result<&documents::Model, Failure> {
        trained(&self.services.documents, &Shelf::documents(self.home()), documents::Model::current)
    }

    /// The ids of the companies that are called exactly so.
    pub fn companies_named(&self, name: &str) -> Vec<String> {
        // To whom companies are not shown, no name is known.
        if self.grant.access < Access::Audit {
            return Vec::new();
        }
        let found = self.register().map(|register| register.find_companies(name, 2).unwrap_or_default());
        let exact = |candidate: &Candidate| matches!(candidate.matched, Likeness::Exact | Likeness::Id);
        found.unwrap_or_default().into_iter().filter(exact).map(|candidate| candidate.id).collect()
    }

    /// The day that "last quarter" is seen from: the last the register knows, or today.
    pub fn today(&self) -> Date {
        let span = self.register().ok().and_then(|register| register.span().ok().flatten());
        span.map(|span| span.to).unwrap_or_else(|| jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date())
    }

    /// Scores declarations of the register, in their order.
    ///
    /// # Errors
    /// Where there is no model, or it was trained on columns that the register lacks.
    pub fn score(&self, declarations: &[Declaration], num_reasons: usize) -> Result<Vec<Scored>, Failure> {
        let model = self.risk()?;
        let register = self.register()?;
        let csv = declarations_csv(register, declarations)?;
        let bad = |error: scoring::Error| Failure::Bad {
            reason: format!("the risk model `{}` cannot read the register: {error}", model.version),
        };
        let mut reader = Reader::open(csv.as_slice(), "register", &model.mapping, Purpose::Score).map_err(bad)?;
        let table = reader.read(usize::MAX).map_err(bad)?;
        if let Some(refused) = table.refused.first() {
            let line = refused.line;
            return Err(Failure::Bad {
                reason: format!("row {line} of the register cannot be scored: {}", refused.reason),
            });
        }
        let capacity = Capacity::new(RED, YELLOW).map_err(bad)?;
        Ok(model.score(&table, capacity, num_reasons))
    }
}

/// The columns of declarations as the demo world and the register name them.
const HEADER: [&str; 18] = [
    "declaration",
    "date",
    "office",
    "broker",
    "importer",
    "importer_age_days",
    "seller",
    "related",
    "transport",
    "hs",
    "item_en",
    "item_ko",
    "departure",
    "origin",
    "rate_type",
    "rate",
    "mass_kg",
    "value_krw",
];

fn declarations_csv(register: &Register, declarations: &[Declaration]) -> Result<Vec<u8>, Failure> {
    let mut founded = std::collections::HashMap::new();
    let mut csv = csv::Writer::from_writer(Vec::new());
    let failed = |error: &dyn std::fmt::Display| inner("risk", error);
    csv.write_record(HEADER).map_err(|error| failed(&error))?;
    for declaration in declarations {
        let importer = &declaration.importer;
        if !founded.contains_key(importer) {
            let company = register.company(importer).map_err(|error| failed(&error))?;
            founded.insert(importer.clone(), company.and_then(|company| company.founded));
        }
        let age = founded[importer].and_then(|founded| declaration.date.since(founded).ok()).map(|age| age.get_days());
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let number = |number: Option<f64>| number.map_or_else(String::new, |number| number.to_string());
        csv.write_record([
            declaration.id.clone(),
            declaration.date.to_string(),
            text(&declaration.office),
            text(&declaration.broker),
            importer.clone(),
            age.map_or_else(String::new, |days| days.to_string()),
            text(&declaration.seller),
            declaration.related.map_or("", |related| if related { "Y" } else { "N" }).to_owned(),
            text(&declaration.transport),
            declaration.hs.clone(),
            text(&declaration.item_en),
            text(&declaration.item_ko),
            text(&declaration.departure),
            text(&declaration.origin),
            text(&declaration.rate_type),
            number(declaration.rate),
            number(declaration.mass_kg),
            declaration.value_krw.to_string(),
        ])
        .map_err(|error| failed(&error))?;
    }
    csv.into_inner().map_err(|error| failed(&error))
}

/// Opens once; a service that was not set up when it was first asked for is looked for again.
fn kept<T>(cell: &OnceLock<T>, open: impl FnOnce() -> Result<T, Failure>) -> Result<&T, Failure> {
    if let Some(opened) = cell.get() {
        return Ok(opened);
    }
    let opened = open()?;
    Ok(cell.get_or_init(|| opened))
}

/// The model that serves from a shelf.
fn trained<'a, T, E: std::fmt::Display>(
    cell: &'a OnceLock<T>,
    shelf: &Shelf,
    open: impl FnOnce(&Shelf) -> Result<T, E>,
) -> Result<&'a T, Failure> {
    kept(cell, || open(shelf).map_err(|error| not_set_up(shelf.kind(), &error.to_string())))
}

pub(super) fn not_set_up(what: &str, hint: &str) -> Failure {
    Failure::NotSetUp { what: what.into(), hint: hint.into() }
}

pub(super) fn inner(tool: &str, error: &dyn std::fmt::Display) -> Failure {
    Failure::Inner { tool: tool.into(), reason: error.to_string() }
}

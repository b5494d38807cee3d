//! The store and the exports under many rows: how long lists, filters, searches, counts and exports take.

use std::path::Path;
use std::time::{Duration, Instant};

use super::exports::{Format, export};
use super::store::{Filter, NewRow, Store};
use super::{Difficulty, Error, Evidence, Generator, Lineage, Persona, QuestionType, Row, Split, State};
use crate::config::DatabaseUrl;
use crate::lang::Language;

/// Times that each query is asked, each with other values.
const NUM_TIMES: usize = 60;

/// Words that invented rows are made of: two of them in each row of their language, beside [`COMMON`].
const KOREAN: [&str; 15] = [
    "운임은",
    "보험료를",
    "과세가격에",
    "구매수수료가",
    "권리사용료와",
    "생산지원비용을",
    "거래가격으로",
    "특수관계자",
    "잠정가격을",
    "송품장의",
    "수입신고일에",
    "환율로",
    "컨테이너를",
    "세관장이",
    "증명자료를",
];
const ENGLISH: [&str; 15] = [
    "freight",
    "insurance",
    "commission",
    "royalty",
    "assist",
    "invoice",
    "importer",
    "declaration",
    "provisional",
    "related",
    "exchange",
    "container",
    "broker",
    "evidence",
    "adjustment",
];

/// Words that every row of a language holds.
const COMMON: [&str; 2] = [
    "수입물품의 가격을 정할 때 더하거나 빼는 금액은 자료로 확인한다",
    "the amounts added to or taken from the price of goods are shown by papers",
];

fn row(at: usize) -> NewRow {
    let language = if at.is_multiple_of(2) { Language::Ko } else { Language::En };
    let words = if language == Language::Ko { KOREAN } else { ENGLISH };
    // A multiplicative step through the words: the same rows every time.
    let word = |nth: usize| words[((at / 2).wrapping_mul(0x9e37_79b1) >> (8 + nth * 5)) % words.len()];
    let common = COMMON[at % 2];
    let quote = format!("{common} {common} {}", word(0));
    NewRow {
        row: Row {
            question: format!("{common} {} {at}?", word(0)),
            answer: format!("{at} {}. {quote}", word(1)),
            language,
            kind: QuestionType::ALL[at % QuestionType::ALL.len()],
            persona: Persona::ALL[at / 3 % Persona::ALL.len()],
            difficulty: Difficulty::ALL[at / 5 % Difficulty::ALL.len()],
            topic: (at / 7 % 90).to_string(),
            evidence: vec![Evidence {
                document: format!("valuation-{:03}-{}", at / 7 % 90, language.code()),
                version: "0011223344556677".into(),
                start: at % 1000,
                end: at % 1000 + quote.len(),
                quote,
            }],
            lineage: Lineage { seed: Some(at as u64), ..Lineage::of(Generator::Templates) },
        },
        state: if at.is_multiple_of(10) { State::Rejected } else { State::Accepted },
        reason: None,
        split: Some(Split::ALL[at / 7 % 90 % 3]),
        labels: Vec::new(),
    }
}

/// What was done, and how long each time took, shortest first.
pub type Measured = Vec<(String, Vec<Duration>)>;

/// Fills a store with invented rows and measures it: on the server where one is named, in a schema that is removed at the
/// end, else in a file of `folder`, where the exports go, too.
///
/// # Errors
/// The store's and the exports'.
pub fn measure(folder: &Path, url: Option<&DatabaseUrl>, num_rows: usize) -> Result<Measured, Error> {
    let Some(url) = url else { return of(&Store::open(&Store::file(folder))?, folder, num_rows) };
    let schema = format!("haetae_bench_{}", std::process::id());
    let store = Store::connect_to(url, &schema)?;
    let measured = of(&store, folder, num_rows);
    store.remove_schema(&schema)?;
    measured
}

fn of(store: &Store, folder: &Path, num_rows: usize) -> Result<Measured, Error> {
    let dataset = store.create("bench", "valuation")?;
    let version = store.begin_version(dataset.id, "invented")?;
    let mut measured = Measured::new();
    let mut time = |what: &str, num: usize, act: &mut dyn FnMut(usize) -> Result<(), Error>| -> Result<(), Error> {
        let mut times = Vec::with_capacity(num);
        for at in 0..num {
            let started = Instant::now();
            act(at)?;
            times.push(started.elapsed());
        }
        times.sort();
        measured.push((what.to_owned(), times));
        Ok(())
    };
    time("insert all", 1, &mut |_| {
        for start in (0..num_rows).step_by(5000) {
            let rows: Vec<NewRow> = (start..num_rows.min(start + 5000)).map(row).collect();
            store.add(&dataset, version, &rows)?;
        }
        Ok(())
    })?;
    let page = |filter: &Filter, after: i64| store.list(&dataset, filter, after, 50).map(|_| ());
    time("list", NUM_TIMES, &mut |at| page(&Filter::default(), (at * num_rows / NUM_TIMES) as i64))?;
    let filtered = |at: usize| Filter {
        kind: Some(QuestionType::ALL[at % QuestionType::ALL.len()]),
        persona: Some(Persona::ALL[at % Persona::ALL.len()]),
        topic: (at.is_multiple_of(2)).then(|| (at % 90).to_string()),
        ..Filter::good()
    };
    time("filter", NUM_TIMES, &mut |at| page(&filtered(at), 0))?;
    let words = |at: usize| if at.is_multiple_of(2) { KOREAN[at % 15] } else { ENGLISH[at % 15] };
    let searched = |at: usize| Filter { text: Some(words(at).to_owned()), ..Filter::default() };
    time("search", NUM_TIMES, &mut |at| page(&searched(at), 0))?;
    let both = |at: usize| Filter { text: Some(format!("{} {}", words(at), words(at + 2))), ..filtered(at) };
    time("search and filter", NUM_TIMES, &mut |at| page(&both(at), 0))?;
    let facets = |filter: &Filter| store.facets(&dataset, filter).map(|_| ());
    time("facets", NUM_TIMES, &mut |_| facets(&Filter::default()))?;
    time("facets of a filter", NUM_TIMES, &mut |at| facets(&filtered(at)))?;
    time("facets of a search", NUM_TIMES, &mut |at| facets(&searched(at)))?;
    for format in [Format::Openai, Format::Parquet, Format::Csv, Format::Beir] {
        let out = folder.join(format.name());
        time(&format!("export {}", format.name()), 1, &mut |_| export(store, &dataset, format, &out).map(|_| ()))?;
    }
    Ok(measured)
}

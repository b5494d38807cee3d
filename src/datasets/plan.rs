//! What a generation is to do: one item a row, chosen so that types, personas, languages and difficulties come out as
//! asked and every topic has its turn. The same settings, seed and documents give the same plan, item by item.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::templates::{self, Draft};
use super::{Difficulty, Error, GenerationConfig, Persona, QuestionType, Writers, text_version};
use crate::ingest::{Document, chunk, without_language};
use crate::lang::Language;

/// Groups of topics that pairs of documents stay within: a tenth of the topics is what the smaller splits take.
const NUM_GROUPS: usize = 10;

/// Types that the model writes from one passage. The others need arithmetic, two documents or a proven flip, which rules
/// do and a small model does not.
pub const MODEL_TYPES: [QuestionType; 3] = [QuestionType::Fact, QuestionType::Condition, QuestionType::Procedure];

/// What makes one row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// A draft, asked by someone.
    Template { draft: Box<Draft>, persona: Persona, seed: u64 },
    /// A passage that the model is shown.
    Passage(PassageWork),
}

/// A passage, and the row wanted from it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PassageWork {
    pub document: String,
    pub version: String,
    pub start: usize,
    pub end: usize,
    pub kind: QuestionType,
    pub language: Language,
    pub persona: Persona,
    pub difficulty: Difficulty,
    pub topic: String,
    pub seed: u64,
}

/// One item, with the cell whose rows are counted together.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkItem {
    pub cell: String,
    pub work: Work,
}

/// The items of a generation, in the order of work.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    pub items: Vec<WorkItem>,
    /// The rows wanted of each cell.
    pub cells: BTreeMap<String, usize>,
    /// Where the corpus could not give what was asked.
    pub notes: Vec<Note>,
}

/// Rows that the corpus does not give.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// All types together where absent.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<QuestionType>,
    pub language: Language,
    pub wanted: usize,
    pub given: usize,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, language, wanted, given } = self;
        let kind = kind.map_or("all types", QuestionType::name);
        write!(f, "{kind} in {language}: {wanted} rows asked for, and the corpus gives {given}")
    }
}

/// The topic of a document, as rows name it.
pub fn topic_of(document: &Document) -> String {
    match document.topic {
        Some(topic) => topic.to_string(),
        None => without_language(&document.id, document.language).to_owned(),
    }
}

/// Puts neighbouring topics into one group: those are the ones that share provisions.
pub(super) fn groups(documents: &[Document]) -> HashMap<String, usize> {
    let mut topics: Vec<(u32, String)> =
        documents.iter().map(|document| (document.topic.unwrap_or(u32::MAX), topic_of(document))).collect();
    topics.sort();
    topics.dedup();
    let size = topics.len().div_ceil(NUM_GROUPS).max(1);
    topics.into_iter().enumerate().map(|(at, (_, topic))| (topic, at / size)).collect()
}

/// Parts `total` by `shares`, by largest remainders.
fn parted<K: Copy + Ord>(total: usize, shares: &BTreeMap<K, f64>) -> BTreeMap<K, usize> {
    let sum: f64 = shares.values().sum();
    let mut parts: Vec<(K, usize, f64)> = shares
        .iter()
        .map(|(key, share)| {
            let exact = total as f64 * share / sum;
            (*key, exact.floor() as usize, exact.fract())
        })
        .collect();
    let mut left = total.saturating_sub(parts.iter().map(|part| part.1).sum());
    parts.sort_by(|a, b| b.2.total_cmp(&a.2).then(a.0.cmp(&b.0)));
    for part in &mut parts {
        if left == 0 {
            break;
        }
        part.1 += 1;
        left -= 1;
    }
    parts.into_iter().map(|(key, num, _)| (key, num)).collect()
}

/// What a cell has to choose from, by topic, each in the order it is taken.
struct Choices<T> {
    topics: Vec<VecDeque<(Difficulty, T)>>,
    next: usize,
}

impl<T> Choices<T> {
    fn new(found: Vec<(String, Difficulty, T)>, random: &mut ChaCha8Rng) -> Self {
        let mut topics: BTreeMap<String, Vec<(Difficulty, T)>> = BTreeMap::new();
        for (topic, difficulty, choice) in found {
            topics.entry(topic).or_default().push((difficulty, choice));
        }
        let mut topics: Vec<VecDeque<_>> = topics
            .into_values()
            .map(|mut choices| {
                choices.shuffle(random);
                choices.into()
            })
            .collect();
        topics.shuffle(random);
        Self { topics, next: 0 }
    }

    fn len(&self) -> usize {
        self.topics.iter().map(VecDeque::len).sum()
    }

    /// The next topic's choice whose difficulty is most wanted.
    fn take(&mut self, wanted: impl Fn(Difficulty) -> f64) -> Option<(Difficulty, T)> {
        for _ in 0..self.topics.len() {
            self.next = (self.next + 1) % self.topics.len();
            let topic = &mut self.topics[self.next];
            let best =
                (0..topic.len()).max_by(|a, b| wanted(topic[*a].0).total_cmp(&wanted(topic[*b].0)).then(b.cmp(a)));
            if let Some(taken) = best.and_then(|at| topic.remove(at)) {
                return Some(taken);
            }
        }
        None
    }
}

/// How far each difficulty is behind its share.
struct Balance<'a> {
    shares: &'a BTreeMap<Difficulty, f64>,
    counts: BTreeMap<Difficulty, usize>,
}

impl Balance<'_> {
    fn wanted(&self, difficulty: Difficulty) -> f64 {
        let sum: f64 = self.shares.values().sum();
        let share = self.shares.get(&difficulty).copied().unwrap_or(0.0) / sum;
        let num = self.counts.values().sum::<usize>() as f64;
        share * (num + 1.0) - self.counts.get(&difficulty).copied().unwrap_or(0) as f64
    }
}

/// Personas in turn, each as often as its share says.
struct Turns {
    personas: Vec<Persona>,
    next: usize,
}

impl Turns {
    fn new(shares: &BTreeMap<Persona, f64>, random: &mut ChaCha8Rng) -> Self {
        let mut personas: Vec<Persona> =
            parted(100, shares).into_iter().flat_map(|(persona, num)| vec![persona; num]).collect();
        personas.shuffle(random);
        Self { personas, next: 0 }
    }

    fn take(&mut self) -> Persona {
        self.next += 1;
        self.personas[self.next % self.personas.len()]
    }
}

/// Plans a generation over `documents`.
///
/// # Errors
/// [`Error::Config`]; [`Error::EmptyCorpus`] where the documents give nothing to ask about.
pub fn plan(config: &GenerationConfig, documents: &[Document]) -> Result<Plan, Error> {
    config.validate()?;
    let is_meant = |topic: &str| config.topics.is_empty() || config.topics.iter().any(|meant| meant == topic);
    let documents: Vec<Document> = documents.iter().filter(|document| is_meant(&topic_of(document))).cloned().collect();
    let mut random = ChaCha8Rng::seed_from_u64(config.seed);
    let mut templates = by_template(&documents, &mut random);
    let mut passages = by_passage(&documents, &mut random);
    if documents.is_empty() {
        return Err(Error::EmptyCorpus { corpus: config.corpus.clone() });
    }
    let mut plan = Plan::default();
    let mut balance = Balance { shares: &config.difficulties, counts: BTreeMap::new() };
    let mut turns = Turns::new(&config.personas, &mut random);
    let (mut first, mut spare) = (Vec::new(), Vec::new());
    // A cell whose spare items are refused as well falls short; the others stand in for it, and the work ends at the rows
    // that were asked for.
    for (language, rows) in parted(config.rows + config.rows / STAND_INS, &config.languages) {
        let types: BTreeMap<QuestionType, f64> = match config.generator {
            Writers::Model => {
                config.types.iter().filter(|(kind, _)| MODEL_TYPES.contains(kind)).map(|(k, s)| (*k, *s)).collect()
            }
            _ => config.types.clone(),
        };
        if types.values().sum::<f64>() <= 0.0 {
            let reason = "`types` holds none that the model writes, which are `fact`, `condition` and `procedure`";
            return Err(Error::Config { reason: reason.into() });
        }
        let capacity = |kind: QuestionType| {
            let of = |num: Option<usize>| num.unwrap_or(0);
            let template = of(templates.get(&(kind, language)).map(Choices::len));
            let passage =
                if MODEL_TYPES.contains(&kind) { of(passages.get(&(kind, language)).map(Choices::len)) } else { 0 };
            match config.generator {
                Writers::Templates => template,
                Writers::Model => passage,
                Writers::Both => template + passage,
            }
        };
        for (kind, wanted) in within_capacity(rows, &types, language, capacity, &mut plan.notes) {
            let by_model = match config.generator {
                Writers::Templates => 0,
                Writers::Model => wanted,
                Writers::Both if MODEL_TYPES.contains(&kind) => wanted / 2,
                Writers::Both => 0,
            };
            for (writer, wanted) in [("templates", wanted - by_model), ("model", by_model)] {
                if wanted == 0 {
                    continue;
                }
                let cell = format!("{}/{}/{writer}", kind.name(), language.code());
                let num_items = wanted + (wanted as f64 * config.reserve).ceil() as usize;
                for nth in 0..num_items {
                    let seed = config
                        .seed
                        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                        .wrapping_add(plan.items.len() as u64 + (first.len() + spare.len()) as u64);
                    let work = match writer {
                        "templates" => templates
                            .get_mut(&(kind, language))
                            .and_then(|choices| choices.take(|d| balance.wanted(d)))
                            .map(|(difficulty, draft)| {
                                (difficulty, Work::Template { draft: Box::new(draft), persona: turns.take(), seed })
                            }),
                        _ => passages.get_mut(&(kind, language)).and_then(|choices| choices.take(|_| 0.0)).map(
                            |(_, passage)| {
                                let difficulty = most_wanted(&balance);
                                let persona = turns.take();
                                (difficulty, Work::Passage(PassageWork { persona, difficulty, seed, ..passage }))
                            },
                        ),
                    };
                    let Some((difficulty, work)) = work else { break };
                    if nth < wanted {
                        *balance.counts.entry(difficulty).or_default() += 1;
                    }
                    let item = WorkItem { cell: cell.clone(), work };
                    if nth < wanted { first.push(item) } else { spare.push(item) }
                }
                plan.cells.insert(cell, wanted);
            }
        }
    }
    if first.is_empty() {
        return Err(Error::EmptyCorpus { corpus: config.corpus.clone() });
    }
    // Whoever stops half-way has something of everything.
    first.shuffle(&mut random);
    spare.shuffle(&mut random);
    plan.items = first;
    plan.items.extend(spare);
    Ok(plan)
}

fn most_wanted(balance: &Balance<'_>) -> Difficulty {
    let mut wanted: Vec<Difficulty> = Difficulty::ALL.to_vec();
    wanted.sort_by(|a, b| balance.wanted(*b).total_cmp(&balance.wanted(*a)));
    wanted[0]
}

/// One row in so many is planned beyond those asked for.
const STAND_INS: usize = 100;

/// Parts the rows among the types; what one cannot give goes to the others by their shares.
fn within_capacity(
    rows: usize,
    shares: &BTreeMap<QuestionType, f64>,
    language: Language,
    capacity: impl Fn(QuestionType) -> usize,
    notes: &mut Vec<Note>,
) -> BTreeMap<QuestionType, usize> {
    let mut given: BTreeMap<QuestionType, usize> = BTreeMap::new();
    let mut open = shares.clone();
    let mut left = rows;
    while left > 0 && open.values().sum::<f64>() > 0.0 {
        let mut taken = 0;
        for (kind, wanted) in parted(left, &open) {
            let has = given.entry(kind).or_default();
            let takes = wanted.min(capacity(kind).saturating_sub(*has));
            *has += takes;
            taken += takes;
            if takes < wanted {
                open.remove(&kind);
            }
        }
        left -= taken;
        if taken == 0 && open.is_empty() {
            break;
        }
    }
    for (kind, wanted) in parted(rows, shares) {
        let num = given.get(&kind).copied().unwrap_or(0);
        if num < wanted {
            notes.push(Note { kind: Some(kind), language, wanted, given: num });
        }
    }
    if left > 0 {
        notes.push(Note { kind: None, language, wanted: rows, given: rows - left });
    }
    given
}

/// What there is of each type and language, with its topic and difficulty.
type Found<T> = BTreeMap<(QuestionType, Language), Vec<(String, Difficulty, T)>>;
type Templates = BTreeMap<(QuestionType, Language), Choices<Draft>>;
type Passages = BTreeMap<(QuestionType, Language), Choices<PassageWork>>;

fn by_template(documents: &[Document], random: &mut ChaCha8Rng) -> Templates {
    let groups = groups(documents);
    let drafts = templates::drafts(documents, |topic| groups.get(topic).copied().unwrap_or(0));
    let mut found: Found<Draft> = BTreeMap::new();
    for draft in drafts {
        let key = (draft.kind, draft.language);
        found.entry(key).or_default().push((draft.topic.clone(), draft.difficulty, draft));
    }
    found.into_iter().map(|(key, found)| (key, Choices::new(found, random))).collect()
}

/// Passages shorter than this say too little to be asked about, in bytes.
const MIN_PASSAGE_BYTES: usize = 160;

fn by_passage(documents: &[Document], random: &mut ChaCha8Rng) -> Passages {
    let mut found: Found<PassageWork> = BTreeMap::new();
    for document in documents {
        let (version, topic) = (text_version(&document.text), topic_of(document));
        for passage in chunk::passages(document).into_iter().filter(|passage| passage.text.len() >= MIN_PASSAGE_BYTES) {
            for kind in MODEL_TYPES {
                let work = PassageWork {
                    document: document.id.clone(),
                    version: version.clone(),
                    start: passage.span.start,
                    end: passage.span.end,
                    kind,
                    language: document.language,
                    persona: Persona::Importer,
                    difficulty: Difficulty::Medium,
                    topic: topic.clone(),
                    seed: 0,
                };
                found.entry((kind, document.language)).or_default().push((topic.clone(), Difficulty::Medium, work));
            }
        }
    }
    found.into_iter().map(|(key, found)| (key, Choices::new(found, random))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_add_up_and_follow_their_shares() {
        let shares = [(1, 1.0), (2, 1.0), (3, 1.0)].into();
        assert_eq!(parted(10, &shares).values().sum::<usize>(), 10);
        assert_eq!(parted(4, &[(1, 3.0), (2, 1.0)].into()), [(1, 3), (2, 1)].into());
    }

    #[test]
    fn what_one_type_cannot_give_the_others_do_and_it_is_said() {
        let shares = [(QuestionType::Fact, 0.5), (QuestionType::Calculation, 0.5)].into();
        let mut notes = Vec::new();
        let capacity = |kind| if kind == QuestionType::Fact { 100 } else { 3 };
        let given = within_capacity(20, &shares, Language::En, capacity, &mut notes);
        assert_eq!(given, [(QuestionType::Fact, 17), (QuestionType::Calculation, 3)].into());
        assert_eq!(notes.len(), 1, "{notes:?}");
    }
}

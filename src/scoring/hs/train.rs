//! Learning to recommend codes, told from top to bottom by [`train`]: read, part, learn, blend, bound, refuse, measure.
//!
//! In: files of descriptions. Out: a [`Model`] and its [`Report`], both still in memory. What weighs the signals, bounds
//! the sets and refuses is learnt on descriptions that the signals' own models did not see, in turns; the fifth that is
//! tested is seen by none and looked at once, at the end. The model measured is the model that serves.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use rand::SeedableRng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::base::{Base, Evidence, encoded_text, item_grams};
use super::blend::Blend;
use super::built_in;
use super::code::Code;
use super::features::{Grams, normalised};
use super::meanings::{Encoded, Encoder, Meanings};
use super::model::{Judged, Learnt, Model, judge, of, vague_and_clear};
use super::parts::{NUM_FOLDS, Part, Parts};
use super::refusal::{Marks, Rule, WordMarks, Words, cut_short};
use super::report::{Asked, Measured, Refused, Report, Tested, measure, share, trade_off, truths};
use super::sets::Sets;
use super::source::{self, Item, Kind, is_residual};
use crate::index::embed::Embedder;
use crate::lang::Language;
use crate::scoring::Error;

/// What to learn from, and how.
#[derive(Clone)]
pub struct Training {
    /// None: our own descriptions of the headings alone.
    pub files: Vec<PathBuf>,
    /// A list of texts too vague to be classified.
    pub vague: Option<PathBuf>,
    pub seed: u64,
    /// How often a set is to hold the true code, in (0, 1).
    pub coverage: f64,
    /// What tells meanings; none: the words alone speak.
    pub encoder: Option<Arc<Embedder>>,
}

/// Descriptions below which there is nothing to hold out.
const MIN_DESCRIPTIONS: usize = 50;
/// Texts timed for the report.
const TIMED: usize = 100;
/// Texts that the worth of questions is measured by.
const ASKED: usize = 500;
/// One learnt thing in so many is told again in other words.
const TOLD: usize = 2;

/// A text to be judged by a model that did not see it.
struct Query<'a> {
    text: String,
    language: Language,
    /// The item it is the description of; none for a vague text.
    item: Option<&'a Item>,
    /// Whether the administration called it vague.
    is_listed: bool,
    /// Whether the words of the item were learnt, beside others.
    is_told: bool,
    part: Part,
}

/// A text too vague to be classified.
struct Vague {
    text: String,
    group: String,
    /// Whether it stands on the administration's list; it was cut from a description otherwise.
    is_listed: bool,
}

/// A query with what a model found for it.
struct Seen<'a> {
    query: &'a Query<'a>,
    evidence: Evidence,
    words: WordMarks,
}

/// Learns a model, and calls `progress` with a line for each step.
///
/// # Errors
/// Files that cannot be read or learnt from; nothing is written in any case.
pub fn train(training: &Training, version: String, progress: &dyn Fn(&str)) -> Result<(Model, Report), Error> {
    let started = Instant::now();
    if !(training.coverage > 0.0 && training.coverage < 1.0) {
        return Err(Error::Share { flag: "--coverage", value: training.coverage, limit: "between 0 and 1" });
    }
    let (mut items, mut files, mut vague) = (Vec::new(), Vec::new(), Vec::new());
    // Without tables the headings' own descriptions are cut into what they list: held out whole, they would teach nothing
    // of what is tested, and learnt whole, all of it.
    items.extend(if training.files.is_empty() { built_in::things() } else { built_in::headings() });
    for path in &training.files {
        let (read, file) = source::read(path)?;
        items.extend(read);
        files.push(file);
    }
    if let Some(path) = &training.vague {
        let (read, file) = source::vague(path)?;
        vague.extend(read.into_iter().map(|text| Vague { group: normalised(&text), text, is_listed: true }));
        files.push(file);
    }
    let groups = items.iter().map(|item| &item.group).chain(vague.iter().map(|vague| &vague.group));
    let mut parts = Parts::new(groups.map(String::as_str), training.seed);
    vague.extend(made_vague(&items, &vague, &parts));
    parts.add(vague.iter().map(|vague| vague.group.as_str()), training.seed);
    let mut queries = queries(&items, &vague, &parts);
    if training.files.is_empty() {
        queries.extend(told_otherwise(&items, &parts, training.seed));
    }
    let num_described = queries.iter().filter(|query| query.item.is_some()).count();
    if num_described < MIN_DESCRIPTIONS {
        return Err(Error::TooFewDescriptions { found: num_described, needed: MIN_DESCRIPTIONS });
    }

    let others: Vec<[Query<'_>; 2]> = queries.iter().filter_map(Query::bare_and_in_context).collect();
    let texts: Vec<String> = items.iter().map(encoded_text).collect();
    let encoded = match &training.encoder {
        None => Encoded::default(),
        Some(encoder) => {
            let asked = queries.iter().chain(others.iter().flatten()).map(|query| query.text.as_str());
            Encoded::of(encoder, texts.iter().map(String::as_str).chain(asked), progress)?
        }
    };
    let grams: Vec<Grams> = items.par_iter().map(item_grams).collect();
    let learn = |held: Part| -> (Base, Option<Words>, Vec<Item>, Vec<String>) {
        let chosen: Vec<usize> = (0..items.len()).filter(|at| parts.may_learn(&items[*at], held)).collect();
        progress(&format!("learning from {} texts", chosen.len()));
        let (chosen_items, chosen_grams): (Vec<&Item>, Vec<&Grams>) =
            chosen.iter().map(|at| (&items[*at], &grams[*at])).unzip();
        let meanings = Meanings::new(chosen.iter().map(|at| texts[*at].as_str()), &encoded);
        let base = Base::fit(&chosen_items, &chosen_grams, meanings, training.seed);
        let chosen_items: Vec<Item> = chosen_items.into_iter().cloned().collect();
        let is_free = |vague: &&Vague| parts.of(&vague.group).is_some_and(|part| part != held && part != Part::Test);
        let chosen_vague: Vec<String> = vague.iter().filter(is_free).map(|vague| vague.text.clone()).collect();
        let words = (!chosen_vague.is_empty()).then(|| {
            let both = vague_and_clear(&chosen_items, &chosen_vague);
            Words::fit(&both, Meanings::new(both.iter().map(|(text, _)| *text), &encoded), training.seed)
        });
        (base, words, chosen_items, chosen_vague)
    };
    let look = |base: &Base, words: Option<&Words>, part: Part| -> Vec<Seen<'_>> {
        let judged = queries.par_iter().filter(|query| query.part == part);
        let seen = judged.map(|query| {
            let meaning = encoded.get(&query.text);
            Seen {
                evidence: base.evidence(&query.text, meaning),
                words: words.map_or_else(WordMarks::default, |words| words.marks(&query.text, meaning)),
                query,
            }
        });
        seen.collect()
    };

    let tuned: Vec<(Base, Vec<Seen<'_>>)> = (0..NUM_FOLDS)
        .map(|fold| {
            let (base, words, ..) = learn(Part::Fold(fold));
            let seen = look(&base, words.as_ref(), Part::Fold(fold));
            (base.names_alone(), seen)
        })
        .collect();
    let (mut blends, mut sets, mut rules) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for language in [Language::En, Language::Ko] {
        let of_language = || {
            let all = tuned.iter().flat_map(|(base, seen)| seen.iter().map(move |seen| (base, seen)));
            all.filter(move |(_, seen)| seen.query.language == language)
        };
        let described: Vec<(&Base, &Seen<'_>, &Item)> =
            of_language().filter_map(|(base, seen)| Some((base, seen, seen.query.item?))).collect();
        if described.len() < MIN_DESCRIPTIONS {
            continue;
        }
        progress(&format!("weighing {} texts in `{language}`", described.len()));
        let known: Vec<_> =
            described.iter().map(|(base, seen, item)| (&seen.evidence, base.class(2, &item.code))).collect();
        let blend = Blend::fit(&known);
        // How sure one may be is told by what was not learnt in any words.
        let tested: Vec<Tested> = described
            .iter()
            .filter(|(_, seen, _)| !seen.query.is_told)
            .map(|(base, seen, item)| tested(base, &blend, seen, &item.code))
            .collect();
        sets.insert(language, Sets::fit(training.coverage, &truths(&tested)));
        rules.insert(language, rule(of_language(), &blend, training.seed));
        blends.insert(language, blend);
    }
    drop(tuned);

    let (base, words, chosen_items, chosen_vague) = learn(Part::Test);
    let seen = look(&base, words.as_ref(), Part::Test);
    let encoder = training.encoder.as_deref().map(Encoder::of);
    let learnt = Learnt { version, encoder, items: chosen_items, vague: chosen_vague, blends, sets, rules };
    let judged = Judgement { base: &base, learnt: &learnt };
    let past = judged.measure(&seen, Kind::Past, Language::En);
    let past_korean = judged.measure(&seen, Kind::Past, Language::Ko);
    let national = judged.measure(&seen, Kind::National, Language::Ko);
    let look_at = |of_two: usize| -> Option<Measured> {
        let queries = others.iter().map(|two| &two[of_two]);
        let queries: Vec<&Query<'_>> = queries.filter(|query| of_two == 1 || !is_residual(&query.text)).collect();
        let seen: Vec<Seen<'_>> = queries
            .into_par_iter()
            .map(|query| {
                let evidence = base.evidence(&query.text, encoded.get(&query.text));
                Seen { evidence, words: WordMarks::default(), query }
            })
            .collect();
        judged.measure(&seen, Kind::National, Language::Ko)
    };
    let (national_bare, national_in_context) = (look_at(0), look_at(1));
    let listed = vague.iter().filter(|vague| vague.is_listed).map(|vague| vague.group.as_str()).collect();
    let refusal = judged.refusal(&seen, &listed);
    let (num_learnt, version) = (learnt.items.len(), learnt.version.clone());
    let timed: Vec<&str> =
        queries.iter().filter(|query| query.part == Part::Test).take(TIMED).map(|query| query.text.as_str()).collect();
    let model = Model::new(learnt, base, words, training.encoder.clone());
    let clock = Instant::now();
    for text in &timed {
        std::hint::black_box(model.recommend(text, 5, &[])?);
    }
    let ms_per_text = clock.elapsed().as_secs_f64() * 1e3 / timed.len().max(1) as f64;
    let asked = asked(&model, &queries)?;
    let report = Report {
        model: version,
        files,
        encoder: training.encoder.as_ref().map(|encoder| encoder.name().to_owned()),
        seed: training.seed,
        learnt: num_learnt,
        past,
        past_korean,
        national,
        national_bare,
        national_in_context,
        refusal,
        asked,
        ms_per_text,
        seconds: started.elapsed().as_secs_f64(),
    };
    Ok((model, report))
}

/// Texts to judge: past descriptions, lines of a tariff by what describes them in Korean, vague texts. English names of
/// lines resemble the law they were taken from and no trader's words, so they would flatter.
fn queries<'a>(items: &'a [Item], vague: &[Vague], parts: &Parts) -> Vec<Query<'a>> {
    let described = items.iter().filter(|item| !item.asked.is_empty()).filter_map(|item| {
        let (part, language) = (parts.of(&item.group)?, Language::detect(&item.asked));
        let is_query = item.kind == Kind::Past || language == Language::Ko;
        is_query.then(|| Query {
            text: item.asked.clone(),
            language,
            item: Some(item),
            is_listed: false,
            is_told: false,
            part,
        })
    });
    let vague = vague.iter().filter_map(|Vague { text, group, is_listed }| {
        let part = parts.of(group)?;
        let language = Language::detect(text);
        Some(Query { text: text.clone(), language, item: None, is_listed: *is_listed, is_told: false, part })
    });
    described.chain(vague).collect()
}

/// Things that a model has learnt, each beside a word of another: of the things the headings list, none is there twice, so
/// that what is held out would teach that words tell nothing, where half of what is asked names a thing as it was told.
fn told_otherwise<'a>(items: &'a [Item], parts: &Parts, seed: u64) -> Vec<Query<'a>> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let of = |language| items.iter().filter(|item| Language::detect(&item.text) == language).collect::<Vec<&Item>>();
    let mut told = Vec::new();
    for language in [Language::En, Language::Ko] {
        let items = of(language);
        for item in items.iter().step_by(TOLD) {
            let Some(Part::Fold(fold)) = parts.of(&item.group) else { continue };
            let word = items.choose(&mut rng).and_then(|other| other.text.split_whitespace().next()).unwrap_or("");
            let part = Part::Fold((fold + 1) % NUM_FOLDS);
            let text = format!("{word} {}", item.text);
            told.push(Query { text, language, item: Some(item), is_listed: false, is_told: true, part });
        }
    }
    told
}

/// Vague texts cut from descriptions, for languages without a list; what is tested has no part in it.
fn made_vague(items: &[Item], listed: &[Vague], parts: &Parts) -> Vec<Vague> {
    let has_list = |language| listed.iter().filter(|vague| Language::detect(&vague.text) == language).count();
    let lacking = [Language::En, Language::Ko].into_iter().filter(|at| has_list(*at) < MIN_DESCRIPTIONS * NUM_FOLDS);
    let made = lacking.flat_map(|language| {
        let described = items.iter().filter(move |item| {
            let is_learnt = parts.of(&item.group).is_some_and(|part| part != Part::Test);
            is_learnt && !item.asked.is_empty() && Language::detect(&item.asked) == language
        });
        cut_short(described.filter_map(|item| Some((item.text.as_str(), item.code.prefix(4)?))))
    });
    let new = made.filter(|text| parts.of(&normalised(text)).is_none());
    new.map(|text| Vague { group: normalised(&text), text, is_listed: false }).collect()
}

impl<'a> Query<'a> {
    /// A tested line by its name alone, and by its name under all that stands above it.
    fn bare_and_in_context(&self) -> Option<[Query<'a>; 2]> {
        let item = self.item.filter(|item| item.kind == Kind::National && self.part == Part::Test)?;
        let Self { language, part, .. } = *self;
        let query = |text| Query { text, language, item: Some(item), is_listed: false, is_told: false, part };
        Some([query(item.text.clone()), query(format!("{} {}", item.text, item.context))])
    }
}

fn tested(base: &Base, blend: &Blend, seen: &Seen<'_>, code: &Code) -> Tested {
    let Judged { levels, .. } = judge(base, blend, &seen.evidence, &seen.query.text, seen.words);
    let truth = [0, 1, 2].map(|level| base.class(level, code));
    Tested { levels, truth, nearest: seen.evidence.nearest_class }
}

/// How texts of a language are refused; by trees where there are vague ones enough in each lot.
fn rule<'a>(seen: impl Iterator<Item = (&'a Base, &'a Seen<'a>)>, blend: &Blend, seed: u64) -> Rule {
    let mut lots: [Vec<(Marks, bool)>; NUM_FOLDS] = std::array::from_fn(|_| Vec::new());
    for (base, seen) in seen {
        let Part::Fold(fold) = seen.query.part else { continue };
        let marks = judge(base, blend, &seen.evidence, &seen.query.text, seen.words).marks;
        lots[fold].push((marks, seen.query.item.is_none()));
    }
    let num_vague = |lot: &Vec<(Marks, bool)>| lot.iter().filter(|(_, is_vague)| *is_vague).count();
    if lots.iter().all(|lot| num_vague(lot) >= MIN_DESCRIPTIONS) {
        return Rule::learn(&lots, seed);
    }
    let clear: Vec<Marks> = lots.iter().flatten().filter(|(_, is_vague)| !is_vague).map(|(marks, _)| *marks).collect();
    Rule::unsure(&clear)
}

/// What questions are worth: held-out descriptions whose first question is answered as the texts of the true code would.
fn asked(model: &Model, queries: &[Query<'_>]) -> Result<Option<Asked>, Error> {
    let tested = queries.iter().filter(|query| query.part == Part::Test);
    let past = tested.filter_map(|query| Some((query, query.item.filter(|item| item.kind == Kind::Past)?)));
    let mut asked = Asked::default();
    for (query, item) in past.take(ASKED) {
        let Some(truth) = item.code.prefix(6) else { continue };
        let before = model.recommend(&query.text, 1, &[])?;
        asked.rows += 1;
        let Some(question) = &before.next_question else { continue };
        asked.asked += 1;
        let Some(answer) = model.answer_of(truth, question) else { continue };
        let after = model.recommend(&query.text, 1, &[answer])?;
        asked.add(&before, &after, truth);
    }
    Ok((asked.rows > 0).then(|| asked.means()))
}

/// What was learnt, before it is a model.
struct Judgement<'a> {
    base: &'a Base,
    learnt: &'a Learnt,
}

impl Judgement<'_> {
    fn measure(&self, seen: &[Seen<'_>], kind: Kind, language: Language) -> Option<Measured> {
        let of_language = seen.iter().filter(|seen| seen.query.language == language);
        let described = of_language.filter_map(|seen| Some((seen, seen.query.item.filter(|item| item.kind == kind)?)));
        let tested: Vec<Tested> = described
            .filter_map(|(seen, item)| {
                let blend = of(&self.learnt.blends, seen.query.language)?;
                Some(tested(self.base, blend, seen, &item.code))
            })
            .collect();
        measure(&tested, of(&self.learnt.sets, language)?)
    }

    fn refusal(&self, seen: &[Seen<'_>], listed: &HashSet<&str>) -> Option<Refused> {
        let described: HashSet<&str> = seen.iter().filter_map(|seen| Some(seen.query.item?.group.as_str())).collect();
        // Refused and all: vague, vague alone, clear, clear alone, Korean, cut short.
        let mut counts = [[0_usize; 2]; 6];
        let (mut of_vague, mut of_clear) = (Vec::new(), Vec::new());
        for seen in seen {
            let query = seen.query;
            let blend = of(&self.learnt.blends, query.language)?;
            let marks = judge(self.base, blend, &seen.evidence, &query.text, seen.words).marks;
            let (vagueness, limit) = of(&self.learnt.rules, query.language)?.vagueness(&marks);
            let is_refused = vagueness > limit || seen.evidence.nearest.is_empty();
            let text = normalised(&query.text);
            let rows: &[usize] = match query.item {
                None if !query.is_listed => &[5],
                None if described.contains(text.as_str()) => &[0],
                None => &[0, 1],
                Some(item) if item.kind == Kind::National => &[4],
                Some(_) if listed.contains(text.as_str()) => &[2],
                Some(_) => &[2, 3],
            };
            for row in rows {
                counts[*row][0] += usize::from(is_refused);
                counts[*row][1] += 1;
            }
            match rows[0] {
                0 => of_vague.push(vagueness),
                2 => of_clear.push(vagueness),
                _ => {}
            }
        }
        let rows = |at: usize| counts[at][1];
        let refused = |at: usize| share(counts[at][0], counts[at][1]);
        Some(Refused {
            vague_rows: rows(0),
            vague_refused: (rows(0) > 0).then(|| refused(0)),
            clear_rows: rows(2),
            clear_refused: refused(2),
            vague_alone_rows: rows(1),
            vague_alone_refused: (rows(1) > 0).then(|| refused(1)),
            clear_alone_rows: rows(3),
            clear_alone_refused: refused(3),
            korean_rows: rows(4),
            korean_refused: refused(4),
            cut_rows: rows(5),
            cut_refused: (rows(5) > 0).then(|| refused(5)),
            curve: trade_off(of_clear, &of_vague),
        })
    }
}

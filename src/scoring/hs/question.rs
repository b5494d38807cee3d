//! The question whose answer would shrink a set of subheadings most, and what answers leave of it.
//!
//! In: how the nomenclatures name each subheading, and a set with probabilities. Out: a [`Question`] about one attribute,
//! whose answers are the values that tell the codes of the set apart, and how many codes are left on average. Attributes
//! and their words are our own (`attributes.toml`); which of them matter is read off the texts. What a text excludes
//! ("not knitted", "other than of wool") does not count as said.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::features::normalised;
use super::source::{Item, Kind};
use crate::lang::Language;
use crate::scoring::Error;

#[derive(Debug, Deserialize)]
struct Attribute {
    name: String,
    en: String,
    ko: String,
    values: Vec<Value>,
}

#[derive(Debug, Deserialize)]
struct Value {
    name: String,
    en: String,
    ko: String,
    /// English words or runs of words.
    words: Vec<String>,
    /// Korean parts of words.
    terms: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Attributes {
    attribute: Vec<Attribute>,
}

static ATTRIBUTES: LazyLock<Vec<Attribute>> = LazyLock::new(|| {
    let parsed: Attributes = toml::from_str(include_str!("attributes.toml")).expect("the built-in attributes parse");
    parsed.attribute
});

/// The answer that none of an attribute's values holds.
const OTHER: &str = "other";
/// What an answer against a code's own text leaves of its probability: nomenclatures word one thing in several ways.
const CONTRADICTED: f32 = 0.05;
/// A question must save at least this many codes on average.
const MIN_SAVED: f32 = 0.5;

/// A question to whoever described the goods.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Question {
    pub attribute: String,
    pub en: String,
    pub ko: String,
    pub options: Vec<Choice>,
    /// Codes in the set once it is answered, on average.
    pub expected_set_size: f32,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Choice {
    /// As it is given back: `attribute=value`.
    pub value: String,
    pub en: String,
    pub ko: String,
    /// Subheadings left if this is the answer.
    pub codes: Vec<String>,
}

/// An answer to a [`Question`]: places of the attribute and of the value, none for "other".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    attribute: usize,
    value: Option<usize>,
}

impl Answer {
    /// Reads `material=cotton`.
    ///
    /// # Errors
    /// An attribute or a value that there is not; those that there are are named.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let (name, value_name) = text.split_once('=').unwrap_or((text, ""));
        let Some(attribute) = ATTRIBUTES.iter().position(|attribute| attribute.name == name.trim()) else {
            let known = ATTRIBUTES.iter().map(|attribute| attribute.name.as_str()).collect();
            return Err(unknown(text, known));
        };
        let values = &ATTRIBUTES[attribute].values;
        let value = values.iter().position(|value| value.name == value_name.trim());
        if value.is_none() && value_name.trim() != OTHER {
            return Err(unknown(text, values.iter().map(|value| value.name.as_str()).chain([OTHER]).collect()));
        }
        Ok(Self { attribute, value })
    }

    /// As it is typed.
    pub fn typed(&self) -> String {
        let Attribute { name, values, .. } = &ATTRIBUTES[self.attribute];
        format!("{name}={}", self.value.map_or(OTHER, |value| &values[value].name))
    }
}

fn unknown(given: &str, known: Vec<&str>) -> Error {
    Error::UnknownAnswer { given: given.into(), known: known.join("`, `") }
}

/// Values of one attribute that a text names, a bit each.
type Named = u32;

/// What the nomenclatures say of each subheading.
#[derive(Clone, Debug, Default)]
pub struct Questions {
    /// For each subheading and attribute.
    named: Vec<Vec<Named>>,
    /// Class of the heading of each subheading.
    headings: Vec<u32>,
}

impl Questions {
    /// `subheadings` are the names of the classes, `headings` the class of each one's heading.
    pub fn new(items: &[Item], subheadings: &[String], headings: Vec<u32>) -> Self {
        let mut named_by: HashMap<&str, Vec<Named>> = HashMap::new();
        for item in items.iter().filter(|item| item.kind != Kind::Past) {
            // A line that is its subheading whole has its name; one of several beneath it speaks for itself alone.
            let code = item.code.as_str();
            let code = if item.kind == Kind::National { code.trim_end_matches('0') } else { code };
            let Some(place) = [4, 6].into_iter().find(|digits| code.len() <= *digits) else { continue };
            let Some(place) = item.code.prefix(place) else { continue };
            let of_place = named_by.entry(place).or_insert_with(|| vec![0; ATTRIBUTES.len()]);
            of_place.iter_mut().zip(named(&item.text)).for_each(|(all, new)| *all |= new);
        }
        let named = subheadings
            .iter()
            .map(|code| {
                let own = named_by.get(code.as_str());
                let heading = named_by.get(&code[..4]);
                (0..ATTRIBUTES.len())
                    .map(|at| match own.map_or(0, |own| own[at]) {
                        // A heading of several materials leaves open which one a subheading is of.
                        0 => heading.map(|heading| heading[at]).filter(|named| named.count_ones() == 1).unwrap_or(0),
                        own => own,
                    })
                    .collect()
            })
            .collect();
        Self { named, headings }
    }

    /// Which heading of `set` names which value of an attribute.
    fn claims(&self, attribute: usize, set: &[(u32, f32)]) -> HashSet<(u32, usize)> {
        let of_code = |class: u32| {
            let named = self.named[class as usize][attribute];
            (0..u32::BITS as usize).filter(move |value| named >> value & 1 == 1)
        };
        set.iter().flat_map(|(class, _)| of_code(*class).map(|v| (self.headings[*class as usize], v))).collect()
    }

    /// Whether a code may still be meant after an answer, given what its neighbours in the set claim.
    fn allows(&self, class: u32, answer: Answer, claims: &HashSet<(u32, usize)>) -> bool {
        let named = self.named[class as usize][answer.attribute];
        match answer.value {
            None => named == 0,
            Some(value) if named == 0 => !claims.contains(&(self.headings[class as usize], value)),
            Some(value) => named >> value & 1 == 1,
        }
    }

    /// Which codes of `ranked` all answers allow.
    pub fn allowed(&self, ranked: &[(u32, f32)], answers: &[Answer]) -> Vec<bool> {
        let mut allowed = vec![true; ranked.len()];
        for answer in answers {
            let claims = self.claims(answer.attribute, ranked);
            for (is_allowed, (class, _)) in allowed.iter_mut().zip(ranked) {
                *is_allowed &= self.allows(*class, *answer, &claims);
            }
        }
        allowed
    }

    /// Probabilities after answers, likeliest first.
    pub fn refine(&self, ranked: &[(u32, f32)], answers: &[Answer]) -> Vec<(u32, f32)> {
        let before: f32 = ranked.iter().map(|(_, p)| p).sum();
        let allowed = self.allowed(ranked, answers);
        let weighed = ranked.iter().zip(allowed);
        let mut refined: Vec<(u32, f32)> =
            weighed.map(|((class, p), is_allowed)| (*class, if is_allowed { *p } else { CONTRADICTED * p })).collect();
        let after: f32 = refined.iter().map(|(_, p)| p).sum();
        if after > 0.0 {
            refined.iter_mut().for_each(|(_, p)| *p *= before / after);
        }
        refined.sort_by(|a, b| b.1.total_cmp(&a.1));
        refined
    }

    /// The best question on `set`, none where none saves codes enough. What was answered is not asked again.
    pub fn next(&self, set: &[(u32, f32)], answered: &[Answer], names: &[String]) -> Option<Question> {
        let open = (0..ATTRIBUTES.len()).filter(|at| answered.iter().all(|answer| answer.attribute != *at));
        let asked = open.filter_map(|attribute| self.on(attribute, set, names));
        let best = asked.min_by(|a, b| a.expected_set_size.total_cmp(&b.expected_set_size))?;
        (best.expected_set_size + MIN_SAVED <= set.len() as f32).then_some(best)
    }

    fn on(&self, attribute: usize, set: &[(u32, f32)], names: &[String]) -> Option<Question> {
        let claims = self.claims(attribute, set);
        let Attribute { name, en, ko, values } = &ATTRIBUTES[attribute];
        let claimed = (0..values.len()).filter(|value| claims.iter().any(|(_, claimed)| claimed == value)).map(Some);
        let answers = claimed.chain([None]).map(|value| Answer { attribute, value });
        let left: Vec<(Answer, Vec<usize>)> = answers
            .map(|answer| (answer, (0..set.len()).filter(|at| self.allows(set[*at].0, answer, &claims)).collect()))
            .filter(|(_, left): &(Answer, Vec<usize>)| !left.is_empty())
            .collect();
        if left.len() < 2 {
            return None;
        }
        // A code that several answers allow lends each an equal part of its probability.
        let mut shares = vec![0.0_f32; set.len()];
        left.iter().flat_map(|(_, left)| left).for_each(|at| shares[*at] += 1.0);
        let weight = |left: &[usize]| left.iter().map(|at| set[*at].1 / shares[*at]).sum::<f32>();
        let total: f32 = left.iter().map(|(_, left)| weight(left)).sum();
        let expected = left.iter().map(|(_, left)| weight(left) * left.len() as f32).sum::<f32>() / total;
        let options = left.iter().map(|(answer, left)| {
            let value = answer.value.map(|value| &values[value]);
            Choice {
                value: answer.typed(),
                en: value.map_or("none of these", |value| &value.en).into(),
                ko: value.map_or("해당 없음", |value| &value.ko).into(),
                codes: left.iter().map(|at| names[set[*at].0 as usize].clone()).collect(),
            }
        });
        let options = options.collect();
        expected.is_finite().then(|| Question {
            attribute: name.clone(),
            en: en.clone(),
            ko: ko.clone(),
            options,
            expected_set_size: expected,
        })
    }

    /// What the texts of a code would answer; none where they name no value or several.
    pub fn answer_of(&self, class: u32, question: &Question) -> Option<Answer> {
        let attribute = ATTRIBUTES.iter().position(|attribute| attribute.name == question.attribute)?;
        let named = self.named[class as usize][attribute];
        (named.count_ones() == 1).then(|| Answer { attribute, value: Some(named.trailing_zeros() as usize) })
    }
}

/// Values that a text names, for each attribute.
fn named(text: &str) -> Vec<Named> {
    let is_korean = Language::detect(text) == Language::Ko;
    let said = if is_korean { normalised(text) } else { format!(" {} ", affirmed(text)) };
    let whole = format!(" {} ", normalised(text));
    let names = |value: &Value| match is_korean {
        true => value.terms.iter().any(|term| said.contains(term.as_str())),
        false => value.words.iter().any(|words| {
            // What begins with "not" is looked for where nothing was cut.
            let text = if words.starts_with("not ") { &whole } else { &said };
            text.contains(&format!(" {words} "))
        }),
    };
    ATTRIBUTES
        .iter()
        .map(|attribute| {
            let values = attribute.values.iter().enumerate().filter(|(_, value)| names(value));
            values.fold(0, |named, (at, _)| named | 1 << at)
        })
        .collect()
}

/// The words of an English text without those it excludes.
fn affirmed(text: &str) -> String {
    let mut kept = Vec::new();
    for sentence in text.split(';') {
        for part in sentence.split(',') {
            let part = normalised(part);
            let words: Vec<&str> = part.split(' ').collect();
            let excludes_all = |at: usize| matches!(words[at], "excluding" | "except" | "excepting");
            let excludes = |at: usize| {
                matches!(words[at], "not" | "without" | "neither" | "non")
                    || (words[at] == "other" && words.get(at + 1) == Some(&"than"))
            };
            let cut = (0..words.len()).find(|at| excludes_all(*at) || excludes(*at));
            kept.extend(words[..cut.unwrap_or(words.len())].iter().map(|word| (*word).to_owned()));
            if cut.is_some_and(excludes_all) {
                break;
            }
        }
    }
    kept.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scoring::hs::code::{Code, Zeros};

    fn law(code: &str, text: &str) -> Item {
        Item {
            kind: Kind::Nomenclature,
            text: text.into(),
            context: String::new(),
            code: Code::parse(code, Zeros::Kept).unwrap(),
            asked: String::new(),
            group: String::new(),
        }
    }

    fn shirts() -> (Questions, Vec<String>) {
        let items = [
            law("6205", "Shirts; men's or boys' (not knitted or crocheted)"),
            law("620520", "Shirts; men's or boys', of cotton (not knitted or crocheted)"),
            law("620530", "Shirts; men's or boys', of man-made fibres, synthetic"),
            law("620590", "Shirts; men's or boys', of textile materials other than cotton or synthetic"),
        ];
        let names: Vec<String> = ["620520", "620530", "620590"].map(str::to_owned).to_vec();
        (Questions::new(&items, &names, vec![0, 0, 0]), names)
    }

    #[test]
    fn what_tells_the_codes_apart_is_asked() {
        let (questions, names) = shirts();
        let set = [(0, 0.5), (1, 0.3), (2, 0.2)];
        let question = questions.next(&set, &[], &names).unwrap();
        let offered: Vec<(&str, usize)> =
            question.options.iter().map(|choice| (choice.value.as_str(), choice.codes.len())).collect();
        assert_eq!(offered, [("material=cotton", 1), ("material=synthetic", 1), ("material=other", 1)]);
        assert_eq!((question.attribute.as_str(), question.expected_set_size), ("material", 1.0));
        let answer = Answer::parse("material=synthetic").unwrap();
        assert_eq!(questions.answer_of(1, &question), Some(answer));
        assert_eq!(questions.allowed(&set, &[answer]), [false, true, false]);
        let refined = questions.refine(&set, &[answer]);
        assert!(refined[0].0 == 1 && refined[0].1 > 0.85, "{refined:?}");
        assert_eq!(questions.next(&set, &[answer], &names), None, "men's shirts they all are");
    }

    #[test]
    fn what_is_excluded_is_not_said() {
        assert_eq!(affirmed("Fish; fresh, excluding fillets, livers; whole, not smoked"), "fish fresh whole");
        let material = |text| named(text)[0].count_ones();
        assert_eq!((material("of cotton"), material("other than of cotton"), material("면으로 만든 것")), (1, 0, 1));
    }

    #[test]
    fn an_answer_that_is_none_is_told_which_there_are() {
        let error = |text: &str| Answer::parse(text).unwrap_err().to_string();
        assert!(error("colour=red").contains("`material`"), "{}", error("colour=red"));
        assert!(error("wearer=dogs").contains("`babies`, `other`"), "{}", error("wearer=dogs"));
        assert_eq!(Answer::parse("part=other").unwrap().typed(), "part=other");
    }

    #[test]
    fn attributes_have_names_of_their_own_and_few_enough_values() {
        let names: HashSet<&str> = ATTRIBUTES.iter().map(|attribute| attribute.name.as_str()).collect();
        assert_eq!(names.len(), ATTRIBUTES.len());
        assert!(ATTRIBUTES.iter().all(|attribute| attribute.values.len() < Named::BITS as usize));
        for Attribute { name, values, .. } in ATTRIBUTES.iter() {
            let of_values: HashSet<&str> = values.iter().map(|value| value.name.as_str()).collect();
            assert!(of_values.len() == values.len() && !of_values.contains(OTHER), "{name}");
            assert!(values.iter().flat_map(|value| &value.words).all(|words| normalised(words) == *words), "{name}");
        }
    }
}

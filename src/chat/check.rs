//! Holds what the model says to what was found. In: one sentence of the explanation. Out: the sentence with marks that
//! name passages, or the [`Disagreement`] for which it is withheld.
//!
//! Deliberately no second model: every rule here can be read, and every withheld sentence explained. A right sentence
//! may be lost to a rule; a wrong one may not pass for a quotation.

use std::collections::{BTreeSet, HashSet};
use std::sync::LazyLock;

use regex::Regex;

use super::Disagreement;
use crate::index::{Kind, terms};
use crate::ingest::sentence::sentences;
use crate::lang::{Language, is_hangul};
use crate::legal::{self, Mention};
use crate::rag::Evidence;
use crate::rag::polarity::{self, Polarity};

/// Share of a sentence's words that a passage must hold to be its source.
const SUPPORT: f32 = 0.35;
/// Shared words, of the shorter sentence, from which on two sentences are taken to speak of the same thing.
const SAME_SUBJECT: f32 = 0.6;

static MARK: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\s*\[\s*(\d{1,3}(?:\s*,\s*\d{1,3})*)\s*\]").expect("a valid pattern"));
static LEAD: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^\s*(?i:(yes|예|네|그렇습니다|맞습니다)|(no|아니요|아니오|아닙니다))(?:[\s,.:;!—-]+|$)")
        .expect("a valid pattern")
});

/// What an explanation is held to.
pub struct Checker {
    language: Language,
    question: Sentence,
    /// What the deciding sentence says to the question; `None` where it is no yes-no question.
    decision: Option<Polarity>,
    /// The deciding sentence, then every sentence of the passages.
    sources: Vec<Sentence>,
    passages: Vec<Passage>,
    numbers: BTreeSet<String>,
    mentions: Vec<Mention>,
    han: HashSet<char>,
}

struct Passage {
    n: usize,
    words: HashSet<String>,
    refs: Vec<legal::LegalRef>,
}

struct Sentence {
    words: HashSet<String>,
    polarity: Polarity,
}

impl Sentence {
    fn new(text: &str) -> Self {
        Self { words: words(text), polarity: polarity::of(text, Language::detect(text)) }
    }

    /// Shared words as a share of the shorter sentence.
    fn overlap(&self, other: &Self) -> f32 {
        let shorter = self.words.len().min(other.words.len());
        if shorter == 0 { 0.0 } else { self.words.intersection(&other.words).count() as f32 / shorter as f32 }
    }
}

impl Checker {
    /// For explanations of `question` from `evidence`.
    pub fn new(question: &str, language: Language, evidence: &Evidence) -> Self {
        let texts = || {
            let passages = evidence.citations.iter().flat_map(|c| [c.text.as_str(), c.heading.as_str()]);
            passages.chain(evidence.quotes.iter().map(|quote| quote.text.as_str())).chain([question])
        };
        let quoted = evidence.quotes.iter().take(1).map(|quote| Sentence::new(&quote.text));
        let said = evidence.citations.iter().flat_map(|citation| {
            sentences(&citation.text).into_iter().map(|range| Sentence::new(&citation.text[range])).collect::<Vec<_>>()
        });
        Self {
            language,
            question: Sentence::new(question),
            decision: evidence
                .quotes
                .first()
                .and_then(|quote| polarity::answers(question, &quote.text, quote.language)),
            sources: quoted.chain(said).collect(),
            passages: evidence
                .citations
                .iter()
                .map(|citation| Passage {
                    n: citation.n,
                    words: words(&format!("{} {}", citation.heading, citation.text)),
                    refs: citation.refs.iter().filter_map(|reference| reference.parse().ok()).collect(),
                })
                .collect(),
            numbers: texts().flat_map(polarity::numbers).collect(),
            mentions: texts().flat_map(legal::mentions).collect(),
            han: texts().flat_map(str::chars).filter(|c| is_han(*c)).collect(),
        }
    }

    /// The sentence as it may be shown.
    ///
    /// # Errors
    /// Why it may not.
    pub fn check(&self, sentence: &str) -> Result<String, Disagreement> {
        let bare = MARK.replace_all(sentence, "").into_owned();
        if bare.trim().is_empty() {
            return Err(Disagreement::Citation);
        }
        self.check_language(&bare)?;
        let body = self.check_lead(&bare)?;
        self.check_articles(body)?;
        self.check_numbers(body)?;
        let said = Sentence::new(body);
        self.check_polarity(&said)?;
        self.with_marks(sentence, body, &said)
    }

    fn check_language(&self, text: &str) -> Result<(), Disagreement> {
        let foreign = match self.language {
            Language::En => text.chars().filter(|c| is_hangul(*c)).count() > text.chars().count() / 4,
            Language::Ko => !text.chars().any(is_hangul) && text.chars().any(char::is_alphabetic),
        };
        let strange = text.chars().any(|c| is_han(c) && !self.han.contains(&c));
        if foreign || strange { Err(Disagreement::Language) } else { Ok(()) }
    }

    /// Takes off a yes or no that the deciding sentence does not bear out; the rest must stand by itself.
    fn check_lead<'a>(&self, text: &'a str) -> Result<&'a str, Disagreement> {
        let Some(lead) = LEAD.captures(text) else { return Ok(text) };
        let says = if lead.get(1).is_some() { Polarity::Affirmative } else { Polarity::Negative };
        let rest = &text[lead.get(0).expect("group 0 is the match").end()..];
        let Some(quote) = self.sources.first() else { return Ok(rest) };
        let speaks_of_it = self.question.overlap(quote) >= SAME_SUBJECT;
        match (speaks_of_it && self.decision == Some(says), rest.trim().is_empty()) {
            (true, _) => Ok(text),
            (false, false) => Ok(rest),
            (false, true) => Err(Disagreement::Polarity),
        }
    }

    fn check_articles(&self, text: &str) -> Result<(), Disagreement> {
        let known = |mention: &Mention| {
            let in_refs = self.passages.iter().flat_map(|p| &p.refs).any(|reference| mention.is_covered_by(reference));
            let in_text = self.mentions.iter().any(|other| {
                let same = mention.instrument.is_none()
                    || other.instrument.is_none()
                    || mention.instrument == other.instrument;
                same && mention.article.agrees_with(&other.article)
            });
            in_refs || in_text
        };
        if legal::mentions(text).iter().all(known) { Ok(()) } else { Err(Disagreement::Article) }
    }

    fn check_numbers(&self, text: &str) -> Result<(), Disagreement> {
        if polarity::numbers(text).is_subset(&self.numbers) { Ok(()) } else { Err(Disagreement::Number) }
    }

    /// The sentence must not deny what the nearest source sentence affirms, or affirm what it denies.
    fn check_polarity(&self, said: &Sentence) -> Result<(), Disagreement> {
        let mut nearest: Option<(f32, &Sentence)> = None;
        // In order, so that of two equally near sentences the deciding one counts.
        for source in &self.sources {
            let overlap = said.overlap(source);
            if nearest.is_none_or(|(best, _)| overlap > best) {
                nearest = Some((overlap, source));
            }
        }
        match nearest {
            Some((overlap, source)) if overlap >= SAME_SUBJECT && source.polarity != said.polarity => {
                Err(Disagreement::Polarity)
            }
            _ => Ok(()),
        }
    }

    /// `body` with the marks of `sentence` that hold, or the mark of the passage that bears it best. A sentence that no
    /// passage bears is the model's own and not shown.
    fn with_marks(&self, sentence: &str, body: &str, said: &Sentence) -> Result<String, Disagreement> {
        let support =
            |passage: &Passage| said.words.intersection(&passage.words).count() as f32 / said.words.len().max(1) as f32;
        let claimed: HashSet<usize> = MARK
            .captures_iter(sentence)
            .flat_map(|mark| mark[1].split(',').filter_map(|n| n.trim().parse().ok()).collect::<Vec<usize>>())
            .collect();
        let mut marks: Vec<usize> =
            self.passages.iter().filter(|p| claimed.contains(&p.n) && support(p) >= SUPPORT).map(|p| p.n).collect();
        if marks.is_empty() {
            let best = self.passages.iter().max_by(|a, b| support(a).total_cmp(&support(b)));
            marks.extend(best.filter(|passage| support(passage) >= SUPPORT).map(|passage| passage.n));
        }
        if marks.is_empty() {
            return Err(Disagreement::Citation);
        }
        let marks: String = marks.iter().map(|n| format!(" [{n}]")).collect();
        let text = capitalised(body.trim());
        // A mark stands before the full stop, as in print.
        Ok(match text.strip_suffix(['.', '。']) {
            Some(stem) => format!("{}{marks}.", stem.trim_end()),
            None => format!("{text}{marks}"),
        })
    }
}

fn words(text: &str) -> HashSet<String> {
    terms(text).into_iter().filter(|term| term.kind == Kind::Word).map(|term| term.text).collect()
}

/// A sentence that lost its "No, " begins anew.
fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}')
}

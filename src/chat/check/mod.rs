//! Holds what the model says to what was found. In: one sentence of the explanation. Out: the sentence with marks that
//! name passages, or the [`Disagreement`] for which it is withheld.
//!
//! Deliberately no second model: every rule here can be read, and every withheld sentence explained. A right sentence
//! may be lost to a rule; a wrong one may not pass for a quotation.

mod amounts;
mod articles;
mod claims;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashSet};
use std::sync::LazyLock;

use regex::Regex;

use self::articles::Named;
use self::claims::{Claim, claims};
use super::Disagreement;
use crate::index::{Kind, terms};
use crate::ingest::sentence::sentences;
use crate::lang::{Language, is_hangul};
use crate::legal;
use crate::rag::Evidence;
use crate::rag::polarity::{self, Polarity};

pub(super) use self::amounts::{Amount, amounts};
pub(super) use self::claims::num_denials;

/// Share of a sentence's words that a passage must hold to be its source.
const SUPPORT: f32 = 0.35;
/// Shared words, of the shorter sentence, from which on two sentences are taken to speak of the same thing.
const SAME_SUBJECT: f32 = 0.6;
/// Words of two statements that both have, of those that either has, from which on one may deny the other.
const SAME_STATEMENT: f32 = 0.5;
/// The same of whole sentences, from which on one repeats the other.
const COPIED: f32 = 0.65;
/// Share of a claim's words that a source must hold to bear it against the deciding sentence.
const BEARS: f32 = 0.75;

static MARK: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\s*\[\s*(\d{1,3}(?:\s*,\s*\d{1,3})*)\s*\]").expect("a valid pattern"));
/// A yes or no before the sentence proper. `No` and the Korean words need their comma: "No addition is made", "네 가지".
static LEAD: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"^[\s*_\x22“'‘(]*(?:(?i:answer|답변|답)\s*[:：]\s*)?(?i:",
        r"(yes|yeah|correct|right|true|indeed|certainly|absolutely|definitely|of course|that is (?:right|correct)|",
        r"예|네|그렇습니다|맞습니다|맞아요|물론입니다|당연합니다)|",
        r"(no|nope|incorrect|wrong|false|not at all|absolutely not|certainly not|of course not|not really|",
        r"아니요|아니오|아뇨|아닙니다|그렇지 않습니다|틀립니다))[*_\x22”'’)]*(?:\s*[,.:;!—–，。]+[*_]*\s*|\s+-\s+|\s*$)"
    ))
    .expect("a valid pattern")
});
/// The same without a comma, where what follows shows that it is no other word.
static BARE_LEAD: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"^[\s*_]*(?:((?i:yes)|(?:네|예)(?:\s+(?:그렇습니다|맞습니다))?)|",
        r"((?:아니요|아니오|아뇨)|(?i:no)))\s+(?P<rest>(?:(?i:it|they|this|these|that|you|the|a|an)\s|",
        r"(?:그|이|해당|따라서)\s|\S*(?:은|는|이|가)\s).*)$"
    ))
    .expect("a valid pattern")
});
/// A yes or no in the middle: "the answer is no".
static VERDICT_IN_WORDS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(?:answer|reply) (?:is|would be)[^.,;]{0,15}?\b(?:(yes|affirmative)|(no|negative))\b|(?:답|답변|대답)은 [‘'\x22“]?(?:(예|네)|(아니요|아니오))(?:[’'\x22”]|입|이|라)")
        .expect("a valid pattern")
});
static LIST_MARKER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^\s*(?:[-*•]\s+|\(?\d{1,2}[.)]\s+|[\u{2460}-\u{2473}]\s*)").expect("a valid pattern")
});

/// What an explanation is held to.
pub struct Checker {
    language: Language,
    /// What the deciding sentence says to the question; `None` where it says neither yes nor no to it.
    decision: Option<Polarity>,
    /// The deciding sentence.
    quote: Option<Source>,
    /// Every sentence of the passages and quotes, the deciding one first.
    sources: Vec<Source>,
    /// What is asked and what the deciding sentence is about.
    matter: HashSet<String>,
    passages: Vec<Passage>,
    amounts: BTreeSet<Amount>,
    named: Vec<Named>,
    /// Letters of other scripts that the evidence uses.
    strange: HashSet<char>,
}

struct Passage {
    n: usize,
    words: HashSet<String>,
    amounts: BTreeSet<Amount>,
    refs: Vec<legal::LegalRef>,
}

/// A sentence of the evidence.
#[derive(Clone)]
struct Source {
    words: HashSet<String>,
    claims: Vec<Claim>,
    amounts: BTreeSet<Amount>,
    num_denials: usize,
    is_conditional: bool,
    is_sweeping: bool,
}

impl Source {
    fn new(text: &str) -> Self {
        let claims = claims(text);
        Self {
            words: words(text),
            is_sweeping: claims.iter().any(|claim| claim.is_sweeping),
            claims,
            amounts: amounts(text),
            num_denials: claims::num_denials(text),
            is_conditional: claims::is_conditional(text),
        }
    }

    fn verdicts(&self) -> impl Iterator<Item = &Claim> {
        self.claims.iter().filter(|claim| claim.is_verdict)
    }

    /// Shared words as a share of the shorter sentence.
    fn overlap(&self, words: &HashSet<String>) -> f32 {
        let shorter = self.words.len().min(words.len());
        if shorter == 0 { 0.0 } else { self.words.intersection(words).count() as f32 / shorter as f32 }
    }
}

impl Checker {
    /// For explanations of `question` from `evidence`.
    pub fn new(question: &str, language: Language, evidence: &Evidence) -> Self {
        let texts = || {
            let passages = evidence.citations.iter().flat_map(|c| [c.text.as_str(), c.heading.as_str()]);
            passages.chain(evidence.quotes.iter().map(|quote| quote.text.as_str())).chain([question])
        };
        let quote = evidence.quotes.first().map(|quote| Source::new(&quote.text));
        let said = evidence.citations.iter().flat_map(|citation| {
            sentences(&citation.text).into_iter().map(|range| Source::new(&citation.text[range])).collect::<Vec<_>>()
        });
        let mut matter = claims::topic(question);
        matter.extend(quote.iter().flat_map(|quote| &quote.claims).flat_map(|claim| claim.topic.iter().cloned()));
        let strange = texts().flat_map(str::chars).filter(|c| is_strange(*c)).collect();
        Self {
            language,
            decision: evidence.quotes.first().and_then(|quote| decision(question, &quote.text, quote.language)),
            sources: quote.iter().cloned().chain(said).collect(),
            quote,
            matter,
            passages: evidence
                .citations
                .iter()
                .map(|citation| Passage {
                    n: citation.n,
                    words: words(&format!("{} {}", citation.heading, citation.text)),
                    amounts: amounts(&citation.text),
                    refs: citation.refs.iter().filter_map(|reference| reference.parse().ok()).collect(),
                })
                .collect(),
            amounts: texts().flat_map(amounts).collect(),
            // What the question names is no evidence that it exists.
            named: texts().filter(|text| *text != question).flat_map(Named::all).collect(),
            strange,
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
        let (lead, body) = self.check_lead(&bare)?;
        // The number of a list's line is none of the sentence's.
        let stated = LIST_MARKER.replace(body, "");
        self.check_articles(&stated)?;
        self.check_amounts(&stated)?;
        self.check_claims(&stated)?;
        self.with_marks(sentence, lead, body)
    }

    fn check_language(&self, text: &str) -> Result<(), Disagreement> {
        let letters = text.chars().filter(|c| c.is_alphabetic()).count();
        let hangul = text.chars().filter(|c| is_hangul(*c)).count();
        let foreign = match self.language {
            Language::En => hangul * 4 > letters,
            // Terms such as "DDP (Delivered Duty Paid)" may outweigh the words around them.
            Language::Ko => hangul * 6 < letters,
        };
        let strange = text.chars().any(|c| is_strange(c) && !self.strange.contains(&c));
        if foreign || strange { Err(Disagreement::Language) } else { Ok(()) }
    }

    /// Takes off a yes or no that the deciding sentence does not bear out; the rest must stand by itself.
    fn check_lead<'a>(&self, text: &'a str) -> Result<(&'a str, &'a str), Disagreement> {
        if let Some(words) = VERDICT_IN_WORDS.captures(text) {
            let says = if words.get(1).or(words.get(3)).is_some() { Polarity::Affirmative } else { Polarity::Negative };
            if self.decision != Some(says) {
                return Err(Disagreement::Polarity);
            }
        }
        let (lead, rest) = if let Some(lead) = LEAD.captures(text) {
            let end = lead.get(0).expect("group 0 is the match").end();
            (lead, &text[end..])
        } else if let Some(lead) = BARE_LEAD.captures(text) {
            let start = lead.name("rest").expect("the pattern has it").start();
            (lead, &text[start..])
        } else {
            return Ok(("", text));
        };
        let says = if lead.get(1).is_some() { Polarity::Affirmative } else { Polarity::Negative };
        // A rule with a condition is answered by neither word alone.
        let is_plain = self.quote.as_ref().is_some_and(|quote| !quote.is_conditional);
        match (is_plain && self.decision == Some(says), rest.trim().is_empty()) {
            (true, _) => Ok((&text[..text.len() - rest.len()], rest)),
            (false, false) => Ok(("", rest)),
            (false, true) => Err(Disagreement::Polarity),
        }
    }

    fn check_articles(&self, text: &str) -> Result<(), Disagreement> {
        let known = |named: &Named| {
            let in_refs = self.passages.iter().flat_map(|p| &p.refs).any(|reference| named.is_above(reference));
            in_refs || self.named.iter().any(|other| named.is_within(other))
        };
        if Named::all(text).iter().all(known) { Ok(()) } else { Err(Disagreement::Article) }
    }

    /// Every amount must stand in the evidence; and where the sentence is about what a source gives an amount of that
    /// unit for, it must be that one.
    fn check_amounts(&self, text: &str) -> Result<(), Disagreement> {
        let said = amounts(text);
        if said.is_empty() {
            return Ok(());
        }
        let known = |amount: &Amount| {
            self.amounts
                .iter()
                .any(|other| other.value == amount.value && (amount.unit.is_none() || other.unit == amount.unit))
        };
        if !said.iter().all(known) {
            return Err(Disagreement::Number);
        }
        let words = words(text);
        let mut nearest: Vec<(f32, &Source)> =
            self.sources.iter().map(|source| (source.overlap(&words), source)).collect();
        // Stable: of two equally near sentences the deciding one counts.
        nearest.sort_by(|a, b| b.0.total_cmp(&a.0));
        for amount in said.iter().filter(|amount| amount.unit.is_some()) {
            let of_unit = |source: &Source| source.amounts.iter().any(|other| other.unit == amount.unit);
            let holds = |source: &Source| source.amounts.contains(amount);
            let quote = self.quote.as_ref().filter(|quote| quote.overlap(&words) >= SAME_SUBJECT && of_unit(quote));
            let alone = said.iter().filter(|other| other.unit == amount.unit).count() == 1;
            if alone && quote.is_some_and(|quote| !holds(quote)) {
                return Err(Disagreement::Number);
            }
            let near = nearest.iter().find(|(overlap, source)| *overlap >= SAME_SUBJECT && of_unit(source));
            let borne = nearest.iter().any(|(overlap, source)| *overlap >= SAME_SUBJECT && holds(source));
            if near.is_some() && !borne {
                return Err(Disagreement::Number);
            }
        }
        Ok(())
    }

    /// No claim may deny what the nearest source affirms or affirm what it denies, and none about the matter asked may
    /// say otherwise than the deciding sentence, unless a source bears it in so many words.
    fn check_claims(&self, text: &str) -> Result<(), Disagreement> {
        let claims = claims(text);
        let is_conditional = claims::is_conditional(text);
        for claim in &claims {
            self.check_against_quote(claim, is_conditional)?;
            self.check_against_nearest(claim)?;
        }
        self.check_words(text, &claims)
    }

    fn check_against_quote(&self, claim: &Claim, is_conditional: bool) -> Result<(), Disagreement> {
        let Some(quote) = &self.quote else { return Ok(()) };
        let is_about_it = claim.topic.is_empty() || claim.share_in(&self.matter) >= SAME_SUBJECT;
        if !claim.is_verdict || !is_about_it {
            return Ok(());
        }
        if claim.is_sweeping && quote.is_conditional && !quote.is_sweeping {
            return Err(Disagreement::Polarity);
        }
        let mut verdicts = quote.verdicts().peekable();
        if verdicts.peek().is_none() {
            return Ok(());
        }
        if claim.topic.is_empty() {
            // "It is added": of whatever the deciding sentence speaks.
            return if verdicts.all(|verdict| claim.agrees_with(verdict)) {
                Ok(())
            } else {
                Err(Disagreement::Polarity)
            };
        }
        let nearest = verdicts.max_by(|a, b| later_of(claim.nearness(a), claim.nearness(b)));
        if nearest.is_some_and(|nearest| claim.agrees_with(nearest)) {
            return Ok(());
        }
        // Another case than the one decided: it must name what sets it apart, and a source must say so of that.
        let decided = |word: &String| quote.words.contains(word);
        let apart: HashSet<&String> = claim.topic.iter().filter(|word| !decided(word)).collect();
        let bears = |source: &Source| {
            source.claims.iter().any(|other| {
                other.is_verdict
                    && claim.share_in(&other.topic) >= BEARS
                    && apart.iter().any(|word| other.topic.contains(*word))
                    && claim.agrees_with(other)
            }) && (is_conditional || !source.is_conditional)
        };
        if !apart.is_empty() && self.sources.iter().any(bears) { Ok(()) } else { Err(Disagreement::Polarity) }
    }

    fn check_against_nearest(&self, claim: &Claim) -> Result<(), Disagreement> {
        // What is said of belonging is held to what is said of it; a plain statement, to statements and their denials.
        let others = self.sources.iter().flat_map(|source| &source.claims);
        let mut nearest: Option<((f32, f32), &Claim)> = None;
        // In order, so that of two equally near ones the deciding sentence's counts.
        for other in others.filter(|other| other.belongs == claim.belongs) {
            let nearness = claim.nearness(other);
            if nearest.is_none_or(|(best, _)| later_of(nearness, best).is_gt()) {
                nearest = Some((nearness, other));
            }
        }
        match nearest {
            Some(((overlap, together), other))
                if overlap >= SAME_SUBJECT
                    && (claim.belongs || together >= SAME_STATEMENT)
                    && !claim.agrees_with(other) =>
            {
                Err(Disagreement::Polarity)
            }
            Some(((overlap, _), _)) if overlap >= SAME_SUBJECT => Ok(()),
            _ if claim.belongs => self.check_unborne(claim),
            _ => Ok(()),
        }
    }

    /// A verdict that no source gives in these words may only be the deciding sentence's own, of its own matter: "left out
    /// when the agent owns the goods" has its polarity, and is no less the model's invention.
    fn check_unborne(&self, claim: &Claim) -> Result<(), Disagreement> {
        let decided: Vec<&Claim> =
            self.quote.iter().flat_map(Source::verdicts).filter(|verdict| verdict.belongs).collect();
        let agrees = decided.iter().any(|verdict| claim.agrees_with(verdict));
        let is_about_it = claim.topic.is_empty() || claim.share_in(&self.matter) >= SAME_SUBJECT;
        match (decided.is_empty(), agrees) {
            (false, false) => Err(Disagreement::Polarity),
            (false, true) if is_about_it => Ok(()),
            _ => Err(Disagreement::Citation),
        }
    }

    /// The sentence as a whole: what has no word of in, out or denial may not affirm what the nearest one denies; and
    /// what repeats one almost word for word must hold as many denials, be it in a condition.
    fn check_words(&self, text: &str, claims: &[Claim]) -> Result<(), Disagreement> {
        let words = words(text);
        let mut nearest: Option<(f32, &Source)> = None;
        let mut copied: Option<(f32, &Source)> = None;
        for source in &self.sources {
            let overlap = source.overlap(&words);
            if nearest.is_none_or(|(best, _)| overlap > best) {
                nearest = Some((overlap, source));
            }
            let together = source.words.union(&words).count().max(1);
            let alike = source.words.intersection(&words).count() as f32 / together as f32;
            if copied.is_none_or(|(best, _)| alike > best) {
                copied = Some((alike, source));
            }
        }
        let affirms = |source: &Source| {
            claims.iter().all(|claim| source.claims.iter().all(|other| other.polarity != claim.polarity))
        };
        if let Some((overlap, source)) = nearest
            && claims.iter().all(|claim| !claim.is_verdict)
            && overlap >= SAME_SUBJECT
            && affirms(source)
        {
            return Err(Disagreement::Polarity);
        }
        match copied {
            Some((alike, source))
                if alike >= COPIED
                    && source.claims.len() == claims.len()
                    && source.num_denials % 2 != claims::num_denials(text) % 2 =>
            {
                Err(Disagreement::Polarity)
            }
            _ => Ok(()),
        }
    }

    /// `body` with the marks of `sentence` that hold, or the mark of the passage that bears it best. A sentence that no
    /// passage bears is the model's own and not shown.
    fn with_marks(&self, sentence: &str, lead: &str, body: &str) -> Result<String, Disagreement> {
        let (said, stated) = (words(body), amounts(body));
        let support = |passage: &Passage| {
            // An amount counts as a word, for its own words may be others.
            let shared = said.intersection(&passage.words).count() + stated.intersection(&passage.amounts).count();
            shared as f32 / (said.len() + stated.len()).max(1) as f32
        };
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
        let text = if lead.is_empty() { capitalised(body.trim()) } else { format!("{lead}{body}").trim().to_owned() };
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

/// What `quote` says to `question`; an amount asked for that is not the one quoted is no yes.
fn decision(question: &str, quote: &str, language: Language) -> Option<Polarity> {
    let (asked, quoted) = (amounts(question), amounts(quote));
    let differs = asked.iter().any(|amount| {
        amount.unit.is_some() && quoted.iter().any(|other| other.unit == amount.unit) && !quoted.contains(amount)
    });
    let (about, decided) = (claims::topic(question), claims::topic(quote));
    let shared = about.intersection(&decided).count() as f32;
    let speaks_of_it = shared >= SAME_SUBJECT * about.len().min(decided.len()).max(1) as f32;
    // A deciding sentence that says both, or what cannot be read for certain, answers with neither word.
    let claims = claims(quote);
    let is_plain = claims.iter().all(|claim| claim.is_clear && claim.polarity == claims[0].polarity);
    if differs || !speaks_of_it || !is_plain { None } else { polarity::answers(question, quote, language) }
}

/// Which of two nearnesses is the greater: of those that share enough of the shorter topic, the one that says less else.
/// A short source is held whole by many a claim that is about more.
fn later_of(a: (f32, f32), b: (f32, f32)) -> std::cmp::Ordering {
    let shares = |nearness: (f32, f32)| nearness.0 >= SAME_SUBJECT;
    shares(a).cmp(&shares(b)).then(a.1.total_cmp(&b.1)).then(a.0.total_cmp(&b.0))
}

/// A letter of neither language.
fn is_strange(c: char) -> bool {
    c.is_alphabetic() && !is_hangul(c) && c > '\u{24F}'
}

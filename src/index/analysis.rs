//! Text to search terms, the same for documents and questions: English words stemmed, Korean words without their
//! particles and endings plus their pairs of syllables, numbers, articles.
//!
//! Korean is cut by rules, not by a dictionary: a bare noun finds the noun with particles by the rules, a part of a
//! compound finds the compound by the pairs, and no dictionary needs to know 과세가격. Terms of a kind carry a mark of
//! their own (`~` pairs, `§` articles), so that kinds never meet.

use std::cell::RefCell;
use std::collections::HashSet;
use std::sync::LazyLock;

use tantivy::tokenizer::{RawTokenizer, Stemmer, TextAnalyzer, Token, TokenStream, Tokenizer};
use unicode_normalization::UnicodeNormalization;

use super::korean;
use crate::lang::is_hangul;
use crate::legal;

/// Counts up whenever the same text would give other terms.
pub const ANALYSER_VERSION: u32 = 1;

/// What a term is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Word,
    /// Two neighbouring syllables of a Korean word.
    Pair,
    Number,
    /// An article, alone (`§30(1)`) and with its instrument (`KR-CA§30(1)`).
    Article,
}

/// A term and the word it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    pub text: String,
    pub kind: Kind,
    pub surface: String,
}

const ENGLISH_STOP_WORDS: &str = "a about above after again all also am an and any are as at be because been before being \
    below between both but by can could did do does doing down during each few for from further had has have having he \
    her here hers him his how i if in into is it its itself just let me more most must my no nor not of off on once only \
    or other our ours out over own please same shall she should so some such tell than that the their theirs them then \
    there these they this those through to too under until up us very was we were what when where which while who whom \
    whose why will with would you your yours explain much many get got d ll m o re s t ve don doesn didn isn aren wasn";

static STOP_WORDS: LazyLock<HashSet<&str>> = LazyLock::new(|| ENGLISH_STOP_WORDS.split_whitespace().collect());

thread_local! {
    // Tantivy's stemmer is a filter over a stream that wants to be mutable; one a thread spares a lock.
    static STEMMER: RefCell<TextAnalyzer> = RefCell::new(
        TextAnalyzer::builder(RawTokenizer::default()).filter(Stemmer::new(tantivy::tokenizer::Language::English)).build(),
    );
}

fn stem_english(word: &str) -> String {
    STEMMER.with_borrow_mut(|stemmer| {
        let mut stream = stemmer.token_stream(word);
        if stream.advance() { stream.token().text.clone() } else { word.to_owned() }
    })
}

/// The terms of `text`, in order.
pub fn terms(text: &str) -> Vec<Term> {
    let text: String = text.nfc().collect();
    let mut terms = Vec::new();
    let mut at = 0;
    for mention in legal::mentions(&text) {
        let named = &text[mention.span.clone()];
        let digit = named.find(|c: char| c.is_ascii_digit()).unwrap_or(0);
        // The instrument before the number is words like any other; `제` and the number are one term.
        let number = mention.span.start + named[..digit].rfind('제').unwrap_or(digit);
        if number < at {
            continue;
        }
        scan(&text[at..number], &mut terms);
        push_article(mention.instrument, &mention.article, named, &mut terms);
        at = mention.span.end;
    }
    scan(&text[at..], &mut terms);
    terms
}

/// The terms of a machine-readable reference (`KR-CA-30(1)6`): itself, and the places above it.
pub fn reference_terms(reference: &str) -> Vec<Term> {
    let mut terms = vec![Term { text: reference.to_lowercase(), kind: Kind::Article, surface: reference.into() }];
    if let Ok(parsed) = reference.parse::<legal::LegalRef>() {
        match &parsed.provision {
            legal::Provision::Article(article) => {
                push_article(Some(parsed.instrument), article, reference, &mut terms);
            }
            legal::Provision::Clause(clause) => {
                let numbers = clause.trim_start_matches(['N', 'A']).split('(').next().unwrap_or("");
                let mut parts = numbers.split('.').map_while(|part| part.parse().ok());
                let number = |base| legal::Number { base, branch: None };
                if let Some(base) = parts.next() {
                    let paragraph = parts.next().map(number);
                    let article = legal::Article { number: number(base), paragraph, item: None };
                    push_article(Some(parsed.instrument), &article, reference, &mut terms);
                }
            }
        }
    }
    terms
}

fn push_article(instrument: Option<legal::Instrument>, article: &legal::Article, surface: &str, terms: &mut Vec<Term>) {
    let mut places = vec![legal::Article { paragraph: None, item: None, ..*article }];
    if article.paragraph.is_some() {
        places.push(legal::Article { item: None, ..*article });
    }
    if article.item.is_some() {
        places.push(*article);
    }
    for place in places {
        let mut push = |text| terms.push(Term { text, kind: Kind::Article, surface: surface.trim().into() });
        push(format!("§{place}"));
        if let Some(instrument) = instrument {
            push(format!("{}§{place}", instrument.code()));
        }
    }
}

/// Splits into runs of one script.
fn scan(text: &str, terms: &mut Vec<Term>) {
    let chars: Vec<char> = text.chars().collect();
    let mut at = 0;
    while at < chars.len() {
        let start = at;
        let c = chars[at];
        if is_hangul(c) {
            while at < chars.len() && is_hangul(chars[at]) {
                at += 1;
            }
            push_korean(&chars[start..at], terms);
        } else if c.is_ascii_digit() {
            at = number_end(&chars, at);
            push_number(&chars, start, at, terms);
        } else if c.is_alphanumeric() {
            while at < chars.len() && (chars[at].is_alphanumeric() && !is_hangul(chars[at]) || chars[at] == '\u{2019}')
            {
                at += 1;
            }
            let word: String = chars[start..at].iter().filter(|c| **c != '\u{2019}').collect();
            push_english(&word, terms);
        } else {
            at += 1;
        }
    }
}

fn push_english(word: &str, terms: &mut Vec<Term>) {
    let lower = word.to_lowercase();
    if !STOP_WORDS.contains(lower.as_str()) {
        terms.push(Term { text: stem_english(&lower), kind: Kind::Word, surface: word.into() });
    }
}

fn push_korean(run: &[char], terms: &mut Vec<Term>) {
    let word: String = run.iter().collect();
    let stem = korean::stem(&word);
    if korean::is_stop_word(&word) || korean::is_stop_word(stem) {
        return;
    }
    terms.push(Term { text: stem.into(), kind: Kind::Word, surface: stem.into() });
    let syllables: Vec<char> = stem.chars().collect();
    for pair in syllables.windows(2) {
        terms.push(Term { text: format!("~{}{}", pair[0], pair[1]), kind: Kind::Pair, surface: stem.into() });
    }
}

/// The end of a number that begins at `at`: digits with commas and points between digits.
fn number_end(chars: &[char], mut at: usize) -> usize {
    while at < chars.len() {
        let digit_follows = chars.get(at + 1).is_some_and(char::is_ascii_digit);
        if !(chars[at].is_ascii_digit() || matches!(chars[at], ',' | '.') && digit_follows) {
            break;
        }
        at += 1;
    }
    at
}

/// `1,000` as `1000`; with its unit where one follows: `10%` (also 퍼센트, percent, per cent), `30일`.
fn push_number(chars: &[char], start: usize, end: usize, terms: &mut Vec<Term>) {
    let number: String = chars[start..end].iter().filter(|c| **c != ',').collect();
    let rest: String = chars[end..].iter().take(12).collect::<String>().to_lowercase();
    let unit = rest.trim_start();
    let is_percent = ["%", "퍼센트", "프로", "percent", "per cent", "pct"].iter().any(|sign| unit.starts_with(sign));
    let mut push = |text: String| terms.push(Term { surface: text.clone(), text, kind: Kind::Number });
    if is_percent {
        push(format!("{number}%"));
    } else if let Some(unit) = rest.chars().next().filter(|c| is_hangul(*c)) {
        push(format!("{number}{unit}"));
    } else if let Some(unit) = [("day", '일'), ("year", '년'), ("month", '개')].iter().find(|u| unit.starts_with(u.0))
    {
        // One term for both languages: deadlines are asked for in either.
        push(format!("{number}{}", unit.1));
    }
    push(number);
}

/// [`terms`] as a tantivy tokenizer, under the name [`HOUSE`].
#[derive(Clone, Default)]
pub struct HouseTokenizer {
    /// The field holds machine-readable references, one a line.
    pub is_references: bool,
}

/// Name of the analyser of running text.
pub const HOUSE: &str = "house";
/// Name of the analyser of machine-readable references.
pub const REFERENCES: &str = "references";

pub struct HouseStream {
    terms: std::vec::IntoIter<Term>,
    token: Token,
}

impl Tokenizer for HouseTokenizer {
    type TokenStream<'a> = HouseStream;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> HouseStream {
        let terms = if self.is_references { text.lines().flat_map(reference_terms).collect() } else { terms(text) };
        HouseStream { terms: terms.into_iter(), token: Token::default() }
    }
}

impl TokenStream for HouseStream {
    fn advance(&mut self) -> bool {
        let Some(term) = self.terms.next() else { return false };
        self.token.text = term.text;
        self.token.position = self.token.position.wrapping_add(1);
        true
    }

    fn token(&self) -> &Token {
        &self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.token
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        terms(text).into_iter().filter(|t| t.kind != Kind::Pair).map(|t| t.text).collect()
    }

    #[test]
    fn a_bare_noun_finds_the_noun_with_particles() {
        for inflected in
            ["구매수수료는", "구매수수료를", "구매수수료에서", "구매수수료로서", "구매수수료입니다", "구매수수료인가요"]
        {
            assert_eq!(words(inflected), ["구매수수료"], "{inflected}");
        }
        assert_eq!(words("포함되나요? 포함하여야 포함된다"), ["포함", "포함", "포함"]);
    }

    #[test]
    fn a_part_of_a_compound_shares_pairs_with_it() {
        let compound: HashSet<_> = terms("구매수수료").into_iter().map(|t| t.text).collect();
        let part: Vec<_> = terms("수수료는").into_iter().filter(|t| t.kind == Kind::Pair).map(|t| t.text).collect();
        assert_eq!(part, ["~수수", "~수료"]);
        assert!(part.iter().all(|pair| compound.contains(pair)));
    }

    #[test]
    fn articles_are_terms_that_both_languages_and_the_references_share() {
        let korean = words("관세법 제30조제1항");
        assert_eq!(korean, ["관세법", "§30", "KR-CA§30", "§30(1)", "KR-CA§30(1)"]);
        let english = words("Article 30(1) of it");
        assert_eq!(english, ["articl", "§30", "§30(1)"]);
        let reference: Vec<_> = reference_terms("KR-CA-30(1)6").into_iter().map(|t| t.text).collect();
        assert!(korean[1..].iter().chain(&english[1..]).all(|term| reference.contains(term)), "{reference:?}");
    }

    #[test]
    fn numbers_keep_their_units() {
        assert_eq!(words("10% 10 percent 10퍼센트"), ["10%", "10", "10%", "10", "percent", "10%", "10", "퍼센트"]);
        assert_eq!(words("within 30 days"), ["within", "30일", "30", "day"]);
        assert_eq!(words("KRW 1,000,000.50"), ["krw", "1000000.50"]);
    }

    #[test]
    fn decomposed_hangul_gives_the_same_terms() {
        let decomposed: String = "과세가격".nfd().collect();
        assert_eq!(terms(&decomposed), terms("과세가격"));
    }
}

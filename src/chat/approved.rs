//! Questions that were answered before and found right by two persons: who asks one again is given that answer.
//!
//! In: a question. Out: an approved row of a dataset that asks the same. Nearness in meaning cannot tell this alone: the
//! question of a counterfactual twin, or of another figure, date or country, is as near as a rewording. So a row stands
//! in only where both questions have the same [`Meaning`], word for word and in the same order but for words that carry
//! none; nearness is asked for on top. In doubt nothing is found, and the question goes its usual way.
//!
//! Knows nothing of passages: whether the evidence of a row still stands is for [`crate::rag`] to say.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use regex::Regex;
use serde::Serialize;

use super::check::{Amount, amounts, num_denials};
use crate::datasets::store::{ApprovedQuestion, Judgement, Marks};
use crate::datasets::{self, Place, State, Store, StoredRow};
use crate::index::{Kind, terms};
use crate::lang::{Language, is_hangul};

/// Words that must be left of a question: "Is it added?" asks for what was said before it.
const MIN_WORDS: usize = 2;

/// Nearness of two questions of one meaning from which on they are taken for one. On eval/approved/pairs.jsonl rewordings
/// lie at 0.935 and above, half of them above 0.991; twins lie at up to 0.9995, half of them above 0.982, which is why
/// nearness alone decides nothing.
pub const MIN_NEARNESS: f32 = 0.93;

/// An approved answer to a question that was asked again.
#[derive(Clone, Debug)]
pub struct Found {
    pub dataset: String,
    pub row: StoredRow,
    pub approval: Approval,
}

/// Who found an answer right, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Approval {
    pub dataset: String,
    pub row: i64,
    /// The question it answered, as it was approved.
    pub question: String,
    pub by: Vec<Approver>,
}

/// A person, and the moment, ISO 8601, UTC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Approver {
    pub name: String,
    pub at: String,
}

/// The approved answers of all datasets. Blocks.
pub struct Approved {
    store: Store,
    known: Mutex<Known>,
}

/// The approved questions by their meaning, as of [`Marks`].
#[derive(Default)]
struct Known {
    marks: Option<Marks>,
    by_meaning: HashMap<Meaning, Vec<Arc<ApprovedQuestion>>>,
}

impl Approved {
    /// `None` where no datasets were kept yet.
    ///
    /// # Errors
    /// The store's.
    pub fn open(place: &Place) -> Result<Option<Self>, datasets::Error> {
        if !place.is_there() {
            return Ok(None);
        }
        Ok(Some(Self { store: place.open()?, known: Mutex::default() }))
    }

    /// The approved row that asks the same as `question` within the corpora, the nearest where there are several.
    /// `nearness` compares two questions, 1 being the same.
    ///
    /// # Errors
    /// The store's, and those of `nearness`.
    pub fn find<E: From<datasets::Error>>(
        &self,
        question: &str,
        corpora: &[String],
        mut nearness: impl FnMut(&str, &str) -> Result<f32, E>,
    ) -> Result<Option<Found>, E> {
        let asked = datasets::without_opening(question);
        let meaning = Meaning::of(asked);
        if meaning.words.len() < MIN_WORDS {
            return Ok(None);
        }
        let mut nearest: Option<(f32, Arc<ApprovedQuestion>)> = None;
        for known in self.candidates(&meaning)? {
            if !corpora.contains(&known.corpus) || cases_differ(asked, datasets::without_opening(&known.question)) {
                continue;
            }
            let near = nearness(asked, datasets::without_opening(&known.question))?;
            if near >= MIN_NEARNESS && nearest.as_ref().is_none_or(|(best, _)| near > *best) {
                nearest = Some((near, known));
            }
        }
        let Some((_, known)) = nearest else { return Ok(None) };
        let dataset = self.store.dataset(&known.dataset)?;
        let row = self.store.row(&dataset, known.row)?;
        // Another process may have taken the approval back since.
        if row.state != State::Approved || row.row.question != known.question {
            return Ok(None);
        }
        let approves =
            |one: Judgement| one.decision.approves.then_some(Approver { name: one.decision.reviewer, at: one.made_at });
        let by: Vec<Approver> = self.store.judgements(row.id)?.into_iter().filter_map(approves).collect();
        // Imported as approved: nobody answers for it here.
        if by.is_empty() {
            return Ok(None);
        }
        let approval = Approval { dataset: dataset.name.clone(), row: row.id, question: row.row.question.clone(), by };
        Ok(Some(Found { dataset: dataset.name, row, approval }))
    }

    fn candidates(&self, meaning: &Meaning) -> Result<Vec<Arc<ApprovedQuestion>>, datasets::Error> {
        let marks = self.store.marks()?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.marks.as_ref() != Some(&marks) {
            let mut by_meaning: HashMap<Meaning, Vec<Arc<ApprovedQuestion>>> = HashMap::new();
            for question in self.store.approved()? {
                let meaning = Meaning::of(datasets::without_opening(&question.question));
                by_meaning.entry(meaning).or_default().push(Arc::new(question));
            }
            *known = Known { marks: Some(marks), by_meaning };
        }
        Ok(known.by_meaning.get(meaning).cloned().unwrap_or_default())
    }
}

/// What a question asks, in a form that is equal where two questions ask the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Meaning {
    language: Language,
    /// Words that carry meaning, stemmed, those of one sense as one; in their order where that matters.
    words: Vec<String>,
    /// Figures, dates, periods and shares, in digits or in words.
    amounts: BTreeSet<Amount>,
    /// Names in capitals and codes: `FOB`, `US`, `C000228`.
    codes: BTreeSet<String>,
    num_denials: usize,
    must: bool,
    may: bool,
}

static WORD: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"[가-힣]+|[0-9][0-9.,]*[0-9]|[0-9]|[\p{L}--[가-힣]]+(?:['’][a-z]+)?|%").expect("a valid pattern")
});
static CODE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\b(?:[A-Z][A-Z0-9]+|[A-Za-z]+[0-9][A-Za-z0-9]*)\b").expect("a valid pattern"));
static MUST: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(?:must|shall|should|have to|has to|need to|needs to|required|obliged|mandatory)\b|야 ?(?:하|합|할|되|됩|될|만)|필수|의무")
        .expect("a valid pattern")
});
static MAY: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(?:may|can|could|might|allowed|permitted|possible)\b|[ㄹ가-힣] ?수(?:는|도|가)? ?(?:있|없)|도 ?(?:되나|됩니|될까|괜찮)|가능")
        .expect("a valid pattern")
});

/// Of the words that an index passes over, those that turn a question into another.
const ENGLISH_KEPT: &str = "before after above below over under not no nor only more most few until against between through \
    during off out up down each who whom whose when where why how further own same other from to by for with without any all";

/// Words that may differ: they say that something is asked, not what.
const ENGLISH_LIGHT: &str = "pleas question know want wonder ask help understand hi hello thank tell let need requir must oblig \
    mandatori allow permit possibl may might consid treat count regard happen mean quick current exact actual realli general \
    normal usual okai ok right correct case";
const KOREAN_LIGHT: &str = "궁금 문의 질문 안녕 안녕하 혹시 좀 그런데 그럼 그리고 알려 알고 여쭙 여쭤 부탁 확인 경우 때 것 거 수 있 되 하 인 이 그 저 \
    저희 우리 제가 저는 정말 보통 일반적 일반적으로 원칙적 원칙적으로 대해 대하 대한 관하 관해 관련 관련하 감사 맞 가능 필수 의무";

static ENGLISH_KEPT_WORDS: LazyLock<BTreeSet<&str>> = LazyLock::new(|| ENGLISH_KEPT.split_whitespace().collect());
static ENGLISH_LIGHT_WORDS: LazyLock<BTreeSet<&str>> = LazyLock::new(|| ENGLISH_LIGHT.split_whitespace().collect());
static KOREAN_LIGHT_WORDS: LazyLock<BTreeSet<&str>> = LazyLock::new(|| KOREAN_LIGHT.split_whitespace().collect());

/// Stems of one sense, and the sign that stands for them.
static SENSES: LazyLock<BTreeMap<&str, &str>> = LazyLock::new(|| {
    let senses = [
        ("+", "includ inclus part add addit incorpor belong enter form"),
        ("-", "exclud exclus deduct subtract remov omit"),
        ("=value", "valu"),
        ("=dutiable", "dutiabl taxabl"),
        ("=buy", "buy purchas"),
        ("=sell", "sell sale sold"),
        ("=document", "document paper"),
        ("=pay", "pai pay paid payment"),
        ("=file", "file submit lodg"),
        ("=leave", "leav left"),
        ("=ignore", "ignor disregard"),
    ];
    senses.into_iter().flat_map(|(sign, stems)| stems.split_whitespace().map(move |stem| (stem, sign))).collect()
});

/// How Korean words of one sense begin.
const KOREAN_SENSES: [(&str, &[&str]); 6] = [
    ("+", &["포함", "가산", "더하", "더해", "더할", "더합", "산입", "합산", "들어가", "들어갑", "들어갈"]),
    ("-", &["제외", "공제", "차감", "빼", "뺄", "뺍", "뺀"]),
    ("=얼마", &["얼마"]),
    ("=언제", &["언제"]),
    ("=무엇", &["무엇", "무슨", "뭐", "뭔", "어떤", "어느"]),
    ("=어떻게", &["어떻게", "어떡"]),
];

static KOREAN_ENDING: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?:(?:하여|해|되어|돼|하|되|되는|하는|된|한|할|될|이|받|받아|받는)?(?:야|도|면)?)?(?:하나요|되나요|나요|인가요|한가요|된가요|은가요|는가요|가요|",
        r"할까요|될까요|까요|합니까|됩니까|습니까|입니까|니까|합니다|됩니다|습니다|입니다|하는지요?|되는지요?|는지요?|인지요?|한지|된지|주세요|세요|어요|아요|해요|돼요|죠|지요)$"
    ))
    .expect("a valid pattern")
});

/// "You have to report it" and "it must be reported" differ in what [`MUST`] and [`MAY`] tell already.
static MODAL_TO: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(?:(?:have|has|need|needs|required|obliged|allowed|permitted|possible|want|wish|like) to)\b")
        .expect("a valid pattern")
});

/// Words beside which the order of the others says who does what to whom, or what comes before what.
const ENGLISH_DIRECTED: &str = "before after above below over under from to by for with without between against until through \
    during than";
/// Of two of them, one acts.
const ENGLISH_PERSONS: &str = "buyer seller importer exporter agent broker supplier manufacturer carrier consignee consignor \
    licensor licensee parent subsidiary purchaser vendor owner lender company customs officer";
static ENGLISH_DIRECTED_WORDS: LazyLock<BTreeSet<&str>> =
    LazyLock::new(|| ENGLISH_DIRECTED.split_whitespace().collect());
static ENGLISH_PERSON_WORDS: LazyLock<BTreeSet<&str>> = LazyLock::new(|| ENGLISH_PERSONS.split_whitespace().collect());

/// Whether another order of the same words may ask something else.
fn is_directed(question: &str, language: Language) -> bool {
    if language == Language::Ko {
        return true;
    }
    let words: BTreeSet<String> = WORD.find_iter(question).map(|word| word.as_str().to_lowercase()).collect();
    let has = |of: &BTreeSet<&str>| words.iter().filter(|word| of.contains(word.as_str())).count();
    has(&ENGLISH_DIRECTED_WORDS) > 0 || has(&ENGLISH_PERSON_WORDS) > 1
}

impl Meaning {
    fn of(question: &str) -> Self {
        let codes = CODE.find_iter(question).map(|code| code.as_str().to_uppercase()).collect();
        let language = Language::detect(question);
        let said = MODAL_TO.replace_all(question, " ");
        let mut words: Vec<String> = WORD.find_iter(&said).filter_map(|word| sense(word.as_str())).collect();
        // "Is packing included in the price" and "does the price include packing" ask the same.
        if !is_directed(&said, language) {
            words.sort();
        }
        Self {
            language,
            words,
            amounts: amounts(question),
            codes,
            num_denials: num_denials(question),
            must: MUST.is_match(question),
            may: MAY.is_match(question),
        }
    }
}

/// What a word stands for; `None` where it carries no meaning of its own.
fn sense(word: &str) -> Option<String> {
    let lower = word.to_lowercase();
    let lower = lower.trim_end_matches("'s").trim_end_matches("’s").to_owned();
    if matches!(lower.as_str(), "percent" | "퍼센트" | "프로") {
        return Some("%".into());
    }
    if lower.starts_with(is_hangul) {
        return korean_sense(&lower);
    }
    if lower.starts_with(|c: char| c.is_ascii_digit()) || lower == "%" {
        return Some(lower.replace(',', ""));
    }
    if ENGLISH_KEPT_WORDS.contains(lower.as_str()) {
        return Some(lower);
    }
    let stem = terms(&lower).into_iter().find(|term| term.kind == Kind::Word)?.text;
    if ENGLISH_LIGHT_WORDS.contains(stem.as_str()) {
        return None;
    }
    Some(SENSES.get(stem.as_str()).map_or(stem, |sign| (*sign).to_owned()))
}

fn korean_sense(word: &str) -> Option<String> {
    if let Some((sign, _)) = KOREAN_SENSES.iter().find(|(_, begins)| begins.iter().any(|begin| word.starts_with(begin)))
    {
        return Some((*sign).to_owned());
    }
    // Denials are counted, and must and may are told, each for the whole question.
    if word.starts_with(['않', '없', '못']) || word.starts_with("아니") || word.starts_with("아닌") || word == "안"
    {
        return None;
    }
    let bare = KOREAN_ENDING.replace(word, "");
    let bare = if word[bare.len()..].starts_with('니') { without_final_bieup(&bare) } else { bare.into_owned() };
    if bare.is_empty() || KOREAN_LIGHT_WORDS.contains(bare.as_str()) {
        return None;
    }
    let stem =
        terms(&bare).into_iter().find(|term| term.kind == Kind::Word).map_or_else(|| bare.clone(), |term| term.text);
    (!KOREAN_LIGHT_WORDS.contains(stem.as_str())).then_some(stem)
}

/// "냅니까" asks of "내다", as "내나요" does.
fn without_final_bieup(stem: &str) -> String {
    const NUM_FINALS: u32 = 28;
    const BIEUP: u32 = 17;
    let mut chars: Vec<char> = stem.chars().collect();
    if let Some(last) = chars.last_mut() {
        let place = (*last as u32).wrapping_sub('가' as u32);
        if is_hangul(*last) && place % NUM_FINALS == BIEUP {
            *last = char::from_u32(*last as u32 - BIEUP).unwrap_or(*last);
        }
    }
    chars.into_iter().collect()
}

/// Who does what to whom, by the particles of a Korean word: the same words say another thing with others.
static PARTICLE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?P<word>[가-힣]{2,}?)(?:(?P<subject>이|가|께서)|(?P<object>을|를)|(?P<to>에게서?|한테서?|께))(?:\s|[?,.]|$)",
    )
    .expect("a valid pattern")
});

fn cases_differ(a: &str, b: &str) -> bool {
    let cases = |text: &str| -> BTreeMap<String, &'static str> {
        let case = |found: regex::Captures<'_>| {
            let case = ["subject", "object", "to"].into_iter().find(|case| found.name(case).is_some());
            (found["word"].to_owned(), case.unwrap_or("none"))
        };
        PARTICLE.captures_iter(text).map(case).collect()
    };
    let (a, b) = (cases(a), cases(b));
    // "구매수수료가 포함되나요" and "구매수수료를 포함하나요" ask the same: only givers and takers are told apart.
    a.iter().any(|(word, case)| b.get(word).is_some_and(|other| other != case && (*other == "to" || *case == "to")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(a: &str, b: &str) -> bool {
        Meaning::of(a) == Meaning::of(b) && !cases_differ(a, b)
    }

    #[test]
    fn a_rewording_means_the_same() {
        for (a, b) in [
            (
                "Is a buying commission part of the customs value?",
                "Is the buying commission included in the customs value",
            ),
            ("When must the final price be reported?", "When do I have to report the final price?"),
            ("구매수수료는 과세가격에 포함되나요?", "구매수수료도 과세가격에 들어가나요?"),
            ("구매수수료는 과세가격에 포함되나요?", "안녕하세요, 구매수수료가 과세가격에 포함되는지 궁금합니다."),
        ] {
            assert!(same(a, b), "{:?}\n{:?}", Meaning::of(a), Meaning::of(b));
        }
    }

    #[test]
    fn a_twin_does_not() {
        for (a, b) in [
            ("Is a buying commission part of the customs value?", "Is a selling commission part of the customs value?"),
            (
                "Is a buying commission part of the customs value?",
                "Is a buying commission not part of the customs value?",
            ),
            ("Must the price be reported within 15 days?", "Must the price be reported within 30 days?"),
            ("Must the price be reported within thirty days?", "Must the price be reported within 15 days?"),
            ("Is freight paid by the buyer to the seller added?", "Is freight paid by the seller to the buyer added?"),
            ("Is freight before importation added?", "Is freight after importation added?"),
            ("Is a rebate deducted under US law?", "Is a rebate deducted under law?"),
            ("Can freight be added?", "Must freight be added?"),
            ("구매수수료는 과세가격에 포함되나요?", "판매수수료는 과세가격에 포함되나요?"),
            ("구매수수료는 과세가격에 포함되나요?", "구매수수료는 과세가격에 포함되지 않나요?"),
            ("구매수수료는 과세가격에 포함되나요?", "구매수수료는 과세가격에서 제외되나요?"),
            ("확정가격은 15일 안에 신고하나요?", "확정가격은 열흘 안에 신고하나요?"),
            ("수출자에게 수입자가 지급한 수수료도 더하나요?", "수출자가 수입자에게 지급한 수수료도 더하나요?"),
            ("2025년 세율이 적용되나요?", "2026년 세율이 적용되나요?"),
            ("독일에서 온 물품도 신고해야 하나요?", "중국에서 온 물품도 신고해야 하나요?"),
        ] {
            assert!(!same(a, b), "{:?}", Meaning::of(a));
        }
    }
}

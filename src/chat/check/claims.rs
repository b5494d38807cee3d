//! A sentence taken apart into what it claims. In: a sentence. Out: one [`Claim`] for each thing it says: of what, and
//! whether that is affirmed or denied.
//!
//! [`polarity`] judges one main clause. A model puts a wrong word beside a right one ("is added, but … is not"), denies a
//! denial, and makes exceptions; so a sentence is cut at what joins clauses, an exception is a claim of its own against
//! the rule, and whatever these rules cannot read for certain is marked so: it may then only repeat a source's own
//! structure.

use std::collections::HashSet;
use std::sync::LazyLock;

use regex::Regex;

use crate::index::{Kind, terms};
use crate::lang::Language;
use crate::rag::polarity::{self, Polarity, pattern};

/// One thing a sentence says.
#[derive(Clone, Debug)]
pub(super) struct Claim {
    /// What it is about: its words without those of in and out, and without those that every sentence of the field has.
    pub topic: HashSet<String>,
    pub polarity: Polarity,
    /// Whether it speaks of in or out.
    pub belongs: bool,
    /// Whether it does, or denies something.
    pub is_verdict: bool,
    /// Whether the rules can be sure of the polarity.
    pub is_clear: bool,
    /// Whether it holds whatever the case.
    pub is_sweeping: bool,
    /// The signs of denial, in and out, in their order.
    signs: Vec<Sign>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Sign {
    Not,
    In,
    Out,
    Unless,
    /// Words that turn what they speak of into its opposite, or into what someone else says.
    Unsure,
}

impl Claim {
    /// Whether the two do not contradict each other, taken to be about the same.
    pub fn agrees_with(&self, source: &Self) -> bool {
        if self.is_clear && source.is_clear { self.polarity == source.polarity } else { self.signs == source.signs }
    }

    /// Shared words as a share of the shorter topic, and of both together.
    pub fn nearness(&self, other: &Self) -> (f32, f32) {
        let shared = self.topic.intersection(&other.topic).count();
        let shorter = self.topic.len().min(other.topic.len());
        let together = self.topic.union(&other.topic).count();
        let share = |of: usize| if of == 0 { 0.0 } else { shared as f32 / of as f32 };
        (share(shorter), share(together))
    }

    /// Share of this claim's topic that `words` hold.
    pub fn share_in(&self, words: &HashSet<String>) -> f32 {
        if self.topic.is_empty() {
            return 0.0;
        }
        self.topic.intersection(words).count() as f32 / self.topic.len() as f32
    }
}

// What looks like a sign and is none.
static ENGLISH_NEUTRAL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"\bnot only\b|\b(?:no|not) (?:later|more|less|longer|fewer|earlier|higher|lower|greater) than\b|",
        r"\bnot exceed\w*|\b(?:without|no) doubt\b|\bwhether or not\b|\bif not\b|\bin addition(?: to)?\b|\badditionally\b"
    ))
});
static ENGLISH_VALUE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\b(?:dutiable|taxable) (?:value|price|amount|base|goods|merchandise|portion)\b"));
static ENGLISH_FREE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"\bnon-?\s?(?:dutiable|taxable)\b|\b(?:duty|tax)-free\b|\bfree (?:of|from) (?:duty|tax)\b|\buntaxed\b")
});
static ENGLISH_NOT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"\b(?:not|never|cannot|neither|nor|no|none|nothing|without|hardly|rarely|seldom|unable|impossible|",
        r"forbidden|prohibited|fail(?:s|ed)?|refus(?:e|es|ed)|den(?:y|ies|ied)|unnecessary|ineligible)\b|n't\b"
    ))
});
static ENGLISH_IN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"\b(?:includ\w*|inclus\w*|add(?:ed|s|itions?|ing)?|part of|belongs?|dutiable|taxable|form\w* part|enters?|",
        r"counts? (?:as|toward\w*)|subject to (?:customs )?(?:dut\w+|tax\w*)|levied|incorporat\w+|taken into account|",
        r"increas\w+|goes? into|component of|element of|assessed)\b"
    ))
});
static ENGLISH_OUT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"\b(?:exclud\w*|exclus\w*|deduct\w*|subtract\w*|left out|leav\w+ out|kept out|stays? out|remov\w+|exempt\w*|",
        r"disregard\w*|omit\w*|ignor\w+|waiv\w+|outside)\b"
    ))
});
static ENGLISH_IF: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?:^|,?\s)(?:if|when|where|unless|until|even if|provided that|as long as|whether|once|in case)\b[^,;.]*(?:[,;]|$|\.)",
    )
});
static ENGLISH_UNLESS: LazyLock<Regex> = LazyLock::new(|| pattern(r"\bunless\b([^,;.]*)"));
static ENGLISH_EXCEPT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"[,(]?\s*\b(?:except(?:ing| for)?|other than|excluding|with the exception of|apart from|save for|but not)\s+",
        r"((?:[^\s,;.()]+\s*){1,8}?)(?:[,;.()]|$|(?P<verb>\b(?:are|is|was|were|must|shall|may|can|will|do|does|form|belong)\b))"
    ))
});
static ENGLISH_JOINT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"[;:—–]\s*|\s-\s|,?\s(?:but|whereas|while|however|although|though|even though|because|since|so that|yet)\s|",
        r",\s(?:and|so|or|which|therefore|thus|hence)\s"
    ))
});
static ENGLISH_OPENING: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^\W*(?:although|though|even though|because|since|while|whereas|as)\s([^,]*),\s"));
static ENGLISH_UNSURE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"\b(?:wrong(?:ly)?|false(?:ly)?|incorrect(?:ly)?|untrue|mistake\w*|misconception|myth|error|contrary|unlike|",
        r"instead|rather than|claim(?:s|ed)? that|alleg\w+|argu\w+ that|often thought|opposite|far from|other way)\b|",
        r"\b(?:is|are|was|were|does|do|did|will|would|can|may|must|should|has|have)(?: not|n't)?\W*$"
    ))
});
static ENGLISH_SWEEPING: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"\b(?:always|in (?:all|every|any) (?:cases?|circumstances?)|regardless|irrespective|whether or not|no matter|",
        r"unconditional\w*|automatically|without exception|even if|every time)\b"
    ))
});

static KOREAN_NEUTRAL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"뿐(?:만)? ?아니라|틀림없이|의심할 (?:여지|바) ?없이|(?:예외|관계|상관) ?없이|다름 ?없이|(?:가산|공제)(?:율|세|금|액)",
    )
});
static KOREAN_NOT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?:지|하지|되지)(?:는|도|를|가)? ?(?:않|아니|못|말)|(?:이|가|은|는|도|건) ?아니|아닙니다|아니다|아님|아닌|아니한|아니하|아니 ?(?:된|됩|되)|",
        r"(?:^|\s|수|수는|것이|필요가|의무가|의무는|영향이|근거가|근거는)없|\s없|못 ?(?:한|합|해|하)|\s안 (?:됩|된|되|돼|합|한|해|들어)|불가|금지|금한"
    ))
});
static KOREAN_MUST: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?:지 ?않으면|아니하면|않고는|지 ?아니하고는) ?(?:안 ?(?:된|됩|되|돼)|아니 ?(?:된|됩|되))|수밖에 ?없|지 ?않을 수(?:가|는)? ?없|",
        r"(?:예외가|다름이|차이가|변함이) ?없"
    ))
});
static KOREAN_IN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"포함|가산|더하|더한|더해|더할|더합|합산|산입|들어가|들어간|들어갑|과세 ?대상|과세(?:된|됩|되|한|합|하)|부과(?:된|됩|되|한|합|하)|",
        r"추가(?:된|됩|되|한|합|하)|반영(?:된|됩|되|한|합|하)|넣|합쳐|얹|구성(?:요소|한다|합니다)|일부(?:이|입|를 이|다)"
    ))
});
static KOREAN_OUT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"제외|공제|차감|빼|뺀|뺍|뺄|빠지|빠진|빠집|면제|면세(?:이|입|된|됩|되|한다|합|하|대상)|비과세|배제|인정하지|인정되지|제하",
    )
});
static KOREAN_IF: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?:면|경우에는|경우에|경우는|경우|때에는|때에|때는|때|한하여|조건으로|이상)[,\s]"));
static KOREAN_EXCEPT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"((?:[^\s,]+\s){0,2}[^\s,]+?)(?:을|를)?\s?(?:제외한|제외하고는?|제외하면|뺀|빼고는?|이외의|이외에는?|외의|외에는)\s",
    )
});
static KOREAN_JOINT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?:지만|니다만|으나|(?:되|하|이)나|는데|은데|므로|면서|반면에?|(?:되|하|이|않|없|있|빼|더하|넣)고|(?:으|되|하|이)며|니까|때문에),?\s+|;\s*",
    )
});
static KOREAN_UNSURE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"사실이 ?아[니닙닌님]|틀린|틀렸|잘못|오해|착각|흔히|[와과] 달리|반대로|대신|(?:이|가) ?아니라|것은 ?아[니닙닌님]|아닌 것은",
    )
});
static KOREAN_SWEEPING: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"항상|언제나|무조건|어떤 경우에도|모든 경우|어느 경우|관계 ?없이|상관 ?없이|예외 ?없이|불문하고")
});

/// Stems that every sentence of the field may have, and those of in and out, whose sense the polarity holds.
const COMMON: &str = "\
    ad add addit addition includ inclus exclud exclus deduct subtract part belong dutiabl duti taxabl tax subject custom valu \
    price paid payabl determin calcul consid consider treat count yes ye no answer therefor thus henc howev accord mean say rule \
    case question appli import good actual follow within also must enter form remov omit ignor exempt disregard outsid increas \
    cost amount alway never cannot without except unless whether regardless alreadi still normal gener \
    과세가격 과세 관세 가격 해당 경우 따라서 그러므로 금액 비용 요소 결정 계산 대상 답변 질문 규정 수입 물품 수입물품 실제 지급 지급하였거 \
    지급하여 거래가격 이것 그것 이러 그러 이는 그는 다음 때문 의하 따르 항상 언제나 무조건 반드시 모두 이미 아니라 아니한 아니하 아닌 않는 않은 \
    않습니 못하 없는 있는";

static COMMON_WORDS: LazyLock<HashSet<&str>> = LazyLock::new(|| COMMON.split_whitespace().collect());

/// The content words of `text` that say what it is about.
pub(super) fn topic(text: &str) -> HashSet<String> {
    let is_sign = |word: &str| KOREAN_IN.is_match(word) || KOREAN_OUT.is_match(word);
    let words = terms(text).into_iter().filter(|term| term.kind == Kind::Word).map(|term| term.text);
    let is_denial =
        |word: &str| word.starts_with(['않', '없', '못']) || word.starts_with("아니") || word.starts_with("아닙");
    words.filter(|word| !COMMON_WORDS.contains(word.as_str()) && !is_sign(word) && !is_denial(word)).collect()
}

/// How many denials `sentence` holds wherever they stand, in conditions too; being out counts as one.
pub(in crate::chat) fn num_denials(sentence: &str) -> usize {
    let lower = sentence.to_lowercase().replace('’', "'");
    match Language::detect(sentence) {
        Language::En => {
            let text = ENGLISH_NEUTRAL.replace_all(&lower, " ");
            let text = ENGLISH_FREE.replace_all(&text, "exempt");
            ENGLISH_NOT.find_iter(&text).count()
                + ENGLISH_OUT.find_iter(&text).count()
                + text.matches("unless").count()
                + text.matches("unavailable").count()
        }
        Language::Ko => {
            let text = KOREAN_NEUTRAL.replace_all(&lower, " ");
            let must = 2 * KOREAN_MUST.find_iter(&text).count();
            KOREAN_NOT.find_iter(&text).count() + KOREAN_OUT.find_iter(&text).count() + must
        }
    }
}

/// Everything that `sentence` claims; never empty.
pub(super) fn claims(sentence: &str) -> Vec<Claim> {
    let language = Language::detect(sentence);
    let lower = sentence.to_lowercase().replace('’', "'");
    let is_sweeping = match language {
        Language::En => ENGLISH_SWEEPING.is_match(&lower),
        Language::Ko => KOREAN_SWEEPING.is_match(&lower),
    };
    let text = match language {
        Language::En => {
            let text = ENGLISH_NEUTRAL.replace_all(&lower, " ");
            let text = ENGLISH_VALUE.replace_all(&text, "customs value");
            ENGLISH_FREE.replace_all(&text, "exempt").into_owned()
        }
        Language::Ko => KOREAN_NEUTRAL.replace_all(&lower, " ").into_owned(),
    };
    let (text, excepted) = exceptions(&text, language);
    let mut claims: Vec<Claim> = Vec::new();
    for clause in clauses(&text, language) {
        let mut claim = read(&clause, language);
        // "…, and is not deducted": the subject of the clause before.
        if claim.topic.is_empty()
            && let Some(before) = claims.last()
        {
            claim.topic.clone_from(&before.topic);
        }
        claims.push(claim);
    }
    let mut against: Vec<Claim> = Vec::new();
    if let Some(rule) = claims.iter().rev().find(|claim| claim.is_verdict).or(claims.last()) {
        against.extend(excepted.iter().map(|text| rule.reversed(topic(text))));
    }
    if language == Language::En
        && let Some((unless, rule)) = ENGLISH_UNLESS.captures(&text).zip(claims.iter().find(|claim| claim.is_verdict))
    {
        let topic = rule.topic.union(&topic(&unless[1])).cloned().collect();
        against.push(rule.reversed(topic));
    }
    claims.extend(against.into_iter().filter(|claim| !claim.topic.is_empty()));
    for claim in &mut claims {
        claim.is_sweeping = is_sweeping;
    }
    claims
}

impl Claim {
    /// The opposite, of `topic`.
    fn reversed(&self, topic: HashSet<String>) -> Self {
        let polarity = match self.polarity {
            Polarity::Affirmative => Polarity::Negative,
            Polarity::Negative => Polarity::Affirmative,
        };
        let mut signs = self.signs.clone();
        signs.push(Sign::Unless);
        Self { topic, polarity, is_verdict: true, signs, ..self.clone() }
    }
}

/// `text` without its exceptions, and what they except.
fn exceptions(text: &str, language: Language) -> (String, Vec<String>) {
    let regex = match language {
        Language::En => &ENGLISH_EXCEPT,
        Language::Ko => &KOREAN_EXCEPT,
    };
    let excepted = regex.captures_iter(text).map(|parts| parts[1].to_owned()).collect();
    let rest = regex.replace_all(text, |parts: &regex::Captures<'_>| {
        format!(" {} ", parts.name("verb").map_or("", |verb| verb.as_str()))
    });
    (rest.into_owned(), excepted)
}

/// The parts of a sentence that assert something by themselves.
fn clauses(text: &str, language: Language) -> Vec<String> {
    let joint = match language {
        Language::En => &ENGLISH_JOINT,
        Language::Ko => &KOREAN_JOINT,
    };
    let mut parts: Vec<String> = Vec::new();
    let mut text = text;
    if language == Language::En
        && let Some(opening) = ENGLISH_OPENING.captures(text)
    {
        parts.push(opening[1].to_owned());
        text = &text[opening.get(0).expect("group 0 is the match").end()..];
    }
    let mut start = 0;
    for found in joint.find_iter(text) {
        // The ending of a Korean clause is part of its predicate.
        let end = if language == Language::Ko { found.end() } else { found.start() };
        if text[start..end].split_whitespace().count() >= 2 {
            parts.push(text[start..end].trim().to_owned());
            start = found.end();
        }
    }
    let rest = text[start..].trim();
    if !rest.is_empty() || parts.is_empty() {
        parts.push(rest.to_owned());
    }
    parts
}

fn read(clause: &str, language: Language) -> Claim {
    match language {
        Language::En => read_english(clause),
        Language::Ko => read_korean(clause),
    }
}

fn signs(clause: &str, patterns: &[(&Regex, Sign)]) -> Vec<(usize, Sign)> {
    let mut found: Vec<(usize, Sign)> = Vec::new();
    for (regex, sign) in patterns {
        found.extend(regex.find_iter(clause).map(|found| (found.start(), *sign)));
    }
    found.sort();
    found
}

/// How far before its verb a denial may stand, in characters: "is in no case to be added".
const REACH: usize = 24;

fn read_english(clause: &str) -> Claim {
    let patterns = || [(&*ENGLISH_NOT, Sign::Not), (&*ENGLISH_IN, Sign::In), (&*ENGLISH_OUT, Sign::Out)];
    let main = ENGLISH_IF.replace_all(clause, " ");
    let main = if main.split_whitespace().count() < 2 { clause } else { &main };
    let found = signs(main, &patterns());
    let nots: Vec<usize> = found.iter().filter(|(_, sign)| *sign == Sign::Not).map(|(at, _)| *at).collect();
    let belongs = |wanted| found.iter().any(|(_, sign)| *sign == wanted);
    let last = found.iter().rev().find(|(_, sign)| *sign != Sign::Not);
    let (negated, all_read) = match last {
        Some((at, _)) => {
            let reach = main[..*at].char_indices().rev().nth(REACH).map_or(0, |(start, _)| start);
            let opens = main.trim_start().starts_with("no ") || main.trim_start().starts_with("none ");
            let near = nots.iter().filter(|not| (reach..*at).contains(not)).count();
            let near = if near == 0 && opens { 1 } else { near };
            (near % 2 == 1, near <= 1 && near == nots.len())
        }
        None => (!nots.is_empty(), nots.len() <= 1),
    };
    let is_out = last.is_some_and(|(_, sign)| *sign == Sign::Out);
    let is_mixed = belongs(Sign::In) && belongs(Sign::Out);
    let mut all = signs(clause, &[&patterns()[..], &[(&*ENGLISH_UNSURE, Sign::Unsure)]].concat());
    all.extend(clause.match_indices("unless").map(|(at, _)| (at, Sign::Unless)));
    all.sort();
    Claim {
        // What follows "unless" is another case.
        topic: topic(&ENGLISH_UNLESS.replace_all(clause, " ")),
        polarity: polarity_of(is_out != negated),
        belongs: last.is_some(),
        is_verdict: last.is_some() || negated,
        is_clear: all_read && !is_mixed && !ENGLISH_UNSURE.is_match(clause),
        is_sweeping: false,
        signs: all.into_iter().map(|(_, sign)| sign).collect(),
    }
}

/// Words around the final predicate of a Korean clause.
const PREDICATE_WORDS: usize = 4;

fn read_korean(clause: &str) -> Claim {
    let patterns = || [(&*KOREAN_NOT, Sign::Not), (&*KOREAN_IN, Sign::In), (&*KOREAN_OUT, Sign::Out)];
    let all = signs(clause, &[&patterns()[..], &[(&*KOREAN_UNSURE, Sign::Unsure)]].concat());
    let end = clause.trim_end_matches(|c: char| !c.is_alphanumeric());
    let main = KOREAN_IF.find_iter(end).last().map_or(end, |condition| &end[condition.end()..]);
    let mut at = main.len();
    let mut num_words = 0;
    // A denial is never parted from the verb that it follows: "포함되지 | 않는다고 볼 수 없다".
    while at > 0 && (num_words < PREDICATE_WORDS || main[at..].trim_start().starts_with(['않', '아', '못', '없'])) {
        at = main[..at].trim_end().rfind(char::is_whitespace).unwrap_or_default();
        num_words += 1;
    }
    let predicate = &main[at..];
    let must = KOREAN_MUST.is_match(predicate);
    let found = signs(predicate, &patterns());
    let before = signs(&main[..at], &patterns());
    let num_nots = if must { 0 } else { found.iter().filter(|(_, sign)| *sign == Sign::Not).count() };
    let last = found.iter().rev().find(|(_, sign)| *sign != Sign::Not);
    let belongs = |wanted| found.iter().any(|(_, sign)| *sign == wanted);
    let negated = num_nots % 2 == 1;
    // "인정하지 아니한다" is one denial in the words of being out.
    let is_out = last.is_some_and(|(_, sign)| *sign == Sign::Out);
    let denies_recognition = predicate.contains("인정하지") || predicate.contains("인정되지");
    let negative = if denies_recognition { num_nots <= 1 } else { is_out != negated };
    let is_mixed = belongs(Sign::In) && belongs(Sign::Out);
    // The verdict stands before the words that end the clause: "포함된다는 뜻으로 이해하면 되는 것입니다".
    let is_hidden = found.is_empty() && !before.is_empty();
    Claim {
        topic: topic(clause),
        polarity: polarity_of(negative),
        belongs: all.iter().any(|(_, sign)| matches!(sign, Sign::In | Sign::Out)),
        is_verdict: !found.is_empty() || !before.is_empty(),
        is_clear: num_nots <= 1 && !is_hidden && !is_mixed && !KOREAN_UNSURE.is_match(clause),
        is_sweeping: false,
        signs: all.into_iter().map(|(_, sign)| sign).collect(),
    }
}

fn polarity_of(negative: bool) -> Polarity {
    if negative { Polarity::Negative } else { Polarity::Affirmative }
}

/// Whether a source holds only under a condition, so that a claim without one goes beyond it.
pub(super) fn is_conditional(sentence: &str) -> bool {
    polarity::is_conditional(sentence)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn polarities(sentence: &str) -> Vec<Polarity> {
        claims(sentence).into_iter().map(|claim| claim.polarity).collect()
    }

    #[test]
    fn clauses_are_judged_one_by_one() {
        use Polarity::{Affirmative as Yes, Negative as No};
        for (sentence, expected) in [
            ("A buying commission is added, but a selling commission is not added.", &[Yes, No][..]),
            ("Although a buying commission is added, freight is not included.", &[Yes, No]),
            ("Freight is not added; insurance is.", &[No]),
            ("Commissions, except buying commissions, are added.", &[Yes, No]),
            ("Commissions other than buying commissions are added.", &[Yes, No]),
            ("Interest is not included unless it is part of the price.", &[No, Yes]),
            ("구매수수료는 포함되지만 판매수수료는 포함되지 않습니다.", &[Yes, No]),
            ("구매수수료는 가산하지 아니하며, 중개수수료는 가산한다.", &[No, Yes]),
            ("구매수수료를 제외한 수수료는 가산한다.", &[Yes, No]),
        ] {
            let found = polarities(sentence);
            assert_eq!(&found[..expected.len()], expected, "{sentence}");
        }
    }

    #[test]
    fn denials_of_denials_are_read_or_left_unread() {
        let read = |sentence: &str| {
            let claim = claims(sentence).remove(0);
            claim.is_clear.then_some(claim.polarity)
        };
        let (yes, no) = (Some(Polarity::Affirmative), Some(Polarity::Negative));
        for (sentence, expected) in [
            ("It is not excluded from the dutiable value.", yes),
            ("It is excluded from the dutiable value.", no),
            ("It is deducted from the taxable amount.", no),
            ("It is not only added but declared.", yes),
            ("It is non-dutiable.", no),
            ("It is under no circumstances added.", no),
            ("It is not true that it is not added.", None),
            ("It is, in the case described above, not in any way whatever to be added.", None),
            ("It never fails to be added.", None),
            ("It would be wrong to say that it is added.", None),
            ("과세가격에서 제외되지 아니한다.", yes),
            ("과세가격에 포함되지 아니한다.", no),
            ("과세가격에 포함하지 않을 수 없다.", yes),
            ("과세가격에 포함되지 않는다고 볼 수 없다.", None),
            ("과세가격에 포함되지 않는 것은 아니다.", None),
            ("과세가격에 포함된다는 것은 사실이 아니다.", None),
            ("그 비용은 면세이다.", no),
            ("과세가격으로 인정하지 아니한다.", no),
        ] {
            assert_eq!(read(sentence), expected, "{sentence}");
        }
    }

    #[test]
    fn a_topic_is_what_is_left_without_the_fields_own_words() {
        let words = |text: &str| {
            let mut words: Vec<String> = topic(text).into_iter().collect();
            words.sort();
            words
        };
        assert_eq!(words("A buying commission is not added to the customs value."), ["buy", "commiss"]);
        assert_eq!(words("It is part of the dutiable value."), Vec::<String>::new());
        assert_eq!(words("구매수수료는 과세가격에 포함되지 않는다."), ["구매수수료"]);
        assert_eq!(words("따라서 해당 비용은 가산요소에 해당합니다."), Vec::<String>::new());
    }
}

//! The goods a request is about: those whose price is meant, and those to be classified.
//!
//! In: a request. Out: the words for the goods, as written.

use std::sync::LazyLock;

use regex::Regex;

static PRICED: LazyLock<[Regex; 4]> = LazyLock::new(|| {
    [
        r"(?i)\b(?:declared |unit )?(?:values?|prices?) (?:declared )?(?:of|for) (?:the |its |their |these |those )?([\p{L}][\p{L} -]{1,40}?)(?: (?:is|are|was|were|from|in|by|imported|declared|at|seems?|looks?|of|plausible|reasonable)\b|[?.,;]|$)",
        r"(?i)\b(?:the|its|their) ([\p{L}-]+(?: [\p{L}-]+){0,2}?) (?:undervalued|too cheap|priced)",
        r"([가-힣A-Za-z]{2,12}(?: [가-힣A-Za-z]{2,12})?)의 (?:신고\s*)?(?:단가|가격|과세가격|신고가격)",
        r"([가-힣A-Za-z]{2,12}) (?:신고\s*)?(?:단가|가격)",
    ]
    .map(|pattern| Regex::new(pattern).expect("a valid pattern"))
});
static QUOTED: LazyLock<Regex> = LazyLock::new(|| {
    // An apostrophe closes nothing.
    Regex::new(
        r"“([^”]{2,200})”|\x22([^\x22]{2,200})\x22|‘([^’]{2,200})’(?:[^\p{L}]|$)|「([^」]{2,200})」|『([^』]{2,200})』",
    )
    .expect("a valid pattern")
});
static DESCRIBED: LazyLock<[Regex; 6]> = LazyLock::new(|| {
    [
        r"(?i)\bclassif(?:y|ication of|ication for)\s+(?:the |these |this |a |an |my )?(?:item |goods |product |following )?[:：]?\s*(.{2,160}?)\s*(?:[?!]|\.\s|\.$|$|, please| please| under\b| for customs)",
        r"(?i)\b(?:hs|tariff)\s*(?:code|heading|subheading|number|classification)s?\s+(?:for|of)\s+(?:the |a |an |these )?(.{2,160}?)\s*(?:[?!]|\.\s|\.$|$)",
        r"(?i)\b(?:which|what)\s+(?:hs\s*)?(?:code|heading|subheading)\s+(?:do|does|is|are|covers?|applies to|fits?|should)\s+(?:be used for |i use for |the |a |an )?(.{2,160}?)(?:\s+(?:have|has|fall|belong|go|come|under|classified)\b.*)?\s*(?:[?!]|\.$|$)",
        r"(?i)(.{2,80}?)(?:의|은|는|을|를)?\s*(?:hs\s*(?:코드|번호|부호)?|품목\s*(?:번호|분류)|세번)(?:는|은|을|를|가|이|\s|\?|$)",
        r"(.{2,80}?)(?:을|를)\s*(?:품목\s*)?분류",
        r"(.{2,80}?)(?:은|는)\s*(?:몇 류|어느 호)",
    ]
    .map(|pattern| Regex::new(pattern).expect("a valid pattern"))
});
/// Words before the goods that are no part of them.
static LEAD: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)^(?:please|tell me|could you|can you|find|give me|what is|what's|다음|물품|혹시|이 물품|이)\s+")
        .expect("a valid pattern")
});
/// What stands for goods without saying which.
const NOTHING: &[&str] = &[
    "this",
    "it",
    "that",
    "these",
    "goods",
    "this item",
    "this product",
    "the goods",
    "item",
    "이것",
    "그것",
    "이 물품",
    "물품",
    "상품",
    "제품",
    "imports",
    "its imports",
    "their imports",
    "declarations",
    "신고",
    "수입",
    "the customs",
    "customs",
];

/// The goods whose price is meant.
pub fn priced(request: &str) -> Option<String> {
    PRICED.iter().find_map(|pattern| {
        let goods = pattern.captures(request)?.get(1)?.as_str();
        // Whose they are is another matter.
        let goods = goods.split(" of ").next().unwrap_or(goods).trim();
        (!is_nothing(goods)).then(|| goods.to_owned())
    })
}

static VALUED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(?:value|on|for|of)\s+(?:the |these |this |my )?((?:\d+\s+)?[\p{L}][\p{L} -]{2,40}?)(?:,|:|;| with | at | imported|$)|([가-힣][가-힣 ]{1,20}) (?:\d+\s?(?:개|대|벌|상자|톤))?(?:을|를|의)")
        .expect("a valid pattern")
});

/// The goods of a transaction to be valued, for its worksheet's heading alone.
pub fn valued(request: &str) -> Option<&str> {
    let found = VALUED.captures(request)?;
    let goods = found.get(1).or(found.get(2))?.as_str().trim();
    (!is_nothing(goods)).then_some(goods)
}

/// The goods to be classified.
pub fn described(request: &str) -> Option<String> {
    if let Some(found) = QUOTED.captures(request) {
        return found.iter().skip(1).flatten().next().map(|quoted| quoted.as_str().trim().to_owned());
    }
    DESCRIBED.iter().find_map(|pattern| {
        let mut goods = pattern.captures(request)?.get(1)?.as_str().trim();
        while let Some(found) = LEAD.find(goods) {
            goods = goods[found.end()..].trim();
        }
        let goods = goods.trim_end_matches(['의', ',', ':', '.']).trim();
        (goods.chars().count() >= 2 && !is_nothing(goods)).then(|| goods.to_owned())
    })
}

fn is_nothing(goods: &str) -> bool {
    let lower = goods.to_lowercase();
    NOTHING.contains(&lower.as_str())
}

//! What is wished for, and what is taken for granted.
//!
//! In: a request and the things found in it. Out: wishes in the order they are said, and premises ("why is it green?")
//! that the results will confirm or contradict.

use std::sync::LazyLock;

use regex::Regex;
use serde::{Deserialize, Serialize};

use super::super::tool::Stance;
use super::Entities;

/// Something a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wish {
    /// Whether to audit a company: all there is on it.
    Audit,
    Profile,
    /// Who stands behind a company.
    Network,
    /// What connects two parties.
    Path,
    /// Rings and phoenixes.
    Patterns,
    Delinquency,
    /// Of a declaration, of a company's imports, or the riskiest groups.
    Risk,
    /// Whether declared values are plausible.
    Price,
    /// An HS code.
    Classify,
    /// A customs value worked out.
    Value,
    /// An exchange rate.
    Rate,
    /// A duty rate.
    Tariff,
    /// Two stamps or signatures compared.
    Marks,
    /// A dossier as a file.
    Export,
    /// A generation of a dataset paused, resumed or cancelled.
    Dataset,
    /// A rule explained from the documents.
    Explain,
}

/// What risky declarations are grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    Importer,
    Origin,
    Hs,
    Broker,
    Seller,
}

/// Something the request takes for granted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Premise {
    /// As said.
    pub words: String,
    pub stance: Stance,
}

/// A wish and the words that express it; the first column of words is enough, whatever the request is about.
const WORDS: &[(Wish, &str)] = &[
    (
        Wish::Audit,
        r"\baudit|\binvestigat|\bdossier\b|worth (?:a )?(?:closer )?look|심사\s*대상|심사(?:해야|할지|가 필요|를 해야)|조사(?:해야|할지|가 필요|를 해야|\s*대상)|감사해야|종합\s*보고|조사\s*보고서",
    ),
    (
        Wish::Path,
        r"\bhow (?:are|is)\b.*\b(?:connected|linked|related)\b|\b(?:connect(?:ed|s|ion)|link(?:ed|s)?|relat(?:ed|es|ion|ionship)|path)\b.*\b(?:to|with|between|and)\b|어떤 관계|무슨 관계|연결\s*(?:고리|관계|되|돼)|사이의? 관계|관계가 있",
    ),
    (
        Wish::Network,
        r"\b(?:stands?|is|are) behind\b|behind (?:it|them|the company)|\bwho (?:owns|controls|runs)\b|\bowner(?:s|ship)?\b|\bshareholders?\b|\bnetwork (?:of|around)\b|\bstakeholders?\b|배후|실소유|소유자|소유주|주주|지분|관계망|이해관계자|누가 (?:소유|지배|운영)|지배\s*구조",
    ),
    (
        Wish::Patterns,
        r"\bring patterns?\b|\bphoenix|\bownership (?:rings?|cycles?|circles?)\b|\bcircular (?:trade|trading|ownership)\b|순환\s*(?:출자|거래|소유)|재창업|위장\s*폐업",
    ),
    (
        Wish::Delinquency,
        r"\bdelinquen|\barrears\b|\bdefault(?:s|ing)? (?:on|risk)|\bpay(?:s|ing)? (?:its|their|on time|late)|\bfall behind|\bcredit score|체납|연체|미납|납부\s*(?:능력|이력|지연)|제때 (?:납부|내)",
    ),
    (
        Wish::Price,
        r"\bplausib|\bundervalu|\btoo (?:low|cheap)|\bunit (?:value|price)s?\b|\bprice check\b|\bdeclared (?:value|price)s? (?:of|for)\b.*\b(?:reasonable|normal|credible|fair|ok)|\bcompare[sd]? .*prices?\b|저가\s*신고|적정(?:한|성)?|타당(?:한|성)|단가|시세|(?:신고\s*)?가격이? .*(?:낮|정상|맞|합리)",
    ),
    (Wish::Risk, r"\brisk(?:y|iest|s)?\b|\bred channel\b|\b(?:green|yellow|red)\b|위험|우범|고위험|적색|황색|녹색"),
    (
        Wish::Profile,
        r"\bprofile\b|\boverview\b|\bfacts (?:of|on|about)\b|\btell me about\b|\bwhat do we know (?:about|of)\b|\btrade history\b|\blast quarter\b|\btop (?:goods|sellers|origins)\b|프로필|기업\s*(?:정보|현황|개요)|업체\s*(?:정보|현황|개요)|현황|거래\s*(?:실적|이력|내역|추이)|수입\s*(?:실적|추이)|지난\s*분기|에 대해 (?:알려|설명)",
    ),
    (
        Wish::Classify,
        r"\bclassif(?:y|ication of)|\bhs\s*(?:code|heading|number|subheading)s?\b|\btariff (?:code|classification|number|heading)|\bwhich heading|\bwhat heading|품목\s*(?:번호|분류)|세번|hs\s*(?:코드|번호|부호|품목)|몇 류|어느 호",
    ),
    (
        Wish::Rate,
        r"\bexchange rate|\bcustoms rate of\b|\brate of exchange|\b(?:usd|eur|jpy|cny|gbp)\s*(?:rate|/\s*krw)|환율",
    ),
    (
        Wish::Tariff,
        r"\b(?:tariff|duty|customs) rates?\b|\brates? of duty\b|\bhow much duty\b.*\bhs\b|관세율|세율|기본세율|협정세율",
    ),
    (
        Wish::Value,
        r"\bcustoms value\b|\b(?:dutiable|taxable) value\b|\bvalue (?:this|the|my) (?:invoice|shipment|transaction|import)|\b(?:calculate|compute|work out|how much)\b.*\b(?:duty|duties|vat|tax|value|taxes)\b|\bwhat (?:duty|vat)\b|과세가격|관세액|세액|(?:관세|부가세|부가가치세).{0,12}(?:얼마|계산)|계산해",
    ),
    (
        Wish::Marks,
        r"\b(?:stamp|seal|signature)s?\b.*\b(?:compar|same|match|genuine|forg|counterfeit)|\b(?:compar|match)\w*\b.*\b(?:stamp|seal|signature)|(?:인영|직인|도장|서명).*(?:비교|같은|일치|위조|진위)",
    ),
    (
        Wish::Dataset,
        r"\b(?:pause|resume|cancel|stop|continue)\b.{0,30}\bdataset\b|\bdataset\b.{0,40}\b(?:pause|resume|cancel)|데이터셋.{0,30}(?:멈|중지|재개|다시 시작|취소)",
    ),
    (
        Wish::Export,
        r"\b(?:export|save|download|write)\b.{0,40}\b(?:dossier|report|file|answer|result)|(?:보고서|결과|문서|조서).{0,10}(?:내보내|저장|파일)|파일로",
    ),
];

static PATTERNS: LazyLock<Vec<(Wish, Regex)>> = LazyLock::new(|| {
    let compiled =
        WORDS.iter().map(|(wish, words)| (*wish, Regex::new(&format!("(?is){words}")).expect("a valid pattern")));
    compiled.collect()
});
static QUESTION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(?:what|how|when|which|who|why|is|are|do|does|must|may|can|should|explain|under what)\b|\?|나요|인가|니까|무엇|어떻게|언제|어떤|설명|되는지|하는지|얼마")
        .expect("a valid pattern")
});
/// The matters of this house; a question without any of them is no question on its rules.
static MATTER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?i)\b(?:customs|dut(?:y|ies|iable)|import(?:s|er|ed|ation)?|export(?:er|ed)?|tariff|declar\w+|valuation|royalt\w+|commission|freight|",
        r"insurance|assist|transaction value|buyer|seller|origin|bonded|drawback|penalt\w+|appeal|ruling|broker|clearance|fta|",
        r"incoterms?|cif|fob|ddp|warehouse|refund|vat|invoice|sampl\w+|discount|packing|container)\b|",
        r"관세|수입|수출|통관|과세|신고|세관|원산지|보세|환급|가산세|심판|이의|로열티|권리사용료|수수료|운임|운송료|보험료|생산지원|거래가격|구매자|판매자|할인|포장|용기|협정|사후|심사|품목|세율|납부|면세|여행자"
    ))
    .expect("a valid pattern")
});
/// Points at one thing without naming it: what is missing is its name, and no rule is asked for.
static POINTING: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(?:this|that|my|our|the attached) (?:import |customs )?(?:declaration|company|importer|firm|shipment|invoice|item|product|goods|article|transaction|stamp|seal|signature)s?\b|(?:이|저|그|제|우리|해당|첨부한?) ?(?:신고서?|신고 건|업체|회사|기업|수입자|물품|송장|거래|상품|제품|인영|도장|서명)")
        .expect("a valid pattern")
});
static GROUPS: LazyLock<[(Group, Regex); 5]> = LazyLock::new(|| {
    let grouped = |words: &str| Regex::new(&format!("(?i){words}")).expect("a valid pattern");
    [
        (
            Group::Origin,
            grouped(
                r"\b(?:by|per|which|riskiest|what) (?:countr(?:y|ies)|origins?)|원산지별|국가별|어느 (?:국가|나라|원산지)",
            ),
        ),
        (
            Group::Hs,
            grouped(
                r"\b(?:by|per|which|riskiest|what) (?:hs|goods|headings?|products?|chapters?|items?)|품목별|물품별|어느 (?:품목|물품)",
            ),
        ),
        (Group::Broker, grouped(r"\b(?:by|per|which|riskiest|what) (?:customs )?brokers?|관세사별|어느 관세사")),
        (
            Group::Seller,
            grouped(
                r"\b(?:by|per|which|riskiest|what) (?:foreign )?(?:sellers?|suppliers?|exporters?)|(?:판매자|공급자|수출자|거래처)별|어느 (?:판매자|수출자|거래처)",
            ),
        ),
        (
            Group::Importer,
            grouped(
                r"\b(?:by|per|which|riskiest|what) (?:importers?|compan(?:y|ies)|firms?)|high[- ]risk (?:groups?|imports?|importers?|compan)|(?:수입자|업체|기업)별|어느 (?:업체|수입자|기업)|고위험 (?:그룹|집단|묶음|군|수입)",
            ),
        ),
    ]
});
static PREMISES: LazyLock<[(Stance, Regex); 2]> = LazyLock::new(|| {
    let said = |words: &str| Regex::new(&format!("(?i){words}")).expect("a valid pattern");
    [
        (
            Stance::Low,
            said(
                r"\bwhy (?:is|are|was|were)\b[^.?!]{0,40}?\b(green|low[- ]risk|safe|clean)\b|\b(?:why|since|because|as|given that|now that)\b[^.?!]{0,60}?\b((?:is|are|was|were) (?:so )?(?:green|low[- ]risk|safe|clean|not risky))|((?:녹색|저위험|위험이 낮|안전)(?:인|은|한)? ?(?:이유|데|니|까닭)?)[^.?!]{0,10}(?:왜|이유|까닭)|왜[^.?!]{0,40}?((?:녹색|저위험|안전|위험이 낮))",
            ),
        ),
        (
            Stance::High,
            said(
                r"\bwhy (?:is|are|was|were)\b[^.?!]{0,40}?\b(red|high[- ]risk|risky|dangerous)\b|\b(?:why|since|because|as|given that|now that)\b[^.?!]{0,60}?\b((?:is|are|was|were) (?:so |such a )?(?:red|high[- ]risk|risky|dangerous))|((?:적색|고위험|위험이 높)(?:인|은|한)? ?(?:이유|데|니|까닭)?)[^.?!]{0,10}(?:왜|이유|까닭)|왜[^.?!]{0,40}?((?:적색|고위험|위험이 높))",
            ),
        ),
    ]
});

/// The wishes of a request, in the order they are said.
pub fn wishes(request: &str, entities: &Entities) -> Vec<Wish> {
    let mut found: Vec<(usize, Wish)> =
        PATTERNS.iter().filter_map(|(wish, words)| Some((words.find(request)?.start(), *wish))).collect();
    found.sort_by_key(|(at, _)| *at);
    let mut wishes: Vec<Wish> = found.into_iter().map(|(_, wish)| wish).collect();
    prune(&mut wishes, entities, POINTING.is_match(request));
    if wishes.is_empty() && is_rule_question(request, entities) {
        wishes.push(Wish::Explain);
    }
    wishes
}

/// Words have several meanings; what the request is about tells which was meant.
fn prune(wishes: &mut Vec<Wish>, entities: &Entities, is_pointing: bool) {
    let has = |wishes: &[Wish], wish| wishes.contains(&wish);
    let is_named = !entities.companies.is_empty();
    let num_companies = entities.companies.len();
    wishes.retain(|wish| match wish {
        // A question on audits, owners, arrears or prices in general is one for the documents.
        Wish::Audit | Wish::Profile | Wish::Network | Wish::Delinquency => is_named || is_pointing,
        Wish::Path => num_companies >= 2,
        Wish::Price => is_named || (entities.goods.is_some() && !entities.hs.is_empty()),
        Wish::Risk => is_named || is_pointing || !entities.declarations.is_empty() || entities.group.is_some(),
        Wish::Value => entities.case.is_some() || is_pointing,
        Wish::Classify => entities.description.is_some() || is_pointing,
        Wish::Rate => entities.currency.is_some() && entities.case.is_none(),
        Wish::Tariff => !entities.hs.is_empty() && entities.case.is_none(),
        Wish::Marks => is_pointing || !entities.images.is_empty(),
        Wish::Patterns | Wish::Export | Wish::Dataset | Wish::Explain => true,
    });
    if num_companies < 2 && has(wishes, Wish::Path) {
        wishes.retain(|wish| *wish != Wish::Path);
    }
    if has(wishes, Wish::Delinquency) && entities.declarations.is_empty() {
        // The risk meant is that of arrears.
        wishes.retain(|wish| *wish != Wish::Risk);
    }
    if has(wishes, Wish::Path) {
        // "How is A related to the owner of B": the path says it.
        wishes.retain(|wish| !matches!(wish, Wish::Network | Wish::Profile));
    }
    if has(wishes, Wish::Audit) {
        // An audit looks at all of these already.
        wishes.retain(|wish| !matches!(wish, Wish::Profile | Wish::Network | Wish::Delinquency | Wish::Risk));
    }
    if has(wishes, Wish::Value) {
        wishes.retain(|wish| !matches!(wish, Wish::Tariff | Wish::Rate | Wish::Price | Wish::Classify));
    }
    if has(wishes, Wish::Price) {
        wishes.retain(|wish| *wish != Wish::Value);
    }
    if !entities.declarations.is_empty() && has(wishes, Wish::Risk) {
        wishes.retain(|wish| *wish != Wish::Profile);
    }
}

/// A request that names a rule's matter and asks about it.
fn is_rule_question(request: &str, entities: &Entities) -> bool {
    let is_about_a_case = !entities.declarations.is_empty() || !entities.images.is_empty();
    !is_about_a_case && QUESTION.is_match(request) && MATTER.is_match(request)
}

/// What risky declarations are to be grouped by, where groups are asked for.
pub fn group(request: &str) -> Option<Group> {
    GROUPS.iter().find(|(_, words)| words.is_match(request)).map(|(group, _)| *group)
}

/// What the request takes for granted of a risk.
pub fn premises(request: &str) -> Vec<Premise> {
    let mut premises = Vec::new();
    for (stance, words) in PREMISES.iter() {
        if let Some(found) = words.captures(request) {
            let said = found.iter().skip(1).flatten().next().map_or(&found[0], |group| group.as_str());
            premises.push(Premise { words: said.trim().to_owned(), stance: *stance });
        }
    }
    premises
}

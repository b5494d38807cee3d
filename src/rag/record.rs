//! Does a question ask for a fact of one case, as a register holds it and no document of rules does? "Who signed the
//! ruling for that company?", "그 회사가 추징당한 관세가 얼마야?". In: a question. Out: yes or no, by patterns: in doubt no.

use std::sync::LazyLock;

use regex::Regex;

use super::polarity::pattern;
use crate::index::Hit;

static PATTERNS: LazyLock<[Regex; 2]> = LazyLock::new(|| {
    let who = r"(?:korea |busan |seoul |incheon )?customs|(?:the )?(?:tax |supreme |high )?(?:court|tribunal|office|authorit(?:y|ies)|judge|commissioner)";
    let english = [
        // A number by which the case is filed.
        r"\b(?:entry|declaration|shipment|case|ruling|file|application|tracking|b/l|awb)\s*(?:no\.?|number|#)?\s*[A-Z]{0,6}\d[\d-]{3,}".to_owned(),
        r"\bwho\s+(?:signed|issued|handled|approved|won|lost|decided)\b".to_owned(),
        format!(r"\b(?:what|how|when|why)\s+did\s+(?:{who})\s+(?:decide|rule|conclude|hold|find|reject|approve)\b"),
        format!(r"\b(?:has|have|did)\s+(?:{who}|m(?:r|s|rs)\.?\s+\w+)\s+(?:\w+\s+){{0,5}}?(?:decided?|approved?|accept(?:ed)?|rejected?|issued?|ruled?|released?)\b"),
        r"\bwhat was (?:decided|ruled|held)\b".to_owned(),
        r"\bhow much\s+(?:\w+\s+){0,2}did\s+(?:my|the|that|[a-z]+)\s+(?:\w+\s+){0,4}pay\b".to_owned(),
        r"\b(?:on what date|when)\s+was\b.*\b(?:finali[sz]ed|decided|issued|approved|granted)\b".to_owned(),
        r"\bwhich\s+(?:company|importer|firm)s?\s+(?:got|paid|had|was|were|received)\b".to_owned(),
        r"\bhow many\s+(?:\w+\s+){0,2}(?:requests|applications|companies|firms|importers|appeals|rulings)\b".to_owned(),
        r"\b(?:our|my|their)\s+(?:\w+\s+){0,2}(?:file|application|appeal|request|case)\b.*\b(?:yet|already|finished|done|in charge|won|lost)\b".to_owned(),
        r"\b(?:show|send|give|tell)\s+(?:us|me)\b.*\b(?:approved|granted|issued|given|accepted)\s+(?:for|to)\b".to_owned(),
        r"\bin charge of (?:our|my|the)\b.*\bfile\b".to_owned(),
        r"\b(?:look up|pull up)\b.*\b(?:entry|declaration|shipment|case|file|record)\b".to_owned(),
    ];
    let korean = [
        r"(?:신고|접수|사건|운송장|B/L|허가|문서) ?번호 ?[A-Za-z]*\d",
        r"누가 [^?]*(?:서명|결재|담당|이겼|승소|결정했|심사했)|담당(?:하는|자)[^?]*(?:누구|이름|연락처)",
        r"(?:조사|심사|심판|소송|판결|처분|사건|신청|청구)[^?]{0,12}(?:결과|결론)(?:[을를] ?(?:좀 )?(?:알려|확인)|(?:가|는|이)? ?(?:어떻게 )?(?:나왔|됐|되었|났))",
        r"몇 건|건수|명단|통계[를 ]",
        r"(?:우리|저희|제)(?: 회사)?[^?]{0,20}(?:신고 ?건|사건|서류|신청|안건|신고분|자료)[^?]{0,25}(?:어느 단계|처리|결재|확인해|담당|검토하|결정했|확정됐|났|누구)",
        r"얼마였|얼마로 (?:결정|인정)했|얼마(?:를|나) (?:냈|납부했)|추징(?:당한|된|받은) [^?]*얼마",
        r"세관(?:이|에서) (?:매긴|결정한|인정한|추징한) [^?]*(?:알려|얼마|확인)",
        r"언제 (?:결정|판결|승인|처리|수리)(?:이|가)? ?(?:났|됐|되었)|지금 [^?]*(?:반출|통관|수리|처리)(?:됐|되었|되고)",
    ];
    [pattern(&format!("(?i){}", english.join("|"))), pattern(&korean.join("|"))]
});

/// Hits, best first, among which a document of the users' own may hold the record.
const LOOKED_AT: usize = 6;

/// Whether `question` asks for a fact of one case, and what was found is rules alone.
pub(super) fn is_missing(question: &str, hits: &[Hit]) -> bool {
    is_asked_for(question) && !hits.iter().take(LOOKED_AT).any(|hit| hit.passage.authority == OWN)
}

/// How the documents that users added are marked; see [`crate::ingest::Authority`].
const OWN: &str = "document";

fn is_asked_for(question: &str) -> bool {
    PATTERNS.iter().any(|pattern| pattern.is_match(question))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fact_of_one_case_is_told_from_a_rule() {
        for question in [
            "Who signed the decision on Daehan Motors?",
            "What did the tribunal decide about the cosmetics importer?",
            "Has customs accepted our value for last week's shipment?",
            "Look up declaration 12345-22-100200M for me.",
            "대한상사 관세조사 결과가 어떻게 나왔나요?",
            "접수번호 2025-118 처리 상황을 알려 주세요.",
            "그 업체가 추징당한 세액이 얼마인가요?",
        ] {
            assert!(is_asked_for(question), "{question}");
        }
        for question in [
            "What may customs decide when the value is doubtful?",
            "How much of the royalty is added?",
            "Has the royalty to be paid as a condition of the sale?",
            "What did the Technical Committee say about used cars?",
            "사전심사 결과는 언제 알려 주나요?",
            "신고가격이 얼마나 낮아야 의심하나요?",
            "누가 가격신고를 해야 하나요?",
        ] {
            assert!(!is_asked_for(question), "{question}");
        }
    }
}

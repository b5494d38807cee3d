//! Which law an article that a sentence names is of. In: a sentence. Out: [`Named`] articles, with the words of the law
//! where these are words and no instrument of ours.
//!
//! [`legal::mentions`] reads the instruments that the corpora are about; a model also names laws that are not among
//! them, and "Article 30 of the Foreign Trade Act" must not pass for Article 30 of the Customs Act.

use std::sync::LazyLock;

use regex::Regex;

use crate::legal::{Article, Instrument, LegalRef, Mention, Provision, mentions};

/// The law an article is said to be of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Law {
    /// The sentence leaves it open.
    Open,
    Ours(Instrument),
    /// Another, in its own words.
    Other(String),
}

/// An article as a sentence names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub law: Law,
    pub article: Article,
    /// Letters after it: `(c)` of `Article 8.1(c)`.
    pub letters: String,
}

static KOREAN_BEFORE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"((?:같은 |동 |이 )?[가-힣A-Z]*(?:법률|법|령|규칙|고시|협정|협약|조례|규정|훈령|예규))[」』”'\x22]*\s*$",
    )
    .expect("a valid pattern")
});
static ENGLISH_BEFORE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"((?:[A-Z][\w'’-]*\s+(?:(?:and|of|on|for|the)\s+)*)*(?:Act|Law|Code|Decree|Rules?|Regulations?|Agreement|Convention|Notice|Order))[,'’s]*\s*$")
        .expect("a valid pattern")
});
static ENGLISH_AFTER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?:\([\w]{1,4}\))*,?\s+(?:of|in|under)\s+(?:the\s+)?((?:[A-Z][\w'’-]*\s+(?:(?:and|of|on|for|the)\s+)*)*(?:Act|Law|Code|Decree|Rules?|Regulations?|Agreement|Convention|Notice|Order))\b")
        .expect("a valid pattern")
});
static LETTERS: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^(?:\([a-z]{1,4}\))+").expect("a valid pattern"));

/// What a law is called that was named before, and a word that ends like one.
const SAME_LAW: [&str; 8] = ["같은법", "동법", "이법", "본법", "법", "법령", "방법", "act"];

impl Named {
    /// The articles that `text` names.
    pub fn all(text: &str) -> Vec<Self> {
        mentions(text).into_iter().map(|mention| Self::of(text, mention)).collect()
    }

    fn of(text: &str, mention: Mention) -> Self {
        let (before, after) = (&text[..mention.span.start], &text[mention.span.end..]);
        let own = &text[mention.span.clone()];
        let letters = LETTERS.find(after).map_or("", |letters| letters.as_str()).to_owned();
        let law = match mention.instrument {
            // "법인세법 시행령 제17조" is a decree, and not that of the Customs Act.
            Some(instrument) => match law_before(before) {
                Some(law) if own.starts_with(['시', '고', '협']) && !is_customs(&law) => {
                    let name: String = own.chars().take_while(|c| *c != '제').collect();
                    Law::Other(format!("{law} {}", name.trim()))
                }
                Some(law) if own.starts_with(char::is_uppercase) && !is_customs(&law) && !is_same(&law) => {
                    Law::Other(law)
                }
                _ => Law::Ours(instrument),
            },
            None => match law_before(before).or_else(|| law_after(after)) {
                Some(law) if is_same(&law) => Law::Open,
                Some(law) => ours(&law).map_or(Law::Other(law), Law::Ours),
                None => Law::Open,
            },
        };
        Self { law, article: mention.article, letters }
    }

    /// Whether `known`, an article of the evidence, is this one, as deep as this one goes.
    pub fn is_within(&self, known: &Self) -> bool {
        let same_law = match (&self.law, &known.law) {
            (Law::Open, _) | (Law::Ours(_), Law::Open) => true,
            (ours, theirs) => ours == theirs,
        };
        let letters = self.letters.is_empty() || known.letters.starts_with(&self.letters);
        same_law && letters && is_part(&self.article, &known.article)
    }

    /// Whether `reference`, of a cited document, is this place or one below it.
    pub fn is_above(&self, reference: &LegalRef) -> bool {
        let (Law::Open | Law::Ours(_)) = self.law else { return false };
        if let Law::Ours(instrument) = self.law
            && instrument != reference.instrument
        {
            return false;
        }
        match &reference.provision {
            Provision::Article(article) => self.letters.is_empty() && is_part(&self.article, article),
            Provision::Clause(clause) => {
                // `8.1(b)(i)` of the agreement, which other instruments' numbers must not pass for.
                let numbers = self.article.paragraph.map_or_else(
                    || self.article.number.to_string(),
                    |paragraph| format!("{}.{paragraph}", self.article.number),
                );
                let clause = clause.trim_start_matches(['N', 'A']);
                let wanted = format!("{numbers}{}", self.letters);
                let rest = clause.strip_prefix(wanted.as_str());
                matches!(self.law, Law::Ours(_))
                    && rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_digit()))
            }
        }
    }
}

/// Whether `said` is `known` or a place that holds it: nothing deeper than what is known.
fn is_part(said: &Article, known: &Article) -> bool {
    said.number == known.number
        && (said.paragraph.is_none() || said.paragraph == known.paragraph)
        && (said.item.is_none() || said.item == known.item)
}

fn law_before(text: &str) -> Option<String> {
    let found = KOREAN_BEFORE.captures(text).or_else(|| ENGLISH_BEFORE.captures(text))?;
    // A sentence begins with a capital letter, too.
    Some(match found[1].trim().split_once(' ') {
        Some(("Under" | "In" | "By" | "Per" | "See" | "The" | "Of" | "And", law)) => law.trim().to_owned(),
        _ => found[1].trim().to_owned(),
    })
}

fn law_after(text: &str) -> Option<String> {
    ENGLISH_AFTER.captures(text).map(|found| found[1].trim().to_owned())
}

fn is_same(law: &str) -> bool {
    let law = law.to_lowercase();
    SAME_LAW.contains(&law.trim_start_matches("the ").replace(' ', "").as_str())
}

fn is_customs(law: &str) -> bool {
    is_same(law) || matches!(law, "관세법" | "관세평가" | "Customs Act" | "Customs" | "WTO")
}

/// The instrument of ours that `law` names.
fn ours(law: &str) -> Option<Instrument> {
    let law = law.to_lowercase();
    let law = law.trim_start_matches("the ").trim();
    Some(match law {
        "관세법" | "customs act" | "korean customs act" => Instrument::CustomsAct,
        "관세법시행령"
        | "decree"
        | "customs act decree"
        | "enforcement decree"
        | "enforcement decree of the customs act"
        | "customs act enforcement decree"
        | "decree of the customs act" => Instrument::CustomsDecree,
        "관세법시행규칙" | "rule" | "rules" | "customs act rule" | "enforcement rule" | "enforcement rules" => {
            Instrument::CustomsRule
        }
        "notice" | "valuation notice" | "customs valuation notice" => Instrument::ValuationNotice,
        "부가가치세법" | "vat act" | "value-added tax act" => Instrument::VatAct,
        "개별소비세법" | "individual consumption tax act" | "consumption tax act" => {
            Instrument::ConsumptionTaxAct
        }
        "주세법" | "liquor tax act" => Instrument::LiquorTaxAct,
        "교육세법" | "education tax act" => Instrument::EducationTaxAct,
        "agreement"
        | "wto agreement"
        | "valuation agreement"
        | "wto valuation agreement"
        | "관세평가협정"
        | "wto관세평가협정" => Instrument::WtoAgreement,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn laws(text: &str) -> Vec<Law> {
        Named::all(text).into_iter().map(|named| named.law).collect()
    }

    fn other(name: &str) -> Law {
        Law::Other(name.into())
    }

    #[test]
    fn a_law_that_is_not_ours_is_known_by_its_name() {
        for (text, law) in [
            ("관세법 제30조에 따라", Law::Ours(Instrument::CustomsAct)),
            ("법인세법 제30조에 따라", other("법인세법")),
            ("「대외무역법」 제30조에 따라", other("대외무역법")),
            ("법인세법 시행령 제17조에 따라", other("법인세법 시행령")),
            ("관세법 시행령 제17조에 따라", Law::Ours(Instrument::CustomsDecree)),
            ("같은 법 시행령 제17조", Law::Ours(Instrument::CustomsDecree)),
            ("부가가치세법 제29조", Law::Ours(Instrument::VatAct)),
            ("제30조에 따라", Law::Open),
            ("법 제30조", Law::Open),
            ("Under Article 30 of the Foreign Trade Act,", other("Foreign Trade Act")),
            ("Under Article 30 of the VAT Act,", Law::Ours(Instrument::VatAct)),
            ("Under Foreign Trade Act Article 30,", other("Foreign Trade Act")),
            ("Under Customs Act Article 30,", Law::Ours(Instrument::CustomsAct)),
            ("Under Article 30 of the Customs Act,", Law::Ours(Instrument::CustomsAct)),
            ("Article 30(1)1 of the Act", Law::Open),
            ("Article 8.1(c) of the Agreement", Law::Ours(Instrument::WtoAgreement)),
            ("Under Article 30, it is added.", Law::Open),
        ] {
            assert_eq!(laws(text), [law], "{text}");
        }
    }

    #[test]
    fn a_place_deeper_than_the_evidence_goes_is_not_known() {
        let named = |text: &str| Named::all(text).remove(0);
        assert!(named("제30조").is_within(&named("제30조제1항")));
        assert!(!named("제30조제5항").is_within(&named("제30조")));
        assert!(!named("제30조제1항제6호").is_within(&named("제30조제1항제1호")));
        let above = |text: &str, reference: &str| named(text).is_above(&reference.parse().unwrap());
        assert!(above("관세법 제30조제1항", "KR-CA-30(1)6") && !above("관세법 제30조제1항제6호", "KR-CA-30(1)"));
        assert!(above("Article 8.1(c) of the Agreement", "WTO-VA-8.1(c)"));
        assert!(!above("Article 8.1(c) of the Agreement", "WTO-VA-8.1(a)(i)"));
        assert!(!above("Article 8 of the Agreement", "WTO-VA-18.1"));
        assert!(!above("Article 8.1(c)", "WTO-VA-8.1(c)"), "a bare article is not taken for the treaty's");
        assert!(!above("Article 30 of the VAT Act", "KR-CA-30"));
    }
}

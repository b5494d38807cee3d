//! Who asks, in words: openings for each persona, and the Korean particles that follow a word's last sound.

use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

use crate::datasets::Persona;
use crate::lang::{Language, is_hangul};

/// What a persona says before the question.
fn openings(persona: Persona, language: Language) -> &'static [&'static str] {
    match (persona, language) {
        (Persona::Importer, Language::Ko) => &[
            "저희는 수입업체입니다.",
            "수입신고를 준비하고 있습니다.",
            "회사에서 수입 업무를 맡고 있습니다.",
            "다음 주에 물품이 들어옵니다.",
            "거래처와 계약을 앞둔 수입자입니다.",
        ],
        (Persona::Importer, Language::En) => &[
            "We import goods into Korea.",
            "I am preparing an import declaration.",
            "Our company is about to import goods.",
            "I handle imports at a trading company.",
            "Our shipment arrives next week.",
        ],
        (Persona::Broker, Language::Ko) => &[
            "관세사입니다.",
            "의뢰인에게 설명해야 합니다.",
            "관세사 사무소에서 문의드립니다.",
            "고객사의 신고를 대리하고 있습니다.",
            "의뢰받은 건을 검토하고 있습니다.",
        ],
        (Persona::Broker, Language::En) => &[
            "I am a customs broker.",
            "I have to explain this to a client.",
            "We file declarations for a customer.",
            "I am reviewing a file for a client.",
            "A client of our brokerage asks.",
        ],
        (Persona::Officer, Language::Ko) => &[
            "세관 심사 담당자입니다.",
            "과세가격을 심사하고 있습니다.",
            "질의에 회신하려고 합니다.",
            "세관에서 신고 건을 검토하고 있습니다.",
            "민원 답변을 쓰고 있습니다.",
        ],
        (Persona::Officer, Language::En) => &[
            "I am a customs officer.",
            "I am examining a declared value.",
            "I am drafting a reply to an inquiry.",
            "I review declarations at a customs house.",
            "I have to answer a taxpayer.",
        ],
        (Persona::Auditor, Language::Ko) => &[
            "관세조사를 진행하고 있습니다.",
            "사후심사에서 확인할 사항입니다.",
            "기업심사를 준비하고 있습니다.",
            "감사에서 지적 여부를 판단하려고 합니다.",
            "수입업체의 장부를 검토하고 있습니다.",
        ],
        (Persona::Auditor, Language::En) => &[
            "I am auditing an importer.",
            "This came up in a post-clearance audit.",
            "I am preparing an audit of past entries.",
            "I am checking an importer's books.",
            "I have to decide on an audit finding.",
        ],
        (Persona::Citizen, Language::Ko) => &[
            "일반 시민입니다.",
            "무역은 처음이라 잘 모릅니다.",
            "개인적으로 궁금해서 여쭙니다.",
            "수입을 처음 해 보려고 합니다.",
            "학교 과제로 알아보고 있습니다.",
        ],
        (Persona::Citizen, Language::En) => &[
            "I am a private person.",
            "I am new to foreign trade.",
            "I am just curious about customs.",
            "I want to import for the first time.",
            "I am writing a paper for school.",
        ],
    }
}

/// The question as that persona asks it. The same seed gives the same words.
pub fn asked_by(persona: Persona, language: Language, question: &str, random: &mut ChaCha8Rng) -> String {
    // One in five comes to the point at once.
    if random.random_range(0..5) == 0 {
        return question.to_owned();
    }
    match openings(persona, language).choose(random) {
        Some(opening) => format!("{opening} {question}"),
        None => question.to_owned(),
    }
}

/// A question without the opening of a persona, where it has one.
pub fn without_opening(question: &str) -> &str {
    let question = question.trim();
    let openings = Persona::ALL.iter().flat_map(|persona| {
        let of = |language| openings(*persona, language).iter();
        of(Language::Ko).chain(of(Language::En))
    });
    let rest = openings.filter_map(|opening| question.strip_prefix(opening)).next();
    rest.map_or(question, str::trim_start)
}

/// Whether the last sound of `word` is a consonant, where it can be told; closing brackets are passed over.
fn final_consonant(word: &str) -> Option<char> {
    let last = word.chars().rev().find(|c| c.is_alphanumeric() || is_hangul(*c))?;
    match last {
        '가'..='힣' => {
            let coda = (last as u32 - '가' as u32) % 28;
            char::from_u32(coda)
        }
        // As read aloud: 영 일 삼 육 칠 팔.
        '0' | '3' | '6' => Some('\u{1}'),
        '1' | '7' | '8' => Some('\u{8}'),
        '2' | '4' | '5' | '9' => Some('\0'),
        'L' | 'l' | 'R' | 'r' => Some('\u{8}'),
        'M' | 'm' | 'N' | 'n' => Some('\u{1}'),
        _ => Some('\0'),
    }
}

/// `word` with the particle that fits its last sound: `with_particle("운임", "은", "는")`.
pub fn with_particle(word: &str, after_consonant: &str, after_vowel: &str) -> String {
    let closed = final_consonant(word).is_some_and(|coda| coda != '\0');
    format!("{word}{}", if closed { after_consonant } else { after_vowel })
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn particles_follow_the_last_sound() {
        assert_eq!(with_particle("운임", "은", "는"), "운임은");
        assert_eq!(with_particle("구매수수료", "은", "는"), "구매수수료는");
        assert_eq!(with_particle("현금할인(조기결제 할인)", "과", "와"), "현금할인(조기결제 할인)과");
        assert_eq!(with_particle("제17조의2", "은", "는"), "제17조의2는");
    }

    #[test]
    fn the_same_seed_says_the_same_and_every_persona_has_its_words() {
        for persona in Persona::ALL {
            for language in [Language::Ko, Language::En] {
                let say = |seed| asked_by(*persona, language, "?", &mut ChaCha8Rng::seed_from_u64(seed));
                assert_eq!(say(7), say(7));
                assert!((0..50).map(say).collect::<std::collections::BTreeSet<_>>().len() == 6);
            }
        }
    }
}

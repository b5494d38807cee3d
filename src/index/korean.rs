//! Korean words without their particles (조사) and endings (어미), by lists. In: one word. Out: its stem, never shorter
//! than two syllables. What the lists get wrong they get wrong alike in documents and questions.

use std::collections::HashSet;
use std::sync::LazyLock;

/// Particles and endings, by what they follow; each is cut only where two syllables or more are left.
const SUFFIXES: &str = "\
    으로부터 로부터 에서부터 에게서 한테서 으로서 으로써 로서 로써 이라도 라도 이라는 라는 이라고 라고 이라면 라면 이란 \
    에서는 에서도 에서의 에서 에게는 에게도 에게 한테 까지는 까지도 까지 부터는 부터 마저 조차 밖에 처럼 보다는 보다 만큼 \
    대로 마다 이나 이든 이며 이고 이지만 으로는 으로도 으로만 으로 로는 로도 로만 에는 에도 에만 에의 와의 과의 와는 과는 \
    은요 는요 인데요 인데 이에요 예요 이죠 이요 입니다 입니까 인가요 인가 인지요 인지 이다 이었다 였다 일까요 일까 이면 이어서 이어야 \
    하여야 해야만 해야 하여도 해도 하면서 하면 하고서 하고 하는데 하는지 하는가 하는 하여 하였다 하였을 하였는데 하였 했습니다 했는데 했는지 \
    했을 했던 했다면 했다 했고 했으면 했나요 하지만 하지는 하지 하기로 하기 하게 합니다 합니까 하나요 하죠 할까요 할까 할지 하려면 하려고 하려는 \
    하려 하며 하자 하시 하도록 하거나 하더라도 한다면 한다고 한다는 한다 한데 한가요 한지 한가 할 한 함을 함이 함은 함 해서는 해서 해 해도 \
    되어야 돼야 되었다 되었을 되었는데 되었 됐습니다 됐는데 됐다 됐을 되면서 되면 되고 되는데 되는지 되는가 되는 되어 돼서 돼요 돼 되지 되기 되게 \
    됩니다 됩니까 되나요 되죠 될까요 될까 될지 되며 되도록 되거나 된다면 된다고 된다는 된다 된지 될 된 됨을 됨 \
    시키는 시키면 시켜야 시켜 시킨 시킬 받는 받은 받을 받아야 받으면 당한 당하는 \
    스럽게 적으로 적인 적이 들에게 들이 들은 들을 들의 들도 들 \
    은 는 이 가 을 를 의 에 로 와 과 도 만 나 요";

/// Words whose last syllable looks like a particle and is none.
const WHOLE_TAILS: &str = "\
    평가 단가 원가 대가 증가 국가 허가 추가 인가 휴가 시가 정가 고가 저가 물가 불가 참가 감가 부가 가가 과가 연가 유가 전가 첨가 염가 \
    차이 사이 길이 높이 용이 회의 합의 동의 정의 주의 협의 심의 질의 명의 임의 논의 유의 이의 고의 문의 신의 결의 \
    제도 정도 용도 한도 속도 연도 년도 온도 각도 태도 의도 별도 고도 지도 부도 양도 보도 인도 매도 강도 농도 순도 \
    결과 효과 초과 경과 통과 부과 성과 학과 전과 도로 경로 항로 진로 선로 통로 연료로 불만 대만 하나 서로 바로 새로 실제로 \
    필요 수요 중요 주요 개요 소요 무한 제한 권한 기한 시한 유한 북한 포함 결함 명함 방해 이해 손해 피해 침해 저해 공해 견해 \
    확대 세대 한국 가치 반제 전제 최고 신고 보고 광고 재고 창고 경고 공고 고지 유지 금지 방지 중지 정지 폐지 토지 의지 \
    나이 종이 아이 어린이 갱신 원재료 잔류 관세 조세";

/// Words that carry no content of a question. Nouns of the field are not here, however frequent: their rarity in the
/// corpus weighs them.
const STOP_WORDS: &str = "\
    무엇 무엇인가요 무엇인가 무엇을 무엇이 뭐 뭔가 뭔가요 뭐예요 뭔지 어떻게 어떤 어떠한 어느 언제 어디 어디서 어디에 누가 누구 왜 얼마 얼마나 몇 \
    그 이 저 것 수 등 및 또는 혹은 그리고 그러나 그런데 그러면 그럼 하지만 만약 만일 즉 또 더 잘 좀 꼭 다 안 못 \
    우리 우리가 우리는 저희 저희가 저는 제가 내가 나는 이런 그런 저런 이것 그것 이게 그게 이거 그거 거 게 걸 건 데 줄 바 \
    있 있나요 있는지 있는 있습니까 있습니다 있어요 있다 있다면 있을 있고 있으면 있었 없나요 없는 없다 없으면 없이 \
    하 하나요 한다 합니다 하는 하면 해야 해도 해서 할 한 함 했 했는데 했습니다 하고 해 하죠 되 되나요 됩니까 됩니다 된다 되는 되면 될 돼요 돼 되죠 \
    알려 알려줘 알려주세요 주세요 줘 설명 설명해 설명해줘 설명해주세요 말해 궁금 궁금합니다 싶어요 싶은데 싶습니다 싶은 \
    인가요 인가 입니까 입니다 이다 아닌가요 아닌 아니 맞나요 맞습니까 맞는지 좋을까요 괜찮나요 같은 같이 대해 대해서 대한 대하여 위해 위한 위하여 \
    따라 따른 따르면 통해 통한 관해 관한 관하여 관련 관련해 경우 경우에 경우는 때 때는 때에 때문 때문에 정말 혹시 그냥 바로 이미 아직 모두 모든";

static SUFFIX_TABLE: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let mut suffixes: Vec<&str> = SUFFIXES.split_whitespace().collect();
    suffixes.sort_by_key(|suffix| std::cmp::Reverse(suffix.len()));
    suffixes.dedup();
    suffixes
});
static WHOLE: LazyLock<HashSet<&str>> = LazyLock::new(|| WHOLE_TAILS.split_whitespace().collect());
static STOP: LazyLock<HashSet<&str>> = LazyLock::new(|| STOP_WORDS.split_whitespace().collect());

/// Bytes of a Hangul syllable in UTF-8.
const SYLLABLE: usize = 3;

/// Whether `word` says nothing of what is asked.
pub fn is_stop_word(word: &str) -> bool {
    STOP.contains(word)
}

/// `word` without particles and endings. Cuts repeatedly, so that 재평가 and 재평가를 end alike.
pub fn stem(word: &str) -> &str {
    let mut stem = word;
    // Three layers at most: 수수료 + 들 + 에게 + 는.
    for _ in 0..3 {
        let tail = stem.len().checked_sub(2 * SYLLABLE).and_then(|at| stem.get(at..));
        if tail.is_none_or(|tail| WHOLE.contains(tail)) {
            break;
        }
        let cut =
            SUFFIX_TABLE.iter().find(|suffix| stem.ends_with(**suffix) && stem.len() - suffix.len() >= 2 * SYLLABLE);
        match cut {
            Some(suffix) => stem = &stem[..stem.len() - suffix.len()],
            None => break,
        }
    }
    stem
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn particles_go_and_nouns_stay() {
        let pairs = [
            ("과세가격은", "과세가격"),
            ("재평가를", "재평가"),
            ("평가", "평가"),
            ("수입자들에게는", "수입자"),
            ("운임에는", "운임"),
            ("가산해야", "가산"),
            ("용도", "용도"),
            ("신고", "신고"),
            ("신고하나요", "신고"),
            ("결정한다", "결정"),
            ("세관", "세관"),
            ("로열티로", "로열티"),
            ("가", "가"),
        ];
        for (word, expected) in pairs {
            assert_eq!(stem(word), expected, "{word}");
        }
    }
}

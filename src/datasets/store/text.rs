//! Text to search terms: lower-case words, and pairs of neighbouring syllables for Hangul, whose words carry endings and
//! run together. A phrase of pairs finds any run of syllables exactly.

use crate::lang::is_hangul;

/// The terms of a text, separated by blanks. Runs are set apart by a full stop in Hangul's case, so that no phrase
/// reaches over the border of two words.
pub(super) fn terms(text: &str) -> String {
    let mut terms = String::with_capacity(text.len() * 2);
    for run in runs(text) {
        if run.starts_with(is_hangul) {
            for pair in pairs(&run) {
                terms.push_str(&pair);
                terms.push(' ');
            }
            // Ends the run: a phrase of pairs cannot jump over it.
            terms.push_str("\u{2e}z\u{2e} ");
        } else {
            terms.push_str(&run);
            terms.push(' ');
        }
    }
    terms
}

/// The words of `query` as an FTS5 expression in which all must be found; `None` where it has none.
pub(super) fn expression(query: &str) -> Option<String> {
    let parts: Vec<String> = runs(query)
        .into_iter()
        .map(|run| {
            let num_chars = run.chars().count();
            if !run.starts_with(is_hangul) || num_chars == 1 {
                return format!("\"{run}\" *");
            }
            let pairs: Vec<String> = pairs(&run).filter(|pair| pair.chars().count() == 2).collect();
            format!("\"{}\"", pairs.join(" "))
        })
        .collect();
    (!parts.is_empty()).then(|| parts.join(" AND "))
}

/// Runs of Hangul, and runs of other letters and digits, in lower case.
fn runs(text: &str) -> Vec<String> {
    let mut runs: Vec<String> = Vec::new();
    let mut open: Option<bool> = None;
    for c in text.chars() {
        if !c.is_alphanumeric() {
            open = None;
            continue;
        }
        let hangul = is_hangul(c);
        if open != Some(hangul) {
            runs.push(String::new());
            open = Some(hangul);
        }
        if let Some(run) = runs.last_mut() {
            run.extend(c.to_lowercase());
        }
    }
    runs
}

/// Neighbouring syllables; the last one stands alone too, so that every syllable begins a term.
fn pairs(run: &str) -> impl Iterator<Item = String> {
    let chars: Vec<char> = run.chars().collect();
    (0..chars.len()).map(move |at| chars[at..(at + 2).min(chars.len())].iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn korean_is_cut_into_pairs_and_searched_as_a_phrase() {
        assert_eq!(terms("해상운임은 CIF"), "해상 상운 운임 임은 은 .z. cif ");
        assert_eq!(expression("해상운임").as_deref(), Some("\"해상 상운 운임\""));
        assert_eq!(expression("운 CIF").as_deref(), Some("\"운\" * AND \"cif\" *"));
        assert_eq!(expression(" \"' "), None);
    }
}

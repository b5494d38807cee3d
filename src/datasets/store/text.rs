//! Text to search terms: lower-case words, and pairs of neighbouring syllables for Hangul, whose words carry endings and
//! run together. A phrase of pairs finds any run of syllables exactly.

use super::database::Dialect;
use crate::lang::is_hangul;

/// Longest term, in characters: PostgreSQL takes none of more than 2,046 bytes, and no word is as long.
const MAX_TERM: usize = 256;

/// The terms of a text, as the database takes them: in order, and for Hangul with a gap after each run, so that no phrase
/// reaches over the border of two words.
pub(super) fn terms(text: &str, dialect: Dialect) -> String {
    let mut terms = String::with_capacity(text.len() * 2);
    let mut position = 0;
    let mut put = |term: &str| match dialect {
        Dialect::Sqlite => {
            terms.push_str(term);
            terms.push(' ');
        }
        Dialect::Postgres => {
            position += 1;
            // A term of nothing is a gap.
            if !term.is_empty() {
                terms.push_str(&format!("'{term}':{position} "));
            }
        }
    };
    for run in runs(text) {
        if run.starts_with(is_hangul) {
            pairs(&run).for_each(|pair| put(&pair));
            put(if dialect == Dialect::Sqlite { "\u{2e}z\u{2e}" } else { "" });
        } else {
            put(&run);
        }
    }
    terms
}

/// The words of `query` as an expression in which all must be found; `None` where it has none.
pub(super) fn expression(query: &str, dialect: Dialect) -> Option<String> {
    let parts: Vec<String> = runs(query)
        .into_iter()
        .map(|run| {
            let num_chars = run.chars().count();
            if !run.starts_with(is_hangul) || num_chars == 1 {
                return match dialect {
                    Dialect::Sqlite => format!("\"{run}\" *"),
                    Dialect::Postgres => format!("'{run}':*"),
                };
            }
            let pairs: Vec<String> = pairs(&run).filter(|pair| pair.chars().count() == 2).collect();
            match dialect {
                Dialect::Sqlite => format!("\"{}\"", pairs.join(" ")),
                Dialect::Postgres => format!("'{}'", pairs.join("' <-> '")),
            }
        })
        .collect();
    let and = match dialect {
        Dialect::Sqlite => " AND ",
        Dialect::Postgres => " & ",
    };
    (!parts.is_empty()).then(|| parts.join(and))
}

/// Runs of Hangul, and runs of other letters and digits, in lower case; of the latter no more than can be a term.
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
        if let Some(run) = runs.last_mut()
            && (hangul || run.chars().count() < MAX_TERM)
        {
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
        let (sqlite, postgres) = (Dialect::Sqlite, Dialect::Postgres);
        assert_eq!(terms("해상운임은 CIF", sqlite), "해상 상운 운임 임은 은 .z. cif ");
        assert_eq!(terms("해상운임은 CIF", postgres), "'해상':1 '상운':2 '운임':3 '임은':4 '은':5 'cif':7 ");
        assert_eq!(expression("해상운임", sqlite).as_deref(), Some("\"해상 상운 운임\""));
        assert_eq!(expression("해상운임", postgres).as_deref(), Some("'해상' <-> '상운' <-> '운임'"));
        assert_eq!(expression("운 CIF", sqlite).as_deref(), Some("\"운\" * AND \"cif\" *"));
        assert_eq!(expression("운 CIF", postgres).as_deref(), Some("'운':* & 'cif':*"));
        assert_eq!(expression(" \"' ", postgres), None);
    }

    #[test]
    fn no_term_is_longer_than_a_database_takes() {
        let word = "x".repeat(5000);
        assert_eq!(terms(&word, Dialect::Postgres), format!("'{}':1 ", "x".repeat(MAX_TERM)));
        assert_eq!(expression(&word, Dialect::Postgres), Some(format!("'{}':*", "x".repeat(MAX_TERM))));
    }
}

//! Text to token ids, by the model's own vocabulary: `tokenizer.json`, or the pieces of a packed file with XLM-RoBERTa's
//! pipeline (character map, blanks as `▁`, Unigram).

use std::collections::HashMap;
use std::path::Path;

use tokenizers::Model;
use tokenizers::models::unigram::Unigram;

use super::Error;
use super::packed::Vocabulary;

/// SentencePiece's mark for a blank.
const BLANK: char = '\u{2581}';

enum Pieces {
    Unigram { model: Box<Unigram>, normalisation: HashMap<char, Vec<char>> },
    Hub(Box<tokenizers::Tokenizer>),
}

pub(super) struct Tokenizer {
    pieces: Pieces,
    bos: u32,
    eos: u32,
}

impl Tokenizer {
    pub fn from_packed(vocabulary: Vocabulary) -> Result<Self, String> {
        let model = Unigram::from(vocabulary.pieces, Some(vocabulary.unk), false).map_err(|error| error.to_string())?;
        Ok(Self {
            pieces: Pieces::Unigram { model: Box::new(model), normalisation: vocabulary.normalisation },
            bos: vocabulary.bos,
            eos: vocabulary.eos,
        })
    }

    pub fn from_file(path: &Path) -> Result<Self, Error> {
        let corrupt = |reason: String| Error::Corrupt { path: path.into(), reason };
        let tokenizer = tokenizers::Tokenizer::from_file(path).map_err(|error| corrupt(error.to_string()))?;
        let id = |names: [&str; 2]| {
            let found = names.iter().find_map(|name| tokenizer.token_to_id(name));
            found.ok_or_else(|| corrupt(format!("neither `{}` nor `{}` is a token", names[0], names[1])))
        };
        let (bos, eos) = (id(["<s>", "[CLS]"])?, id(["</s>", "[SEP]"])?);
        Ok(Self { pieces: Pieces::Hub(Box::new(tokenizer)), bos, eos })
    }

    /// The ids of `text`, without the enclosing ones.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, Error> {
        let failed = |error: tokenizers::Error| Error::Tokenize { text_bytes: text.len(), reason: error.to_string() };
        match &self.pieces {
            Pieces::Hub(tokenizer) => Ok(tokenizer.encode_fast(text, false).map_err(failed)?.get_ids().to_vec()),
            Pieces::Unigram { model, normalisation } => {
                let mut ids = Vec::new();
                // No piece crosses a blank, so words can be taken one by one, and frequent ones come from the cache.
                for word in words(text, normalisation) {
                    ids.extend(model.tokenize(&word).map_err(failed)?.into_iter().map(|token| token.id));
                }
                Ok(ids)
            }
        }
    }

    pub fn enclose(&self, ids: Vec<u32>) -> Vec<u32> {
        let mut enclosed = Vec::with_capacity(ids.len() + 2);
        enclosed.push(self.bos);
        enclosed.extend(ids);
        enclosed.push(self.eos);
        enclosed
    }
}

/// The normalised words of `text`, each with its blank before it.
fn words(text: &str, normalisation: &HashMap<char, Vec<char>>) -> Vec<String> {
    let mut words: Vec<String> = vec![BLANK.into()];
    let mut blank = true;
    for c in text.chars() {
        let one = [c];
        let written = normalisation.get(&c).map_or(&one[..], Vec::as_slice);
        for c in written {
            match c {
                ' ' if blank => {}
                ' ' => words.push(BLANK.into()),
                c => words.last_mut().expect("never empty").push(*c),
            }
            blank = *c == ' ';
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_carry_their_blank_and_runs_of_blanks_are_one() {
        let rules = HashMap::from([('\n', vec![' ']), ('Ａ', vec!['A']), ('\u{200b}', vec![])]);
        assert_eq!(words("query:  Ａ\u{200b}b\n과세", &rules), ["▁query:", "▁Ab", "▁과세"]);
    }
}

//! Text to unit vectors by multilingual-e5-small, or any BERT encoder laid out as it is.
//!
//! In: questions and passages; the E5 prefixes are put here, so that nobody forgets them. Out: L2-normalised vectors
//! whose dot product is the cosine. Two layouts are read: the hub's (`config.json`, `tokenizer.json`,
//! `model.safetensors`) and the one-file 4-bit packing. Knows nothing of indexes.

mod bert;
mod packed;
mod tokenizer;

use std::path::{Path, PathBuf};

use bert::Bert;
use tokenizer::Tokenizer;

/// Why there is no embedder, or no vector.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("embedding model `{path}` could not be read: {source}")]
    Read { path: PathBuf, source: std::io::Error },
    #[error("embedding model `{path}` is corrupt: {reason}\n\nhint: `haetae models verify` checks every stored model")]
    Corrupt { path: PathBuf, reason: String },
    #[error("embedding model `{path}`: {reason}")]
    Unsupported { path: PathBuf, reason: String },
    #[error("could not tokenise a text of {text_bytes} bytes: {reason}")]
    Tokenize { text_bytes: usize, reason: String },
    #[error("the encoder failed: {0}")]
    Compute(#[from] candle_core::Error),
}

/// Tokens encoded together; bounds the memory of a batch (activations of about 8 KiB a token).
const MAX_BATCH_TOKENS: usize = 2048;

/// An encoder with its tokenizer. Shared freely between threads.
pub struct Embedder {
    bert: Bert,
    tokenizer: Tokenizer,
    name: String,
}

impl Embedder {
    /// Opens a packed file, or a folder in the hub's layout.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::Corrupt`] and [`Error::Unsupported`], each naming the file.
    pub fn open(path: &Path) -> Result<Self, Error> {
        if path.is_dir() {
            let bert = Bert::from_folder(path)?;
            let tokenizer = Tokenizer::from_file(&path.join("tokenizer.json"))?;
            let name = path.file_name().map_or_else(|| "embedder".into(), |name| name.to_string_lossy().into_owned());
            return Ok(Self { bert, tokenizer, name });
        }
        let bytes = fs_err::read(path).map_err(|source| Error::Read { path: path.into(), source })?;
        let packed = packed::Packed::parse(&bytes).map_err(|reason| Error::Corrupt { path: path.into(), reason })?;
        let name = path.file_stem().map_or_else(|| "embedder".into(), |name| name.to_string_lossy().into_owned());
        let corrupt = |reason: String| Error::Corrupt { path: path.into(), reason };
        Ok(Self {
            bert: Bert::from_packed(&packed).map_err(|error| corrupt(error.to_string()))?,
            tokenizer: Tokenizer::from_packed(packed.vocabulary).map_err(corrupt)?,
            name,
        })
    }

    /// Identifies the weights in what is stored of their vectors.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Length of a vector.
    pub fn dim(&self) -> usize {
        self.bert.dim()
    }

    /// Most tokens read of a text; the rest of a longer one is ignored.
    pub fn max_len(&self) -> usize {
        self.bert.max_len()
    }

    /// Number of tokens of `text`, without prefix or special ones.
    ///
    /// # Errors
    /// [`Error::Tokenize`].
    pub fn count_tokens(&self, text: &str) -> Result<usize, Error> {
        Ok(self.tokenizer.encode(text)?.len())
    }

    /// The vector of a question.
    ///
    /// # Errors
    /// [`Error::Tokenize`], [`Error::Compute`].
    pub fn embed_query(&self, text: &str) -> Result<Vec<f32>, Error> {
        Ok(self.embed_queries(&[text])?.pop().expect("one text, one vector"))
    }

    /// The vectors of questions, in their order.
    ///
    /// # Errors
    /// [`Error::Tokenize`], [`Error::Compute`].
    pub fn embed_queries(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, Error> {
        self.embed("query: ", texts)
    }

    /// The vectors of passages, in their order.
    ///
    /// # Errors
    /// [`Error::Tokenize`], [`Error::Compute`].
    pub fn embed_passages(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, Error> {
        self.embed("passage: ", texts)
    }

    fn embed(&self, prefix: &str, texts: &[&str]) -> Result<Vec<Vec<f32>>, Error> {
        let mut vectors = Vec::with_capacity(texts.len());
        let mut batch: Vec<Vec<u32>> = Vec::new();
        let mut batch_len = 0;
        for text in texts {
            let mut ids = self.tokenizer.encode(&format!("{prefix}{text}"))?;
            ids.truncate(self.max_len() - 2);
            let ids = self.tokenizer.enclose(ids);
            if !batch.is_empty() && batch_len + ids.len() > MAX_BATCH_TOKENS {
                vectors.extend(self.bert.embed(&batch)?);
                batch.clear();
                batch_len = 0;
            }
            batch_len += ids.len();
            batch.push(ids);
        }
        if !batch.is_empty() {
            vectors.extend(self.bert.embed(&batch)?);
        }
        Ok(vectors)
    }
}

/// Cosine of two unit vectors.
pub fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_corrupt_file_is_named_with_its_fault() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("e5-small-q4.bin");
        for bytes in [&b"GGUF"[..], b"E5S1", b"E5S1\x01\0\0\0\x80\x01\0\0\x0c\0\0\0\x0c\0\0\0"] {
            fs_err::write(&path, bytes).expect("writable");
            let error = Embedder::open(&path).err().expect("no embedder").to_string();
            assert!(error.contains("e5-small-q4.bin") && error.contains("corrupt"), "{error}");
        }
        assert!(matches!(Embedder::open(&folder.path().join("absent")), Err(Error::Read { .. })));
    }
}

//! How alike texts are in meaning, by the vectors of a multilingual encoder. In: texts. Out: cosines, and vectors as features
//! that linear models learn from.
//!
//! Vectors of such encoders crowd around one direction, each language around its own; taken from the mean of its language
//! a vector tells more (Mu and Viswanath, "All-but-the-Top", 2018). They are kept in half precision, also while learning, so
//! that the model measured is the one that is read again.

use std::collections::{BTreeSet, HashMap};

use half::f16;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::features::Vector;
use crate::index::embed::Embedder;
use crate::lang::Language;
use crate::scoring::Error;

/// Fewest texts whose mean is a centre; of fewer, each would be taken from itself.
const MIN_TEXTS: usize = 24;
/// Texts encoded between two words on how far it is.
const CHUNK: usize = 4096;

/// Which encoder a model learnt with: its vectors fit no other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Encoder {
    pub name: String,
    /// Length of a vector.
    pub dim: usize,
}

impl Encoder {
    pub fn of(embedder: &Embedder) -> Self {
        Self { name: embedder.name().into(), dim: embedder.dim() }
    }
}

/// The vector of one text.
///
/// # Errors
/// [`Error::Encode`].
pub fn encode(embedder: &Embedder, text: &str) -> Result<Vec<f32>, Error> {
    embedder.embed_query(text).map_err(|error| Error::Encode { reason: error.to_string() })
}

/// Vectors by text; none where nothing encodes.
#[derive(Debug, Default)]
pub struct Encoded(HashMap<String, Vec<f32>>);

impl Encoded {
    /// Encodes each distinct text, and calls `progress` with a line now and then.
    ///
    /// # Errors
    /// [`Error::Encode`].
    pub fn of<'a>(
        embedder: &Embedder,
        texts: impl IntoIterator<Item = &'a str>,
        progress: &dyn Fn(&str),
    ) -> Result<Self, Error> {
        let distinct: BTreeSet<&str> = texts.into_iter().collect();
        let distinct: Vec<&str> = distinct.into_iter().collect();
        let mut encoded = HashMap::with_capacity(distinct.len());
        for chunk in distinct.chunks(CHUNK) {
            progress(&format!("encoding {} of {} texts", encoded.len() + chunk.len(), distinct.len()));
            let vectors = embedder.embed_queries(chunk).map_err(|error| Error::Encode { reason: error.to_string() })?;
            encoded.extend(chunk.iter().map(|text| (*text).to_owned()).zip(vectors));
        }
        Ok(Self(encoded))
    }

    pub fn get(&self, text: &str) -> Option<&[f32]> {
        self.0.get(text).map(Vec::as_slice)
    }
}

/// Vectors of texts, centred and of length 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Meanings {
    dim: usize,
    /// Of English, of Korean.
    centres: [Vec<f32>; 2],
    vectors: Vec<f32>,
}

fn place(language: Language) -> usize {
    usize::from(language == Language::Ko)
}

impl Meanings {
    /// From the texts and their vectors; none where any is missing.
    pub fn new<'a>(texts: impl IntoIterator<Item = &'a str>, encoded: &Encoded) -> Self {
        let vector = |text: &'a str| Some((encoded.get(text)?, Language::detect(text)));
        let Some(texts) = texts.into_iter().map(vector).collect::<Option<Vec<(&[f32], Language)>>>() else {
            return Self::default();
        };
        let dim = texts.first().map_or(0, |(vector, _)| vector.len());
        let centre = |language: Option<Language>| -> Option<Vec<f32>> {
            let of = || texts.iter().filter(|(_, other)| language.is_none_or(|language| language == *other));
            let num = of().count();
            (num >= MIN_TEXTS).then(|| {
                let mut sum = vec![0.0_f64; dim];
                of().for_each(|(vector, _)| sum.iter_mut().zip(*vector).for_each(|(sum, x)| *sum += f64::from(*x)));
                sum.into_iter().map(|sum| rounded((sum / num as f64) as f32)).collect()
            })
        };
        let all = centre(None).unwrap_or_else(|| vec![0.0; dim]);
        let centres = [Language::En, Language::Ko].map(|of| centre(Some(of)).unwrap_or_else(|| all.clone()));
        let centred = |(vector, language): &(&[f32], Language)| centred(vector, &centres[place(*language)]);
        let vectors = texts.par_iter().flat_map_iter(centred).map(rounded).collect();
        Self { dim, centres, vectors }
    }

    /// Length of a vector; 0 where there are none.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// The vectors as features.
    pub fn features(&self) -> Vec<Vector> {
        self.vectors.chunks_exact(self.dim.max(1)).map(feature).collect()
    }

    /// A text's vector as these are: centred, of length 1.
    pub fn centred(&self, vector: &[f32], language: Language) -> Vec<f32> {
        centred(vector, &self.centres[place(language)])
    }

    /// Cosine of a vector made by [`Self::centred`] to each.
    pub fn cosines(&self, vector: &[f32]) -> Vec<f32> {
        self.vectors.chunks_exact(self.dim.max(1)).map(|other| dot(vector, other)).collect()
    }

    /// All of it in half precision: the centres, then the vectors.
    pub fn halves(&self) -> impl Iterator<Item = f16> {
        self.centres.iter().flatten().chain(&self.vectors).map(|x| f16::from_f32(*x))
    }

    /// Takes back what [`Self::halves`] gave for `num_texts` texts; `None` where there are too few.
    pub fn from_halves(dim: usize, num_texts: usize, halves: &mut impl Iterator<Item = f16>) -> Option<Self> {
        let mut take = |len: usize| -> Option<Vec<f32>> {
            let taken: Vec<f32> = halves.take(len).map(f16::to_f32).filter(|x| x.is_finite()).collect();
            (taken.len() == len).then_some(taken)
        };
        Some(Self { dim, centres: [take(dim)?, take(dim)?], vectors: take(dim * num_texts)? })
    }
}

/// A dense vector as a linear model takes it.
pub fn feature(vector: &[f32]) -> Vector {
    vector.iter().enumerate().map(|(at, x)| (at as u32, *x)).collect()
}

fn rounded(x: f32) -> f32 {
    f16::from_f32(x).to_f32()
}

fn centred(vector: &[f32], centre: &[f32]) -> Vec<f32> {
    let apart: Vec<f32> = vector.iter().zip(centre).map(|(x, mean)| x - mean).collect();
    let length = dot(&apart, &apart).sqrt().max(1e-9);
    apart.into_iter().map(|x| x / length).collect()
}

/// In lanes, which the compiler makes wide registers of.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    const LANES: usize = 16;
    let mut lanes = [0.0_f32; LANES];
    let (of_a, of_b) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest: f32 = of_a.remainder().iter().zip(of_b.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in of_a.zip(of_b) {
        lanes.iter_mut().zip(x.iter().zip(y)).for_each(|(lane, (x, y))| *lane += x * y);
    }
    lanes.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts in two languages, whose vectors lie around a direction of their language's.
    fn encoded() -> (Vec<String>, Encoded) {
        let text = |at: usize| if at.is_multiple_of(2) { format!("goods {at}") } else { format!("물품 {at}") };
        let texts: Vec<String> = (0..60).map(text).collect();
        let vector = |at: usize| {
            let common = if at.is_multiple_of(2) { [5.0, 0.0] } else { [0.0, 5.0] };
            let (sin, cos) = ((at / 2) as f32 * 0.2).sin_cos();
            vec![common[0], common[1], sin, cos]
        };
        let encoded = texts.iter().enumerate().map(|(at, text)| (text.clone(), vector(at))).collect();
        (texts, Encoded(encoded))
    }

    #[test]
    fn what_a_language_has_in_common_does_not_count() {
        let (texts, encoded) = encoded();
        let meanings = Meanings::new(texts.iter().map(String::as_str), &encoded);
        // The Korean text says the same as the English one before it.
        let vector = meanings.centred(encoded.get(&texts[7]).unwrap(), Language::Ko);
        let cosines = meanings.cosines(&vector);
        assert!((cosines[7] - 1.0).abs() < 1e-3 && (cosines[6] - 1.0).abs() < 1e-2, "{cosines:?}");
        assert!(cosines[6 + 32] < 0.0, "half a turn away");
        assert_eq!(meanings.features()[3].len(), 4);
    }

    #[test]
    fn vectors_survive_the_disk() {
        let (texts, encoded) = encoded();
        let meanings = Meanings::new(texts.iter().map(String::as_str), &encoded);
        let read = |num| Meanings::from_halves(4, num, &mut meanings.halves());
        assert_eq!(read(60).unwrap(), meanings);
        assert!(read(61).is_none());
        assert_eq!(Meanings::new(["unheard of"], &encoded), Meanings::default());
    }
}

//! Where the vectors of a corpus lie on average. E5's vectors crowd around one direction, so that any two texts are 0.8
//! alike; taken from their centre they tell more (Mu and Viswanath, "All-but-the-Top", 2018). Questions have a centre of
//! their own, measured on the documents' titles and asked questions; and each language has one.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Error;
use super::catalogue::{Catalogue, Stored};
use super::manifest::write_durably;
use crate::lang::Language;

/// Fewest vectors that make a centre; of fewer, each would be taken from itself.
const MIN_VECTORS: usize = 24;

/// The centres of a generation; empty where there was too little to measure.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Centres {
    korean: Option<Pair>,
    english: Option<Pair>,
}

/// The centres of one language.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Pair {
    passages: Vec<f32>,
    questions: Vec<f32>,
}

impl Centres {
    pub fn measure(catalogue: &Catalogue, dim: usize) -> Result<Self, Error> {
        let of = |language| Self::of(catalogue, dim, language);
        Ok(Self { korean: of(Language::Ko)?, english: of(Language::En)? })
    }

    fn of(catalogue: &Catalogue, dim: usize, language: Language) -> Result<Option<Pair>, Error> {
        let mut passages = Mean::new(dim);
        catalogue.each_passage(|Stored { passage, vector, .. }| {
            if passage.language == language {
                passages.add(&vector);
            }
        })?;
        let mut questions = Mean::new(dim);
        for question in catalogue.questions()?.iter().filter(|question| question.language == language) {
            questions.add(&question.vector);
        }
        let enough = passages.count >= MIN_VECTORS && questions.count >= MIN_VECTORS;
        Ok(enough.then(|| Pair { passages: passages.get(), questions: questions.get() }))
    }

    pub fn read(generation: &Path) -> Self {
        let text = fs_err::read_to_string(generation.join("centres.json"));
        text.ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
    }

    pub fn write(&self, generation: &Path) -> Result<(), Error> {
        let text = serde_json::to_string(self).expect("vectors are JSON");
        write_durably(&generation.join("centres.json"), text.as_bytes())
    }

    fn pair(&self, language: Language) -> Option<&Pair> {
        match language {
            Language::Ko => self.korean.as_ref(),
            Language::En => self.english.as_ref(),
        }
    }

    /// A passage's vector, from the centre of its language, of length 1.
    pub fn passage(&self, vector: &[f32], language: Language) -> Vec<f32> {
        from(vector, self.pair(language).map(|pair| &pair.passages))
    }

    /// A question's vector, from the centre of questions in its language, of length 1.
    pub fn question(&self, vector: &[f32], language: Language) -> Vec<f32> {
        from(vector, self.pair(language).map(|pair| &pair.questions))
    }
}

fn from(vector: &[f32], centre: Option<&Vec<f32>>) -> Vec<f32> {
    let Some(centre) = centre else { return vector.to_vec() };
    let moved: Vec<f32> = vector.iter().zip(centre).map(|(value, centre)| value - centre).collect();
    let length = moved.iter().map(|value| value * value).sum::<f32>().sqrt().max(1e-6);
    moved.into_iter().map(|value| value / length).collect()
}

struct Mean {
    sum: Vec<f32>,
    count: usize,
}

impl Mean {
    fn new(dim: usize) -> Self {
        Self { sum: vec![0.0; dim], count: 0 }
    }

    fn add(&mut self, vector: &[f32]) {
        self.sum.iter_mut().zip(vector).for_each(|(sum, value)| *sum += value);
        self.count += 1;
    }

    fn get(self) -> Vec<f32> {
        let count = self.count.max(1) as f32;
        self.sum.into_iter().map(|sum| sum / count).collect()
    }
}

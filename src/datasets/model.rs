//! Rows written by the language model: it is shown one passage and writes a question, an answer and the sentence that
//! bears it out, under a schema in which that sentence can only be one of the passage's own.

use std::ops::Range;

use serde::Deserialize;
use serde_json::{Value, json};

use super::plan::PassageWork;
use super::{Error, Evidence, Generator, Lineage, Row};
use crate::engine::{Constraint, Engine, GenerateRequest, Lane, Message, Prompt, SamplingParams};
use crate::ingest::Document;
use crate::ingest::sentence::sentences;
use crate::lang::Language;
use crate::prompts::{self, DatasetRow, Prompts};

/// Most tokens of a row; the longest quote of the valuation corpus takes about 150.
const MAX_TOKENS: usize = 420;

/// Different questions on the same passage call for some chance; the seed makes it the same chance every time.
const TEMPERATURE: f32 = 0.7;

#[derive(Deserialize)]
struct Written {
    question: String,
    quote: String,
    answer: String,
}

fn schema(quotes: &[&str]) -> Value {
    json!({
        "type": "object",
        "properties": {
            "question": {"type": "string", "minLength": 10, "maxLength": 300},
            "quote": {"type": "string", "enum": quotes},
            "answer": {"type": "string", "minLength": 2, "maxLength": 400}
        },
        "required": ["question", "quote", "answer"],
        "additionalProperties": false
    })
}

/// The sentences of a passage that can be quoted.
fn quotable(document: &Document, span: Range<usize>) -> Vec<Range<usize>> {
    let Some(text) = document.text.get(span.clone()) else { return Vec::new() };
    let mut seen = std::collections::BTreeSet::new();
    sentences(text)
        .into_iter()
        .filter(|sentence| {
            let quote = &text[sentence.clone()];
            // A line break within a JSON string would be written as `\n` and found nowhere.
            (15..=400).contains(&quote.chars().count()) && !quote.contains('\n') && seen.insert(quote.to_owned())
        })
        .map(|sentence| span.start + sentence.start..span.start + sentence.end)
        .collect()
}

/// Has the model write the row; `None` where the passage holds no sentence to rest on or the answer was cut off.
///
/// # Errors
/// The engine's and the prompts'.
pub(super) async fn write(
    engine: &dyn Engine,
    prompts: &Prompts,
    document: &Document,
    work: &PassageWork,
) -> Result<Option<Row>, Error> {
    let quotable = quotable(document, work.start..work.end);
    let Some(passage) = document.text.get(work.start..work.end).filter(|_| !quotable.is_empty()) else {
        return Ok(None);
    };
    let quotes: Vec<&str> = quotable.iter().map(|span| &document.text[span.clone()]).collect();
    let text = prompts.render(&DatasetRow {
        language: work.language,
        title: &document.title,
        passage,
        kind: work.kind.name(),
        persona: work.persona.name(),
    })?;
    let request = GenerateRequest {
        lane: Lane::Job,
        sampling: SamplingParams {
            temperature: TEMPERATURE,
            top_p: 0.9,
            seed: Some(work.seed),
            ..SamplingParams::default()
        },
        max_tokens: Some(MAX_TOKENS),
        constraint: Some(Constraint::JsonSchema(schema(&quotes))),
        ..GenerateRequest::new(Prompt::Chat(vec![Message::user(text)]))
    };
    let completion = engine.submit(request).await?.collect().await?;
    let Ok(written) = serde_json::from_str::<Written>(&completion.text) else { return Ok(None) };
    let Some(span) = quotable.into_iter().find(|span| document.text[span.clone()] == written.quote) else {
        return Ok(None);
    };
    let lineage = Lineage {
        prompt: Some(<DatasetRow<'_> as prompts::Prompt>::NAME.into()),
        model: Some(engine.info().id.clone()),
        seed: Some(work.seed),
        ..Lineage::of(Generator::Model)
    };
    // The sentence stands in the answer: what a reader is told can be held to it.
    let answer = match work.language {
        Language::Ko => format!("{} 원문: “{}”", written.answer.trim(), written.quote),
        Language::En => format!("{} The text reads: “{}”", written.answer.trim(), written.quote),
    };
    Ok(Some(Row {
        question: written.question.trim().to_owned(),
        answer,
        language: work.language,
        kind: work.kind,
        persona: work.persona,
        difficulty: work.difficulty,
        topic: work.topic.clone(),
        evidence: vec![Evidence {
            document: work.document.clone(),
            version: work.version.clone(),
            start: span.start,
            end: span.end,
            quote: written.quote,
        }],
        lineage,
    }))
}

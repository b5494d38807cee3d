//! A model's judgement of a row against a rubric, under a schema, so that it can say nothing else.

use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::{Error, Row};
use crate::engine::{Constraint, Engine, GenerateRequest, Lane, Message, Prompt};
use crate::prompts::{DatasetJudge, Prompts};

/// Most tokens of a judgement: four grades and a sentence.
const MAX_TOKENS: usize = 160;

static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    let grade = json!({"type": "integer", "enum": [1, 2, 3, 4, 5]});
    json!({
        "type": "object",
        "properties": {
            "reason": {"type": "string", "maxLength": 200},
            "true_to_evidence": grade,
            "answers_the_question": grade,
            "clear": grade
        },
        "required": ["reason", "true_to_evidence", "answers_the_question", "clear"],
        "additionalProperties": false
    })
});

#[derive(Deserialize)]
struct Grades {
    reason: String,
    true_to_evidence: u8,
    answers_the_question: u8,
    clear: u8,
}

/// The worst grade of the rubric, in [0, 1], and why.
///
/// # Errors
/// The engine's; [`Error::Config`] where what it wrote was cut off.
pub async fn judge(engine: &dyn Engine, prompts: &Prompts, row: &Row) -> Result<(f64, String), Error> {
    let quotes: Vec<&str> = row.evidence.iter().map(|evidence| &*evidence.quote).collect();
    let text = prompts.render(&DatasetJudge {
        language: row.language,
        question: &row.question,
        answer: &row.answer,
        quotes: &quotes,
    })?;
    let request = GenerateRequest {
        lane: Lane::Job,
        max_tokens: Some(MAX_TOKENS),
        constraint: Some(Constraint::JsonSchema(SCHEMA.clone())),
        ..GenerateRequest::new(Prompt::Chat(vec![Message::user(text)]))
    };
    let completion = engine.submit(request).await?.collect().await?;
    let grades: Grades = serde_json::from_str(&completion.text)
        .map_err(|error| Error::Config { reason: format!("the judge's answer was cut off: {error}") })?;
    let worst = grades.true_to_evidence.min(grades.answers_the_question).min(grades.clear);
    Ok(((f64::from(worst) - 1.0) / 4.0, grades.reason))
}

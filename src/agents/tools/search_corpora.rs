//! A question to the documents: the sentence that decides it, with the passages it stands in.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::agents::desk::{Desk, inner};
use crate::agents::fence;
use crate::agents::tool::{Access, Both, Card, Cost, Failure, Hints, Outcome, Tool};
use crate::rag::{Citation, Finding, Quote};

pub struct SearchCorpora;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    /// The question, as a person would ask it
    pub question: String,
    /// Corpora to search; all where absent
    #[serde(default)]
    pub corpora: Vec<String>,
}

#[derive(Serialize)]
struct Found {
    answered: bool,
    quotes: Vec<Quote>,
    citations: Vec<Citation>,
    looked_for: Vec<String>,
    nearest: Vec<String>,
}

/// Quotations told; the result holds all.
const TOLD: usize = 3;

impl Tool for SearchCorpora {
    type Arguments = Arguments;
    const CARD: Card = Card {
        name: "search_corpora",
        title_ko: "규정 문서 검색",
        title_en: "Documents",
        purpose_ko: "관세 규정과 지침 문서에서 질문의 답이 되는 문장을 찾아 인용합니다.",
        purpose_en: "Finds the sentence of the customs rules and guides that decides a question, and quotes it.",
        hints: Hints::READ,
        cost: Cost::Medium,
        access: Access::Public,
    };

    fn call(&self, desk: &Desk, arguments: Arguments) -> Result<Outcome, Failure> {
        let rag = desk.rag()?;
        let corpora = desk.readable(arguments.corpora)?;
        let found = rag.find(&arguments.question, &corpora).map_err(|error| inner(Self::CARD.name, &error))?;
        Ok(match found {
            Finding::Answerable(evidence) => {
                let (mut ko, mut en) = (String::new(), String::new());
                for quote in evidence.quotes.iter().take(TOLD) {
                    let citation = evidence.citations.iter().find(|citation| citation.n == quote.n);
                    let title = citation.map_or("", |citation| citation.title.as_str());
                    let passage = citation.map_or("", |citation| citation.passage.as_str());
                    let refs = citation.map_or_else(String::new, |citation| citation.refs.join(", "));
                    let text = fence::fence(passage, &quote.text).text;
                    let line = format!(
                        "> {text}\n>\n> — {title} (`{passage}`{}{refs})\n\n",
                        if refs.is_empty() { "" } else { "; " }
                    );
                    ko.push_str(&line);
                    en.push_str(&line);
                }
                let found = Found {
                    answered: true,
                    quotes: evidence.quotes,
                    citations: evidence.citations,
                    looked_for: Vec::new(),
                    nearest: Vec::new(),
                };
                Outcome::new(&found, Both::new(ko.trim_end(), en.trim_end()))
            }
            Finding::Refused(refusal) => {
                let nearest = refusal.nearest.join(", ");
                let found = Found {
                    answered: false,
                    quotes: Vec::new(),
                    citations: Vec::new(),
                    looked_for: refusal.looked_for,
                    nearest: refusal.nearest,
                };
                let mut outcome = Outcome::new(
                    &json!(found),
                    Both::new(
                        format!("문서에 이 질문의 근거가 없습니다. 가장 가까운 문서: {nearest}"),
                        format!("The documents carry no answer to this question. The nearest are: {nearest}"),
                    ),
                );
                outcome.missing.push(Both::new(
                    "이 질문의 근거가 되는 규정 문서",
                    "a document that carries an answer to this question",
                ));
                outcome
            }
        })
    }
}

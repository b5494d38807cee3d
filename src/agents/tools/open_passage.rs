//! A passage, or a whole document, by its id.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::agents::desk::{Desk, inner};
use crate::agents::fence;
use crate::agents::tool::{Access, Both, Card, Cost, Failure, Hints, Outcome, Tool};

pub struct OpenPassage;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    /// Id of a document, or of a passage in it, such as `valuation-021-en` or `valuation-021-en#2`
    pub id: String,
}

/// Characters told; the result holds the whole text.
const TOLD: usize = 1200;

impl Tool for OpenPassage {
    type Arguments = Arguments;
    const CARD: Card = Card {
        name: "open_passage",
        title_ko: "문서 열기",
        title_en: "Open a document",
        purpose_ko: "문서나 그 안의 단락을 번호로 엽니다.",
        purpose_en: "Opens a document by its id.",
        hints: Hints::READ,
        cost: Cost::Low,
        access: Access::Public,
    };

    fn call(&self, desk: &Desk, arguments: Arguments) -> Result<Outcome, Failure> {
        let id = arguments.id.split('#').next().unwrap_or_default();
        let document = desk.rag()?.index().document(id).map_err(|error| inner(Self::CARD.name, &error))?;
        // Of what the caller may not read it is not even told that it is there.
        let document = document.filter(|document| desk.grant().may_read(&document.corpus));
        let document = document.ok_or_else(|| Failure::NotFound { name: arguments.id.clone(), nearest: Vec::new() })?;
        let text = fence::fence(id, &document.text).text;
        let told: String = text.chars().take(TOLD).collect();
        let told = format!("**{}**\n\n{told}{}", document.title, if text.chars().count() > TOLD { " …" } else { "" });
        let result = json!({
            "id": document.id,
            "title": document.title,
            "language": document.language,
            "corpus": document.corpus,
            "refs": document.refs,
            "text": text,
        });
        Ok(Outcome::new(&result, Both::new(told.clone(), told)))
    }
}

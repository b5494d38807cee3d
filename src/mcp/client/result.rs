//! What a foreign tool answers, as an outcome: quoted, with whose words they are, and of bounded size.
//!
//! Knows nothing of what the answer means; its figures may be said, because they stand in a result.

use rmcp::model::{CallToolResult, ContentBlock, ResourceContents};
use serde_json::json;

use crate::agents::Outcome;
use crate::agents::tool::Both;

/// Bytes of an answer, pictures and all.
pub const MAX_RESULT_BYTES: usize = 1024 * 1024;
/// Characters of an answer that are shown.
const MAX_TOLD: usize = 4_000;

/// The outcome of a call.
///
/// # Errors
/// Where the tool says that it failed, or says too much; in words.
pub fn outcome(server: &str, tool: &str, result: CallToolResult) -> Result<Outcome, String> {
    let bytes = serde_json::to_vec(&result).map_or(0, |json| json.len());
    if bytes > MAX_RESULT_BYTES {
        return Err(format!(
            "the answer of its server `{server}` has {bytes} bytes; at most {MAX_RESULT_BYTES} are taken"
        ));
    }
    let text = result.content.iter().map(in_words).collect::<Vec<_>>().join("\n");
    if result.is_error == Some(true) {
        return Err(format!("its server `{server}` says: {}", cut(&text)));
    }
    let shown = match (&result.structured_content, text.trim().is_empty()) {
        (Some(structured), true) => format!("{structured:#}"),
        _ => text.clone(),
    };
    let quoted = cut(&shown).lines().map(|line| format!("> {line}\n")).collect::<String>();
    let told = Both::new(
        format!("외부 서버 `{server}`의 도구 `{tool}`이(가) 답한 그대로입니다.\n\n{quoted}"),
        format!("As the tool `{tool}` of the foreign server `{server}` answers:\n\n{quoted}"),
    );
    let value = result.structured_content.unwrap_or_else(|| json!({ "text": text }));
    Ok(Outcome::new(&value, told))
}

fn in_words(block: &ContentBlock) -> String {
    match block {
        ContentBlock::Text(text) => text.text.clone(),
        ContentBlock::Resource(resource) => match &resource.resource {
            ResourceContents::TextResourceContents { text, .. } => text.clone(),
            _ => "(a file, not shown)".into(),
        },
        ContentBlock::ResourceLink(link) => format!("({})", link.uri),
        _ => "(a picture or a sound, not shown)".into(),
    }
}

fn cut(text: &str) -> String {
    let num_chars = text.chars().count();
    if num_chars <= MAX_TOLD {
        return text.trim_end().to_owned();
    }
    format!("{}…\n({num_chars} characters, cut here)", text.chars().take(MAX_TOLD).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_quoted_and_cut_and_one_that_is_too_big_is_refused() {
        let long = CallToolResult::success(vec![ContentBlock::text("line\n".repeat(1_000))]);
        let told = outcome("lab", "x", long).unwrap().told.en;
        assert!(told.contains("> line\n> line") && told.contains("5000 characters"), "{told}");
        let huge = CallToolResult::success(vec![ContentBlock::text("x".repeat(MAX_RESULT_BYTES))]);
        assert!(outcome("lab", "x", huge).unwrap_err().contains("1048576"));
    }

    #[test]
    fn a_tool_that_says_it_failed_has_failed() {
        let failed = CallToolResult::error(vec![ContentBlock::text("no such sample")]);
        assert_eq!(outcome("lab", "x", failed).unwrap_err(), "its server `lab` says: no such sample");
    }
}

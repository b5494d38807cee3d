//! Tool calls: the grammar of their text, and the watch for a model that may choose between text and call.
//!
//! The text is the one Qwen and Hermes were trained on, and others are told of by [`crate::engine::tools`]:
//! `<tool_call>`, a line with the name and the arguments in JSON, `</tool_call>`.

use std::sync::Arc;

use llguidance::Matcher;
use llguidance::api::{GrammarWithLexer, TopLevelGrammar};

use super::quotes::QuoteVocabulary;
use super::{TokenMask, grammar, grammar_advance, grammar_mask};
use crate::engine::tools::{ARGUMENTS, CLOSE, NAME, OPEN, Tools};

/// The grammar of one call or, where they may be, several. With `answer`, a text of that form may stand instead.
/// `announced`: the first `<tool_call>` has been written already.
pub fn grammar(tools: &Tools, answer: Option<TopLevelGrammar>, announced: bool) -> TopLevelGrammar {
    let literal = |text: &str| serde_json::Value::from(text).to_string();
    let callable = tools.callable();
    let mut rules = Vec::new();
    let calls = if announced { "call more".to_owned() } else { format!("{} call more", literal(OPEN)) };
    match answer {
        Some(_) => rules.push(format!("start: @answer | {calls}")),
        None => rules.push(format!("start: {calls}")),
    }
    let one: Vec<String> = (0..callable.len()).map(|index| format!("call_{index}")).collect();
    rules.push(format!("call: {} ({}) {}", literal(NAME), one.join(" | "), literal(CLOSE)));
    rules.push(match tools.parallel {
        // The last call may end in a line break as well: where a model draws it in one token with the `>` before it,
        // it would otherwise have bound itself to another call.
        true => format!("more: ({} call)* {}?", literal(&format!("\n{OPEN}")), literal("\n")),
        false => "more: \"\"".to_owned(),
    });
    let mut grammars = Vec::new();
    for (index, tool) in callable.iter().enumerate() {
        let head = format!("{}{ARGUMENTS}", literal(&tool.name));
        rules.push(format!("call_{index}: {} @arguments_{index}", literal(&head)));
        grammars.push(GrammarWithLexer { name: Some(format!("arguments_{index}")), ..grammar::json(&tool.schema()) });
    }
    for part in answer.into_iter().flat_map(|answer| answer.grammars) {
        grammars.push(GrammarWithLexer { name: Some("answer".into()), ..part });
    }
    grammars.insert(0, GrammarWithLexer::from_lark(rules.join("\n")));
    TopLevelGrammar { grammars, max_tokens: None }
}

/// Free text until a call is announced; from there on the grammar of calls.
pub struct Announced {
    calls: Matcher,
    vocabulary: Arc<QuoteVocabulary>,
    /// The bytes at the end of the text that begin [`OPEN`]; all of it once it was written.
    announced_len: usize,
}

impl Announced {
    pub fn new(calls: Matcher, vocabulary: Arc<QuoteVocabulary>) -> Self {
        Self { calls, vocabulary, announced_len: 0 }
    }

    /// Whether the text has gone over into a call.
    pub fn is_announced(&self) -> bool {
        self.announced_len == OPEN.len()
    }

    /// `None` for every token: only one that would go on past the announcement within itself is kept back, because the
    /// grammar begins with a whole token.
    pub fn mask(&mut self) -> Result<Option<TokenMask>, String> {
        if self.is_announced() {
            return grammar_mask(&mut self.calls).map(Some);
        }
        if self.announced_len == 0 {
            return Ok(None);
        }
        let rest = &OPEN.as_bytes()[self.announced_len..];
        Ok(Some(self.vocabulary.all_but_longer_than(rest)))
    }

    pub fn advance(&mut self, token: u32) -> Result<bool, String> {
        if self.is_announced() {
            return grammar_advance(&mut self.calls, token);
        }
        for byte in self.vocabulary.bytes(token) {
            // The announcement begins with its only `<`, so that a failed one can only begin anew.
            self.announced_len = if OPEN.as_bytes()[self.announced_len] == *byte {
                self.announced_len + 1
            } else {
                usize::from(OPEN.as_bytes()[0] == *byte)
            };
            if self.is_announced() {
                break;
            }
        }
        Ok(false)
    }
}

//! The text of an answer to text and calls, as it comes.
//!
//! The grammar has seen to it that a call is well-formed, so this only has to find its parts. Blanks before a call are
//! no text of the answer.

use std::collections::VecDeque;

use super::{ARGUMENTS, CLOSE, NAME, OPEN, ToolCallDelta};
use crate::engine::request::{Event, FinishReason};

/// Turns the events of an answer into those of its text and its calls.
#[derive(Debug, Default)]
pub struct ToolReader {
    at: At,
    /// What was read and is not yet known to be whole.
    held: String,
    num_calls: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum At {
    #[default]
    Text,
    /// After `<tool_call>`: the name comes.
    Name,
    Arguments,
    /// After `</tool_call>`.
    Between,
}

impl ToolReader {
    /// The events that stand for `event`.
    pub fn read(&mut self, event: Event) -> VecDeque<Event> {
        let mut out = VecDeque::new();
        match event {
            Event::Text { text, choices } => {
                self.held.push_str(&text);
                let mut text = String::new();
                while self.step(&mut text, &mut out) {}
                if !text.is_empty() || !choices.is_empty() {
                    out.push_front(Event::Text { text, choices });
                }
            }
            Event::Finished { reason, usage, timings } => {
                let rest = std::mem::take(&mut self.held);
                match self.at {
                    At::Text if !rest.is_empty() => out.push_back(Event::Text { text: rest, choices: Vec::new() }),
                    // Cut off: what there is of the arguments is the caller's to see.
                    At::Arguments => self.arguments(rest, &mut out),
                    _ => {}
                }
                let called = self.num_calls > 0 && reason == FinishReason::Stop;
                let reason = if called { FinishReason::ToolCalls } else { reason };
                out.push_back(Event::Finished { reason, usage, timings });
            }
            event => out.push_back(event),
        }
        out
    }

    /// Takes the next whole part off `held`; `false` where none is left.
    fn step(&mut self, text: &mut String, out: &mut VecDeque<Event>) -> bool {
        match self.at {
            At::Text => {
                let Some(found) = self.held.find(OPEN) else {
                    let whole = self.held.len() - overlap(&self.held, OPEN);
                    let whole = self.held[..whole].trim_end().len();
                    text.extend(self.held.drain(..whole));
                    return false;
                };
                text.push_str(self.held[..found].trim_end());
                self.held.drain(..found + OPEN.len());
                self.at = At::Name;
            }
            At::Name => {
                let Some(found) = self.held.find(ARGUMENTS) else { return false };
                let spelled = self.held[..found].strip_prefix(NAME).unwrap_or(&self.held[..found]);
                let name: String = serde_json::from_str(spelled).unwrap_or_else(|_| spelled.trim().to_owned());
                self.held.drain(..found + ARGUMENTS.len());
                self.at = At::Arguments;
                out.push_back(Event::ToolCall(ToolCallDelta {
                    index: self.num_calls,
                    id: Some(call_id()),
                    name: Some(name),
                    arguments: String::new(),
                }));
                self.num_calls += 1;
            }
            At::Arguments => {
                let Some(found) = self.held.find(CLOSE) else {
                    let whole = self.held.len() - overlap(&self.held, CLOSE);
                    let whole = self.held[..whole].trim_end().len();
                    let piece = self.held.drain(..whole).collect();
                    self.arguments(piece, out);
                    return false;
                };
                let piece = self.held[..found].trim_end().to_owned();
                self.held.drain(..found + CLOSE.len());
                self.at = At::Between;
                self.arguments(piece, out);
            }
            At::Between => {
                let Some(found) = self.held.find(OPEN) else { return false };
                self.held.drain(..found + OPEN.len());
                self.at = At::Name;
            }
        }
        true
    }

    fn arguments(&self, piece: String, out: &mut VecDeque<Event>) {
        if !piece.is_empty() {
            let index = self.num_calls - 1;
            out.push_back(Event::ToolCall(ToolCallDelta { index, arguments: piece, ..ToolCallDelta::default() }));
        }
    }
}

fn call_id() -> String {
    format!("call_{}", &uuid::Uuid::new_v4().simple().to_string()[..24])
}

/// Length of the longest end of `text` that begins `sought`; both begin with ASCII.
fn overlap(text: &str, sought: &str) -> usize {
    (1..sought.len().min(text.len() + 1)).rev().find(|&len| text.ends_with(&sought[..len])).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::engine::request::{Timings, Usage};
    use crate::engine::tools::ToolCall;

    /// Text, calls and reason of an answer that comes in pieces of `size` bytes.
    fn read(answer: &str, size: usize) -> (String, Vec<ToolCall>, FinishReason) {
        let mut reader = ToolReader::default();
        let (mut text, mut calls) = (String::new(), Vec::new());
        let mut pieces: Vec<Event> = Vec::new();
        let mut rest = answer;
        while !rest.is_empty() {
            let mut end = size.min(rest.len());
            while !rest.is_char_boundary(end) {
                end += 1;
            }
            pieces.push(Event::Text { text: rest[..end].into(), choices: Vec::new() });
            rest = &rest[end..];
        }
        let (usage, timings) = (Usage::default(), Timings::default());
        pieces.push(Event::Finished { reason: FinishReason::Stop, usage, timings });
        for event in pieces.into_iter().flat_map(|event| reader.read(event)) {
            match event {
                Event::Text { text: piece, .. } => text.push_str(&piece),
                Event::ToolCall(delta) => delta.append_to(&mut calls),
                Event::Finished { reason, .. } => return (text, calls, reason),
                Event::Failed(error) => panic!("{error}"),
            }
        }
        panic!("the answer has no end");
    }

    proptest! {
        #[test]
        fn text_and_calls_are_told_apart_however_they_are_cut(size in 1usize..40) {
            let answer = "I look it up <b>.\n<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": {\"b\": \"}\"}}}\n</tool_call>\
                          \n<tool_call>\n{\"name\": \"관세\", \"arguments\": {}}\n</tool_call>";
            let (text, calls, reason) = read(answer, size);
            prop_assert_eq!(text, "I look it up <b>.");
            prop_assert_eq!(reason, FinishReason::ToolCalls);
            let told: Vec<_> = calls.iter().map(|call| (call.name.as_str(), call.arguments.as_str())).collect();
            prop_assert_eq!(told, [("f", "{\"a\": {\"b\": \"}\"}}"), ("관세", "{}")]);
            prop_assert!(calls[0].id != calls[1].id && calls[0].id.len() == 29);
        }

        #[test]
        fn a_text_without_calls_stays_whole(size in 1usize..20) {
            let answer = "a <tool> b \n<tool_call";
            prop_assert_eq!(read(answer, size), (answer.to_owned(), Vec::new(), FinishReason::Stop));
        }
    }

    #[test]
    fn arguments_cut_off_are_shown_as_far_as_they_came() {
        let (_, calls, _) = read("<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": \"hal", 7);
        assert_eq!(calls[0].arguments, "{\"a\": \"hal");
    }
}

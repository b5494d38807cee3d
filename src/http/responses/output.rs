//! An answer as the output items of a response, and the events that tell of them as they come about.
//!
//! In: the events of a turn, in order, with what they add up to. Out: items (`message`, `function_call`, and for the agent's
//! own tools `mcp_call` and `mcp_approval_request`), and for each event the stream's events, without their sequence numbers.
//! Citations are annotations of the text: `file_citation`, at the character where their `[n]` stands.

use serde_json::{Value, json};

use super::new_id;
use crate::chat::{AgentEvent, Event, PlannedStep};
use crate::http::turn::Record;

/// The name under which this server's own tools stand in an answer.
const SERVER: &str = "haetae";

/// The items so far.
#[derive(Debug, Default)]
pub struct Output {
    pub items: Vec<Value>,
    open: Option<Open>,
    /// The agent's plan, whose arguments the calls are shown with.
    steps: Vec<PlannedStep>,
    run: String,
}

/// The last item, while it grows.
#[derive(Debug)]
enum Open {
    Message {
        id: String,
        text: String,
    },
    /// The call at that place among those of the record.
    Call {
        id: String,
        index: usize,
    },
}

impl Output {
    /// Takes in an event that has been noted in `record`.
    pub fn take(&mut self, event: &Event, record: &Record) -> Vec<Value> {
        match event {
            Event::ToolCall(delta) => self.call(delta.index, delta.name.as_deref(), &delta.arguments, record),
            Event::Agent(event) => self.agent(event, record),
            Event::Finished { .. } | Event::Failed(_) => self.close(record),
            _ => match record.added.as_deref() {
                Some(text) if !text.is_empty() => self.text(text, record),
                _ => Vec::new(),
            },
        }
    }

    fn text(&mut self, piece: &str, record: &Record) -> Vec<Value> {
        let mut events = Vec::new();
        if !matches!(self.open, Some(Open::Message { .. })) {
            events = self.close(record);
            let id = new_id("msg");
            let item =
                json!({"id": id, "type": "message", "status": "in_progress", "role": "assistant", "content": []});
            events.push(self.add(item));
            let part = output_text("", &[]);
            events.push(self.of_part("response.content_part.added", &id, json!({"part": part})));
            self.open = Some(Open::Message { id, text: String::new() });
        }
        if let Some(Open::Message { id, text }) = &mut self.open {
            text.push_str(piece);
            let id = id.clone();
            events.push(self.of_part("response.output_text.delta", &id, json!({"delta": piece, "logprobs": []})));
        }
        events
    }

    fn call(&mut self, index: usize, name: Option<&str>, arguments: &str, record: &Record) -> Vec<Value> {
        let mut events = Vec::new();
        if !matches!(self.open, Some(Open::Call { index: its, .. }) if its == index) {
            events = self.close(record);
            let id = new_id("fc");
            let call_id = record.tool_calls.get(index).map(|call| call.id.clone());
            let (name, call_id) = (name.unwrap_or_default(), call_id.unwrap_or_default());
            let item = json!({
                "id": id, "type": "function_call", "status": "in_progress", "call_id": call_id, "name": name,
                "arguments": "",
            });
            events.push(self.add(item));
            self.open = Some(Open::Call { id, index });
        }
        if let Some(Open::Call { id, .. }) = &self.open
            && !arguments.is_empty()
        {
            let delta = json!({"delta": arguments});
            events.push(self.of_item("response.function_call_arguments.delta", id, delta));
        }
        events
    }

    fn agent(&mut self, event: &AgentEvent, record: &Record) -> Vec<Value> {
        match event {
            AgentEvent::Planned { run, steps } => {
                (self.run, self.steps) = (run.clone(), steps.clone());
                Vec::new()
            }
            AgentEvent::Returned { n, tool, failure, hash, elapsed_ms } => {
                let mut events = self.close(record);
                let id = new_id("mcp");
                let arguments = self.arguments_of(|step| step.n == *n);
                let call = |status: &str| {
                    json!({
                        "id": id, "type": "mcp_call", "status": status, "server_label": SERVER, "name": tool,
                        "arguments": arguments, "output": null, "error": null, "approval_request_id": null,
                    })
                };
                events.push(self.add(call("in_progress")));
                events.push(self.of_item("response.mcp_call.in_progress", &id, json!({})));
                let mut done = call(if failure.is_some() { "failed" } else { "completed" });
                done["error"] = json!(failure);
                if failure.is_none() {
                    // The result itself is in the run's record, where it can be held against its hash.
                    let place = json!({"run": self.run, "call": n, "sha256": hash, "ms": elapsed_ms});
                    done["output"] = json!(place.to_string());
                }
                let kind = if failure.is_some() { "response.mcp_call.failed" } else { "response.mcp_call.completed" };
                events.push(self.of_item(kind, &id, json!({})));
                events.push(self.finish(done));
                events
            }
            AgentEvent::Approval { id, tool, .. } => {
                let mut events = self.close(record);
                let arguments = self.arguments_of(|step| step.tool == *tool);
                let item = json!({
                    "id": id, "type": "mcp_approval_request", "server_label": SERVER, "name": tool,
                    "arguments": arguments,
                });
                events.push(self.add(item.clone()));
                events.push(self.finish(item));
                events
            }
            AgentEvent::Seen { .. } => Vec::new(),
        }
    }

    fn arguments_of(&self, is_it: impl Fn(&PlannedStep) -> bool) -> String {
        self.steps.iter().find(|step| is_it(step)).map_or_else(|| "{}".into(), |step| step.arguments.to_string())
    }

    /// Ends the item that grows, if one does.
    fn close(&mut self, record: &Record) -> Vec<Value> {
        match self.open.take() {
            None => Vec::new(),
            Some(Open::Message { id, text }) => {
                let annotations = annotations(&text, record.citations.as_ref());
                let mut events: Vec<Value> = Vec::new();
                for (index, annotation) in annotations.iter().enumerate() {
                    let told = json!({"annotation_index": index, "annotation": annotation});
                    events.push(self.of_part("response.output_text.annotation.added", &id, told));
                }
                let part = output_text(&text, &annotations);
                events.push(self.of_part("response.output_text.done", &id, json!({"text": text, "logprobs": []})));
                events.push(self.of_part("response.content_part.done", &id, json!({"part": part})));
                let item = json!({
                    "id": id, "type": "message", "status": "completed", "role": "assistant", "content": [part],
                });
                events.push(self.finish(item));
                events
            }
            Some(Open::Call { id, index }) => {
                let call = record.tool_calls.get(index).cloned().unwrap_or_default();
                let done = json!({"name": call.name, "arguments": call.arguments});
                let told = self.of_item("response.function_call_arguments.done", &id, done);
                let item = json!({
                    "id": id, "type": "function_call", "status": "completed", "call_id": call.id, "name": call.name,
                    "arguments": call.arguments,
                });
                vec![told, self.finish(item)]
            }
        }
    }

    fn add(&mut self, item: Value) -> Value {
        let index = self.items.len();
        self.items.push(item.clone());
        json!({"type": "response.output_item.added", "output_index": index, "item": item})
    }

    /// Puts the last item's final form in its place.
    fn finish(&mut self, item: Value) -> Value {
        let index = self.items.len().saturating_sub(1);
        if let Some(last) = self.items.last_mut() {
            last.clone_from(&item);
        }
        json!({"type": "response.output_item.done", "output_index": index, "item": item})
    }

    /// An event on the last item.
    fn of_item(&self, kind: &str, id: &str, more: Value) -> Value {
        let mut event = json!({"type": kind, "item_id": id, "output_index": self.items.len().saturating_sub(1)});
        if let (Some(event), Value::Object(more)) = (event.as_object_mut(), more) {
            event.extend(more);
        }
        event
    }

    /// An event on the text of the last item.
    fn of_part(&self, kind: &str, id: &str, more: Value) -> Value {
        let mut event = self.of_item(kind, id, more);
        event["content_index"] = json!(0);
        event
    }
}

fn output_text(text: &str, annotations: &[Value]) -> Value {
    json!({"type": "output_text", "text": text, "annotations": annotations, "logprobs": []})
}

/// Where `text` cites what.
fn annotations(text: &str, citations: Option<&Value>) -> Vec<Value> {
    let Some(citations) = citations.and_then(Value::as_array) else { return Vec::new() };
    let mut found = Vec::new();
    for citation in citations {
        let mark = format!("[{}]", citation["n"]);
        for (at, _) in text.match_indices(&mark) {
            let index = text[..at].chars().count();
            found.push((index, json!({
                "type": "file_citation", "file_id": citation["document"], "filename": citation["title"], "index": index,
            })));
        }
    }
    found.sort_by_key(|(index, _)| *index);
    found.into_iter().map(|(_, annotation)| annotation).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn citations_are_marked_where_they_stand() {
        let citations = json!([{"n": 1, "document": "d", "title": "t"}, {"n": 12, "document": "e", "title": "u"}]);
        let found = annotations("관세 [12] and [1], not [2].", Some(&citations));
        let places: Vec<(u64, &str)> =
            found.iter().map(|found| (found["index"].as_u64().unwrap(), found["file_id"].as_str().unwrap())).collect();
        assert_eq!(places, [(3, "e"), (12, "d")]);
    }
}

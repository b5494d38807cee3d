//! The shapes of bodies, in JSON Schema: what is OpenAI's is given as far as this server honours it.

use serde_json::{Map, Value, json};

/// Every schema by name.
pub fn all() -> Value {
    let mut schemas = Map::new();
    let groups = [
        requests(),
        forms(),
        answers(),
        responses(),
        grounded(),
        page(),
        agent(),
        super::datasets::schemas(),
        operation(),
    ];
    for group in groups {
        if let Value::Object(group) = group {
            schemas.extend(group);
        }
    }
    Value::Object(schemas)
}

/// The agent's tools, runs and approvals.
fn agent() -> Value {
    json!({
        "ToolList": object(&["tools", "sources"], json!({"tools": list(object(&["name", "parameters"], json!({
            "name": text("As called."),
            "title_ko": text("Title in Korean."),
            "title_en": text("Title in English."),
            "purpose_ko": text("Purpose in Korean."),
            "purpose_en": text("Purpose in English."),
            "hints": object(&["read_only", "destructive", "idempotent"], json!({
                "read_only": {"type": "boolean"}, "destructive": {"type": "boolean"}, "idempotent": {"type": "boolean"},
            })),
            "cost": {"type": "string", "enum": ["low", "medium", "high"]},
            "access": {"type": "string", "enum": ["public", "officer", "audit"]},
            "source": text("The foreign server it comes from; absent for our own."),
            "unavailable": text("Why it cannot be called now."),
            "parameters": {"type": "object", "description": "JSON Schema of the arguments."},
        }))), "sources": list(object(&["name"], json!({
            "name": text("A foreign server of the settings; its tools' names begin with it."),
            "version": text("What it calls itself, with its version; absent until it was reached."),
            "unavailable": text("Why its tools cannot be called now."),
            "left_out": list(text("A tool that it offers and that cannot be had, and why.")),
        })))})),
        "RunList": object(&["runs"], json!({"runs": list(text("The id of a run."))})),
        "Run": {"type": "object", "description": "Everything that made the answer, as `haetae agent --json` prints it."},
        "ApprovalList": object(&["approvals"], json!({"approvals": list(reference("Approval"))})),
        "Approval": object(&["id", "run", "tool", "arguments", "state"], json!({
            "id": text("Its id."),
            "run": text("The run that asks."),
            "tool": text("The tool to be called."),
            "arguments": {"type": "object"},
            "state": {"type": "string", "enum": ["pending", "granted", "denied", "expired", "done", "failed"]},
            "asked_at": text("ISO 8601, UTC."),
            "expires_at": text("ISO 8601, UTC."),
            "decided_by": {"type": ["string", "null"]},
            "decided_at": {"type": ["string", "null"]},
            "outcome": {"description": "What the call came to."},
        })),
        "Decision": object(&["decision", "by"], json!({
            "decision": {"type": "string", "enum": ["grant", "deny"]},
            "by": text("The person who decides."),
        })),
    })
}

/// `/v1/responses`.
fn responses() -> Value {
    let input = json!({"oneOf": [{"type": "string"}, {"type": "array", "minItems": 1, "items": {"type": "object"}}]});
    let number = |description: &str| json!({"type": "number", "description": description});
    json!({
        "ResponseRequest": object(&["model", "input"], json!({
            "model": text("A model id of `/v1/models`."),
            "input": input,
            "instructions": text("Put before all that was said; not remembered."),
            "previous_response_id": text("The response to go on from."),
            "store": {"type": "boolean", "default": true},
            "stream": {"type": "boolean", "default": false},
            "max_output_tokens": integer("Most tokens of the answer."),
            "temperature": number("0 is greedy. The default of corpus models and the agent is 0."),
            "top_p": number("Nucleus mass kept."),
            "text": object(&[], json!({"format": {"type": "object", "description": "`text`, `json_object` or `json_schema`."}})),
            "tools": list(object(&["type", "name"], json!({
                "type": {"type": "string", "const": "function"},
                "name": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"},
                "description": {"type": "string"},
                "parameters": {"type": "object"},
            }))),
            "tool_choice": {"description": "`none`, `auto`, `required` or a function."},
            "parallel_tool_calls": {"type": "boolean", "default": true},
            "metadata": {"type": "object"},
        })),
        "Response": object(&["id", "object", "status", "model", "output"], json!({
            "id": text("Its id."),
            "object": {"type": "string", "const": "response"},
            "created_at": integer("Seconds since 1970."),
            "status": {"type": "string", "enum": ["in_progress", "completed", "incomplete", "failed"]},
            "model": {"type": "string"},
            "output": list(json!({"type": "object", "description": "`message`, `function_call`, `mcp_call` or `mcp_approval_request`."})),
            "previous_response_id": {"type": ["string", "null"]},
            "usage": {"type": ["object", "null"]},
            "error": {"type": ["object", "null"]},
            "citations": list(reference("Citation")),
        })),
        "ResponseEvent": object(&["type", "sequence_number"], json!({
            "type": text("`response.created`, `response.output_text.delta`, …"),
            "sequence_number": integer("From 0."),
        })),
        "ResponseItemList": object(&["object", "data", "has_more"], json!({
            "object": {"type": "string", "const": "list"},
            "data": list(json!({"type": "object"})),
            "has_more": {"type": "boolean"},
        })),
        "ResponseDeleted": object(&["id", "object", "deleted"], json!({
            "id": {"type": "string"},
            "object": {"type": "string", "const": "response"},
            "deleted": {"type": "boolean"},
        })),
    })
}

pub fn reference(schema: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{schema}")})
}

pub fn list(items: Value) -> Value {
    json!({"type": "array", "items": items})
}

pub fn text(description: &str) -> Value {
    json!({"type": "string", "description": description})
}

pub fn integer(description: &str) -> Value {
    json!({"type": "integer", "description": description})
}

pub fn object(required: &[&str], properties: Value) -> Value {
    json!({"type": "object", "required": required, "properties": properties})
}

/// The sampling fields, which both generating endpoints take.
fn with_sampling(mut properties: Value) -> Value {
    let number = |minimum: f64, maximum: f64, default: f64, description: &str| {
        let range = json!({"minimum": minimum, "maximum": maximum, "default": default});
        let mut schema = json!({"type": "number", "description": description});
        if let (Value::Object(schema), Value::Object(range)) = (&mut schema, range) {
            schema.extend(range);
        }
        schema
    };
    properties["temperature"] = number(0.0, 2.0, 1.0, "0 is greedy. The default of corpus models is 0.");
    properties["top_p"] = number(0.0, 1.0, 1.0, "Nucleus mass kept.");
    properties["top_k"] =
        json!({"type": "integer", "minimum": -1, "description": "Likeliest tokens kept; 0 or -1: all."});
    properties["min_p"] = number(0.0, 1.0, 0.0, "Smallest probability kept, as a share of the largest.");
    properties["repetition_penalty"] = number(0.0, 10.0, 1.0, "Above 1, tokens seen become less likely.");
    properties["presence_penalty"] = number(-2.0, 2.0, 0.0, "Taken once from each token in the answer.");
    properties["frequency_penalty"] = number(-2.0, 2.0, 0.0, "Taken from a token for each occurrence.");
    properties["seed"] = integer("Same seed, same request, same model: same answer.");
    properties["stop"] = json!({
        "oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "maxItems": 4}],
        "description": "The answer ends before the first of these.",
    });
    properties["stream"] = json!({"type": "boolean", "default": false});
    properties["stream_options"] = object(&[], json!({"include_usage": {"type": "boolean"}}));
    properties["response_format"] = reference("ResponseFormat");
    properties["structured_outputs"] = object(
        &[],
        json!({
            "json": {"description": "A JSON schema, or one as text."},
            "json_object": {"type": "boolean"},
            "regex": text("The whole answer matches it; Rust's syntax."),
            "choice": list(text("One of these is the answer.")),
            "grammar": text("Lark, as llguidance reads it; the first rule is `start`."),
        }),
    );
    properties["structured_outputs"]["description"] =
        "vLLM's addition, as are the older guided_json, guided_regex, guided_choice and guided_grammar.".into();
    properties["user"] = text("Ignored.");
    properties
}

/// The forms an answer can be bound to, and the tools a model can be offered.
fn forms() -> Value {
    let function = json!({
        "name": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"},
        "description": {"type": "string"},
        "parameters": {"type": "object", "description": "JSON Schema of the arguments, which are always held to it."},
        "strict": {"type": "boolean", "description": "Ignored: every call is strict."},
    });
    let called = json!({"name": {"type": "string"}, "arguments": text("A JSON object as text.")});
    let call = json!({
        "id": {"type": "string"},
        "type": {"type": "string", "const": "function"},
        "function": object(&["name", "arguments"], called),
    });
    let mut delta = call.clone();
    delta["index"] = integer("The call's place in the answer.");
    let kind = |kind: &str| json!({"type": "string", "const": kind});
    json!({
        "ResponseFormat": {
            "description": "Bare model only. A schema or grammar that cannot be held to is refused with its place.",
            "oneOf": [
                object(&["type"], json!({"type": {"type": "string", "enum": ["text", "json_object"]}})),
                object(&["type", "json_schema"], json!({
                    "type": kind("json_schema"),
                    "json_schema": object(&["schema"], json!({
                        "name": {"type": "string"},
                        "schema": {"type": "object"},
                        "strict": {"type": "boolean", "description": "Ignored: every answer is strict."},
                    })),
                })),
                object(&["type", "pattern"], json!({"type": kind("regex"), "pattern": text("Haetae's addition.")})),
                object(&["type", "grammar"], json!({"type": kind("grammar"), "grammar": text("Lark. Haetae's addition.")})),
            ],
        },
        "Tool": object(&["type", "function"], json!({
            "type": kind("function"),
            "function": object(&["name"], function),
        })),
        "ToolChoice": {"oneOf": [
            {"type": "string", "enum": ["none", "auto", "required"]},
            object(&["type", "function"], json!({
                "type": kind("function"),
                "function": object(&["name"], json!({"name": {"type": "string"}})),
            })),
        ]},
        "ToolCall": object(&["id", "type", "function"], call),
        "ToolCallDelta": object(&["index"], delta),
    })
}

fn requests() -> Value {
    let answers = json!({"type": "integer", "minimum": 1, "maximum": 8, "default": 1});
    json!({
        "ChatRequest": object(&["model", "messages"], with_sampling(json!({
            "model": text("An id of /v1/models."),
            "messages": list(reference("Message")),
            "max_completion_tokens": integer("Most tokens to write."),
            "max_tokens": integer("Older name of max_completion_tokens."),
            "n": answers,
            "tools": {"type": "array", "items": reference("Tool"), "maxItems": 128, "description": "Bare model only."},
            "tool_choice": reference("ToolChoice"),
            "parallel_tool_calls": {"type": "boolean", "default": true},
            "logprobs": {"type": "boolean", "description": "Bare model only."},
            "top_logprobs": {"type": "integer", "minimum": 0, "maximum": 20},
            "metadata": object(&[], json!({
                "conversation_id": text("Keep question and answer in this conversation. Haetae's addition."),
            })),
            "continue_final_message": {
                "type": "boolean",
                "description": "The last message is the beginning of the answer. vLLM's addition; bare model only.",
            },
        }))),
        "Message": object(&["role"], json!({
            "role": {"type": "string", "enum": ["system", "developer", "user", "assistant", "tool"]},
            "tool_calls": list(reference("ToolCall")),
            "tool_call_id": text("The call whose result this is; with the role `tool`."),
            "content": {"oneOf": [{"type": "string"}, {"type": "null"}, list(object(&["type", "text"], json!({
                "type": {"type": "string", "enum": ["text"]},
                "text": {"type": "string"},
            })))]},
        })),
        "CompletionRequest": object(&["model", "prompt"], with_sampling(json!({
            "model": text("The id of the bare language model."),
            "prompt": {"oneOf": [{"type": "string"}, list(json!({"type": "string"}))]},
            "max_tokens": {"type": "integer", "default": 16},
            "n": answers,
            "logprobs": {"type": "integer", "minimum": 0, "maximum": 5},
        }))),
        "EmbeddingRequest": object(&["model", "input"], json!({
            "model": text("The id of the embedding model."),
            "input": {"oneOf": [{"type": "string"}, list(json!({"type": "string"}))]},
            "encoding_format": {"type": "string", "enum": ["float", "base64"], "default": "float"},
            "dimensions": integer("The model's own number, or absent."),
            "input_type": {
                "type": "string",
                "enum": ["query", "passage"],
                "default": "passage",
                "description": "What the texts are. Haetae's addition.",
            },
        })),
    })
}

fn answers() -> Value {
    let reason = json!({"type": ["string", "null"], "enum": ["stop", "length", "tool_calls", null]});
    let head = |object: &str, choice: Value| {
        json!({
            "id": {"type": "string"},
            "object": {"type": "string", "const": object},
            "created": integer("Seconds since 1970."),
            "model": {"type": "string"},
            "system_fingerprint": {"type": "string"},
            "choices": list(choice),
            "usage": {"oneOf": [reference("Usage"), {"type": "null"}]},
        })
    };
    let citations = list(reference("Citation"));
    let message = object(
        &["role", "content"],
        json!({
            "role": {"type": "string", "const": "assistant"},
            "content": {"type": ["string", "null"], "description": "null where the model only calls."},
            "tool_calls": list(reference("ToolCall")),
            "refusal": {"type": "null"},
            "citations": citations,
            "approved": reference("Approved"),
            "haetae": reference("Grounds"),
        }),
    );
    let delta = object(
        &[],
        json!({
            "role": {"type": "string"},
            "content": {"type": "string"},
            "tool_calls": list(reference("ToolCallDelta")),
            "citations": citations,
            "approved": reference("Approved"),
        }),
    );
    let chat = |name: &str, content: Value| {
        let mut choice =
            json!({"index": {"type": "integer"}, "finish_reason": reason, "logprobs": reference("Logprobs")});
        choice[name] = content;
        object(&["index"], choice)
    };
    let completion = object(
        &["index", "text"],
        json!({
            "index": {"type": "integer"},
            "text": {"type": "string"},
            "logprobs": {"type": ["object", "null"]},
            "finish_reason": reason,
        }),
    );
    let mut chunk = head("chat.completion.chunk", chat("delta", delta));
    chunk["haetae"] = reference("Event");
    let required = ["id", "object", "created", "model", "choices"];
    json!({
        "ChatCompletion": object(&required, head("chat.completion", chat("message", message))),
        "ChatChunk": object(&required, chunk),
        "Completion": object(&required, head("text_completion", completion.clone())),
        "CompletionChunk": object(&required, head("text_completion", completion)),
        "Logprobs": {"type": ["object", "null"], "properties": {"content": list(reference("TokenLogprob"))}},
        "TokenLogprob": object(&["token", "logprob", "bytes"], json!({
            "token": {"type": "string"},
            "logprob": {"type": "number"},
            "bytes": list(json!({"type": "integer"})),
            "top_logprobs": list(json!({"type": "object"})),
        })),
        "Usage": object(&["prompt_tokens", "total_tokens"], json!({
            "prompt_tokens": {"type": "integer"},
            "completion_tokens": {"type": "integer"},
            "total_tokens": {"type": "integer"},
            "prompt_tokens_details": object(&[], json!({"cached_tokens": {"type": "integer"}})),
        })),
        "EmbeddingList": object(&["object", "data", "model", "usage"], json!({
            "object": {"type": "string", "const": "list"},
            "data": list(object(&["object", "index", "embedding"], json!({
                "object": {"type": "string", "const": "embedding"},
                "index": {"type": "integer"},
                "embedding": {
                    "oneOf": [list(json!({"type": "number"})), text("Base64 of little-endian 32-bit floats.")],
                },
            }))),
            "model": {"type": "string"},
            "usage": reference("Usage"),
        })),
        "ModelList": object(&["object", "data"], json!({
            "object": {"type": "string", "const": "list"},
            "data": list(reference("Model")),
        })),
        "Model": object(&["id", "object", "created", "owned_by"], json!({
            "id": {"type": "string"},
            "object": {"type": "string", "const": "model"},
            "created": {"type": "integer"},
            "owned_by": {"type": "string"},
            "max_model_len": integer("Tokens of prompt and answer together. vLLM's addition."),
            "corpora": list(text("A corpus the answers rest on. Haetae's addition.")),
        })),
        "Error": object(&["error"], json!({
            "error": object(&["message", "type", "param", "code"], json!({
                "message": {"type": "string"},
                "type": {"type": "string", "enum": ["invalid_request_error", "rate_limit_error", "server_error"]},
                "param": {"type": ["string", "null"], "description": "The field at fault."},
                "code": {"type": "string"},
            })),
        })),
    })
}

fn grounded() -> Value {
    let span = object(&["start", "end"], json!({"start": {"type": "integer"}, "end": {"type": "integer"}}));
    let nullable = json!({"type": ["object", "null"]});
    json!({
        "Citation": object(&["n", "document", "passage", "text", "span"], json!({
            "n": integer("The number of its `[n]` mark."),
            "document": text("Id for /api/documents/{id}."),
            "passage": {"type": "string"},
            "title": {"type": "string"},
            "heading": {"type": "string"},
            "corpus": {"type": "string"},
            "language": {"type": "string", "enum": ["ko", "en"]},
            "authority": text("statute, decree, rule, notice, treaty, guide or document."),
            "text": {"type": "string"},
            "span": reference("Span"),
            "score": {"type": "number"},
            "refs": list(text("Legal reference, such as KR-CA-30(1)6.")),
        })),
        "Quote": object(&["n", "text", "span", "language"], json!({
            "n": integer("The citation it stands in."),
            "text": text("The sentence, word for word."),
            "span": reference("Span"),
            "language": {"type": "string", "enum": ["ko", "en"]},
        })),
        "Span": span,
        "Approver": object(&["name", "at"], json!({"name": text("Who."), "at": text("When; ISO 8601, UTC.")})),
        "Approved": object(&["dataset", "row", "question", "by"], json!({
            "dataset": text("Where the answer stands."),
            "row": integer("Its row."),
            "question": text("The question it was approved for."),
            "by": list(reference("Approver")),
        })),
        "Event": {
            "type": "object",
            "required": ["type"],
            "description": "How the answer comes to be; only for clients that send X-Haetae-Events: 1.",
            "properties": {
                "type": {
                    "type": "string",
                    "enum": ["stage", "evidence", "quote", "refused", "approved", "notice", "checked"],
                },
                "stage": text("stage: which step ended."),
                "ms": {"type": "number", "description": "stage: how long it took."},
                "citations": list(reference("Citation")),
                "quotes": list(reference("Quote")),
                "looked_for": list(text("refused: a term that was searched for.")),
                "nearest": list(text("refused: a title that came closest.")),
                "code": text("notice: language_not_written or explanation_withheld."),
                "text": text("notice, approved: the sentence to show."),
                "by": list(reference("Approver")),
                "dataset": text("approved: where the answer stands, with `row` and the `question` it was given to."),
                "kept": integer("checked: sentences shown."),
                "withheld": integer("checked: sentences that disagreed with the quotation."),
                "reasons": list(text("checked: polarity, number, article, citation or language.")),
            },
        },
        "Grounds": object(&["citations", "quotes"], json!({
            "citations": list(reference("Citation")),
            "quotes": list(reference("Quote")),
            "refused": nullable,
            "checked": nullable,
            "notices": list(reference("Event")),
            "approved": reference("Approved"),
            "stages": list(reference("Event")),
        })),
    })
}

fn page() -> Value {
    let conversation = json!({
        "id": {"type": "string"},
        "title": text("Empty until the first question."),
        "model": {"type": "string"},
        "updated_at": {"type": "string", "format": "date-time"},
    });
    let mut whole = conversation.clone();
    whole["messages"] = list(object(
        &["role", "content"],
        json!({
            "role": {"type": "string", "enum": ["user", "assistant"]},
            "content": {"type": "string"},
            "haetae": reference("Grounds"),
        }),
    ));
    let required = ["id", "title", "model", "updated_at"];
    json!({
        "Conversation": object(&required, conversation),
        "ConversationWithMessages": object(&required, whole),
        "ConversationList": object(&["conversations"], json!({"conversations": list(reference("Conversation"))})),
        "NewConversation": object(&["model"], json!({"model": text("A chat model of /v1/models.")})),
        "NewTitle": object(&["title"], json!({"title": {"type": "string", "minLength": 1, "maxLength": 200}})),
        "Document": object(&["id", "title", "text"], json!({
            "id": {"type": "string"},
            "title": {"type": "string"},
            "language": {"type": "string", "enum": ["ko", "en"]},
            "corpus": {"type": "string"},
            "topic": {"type": ["integer", "null"]},
            "refs": list(json!({"type": "string"})),
            "authority": {"type": "string"},
            "effective_from": {"type": ["string", "null"], "format": "date"},
            "source": {"type": "string"},
            "text": text("Spans are byte offsets into its UTF-8."),
        })),
    })
}

fn operation() -> Value {
    json!({
        "Health": object(&["status", "version"], json!({
            "status": {"type": "string", "const": "ok"},
            "version": {"type": "string"},
        })),
        "Readiness": object(&["status", "engine", "index"], json!({
            "status": {"type": "string", "enum": ["ready", "not ready"]},
            "engine": {"type": "boolean"},
            "index": {"type": "boolean"},
        })),
    })
}

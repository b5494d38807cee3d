//! `/api/datasets…` in OpenAPI's words: what each route takes and gives, and the shapes of it.

use serde_json::{Value, json};

use super::operations::{body, error, ok};
use super::schemas::{integer, list, object, reference, text};
use crate::datasets::{Difficulty, Persona, QuestionType, Split, State};

/// Every operation: method, path, description.
pub fn operations() -> Vec<(&'static str, &'static str, Value)> {
    let unknown = || error("No such dataset");
    let state = || error("The generation, or the row, is not in a state for it; the message says why");
    let operation = |id: &str, summary: &str, rest: Value| {
        let mut operation = json!({"operationId": id, "tags": ["Datasets"], "summary": summary});
        if let (Value::Object(operation), Value::Object(rest)) = (&mut operation, rest) {
            operation.extend(rest);
        }
        operation
    };
    vec![
        (
            "get",
            "/api/datasets",
            operation(
                "listDatasets",
                "List the datasets with their counts and generations",
                json!({"responses": {"200": ok("The datasets", "DatasetList")}}),
            ),
        ),
        (
            "post",
            "/api/datasets",
            operation(
                "createDataset",
                "Begin the generation of a dataset; one begun with the same settings goes on",
                json!({
                    "requestBody": body("NewDataset"),
                    "responses": {
                        "201": ok("It has begun", "Dataset"),
                        "400": error("Bad settings; the message names the key"),
                        "409": error("The name is taken by another"),
                    },
                }),
            ),
        ),
        (
            "post",
            "/api/datasets/preview",
            operation(
                "previewDataset",
                "Make the first rows of a generation, keep nothing, and tell what the whole would take",
                json!({
                    "requestBody": body("PreviewRequest"),
                    "responses": {
                        "200": ok("The rows, with what filters said of each", "DatasetPreview"),
                        "400": error("Bad settings; the message names the key"),
                    },
                }),
            ),
        ),
        (
            "get",
            "/api/datasets/{name}",
            operation(
                "showDataset",
                "Show a dataset with its versions, its generation and how far reviewers agree",
                json!({"responses": {"200": ok("The dataset", "Dataset"), "404": unknown()}}),
            ),
        ),
        (
            "post",
            "/api/datasets/{name}/job",
            operation(
                "actOnGeneration",
                "Pause, resume or cancel the generation of a dataset",
                json!({
                    "requestBody": body("GenerationAct"),
                    "responses": {
                        "200": ok("The dataset as it stands now", "Dataset"),
                        "400": error("No such act"),
                        "404": unknown(),
                        "409": state(),
                    },
                }),
            ),
        ),
        (
            "get",
            "/api/datasets/{name}/coverage",
            operation(
                "showCoverage",
                "The map of topic, type, persona and language: the cells that hold good rows; all others are holes",
                json!({"responses": {"200": ok("The map", "Coverage"), "404": unknown()}}),
            ),
        ),
        (
            "post",
            "/api/datasets/{name}/coverage",
            operation(
                "fillHole",
                "Begin a generation for one cell of the map",
                json!({
                    "requestBody": body("Hole"),
                    "responses": {
                        "201": ok("It has begun", "Dataset"),
                        "400": error("No such cell, or the documents give nothing to ask about it"),
                        "404": unknown(),
                        "409": state(),
                    },
                }),
            ),
        ),
        (
            "get",
            "/api/datasets/{name}/export",
            operation(
                "exportDataset",
                "Download the good rows as files for other programs, zipped, with data card and manifest",
                json!({
                    "parameters": [one_of("format", &["openai", "alpaca", "sharegpt", "chatml", "parquet", "beir", "csv"])],
                    "responses": {
                        "200": {
                            "description": "The files",
                            "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
                        },
                        "400": error("No such format"),
                        "404": unknown(),
                    },
                }),
            ),
        ),
        (
            "get",
            "/api/datasets/{name}/facets",
            operation(
                "countRows",
                "Count the rows found by each facet",
                json!({
                    "parameters": filters(),
                    "responses": {
                        "200": ok("The counts", "Facets"),
                        "400": error("A bad filter; the message names it"),
                        "404": unknown(),
                    },
                }),
            ),
        ),
        (
            "get",
            "/api/datasets/{name}/queue",
            operation(
                "showQueue",
                "The rows that wait for a reviewer: those given to them, then candidates and stale ones, then the rest",
                json!({
                    "parameters": [
                        {"name": "by", "in": "query", "required": true, "schema": {"type": "string"},
                         "description": "The reviewer."},
                        count("limit", 20),
                    ],
                    "responses": {
                        "200": ok("The rows", "RowQueue"),
                        "400": error("No reviewer"),
                        "404": unknown(),
                    },
                }),
            ),
        ),
        (
            "post",
            "/api/datasets/{name}/review",
            operation(
                "reviewRows",
                "Approve, reject or assign one row or many; two approvals approve a row",
                json!({
                    "requestBody": body("Review"),
                    "responses": {
                        "200": ok("The rows with the states they have now", "Reviewed"),
                        "400": error("No reviewer, no reason, or too many rows"),
                        "404": error("No such dataset, or no such row in it; nothing was done"),
                    },
                }),
            ),
        ),
        (
            "get",
            "/api/datasets/{name}/rows",
            operation(
                "listRows",
                "List rows: filtered, searched, page by page",
                json!({
                    "parameters": paged(),
                    "responses": {
                        "200": ok("A page", "RowPage"),
                        "400": error("A bad filter; the message names it"),
                        "404": unknown(),
                    },
                }),
            ),
        ),
        (
            "get",
            "/api/datasets/{name}/rows/{row}",
            operation(
                "showRow",
                "Show a row with its lineage, its edits and what reviewers said",
                json!({"responses": {"200": ok("The row", "DatasetRow"), "404": error("No such dataset or row")}}),
            ),
        ),
        (
            "patch",
            "/api/datasets/{name}/rows/{row}",
            operation(
                "editRow",
                "Change the question or the answer of a row, which then waits for review anew",
                json!({
                    "requestBody": body("RowEdit"),
                    "responses": {
                        "200": ok("The row as it stands now", "DatasetRow"),
                        "400": error("No editor, or an empty text"),
                        "404": error("No such dataset or row"),
                        "409": error("Another row says the same"),
                    },
                }),
            ),
        ),
    ]
}

fn names<T: Copy>(all: &[T], name: impl Fn(T) -> &'static str) -> Vec<&'static str> {
    all.iter().map(|one| name(*one)).collect()
}

fn one_of(name: &str, values: &[&str]) -> Value {
    json!({"name": name, "in": "query", "required": false, "schema": {"type": "string", "enum": values}})
}

fn count(name: &str, default: usize) -> Value {
    let schema = json!({"type": "integer", "minimum": 1, "maximum": 200, "default": default});
    json!({"name": name, "in": "query", "required": false, "schema": schema})
}

/// Filters, and which page.
fn paged() -> Vec<Value> {
    let after = json!({
        "name": "after",
        "in": "query",
        "required": false,
        "schema": {"type": "integer", "minimum": 0, "default": 0},
        "description": "`next` of the page before.",
    });
    [filters(), vec![after, count("limit", 50)]].concat()
}

fn filters() -> Vec<Value> {
    let words = |name: &str, description: &str| json!({"name": name, "in": "query", "required": false, "schema": {"type": "string"}, "description": description});
    vec![
        words("state", "One or more, by commas: candidate, accepted, approved, rejected, stale."),
        one_of("language", &["ko", "en"]),
        one_of("type", &names(QuestionType::ALL, QuestionType::name)),
        one_of("persona", &names(Persona::ALL, Persona::name)),
        one_of("difficulty", &names(Difficulty::ALL, Difficulty::name)),
        one_of("split", &names(Split::ALL, Split::name)),
        words("topic", "The number or name of a topic."),
        words("text", "Words that question and answer hold together."),
    ]
}

/// The shapes.
pub fn schemas() -> Value {
    let mut schemas = serde_json::Map::new();
    for group in [generations(), coverage(), rows(), reviews()] {
        if let Value::Object(group) = group {
            schemas.extend(group);
        }
    }
    Value::Object(schemas)
}

fn language() -> Value {
    json!({"type": "string", "enum": ["ko", "en"]})
}

fn state() -> Value {
    json!({"type": "string", "enum": names(State::ALL, State::name)})
}

fn kind() -> Value {
    json!({"type": "string", "enum": names(QuestionType::ALL, QuestionType::name)})
}

fn persona() -> Value {
    json!({"type": "string", "enum": names(Persona::ALL, Persona::name)})
}

fn generations() -> Value {
    let config = json!({
        "type": "object",
        "description": "As the TOML of `haetae dataset generate --config`: corpus, rows, seed, generator, types, \
                        personas, languages, difficulties, topics, filters. Each may be left out.",
    });
    let number = |description: &str| json!({"type": ["number", "null"], "description": description});
    json!({
        "DatasetList": object(&["datasets"], json!({"datasets": list(reference("Dataset"))})),
        "Dataset": object(&["name", "corpus", "num_rows", "num_good"], json!({
            "name": text("Its name."),
            "corpus": text("What it asks about."),
            "created_at": text("ISO 8601, UTC."),
            "num_rows": integer("All rows."),
            "num_good": integer("Rows that are accepted or approved."),
            "job": {"oneOf": [reference("Generation"), {"type": "null"}]},
            "versions": list(json!({"type": "object"})),
            "review": {"type": "object", "description": "How many rows two judged, how many alike, and kappa."},
        })),
        "Generation": object(&["state", "rows_wanted", "num_good", "num_pending"], json!({
            "state": {"type": "string", "enum": ["running", "paused", "cancelled", "done"]},
            "failure": text("Why it was paused, where no person did."),
            "notes": list(reference("PlanNote")),
            "rows_wanted": integer("Rows asked for."),
            "num_good": integer("Rows made that passed."),
            "num_pending": integer("Items to go, those in reserve among them."),
            "num_done": integer("Items done."),
            "num_spare": integer("Items whose cell was full."),
            "num_failed": integer("Items that failed."),
            "stages": list(json!({"type": "object", "description": "A stage: num, kept, seconds, per_hour."})),
            "run": {"oneOf": [{"type": "null"}, object(&["seconds", "rows_per_hour"], json!({
                "seconds": number("Since this server took it up."),
                "num_items": integer("Items done since."),
                "num_kept": integer("Rows kept since."),
                "rows_per_hour": number("At that rate."),
                "seconds_left": number("Until all rows wanted are there."),
            }))]},
        })),
        "PlanNote": object(&["language", "wanted", "given"], json!({
            "type": text("All types together where absent."),
            "language": language(),
            "wanted": integer("Rows asked for."),
            "given": integer("Rows the corpus gives."),
        })),
        "NewDataset": object(&["name"], json!({"name": text("1 to 64 letters, digits, - _ ."), "config": config})),
        "PreviewRequest": object(&[], json!({
            "rows": {"type": "integer", "minimum": 1, "maximum": 20, "default": 5},
            "config": config,
        })),
        "DatasetPreview": object(&["rows", "notes", "num_items", "seconds"], json!({
            "rows": list(reference("DatasetRow")),
            "notes": list(reference("PlanNote")),
            "num_items": integer("Items of the whole plan."),
            "seconds": number("What the rows took."),
            "seconds_in_all": number("What the whole would take at that rate."),
        })),
        "GenerationAct": object(&["act"], json!({"act": {"type": "string", "enum": ["pause", "resume", "cancel"]}})),
    })
}

fn coverage() -> Value {
    let (kind, persona, language) = (kind(), persona(), language());
    json!({
        "Coverage": object(&["topics", "types", "personas", "languages", "cells"], json!({
            "topics": list(object(&["topic", "titles"], json!({
                "topic": text("Its number or name."),
                "titles": {"type": "object", "description": "By language."},
            }))),
            "types": list(kind.clone()),
            "personas": list(persona.clone()),
            "languages": list(language.clone()),
            "cells": list(object(&["topic", "type", "persona", "language", "num"], json!({
                "topic": {"type": "string"},
                "type": kind.clone(),
                "persona": persona.clone(),
                "language": language.clone(),
                "num": integer("Good rows."),
            }))),
            "num_cells": integer("Of the whole map."),
            "num_filled": integer("That hold rows."),
        })),
        "Hole": object(&["topic", "type", "persona", "language"], json!({
            "topic": text("Its number or name."),
            "type": kind.clone(),
            "persona": persona.clone(),
            "language": language.clone(),
            "rows": {"type": "integer", "minimum": 1, "default": 1},
        })),
    })
}

fn rows() -> Value {
    let counts = json!({"type": "object", "additionalProperties": {"type": "integer"}});
    json!({
        "Facets": object(&["num_found", "state", "language", "type", "persona", "difficulty", "split", "topic"], json!({
            "num_found": integer("Rows found."),
            "state": counts, "language": counts, "type": counts, "persona": counts, "difficulty": counts,
            "split": counts, "topic": counts,
        })),
        "RowPage": object(&["rows", "num_found"], json!({
            "rows": list(reference("DatasetRow")),
            "num_found": integer("On all pages."),
            "next": integer("`after` of the next page; absent on the last."),
        })),
        "RowQueue": object(&["rows"], json!({"rows": list(reference("DatasetRow"))})),
        "DatasetRow": object(&["id", "state", "question", "answer", "language", "type", "persona"], json!({
            "id": integer("Its number in the store."),
            "hash": text("Of what it says and rests on."),
            "version": integer("Of the dataset, in which it came."),
            "state": state(),
            "reason": text("Why it was refused or went stale."),
            "split": {"type": ["string", "null"], "enum": ["train", "validation", "test", null]},
            "labels": list(json!({"type": "string"})),
            "reviewers": list(text("Who found it good.")),
            "question": {"type": "string"},
            "answer": {"type": "string"},
            "language": language(),
            "type": kind(),
            "persona": persona(),
            "difficulty": {"type": "string", "enum": names(Difficulty::ALL, Difficulty::name)},
            "topic": {"type": "string"},
            "evidence": list(object(&["document", "version", "start", "end", "quote"], json!({
                "document": text("Id for /api/documents/{id}."),
                "version": text("Of the document's text."),
                "start": integer("Byte of the text."),
                "end": integer("Byte of the text."),
                "quote": text("Word for word."),
            }))),
            "lineage": {"type": "object", "description": "Generator, prompt, model, seed, arithmetic, twin, scores."},
            "assignee": {"type": ["string", "null"], "description": "Who is to judge it. Of a single row only, as are \
                         judgements and edits."},
            "judgements": list(object(&["reviewer", "approves", "made_at"], json!({
                "reviewer": {"type": "string"},
                "approves": {"type": "boolean"},
                "reason": {"type": ["string", "null"]},
                "made_at": text("ISO 8601, UTC."),
            }))),
            "edits": list(object(&["editor", "made_at", "field", "before", "after"], json!({
                "editor": {"type": "string"}, "made_at": {"type": "string"}, "field": {"type": "string"},
                "before": {"type": "string"}, "after": {"type": "string"},
            }))),
        })),
    })
}

fn reviews() -> Value {
    json!({
        "RowEdit": object(&["by"], json!({
            "by": text("Who edits."),
            "question": {"type": "string"},
            "answer": {"type": "string"},
        })),
        "Review": object(&["by", "rows", "act"], json!({
            "by": text("Who judges."),
            "rows": {"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 1000},
            "act": {"type": "string", "enum": ["approve", "reject", "assign"]},
            "reason": text("Of a rejection."),
            "to": text("Whom the rows are given to; nobody where it is left out."),
        })),
        "Reviewed": object(&["rows"], json!({
            "rows": list(object(&["id", "state"], json!({"id": integer("The row."), "state": state()}))),
        })),
    })
}

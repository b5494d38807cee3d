//! What each route takes and gives, in OpenAPI's words: one entry a line of the route table.

use serde_json::{Value, json};

/// The description of a route; an empty one where it is missing, which a test forbids.
pub fn describe(method: &str, path: &str) -> Value {
    let found = all().into_iter().find(|(its_method, its_path, _)| (*its_method, *its_path) == (method, path));
    found.map_or_else(|| json!({}), |(.., operation)| operation)
}

/// Every operation: method, path, description.
pub fn all() -> Vec<(&'static str, &'static str, Value)> {
    let mut all = core();
    all.extend(super::datasets::operations());
    all
}

fn core() -> Vec<(&'static str, &'static str, Value)> {
    vec![
        ("post", "/v1/chat/completions", chat_completion()),
        (
            "post",
            "/v1/completions",
            json!({
                "operationId": "createCompletion",
                "tags": ["OpenAI"],
                "summary": "Continue raw text",
                "description": "OpenAI's older API. Only the bare language model; the other model ids chat.",
                "parameters": [lane_header()],
                "requestBody": body("CompletionRequest"),
                "responses": generated("The continuation, or its chunks", "Completion", "CompletionChunk"),
            }),
        ),
        (
            "post",
            "/v1/responses",
            json!({
                "operationId": "createResponse",
                "tags": ["OpenAI"],
                "summary": "Answer, and remember what was said",
                "description": "OpenAI's newer API. Go on from a response by `previous_response_id`; it is kept for 30 \
                                days. The agent's own calls stand in the output as `mcp_call`, those that wait for a \
                                person as `mcp_approval_request`; citations are `file_citation` annotations.",
                "parameters": [lane_header()],
                "requestBody": body("ResponseRequest"),
                "responses": generated("The response, or its events", "Response", "ResponseEvent"),
            }),
        ),
        (
            "get",
            "/v1/responses/{id}",
            json!({
                "operationId": "retrieveResponse",
                "tags": ["OpenAI"],
                "summary": "Show a response that was kept",
                "responses": {"200": ok("The response", "Response"), "404": error("No such response of the caller's")},
            }),
        ),
        (
            "delete",
            "/v1/responses/{id}",
            json!({
                "operationId": "deleteResponse",
                "tags": ["OpenAI"],
                "summary": "Forget a response",
                "responses": {
                    "200": ok("It is forgotten", "ResponseDeleted"),
                    "404": error("No such response of the caller's"),
                },
            }),
        ),
        (
            "get",
            "/v1/responses/{id}/input_items",
            json!({
                "operationId": "listInputItems",
                "tags": ["OpenAI"],
                "summary": "List the items that a response was asked with, the latest first",
                "responses": {
                    "200": ok("The items", "ResponseItemList"),
                    "404": error("No such response of the caller's"),
                },
            }),
        ),
        (
            "post",
            "/v1/embeddings",
            json!({
                "operationId": "createEmbedding",
                "tags": ["OpenAI"],
                "summary": "Turn texts into unit vectors",
                "requestBody": body("EmbeddingRequest"),
                "responses": {
                    "200": ok("The vectors, in the order of the texts", "EmbeddingList"),
                    "400": error("Bad input; the message names the field"),
                    "404": error("Unknown model"),
                    "429": error("Too many texts are being embedded"),
                },
            }),
        ),
        (
            "get",
            "/v1/models",
            json!({
                "operationId": "listModels",
                "tags": ["OpenAI"],
                "summary": "List the model ids",
                "description": "The bare language model, `customs-valuation`, `general`, one per corpus of the \
                                user's, and the embedding model.",
                "responses": {"200": ok("The models", "ModelList")},
            }),
        ),
        (
            "get",
            "/v1/models/{*id}",
            json!({
                "operationId": "retrieveModel",
                "tags": ["OpenAI"],
                "summary": "Show one model",
                "responses": {"200": ok("The model", "Model"), "404": error("Unknown model")},
            }),
        ),
        (
            "get",
            "/api/conversations",
            json!({
                "operationId": "listConversations",
                "tags": ["Page"],
                "summary": "List the caller's conversations, the latest first, at most 500",
                "responses": {"200": ok("The conversations", "ConversationList")},
            }),
        ),
        (
            "post",
            "/api/conversations",
            json!({
                "operationId": "createConversation",
                "tags": ["Page"],
                "summary": "Start a conversation",
                "description": "Name its id as `metadata.conversation_id` in chat requests to have them kept in it.",
                "requestBody": body("NewConversation"),
                "responses": {"201": ok("The conversation", "Conversation"), "404": error("Unknown model")},
            }),
        ),
        (
            "get",
            "/api/conversations/{id}",
            json!({
                "operationId": "showConversation",
                "tags": ["Page"],
                "summary": "Show a conversation with its messages",
                "responses": {
                    "200": ok("The conversation", "ConversationWithMessages"),
                    "404": error("No such conversation of the caller's"),
                },
            }),
        ),
        (
            "patch",
            "/api/conversations/{id}",
            json!({
                "operationId": "renameConversation",
                "tags": ["Page"],
                "summary": "Give a conversation another title",
                "requestBody": body("NewTitle"),
                "responses": {
                    "204": {"description": "Renamed"},
                    "400": error("The title is empty or too long"),
                    "404": error("No such conversation of the caller's"),
                },
            }),
        ),
        (
            "delete",
            "/api/conversations/{id}",
            json!({
                "operationId": "deleteConversation",
                "tags": ["Page"],
                "summary": "Remove a conversation with its messages",
                "responses": {
                    "204": {"description": "Removed"},
                    "404": error("No such conversation of the caller's"),
                },
            }),
        ),
        (
            "get",
            "/api/documents/{id}",
            json!({
                "operationId": "showDocument",
                "tags": ["Page"],
                "summary": "Show the document that a citation points into",
                "responses": {"200": ok("The document", "Document"), "404": error("No such document")},
            }),
        ),
        (
            "get",
            "/api/agent/tools",
            json!({
                "operationId": "listTools",
                "tags": ["Agent"],
                "summary": "List the agent's tools: purpose in both languages, hints, cost, access, parameters",
                "responses": {"200": ok("The tools", "ToolList")},
            }),
        ),
        (
            "get",
            "/api/agent/runs",
            json!({
                "operationId": "listRuns",
                "tags": ["Agent"],
                "summary": "List the ids of the caller's runs, the latest first, at most 100",
                "responses": {"200": ok("The ids", "RunList")},
            }),
        ),
        (
            "get",
            "/api/agent/runs/{id}",
            json!({
                "operationId": "showRun",
                "tags": ["Agent"],
                "summary": "Show the record of a run: plan, calls with their results and hashes, prompts, answer",
                "responses": {"200": ok("The record", "Run"), "404": error("No such run of the caller's")},
            }),
        ),
        (
            "get",
            "/api/agent/runs/{id}/dossier",
            json!({
                "operationId": "showDossier",
                "tags": ["Agent"],
                "summary": "The dossier of a run, as Markdown or as a page",
                "parameters": [{
                    "name": "format",
                    "in": "query",
                    "required": false,
                    "schema": {"type": "string", "enum": ["markdown", "html"], "default": "markdown"},
                }],
                "responses": {
                    "200": {
                        "description": "The dossier",
                        "content": {
                            "text/markdown": {"schema": {"type": "string"}},
                            "text/html": {"schema": {"type": "string"}},
                        },
                    },
                    "404": error("No such run of the caller's"),
                },
            }),
        ),
        (
            "get",
            "/api/agent/approvals",
            json!({
                "operationId": "listApprovals",
                "tags": ["Agent"],
                "summary": "List the calls that wait for a named person, the oldest first",
                "responses": {"200": ok("The calls", "ApprovalList")},
            }),
        ),
        (
            "get",
            "/api/agent/approvals/{id}",
            json!({
                "operationId": "showApproval",
                "tags": ["Agent"],
                "summary": "Show a call that waits, or waited",
                "responses": {"200": ok("The call", "Approval"), "404": error("No such call")},
            }),
        ),
        (
            "post",
            "/api/agent/approvals/{id}",
            json!({
                "operationId": "decideApproval",
                "tags": ["Agent"],
                "summary": "Grant or deny a call that waits; one that is granted is carried out",
                "requestBody": body("Decision"),
                "responses": {
                    "200": ok("The call as it stands now", "Approval"),
                    "400": error("No name, or neither `grant` nor `deny`"),
                    "404": error("No such call"),
                    "409": error("It is decided or expired already"),
                },
            }),
        ),
        (
            "get",
            "/metrics",
            json!({
                "operationId": "showMetrics",
                "tags": ["Operation"],
                "summary": "Metrics in Prometheus' text format",
                "responses": {
                    "200": {"description": "The metrics", "content": {"text/plain": {"schema": {"type": "string"}}}},
                },
            }),
        ),
        (
            "get",
            "/health",
            json!({
                "operationId": "showHealth",
                "tags": ["Operation"],
                "summary": "Whether the process is up",
                "responses": {"200": ok("It is", "Health")},
            }),
        ),
        (
            "get",
            "/ready",
            json!({
                "operationId": "showReady",
                "tags": ["Operation"],
                "summary": "Whether questions can be answered",
                "responses": {
                    "200": ok("They can", "Readiness"),
                    "503": ok("They cannot: the engine or the index is missing", "Readiness"),
                },
            }),
        ),
        (
            "get",
            "/openapi.json",
            json!({
                "operationId": "showOpenapi",
                "tags": ["Operation"],
                "summary": "This description",
                "responses": {
                    "200": {
                        "description": "OpenAPI 3.1",
                        "content": {"application/json": {"schema": {"type": "object"}}},
                    },
                },
            }),
        ),
    ]
}

fn chat_completion() -> Value {
    let header = json!({
        "name": "X-Haetae-Events",
        "in": "header",
        "required": false,
        "schema": {"type": "string", "enum": ["1"]},
        "description": "Send `haetae` objects (stages, evidence, quotes, checks) instead of putting the quotation \
                        into the text. Haetae's addition.",
    });
    json!({
        "operationId": "createChatCompletion",
        "tags": ["OpenAI"],
        "summary": "Answer the last message of a conversation",
        "description": "With a corpus model (`customs-valuation`, `general`, a corpus of your own) the answer rests \
                        on passages found for the question: the deciding sentence is quoted word for word, `[n]` marks \
                        refer to `citations`, and where no passage carries an answer it says so.",
        "parameters": [header, lane_header()],
        "requestBody": body("ChatRequest"),
        "responses": generated("The answer, or its chunks", "ChatCompletion", "ChatChunk"),
    })
}

fn lane_header() -> Value {
    json!({
        "name": "X-Haetae-Lane",
        "in": "header",
        "required": false,
        "schema": {"type": "string", "enum": ["officer", "agent", "job"], "default": "agent"},
        "description": "Who waits when not all can be served at once: `job` (nobody looks on) before `agent` (a \
                        program acts for someone) before `officer` (someone sits before the screen). Haetae's addition.",
    })
}

/// The responses of an endpoint that can stream.
fn generated(description: &str, whole: &str, chunk: &str) -> Value {
    json!({
        "200": {
            "description": description,
            "content": {
                "application/json": {"schema": reference(whole)},
                "text/event-stream": {"schema": reference(chunk)},
            },
        },
        "400": error("Bad input: the message names the field; `context_length_exceeded` gives limit and length"),
        "404": error("Unknown model or conversation"),
        "413": error("The body is larger than 4 MiB"),
        "429": error("The queue is full; `Retry-After` says when to try again"),
        "500": error("A failure of the server; the message gives the request's id"),
    })
}

fn reference(schema: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{schema}")})
}

pub fn body(schema: &str) -> Value {
    json!({"required": true, "content": {"application/json": {"schema": reference(schema)}}})
}

pub fn ok(description: &str, schema: &str) -> Value {
    json!({"description": description, "content": {"application/json": {"schema": reference(schema)}}})
}

/// A response with the error envelope.
pub fn error(description: &str) -> Value {
    ok(description, "Error")
}

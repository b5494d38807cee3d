//! The Model Context Protocol: the agent's tools for other assistants, over stdio and over HTTP; and, in [`client`], other
//! servers' tools for the agent.
//!
//! In: `tools/list` and `tools/call`. Out: the registry's cards and outcomes. Reads run at once; a tool that writes answers
//! with the approval it waits for, as it does on the page. Knows no tool by name. The protocol is `rmcp`'s.
//!
//! Foreign tools are not passed on: whoever wants them can reach their server itself, with a key of its own, and two
//! servers that know each other would offer each other's tools without end.

pub mod client;

use std::sync::Arc;

use rmcp::handler::server::ServerHandler;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Implementation, ListToolsResult,
    PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool, ToolAnnotations,
};
use rmcp::service::{RequestContext, RoleServer};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ErrorData, ServiceExt};
use serde_json::{Value, json};

use crate::access::Grant;
use crate::agents::{Agents, Shown};
use crate::lang::Language;

/// Serves the tools to one client. Cheap to clone.
#[derive(Clone)]
pub struct Server {
    agents: Agents,
}

impl Server {
    pub fn new(agents: Agents) -> Self {
        Self { agents }
    }

    fn own(&self, grant: &Grant) -> impl Iterator<Item = Shown> + use<> {
        self.agents.registry().shown(grant).into_iter().filter(|shown| shown.source.is_none())
    }
}

/// The tools at a path of the HTTP server. Hosts, origins and keys are checked before a request comes here.
pub fn service(agents: Agents) -> StreamableHttpService<Server, LocalSessionManager> {
    let mut config = StreamableHttpServerConfig::default();
    config.allowed_hosts = Vec::new();
    StreamableHttpService::new(move || Ok(Server::new(agents.clone())), Arc::default(), config)
}

/// Serves one client on standard input and output, until it leaves.
///
/// # Errors
/// Where the client does not speak the protocol.
pub async fn serve_stdio(agents: Agents) -> anyhow::Result<()> {
    let running = Server::new(agents).serve(rmcp::transport::stdio()).await?;
    running.waiting().await?;
    Ok(())
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let mut info = ServerConfig::default();
        info.capabilities = ServerCapabilities::builder().enable_tools().build();
        info.server_info = Implementation::new("haetae", env!("CARGO_PKG_VERSION"));
        info.instructions = Some(
            "Customs tools: rules with their sources, risk, HS codes, customs values, companies and their networks. \
             Every figure comes from a table, a model or a document that the result names. \
             관세 규정, 위험도, 품목번호, 과세가격, 업체와 관계망을 확인하는 도구입니다."
                .into(),
        );
        info
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(self.own(&grant(&context)).map(tool).collect()))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.own(&Grant::everything()).find(|shown| shown.card.name == name).map(tool)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let agents = self.agents.clone();
        let name = request.name.into_owned();
        if !agents.registry().is_own(&name) {
            return Err(ErrorData::invalid_params(format!("there is no tool `{name}`"), None));
        }
        let arguments = request.arguments.map_or_else(|| json!({}), Value::Object);
        let grant = grant(&context);
        let span = tracing::Span::current();
        let call = move || span.in_scope(|| agents.call_or_ask(&grant, &name, &arguments));
        let called = tokio::task::spawn_blocking(call).await;
        let called = called.map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
        let result = match called {
            Ok(outcome) => {
                let told = ContentBlock::text(format!("{}\n\n{}", outcome.told.en, outcome.told.ko));
                let mut result = CallToolResult::success(vec![told]);
                result.structured_content = Some(json!({
                    "result": outcome.result, "missing": outcome.missing, "demo": outcome.demo,
                }));
                result
            }
            // The caller can mend it: told as the tool's own words, as the protocol has it.
            Err(failure) => CallToolResult::error(vec![ContentBlock::text(failure.to_string())]),
        };
        Ok(result.into())
    }
}

/// What the caller may: over HTTP its key's grant; on standard input whoever started the program may everything.
fn grant(context: &RequestContext<RoleServer>) -> Grant {
    let parts = context.extensions.get::<axum::http::request::Parts>();
    parts.and_then(|parts| parts.extensions.get::<Grant>().cloned()).unwrap_or_else(Grant::everything)
}

fn tool(shown: Shown) -> Tool {
    let card = shown.card;
    let schema = match shown.parameters {
        Value::Object(schema) => schema,
        _ => serde_json::Map::new(),
    };
    let description = format!("{} {}", card.purpose_en, card.purpose_ko);
    let (title, hints) = (card.title(Language::En).to_owned(), card.hints);
    let mut tool = Tool::new(card.name, description, Arc::new(schema));
    tool.title = Some(title);
    tool.annotations = Some(
        ToolAnnotations::new()
            .read_only(hints.read_only)
            .destructive(hints.destructive)
            .idempotent(hints.idempotent)
            .open_world(false),
    );
    tool
}

//! `haetae mcp`: the agent's tools over standard input and output, for an assistant that starts this program.

use std::process::ExitCode;

use crate::app;
use crate::config::Config;
use crate::mcp;

/// Serves until the client leaves.
///
/// # Errors
/// If a service does not start, or the client does not speak the protocol.
pub(super) fn run(config: &Config) -> anyhow::Result<ExitCode> {
    tokio::runtime::Runtime::new()?.block_on(async {
        // Foreign tools are not passed on, so their servers are not reached: one of them may be this very command.
        let config = Config { mcp_servers: Vec::new(), ..config.clone() };
        mcp::serve_stdio(app::tools_alone(&config).await?).await?;
        Ok(ExitCode::SUCCESS)
    })
}

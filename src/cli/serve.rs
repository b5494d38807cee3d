//! `haetae serve`: everything fetched and built, then the page and the API until a signal.

use std::process::ExitCode;

use tokio::net::TcpListener;

use crate::app;
use crate::config::Config;
use crate::http;

/// Serves until interrupted; requests under way are finished.
///
/// # Errors
/// If the port is taken or a service does not start.
pub(super) fn run(config: &Config) -> anyhow::Result<ExitCode> {
    tokio::runtime::Runtime::new()?.block_on(async {
        // Bound before the long work: a port that is taken should be known at once.
        let listener = TcpListener::bind(config.addr).await.map_err(|error| {
            let addr = config.addr;
            anyhow::anyhow!(
                "cannot listen on `{addr}`: {error}\n\nhint: is another server running? `--addr HOST:PORT` names another address"
            )
        })?;
        let addr = listener.local_addr()?;
        let state = app::build_state(config).await?;
        // On stdout, so that whoever starts the server can read where it listens.
        println!("listening on http://{addr}");
        axum::serve(http::undelayed(listener), http::router(state)).with_graceful_shutdown(interrupted()).await?;
        Ok(ExitCode::SUCCESS)
    })
}

/// Ends at the first interrupt or termination signal.
async fn interrupted() {
    let mut terminate = match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(signal) => signal,
        Err(error) => {
            tracing::error!(%error, "no termination signal to wait for");
            return std::future::pending().await;
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
    tracing::info!("draining");
}

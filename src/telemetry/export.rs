//! Logs to standard error, and spans to an OpenTelemetry collector where one is named.
//!
//! Spans are handed to a thread of their own by way of a queue; what a collector does not take is dropped, and nobody waits.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData};
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::prelude::*;
use tracing_subscriber::{EnvFilter, fmt};

use super::spans;

/// Where the protocol has spans go, below a collector's URL.
const PATH: &str = "/v1/traces";
/// Longest that the end of the program waits for a collector to take what is left.
const LAST_WAIT: Duration = Duration::from_secs(2);

/// Why nothing can be sent.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("spans cannot be sent to `{url}`: {reason}")]
    Exporter { url: String, reason: String },
}

/// Keeps the collector supplied. Dropped, it sends what is left.
pub struct Telemetry {
    provider: Option<SdkTracerProvider>,
}

/// Starts logging, and sending spans to the collector at `otlp_url` where there is one. Once a process.
///
/// # Errors
/// If the exporter cannot be made; a collector that is not there is no error.
pub fn start(otlp_url: Option<&str>) -> Result<Telemetry, Error> {
    let provider = otlp_url.map(provider).transpose()?;
    let logged = EnvFilter::try_from_env("HAETAE_LOG");
    let logged = logged.unwrap_or_else(|_| "haetae=info,warn,qdrant_edge=error".into());
    let log = fmt::layer().with_writer(std::io::stderr).with_filter(logged);
    let sent = provider.as_ref().map(|provider| {
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("haetae"));
        let layer = layer.with_location(false).with_threads(false).with_tracked_inactivity(false);
        let ours = filter_fn(|metadata| metadata.target() == spans::TARGET);
        layer.with_target(false).with_level(false).with_filter(ours.with_max_level_hint(LevelFilter::INFO))
    });
    tracing_subscriber::registry().with(log).with(sent).init();
    Ok(Telemetry { provider })
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Some(provider) = &self.provider {
            // A collector that does not answer has been told of in the log.
            let _ = provider.shutdown_with_timeout(LAST_WAIT);
        }
    }
}

fn provider(url: &str) -> Result<SdkTracerProvider, Error> {
    // TLS by ring; refused only where a provider is installed already, which then serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let endpoint = format!("{}{PATH}", url.trim_end_matches('/'));
    let exporter =
        SpanExporter::builder().with_http().with_protocol(Protocol::HttpBinary).with_endpoint(endpoint).build();
    let inner = exporter.map_err(|error| Error::Exporter { url: url.into(), reason: error.to_string() })?;
    let exporter = Noted { inner, url: url.into(), failing: AtomicBool::new(false) };
    let resource = Resource::builder().with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
    let resource = match std::env::var_os("OTEL_SERVICE_NAME") {
        Some(_) => resource,
        None => resource.with_service_name("haetae"),
    };
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource.build()).build())
}

/// An exporter that says in the log when it begins to fail, and when it has ended.
#[derive(Debug)]
struct Noted {
    inner: SpanExporter,
    url: String,
    failing: AtomicBool,
}

impl opentelemetry_sdk::trace::SpanExporter for Noted {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let sent = self.inner.export(batch).await;
        match (&sent, self.failing.swap(sent.is_err(), Ordering::Relaxed)) {
            (Err(error), false) => tracing::warn!(url = self.url, %error, "spans are not taken, and dropped"),
            (Ok(()), true) => tracing::info!(url = self.url, "spans are taken again"),
            _ => {}
        }
        sent
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

//! Answers as server-sent events: `data: {chunk}` lines ended by `data: [DONE]`.
//!
//! In: running answers and the [`Wire`] format to put them in. Out: one response. An error after the first byte is
//! the last event, without `[DONE]`. The client going away drops the body, and with it every running answer.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::{self, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream::{self, BoxStream, StreamExt};
use serde_json::Value;

use super::error::ApiError;
use super::turn::{Record, Running};
use crate::chat::Event;
use crate::engine::Usage;

/// Proxies commonly cut a silent connection after 30 or 60 s; a long prompt on a small machine takes longer.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// How one endpoint writes its chunks.
pub trait Wire: Send + Sync + 'static {
    /// What comes before the first event of the `index`th answer.
    fn opening(&self, index: usize) -> Option<Value>;

    /// The chunks of an event that has been noted in `record`.
    fn chunks(&self, index: usize, event: &Event, record: &Record) -> Vec<Value>;

    /// The chunk after the last answer, where the client asked for it: `usages` by answer.
    fn closing(&self, usages: &[(usize, Usage)]) -> Option<Value>;
}

/// What one answer gives the response.
enum Piece {
    Chunks(Vec<Value>),
    Last { chunks: Vec<Value>, index: usize, usage: Usage },
    Failed(ApiError),
}

/// A response being written.
struct Transcript<W> {
    wire: Arc<W>,
    request_id: String,
    pieces: BoxStream<'static, Piece>,
    usages: Vec<(usize, Usage)>,
    ended: bool,
}

/// Streams `running` to the client.
pub fn respond<W: Wire>(wire: W, request_id: String, running: Vec<Running>) -> Response {
    let wire = Arc::new(wire);
    let openings = running.iter().filter_map(|answer| wire.opening(answer.index)).collect();
    let opening = stream::once(async { Piece::Chunks(openings) });
    let answers = stream::select_all(running.into_iter().map(|answer| pieces(Arc::clone(&wire), answer)));
    // Chained, and not merged: every answer's opening comes before anything else.
    let pieces = opening.chain(answers).boxed();
    let transcript = Transcript { wire, request_id, pieces, usages: Vec::new(), ended: false };
    let events = stream::unfold(transcript, |mut transcript| async {
        let events = transcript.next().await?;
        Some((stream::iter(events).map(Ok::<_, Infallible>), transcript))
    });
    Sse::new(events.flatten()).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response()
}

/// One answer from its first event to its last.
fn pieces<W: Wire>(wire: Arc<W>, answer: Running) -> BoxStream<'static, Piece> {
    let step = |(wire, mut answer): (Arc<W>, Running)| async move {
        let piece = match answer.next().await? {
            Ok(event) => {
                let (index, chunks) = (answer.index, wire.chunks(answer.index, &event, &answer.record));
                match event {
                    Event::Finished { usage, .. } => Piece::Last { chunks, index, usage },
                    _ => Piece::Chunks(chunks),
                }
            }
            Err(error) => Piece::Failed(error),
        };
        Some((piece, (wire, answer)))
    };
    stream::unfold((wire, answer), step).boxed()
}

impl<W: Wire> Transcript<W> {
    async fn next(&mut self) -> Option<Vec<sse::Event>> {
        if self.ended {
            return None;
        }
        match self.pieces.next().await {
            Some(Piece::Chunks(chunks)) => Some(chunks.iter().map(line).collect()),
            Some(Piece::Last { chunks, index, usage }) => {
                self.usages.push((index, usage));
                Some(chunks.iter().map(line).collect())
            }
            Some(Piece::Failed(error)) => {
                self.ended = true;
                // The other answers of this request are of no use to anyone now.
                self.pieces = stream::empty().boxed();
                error.log(&self.request_id);
                Some(vec![line(&error.body(&self.request_id))])
            }
            None => {
                self.ended = true;
                let closing = self.wire.closing(&self.usages);
                Some(closing.iter().map(line).chain([sse::Event::default().data("[DONE]")]).collect())
            }
        }
    }
}

fn line(chunk: &Value) -> sse::Event {
    sse::Event::default().data(chunk.to_string())
}

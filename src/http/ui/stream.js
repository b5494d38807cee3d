// Server-sent events to JSON objects. In: a fetch Response. Out: the parsed payloads, in order, until `[DONE]`.
//
// EventSource is not used: it cannot POST, nor carry an Authorization header. Knows nothing of what the events mean.

/** A stream that ended before `[DONE]`: the connection broke, and what was read is not a whole answer. */
export class Truncated extends Error {}

/** Yields each event's payload. Ends at `[DONE]`; throws `Truncated` if the body ends without one. */
export async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) throw new Truncated();
      buffer += value.replace(/\r\n?/g, "\n");
      let end;
      while ((end = buffer.indexOf("\n\n")) >= 0) {
        const payload = data(buffer.slice(0, end));
        buffer = buffer.slice(end + 2);
        if (payload === "[DONE]") return;
        if (payload) yield JSON.parse(payload);
      }
    }
  } finally {
    reader.cancel().catch(() => {}); // already closed, or aborted by the reader's own stop button
  }
}

/** The `data:` lines of one event, joined; comments (keep-alive pings) and other fields are skipped. */
function data(event) {
  return event
    .split("\n")
    .filter((line) => line.startsWith("data:"))
    .map((line) => line.slice(line[5] === " " ? 6 : 5))
    .join("\n");
}

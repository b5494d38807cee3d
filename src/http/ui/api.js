// Calls to the server. Out: parsed JSON, or a `Response` to stream; failures become `ApiError`.
//
// The API key lives in sessionStorage, so that it goes with the tab. Whoever shows the page decides how to ask for one:
// `onKeyWanted` is called on a 401 and resolves to a key, or to null when the person gives up; they are then left alone
// until they ask something. `onKeyGiven` tells that a key came after that, and what was refused may be loaded.

const KEY = "haetae.key";

/** What the server, or the way to it, said no with. `status` is 0 when nothing answered. */
export class ApiError extends Error {
  constructor({ status = 0, message = "", type = "", code = "", retryAfter = null }) {
    super(message);
    Object.assign(this, { status, type, code, retryAfter });
  }
}

export class Api {
  constructor({ onKeyWanted, onKeyGiven }) {
    Object.assign(this, { onKeyWanted, onKeyGiven, asking: null });
    this.declined = false;
    /** Whether something was left unloaded for want of a key. */
    this.cut = false;
  }

  models = () => this.json("GET", "/v1/models").then((body) => body.data);
  document = (id) => this.json("GET", `/api/documents/${encodeURIComponent(id)}`);
  conversations = () => this.json("GET", "/api/conversations").then((body) => body.conversations);
  conversation = (id) => this.json("GET", `/api/conversations/${encodeURIComponent(id)}`);
  createConversation = (model) => {
    this.declined = false;
    return this.json("POST", "/api/conversations", { model });
  };
  renameConversation = (id, title) => this.json("PATCH", `/api/conversations/${encodeURIComponent(id)}`, { title });
  deleteConversation = (id) => this.json("DELETE", `/api/conversations/${encodeURIComponent(id)}`);

  /** Grants or denies a call that waits, in the name of `by`. */
  decide = (id, grant, by) =>
    this.json("POST", `/api/agent/approvals/${encodeURIComponent(id)}`, { decision: grant ? "grant" : "deny", by });
  approval = (id) => this.json("GET", `/api/agent/approvals/${encodeURIComponent(id)}`);

  /** `/api/datasets` and what lies under it. */
  datasets = (method, path, body) => this.json(method, `/api/datasets${path}`, body);
  exported = (name, format) => this.request("GET", `/api/datasets/${encodeURIComponent(name)}/export?format=${format}`);

  /** The dossier of a run, as a page of its own. */
  dossier = (run) => this.request("GET", `/api/agent/runs/${encodeURIComponent(run)}/dossier?format=html`);

  /** Asks; the Response streams the answer. */
  ask({ model, messages, conversation, signal }) {
    this.declined = false;
    const body = {
      model,
      stream: true,
      messages,
      metadata: conversation ? { conversation_id: conversation } : undefined,
    };
    const headers = { "X-Haetae-Events": "1", "X-Haetae-Lane": "officer" };
    return this.request("POST", "/v1/chat/completions", { body, signal, headers });
  }

  async json(method, path, body) {
    const response = await this.request(method, path, { body });
    const text = await response.text();
    return text ? JSON.parse(text) : null;
  }

  async request(method, path, { body, signal, headers = {} } = {}) {
    const key = sessionStorage.getItem(KEY);
    let response;
    try {
      response = await fetch(path, {
        method,
        signal,
        headers: {
          ...headers,
          ...(body ? { "Content-Type": "application/json" } : {}),
          ...(key ? { Authorization: `Bearer ${key}` } : {}),
        },
        body: body ? JSON.stringify(body) : undefined,
      });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new ApiError({ code: "unreachable" });
    }
    if (response.ok) return response;
    if (response.status === 401 && (await this.newKey(key))) {
      return this.request(method, path, { body, signal, headers });
    }
    throw await failure(response);
  }

  /** Asks for a key once, however many calls were refused together. False when none was given. */
  async newKey(refused) {
    if (sessionStorage.getItem(KEY) !== refused) return true; // another call has been given one meanwhile
    if (this.declined) return false;
    this.asking ??= this.onKeyWanted({ refused: refused !== null }).finally(() => (this.asking = null));
    const given = await this.asking;
    if (given) sessionStorage.setItem(KEY, given);
    if (given && this.cut) this.onKeyGiven();
    this.cut = this.declined = !given;
    return Boolean(given);
  }
}

async function failure(response) {
  const retryAfter = Number.parseInt(response.headers.get("Retry-After") ?? "", 10);
  const { error = {} } = await response.json().catch(() => ({})); // a proxy's HTML page has no envelope
  return new ApiError({
    status: response.status,
    message: error.message,
    type: error.type,
    code: error.code,
    retryAfter: Number.isNaN(retryAfter) ? null : retryAfter,
  });
}

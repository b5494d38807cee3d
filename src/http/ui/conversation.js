// One conversation on the page: its turns, the answer that may be streaming into it, and what is done to them.
//
// Each conversation owns its nodes and its stream, so that a person may look at another one while an answer still
// comes in, and return to it. In: an `Api` and callbacks. Knows nothing of the list of conversations or of addresses.

import { ApiError } from "./api.js";
import { Answer } from "./answer.js";
import { AnswerView } from "./answer-view.js";
import { el } from "./dom.js";
import { t } from "./i18n.js";
import { isGrounded } from "./models.js";
import { events, Truncated } from "./stream.js";

export class Conversation {
  /**
   * `hooks`: open(citation, quotes), ask(text), copy(answer, button), say(words), and, each with the conversation,
   * changed (a stream began or ended), grown (there is more to read) and saved (its record is new or newer).
   */
  constructor(api, hooks, { id = null, model }) {
    Object.assign(this, { api, hooks, id, model, turns: [], stopper: null, unsaved: false });
    this.root = el("div", { class: "turns" });
  }

  static stored(api, hooks, { id, model, messages }) {
    const conversation = new Conversation(api, hooks, { id, model });
    for (const message of messages) {
      if (message.role === "user") conversation.#question(message.content);
      else if (message.role === "assistant")
        conversation.#answer(Answer.stored(message, { grounded: isGrounded(model) }));
    }
    return conversation;
  }

  get empty() {
    return this.turns.length === 0;
  }

  get firstQuestion() {
    return this.turns[0]?.message().content ?? "";
  }

  get running() {
    return this.stopper !== null;
  }

  /** Asks, and reads the answer to its end. Never rejects: what goes wrong is shown in the turn. */
  async ask(text) {
    this.#question(text);
    await this.#run();
  }

  /** Answers the last question again, in place of the last answer. */
  async again() {
    if (this.running) return;
    const last = this.turns.at(-1);
    if (last?.view) {
      last.view.root.remove();
      this.turns.pop();
    }
    await this.#run();
  }

  stop() {
    this.stopper?.abort();
  }

  translate() {
    for (const turn of this.turns) {
      if (turn.view) turn.view.translate();
      else turn.root.setAttribute("aria-label", t("you"));
    }
    this.root.querySelector(".unsaved")?.replaceChildren(t("history.unsaved"));
  }

  async #run() {
    const messages = this.#messages();
    const answer = new Answer({ grounded: isGrounded(this.model) });
    const { view } = this.#answer(answer);
    const stopper = (this.stopper = new AbortController());
    const began = performance.now();
    this.hooks.changed(this);
    try {
      await this.#ensureSaved();
      const response = await this.api.ask({
        model: this.model,
        messages,
        conversation: this.id,
        signal: stopper.signal,
      });
      for await (const chunk of events(response)) {
        if (chunk.error) throw new ApiError(chunk.error);
        const quoted = answer.quotes.length > 0;
        answer.apply(chunk);
        if (!quoted && answer.quotes.length) this.hooks.say(t("announce.quote", { text: answer.quotes[0].text }));
        this.#drawSoon(view);
      }
      answer.end("done", { elapsed: performance.now() - began });
      this.hooks.say(`${t("announce.done")} ${answer.text}`);
    } catch (error) {
      if (stopper.signal.aborted) answer.end("stopped");
      else answer.end("failed", { error: asApiError(error) });
    }
    this.stopper = null;
    view.render();
    this.hooks.changed(this);
    this.hooks.saved(this);
  }

  /** What the model is told: the turns so far, but for questions that came to nothing. */
  #messages() {
    const said = this.turns.map((turn) => turn.message());
    return said.filter((message, i) => message.content && (message.role !== "user" || said[i + 1]?.content !== ""));
  }

  /** Gets the conversation its record. An answer matters more than its record, so a failure only leaves a note. */
  async #ensureSaved() {
    if (this.id || this.unsaved) return;
    try {
      this.id = (await this.api.createConversation(this.model)).id;
      this.hooks.saved(this);
    } catch (error) {
      if (error.status === 401 || error.code === "unreachable") throw error; // the question would fail the same way
      this.unsaved = true;
      this.root.prepend(el("p", { class: "note info unsaved" }, t("history.unsaved")));
    }
  }

  #question(text) {
    const root = el("section", { class: "turn question", "aria-label": t("you") }, el("p", {}, text));
    this.#add({ root, message: () => ({ role: "user", content: text }) });
  }

  #answer(answer) {
    const view = new AnswerView(answer, {
      open: (citation) => this.hooks.open(citation, answer.quotesIn(citation.document)),
      again: () => this.again(),
      ask: (text) => this.hooks.ask(text),
      copy: (copied, button) => this.hooks.copy(copied, button),
      decide: (id, grant, by) => this.#decide(id, grant, by),
      dossier: (run) => this.#dossier(run),
    });
    for (const turn of this.turns) {
      if (turn.view?.last) {
        turn.view.last = false;
        turn.view.render();
      }
    }
    return this.#add({ root: view.root, view, message: () => ({ role: "assistant", content: written(answer) }) });
  }

  /** How a call stands after a person has decided; where someone else was first, how they decided. */
  async #decide(id, grant, by) {
    const decided = await this.api.decide(id, grant, by).catch(() => this.api.approval(id));
    return { state: decided.state, by: decided.decided_by, path: decided.outcome?.path };
  }

  /** Opens a dossier in a tab of its own. By way of a blob, because a link carries no key. */
  async #dossier(run) {
    const tab = window.open("", "_blank");
    try {
      const page = await (await this.api.dossier(run)).text();
      const url = URL.createObjectURL(new Blob([page], { type: "text/html" }));
      if (tab) tab.location = url;
    } catch {
      tab?.close();
      this.root.append(el("p", { class: "note error" }, t("dossier.failed")));
    }
  }

  #add(turn) {
    this.turns.push(turn);
    this.root.append(turn.root);
    return turn;
  }

  /** Draws once a frame, however many tokens came in it. */
  #drawSoon(view) {
    if (this.drawing) return;
    this.drawing = true;
    requestAnimationFrame(() => {
      this.drawing = false;
      view.render();
      this.hooks.grown(this);
    });
  }
}

/** An answer as the model should remember it: the quotation is part of what was said. */
function written(answer) {
  const quotes = answer.quotes.map((quote) => `“${quote.text}” [${quote.n}]`);
  return [...quotes, answer.text].filter(Boolean).join("\n\n");
}

function asApiError(error) {
  if (error instanceof ApiError) return error;
  // A connection that dies mid-body rejects with a TypeError; one that is closed early ends without `[DONE]`.
  if (error instanceof Truncated || error instanceof TypeError) return new ApiError({ code: "broken" });
  return new ApiError({ message: String(error) });
}

// One answer as it comes in. In: the stream's events, or a stored message. Out: plain state that a view draws.
//
// Knows nothing of the DOM or the network, so that stored, streaming, stopped and failed answers are drawn by one view.

/** Stages in the order the pipeline runs them; each event tells that a stage has ended. */
export const STAGES = ["retrieve", "gate", "quote", "queue", "prefill", "generate"];

export class Answer {
  text = "";
  citations = [];
  quotes = [];
  stages = [];
  notices = [];
  refused = null;
  /** Who approved the answer, where it was given before. */
  approved = null;
  checked = null;
  /** What the agent did: its run, its steps, what waits for a person, instructions it saw in data. */
  agent = null;
  error = null;
  /** `waiting` (nothing to read yet), `streaming`, `done`, `stopped` or `failed`. */
  phase = "waiting";
  elapsed = null;

  /** `grounded`: whether the pipeline that quotes stands behind it, or a bare language model. */
  constructor({ grounded }) {
    this.grounded = grounded;
  }

  static stored({ content, haetae }, { grounded }) {
    const answer = new Answer({ grounded });
    Object.assign(answer, { text: content ?? "", phase: "done" });
    for (const key of ["citations", "quotes", "stages", "notices", "refused", "approved", "checked"]) {
      if (haetae?.[key]) answer[key] = haetae[key];
    }
    for (const event of haetae?.agent ?? []) answer.#note(event);
    answer.phase = "done";
    return answer;
  }

  get over() {
    return ["done", "stopped", "failed"].includes(this.phase);
  }

  /** What the pipeline is doing now: the stage after the last one that ended. */
  get doing() {
    if (this.agent) return "call";
    const last = this.stages.at(-1);
    if (!last) return this.grounded ? "retrieve" : "queue";
    return STAGES[Math.min(STAGES.indexOf(last.stage) + 1, STAGES.length - 1)];
  }

  /** Takes in one chunk of the stream. */
  apply(chunk) {
    if (chunk.haetae) this.#note(chunk.haetae);
    const content = chunk.choices?.[0]?.delta?.content;
    if (content) {
      this.text += content;
      this.phase = "streaming";
    }
  }

  #note(event) {
    switch (event.type) {
      case "stage":
        this.stages.push({ stage: event.stage, ms: event.ms });
        break;
      case "evidence":
        this.citations = event.citations;
        break;
      case "quote":
        this.quotes = event.quotes;
        this.phase = "streaming";
        break;
      case "refused":
        this.refused = { looked_for: event.looked_for, nearest: event.nearest };
        this.phase = "streaming";
        break;
      case "checked":
        this.checked = { kept: event.kept, withheld: event.withheld, reasons: event.reasons };
        break;
      case "approved":
        this.approved = { dataset: event.dataset, row: event.row, question: event.question, by: event.by };
        break;
      case "notice":
        this.notices.push({ code: event.code, text: event.text });
        break;
      case "planned":
        this.agent = { run: event.run, steps: event.steps, approvals: [], seen: [] };
        break;
      case "returned": {
        const step = this.agent?.steps.find((step) => step.n === event.n);
        if (step) Object.assign(step, { ended: true, failure: event.failure, ms: event.elapsed_ms });
        break;
      }
      case "approval":
        this.agent?.approvals.push({ id: event.id, tool: event.tool, until: event.expires_at });
        break;
      case "seen":
        this.agent?.seen.push({ source: event.source, text: event.text });
        break;
      default: // a newer server's event: what is understood is still shown
    }
  }

  end(phase, { elapsed = null, error = null } = {}) {
    Object.assign(this, { phase, elapsed, error });
  }

  citation(n) {
    return this.citations.find((citation) => citation.n === n) ?? null;
  }

  quotesIn(document) {
    return this.quotes.filter((quote) => this.citation(quote.n)?.document === document);
  }

  /** The explanation as far as it can be drawn: a mark that is still coming in is held back, not shown as a bracket. */
  get explanation() {
    return this.over ? this.text : this.text.replace(/\[[\d,\s]*$/, "");
  }

  /** Citations that the answer rests on, by number; the others were found and not used. */
  get cited() {
    const used = new Set(this.quotes.map((quote) => quote.n));
    for (const [, marks] of this.text.matchAll(/\[(\d{1,3}(?:\s*,\s*\d{1,3})*)\]/g)) {
      for (const n of marks.split(",")) used.add(Number(n));
    }
    return this.citations.filter((citation) => used.has(citation.n));
  }

  get uncited() {
    const cited = this.cited;
    return this.citations.filter((citation) => !cited.includes(citation));
  }

  /** What goes to the clipboard: the quotation, the explanation, and the sources under their numbers. */
  plain({ sources }) {
    const quotes = this.quotes.map((quote) => `“${quote.text}” [${quote.n}]`).join("\n");
    const list = this.cited.map((c) => `[${c.n}] ${c.title} — ${c.heading} (${c.passage})`).join("\n");
    return [quotes, this.text.trim(), list && `${sources}\n${list}`].filter(Boolean).join("\n\n");
  }
}

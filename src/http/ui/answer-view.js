// Draws an `Answer`: the deciding sentence, the explanation with its marks, the sources, and what can be done with it.
//
// `render` is called again on every change. Blocks of the explanation that have not changed are left alone, so that a
// selection or the keyboard focus on a mark survives the stream.

import { el, icon, iconButton } from "./dom.js";
import { duration, named, t } from "./i18n.js";
import * as markdown from "./markdown.js";

export class AnswerView {
  /** `actions`: open(citation), again(), ask(question). `again` is offered on the last answer only. */
  constructor(answer, actions) {
    Object.assign(this, { answer, actions, drawn: [], last: true });
    this.status = el("p", { class: "doing" });
    this.plan = el("div");
    this.waiting = el("div");
    this.quote = el("div");
    this.notices = el("div");
    this.label = el("p", { class: "explanation-label" });
    this.body = el("div", { class: "explanation prose" });
    this.checked = el("div");
    this.refused = el("div");
    this.problem = el("div");
    this.sources = el("div");
    this.foot = el("div", { class: "answer-foot" });
    this.root = el(
      "article",
      { class: "turn answer" },
      [this.quote, this.notices, this.plan, this.status, this.label, this.body],
      [this.waiting, this.checked, this.refused, this.problem, this.sources, this.foot],
    );
    this.render();
  }

  render() {
    const { answer } = this;
    this.root.setAttribute("aria-label", t("answer"));
    this.root.setAttribute("aria-busy", String(!answer.over));
    this.root.dataset.phase = answer.phase;
    this.#doing();
    replace(this.quote, this.#quotation());
    replace(this.notices, this.#noticed());
    replace(this.plan, this.#planned());
    this.#explanation();
    replace(this.waiting, answer.over && this.#approvals());
    replace(this.checked, answer.over && this.#withheld());
    replace(this.refused, this.#refusal());
    replace(this.problem, this.#failure());
    replace(this.sources, (answer.over || answer.text) && this.#sourceList());
    replace(this.foot, answer.over && this.#footer());
  }

  /** Redraws everything, in the language spoken now. */
  translate() {
    this.drawn = [];
    this.body.replaceChildren();
    this.render();
  }

  #doing() {
    const { answer } = this;
    // Once the explanation comes in, the caret at its end says the same, where the reader looks.
    const words = !answer.over && !answer.text && t(`doing.${answer.doing}`);
    replace(this.status, words && [el("span", { class: "pulse", "aria-hidden": "true" }), words]);
  }

  #quotation() {
    const [first, ...more] = this.answer.quotes;
    if (!first) return null;
    return el(
      "figure",
      { class: "deciding" },
      el(
        "figcaption",
        {},
        el("span", { class: "deciding-label" }, t("quote.label")),
        el("span", { class: "deciding-how" }, t("quote.verbatim")),
      ),
      this.#quoted(first),
      more.length > 0 && el("p", { class: "deciding-more" }, t("quote.more")),
      more.map((quote) => this.#quoted(quote)),
    );
  }

  #quoted(quote) {
    const citation = this.answer.citation(quote.n);
    return el(
      "div",
      { class: "quoted" },
      el("blockquote", { lang: quote.language }, quote.text),
      citation &&
        el(
          "button",
          {
            type: "button",
            class: "quoted-source",
            "aria-label": t("citation.open", { n: quote.n, title: citation.title }),
            on: { click: () => this.actions.open(citation) },
          },
          el("span", { class: "mark-number" }, String(quote.n)),
          el("span", { class: "quoted-title", lang: citation.language }, place(citation)),
          el("span", { class: "chip" }, named("authority", citation.authority)),
          quote.language !== document.documentElement.lang &&
            el("span", { class: "chip plain" }, t(`quote.language.${quote.language}`)),
        ),
    );
  }

  /** What the agent calls, step by step, in sight of whoever asked. */
  #planned() {
    const { agent } = this.answer;
    if (!agent?.steps.length) return null;
    const state = (step) => (!step.ended ? "pending" : step.failure ? "failed" : "done");
    const row = (step) =>
      el(
        "li",
        { "data-state": state(step) },
        el("span", { class: "mark-number" }, String(step.n)),
        el("span", { class: "step-why" }, step.why),
        el("code", { class: "step-call" }, `${step.tool} ${JSON.stringify(step.arguments)}`),
        step.ended && el("span", { class: "figure" }, step.failure ? t("plan.failed") : duration(step.ms)),
      );
    return [
      el(
        "details",
        { class: "plan", open: !this.answer.over },
        el("summary", {}, t("plan.label", { n: agent.steps.length })),
        el("ol", {}, agent.steps.map(row)),
      ),
      agent.seen.map(({ source, text }) => note("withheld", t("plan.seen", { source, text }))),
    ].flat();
  }

  /** What waits for a named person, and the dossier. */
  #approvals() {
    const { agent } = this.answer;
    if (!agent) return null;
    const dossier = agent.steps.length > 0 && agent.run &&
      el(
        "button",
        { type: "button", class: "button", on: { click: () => this.actions.dossier(agent.run) } },
        t("dossier.open"),
      );
    return [...agent.approvals.map((approval) => this.#approval(approval)), dossier].filter(Boolean);
  }

  #approval(approval) {
    if (approval.state) {
      const words = t(`approval.${approval.state}`, { tool: approval.tool, by: approval.by ?? "" });
      return note("info", approval.path ? `${words} ${approval.path}` : words);
    }
    const name = el("input", { type: "text", class: "approval-name", "aria-label": t("approval.name"), placeholder: t("approval.name") });
    const decide = (grant) => async () => {
      if (!name.value.trim()) return name.focus();
      Object.assign(approval, await this.actions.decide(approval.id, grant, name.value.trim()));
      this.render();
    };
    const button = (words, grant) => el("button", { type: "button", class: "button", on: { click: decide(grant) } }, words);
    return el(
      "div",
      { class: "note info approval" },
      icon("info"),
      el("span", {}, t("approval.waits", { tool: approval.tool })),
      name,
      button(t("approval.grant"), true),
      button(t("approval.deny"), false),
    );
  }

  #noticed() {
    return this.answer.notices.map((notice) => note("info", noticeWords(notice)));
  }

  #explanation() {
    const { answer, body } = this;
    // The middle of a refusal, what was looked for and what came nearest, stands below, where it can be pressed.
    const isShown = (_, i, all) => !answer.refused || i === 0 || i === all.length - 1;
    const sources = markdown.blocks(answer.explanation).filter(isShown);
    replace(this.label, sources.length > 0 && this.#written());
    const mark = (n) => this.#mark(n);
    sources.forEach((source, i) => {
      if (this.drawn[i] === source) return;
      const node = markdown.block(source, mark);
      if (body.children[i]) body.children[i].replaceWith(node);
      else body.append(node);
    });
    while (body.children.length > sources.length) body.lastElementChild.remove();
    this.drawn = sources;
  }

  /** Who wrote what follows: said wherever it could be taken for the quotation, or for an answer with sources. */
  #written() {
    const { answer } = this;
    if (answer.agent && !answer.quotes.length) return [t("agent.label"), el("small", {}, t("agent.note"))];
    if (answer.approved) {
      const day = (at) => new Date(at).toLocaleDateString(document.documentElement.lang === "ko" ? "ko-KR" : "en-GB");
      const by = answer.approved.by.map(({ name, at }) => `${name} (${day(at)})`).join(", ");
      return [el("span", { class: "chip" }, icon("check"), t("approved.label")), el("small", {}, t("approved.note", { by }))];
    }
    if (!answer.grounded) return [t("bare.label"), el("small", {}, t("bare.note"))];
    return answer.quotes.length > 0 && [t("explanation.label"), el("small", {}, t("explanation.note"))];
  }

  /** The button for `[n]`. A number that names no passage gives nothing: a mark that leads nowhere is a false claim. */
  #mark(n) {
    const citation = this.answer.citation(n);
    const step = this.answer.agent?.steps.find((step) => step.n === n);
    if (!citation && step) return el("span", { class: "mark step", title: step.tool }, String(n));
    if (!citation) return null;
    const label = t("citation.open", { n, title: citation.title });
    const open = () => this.actions.open(citation);
    return el(
      "button",
      { type: "button", class: "mark", "aria-label": label, title: label, on: { click: open } },
      String(n),
    );
  }

  #withheld() {
    const { checked, text, notices } = this.answer;
    if (!checked?.withheld || notices.some((notice) => notice.code === "explanation_withheld")) return null;
    const words = checked.kept || text.trim() ? t("checked.some", { n: checked.withheld }) : t("checked.all");
    const reasons = [...new Set(checked.reasons ?? [])].map((reason) => named("reason", reason)).join(", ");
    return note("withheld", reasons ? `${words} (${reasons})` : words);
  }

  #refusal() {
    const { refused } = this.answer;
    if (!refused) return null;
    const { looked_for = [], nearest = [] } = refused;
    const ask = (title) =>
      el(
        "button",
        {
          type: "button",
          class: "chip-button",
          title: t("refused.ask", { title }),
          on: { click: () => this.actions.ask(title) },
        },
        title,
      );
    return el(
      "section",
      { class: "refused", "aria-label": t("refused.label") },
      el("p", { class: "refused-label" }, icon("search"), t("refused.label")),
      looked_for.length > 0 &&
        definition(
          t("refused.looked"),
          looked_for.map((term) => el("span", { class: "chip plain" }, term)),
        ),
      nearest.length > 0 && definition(t("refused.nearest"), nearest.map(ask)),
    );
  }

  #failure() {
    const { answer } = this;
    if (answer.phase === "stopped") return note("stopped", t("stopped"));
    if (answer.phase !== "failed") return null;
    const { words, detail } = explain(answer.error);
    return el(
      "div",
      { class: "note error", role: "alert" },
      icon("alert"),
      el("div", {}, el("p", {}, words), detail && el("p", { class: "detail" }, detail)),
      this.last && el("button", { type: "button", class: "button", on: { click: this.actions.again } }, t("retry")),
    );
  }

  #sourceList() {
    const { answer } = this;
    const { cited, uncited } = answer;
    if (answer.refused || !answer.citations.length) return null;
    return el(
      "section",
      { class: "sources", "aria-label": t("sources.label") },
      cited.length > 0 && el("h3", {}, t("sources.label")),
      cited.length > 0 && this.#list(cited),
      answer.over &&
        uncited.length > 0 &&
        el("details", {}, el("summary", {}, t("sources.more", { n: uncited.length })), this.#list(uncited)),
    );
  }

  #list(citations) {
    const row = (citation) =>
      el(
        "li",
        {},
        el(
          "button",
          { type: "button", class: "source", on: { click: () => this.actions.open(citation) } },
          el("span", { class: "mark-number" }, String(citation.n)),
          el("span", { class: "source-title", lang: citation.language }, place(citation)),
          el("span", { class: "chip" }, named("authority", citation.authority)),
        ),
        el("p", { class: "source-text", lang: citation.language }, citation.text),
      );
    return el("ol", {}, citations.map(row));
  }

  #footer() {
    const { answer } = this;
    const copy = iconButton("copy", t("copy"), () => this.actions.copy(answer, copy));
    return [
      (answer.text || answer.quotes.length > 0) && copy,
      this.last && answer.phase !== "failed" && iconButton("again", t("again"), () => this.actions.again()),
      answer.elapsed !== null && answer.stages.length > 0 && timing(answer),
    ];
  }
}

/** The time each stage took, shown when asked for. */
function timing(answer) {
  const longest = Math.max(...answer.stages.map((stage) => stage.ms));
  const row = ({ stage, ms }) => {
    const bar = el("span", { class: "bar" });
    bar.style.setProperty("--share", String(ms / longest));
    return el("li", {}, el("span", {}, named("stage", stage)), bar, el("span", { class: "figure" }, duration(ms)));
  };
  return el(
    "details",
    { class: "timing" },
    el("summary", {}, t("timing", { total: duration(answer.elapsed) })),
    el("ol", { "aria-label": t("timing.label") }, answer.stages.map(row)),
  );
}

/** An error in the person's words, with the server's own beside it where it says more. */
function explain(error) {
  if (error.code === "unreachable") return { words: t("error.unreachable") };
  if (error.code === "broken") return { words: t("error.broken") };
  if (error.status === 429 || error.code === "queue_full") {
    return { words: error.retryAfter ? t("error.busy.after", { n: error.retryAfter }) : t("error.busy") };
  }
  if (error.status === 401) return { words: t("error.key") };
  if (error.code === "context_length_exceeded") return { words: t("error.too_long"), detail: error.message };
  const refused = error.type === "invalid_request_error" || (error.status >= 400 && error.status < 500);
  return { words: refused ? t("error.request") : t("error.server"), detail: error.message };
}

function noticeWords({ code, text }) {
  const words = named("notice", code);
  return words === code ? text : words;
}

/** Where a passage stands, for a list: its title, and the headings below it. */
function place({ title, heading }) {
  const below = heading.startsWith(`${title} > `) ? heading.slice(title.length + 3) : heading;
  return below && below !== title ? `${title} › ${below.replaceAll(" > ", " › ")}` : title;
}

function note(kind, words) {
  return el("p", { class: `note ${kind}` }, icon(kind === "stopped" ? "stop" : "info"), el("span", {}, words));
}

function definition(term, descriptions) {
  return el(
    "div",
    { class: "found" },
    el("span", { class: "found-term" }, term),
    el("span", { class: "found-words" }, descriptions),
  );
}

/** Swaps a slot's children, unless they would look the same: a redraw must not take the focus from an unchanged button. */
function replace(slot, content) {
  const fresh = document.createDocumentFragment();
  fresh.append(...[content].flat().filter(Boolean));
  const now = [...slot.childNodes];
  const next = [...fresh.childNodes];
  const same = now.length === next.length && now.every((node, i) => node.isEqualNode(next[i]));
  if (!same) slot.replaceChildren(fresh);
  slot.hidden = !slot.hasChildNodes();
}

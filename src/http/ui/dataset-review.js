// The queue of a reviewer: one row at a time, judged from the keyboard. a approves, r rejects, e edits, j and k go on and
// back.

import { changes, edit, evidence, rowText } from "./dataset-rows.js";
import { el, icon } from "./dom.js";
import { t } from "./i18n.js";
import { reviewer } from "./reviewer.js";

const FETCHED = 20;

const KEYS = { a: "approve", r: "reject", e: "edit", j: "next", k: "previous" };

export class ReviewQueue {
  constructor(api, name, { say }) {
    Object.assign(this, { api, path: `/${encodeURIComponent(name)}`, say, rows: [], at: 0, mode: "read" });
    this.who = el("input", { type: "text", value: reviewer.name, maxlength: 80, autocomplete: "name", on: { change: () => this.#named() } });
    this.card = el("div", { class: "review-card" });
    this.problem = el("div", { role: "alert" });
    this.root = el(
      "div",
      { class: "review" },
      el("label", { class: "field" }, el("span", {}, t("review.who")), this.who),
      this.problem,
      this.card,
      el("p", { class: "hint keys" }, t("review.keys")),
    );
    this.refresh();
  }

  #named() {
    reviewer.name = this.who.value.trim();
    this.refresh();
  }

  async refresh() {
    if (this.mode !== "read") return; // what is being typed must not be taken away
    this.rows = [];
    this.at = 0;
    if (!reviewer.name) {
      this.card.replaceChildren(el("p", { class: "place-text" }, t("review.nameless")));
      return this.who.focus();
    }
    await this.#fetch();
    this.#draw();
  }

  async #fetch() {
    const by = encodeURIComponent(reviewer.name);
    await this.#try(async () => {
      const { rows } = await this.api.datasets("GET", `${this.path}/queue?by=${by}&limit=${FETCHED}`);
      const known = new Set(this.rows.map((row) => row.id));
      this.rows.push(...rows.filter((row) => !known.has(row.id)));
    });
  }

  /** The row that is shown; none where nothing waits. */
  get row() {
    return this.rows[this.at];
  }

  key(event) {
    const act = KEYS[event.key.toLowerCase()];
    if (this.mode !== "read") {
      if (event.key !== "Escape") return false;
      this.#read();
      return true;
    }
    if (!act || !this.row || event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea, select")) return false;
    this.#act(act);
    return true;
  }

  #act(act) {
    if (act === "approve") this.#judge({ act });
    else if (act === "next") this.#go(1);
    else if (act === "previous") this.#go(-1);
    else {
      this.mode = act;
      this.#draw();
    }
  }

  async #go(step) {
    const to = this.at + step;
    if (to < 0) return;
    if (to >= this.rows.length) await this.#fetch();
    this.at = Math.min(to, this.rows.length);
    this.#draw();
  }

  #read() {
    this.mode = "read";
    this.#draw();
  }

  async #judge(body) {
    const { row } = this;
    await this.#try(async () => {
      const { rows } = await this.api.datasets("POST", `${this.path}/review`, { by: reviewer.name, rows: [row.id], ...body });
      row.state = rows[0].state;
      row.judged = body.act;
      this.mode = "read";
      this.say(t(`review.said.${body.act}`, { n: row.id }));
      await this.#go(1);
    });
  }

  async #save(question, answer) {
    await this.#try(async () => {
      const saved = await this.api.datasets("PATCH", `${this.path}/rows/${this.row.id}`, { by: reviewer.name, question, answer });
      this.rows[this.at] = saved;
      this.say(t("review.saved", { n: saved.id }));
      this.#read();
    });
  }

  async #try(act) {
    this.problem.replaceChildren();
    try {
      await act();
    } catch (error) {
      this.problem.replaceChildren(el("p", { class: "note error" }, icon("alert"), el("span", {}, error.message || t("datasets.failed"))));
    }
  }

  #draw() {
    const { row } = this;
    if (!row) return this.card.replaceChildren(el("p", { class: "place-text" }, t("review.empty")), this.rows.length > 0 && this.#button("previous"));
    const parts = { read: () => this.#buttons(), reject: () => this.#reasonBox(), edit: () => this.#editBox() };
    this.card.replaceChildren(
      el("p", { class: "review-at" }, t("review.at", { n: this.at + 1, of: this.rows.length }), row.judged && ` · ${t(`review.did.${row.judged}`)}`),
      ...(this.mode === "edit" ? [] : [rowText(row), ...evidence(row), ...(row.edits ?? []).map(edit)]),
      parts[this.mode](),
    );
    this.card.querySelector("textarea, input")?.focus();
  }

  #button(act) {
    const key = Object.entries(KEYS).find(([, name]) => name === act)[0];
    const kind = act === "approve" ? "primary" : "";
    return el("button", { type: "button", class: `button ${kind}`, "aria-keyshortcuts": key, on: { click: () => this.#act(act) } }, t(`review.${act}`), el("kbd", {}, key));
  }

  #buttons() {
    return el("div", { class: "review-tools" }, ["approve", "reject", "edit", "previous", "next"].map((act) => this.#button(act)));
  }

  #reasonBox() {
    const reason = el("input", { type: "text", maxlength: 500, required: true, "aria-label": t("review.reason"), placeholder: t("review.reason") });
    const send = (event) => {
      event.preventDefault();
      this.#judge({ act: "reject", reason: reason.value.trim() });
    };
    return el("form", { class: "review-form", on: { submit: send } }, reason, this.#formTools(t("review.reject")));
  }

  #editBox() {
    const { row } = this;
    const area = (field) => {
      const box = el("textarea", { rows: field === "question" ? 3 : 6, required: true, lang: row.language });
      box.value = row[field];
      const shown = el("div", { class: "diff-preview" });
      box.addEventListener("input", () => shown.replaceChildren(...(box.value === row[field] ? [] : [changes(row[field], box.value)])));
      return { box, node: el("label", { class: "field" }, el("span", {}, t(`field.${field}`)), box, shown) };
    };
    const [question, answer] = [area("question"), area("answer")];
    const send = (event) => {
      event.preventDefault();
      this.#save(question.box.value, answer.box.value);
    };
    return el("form", { class: "review-form", on: { submit: send } }, question.node, answer.node, ...evidence(row), this.#formTools(t("review.save")));
  }

  #formTools(words) {
    return el(
      "div",
      { class: "review-tools" },
      el("button", { type: "submit", class: "button primary" }, words),
      el("button", { type: "button", class: "button", on: { click: () => this.#read() } }, t("cancel")),
    );
  }
}

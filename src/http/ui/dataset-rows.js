// The rows of a dataset: searched, filtered by facets that tell how many there are, acted on one by one or many at once.

import { diff } from "./diff.js";
import { el, icon } from "./dom.js";
import { current, named, t } from "./i18n.js";
import { reviewer } from "./reviewer.js";

const PAGE = 30;
const FACETS = ["state", "type", "language", "persona", "difficulty", "split"];
/** Between the last letter typed and the search. */
const PAUSE_MS = 250;

export class RowList {
  constructor(api, name, { say }) {
    Object.assign(this, { api, path: `/${encodeURIComponent(name)}`, say, chosen: new Set(), filter: {}, next: null, asked: 0 });
    this.search = el("input", { type: "search", "aria-label": t("rows.search"), placeholder: t("rows.search"), on: { input: () => this.#typed() } });
    this.facets = el("div", { class: "facets" });
    this.found = el("p", { class: "place-text", role: "status" });
    this.bulk = el("div", { class: "bulk" });
    this.list = el("ol", { class: "rows" });
    this.more = el("button", { type: "button", class: "button", hidden: true, on: { click: () => this.#page() } }, t("rows.more"));
    this.root = el("div", { class: "row-list" }, el("div", { class: "row-search" }, icon("search"), this.search), this.facets, this.found, this.bulk, this.list, this.more);
    this.refresh();
  }

  key(event) {
    if (event.key !== "/") return false;
    this.search.focus();
    return true;
  }

  #typed() {
    clearTimeout(this.typing);
    this.typing = setTimeout(() => {
      this.filter.text = this.search.value.trim();
      this.refresh();
    }, PAUSE_MS);
  }

  get #query() {
    return new URLSearchParams(Object.entries(this.filter).filter(([, value]) => value));
  }

  async refresh() {
    const asked = ++this.asked;
    this.next = null;
    this.chosen.clear();
    this.#drawBulk();
    try {
      const [facets, page] = await Promise.all([
        this.api.datasets("GET", `${this.path}/facets?${this.#query}`),
        this.api.datasets("GET", `${this.path}/rows?${this.#query}&limit=${PAGE}`),
      ]);
      if (asked !== this.asked) return; // a newer question is on its way
      this.#drawFacets(facets);
      this.list.replaceChildren();
      this.#take(page);
    } catch (error) {
      if (asked === this.asked) this.#fail(error);
    }
  }

  async #page() {
    const query = this.#query;
    query.set("after", this.next);
    this.more.disabled = true;
    try {
      this.#take(await this.api.datasets("GET", `${this.path}/rows?${query}&limit=${PAGE}`));
    } catch (error) {
      this.#fail(error);
    }
    this.more.disabled = false;
  }

  #take(page) {
    this.next = page.next ?? null;
    this.more.hidden = this.next === null;
    this.found.textContent = t("rows.found", { n: page.num_found.toLocaleString(current()) });
    this.list.append(...page.rows.map((row) => this.#row(row)));
  }

  #fail(error) {
    this.found.textContent = error.message || t("datasets.failed");
  }

  #drawFacets(facets) {
    const focused = document.activeElement?.dataset?.facet;
    const choice = (facet) => {
      // What is filtered by is counted without itself by nobody: the value chosen stays, with "all" beside it.
      const values = Object.entries(facets[facet]).filter(([value]) => value);
      const chosen = this.filter[facet] ?? "";
      if (chosen && !values.some(([value]) => value === chosen)) values.push([chosen, 0]);
      const select = el(
        "select",
        {
          "data-facet": facet,
          on: {
            change: () => {
              this.filter[facet] = select.value;
              this.refresh();
            },
          },
        },
        el("option", { value: "" }, t("rows.all")),
        values.map(([value, num]) => el("option", { value, selected: value === chosen }, `${facetName(facet, value)} (${num.toLocaleString(current())})`)),
      );
      return el("label", { class: "field" }, el("span", {}, t(`facet.${facet}`)), select);
    };
    const topic = el("input", { type: "text", "data-facet": "topic", value: this.filter.topic ?? "", on: { change: () => ((this.filter.topic = topic.value.trim()), this.refresh()) } });
    this.facets.replaceChildren(...FACETS.map(choice), el("label", { class: "field" }, el("span", {}, t("facet.topic")), topic));
    if (focused) this.facets.querySelector(`[data-facet="${focused}"]`)?.focus();
  }

  #row(row) {
    const box = el("input", {
      type: "checkbox",
      "aria-label": t("rows.choose", { n: row.id }),
      on: {
        change: () => {
          if (box.checked) this.chosen.add(row.id);
          else this.chosen.delete(row.id);
          this.#drawBulk();
        },
      },
    });
    const detail = el("div", { class: "row-detail" });
    const details = el(
      "details",
      { on: { toggle: () => details.open && !detail.hasChildNodes() && this.#open(row.id, detail) } },
      el("summary", {}, t("rows.detail")),
      detail,
    );
    return el("li", { class: "row", "data-row": row.id }, box, el("div", {}, rowText(row), details));
  }

  async #open(id, detail) {
    try {
      detail.replaceChildren(...rowHistory(await this.api.datasets("GET", `${this.path}/rows/${id}`)));
    } catch (error) {
      detail.replaceChildren(el("p", { class: "note error" }, icon("alert"), el("span", {}, error.message)));
    }
  }

  #drawBulk() {
    if (!this.chosen.size) return this.bulk.replaceChildren();
    const who = el("input", { type: "text", value: reviewer.name, "aria-label": t("review.who"), placeholder: t("review.who") });
    const words = el("input", { type: "text", "aria-label": t("rows.words"), placeholder: t("rows.words") });
    const act = (name) => async () => {
      if (!who.value.trim()) return who.focus();
      if (name === "reject" && !words.value.trim()) return words.focus();
      reviewer.name = who.value.trim();
      const body = { by: reviewer.name, rows: [...this.chosen], act: name };
      if (name === "reject") body.reason = words.value.trim();
      if (name === "assign" && words.value.trim()) body.to = words.value.trim();
      try {
        await this.api.datasets("POST", `${this.path}/review`, body);
        this.say(t("rows.done", { n: body.rows.length }));
        await this.refresh();
      } catch (error) {
        this.#fail(error);
      }
    };
    const button = (name) => el("button", { type: "button", class: "button small", on: { click: act(name) } }, t(`review.${name}`));
    this.bulk.replaceChildren(el("span", {}, t("rows.chosen", { n: this.chosen.size })), who, words, ...["approve", "reject", "assign"].map(button));
  }
}

function facetName(facet, value) {
  return facet === "language" ? named("language", value) : named(facet, value);
}

/** Question, answer and what is known of a row at a glance. */
export function rowText(row) {
  return el(
    "div",
    { class: "row-text" },
    el("p", { class: "row-question", lang: row.language }, row.question),
    el("p", { class: "row-answer", lang: row.language }, row.answer),
    row.reason && el("p", { class: "row-reason" }, row.reason),
    el(
      "p",
      { class: "row-facts" },
      el("span", { class: `chip state-${row.state}` }, named("state", row.state)),
      [named("type", row.type), named("persona", row.persona), named("difficulty", row.difficulty), t("rows.topic", { topic: row.topic }), `#${row.id}`].map((words) =>
        el("span", { class: "chip plain" }, words),
      ),
    ),
  );
}

/** The sentences a row rests on. */
export function evidence(row) {
  return row.evidence.map((one) =>
    el("figure", { class: "row-evidence" }, el("blockquote", { lang: row.language }, one.quote), el("figcaption", {}, one.document)),
  );
}

/** What was done to a row and where it comes from. */
function rowHistory(row) {
  const { lineage } = row;
  const facts = [
    ["lineage.generator", named("generator", lineage.generator)],
    ["lineage.prompt", lineage.prompt],
    ["lineage.model", lineage.model],
    ["lineage.seed", lineage.seed],
    ["lineage.calculation", lineage.calculation],
    ["lineage.scores", Object.entries(lineage.scores ?? {}).map(([name, score]) => `${name} ${score}`).join(" · ")],
    ["lineage.assignee", row.assignee],
  ].filter(([, value]) => value !== undefined && value !== null && value !== "");
  const judged = (one) =>
    el("li", {}, t(one.approves ? "history.approved" : "history.rejected", { by: one.reviewer, at: when(one.made_at) }), one.reason && ` ${one.reason}`);
  return [
    ...evidence(row),
    el("dl", { class: "facts-list" }, facts.flatMap(([key, value]) => [el("dt", {}, t(key)), el("dd", {}, String(value))])),
    row.judgements.length > 0 && el("ul", { class: "row-judgements" }, row.judgements.map(judged)),
    ...row.edits.map(edit),
  ].filter(Boolean);
}

/** An edit, with the words that went and came. */
export function edit(change) {
  return el(
    "div",
    { class: "row-edit" },
    el("p", { class: "place-text" }, t("history.edited", { by: change.editor, at: when(change.made_at), field: t(`field.${change.field}`) })),
    changes(change.before, change.after),
  );
}

/** Two texts as one, with what differs marked. */
export function changes(before, after) {
  const names = { gone: "del", new: "ins", same: "span" };
  return el("p", { class: "diff" }, diff(before, after).map(({ kind, text }) => el(names[kind], {}, text)));
}

function when(iso) {
  return new Date(iso).toLocaleString(current() === "ko" ? "ko-KR" : "en-GB", { dateStyle: "medium", timeStyle: "short" });
}

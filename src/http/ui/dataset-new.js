// The form that begins a generation: a name, how many rows, who writes; a preview first.

import { rowText } from "./dataset-rows.js";
import { el, icon } from "./dom.js";
import { named, span, t } from "./i18n.js";

const PREVIEWED = 3;

export class NewDataset {
  constructor(api, { created }) {
    Object.assign(this, { api, created });
    this.name = el("input", { type: "text", maxlength: 64, required: true, autocomplete: "off", spellcheck: "false" });
    this.corpus = el("input", { type: "text", value: "valuation", required: true, autocomplete: "off", spellcheck: "false" });
    this.rows = el("input", { type: "number", min: 1, max: 1_000_000, value: 200, required: true });
    const option = (name) => el("option", { value: name }, t(`writer.${name}`));
    this.writer = el("select", {}, ["templates", "model", "both"].map(option));
    this.shown = el("div", { class: "preview", "aria-live": "polite" });
    const labelled = (key, field) => el("label", { class: "field" }, el("span", {}, t(key)), field);
    const form = el(
      "form",
      { class: "new-dataset-form", on: { submit: (event) => this.#begin(event) } },
      labelled("new.name", this.name),
      labelled("new.corpus", this.corpus),
      labelled("new.rows", this.rows),
      labelled("new.writer", this.writer),
      el(
        "div",
        { class: "new-dataset-tools" },
        el("button", { type: "button", class: "button", on: { click: (event) => this.#preview(event) } }, t("new.preview")),
        el("button", { type: "submit", class: "button primary" }, t("new.begin")),
      ),
    );
    this.root = el("details", { class: "new-dataset" }, el("summary", {}, icon("plus"), t("new.title")), form, this.shown);
  }

  get #config() {
    return { corpus: this.corpus.value.trim(), rows: this.rows.valueAsNumber, generator: this.writer.value };
  }

  async #preview(event) {
    const button = event.currentTarget;
    button.disabled = true;
    this.shown.replaceChildren(el("p", { class: "loading" }, t("new.previewing")));
    try {
      const preview = await this.api.datasets("POST", "/preview", { rows: PREVIEWED, config: this.#config });
      const time = preview.seconds_in_all == null ? null : el("p", { class: "place-text" }, t("new.time", { time: span(preview.seconds_in_all) }));
      this.shown.replaceChildren(
        ...[time, ...preview.notes.map(planNote)].filter(Boolean),
        el("ol", { class: "rows" }, preview.rows.map((row) => el("li", { class: "row" }, rowText(row)))),
      );
    } catch (error) {
      this.#fail(error);
    }
    button.disabled = false;
  }

  async #begin(event) {
    event.preventDefault();
    try {
      this.created(await this.api.datasets("POST", "", { name: this.name.value.trim(), config: this.#config }));
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error) {
    const words = error.message || t("datasets.failed");
    this.shown.replaceChildren(el("p", { class: "note error", role: "alert" }, icon("alert"), el("span", {}, words)));
  }
}

/** What the corpus does not give. */
export function planNote({ type, language, wanted, given }) {
  const words = t("new.note", { type: type ? named("type", type) : t("rows.all"), language: named("language", language), wanted, given });
  return el("p", { class: "note info" }, icon("info"), el("span", {}, words));
}

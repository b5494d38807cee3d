// The map of what a dataset covers: topics down, types across; a cell tells how many of its personas and languages have
// rows. A cell opened shows them one by one, and each hole starts a generation for it.

import { el, icon } from "./dom.js";
import { current, named, t } from "./i18n.js";

export class CoverageMap {
  constructor(api, name, { say, started }) {
    Object.assign(this, { api, path: `/${encodeURIComponent(name)}`, say, started, map: null, open: null });
    this.summary = el("p", { class: "place-text" }, t("datasets.loading"));
    this.cell = el("section", { class: "cell", "aria-live": "polite" });
    this.table = el("div", { class: "map", role: "region", tabindex: "0", "aria-label": t("map.label") });
    this.root = el("div", { class: "coverage" }, this.summary, this.cell, this.table);
    this.table.addEventListener("keydown", (event) => this.#arrow(event));
    this.refresh();
  }

  async refresh() {
    try {
      this.map = await this.api.datasets("GET", `${this.path}/coverage`);
    } catch (error) {
      this.summary.textContent = error.message || t("datasets.failed");
      return;
    }
    this.num = new Map(this.map.cells.map((cell) => [key(cell), cell.num]));
    this.#draw();
    this.#drawCell();
  }

  #draw() {
    const { map } = this;
    const number = (n) => n.toLocaleString(current());
    this.summary.textContent = t("map.summary", { filled: number(map.num_filled), cells: number(map.num_cells) });
    const head = el("tr", {}, el("th", { scope: "col" }, t("facet.topic")), map.types.map((type) => el("th", { scope: "col" }, named("type", type))));
    const body = map.topics.map((topic) =>
      el(
        "tr",
        {},
        el("th", { scope: "row" }, el("span", { class: "map-topic" }, topic.topic), title(topic)),
        map.types.map((type) => el("td", {}, this.#square(topic, type))),
      ),
    );
    this.table.replaceChildren(el("table", {}, el("thead", {}, head), el("tbody", {}, body)));
    const first = this.table.querySelector("td button");
    if (first) first.tabIndex = 0;
  }

  /** The personas and languages of a topic and a type, with how many rows each has. */
  #parts(topic, type) {
    const { personas, languages } = this.map;
    return personas.flatMap((persona) =>
      languages.map((language) => {
        const cell = { topic: topic.topic, type, persona, language };
        return { ...cell, num: this.num.get(key(cell)) ?? 0 };
      }),
    );
  }

  #square(topic, type) {
    const parts = this.#parts(topic, type);
    const filled = parts.filter((part) => part.num > 0).length;
    const level = filled === 0 ? 0 : Math.ceil((filled / parts.length) * 4);
    const label = t("map.cell", { topic: title(topic), type: named("type", type), filled, of: parts.length });
    const show = () => {
      this.open = { topic, type };
      this.#drawCell();
      this.cell.scrollIntoView({ block: "nearest" });
      this.cell.querySelector("button")?.focus();
    };
    return el("button", { type: "button", class: `square level-${level}`, tabindex: "-1", "aria-label": label, title: label, on: { click: show } }, filled ? String(filled) : "");
  }

  /** One stop for the tab key, and the arrows from cell to cell. */
  #arrow(event) {
    const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    const square = event.target.closest("td button");
    if (!square || !steps[event.key]) return;
    event.preventDefault();
    const [down, right] = steps[event.key];
    const cell = square.parentElement;
    const row = cell.parentElement.parentElement.rows[cell.parentElement.sectionRowIndex + down];
    const next = row?.cells[cell.cellIndex + right]?.querySelector("button");
    if (!next) return;
    square.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  }

  #drawCell() {
    if (!this.open) return this.cell.replaceChildren(el("p", { class: "place-text" }, t("map.choose")));
    const { topic, type } = this.open;
    const part = (one) => {
      const words = `${named("persona", one.persona)} · ${named("language", one.language)}`;
      if (one.num > 0) {
        return el("li", { class: "part filled" }, el("span", {}, words), el("strong", {}, String(one.num)));
      }
      const fill = (event) => this.#fill(one, event.currentTarget);
      return el("li", { class: "part" }, el("button", { type: "button", class: "button small", on: { click: fill } }, icon("plus"), words));
    };
    this.note = el("p", { class: "place-text", role: "status" });
    this.cell.replaceChildren(
      el("h2", {}, `${topic.topic}. ${title(topic)} · ${named("type", type)}`),
      el("ul", { class: "parts" }, this.#parts(topic, type).map(part)),
      this.note,
    );
  }

  async #fill(hole, button) {
    const { topic, type, persona, language } = hole;
    button.disabled = true;
    try {
      await this.api.datasets("POST", `${this.path}/coverage`, { topic, type, persona, language });
      this.note.textContent = t("map.begun");
      this.say(t("map.begun"));
      this.started();
    } catch (error) {
      this.note.textContent = error.code === "wrong_state" ? t("map.busy") : error.message || t("datasets.failed");
      button.disabled = false;
    }
  }
}

function key({ topic, type, persona, language }) {
  return [topic, type, persona, language].join("\u0000");
}

function title(topic) {
  return topic.titles[current()] ?? topic.titles.ko ?? topic.titles.en ?? topic.topic;
}

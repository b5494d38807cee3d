// The place of the datasets: their list with what is being generated, and one dataset with its rows, its review and its
// coverage.
//
// In: the address after `#datasets/`, and an `Api`. Each view draws into a node it is given; this decides which is shown
// and keeps the numbers above it up to date while something runs.

import { CoverageMap } from "./dataset-coverage.js";
import { NewDataset, planNote } from "./dataset-new.js";
import { ReviewQueue } from "./dataset-review.js";
import { RowList } from "./dataset-rows.js";
import { el, icon } from "./dom.js";
import { current, onLanguage, span, t } from "./i18n.js";

const REFRESH_MS = 2000;
const FORMATS = ["openai", "alpaca", "sharegpt", "chatml", "parquet", "beir", "csv"];
const VIEWS = { rows: RowList, review: ReviewQueue, coverage: CoverageMap };

export class Datasets {
  constructor(api, root, { say }) {
    Object.assign(this, { api, root, say, name: null, view: null, tab: null, timer: null, open: false });
    onLanguage(() => this.open && this.#redraw());
  }

  /** Shows what the parts of the address name: nothing for the list, a dataset, one of its views. */
  async show([name = null, tab = "rows"]) {
    const same = this.open && this.name === name && this.tab === tab;
    Object.assign(this, { open: true, name, tab: VIEWS[tab] ? tab : "rows" });
    if (!same) await this.#redraw();
    this.root.querySelector("h1")?.focus({ preventScroll: true });
  }

  hide() {
    this.open = false;
    clearTimeout(this.timer);
    this.view = null;
  }

  /** What a key does here; true where it did something. */
  key(event) {
    return this.view?.key?.(event) ?? false;
  }

  async #redraw() {
    clearTimeout(this.timer);
    this.view = this.list = null;
    this.head = el("div", { class: "place-head" });
    this.body = el("div", { class: "place-body" });
    this.root.replaceChildren(this.head, this.body);
    if (this.name === null) {
      this.head.append(el("h1", { tabindex: "-1" }, t("datasets.title")), el("p", { class: "place-text" }, t("datasets.text")));
      const created = (dataset) => (location.hash = address(dataset.name));
      const form = new NewDataset(this.api, { created });
      this.list = el("div", { class: "dataset-list" }, el("p", { class: "loading" }, t("datasets.loading")));
      this.body.append(form.root, this.list);
    } else {
      this.job = el("div");
      this.count = el("p", { class: "place-text" });
      this.head.append(
        el("a", { class: "back", href: "#datasets" }, t("datasets.back")),
        el("h1", { tabindex: "-1" }, this.name),
        this.count,
        this.job,
        el("div", { class: "place-tools" }, this.#tabs(), this.#export()),
      );
      this.view = new VIEWS[this.tab](this.api, this.name, {
        say: this.say,
        started: () => this.#refresh(),
      });
      this.body.append(this.view.root);
    }
    await this.#refresh();
  }

  #tabs() {
    const link = (tab) =>
      el("a", { href: address(this.name, tab), "aria-current": tab === this.tab && "page" }, t(`datasets.tab.${tab}`));
    return el("nav", { class: "tabs", "aria-label": t("datasets.views") }, Object.keys(VIEWS).map(link));
  }

  #export() {
    const choice = el("select", { "aria-label": t("datasets.format") }, FORMATS.map((name) => el("option", { value: name }, name)));
    const save = async (event) => {
      const button = event.currentTarget;
      button.disabled = true;
      try {
        const response = await this.api.exported(this.name, choice.value);
        const link = el("a", { href: URL.createObjectURL(await response.blob()), download: `${this.name}-${choice.value}.zip` });
        link.click();
        setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
      } catch {
        this.say(t("datasets.export.failed"));
      }
      button.disabled = false;
    };
    const button = el("button", { type: "button", class: "button", on: { click: save } }, icon("down"), t("datasets.export"));
    return el("div", { class: "export" }, choice, button);
  }

  /** Reads the numbers again, and goes on doing so while something runs. */
  async #refresh() {
    clearTimeout(this.timer);
    const { name } = this;
    let running = false;
    try {
      if (name === null) {
        const { datasets } = await this.api.datasets("GET", "");
        if (!this.open || this.name !== name) return;
        running = datasets.some((dataset) => dataset.job?.state === "running");
        this.list.replaceChildren(...(datasets.length ? datasets.map((dataset) => this.#card(dataset)) : [el("p", { class: "place-text" }, t("datasets.none"))]));
      } else {
        const dataset = await this.api.datasets("GET", `/${encodeURIComponent(name)}`);
        if (!this.open || this.name !== name) return;
        running = dataset.job?.state === "running";
        this.count.textContent = counted(dataset);
        this.job.replaceChildren(...this.#progress(dataset));
        if (this.wasRunning && !running) this.view?.refresh?.();
      }
    } catch (error) {
      if (!this.open || this.name !== name) return;
      const words = error.status === 404 ? t("datasets.gone") : t("datasets.failed");
      (this.list ?? this.body).replaceChildren(el("p", { class: "note error" }, icon("alert"), el("span", {}, words)));
      if (name === null || error.status !== 404) this.timer = setTimeout(() => this.#refresh(), REFRESH_MS * 5);
      return;
    }
    this.wasRunning = running;
    if (running) this.timer = setTimeout(() => this.#refresh(), REFRESH_MS);
  }

  #card(dataset) {
    return el(
      "section",
      { class: "dataset-card", "aria-label": dataset.name },
      el("h2", {}, el("a", { href: address(dataset.name) }, dataset.name)),
      el("p", { class: "place-text" }, counted(dataset)),
      this.#progress(dataset),
    );
  }

  /** The generation: how far, how fast, and what can be done with it. */
  #progress(dataset) {
    const { job } = dataset;
    if (!job) return [];
    const acts = { running: ["pause", "cancel"], paused: ["resume", "cancel"] }[job.state] ?? [];
    const act = (name) => async (event) => {
      event.currentTarget.disabled = true;
      try {
        await this.api.datasets("POST", `/${encodeURIComponent(dataset.name)}/job`, { act: name });
      } catch {
        // It ended meanwhile: what it is now is told below.
      }
      await this.#refresh();
    };
    const run = job.state === "running" && job.run;
    return [
      el(
        "div",
        { class: "job" },
        el("span", { class: `chip ${job.state === "running" ? "" : "plain"}` }, t(`job.${job.state}`)),
        el("progress", { max: job.rows_wanted, value: Math.min(job.num_good, job.rows_wanted), "aria-label": t("job.progress") }),
        el("span", { class: "job-figures" }, t("job.rows", { have: job.num_good, wanted: job.rows_wanted })),
        run && el("span", { class: "job-figures" }, t("job.rate", { n: Math.round(run.rows_per_hour).toLocaleString(current()) })),
        run?.seconds_left != null && el("span", { class: "job-figures" }, t("job.left", { time: span(run.seconds_left) })),
        acts.map((name) => el("button", { type: "button", class: "button small", on: { click: act(name) } }, t(`job.act.${name}`))),
      ),
      job.failure && el("p", { class: "note error" }, icon("alert"), el("span", {}, t("job.failure", { reason: job.failure }))),
      ...job.notes.slice(0, 3).map((note) => planNote(note)),
    ].filter(Boolean);
  }
}

function counted(dataset) {
  const number = (n) => n.toLocaleString(current());
  return t("datasets.counted", { rows: number(dataset.num_rows), good: number(dataset.num_good), corpus: dataset.corpus });
}

function address(name, tab = "rows") {
  return `#datasets/${encodeURIComponent(name)}/${tab}`;
}

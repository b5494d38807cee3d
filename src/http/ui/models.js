// The choice of what answers: the grounded assistants first, the bare language models after them.
//
// In: `/v1/models`. A model that says it has another role than chat (an embedder) is left out.

import { el } from "./dom.js";
import { named, onLanguage, t } from "./i18n.js";

const STORED = "haetae.model";
const DEFAULT = "customs-valuation";

/** The model that calls the customs tools. */
const AGENT = "customs-agent";

// Known before the list has come, so that a stored conversation is drawn rightly at once.
const grounded = new Set([DEFAULT, "general", AGENT]);

/** Whether `id` answers from a corpus, or from what tools say. */
export function isGrounded(id) {
  return grounded.has(id);
}

export class ModelChoice {
  constructor(api, select) {
    Object.assign(this, { api, select, models: [] });
    select.addEventListener("change", () => localStorage.setItem(STORED, select.value));
    onLanguage(() => this.#draw());
  }

  get chosen() {
    return this.select.value || DEFAULT;
  }

  /** Chooses `id`, if it is still offered. */
  choose(id) {
    if (this.models.some((model) => model.id === id)) this.select.value = id;
  }

  async load() {
    try {
      this.models = (await this.api.models()).filter((model) => (model.haetae?.role ?? "chat") === "chat");
      for (const { id, corpora } of this.models) if (corpora) grounded.add(id);
    } catch {
      this.models = []; // asking will say what is wrong, in the place where it is read
    }
    this.#draw();
    this.choose(localStorage.getItem(STORED) ?? DEFAULT);
  }

  #draw() {
    const { chosen } = this;
    const option = ({ id }) => el("option", { value: id }, named("model", id));
    const bound = this.models.filter((model) => isGrounded(model.id));
    const bare = this.models.filter((model) => !isGrounded(model.id));
    this.select.replaceChildren(
      ...[
        bound.length > 0 && el("optgroup", { label: t("model.grounded") }, bound.map(option)),
        bare.length > 0 && el("optgroup", { label: t("model.bare") }, bare.map(option)),
        this.models.length === 0 && el("option", { value: "" }, t("model.none")),
      ].filter(Boolean),
    );
    this.choose(chosen);
  }
}

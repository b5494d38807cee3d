// The list of conversations: grouped by day, opened, renamed, deleted.
//
// The server keeps them; this only shows what it lists. In: an `Api`. Out: onOpen(id), onDeleted(id).

import { confirmDeletion } from "./dialogs.js";
import { el, iconButton } from "./dom.js";
import { onLanguage, t } from "./i18n.js";

const DAY_MS = 24 * 60 * 60 * 1000;

export class History {
  constructor(api, root, { onOpen, onDeleted }) {
    Object.assign(this, {
      api,
      root,
      onOpen,
      onDeleted,
      conversations: null,
      failed: false,
      current: null,
      suggested: new Map(),
      renaming: null,
    });
    onLanguage(() => this.#draw());
    this.#draw();
  }

  async refresh() {
    try {
      this.conversations = await this.api.conversations();
      this.failed = false;
    } catch {
      this.failed = true; // shown in the list's place; the page works without it
    }
    this.#draw();
  }

  /** Marks the conversation that is open. */
  select(id) {
    this.current = id;
    this.#draw();
  }

  /** What to call a conversation until the server has a title for it. */
  suggest(id, title) {
    this.suggested.set(id, title);
  }

  #title({ id, title }) {
    return title || this.suggested.get(id) || t("history.untitled");
  }

  #draw() {
    if (this.renaming) return; // a refresh must not take away the box that is being typed in
    if (this.failed) {
      const retry = el("button", { type: "button", class: "button", on: { click: () => this.refresh() } }, t("retry"));
      this.root.replaceChildren(el("p", { class: "history-note" }, t("history.failed")), retry);
    } else if (!this.conversations) {
      this.root.replaceChildren(...[72, 56, 64].map((width) => el("span", { class: `skeleton w${width}` })));
    } else if (!this.conversations.length) {
      this.root.replaceChildren(el("p", { class: "history-note" }, t("history.empty")));
    } else {
      this.root.replaceChildren(...this.#groups());
    }
  }

  #groups() {
    const groups = Map.groupBy(this.conversations, (conversation) => age(conversation.updated_at));
    return ["today", "yesterday", "week", "older"]
      .filter((name) => groups.has(name))
      .flatMap((name) => [
        el("h3", {}, t(`history.${name}`)),
        el(
          "ul",
          {},
          groups.get(name).map((conversation) => this.#row(conversation)),
        ),
      ]);
  }

  #row(conversation) {
    const title = this.#title(conversation);
    const open = (event) => {
      event.preventDefault();
      this.onOpen(conversation.id);
    };
    const row = el(
      "li",
      { class: conversation.id === this.current && "current" },
      el(
        "a",
        {
          href: `#${conversation.id}`,
          "aria-current": conversation.id === this.current && "page",
          on: { click: open },
        },
        title,
      ),
      iconButton("pencil", t("history.rename", { title }), () => this.#rename(row, conversation)),
      iconButton("trash", t("history.delete", { title }), () => this.#delete(conversation)),
    );
    return row;
  }

  #rename(row, conversation) {
    const box = el("input", { class: "rename", maxlength: 120, "aria-label": t("history.name") });
    box.value = this.#title(conversation);
    this.renaming = box;
    const finish = async (keep) => {
      if (this.renaming !== box) return;
      this.renaming = null;
      const title = box.value.trim();
      if (keep && title && title !== conversation.title) {
        const before = conversation.title;
        conversation.title = title;
        await this.api.renameConversation(conversation.id, title).catch(() => (conversation.title = before));
      }
      this.#draw();
      this.root.querySelector(`a[href="#${CSS.escape(conversation.id)}"]`)?.focus();
    };
    box.addEventListener("keydown", (event) => {
      if (event.isComposing || event.keyCode === 229) return;
      if (event.key === "Enter") finish(true);
      if (event.key === "Escape") {
        event.stopPropagation();
        finish(false);
      }
    });
    box.addEventListener("blur", () => finish(true));
    row.replaceChildren(box);
    box.focus();
    box.select();
  }

  async #delete(conversation) {
    const title = this.#title(conversation);
    if (!(await confirmDeletion(title))) return;
    try {
      await this.api.deleteConversation(conversation.id);
    } catch (error) {
      if (error.status !== 404) return this.refresh(); // already gone is as good as deleted
    }
    this.conversations = this.conversations.filter((other) => other.id !== conversation.id);
    this.#draw();
    this.onDeleted(conversation.id);
  }
}

function age(iso) {
  const midnight = new Date().setHours(0, 0, 0, 0);
  const then = new Date(iso).getTime();
  if (then >= midnight) return "today";
  if (then >= midnight - DAY_MS) return "yesterday";
  return then >= midnight - 7 * DAY_MS ? "week" : "older";
}

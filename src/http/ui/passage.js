// The panel that shows the passage a citation rests on, in its document: beside the conversation on a wide screen, a
// sheet from below on a phone.
//
// In: a citation and the quotes of its answer. The stored spans are checked against the document as it is now; where
// they no longer fit, the passage is shown as the answer saw it, with a word of why.

import { el, icon } from "./dom.js";
import { current, named, onLanguage, t } from "./i18n.js";
import { label } from "./reference.js";
import { SpannedText } from "./spans.js";

/** As in css/panel.css. */
const OVERLAID = "(max-width: 75rem)";

export class PassagePanel {
  constructor(api, root) {
    Object.assign(this, { api, root, shown: null, opener: null });
    this.title = root.querySelector(".panel-title");
    this.content = root.querySelector(".panel-content");
    root.querySelector(".panel-close").append(icon("close"));
    root.querySelector(".panel-close").addEventListener("click", () => this.close());
    document.querySelector(".panel-veil").addEventListener("click", () => this.close());
    onLanguage(() => this.isOpen && this.shown && this.#draw(this.shown));
  }

  get isOpen() {
    return !this.root.hidden;
  }

  async open(citation, quotes) {
    if (!this.isOpen) this.opener = document.activeElement;
    this.root.hidden = false;
    document.body.classList.add("panel-open");
    // Where the panel lies over the page, what is under it is out of reach for the keyboard too.
    for (const under of document.querySelectorAll(".stage, .drawer")) under.inert = matchMedia(OVERLAID).matches;
    const wanted = (this.wanted = { citation, quotes, document: null, missing: false, failed: false });
    this.shown = null;
    this.#head(citation);
    this.content.replaceChildren(el("p", { class: "loading" }, t("panel.loading")));
    this.root.querySelector(".panel-close").focus({ preventScroll: true });
    try {
      wanted.document = await this.api.document(citation.document);
    } catch (error) {
      wanted.missing = error.status === 404;
      wanted.failed = !wanted.missing;
    }
    if (this.wanted !== wanted || !this.isOpen) return; // another citation was opened, or the panel closed, meanwhile
    this.shown = wanted;
    this.#draw(wanted);
  }

  close() {
    if (!this.isOpen) return;
    this.root.hidden = true;
    document.body.classList.remove("panel-open");
    for (const under of document.querySelectorAll(".stage, .drawer")) under.inert = false;
    if (this.opener?.isConnected) this.opener.focus({ preventScroll: true });
  }

  #head(citation) {
    this.title.replaceChildren(el("span", { class: "mark-number" }, String(citation.n)), citation.title);
    this.title.lang = citation.language;
  }

  #draw({ citation, quotes, document: source, missing, failed }) {
    this.#head(citation);
    const body = el("div", { class: "document prose", lang: citation.language });
    const facts = this.#facts(citation, source);
    let warning = null;
    if (source) {
      const text = new SpannedText(source.text);
      const changed = text.slice(citation.span) !== citation.text || quotes.some((q) => text.slice(q.span) !== q.text);
      if (changed) {
        warning = t("panel.changed");
        body.append(...remembered(citation));
      } else {
        const marks = quotes.map((quote) => ({ span: quote.span, name: "quoted" }));
        body.append(...text.render([{ span: citation.span, name: "cited" }, ...marks]));
        const first = body.firstElementChild;
        if (first?.localName === "h3" && first.textContent === citation.title && !first.querySelector(".quoted")) {
          first.remove(); // the panel's own head already says it
        }
      }
    } else {
      warning = missing ? t("panel.gone") : null;
      if (missing) body.append(...remembered(citation));
    }
    this.content.replaceChildren(
      ...[
        facts,
        failed && el("p", { class: "note error" }, icon("alert"), el("span", {}, t("panel.failed"))),
        failed && this.#retry(citation, quotes),
        warning && el("p", { class: "note info" }, icon("info"), el("span", {}, warning)),
        body,
      ].filter(Boolean),
    );
    this.#reveal();
  }

  #retry(citation, quotes) {
    return el(
      "button",
      { type: "button", class: "button", on: { click: () => this.open(citation, quotes) } },
      t("retry"),
    );
  }

  /** Brings the mark into view: the quoted sentence if there is one, else the passage. */
  #reveal() {
    const mark = this.content.querySelector("mark.quoted") ?? this.content.querySelector("mark.cited");
    if (!mark) return;
    const smooth = !matchMedia("(prefers-reduced-motion: reduce)").matches;
    mark.scrollIntoView({ block: "center", behavior: smooth ? "smooth" : "instant" });
  }

  #facts(citation, source) {
    const refs = source?.refs ?? citation.refs ?? [];
    const row = (term, ...value) => [el("dt", {}, term), el("dd", {}, ...value)];
    return el(
      "div",
      { class: "facts" },
      citation.heading &&
        el("p", { class: "facts-heading", lang: citation.language }, citation.heading.replaceAll(" > ", " › ")),
      el(
        "p",
        { class: "facts-chips" },
        el("span", { class: "chip" }, named("authority", citation.authority)),
        el("span", { class: "chip plain" }, named("corpus", citation.corpus)),
        el("span", { class: "chip plain" }, named("language", citation.language)),
      ),
      el(
        "dl",
        {},
        source?.effective_from && row(t("panel.effective"), source.effective_from),
        refs.length > 0 &&
          row(
            t("panel.refs"),
            el(
              "ul",
              {},
              refs.map((ref) => el("li", { title: ref }, label(ref, current()))),
            ),
          ),
        source?.source && row(t("panel.source"), source.source),
      ),
    );
  }
}

/** The passage as the answer saw it, for a document that has changed or gone. */
function remembered(citation) {
  const text = new SpannedText(citation.text);
  return text.render([{ span: { start: 0, end: text.bytes.length }, name: "cited" }]);
}

// The page put together: which conversation is shown, or the datasets, the top bar, the keyboard.
//
// The address after `#` is the open conversation's id, or begins with `datasets`, so that a reload, a bookmark and the back button work without
// the server knowing of them.

import { Api } from "./api.js";
import { Composer } from "./composer.js";
import { Conversation } from "./conversation.js";
import { Datasets } from "./datasets.js";
import { askKey } from "./dialogs.js";
import { el, icon } from "./dom.js";
import { History } from "./history.js";
import { current, onLanguage, speak, t, translate } from "./i18n.js";
import { ModelChoice } from "./models.js";
import { PassagePanel } from "./passage.js";

const QUESTION_MARGIN_PX = 16;
const $ = (selector) => document.querySelector(selector);

const api = new Api({
  onKeyWanted: askKey,
  onKeyGiven: () => {
    models.load();
    history.refresh();
  },
});
const models = new ModelChoice(api, $("#model"));
const panel = new PassagePanel(api, $("#panel"));
const history = new History(api, $("#history"), {
  onOpen: (id) => {
    drawer(false);
    if (location.hash.slice(1) === id) route();
    else location.hash = id;
  },
  onDeleted: (id) => {
    running.get(id)?.stop();
    if (shown.id === id) begin();
  },
});
const composer = new Composer($("#composer"), { onSend: ask, onStop: () => shown.stop() });
const datasets = new Datasets(api, $("#place"), { say: (words) => ($("#announcer").textContent = words) });
const scroller = $("#scroller");
/** Conversations with an answer coming in, by id: they go on while another is shown. */
const running = new Map();
let shown;

const hooks = {
  open: (citation, quotes) => panel.open(citation, quotes),
  ask: (text) => composer.fill(text),
  say: (words) => ($("#announcer").textContent = words),
  copy: async (answer, button) => {
    await copy(answer.plain({ sources: t("sources.label") }));
    button.replaceChildren(icon("check"));
    hooks.say(t("copied"));
    setTimeout(() => button.replaceChildren(icon("copy")), 1600);
  },
  changed: (conversation) => {
    if (conversation === shown) composer.setBusy(conversation.running);
    if (!conversation.running) running.delete(conversation.id);
    else if (conversation.id) running.set(conversation.id, conversation);
    if (conversation !== shown) return;
    if (conversation.running) toQuestion();
    else offerLatest();
  },
  grown: (conversation) => conversation === shown && offerLatest(),
  saved: (conversation) => {
    history.suggest(conversation.id, conversation.firstQuestion);
    if (conversation.running) running.set(conversation.id, conversation);
    if (conversation === shown && conversation.id && !datasets.open) {
      // Not `location.hash =`: that would be answered by a load of what is already here.
      window.history.replaceState(null, "", `#${conversation.id}`);
      history.select(conversation.id);
    }
    history.refresh();
  },
};

function ask(text) {
  shown.model = models.chosen;
  shown.ask(text);
  $("#empty").hidden = true;
}

/** Shows what the address names. */
function route() {
  const [place, ...rest] = location.hash.slice(1).split("/");
  if (place !== "datasets") {
    leave();
    return show(place);
  }
  if (!shown) put(new Conversation(api, hooks, { model: models.chosen }));
  panel.close();
  drawer(false);
  history.select(null);
  document.body.classList.add("in-datasets");
  $("#place").hidden = false;
  $("#to-datasets").setAttribute("aria-current", "page");
  scroller.scrollTop = 0;
  return datasets.show(rest.map(decoded));
}

/** A part of the address as it was meant; one that is no encoding is taken as it stands. */
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Back from the datasets to the conversations. */
function leave() {
  datasets.hide();
  document.body.classList.remove("in-datasets");
  $("#place").hidden = true;
  $("#to-datasets").removeAttribute("aria-current");
}

/** Shows a new, empty conversation. */
function begin() {
  leave();
  window.history.replaceState(null, "", location.pathname);
  put(new Conversation(api, hooks, { model: models.chosen }));
  history.select(null);
  if (matchMedia("(hover: hover)").matches) composer.focus(); // on a phone that would raise the keyboard unasked
}

/** Shows the conversation with this id. */
async function show(id) {
  if (!id) return begin();
  if (shown?.id === id) return;
  history.select(id);
  if (running.has(id)) return put(running.get(id));
  const waiting = new Conversation(api, hooks, { id, model: models.chosen });
  waiting.root.append(el("p", { class: "loading" }, t("history.loading")));
  put(waiting, { loading: true });
  let conversation;
  try {
    conversation = Conversation.stored(api, hooks, await api.conversation(id));
  } catch {
    waiting.root.replaceChildren(el("p", { class: "note error" }, icon("alert"), el("span", {}, t("history.gone"))));
    return;
  }
  if (shown === waiting) put(conversation);
}

function put(conversation, { loading = false } = {}) {
  panel.close();
  shown = conversation;
  models.choose(conversation.model);
  $("#conversation").replaceChildren(conversation.root);
  $("#empty").hidden = !conversation.empty || loading;
  composer.setBusy(conversation.running);
  conversation.translate();
  toQuestion();
}

/**
 * Brings the last question to the top. The view then stays where it is while the answer grows: the deciding sentence
 * comes first and is what is read first, and text that moves cannot be read.
 */
function toQuestion() {
  const question = shown.root.querySelector(".question:nth-last-child(-n + 2)");
  scroller.scrollTop = question ? question.offsetTop - scroller.offsetTop - QUESTION_MARGIN_PX : 0;
  offerLatest();
}

/** How far the answer goes on below the view. */
function below() {
  const parts = [...(shown.root.lastElementChild?.children ?? [])];
  const end = parts.findLast((part) => !part.hidden)?.getBoundingClientRect().bottom ?? 0;
  return end - scroller.getBoundingClientRect().bottom;
}

function offerLatest() {
  $("#latest").hidden = below() <= 0;
}

/** The clipboard, also where the page is served without TLS and the browser withholds the modern one. */
async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const box = el("textarea", { class: "visually-hidden" });
  box.value = text;
  document.body.append(box);
  box.select();
  document.execCommand("copy");
  box.remove();
}

function drawer(open) {
  document.body.classList.toggle("drawer-open", open);
  $(".stage").inert = open;
  $("#menu").setAttribute("aria-expanded", String(open));
  if (open) $("#new").focus();
}

function drawWords() {
  document.documentElement.lang = current();
  document.title = t("app.title");
  translate(document);
  const dark = window.haetaeTheme.current() === "dark";
  $("#theme").replaceChildren(icon(dark ? "sun" : "moon"));
  const words = t(dark ? "theme.light" : "theme.dark");
  $("#theme").setAttribute("aria-label", words);
  $("#theme").title = words;
  const example = (n) => {
    const question = t(`example.${n}`);
    return el("li", {}, el("button", { type: "button", on: { click: () => ask(question) } }, question, icon("arrow")));
  };
  $("#examples").replaceChildren(...[1, 2, 3, 4].map(example));
  shown?.translate();
}

for (const node of document.querySelectorAll("[data-icon]")) node.prepend(icon(node.dataset.icon));
$("#new").addEventListener("click", () => {
  drawer(false);
  begin();
});
$("#new-small").addEventListener("click", begin);
$("#menu").addEventListener("click", () => drawer(true));
$("#drawer-close").addEventListener("click", () => drawer(false));
$(".drawer-veil").addEventListener("click", () => drawer(false));
$("#language").addEventListener("click", () => speak(current() === "ko" ? "en" : "ko"));
$("#theme").addEventListener("click", () => {
  window.haetaeTheme.toggle();
  drawWords();
});
$("#latest").addEventListener("click", () => {
  scroller.scrollTop += below() + QUESTION_MARGIN_PX;
});
scroller.addEventListener("scroll", offerLatest, { passive: true });
$("#to-datasets").addEventListener("click", () => drawer(false));
window.addEventListener("hashchange", route);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawWords);
onLanguage(drawWords);

document.addEventListener("keydown", (event) => {
  if (event.isComposing || document.querySelector("dialog[open]")) return;
  const typing = event.target.matches("input, textarea, select");
  if (datasets.open && (!typing || event.key === "Escape") && datasets.key(event)) return event.preventDefault();
  if (event.key === "Escape") {
    if (document.body.classList.contains("drawer-open")) drawer(false);
    else if (panel.isOpen) panel.close();
    else shown.stop();
  } else if ((event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey)) || (event.key === "/" && !typing)) {
    event.preventDefault();
    drawer(false);
    if (datasets.open) location.hash = shown.id ?? "";
    composer.focus();
  }
});

drawWords();
await models.load();
await Promise.all([route(), history.refresh()]);
document.documentElement.dataset.ready = "";

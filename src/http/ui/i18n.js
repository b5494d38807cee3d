// The page's words in its two languages, and which of them is spoken now.
//
// `t("key", {n: 3})` gives the words; a key that is missing throws, so that a browser test finds it. Static words in
// index.html name their key in `data-i18n` (text), `data-i18n-label` (accessible name and tooltip) or
// `data-i18n-placeholder`.

import en from "./words/en.js";
import ko from "./words/ko.js";

const STORED = "haetae.language";

const WORDS = { ko, en };

let language = localStorage.getItem(STORED) ?? (navigator.language.toLowerCase().startsWith("ko") ? "ko" : "en");
const listeners = new Set();

export function current() {
  return language;
}

/** Changes the language, remembers it and tells everyone who shows words. */
export function speak(next) {
  language = next;
  localStorage.setItem(STORED, next);
  for (const listener of listeners) listener();
}

export function onLanguage(listener) {
  listeners.add(listener);
}

export function t(key, values = {}) {
  const words = WORDS[language][key];
  if (words === undefined) throw new Error(`no words for ${key} in ${language}`);
  return words.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

/** The words for a value the server chose, or the value itself where it has none here (a user's corpus, say). */
export function named(group, value) {
  return WORDS[language][`${group}.${value}`] ?? value;
}

/** A duration in milliseconds. */
export function duration(ms) {
  if (ms < 1000) return t("ms", { n: ms < 10 ? ms.toFixed(1) : Math.round(ms) });
  return t("seconds", { n: (ms / 1000).toFixed(1) });
}

/** A longer time, in seconds: minutes beyond two of them. */
export function span(seconds) {
  return seconds < 120 ? t("seconds", { n: Math.ceil(seconds) }) : t("minutes", { n: Math.round(seconds / 60) });
}

/** Fills in the static words of `root`. */
export function translate(root) {
  for (const node of root.querySelectorAll("[data-i18n]")) node.textContent = t(node.dataset.i18n);
  for (const node of root.querySelectorAll("[data-i18n-label]")) {
    const words = t(node.dataset.i18nLabel);
    node.setAttribute("aria-label", words);
    if (node.matches("button, select")) node.title = words;
  }
  for (const node of root.querySelectorAll("[data-i18n-placeholder]"))
    node.placeholder = t(node.dataset.i18nPlaceholder);
}

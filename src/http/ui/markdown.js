// Markdown written by a model, to DOM nodes. Safe by construction: every piece of text becomes a text node, the only
// elements are those named here, and a link is kept only when it is http(s).
//
// In: source text; `mark(n)`, which gives the node for a citation mark, or null to drop it. Out: block nodes.
// Covers what chat models write (headings, emphasis, code, lists, tables, quotes, rules, links); the rest stays text.

import { el } from "./dom.js";

/** Splits source into top-level blocks, so that a growing text re-renders only the blocks that changed. */
export function blocks(source) {
  const out = [];
  let current = [];
  let fence = null;
  const flush = () => {
    if (current.length) out.push(current.join("\n"));
    current = [];
  };
  for (const line of source.replace(/\r\n?/g, "\n").split("\n")) {
    const marker = /^\s*(`{3,}|~{3,})/.exec(line)?.[1];
    if (fence) {
      current.push(line);
      if (marker && marker[0] === fence[0] && marker.length >= fence.length) {
        flush();
        fence = null;
      }
    } else if (marker) {
      flush();
      fence = marker;
      current.push(line);
    } else if (!line.trim()) {
      // A blank line inside a list does not end it if the list goes on; `joinLists` mends that.
      flush();
    } else {
      if (current.length && kind(line) !== kind(current[0]) && starts(line, current[0])) flush();
      current.push(line);
      if (kind(line) === "heading" || kind(line) === "rule") flush();
    }
  }
  flush();
  return joinLists(out);
}

/** Renders one block. */
export function block(source, mark) {
  const lines = source.split("\n");
  switch (kind(lines[0])) {
    case "fence":
      return codeBlock(lines);
    case "heading": {
      const [, hashes, text] = /^\s*(#{1,6})\s+(.*?)\s*#*$/.exec(lines[0]);
      // h1 and h2 belong to the page; an answer's own headings start below them.
      return el(`h${Math.min(hashes.length + 2, 6)}`, {}, inline(text, mark));
    }
    case "rule":
      return el("hr");
    case "quote":
      return el("blockquote", {}, render(lines.map((line) => line.replace(/^\s*> ?/, "")).join("\n"), mark));
    case "item":
      return list(
        lines.filter((line) => line.trim()),
        mark,
      );
    case "table":
      if (lines.length > 1 && isDelimiter(lines[1])) return table(lines, mark);
      return paragraph(lines, mark);
    default:
      return paragraph(lines, mark);
  }
}

/** Renders a whole text. */
export function render(source, mark) {
  return blocks(source).map((text) => block(text, mark));
}

function kind(line) {
  if (/^\s*(`{3,}|~{3,})/.test(line)) return "fence";
  if (/^\s{0,3}#{1,6}\s+\S/.test(line)) return "heading";
  if (/^\s{0,3}([-*_])(\s*\1){2,}\s*$/.test(line)) return "rule";
  if (/^\s{0,3}>/.test(line)) return "quote";
  if (/^\s*([-*+•]|\d{1,3}[.)])\s+/.test(line)) return "item";
  if (/^\s*\|.*\|/.test(line)) return "table";
  return "text";
}

/** Whether `line` opens a new block after a block that began with `first`. Text goes on in a paragraph or an item. */
function starts(line, first) {
  return kind(line) !== "text" || !["text", "item"].includes(kind(first));
}

function joinLists(sources) {
  const out = [];
  for (const source of sources) {
    const previous = out.at(-1);
    const goesOn = kind(source.split("\n")[0]) === "item" || /^\s{2,}\S/.test(source);
    if (previous && goesOn && kind(previous.split("\n")[0]) === "item") out[out.length - 1] = `${previous}\n${source}`;
    else out.push(source);
  }
  return out;
}

function paragraph(lines, mark) {
  const node = el("p");
  lines.forEach((line, index) => {
    if (index) node.append(/ {2}$/.test(lines[index - 1]) ? el("br") : "\n");
    node.append(...inline(line.trim(), mark));
  });
  return node;
}

function codeBlock(lines) {
  const closed = lines.length > 1 && kind(lines.at(-1)) === "fence";
  const text = lines.slice(1, closed ? -1 : undefined).join("\n");
  return el("pre", { tabindex: 0 }, el("code", {}, text));
}

function list(lines, mark) {
  const [, indent, bullet] = /^(\s*)([-*+•]|\d{1,3}[.)])\s+/.exec(lines[0]);
  const ordered = /\d/.test(bullet);
  const start = Number.parseInt(bullet, 10);
  const node = ordered ? el("ol", { start: start === 1 ? null : start }) : el("ul");
  let entry = null;
  const close = () => {
    if (!entry) return;
    const nested = entry.slice(1);
    const first = nested.findIndex((line) => kind(line) === "item");
    const text = [entry[0], ...(first < 0 ? nested : nested.slice(0, first))].join(" ");
    node.append(el("li", {}, inline(text.trim(), mark), first < 0 ? null : list(nested.slice(first), mark)));
  };
  for (const line of lines) {
    const match = /^(\s*)([-*+•]|\d{1,3}[.)])\s+(.*)$/.exec(line);
    if (match && match[1].length <= indent.length + 1) {
      close();
      entry = [match[3]];
    } else {
      entry.push(match ? line : line.trim());
    }
  }
  close();
  return node;
}

function isDelimiter(line) {
  return /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/.test(line);
}

function cells(line) {
  return line
    .trim()
    .replace(/^\||\|$/g, "")
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll("\\|", "|"));
}

function table(lines, mark) {
  const aligned = cells(lines[1]).map((cell) => (/:$/.test(cell) ? (/^:/.test(cell) ? "center" : "end") : null));
  const row = (line, name) =>
    el(
      "tr",
      {},
      cells(line).map((cell, i) => el(name, { class: aligned[i] && `align-${aligned[i]}` }, inline(cell, mark))),
    );
  return el(
    "div",
    { class: "table", tabindex: 0, role: "group" },
    el(
      "table",
      {},
      el("thead", {}, row(lines[0], "th")),
      el(
        "tbody",
        {},
        lines.slice(2).map((line) => row(line, "td")),
      ),
    ),
  );
}

const INLINE = new RegExp(
  [
    /(?<escape>\\[\\`*_{}[\]()#+\-.!|~>])/,
    /(?<ticks>`+)(?<code>.+?)\k<ticks>/,
    /\[(?<marks>\d{1,3}(?:\s*,\s*\d{1,3})*)\](?!\()/,
    /\[(?<label>[^\]\n]+)\]\((?<href>[^()\s]+(?:\([^()\s]*\)[^()\s]*)*)(?:\s+"[^"]*")?\)/,
    /\*\*(?<strong>\S(?:.*?\S)??)\*\*/,
    /__(?<strong2>\S(?:.*?\S)??)__/,
    /\*(?<em>[^\s*](?:[^*]*[^\s*])?)\*/,
    /(?<![\p{L}\p{N}])_(?<em2>[^\s_](?:[^_]*[^\s_])?)_(?![\p{L}\p{N}])/,
    /~~(?<del>\S(?:.*?\S)??)~~/,
    /(?<url>https?:\/\/[^\s<>()[\]"'`]+[^\s<>()[\]"'`.,;:!?])/,
  ]
    .map((part) => part.source)
    .join("|"),
  "u",
);

/** Text with emphasis, code, links and citation marks, to nodes. */
export function inline(text, mark) {
  const out = [];
  let rest = text;
  for (let match; (match = INLINE.exec(rest)); rest = rest.slice(match.index + match[0].length)) {
    if (match.index) out.push(rest.slice(0, match.index));
    out.push(...span(match, mark));
  }
  if (rest) out.push(rest);
  return out;
}

function span(match, mark) {
  const { escape, code, marks, label, href, strong, strong2, em, em2, del, url } = match.groups;
  if (escape) return [escape[1]];
  if (code !== undefined) return [el("code", {}, code.trim())];
  if (marks)
    return marks
      .split(",")
      .map((n) => mark(Number(n)))
      .filter(Boolean);
  if (href) return link(label, href, mark);
  if (strong ?? strong2) return [el("strong", {}, inline(strong ?? strong2, mark))];
  if (em ?? em2) return [el("em", {}, inline(em ?? em2, mark))];
  if (del) return [el("del", {}, inline(del, mark))];
  return link(url, url, mark);
}

/** A link as its words and, so that nobody is led astray, where it goes. Anything but http(s) is left as its words. */
function link(words, href, mark) {
  let url;
  try {
    url = new URL(href);
  } catch {
    return inline(words, mark);
  }
  if (url.protocol !== "https:" && url.protocol !== "http:") return inline(words, mark);
  const anchor = el("a", { href: url.href, target: "_blank", rel: "noopener noreferrer nofollow" }, words);
  return words === href ? [anchor] : [anchor, el("span", { class: "href" }, ` (${url.host})`)];
}

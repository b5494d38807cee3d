// A document's text drawn with stretches of it marked. In: the text and UTF-8 byte spans into it. Out: DOM nodes whose
// marks hold exactly those bytes.
//
// Line marks of Markdown (headings, bullets) become structure, but nothing inside a line is changed: the words under a
// mark are the document's own, to the letter.

import { el } from "./dom.js";

/** A text that byte spans point into. The server counts UTF-8 bytes, the browser UTF-16 units. */
export class SpannedText {
  constructor(text) {
    this.text = text;
    this.bytes = new TextEncoder().encode(text);
  }

  slice({ start, end }) {
    return decode(this.bytes.subarray(start, end));
  }

  /** The span in UTF-16 units. */
  units({ start, end }) {
    const from = decode(this.bytes.subarray(0, start)).length;
    return { start: from, end: from + this.slice({ start, end }).length };
  }

  /** Block nodes of the whole text. `marks`: `{span, name}`; where two overlap, the later one in the list wins. */
  render(marks) {
    const ranges = marks.map(({ span, name }) => ({ ...this.units(span), name }));
    return group(blocks(this.text).map((block) => this.#block(block, ranges)));
  }

  #block({ name, start, end }, ranges) {
    return el(name, {}, this.#pieces(start, end, ranges));
  }

  #pieces(start, end, ranges) {
    const inside = (point) => point > start && point < end;
    const cuts = new Set([start, end, ...ranges.flatMap((range) => [range.start, range.end]).filter(inside)]);
    const points = [...cuts].sort((a, b) => a - b);
    return points.slice(0, -1).map((from, i) => {
      const words = this.text.slice(from, points[i + 1]);
      const name = ranges.findLast((range) => range.start <= from && from < range.end)?.name;
      return name ? el("mark", { class: name }, words) : words;
    });
  }
}

function decode(bytes) {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}

/** The blocks of a text as element names with their place; the marks that open a line are left out of the place. */
function blocks(text) {
  const out = [];
  let paragraph = null;
  let at = text.startsWith("---\n") ? Math.max(0, text.indexOf("\n---\n", 3) + 5) : 0; // a YAML head is no reading
  for (; at < text.length;) {
    const newline = text.indexOf("\n", at);
    const end = newline < 0 ? text.length : newline;
    const line = text.slice(at, end);
    const [prefix, hashes, bullet] = /^\s*(?:(#{1,6})\s+|([-*+•])\s+|>\s?)?/.exec(line);
    const content = { start: at + prefix.length, end: at + line.trimEnd().length };
    if (!line.trim()) {
      paragraph = null;
    } else if (hashes) {
      out.push({ name: `h${Math.min(hashes.length + 2, 6)}`, ...content });
      paragraph = null;
    } else if (bullet) {
      paragraph = { name: "li", ...content };
      out.push(paragraph);
    } else if (/^\s*\|/.test(line)) {
      out.push({ name: "pre", ...content });
      paragraph = null;
    } else if (paragraph) {
      paragraph.end = content.end; // a wrapped line goes on in its paragraph or bullet
    } else {
      paragraph = { name: "p", ...content };
      out.push(paragraph);
    }
    at = end + 1;
  }
  return out.filter((block) => block.end > block.start);
}

/** Bullets that follow one another share a list. */
function group(nodes) {
  const out = [];
  for (const node of nodes) {
    if (node.localName !== "li") out.push(node);
    else if (out.at(-1)?.localName === "ul") out.at(-1).append(node);
    else out.push(el("ul", {}, node));
  }
  return out;
}

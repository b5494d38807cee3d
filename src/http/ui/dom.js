// Building DOM nodes. Text goes in as text nodes only: nothing here, or anywhere on the page, parses HTML.

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element. `properties` are attributes, but for `class`, `on` (event listeners by name) and `hidden`/`disabled`-like
 * booleans, which are set when true. Children are nodes or strings; `null` and `false` are left out.
 */
export function el(name, properties = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "on") for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
    else node.setAttribute(key, value === true ? "" : String(value));
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** A picture from the sprite in the page's head. Decorative: its button or text carries the name. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#icon-${name}`);
  svg.append(use);
  return svg;
}

/** A button that shows only a picture; `label` is its name and its tooltip. */
export function iconButton(name, label, onClick, properties = {}) {
  const classes = `icon-button ${properties.class ?? ""}`.trim();
  return el(
    "button",
    { type: "button", title: label, "aria-label": label, ...properties, class: classes, on: { click: onClick } },
    icon(name),
  );
}

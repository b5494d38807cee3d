// Renders /openapi.json as a page. Everything is put in as text, never as markup.

const description = await (await fetch("/openapi.json")).json();
const schemas = description.components.schemas;

function element(tag, className, ...children) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...children);
  return node;
}

// `code` between backticks.
function prose(text = "") {
  return text.split("`").map((part, index) => (index % 2 ? element("code", "", part) : part));
}

const nameOf = (schema) => schema.$ref?.split("/").pop();

function typeOf(schema) {
  const name = nameOf(schema);
  if (name) return name;
  if (schema.oneOf) return schema.oneOf.map(typeOf).join(" | ");
  if (schema.type === "array") return `${typeOf(schema.items)}[]`;
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (schema.const) return JSON.stringify(schema.const);
  return [schema.type ?? "any"].flat().join(" | ");
}

function notes(schema) {
  const range = [];
  if (schema.minimum !== undefined) range.push(`at least ${schema.minimum}`);
  if (schema.maximum !== undefined) range.push(`at most ${schema.maximum}`);
  if (schema.default !== undefined) range.push(`default ${JSON.stringify(schema.default)}`);
  return [schema.description, range.length && `(${range.join(", ")})`].filter(Boolean).join(" ");
}

function row(name, required, schema) {
  const head = element("th", required ? "required" : "", element("code", "", name));
  if (required) head.title = "required";
  return element("tr", "", head, element("td", "type", typeOf(schema)), element("td", "", ...prose(notes(schema))));
}

// Every field below a schema that has no name of its own: `choices`, `choices[].message`, ...
function fieldsOf(schema, path = "") {
  return Object.entries(schema.properties ?? {}).flatMap(([name, its]) => {
    const field = { path: `${path}${name}`, required: schema.required?.includes(name), schema: its };
    const inner = its.items ? fieldsOf(its.items, `${field.path}[].`) : fieldsOf(its, `${field.path}.`);
    return [field, ...inner];
  });
}

// The fields of a schema, and below it those of every named schema it refers to.
function table(schema, shown = new Set()) {
  const name = nameOf(schema);
  if (name) {
    if (shown.has(name)) return [];
    shown.add(name);
    schema = schemas[name];
  }
  const fields = fieldsOf(schema);
  if (!fields.length) return [];
  const rows = fields.map((field) => row(field.path, field.required, field.schema));
  const mentioned = fields.flatMap(({ schema: its }) => [its, its.items, ...(its.oneOf ?? [])]);
  const referred = mentioned.filter((its) => its && nameOf(its));
  const body = element("table", "", element("tbody", "", ...rows));
  return [element("h3", "", name ?? "fields"), body, ...referred.flatMap((its) => table(its, shown))];
}

function operation(method, path, its) {
  const summary = element(
    "summary", "",
    element("span", "method", method), element("span", "path", path), element("span", "summary", its.summary),
  );
  const body = element("div", "body", element("p", "", ...prose(its.description)));
  if (its.parameters.length) {
    const rows = its.parameters.map((parameter) => {
      const schema = { ...parameter.schema, description: parameter.description ?? `in the ${parameter.in}` };
      return row(parameter.name, parameter.required, schema);
    });
    body.append(element("h3", "", "Parameters"), element("table", "", element("tbody", "", ...rows)));
  }
  const shown = new Set();
  for (const content of Object.values(its.requestBody?.content ?? {})) {
    body.append(element("h3", "", "Request"), ...table(content.schema, shown));
  }
  body.append(element("h3", "", "Responses"));
  const rows = Object.entries(its.responses).map(([status, response]) => {
    const types = Object.entries(response.content ?? {}).map(([kind, { schema }]) => `${typeOf(schema)} (${kind})`);
    return element(
      "tr", "",
      element("th", "", status),
      element("td", "type", types.join(", ")),
      element("td", "", ...prose(response.description)),
    );
  });
  body.append(element("table", "", element("tbody", "", ...rows)));
  const answers = Object.values(its.responses["200"]?.content ?? {});
  body.append(...answers.flatMap((content) => table(content.schema, shown)));
  return element("details", "", summary, body);
}

const { info } = description;
document.getElementById("description").append(...prose(info.description), ` Version ${info.version}.`);
const groups = new Map();
for (const [path, methods] of Object.entries(description.paths)) {
  for (const [method, its] of Object.entries(methods)) {
    const group = its.tags[0];
    if (!groups.has(group)) groups.set(group, [element("h2", "", group)]);
    groups.get(group).push(operation(method, path, its));
  }
}
document.getElementById("operations").replaceChildren(...[...groups.values()].flat());

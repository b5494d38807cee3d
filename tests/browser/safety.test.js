// What the page makes of hostile or odd text, called through its own modules in the browser.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { launch, withPage } from "./browser.js";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

/** The HTML that the page's renderer makes of `source`, where only passages 1 and 2 exist. */
function rendered(page, source) {
  return page.evaluate(async (text) => {
    const { render } = await import("/ui/markdown.js");
    const mark = (n) => (n <= 2 ? Object.assign(document.createElement("button"), { textContent: n }) : null);
    const box = document.createElement("div");
    box.append(...render(text, mark));
    return box.innerHTML;
  }, source);
}

test("text from a model never becomes an element of its own", () =>
  withPage(browser, {}, async (page) => {
    const hostile = [
      "<img src=x onerror=alert(1)>",
      "[here](javascript:alert(1)) [there](data:text/html,x) [else](/v1/models)",
      "**<script>alert(1)</script>**",
      "```html\n<iframe></iframe>\n```",
      '| <b>a</b> |\n|---|\n| <a href="javascript:x">b</a> |',
    ].join("\n\n");
    const names = await page.evaluate(async (text) => {
      const { render } = await import("/ui/markdown.js");
      const box = document.createElement("div");
      box.append(...render(text, () => null));
      return [...new Set([...box.querySelectorAll("*")].map((node) => node.localName))].sort();
    }, hostile);
    assert.deepEqual(names, ["code", "div", "p", "pre", "strong", "table", "tbody", "td", "th", "thead", "tr"]);
  }));

test("Markdown that models write is drawn", () =>
  withPage(browser, {}, async (page) => {
    const cases = {
      "# Head": "<h3>Head</h3>",
      "a **b** *c* `d`": "<p>a <strong>b</strong> <em>c</em> <code>d</code></p>",
      "1 * 2 * 3 and snake_case_name": "<p>1 * 2 * 3 and snake_case_name</p>",
      "- a\n  - b\n- c": "<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>",
      "1. a\n\n2. b": "<ol><li>a</li><li>b</li></ol>",
      "3. c": '<ol start="3"><li>c</li></ol>',
      "> q": "<blockquote><p>q</p></blockquote>",
      "**가격**은 [1]": "<p><strong>가격</strong>은 <button>1</button></p>",
      "```\nx [1]": '<pre tabindex="0"><code>x [1]</code></pre>',
    };
    for (const [source, html] of Object.entries(cases)) assert.equal(await rendered(page, source), html);
  }));

test("a mark without a passage is not shown, a link shows where it goes", () =>
  withPage(browser, {}, async (page) => {
    assert.equal(await rendered(page, "a [1][7] b [2, 9]"), "<p>a <button>1</button> b <button>2</button></p>");
    assert.equal(
      await rendered(page, "[law](https://law.example/a)"),
      '<p><a href="https://law.example/a" target="_blank" rel="noopener noreferrer nofollow">law</a>' +
        '<span class="href"> (law.example)</span></p>',
    );
  }));

test("byte spans mark the right characters whatever their width", () =>
  withPage(browser, {}, async (page) => {
    const marked = await page.evaluate(async () => {
      const { SpannedText } = await import("/ui/spans.js");
      const text = "# 제목\n\n가격은 € 100입니다 😀. 관세는 8%입니다.\n- 첫째 항목\n- 둘째";
      const bytes = (part) => new TextEncoder().encode(part).length;
      const span = (words) => {
        const start = bytes(text.slice(0, text.indexOf(words)));
        return { start, end: start + bytes(words) };
      };
      const box = document.createElement("div");
      const names = ["관세는 8%입니다.", "첫째 항목", "😀"];
      box.append(...new SpannedText(text).render(names.map((words) => ({ span: span(words), name: "quoted" }))));
      return [...box.querySelectorAll("mark")].map((mark) => mark.textContent);
    });
    assert.deepEqual(marked, ["😀", "관세는 8%입니다.", "첫째 항목"]);
  }));

test("legal references read as they are cited", () =>
  withPage(browser, {}, async (page) => {
    const labels = await page.evaluate(async () => {
      const { label } = await import("/ui/reference.js");
      const references = [
        "KR-CA-30(1)1",
        "KR-CD-17-2(1)",
        "KR-CD-18:2",
        "WTO-VA-N8.1(a)(i)",
        "US-1401A(b)(1)",
        "own-7",
      ];
      return references.map((reference) => [label(reference, "ko"), label(reference, "en")]);
    });
    assert.deepEqual(labels, [
      ["관세법 제30조제1항제1호", "Customs Act Art. 30(1)1"],
      ["관세법 시행령 제17조의2제1항", "Customs Act Decree Art. 17-2(1)"],
      ["관세법 시행령 제18조제2호", "Customs Act Decree Art. 18 item 2"],
      ["WTO 관세평가협정 제8조제1항(a)(i) 주해", "WTO Valuation Agreement, Note to Art. 8.1(a)(i)"],
      ["미국 19 U.S.C. § 1401a(b)(1)", "19 U.S.C. § 1401a(b)(1)"],
      ["own-7", "own-7"],
    ]);
  }));

test("both languages have the same words", () =>
  withPage(browser, {}, async (page) => {
    const [ko, en] = await page.evaluate(async () => {
      const keys = async (name) => Object.keys((await import(`/ui/words/${name}.js`)).default).sort();
      return [await keys("ko"), await keys("en")];
    });
    assert.deepEqual(ko, en);
  }));

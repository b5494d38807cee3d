// From a question to the passage it rests on, in both languages.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { ask, ended, LANGUAGES, launch, PHONE, picture, ready, withPage } from "./browser.js";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

for (const [language, { locale, question, unanswerable, heading }] of Object.entries(LANGUAGES)) {
  describe(`in ${language}`, () => {
    test("a question is answered with a quotation, an explanation and sources", (t) =>
      withPage(browser, { locale }, async (page) => {
        assert.equal(await page.textContent("h1"), heading);
        await picture(page, `empty-${language}`);

        const asked = Date.now();
        await ask(page, question);
        const quote = await page.locator(".deciding blockquote").first().textContent({ timeout: 30_000 });
        const took = Date.now() - asked;
        t.diagnostic(`the quotation took ${took} ms`);
        assert.ok(quote.length > 10);
        await picture(page, `quote-${language}`);

        assert.equal(await ended(page), "done");
        assert.ok((await page.locator(".sources .source").count()) > 0);
        assert.equal(
          await page
            .locator(".explanation")
            .innerText()
            .then((text) => /\[\d+\]/.test(text)),
          false,
        );
        await picture(page, `answer-${language}`);

        await page.locator(".timing summary").click();
        assert.ok((await page.locator(".timing li").count()) >= 2);
      }));

    test("a citation opens its document with exactly the quoted words marked", () =>
      withPage(browser, { locale }, async (page) => {
        await ask(page, question);
        await ended(page);
        const quote = await page.locator(".deciding blockquote").first().textContent();
        await page.locator(".quoted-source").first().click();
        await page.locator("mark.quoted").first().waitFor();
        // A sentence may run over two lines of its document: marks of one block are one sentence.
        const marked = await page.locator("mark.quoted").allTextContents();
        assert.ok(squeeze(marked.join("")).includes(squeeze(quote)), `${JSON.stringify(marked)} is not ${quote}`);
        assert.equal(
          await page.evaluate(() => document.querySelector(".panel").contains(document.activeElement)),
          true,
        );
        assert.ok(await inView(page, "mark.quoted"));
        assert.equal(await page.locator(".note.info", { hasText: /바뀌|changed/ }).count(), 0);
        await picture(page, `passage-${language}`);

        await page.keyboard.press("Escape");
        assert.equal(await page.locator("#panel").isHidden(), true);
        assert.equal(await page.evaluate(() => document.activeElement.className), "quoted-source");
      }));

    test("a mark in the explanation opens the source of its number", () =>
      withPage(browser, { locale }, async (page) => {
        await ask(page, question);
        await ended(page);
        const marks = page.locator(".explanation .mark");
        if ((await marks.count()) === 0) return; // the explanation may rightly have been withheld
        const number = await marks.first().textContent();
        await marks.first().click();
        await page.locator("mark").first().waitFor();
        assert.equal(await page.locator(".panel-title .mark-number").textContent(), number);
      }));

    test("a question without evidence is refused, with what was looked for", () =>
      withPage(browser, { locale }, async (page) => {
        await ask(page, unanswerable);
        assert.equal(await ended(page), "done");
        assert.equal(await page.locator(".refused").isVisible(), true);
        assert.equal(await page.locator(".deciding").count(), 0);
        assert.ok((await page.locator(".explanation").textContent()).trim().length > 0);
        await picture(page, `refused-${language}`);
      }));

    test("a phone shows answer and passage without scrolling sideways", () =>
      withPage(browser, { locale, ...PHONE }, async (page) => {
        await picture(page, `phone-empty-${language}`);
        await ask(page, question);
        await ended(page);
        await picture(page, `phone-answer-${language}`);
        assert.equal(await sideways(page), 0);
        await page.locator(".quoted-source").first().click();
        await page.locator("mark.quoted").first().waitFor();
        await picture(page, `phone-passage-${language}`);
        assert.equal(await sideways(page), 0);
        await page.locator(".panel-close").click();
        await page.locator("#menu").click();
        await page.locator("#new:focus").waitFor();
      }));

    test("the dark page is dark, and stays as chosen", () =>
      withPage(browser, { locale, colorScheme: "dark" }, async (page) => {
        assert.ok((await lightness(page)) < 60);
        await ask(page, question);
        await ended(page);
        await page.locator(".quoted-source").first().click();
        await page.locator("mark.quoted").first().waitFor();
        await picture(page, `dark-${language}`);
        await page.locator("#theme").click();
        assert.ok((await lightness(page)) > 200);
        await page.reload();
        await ready(page);
        assert.ok((await lightness(page)) > 200);
      }));
  });
}

function squeeze(text) {
  return text.replace(/\s+/g, " ").trim();
}

function inView(page, selector) {
  return page.waitForFunction((wanted) => {
    const mark = document.querySelector(wanted).getBoundingClientRect();
    const panel = document.querySelector(".panel-content").getBoundingClientRect();
    return mark.top >= panel.top && mark.top < panel.bottom;
  }, selector);
}

function sideways(page) {
  return page.evaluate(() => {
    const widest = [...document.querySelectorAll(".scroller, .panel-content")].map(
      (n) => n.scrollWidth - n.clientWidth,
    );
    return Math.max(document.documentElement.scrollWidth - innerWidth, ...widest);
  });
}

/** The background's red, which follows its lightness closely enough. */
function lightness(page) {
  return page.evaluate(() => Number(getComputedStyle(document.body).backgroundColor.match(/\d+/)[0]));
}

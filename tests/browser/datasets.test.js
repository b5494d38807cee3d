// The place of the datasets: begun, watched, searched, reviewed from the keyboard, its holes filled.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { LANGUAGES, launch, picture, URL, withPage } from "./browser.js";

const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 };
const WORDS = {
  ko: { link: "데이터셋", approved: "검토 대기", begun: "시작했습니다", answer: "다시 쓴 답입니다." },
  en: { link: "Datasets", approved: "To be judged", begun: "has begun", answer: "Written anew." },
};
const ROWS = 40;

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

for (const [language, { locale }] of Object.entries(LANGUAGES)) {
  const words = WORDS[language];
  // Of this run alone: a home folder keeps what an earlier one made.
  const name = `page-${language}-${Date.now()}`;
  const path = (tab) => `${URL}/#datasets/${name}/${tab}`;

  describe(`in ${language}`, () => {
    test("a dataset is previewed, begun and watched until it is done", () =>
      withPage(browser, { locale }, async (page) => {
        await page.locator("#to-datasets", { hasText: words.link }).click();
        await page.locator(".new-dataset summary").click();
        await page.locator(".new-dataset-form input").nth(0).fill(name);
        await page.locator(".new-dataset-form input").nth(2).fill(String(ROWS));
        await page.locator(".new-dataset-tools button").first().click();
        await page.locator(".preview .row").first().waitFor({ timeout: 60_000 });
        await picture(page, `datasets-new-${language}`);
        await page.locator(".new-dataset-tools .primary").click();
        await page.locator(".place-head h1", { hasText: name }).waitFor();
        await page.locator(".job .chip.plain").waitFor({ timeout: 120_000 });
        assert.equal(await page.locator(".job progress").evaluate((bar) => bar.value), ROWS);
        await page.goto(`${URL}/#datasets`);
        await page.locator(".dataset-card", { hasText: name }).waitFor();
        await picture(page, `datasets-list-${language}`);
      }));

    test("rows are filtered, searched and shown with their evidence", () =>
      withPage(browser, { locale }, async (page) => {
        await page.goto(path("rows"));
        await page.locator(".row").first().waitFor();
        await page.locator("select[data-facet=language]").selectOption(language);
        await page.waitForFunction((code) => document.querySelectorAll(`.row-question:not([lang=${code}])`).length === 0, language);
        await page.locator("input[type=search]").fill(language === "ko" ? "과세가격" : "value");
        await page.waitForFunction(() => /\d/.test(document.querySelector(".row-list [role=status]").textContent));
        await page.locator(".row summary").first().click();
        await page.locator(".row-evidence").first().waitFor();
        await picture(page, `datasets-rows-${language}`);
      }));

    test("a reviewer judges from the keyboard, and an edit shows what it changed", () =>
      withPage(browser, { locale }, async (page) => {
        await page.goto(path("review"));
        await page.locator(".review .field input").fill("Kim");
        await page.locator(".review .field input").press("Tab");
        await page.locator(".review-card .row-question").waitFor();
        const shown = () => page.locator(".review-card .row-facts .chip").last().textContent();
        const first = await shown();
        await page.keyboard.press("j");
        await page.waitForFunction((id) => document.querySelector(".review-card .row-facts .chip:last-child").textContent !== id, first);
        await page.keyboard.press("k");
        assert.equal(await shown(), first);
        await page.keyboard.press("a");
        await page.waitForFunction((id) => document.querySelector(".review-card .row-facts .chip:last-child").textContent !== id, first);
        await page.keyboard.press("k");
        assert.equal(await page.locator(".review-card .chip").first().textContent(), words.approved);
        await page.keyboard.press("j");

        await page.keyboard.press("e");
        await page.locator(".review-form textarea").last().fill(words.answer);
        await page.locator(".diff-preview ins").first().waitFor();
        await picture(page, `datasets-edit-${language}`);
        await page.locator(".review-form .primary").click();
        await page.locator(".row-edit .diff ins", { hasText: words.answer }).first().waitFor();
        await picture(page, `datasets-review-${language}`);

        const before = await shown();
        await page.keyboard.press("r");
        await page.locator(".review-form input").fill("too easy");
        await page.locator(".review-form input").press("Enter");
        await page.waitForFunction((id) => document.querySelector(".review-card .row-facts .chip:last-child").textContent !== id, before);
      }));

    test("the map is walked with the arrows, and a hole starts a generation", () =>
      withPage(browser, { locale }, async (page) => {
        await page.goto(path("coverage"));
        const squares = page.locator(".square");
        await squares.first().waitFor();
        await squares.first().focus();
        await page.keyboard.press("ArrowRight");
        await page.keyboard.press("ArrowDown");
        assert.equal(await page.evaluate(() => document.activeElement.closest("tr").rowIndex), 2);
        await picture(page, `datasets-map-${language}`);
        // Topic 21, facts: every guide states some.
        await page.locator("tbody tr").nth(20).locator(".square").first().click();
        await page.locator(".part button").first().click();
        await page.locator(".cell [role=status]", { hasText: words.begun }).waitFor();
        await page.locator(".job .chip.plain").waitFor({ timeout: 120_000 });
        await picture(page, `datasets-cell-${language}`);
      }));

    test("all of it fits a phone", () =>
      withPage(browser, { locale, ...PHONE }, async (page) => {
        for (const tab of ["rows", "review", "coverage"]) {
          await page.goto(path(tab));
          await page.locator(".row, .review-card, .square").first().waitFor();
          const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
          assert.ok(wide <= 0, `${tab} is ${wide} px too wide`);
          await picture(page, `datasets-${tab}-phone-${language}`);
        }
        await page.goto(`${URL}/#datasets`);
        await page.locator(".dataset-card").first().waitFor();
        await picture(page, `datasets-phone-${language}`);
      }));
  });
}

test("in the dark it can be read", () =>
  withPage(browser, { locale: "ko-KR", colorScheme: "dark" }, async (page) => {
    await page.goto(`${URL}/#datasets`);
    await page.locator(".dataset-card").first().waitFor();
    await picture(page, "datasets-dark");
  }));

// Starting the browser and the page, for every test file. A page that logs an error or breaks its policy fails its
// test, whatever the test was about.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { chromium } from "playwright-core";

export const URL = process.env.HAETAE_URL;
assert.ok(URL, "set HAETAE_URL to the address of a running server");

const SCREENSHOTS = process.env.HAETAE_SCREENSHOTS;
/** A model on a small machine reads and writes slowly. */
const ANSWER_MS = 120_000;

/** What differs between the two languages. */
export const LANGUAGES = {
  ko: {
    locale: "ko-KR",
    question: "구매수수료는 과세가격에 포함되나요?",
    unanswerable: "브라질의 수도는 어디인가요?",
    heading: "근거가 있는 답을, 원문 그대로",
  },
  en: {
    locale: "en-US",
    question: "Is a buying commission part of the customs value?",
    unanswerable: "What is the capital of Brazil?",
    heading: "Answers that show their source",
  },
};

export const PHONE = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 };

// As root in a container without a GPU or a way out: no sandbox, and no calls home.
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export function launch() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
}

/** Opens the page in a context of its own, runs `test`, and fails if the page complained. */
export async function withPage(browser, options, test) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, ...options });
  const complaints = [];
  try {
    const page = await context.newPage();
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("console", (message) => {
      // A refused request is logged by the browser itself; the tests look at what the page makes of it.
      if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) {
        complaints.push(message.text());
      }
    });
    const key = process.env.HAETAE_API_KEY;
    if (key) await page.addInitScript((given) => sessionStorage.setItem("haetae.key", given), key);
    await page.goto(URL);
    await ready(page);
    await test(page);
    assert.deepEqual(complaints, []);
  } finally {
    await context.close();
  }
}

export function ready(page) {
  return page.waitForSelector("html[data-ready]");
}

export async function ask(page, question) {
  await page.fill("#question", question);
  await page.press("#question", "Enter");
}

/** Waits for the last answer to end; gives its phase. */
export async function ended(page) {
  const last = page.locator(".answer").last();
  await last.and(page.locator("[aria-busy=false]")).waitFor({ timeout: ANSWER_MS });
  return last.getAttribute("data-phase");
}

export async function picture(page, name) {
  if (!SCREENSHOTS) return;
  mkdirSync(SCREENSHOTS, { recursive: true });
  await page.waitForTimeout(400); // what slides in has come to rest
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`) });
}

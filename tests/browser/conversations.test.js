// What is done with conversations: stopping, keeping, renaming, deleting, the keyboard and the input method.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { ask, ended, LANGUAGES, launch, ready, withPage } from "./browser.js";

const { locale, question } = LANGUAGES.ko;

// Questions whose passages no other test has the server read: their explanations are some time in coming.
const SLOW = [
  "권리사용료를 가산하는 요건과 예외를 차례대로 설명해 주세요.",
  "운임과 보험료는 어디까지 과세가격에 더하고 무엇을 빼는지 설명해 주세요.",
];

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

test("an answer is stopped midway and keeps what had come", () =>
  withPage(browser, { locale }, async (page) => {
    await ask(page, SLOW[0]);
    await page.locator(".deciding blockquote").first().waitFor();
    await page.locator("#composer .stop").click();
    assert.equal(await ended(page), "stopped");
    assert.ok((await page.locator(".deciding blockquote").first().textContent()).length > 10);
    assert.equal(await page.locator("#composer .stop").isHidden(), true);
    await ask(page, question);
    assert.equal(await ended(page), "done");
  }));

test("Escape stops the answer", () =>
  withPage(browser, { locale }, async (page) => {
    await ask(page, SLOW[1]);
    await page.locator(".deciding blockquote").first().waitFor();
    await page.keyboard.press("Escape");
    assert.equal(await ended(page), "stopped");
  }));

test("a bare language model is not passed off as a source", () =>
  withPage(browser, { locale: "en-US" }, async (page) => {
    const bare = await page.locator("#model optgroup:nth-of-type(2) option").first().getAttribute("value");
    await page.selectOption("#model", bare);
    await ask(page, "Count from one to three.");
    assert.equal(await ended(page), "done");
    assert.match(await page.locator(".explanation-label").textContent(), /without sources/);
  }));

test("a conversation survives a reload, with its quotation and its sources", () =>
  withPage(browser, { locale }, async (page) => {
    await ask(page, question);
    await ended(page);
    const shown = await readable(page);
    assert.match(page.url(), /#.+/);
    await page.reload();
    await ready(page);
    await page.locator(".deciding").waitFor();
    assert.deepEqual(await readable(page), shown);
    await page.locator(".quoted-source").first().click();
    await page.locator("mark.quoted").first().waitFor();
  }));

test("answering again leaves one answer, here and after a reload", () =>
  withPage(browser, { locale }, async (page) => {
    await ask(page, question);
    await ended(page);
    await page.locator(".answer-foot button").nth(1).click();
    await page.locator(".answer[aria-busy=true]").waitFor();
    assert.equal(await ended(page), "done");
    assert.equal(await page.locator(".turn").count(), 2);
    await page.reload();
    await ready(page);
    await page.locator(".deciding").waitFor();
    assert.equal(await page.locator(".turn").count(), 2);
  }));

test("a conversation is renamed and deleted from the list", () =>
  withPage(browser, { locale }, async (page) => {
    await ask(page, question);
    await ended(page);
    const current = page.locator("#history li.current");
    await current.hover();
    await current.locator("button").first().click();
    await page.keyboard.type("구매수수료 검토");
    await page.keyboard.press("Enter");
    await page.locator("#history li.current a", { hasText: "구매수수료 검토" }).waitFor();
    await page.reload();
    await ready(page);
    assert.equal(await current.locator("a").textContent(), "구매수수료 검토");

    await current.hover();
    await current.locator("button").nth(1).click();
    await page.locator("#delete-dialog button[value=yes]").click();
    await page.locator("#empty").waitFor();
    assert.equal(await page.locator("#history a", { hasText: "구매수수료 검토" }).count(), 0);
  }));

test("an answer goes on while another conversation is read", () =>
  withPage(browser, { locale }, async (page) => {
    await ask(page, question);
    await page.locator(".deciding").waitFor();
    const address = new URL(page.url()).hash;
    await page.locator("#new").click();
    await page.locator("#empty").waitFor();
    await page.locator(`#history a[href="${address}"]`).click();
    assert.equal(await ended(page), "done");
  }));

test("Enter that ends a Korean composition never sends", () =>
  withPage(browser, { locale }, async (page) => {
    const devtools = await page.context().newCDPSession(page);
    await page.focus("#question");
    // As an input method types: a syllable in composition, then Enter, which the browser reports as key 229.
    await page.keyboard.insertText("구매수수료는 과세가격에 포함되나");
    await devtools.send("Input.imeSetComposition", { text: "요", selectionStart: 1, selectionEnd: 1 });
    const enter = { key: "Enter", code: "Enter", windowsVirtualKeyCode: 229, nativeVirtualKeyCode: 229 };
    await devtools.send("Input.dispatchKeyEvent", { type: "rawKeyDown", ...enter });
    await devtools.send("Input.insertText", { text: "요" });
    await devtools.send("Input.dispatchKeyEvent", { type: "keyUp", ...enter, windowsVirtualKeyCode: 13 });
    assert.equal(await page.locator(".turn").count(), 0);
    assert.equal(await page.inputValue("#question"), question.replace("?", ""));
    // Past the composition the next Enter is an ordinary one.
    await page.waitForTimeout(100);
    await page.keyboard.press("Enter");
    await page.locator(".question").waitFor();
    await page.keyboard.press("Escape");
  }));

test("no order of composition events lets Enter send", () =>
  withPage(browser, { locale }, async (page) => {
    const sent = await page.evaluate(async () => {
      const box = document.querySelector("#question");
      box.focus();
      box.value = "과세가격";
      const composition = (type) => box.dispatchEvent(new CompositionEvent(type, { bubbles: true, data: "격" }));
      const key = (type, init) =>
        box.dispatchEvent(
          new KeyboardEvent(type, { key: "Enter", code: "Enter", bubbles: true, cancelable: true, ...init }),
        );
      const pause = () => new Promise((resolve) => setTimeout(resolve, 100));
      const orders = {
        "flag on the key": () => {
          composition("compositionstart");
          key("keydown", { isComposing: true, keyCode: 229 });
          composition("compositionend");
        },
        "no flag, key code 229": () => key("keydown", { keyCode: 229 }),
        "neither flag nor code": () => {
          composition("compositionstart");
          key("keydown", { keyCode: 13 });
          composition("compositionend");
        },
        "composition ends before its key": () => {
          composition("compositionstart");
          composition("compositionend");
          key("keydown", { keyCode: 13 });
        },
        "a second key from the same press": () => {
          composition("compositionstart");
          key("keydown", { isComposing: true, keyCode: 229 });
          composition("compositionend");
          return pause().then(() => key("keydown", { keyCode: 13 }));
        },
      };
      const sent = [];
      for (const [name, play] of Object.entries(orders)) {
        await play();
        key("keyup", { keyCode: 13 });
        await pause();
        if (document.querySelector(".turn")) sent.push(name);
      }
      return sent;
    });
    assert.deepEqual(sent, []);
    assert.equal(await page.inputValue("#question"), "과세가격");
  }));

test("the keyboard reaches the question box, and Shift+Enter starts a line", () =>
  withPage(browser, { locale }, async (page) => {
    await page.locator("#theme").focus();
    await page.keyboard.press("/");
    assert.equal(await page.evaluate(() => document.activeElement.id), "question");
    await page.locator("#theme").focus();
    await page.keyboard.press("Control+k");
    await page.keyboard.type("하나");
    await page.keyboard.press("Shift+Enter");
    await page.keyboard.type("둘");
    assert.equal(await page.inputValue("#question"), "하나\n둘");
  }));

test("the language is switched, and stays as chosen", () =>
  withPage(browser, { locale }, async (page) => {
    await ask(page, question);
    await ended(page);
    await page.locator("#language").click();
    assert.equal(await page.locator(".deciding-label").textContent(), "The deciding sentence");
    await page.reload();
    await ready(page);
    assert.equal(await page.getAttribute("html", "lang"), "en");
  }));

function readable(page) {
  return page.evaluate(() => ({
    question: document.querySelector(".question").textContent,
    quotes: [...document.querySelectorAll(".deciding blockquote")].map((node) => node.textContent),
    explanation: document.querySelector(".explanation").textContent,
    sources: [...document.querySelectorAll(".sources .source-title")].map((node) => node.textContent),
  }));
}

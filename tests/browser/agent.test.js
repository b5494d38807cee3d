// A request to the agent: the plan in sight, the answer from the tools, a call that waits for a person, the dossier.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { ask, ended, LANGUAGES, launch, picture, ready, withPage } from "./browser.js";

const REQUESTS = {
  ko: {
    audit: "C000228을 심사해야 할까요? 지난 분기 실적과 배후, 핸드백 가격이 적정한지 봐 주세요.",
    export: "신고 D00000012의 위험도를 보고 결과 보고서를 파일로 내보내 주세요.",
    granted: "승인, 실행됨",
  },
  en: {
    audit: "Should we audit C000228? Check its last quarter, who stands behind it, and whether the declared value of the handbags is plausible.",
    export: "Score the risk of D00000012 and export the report as a file.",
    granted: "granted by",
  },
};

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

async function choose(page) {
  await ready(page);
  await page.locator('option[value="customs-agent"]').waitFor({ state: "attached" });
  await page.locator("select").first().selectOption("customs-agent");
}

for (const [language, { locale }] of Object.entries(LANGUAGES)) {
  describe(`in ${language}`, () => {
    test("an audit question shows its plan and becomes a dossier", () =>
      withPage(browser, { locale }, async (page) => {
        await choose(page);
        await ask(page, REQUESTS[language].audit);
        assert.equal(await ended(page), "done");
        assert.equal(await page.locator(".plan li").count(), 5);
        assert.ok((await page.locator(".explanation h6, .explanation h5").count()) >= 5);
        await picture(page, `agent-${language}`);
      }));

    test("a file is written once a named person grants it", () =>
      withPage(browser, { locale }, async (page) => {
        await choose(page);
        await ask(page, REQUESTS[language].export);
        assert.equal(await ended(page), "done");
        await page.locator(".approval-name").fill("Kim");
        await page.locator(".approval button").first().click();
        await page.locator(".note.info", { hasText: REQUESTS[language].granted }).waitFor();
        await picture(page, `agent-approval-${language}`);
      }));
  });
}

// What a person does on the demo's chat page, in Firefox: node journey.js URL EXECUTABLE
import assert from "node:assert/strict";
import process from "node:process";
import puppeteer from "puppeteer-core";

const [url, executablePath] = process.argv.slice(2);
const browser = await puppeteer.launch({ browser: "firefox", executablePath, headless: true });
/** @type {string[]} */
const problems = [];

/** @param {import("puppeteer-core").Page} page */
async function journey(page) {
  const until = (/** @type {any} */ condition, /** @type {any[]} */ ...values) =>
    page.waitForFunction(condition, {}, ...values);
  const shows = (/** @type {string} */ selector, /** @type {string} */ words) =>
    until((one, text) => [...document.querySelectorAll(one)].at(-1)?.textContent.includes(text), selector, words);
  const count = (/** @type {string} */ selector, /** @type {number} */ number) =>
    until((one, many) => document.querySelectorAll(one).length === many, selector, number);
  const isReady = () => page.waitForSelector("html[data-ready]");
  const isAnswered = () => until(() => document.querySelector("#stop").hidden);
  const press = async (/** @type {string} */ selector) => {
    await page.waitForSelector(selector, { visible: true });
    await page.click(selector);
  };
  const ask = async (/** @type {string} */ text) => {
    await page.type("#message", text);
    // Enter would choose what is still suggested for the first letters.
    await until(() => document.querySelector("#suggestions").hidden);
    await page.keyboard.press("Enter");
  };
  const answer = "#items .assistant-message";
  const question = "#items .user-message";

  await step("signs in", async () => {
    await page.goto(`${url}/chat/`);
    await page.type("#id_username", "demo");
    await page.type("#id_password", "demo");
    await Promise.all([page.waitForNavigation(), page.click("form button")]);
    await isReady();
  });

  await step("reads an answer while it is made, and stops it", async () => {
    await press("#new");
    await ask("/slow");
    await shows(answer, "A good ride begins");
    assert.doesNotMatch(await page.$eval(answer, (one) => one.textContent), /seven/);
    await shows("#thread-list .row-answering", "Being answered");
    await press("#stop");
    await shows(answer, "This answer was stopped.");
    await isAnswered();
  });

  await step("finds the conversation after a reload", async () => {
    await page.reload();
    await isReady();
    await count(question, 1);
    await shows(answer, "This answer was stopped.");
  });

  await step("joins an answer after a reload", async () => {
    await ask("/slow");
    await count(answer, 2);
    await shows(answer, "A good ride begins");
    await page.reload();
    await isReady();
    await count(answer, 2);
    await shows(answer, "A good ride begins");
    await press("#stop");
    await isAnswered();
    await shows(answer, "This answer was stopped.");
  });

  await step("edits a message and sends it again", async () => {
    await page.hover(question);
    await page.click(`${question} .edit-message`);
    await page.waitForSelector(".edit-form textarea");
    await page.$eval(".edit-form textarea", (box) => box.select());
    await page.keyboard.type("/formulas");
    await page.keyboard.press("Enter");
    await count(question, 1);
    await shows(question, "/formulas");
    await isAnswered();
    await page.waitForSelector(`${answer} math`);
    await page.waitForSelector(`${answer} pre [class^=hljs]`);
  });

  await step("sees a chart", async () => {
    await ask("/chart");
    await page.waitForSelector(".chart-frame svg");
    await isAnswered();
  });

  await step("renames the conversation, and finds it", async () => {
    await press("#thread-menu");
    await press("#menu-rename");
    await page.waitForSelector("#rename-dialog[open] input");
    await page.$eval("#rename-dialog input", (box) => box.select());
    await page.keyboard.type("Seen in Firefox");
    await page.keyboard.press("Enter");
    await shows("#title", "Seen in Firefox");
    await page.type("#search", "Firefox");
    await count("#thread-list li", 1);
    await shows("#thread-list li", "Seen in Firefox");
  });

  await step("switches to the dark theme", async () => {
    const light = await page.$eval("body", (body) => getComputedStyle(body).backgroundColor);
    await page.select("#theme", "dark");
    await until((before) => getComputedStyle(document.body).backgroundColor !== before, light);
    await page.reload();
    await isReady();
    await until((before) => getComputedStyle(document.body).backgroundColor !== before, light);
  });

  await step("has a list on a phone, and no sideways scroll", async () => {
    await page.setViewport({ width: 390, height: 780 });
    await press("#open-threads");
    await until(() => document.querySelector("#threads").getBoundingClientRect().left === 0);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
  });
}

/** @param {string} name @param {() => Promise<void>} act */
async function step(name, act) {
  const started = performance.now();
  try {
    await act();
  } catch (error) {
    throw new Error(`In Firefox a person ${name}: ${error.message}`, { cause: error });
  }
  console.log(`ok: ${name} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
}

try {
  const page = await browser.newPage();
  page.setDefaultTimeout(20_000);
  page.on("console", (message) => {
    if (["error", "warn"].includes(message.type())) problems.push(message.text());
  });
  page.on("pageerror", (error) => problems.push(error.stack ?? String(error)));
  page.on("request", (request) => {
    if (/^(http|ws)/.test(request.url()) && !request.url().startsWith(url)) problems.push(`asked ${request.url()}`);
  });
  await page.setViewport({ width: 1280, height: 800 });
  await journey(page).catch(async (error) => {
    if (process.env.CHATSTORE_PICTURE) await page.screenshot({ path: process.env.CHATSTORE_PICTURE });
    throw error;
  });
  assert.deepEqual(problems, [], "The console has errors or warnings");
  console.log(`1 passed, in ${await browser.version()}`);
} catch (error) {
  console.error(error);
  for (const problem of problems) console.error(problem);
  process.exitCode = 1;
} finally {
  await browser.close();
}

// A phone: real Chromium with the compiled program in it, and all that went wrong on its console.
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { bundle } from "./compile.mjs";
import { chromium } from "./packages.mjs";

const HERE = path.dirname(fileURLToPath(import.meta.url));
// Under the box's own address, answered here and never by the box: a phone knows no rules of origins.
const HOME = "/phone-of-the-tests";
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"];

export const PATIENCE_MS = Number(process.env.XIANGYI_PATIENCE_MS ?? 60000);

export async function startBrowser() {
  const [browser, script] = await Promise.all([
    chromium.launch({ executablePath: process.env.XIANGYI_CHROMIUM, args: FLAGS }),
    bundle(),
  ]);
  return { browser, script };
}

/** A fresh phone. `faults` collects every error and warning of its console. */
export async function openPhone({ browser, script }, { box, faults, dark = false, height = 812 }) {
  const context = await browser.newContext({
    viewport: { width: 375, height }, deviceScaleFactor: 2, locale: "zh-CN", timezoneId: "Asia/Shanghai",
    colorScheme: dark ? "dark" : "light", acceptDownloads: true,
    userAgent: "Mozilla/5.0 (Linux; Android 13) AppleWebKit/537.36 Chrome/120 Mobile Safari/537.36 MicroMessenger/8.0.50",
  });
  context.setDefaultTimeout(PATIENCE_MS);
  const html = fs.readFileSync(path.join(HERE, "phone.html"), "utf8");
  await context.route(box + HOME, (route) => route.fulfill({ contentType: "text/html", body: html }));
  const page = await context.newPage();
  page.on("pageerror", (error) => faults.push(`error: ${error.stack ?? error}`));
  page.on("console", (said) => {
    // What Chromium itself notes of a refused or broken request: the tests bring those about.
    if (["error", "warning"].includes(said.type()) && !said.text().startsWith("Failed to load resource")) faults.push(said.text());
  });
  const start = async () => {
    await page.goto(box + HOME);
    await page.evaluate((url) => { globalThis.BOX = url; }, box);
    await page.addScriptTag({ content: script });
  };
  await start();
  return { context, page, restart: start, ...handles(page) };
}

function handles(page) {
  const visible = (selector) => page.locator(`${selector}:visible`);
  return {
    /** Tap what has this text. */
    tap: (text, exact = true) => page.locator(".screen:visible, #tabs, #modal").getByText(text, { exact }).first().click(),
    button: (text) => visible("wx-button").filter({ hasText: text }).first(),
    tab: (text) => page.locator("#tabs button").filter({ hasText: text }).click(),
    field: (label) => page.locator(`.screen:visible wx-input[aria-label="${label}"] input, .screen:visible wx-textarea[aria-label="${label}"] textarea`),
    sees: (text) => page.locator(".screen:visible, #modal, #toast").getByText(text, { exact: false }).first().waitFor(),
    title: (text) => page.locator("#title").filter({ hasText: text }).waitFor(),
    modal: (text) => page.locator("#modal button").filter({ hasText: text }).click(),
    back: () => page.locator("#back").click(),
    turn: (facts) => page.evaluate((given) => Object.assign(globalThis.harness, given), facts),
    done: (name) => page.evaluate((wanted) => globalThis.harness.done.filter((each) => each.name === wanted), name),
    stored: () => page.evaluate(() => ({ ...localStorage })),
    where: () => page.evaluate(() => globalThis.getCurrentPages().map((each) => each.route)),
    open: (route, query = {}) => page.evaluate(([r, q]) => globalThis.stack.navigateTo(r, q), [route, query]),
  };
}

// What neither compiler nor types see: app.json's rules, and templates against the data and handlers of their scripts.
// `node lint.mjs [FOLDER]` prints each fault and ends with 1 when there is one.
import fs from "node:fs";
import path from "node:path";
import vm from "node:vm";
import { fileURLToPath } from "node:url";

const ROOT = process.argv[2] ?? path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../miniprogram");
const MOST_BYTES = 2 * 1024 * 1024;
const ICON_BYTES = 40 * 1024;
const NOT_PACKED = ["README.md", "screenshots"];
const LITERALS = ["true", "false", "null", "undefined", "item", "index"];
const faults = [];

const read = (name) => fs.readFileSync(path.join(ROOT, name), "utf8");
const files = (folder = "") =>
  fs.readdirSync(path.join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const name = path.posix.join(folder, entry.name);
    return entry.isDirectory() ? files(name) : [name];
  });
const all = files();

function appRules() {
  const app = JSON.parse(read("app.json"));
  const tabs = app.tabBar.list;
  if (tabs.length < 2 || tabs.length > 5) faults.push("app.json: 2 to 5 tabs");
  for (const page of app.pages)
    for (const suffix of [".js", ".json", ".wxml", ".wxss"])
      if (!all.includes(page + suffix)) faults.push(`app.json: ${page}${suffix} does not exist`);
  for (const name of all.filter((each) => each.startsWith("pages/") && each.endsWith(".js")))
    if (!app.pages.includes(name.slice(0, -3))) faults.push(`app.json: ${name} is not among the pages`);
  for (const tab of tabs) {
    if (!app.pages.includes(tab.pagePath)) faults.push(`app.json: the tab ${tab.pagePath} is no page`);
    for (const icon of [tab.iconPath, tab.selectedIconPath])
      if (!all.includes(icon) || fs.statSync(path.join(ROOT, icon)).size > ICON_BYTES) faults.push(`app.json: ${icon}`);
  }
  const theme = JSON.parse(read("theme.json"));
  for (const [, name] of read("app.json").matchAll(/"@(\w+)"/g))
    for (const mode of ["light", "dark"]) if (!theme[mode][name]) faults.push(`theme.json: no ${name} in ${mode}`);
  if (!app.__usePrivacyCheck__) faults.push("app.json: __usePrivacyCheck__ is off");
}

function size() {
  const packed = all.filter((name) => !NOT_PACKED.includes(name.split("/")[0]));
  const bytes = packed.reduce((sum, name) => sum + fs.statSync(path.join(ROOT, name)).size, 0);
  if (bytes > MOST_BYTES) faults.push(`the package has ${bytes} bytes, 2 MB at most`);
}

/** What a script hands to Page or Component, run with stand-ins for all that a phone has. */
function definition(id) {
  let found;
  const take = (given) => { found = given; };
  const anything = new Proxy(() => anything, { get: () => anything });
  const context = vm.createContext({ Page: take, Component: take, App: take, wx: anything, getCurrentPages: () => [], require: () => anything });
  vm.runInContext(`(function (module) {${read(`${id}.js`)}\n})({})`, context);
  return found;
}

function templates() {
  for (const name of all.filter((each) => each.endsWith(".wxml"))) {
    const id = name.slice(0, -5);
    const made = definition(id);
    const text = read(name).replace(/<!--[\s\S]*?-->/g, "");
    const known = [...Object.keys(made.data ?? {}), ...Object.keys(made.properties ?? {}), ...LITERALS];
    const handlers = { ...made, ...made.methods };
    for (const [, inside] of text.matchAll(/\{\{([\s\S]*?)\}\}/g)) expression(name, inside, known);
    for (const [, value] of text.matchAll(/\b(?:bind|catch):?\w+="([^"]*)"/g))
      for (const handler of value.includes("{{") ? [...value.matchAll(/'(\w+)'/g)].map((each) => each[1]) : [value])
        if (typeof handlers[handler] !== "function") faults.push(`${name}: no handler ${handler}`);
  }
}

function expression(name, inside, known) {
  const bare = inside.replace(/'[^']*'/g, "''");
  const call = bare.match(/[\w\]]\s*\(/);
  if (call) faults.push(`${name}: a call in {{${inside}}}`);
  for (const [, word] of bare.matchAll(/(?<![.\w])([A-Za-z_]\w*)/g))
    if (!known.includes(word)) faults.push(`${name}: ${word} is not in the page's data`);
}

function scripts() {
  for (const name of all.filter((each) => each.endsWith(".js"))) {
    const text = read(name);
    if (/^\s*(onShareAppMessage|onShareTimeline)\s*\(/m.test(text)) faults.push(`${name}: onShareAppMessage turns sharing on`);
    if (/console\./.test(text)) faults.push(`${name}: console`);
    for (const [, target] of text.matchAll(/require\('(\.[^']+)'\)/g))
      if (!all.includes(`${path.posix.join(path.posix.dirname(name), target)}.js`)) faults.push(`${name}: ${target} does not exist`);
    for (const [, key] of text.matchAll(/storage\.write\((?:'|`)([\w:]+)/g))
      if (!["token", "draft", "pending", "large", "list:"].includes(key)) faults.push(`${name}: keeps ${key} on the phone`);
    if (name !== "utils/storage.js" && /StorageSync|wx\.setStorage/.test(text)) faults.push(`${name}: storage beside utils/storage.js`);
  }
  for (const name of all.filter((each) => each.endsWith(".wxss") && each !== "app.wxss"))
    if (/\b(?:font-size|line-height|min-height|gap):\s*\d+px/.test(read(name))) faults.push(`${name}: px in place of rpx`);
}

for (const check of [appRules, size, templates, scripts]) check();
faults.forEach((fault) => console.log(fault));
process.exit(faults.length ? 1 : 0);

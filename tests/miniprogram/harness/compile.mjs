// The untouched program, compiled and bundled into one script for a browser.
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { MODULES, TmplGroup, esbuild } from "./packages.mjs";
import { ROOT, json, read, units } from "./program.mjs";
import { css } from "./wxss.mjs";

const HERE = path.dirname(fileURLToPath(import.meta.url));

/** Raises on the compiler's first warning. */
function templates(all) {
  const group = new TmplGroup();
  for (const { id } of all) {
    const warnings = group.addTmpl(id, read(`${id}.wxml`));
    if (warnings.length) throw new Error(`${id}.wxml: ${warnings.map(String).join("; ")}`);
  }
  return group.getTmplGenObjectGroups();
}

function entry(all) {
  const lines = all.map(({ id, page, json: config }) => {
    const facts = JSON.stringify({ id, page, json: config, css: css(`${id}.wxss`) });
    return `{ ...${facts}, run: () => require(${JSON.stringify(path.join(ROOT, `${id}.js`))}) },`;
  });
  return `
const { start } = require(${JSON.stringify(path.join(HERE, "runtime.mjs"))});
start({
  app: ${JSON.stringify(json("app.json"))},
  theme: ${JSON.stringify(json("theme.json"))},
  css: ${JSON.stringify(css("app.wxss"))},
  images: ${JSON.stringify(images())},
  origin: require(${JSON.stringify(path.join(ROOT, "config.js"))}).origin,
  templates: ${templates(all)},
  runApp: () => require(${JSON.stringify(path.join(ROOT, "app.js"))}),
  units: [${lines.join("\n")}],
});`;
}

function images() {
  const folder = path.join(ROOT, "images");
  const encoded = (name) => fs.readFileSync(path.join(folder, name)).toString("base64");
  return Object.fromEntries(fs.readdirSync(folder).map((name) => [`images/${name}`, `data:image/png;base64,${encoded(name)}`]));
}

export async function bundle() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "miniprogram-"));
  const source = path.join(folder, "entry.cjs");
  fs.writeFileSync(source, entry(units()));
  const built = await esbuild.build({
    entryPoints: [source], bundle: true, write: false, format: "iife", target: "es2020", nodePaths: [MODULES], logLevel: "error",
  });
  fs.rmSync(folder, { recursive: true });
  return built.outputFiles[0].text;
}

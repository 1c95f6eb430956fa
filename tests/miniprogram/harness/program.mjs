// The mini program as it lies in its folder: its pages and components, found from app.json on.
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../../miniprogram");

export const read = (name) => fs.readFileSync(path.join(ROOT, name), "utf8");
export const exists = (name) => fs.existsSync(path.join(ROOT, name));
export const json = (name) => JSON.parse(read(name));

/** Every unit { id, page, json } that app.json leads to, components before those that use them. */
export function units() {
  const app = json("app.json");
  const found = new Map();
  const shared = app.usingComponents ?? {};
  const visit = (id, page) => {
    if (found.has(id)) return;
    for (const suffix of [".js", ".wxml", ".json"])
      if (!exists(id + suffix)) throw new Error(`${id}${suffix} is missing`);
    const own = json(`${id}.json`);
    if (!page && own.component !== true) throw new Error(`${id}.json: "component": true is missing`);
    const using = { ...(page ? shared : {}), ...own.usingComponents };
    for (const target of Object.values(using)) visit(resolve(id, target), false);
    const absolute = Object.fromEntries(Object.entries(using).map(([name, target]) => [name, `/${resolve(id, target)}`]));
    found.set(id, { id, page, json: { ...own, usingComponents: absolute } });
  };
  for (const target of Object.values(shared)) visit(resolve("app", target), false);
  for (const page of app.pages) visit(page, true);
  return [...found.values()];
}

const resolve = (from, target) =>
  target.startsWith("/") ? target.slice(1) : path.posix.join(path.posix.dirname(from), target);

/** All files below the program's folder, as paths in it. */
export function files(folder = "") {
  return fs.readdirSync(path.join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const name = path.posix.join(folder, entry.name);
    return entry.isDirectory() ? files(name) : [name];
  });
}

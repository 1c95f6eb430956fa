// The npm packages of these tests, wherever they were installed: MODULES names the folder.
import { createRequire } from "node:module";
import path from "node:path";

export const MODULES = process.env.XIANGYI_NODE_MODULES;
if (!MODULES) throw new Error("XIANGYI_NODE_MODULES names no folder: start these tests with pytest");
const require = createRequire(path.join(MODULES, "here.js"));

export const esbuild = require("esbuild");
export const postcss = require("postcss");
export const selectorParser = require("postcss-selector-parser");
export const { TmplGroup } = require("glass-easel-template-compiler");
export const { chromium } = require("playwright-core");

// WXSS → CSS: rpx to vw, WeChat's own tags to the harness's `wx-` elements.
import { postcss, selectorParser } from "./packages.mjs";
import { exists, read } from "./program.mjs";

export const TAGS = ["page", "view", "text", "button", "image", "input", "textarea", "scroll-view", "slider", "switch"];
TAGS.push("rich-text", "progress", "label", "block");

export const inVw = (text) => text.replace(/(-?\d*\.?\d+)rpx\b/g, (_, number) => `${Number(number) / 7.5}vw`);

const renameTags = selectorParser((root) =>
  root.walkTags((tag) => {
    if (TAGS.includes(tag.value)) tag.value = `wx-${tag.value}`;
  }),
);

export function css(name) {
  if (!exists(name)) return "";
  const sheet = postcss.parse(read(name), { from: name });
  sheet.walkRules((rule) => {
    if (rule.parent.type === "atrule" && rule.parent.name === "keyframes") return;
    rule.selector = renameTags.processSync(rule.selector);
  });
  sheet.walkDecls((declaration) => {
    declaration.value = inVw(declaration.value);
  });
  return sheet.toString();
}

// Small helpers for pages. What comes from people or the API goes in as text, never as HTML.

export const one = (selector, root = document) => root.querySelector(selector);
export const all = (selector, root = document) => [...root.querySelectorAll(selector)];

/** Show or hide an element, of HTML or SVG. */
export function show(element, visible) {
  element.toggleAttribute("hidden", !visible);
}

/** Put text into an element and show it; without text, hide it. */
export function tell(element, text) {
  element.textContent = text || "";
  element.hidden = !text;
}

/** A new element with a class and a text. */
export function make(tag, className = "", text = "") {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

/** Bytes for people. */
export function size(bytes) {
  if (bytes < 1024) return `${bytes} 字节`;
  return bytes < 1048576 ? `${Math.round(bytes / 1024)} KB` : `${(bytes / 1048576).toFixed(1)} MB`;
}

export const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

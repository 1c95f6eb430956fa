// Keyboard shortcuts of the viewer. They rest while someone types, and while a dialog is open.
import { one } from "./dom.js";

/** `actions()` answers a map from key to function; a key with Ctrl or Cmd is written "ctrl+z". */
export function setUpKeys(actions) {
  document.addEventListener("keydown", (event) => {
    if (event.altKey || one("dialog[open]") || event.target.closest("input:not([type=range], [type=checkbox], [type=radio]), textarea, select")) return;
    // A slider's or a radio's own arrows are its own.
    if (event.key.startsWith("Arrow") && event.target.closest("input, [role=slider]")) return;
    const held = event.ctrlKey || event.metaKey ? "ctrl+" : "";
    const key = `${held}${event.shiftKey && held ? "shift+" : ""}${event.key.length === 1 ? event.key.toLowerCase() : event.key}`;
    const action = actions()[key];
    if (!action || (event.key === " " && event.target.closest("button, a, summary"))) return;
    event.preventDefault();
    action();
  });
}

// On every page: moments in the reader's own time zone, and a menu that closes.
import { all, one } from "./dom.js";

const two = (number) => String(number).padStart(2, "0");

for (const time of all("time[datetime]:not([data-age])")) {
  const at = new Date(time.dateTime);
  if (Number.isNaN(at.getTime())) continue;
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  time.textContent = `${day} ${two(at.getHours())}:${two(at.getMinutes())}`;
}

const menu = one(".menu");
if (menu) {
  document.addEventListener("click", (event) => {
    if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") menu.open = false;
  });
}

// On a phone the strip of sections scrolls: the open one is brought into view.
for (const strip of all(".admin__nav, .tabs")) {
  const open = one("[aria-current]", strip);
  if (open) strip.scrollLeft = open.offsetLeft - strip.offsetLeft - (strip.clientWidth - open.offsetWidth) / 2;
}

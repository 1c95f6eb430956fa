// Whether an answer helped: two buttons, while the answer is fresh and later on its record.

import { send, sentence } from "./api.js";
import { tell } from "./dom.js";

/** Show what was chosen: 1, -1, or null for nothing. */
export function rated(place, rating) {
  for (const button of place.querySelectorAll("[data-rate]"))
    button.setAttribute("aria-pressed", String(Number(button.dataset.rate) === rating));
}

async function rate(place, id, rating, error) {
  try {
    await send(`/api/v1/consultations/${encodeURIComponent(id)}/rating`, {
      method: "PUT",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ rating }),
    });
    tell(error, "");
    rated(place, rating);
  } catch (reason) {
    tell(error, sentence(reason));
  }
}

/** Send what is clicked; `idOf` tells which consultation it is about, `error` is where a failure is told. */
export function takeRatings(place, idOf, error) {
  for (const button of place.querySelectorAll("[data-rate]"))
    button.addEventListener("click", () => rate(place, idOf(), Number(button.dataset.rate), error));
}

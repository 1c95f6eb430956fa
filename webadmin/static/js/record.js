// A consultation's record: it can still be rated.

import { takeRatings } from "./rating.js";

const rating = document.querySelector("[data-rating]");
if (rating) {
  rating.hidden = false;
  takeRatings(rating, () => rating.dataset.rating, document.querySelector("[data-error]"));
}

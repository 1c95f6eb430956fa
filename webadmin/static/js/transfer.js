// One upload: XMLHttpRequest, for fetch() does not tell how far it is.
import { ApiError, UNREACHED, errorOf } from "./api.js";

/**
 * POST a form. Resolves to the JSON of the answer; rejects with an ApiError, whose code is "cancelled" after `abort`.
 * `onProgress(sentBytes, totalBytes)`; `onSent()` when all bytes are on the other side.
 */
export function transfer(path, form, { onProgress, onSent }) {
  const request = new XMLHttpRequest();
  const answer = new Promise((resolve, reject) => {
    request.open("POST", path);
    request.responseType = "json";
    request.setRequestHeader("Accept", "application/json");
    request.upload.addEventListener("progress", (event) => onProgress(event.loaded, event.total));
    request.upload.addEventListener("load", onSent);
    request.addEventListener("load", () => {
      if (request.status >= 200 && request.status < 300 && request.response) resolve(request.response);
      else reject(errorOf(request.status, request.response));
    });
    request.addEventListener("error", () => reject(new ApiError(0, "unreached", UNREACHED)));
    request.addEventListener("abort", () => reject(new ApiError(0, "cancelled", "已取消上传。")));
    request.send(form);
  });
  return { answer, abort: () => request.abort() };
}

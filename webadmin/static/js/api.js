// The API's client: JSON in, JSON out, and one kind of error.

/** What went wrong, in the API's own words. `status` is 0 when the box was not reached at all. */
export class ApiError extends Error {
  constructor(status, code, message, detail = {}) {
    super(message);
    Object.assign(this, { status, code, detail });
  }
}

export const UNREACHED = "连接不上乡医，请检查网络，或稍后重试。";
const BROKEN = "服务器的回答无法识别，请稍后重试。";
const LOGGED_OUT = "登录已过期。请在新窗口重新登录，再回到这里重试。";

/** The error that a response's body tells of. */
export function errorOf(status, body) {
  const { code = "unknown", message = BROKEN, detail = {} } = body?.error ?? {};
  return new ApiError(status, code, status === 401 && code === "not_authenticated" ? LOGGED_OUT : message, detail);
}

/** fetch() that throws an ApiError for whatever is no success; an abort stays an AbortError. */
export async function send(path, options = {}) {
  let response;
  try {
    response = await fetch(path, { credentials: "same-origin", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, "unreached", UNREACHED);
  }
  if (!response.ok) throw errorOf(response.status, await response.json().catch(() => null));
  return response;
}

/** GET, or POST when there is a body, or what `method` says; answers the JSON. */
export async function call(path, body = undefined, signal = undefined, method = body === undefined ? "GET" : "POST") {
  const options = { signal, method, headers: { Accept: "application/json" } };
  if (body !== undefined) {
    options.body = JSON.stringify(body);
    options.headers["Content-Type"] = "application/json";
  }
  const response = await send(path, options);
  if (response.status === 204) return null;
  return response.json().catch(() => {
    throw new ApiError(response.status, "unreadable", BROKEN);
  });
}

/** What a person reads of any error. */
export function sentence(error) {
  return error instanceof ApiError ? error.message : "页面出错，请刷新后重试。";
}

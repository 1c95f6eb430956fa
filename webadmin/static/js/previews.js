// What was chosen, before it is sent. Browsers cannot show TIFF: then name and size must do.
import { make, size } from "./dom.js";

/** Fill the list with the files' previews; `remove(file)` takes one out again. */
export function showPreviews(list, files, remove) {
  for (const image of list.querySelectorAll("img")) URL.revokeObjectURL(image.src);
  list.replaceChildren(...files.map((file) => preview(file, remove)));
  list.classList.toggle("previews--one", files.length === 1);
  list.hidden = files.length === 0;
}

/** How far each file is, for they are sent one after the other; null hides the bars. */
export function showProgress(list, files, sentBytes) {
  let before = 0;
  for (const [index, bar] of [...list.querySelectorAll("progress")].entries()) {
    bar.hidden = sentBytes === null;
    bar.value = Math.min(1, Math.max(0, (sentBytes - before) / files[index].size));
    before += files[index].size;
  }
}

function preview(file, remove) {
  const item = make("li", "preview");
  const frame = make("div", "preview__picture");
  frame.append(picture(file, frame));
  const name = file.name || "照片";
  const bar = make("progress");
  bar.hidden = true;
  bar.setAttribute("aria-label", `${name} 的上传进度`);
  const button = make("button", "preview__remove", "×");
  button.type = "button";
  button.setAttribute("aria-label", `移除 ${name}`);
  button.addEventListener("click", () => remove(file));
  item.append(frame, button, bar, make("p", "preview__name", `${name} · ${size(file.size)}`));
  return item;
}

function picture(file, frame) {
  if (/\.tiff?$/i.test(file.name) || file.type === "image/tiff") {
    return make("span", "", "TIFF 图片无法预览，可以直接提交");
  }
  const image = make("img");
  image.alt = "待上传图片的预览";
  image.addEventListener("error", () => frame.replaceChildren(make("span", "", "无法预览这个文件，请确认它是图片")));
  image.src = URL.createObjectURL(file);
  return image;
}

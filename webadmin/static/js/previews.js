// What was chosen, before it is sent. Browsers cannot show TIFF: then name and size must do.
import { make, size } from "./dom.js";

/** Fill the list with the files' previews. */
export function showPreviews(list, files) {
  for (const image of list.querySelectorAll("img")) URL.revokeObjectURL(image.src);
  list.replaceChildren(...files.map(preview));
  list.classList.toggle("previews--one", files.length === 1);
  list.hidden = files.length === 0;
}

function preview(file) {
  const item = make("li", "preview");
  const frame = make("div", "preview__picture");
  frame.append(picture(file, frame));
  item.append(frame, make("p", "preview__name", `${file.name || "照片"} · ${size(file.size)}`));
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

// A mask under a brush: label indices at the picture's full size, drawn onto a canvas of the view's size.

const TILE = 128;
const STEPS = 60;

/** `mask` Uint8Array of width × height; `colours` maps a label's index to [r, g, b]. Coordinates are the mask's pixels. */
export class Brush {
  constructor(mask, width, height, canvas, colours) {
    Object.assign(this, { mask, width, height, canvas, colours });
    this.context = canvas.getContext("2d", { willReadFrequently: true });
    this.done = [];
    this.undone = [];
    this.stroke = null;
    this.paint(0, 0, width, height);
  }

  get changed() {
    return this.done.length > 0;
  }

  /** Begin a stroke; every tile it touches is remembered as it was. */
  begin() {
    this.stroke = new Map();
  }

  /** Draw from one point to another with a round brush. */
  line(from, to, radius, label) {
    const steps = Math.max(1, Math.ceil(Math.hypot(to.x - from.x, to.y - from.y) / Math.max(0.5, radius / 3)));
    for (let step = 0; step <= steps; step += 1) {
      const share = step / steps;
      this.stamp(from.x + (to.x - from.x) * share, from.y + (to.y - from.y) * share, radius, label);
    }
    this.paint(
      Math.min(from.x, to.x) - radius - 1,
      Math.min(from.y, to.y) - radius - 1,
      Math.max(from.x, to.x) + radius + 2,
      Math.max(from.y, to.y) + radius + 2,
    );
  }

  stamp(x, y, radius, label) {
    const [top, bottom] = [Math.max(0, Math.ceil(y - radius - 0.5)), Math.min(this.height - 1, Math.floor(y + radius - 0.5))];
    for (let row = top; row <= bottom; row += 1) {
      const half = Math.sqrt(Math.max(0, radius ** 2 - (row + 0.5 - y) ** 2));
      const left = Math.max(0, Math.round(x - half));
      const right = Math.min(this.width, Math.max(left + 1, Math.round(x + half)));
      if (left >= right) continue;
      for (let column = left; column < right; column += TILE) this.remember(column, row);
      this.remember(right - 1, row);
      this.mask.fill(label, row * this.width + left, row * this.width + right);
    }
  }

  /** End the stroke; it can be undone from now on. */
  end() {
    if (this.stroke?.size) {
      this.done.push(this.stroke);
      if (this.done.length > STEPS) this.done.shift();
      this.undone = [];
    }
    this.stroke = null;
  }

  undo() {
    this.swap(this.done, this.undone);
  }

  redo() {
    this.swap(this.undone, this.done);
  }

  swap(from, to) {
    const tiles = from.pop();
    if (!tiles) return;
    const now = new Map();
    for (const [key, pixels] of tiles) {
      now.set(key, this.tile(key));
      this.restore(key, pixels);
    }
    to.push(now);
  }

  remember(x, y) {
    const key = Math.floor(y / TILE) * Math.ceil(this.width / TILE) + Math.floor(x / TILE);
    if (!this.stroke.has(key)) this.stroke.set(key, this.tile(key));
  }

  box(key) {
    const across = Math.ceil(this.width / TILE);
    const [left, top] = [(key % across) * TILE, Math.floor(key / across) * TILE];
    return { left, top, right: Math.min(this.width, left + TILE), bottom: Math.min(this.height, top + TILE) };
  }

  tile(key) {
    const { left, top, right, bottom } = this.box(key);
    const pixels = new Uint8Array((right - left) * (bottom - top));
    for (let y = top; y < bottom; y += 1)
      pixels.set(this.mask.subarray(y * this.width + left, y * this.width + right), (y - top) * (right - left));
    return pixels;
  }

  restore(key, pixels) {
    const { left, top, right, bottom } = this.box(key);
    const across = right - left;
    for (let y = top; y < bottom; y += 1)
      this.mask.set(pixels.subarray((y - top) * across, (y - top + 1) * across), y * this.width + left);
    this.paint(left, top, right, bottom);
  }

  /** Bring a part of the canvas up to date: each of its pixels shows the mask's pixel below its centre. */
  paint(left, top, right, bottom) {
    const { width, height } = this.canvas;
    const [across, down] = [this.width / width, this.height / height];
    const x0 = Math.max(0, Math.floor(left / across));
    const y0 = Math.max(0, Math.floor(top / down));
    const x1 = Math.min(width, Math.ceil(right / across));
    const y1 = Math.min(height, Math.ceil(bottom / down));
    if (x0 >= x1 || y0 >= y1) return;
    const part = this.context.createImageData(x1 - x0, y1 - y0);
    let at = 0;
    for (let y = y0; y < y1; y += 1) {
      const row = Math.min(this.height - 1, Math.floor((y + 0.5) * down)) * this.width;
      for (let x = x0; x < x1; x += 1, at += 4) {
        const colour = this.colours.get(this.mask[row + Math.min(this.width - 1, Math.floor((x + 0.5) * across))]);
        if (!colour) continue;
        part.data[at] = colour[0];
        part.data[at + 1] = colour[1];
        part.data[at + 2] = colour[2];
        part.data[at + 3] = 255;
      }
    }
    this.context.putImageData(part, x0, y0);
  }
}

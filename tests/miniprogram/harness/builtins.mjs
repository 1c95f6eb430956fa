// WeChat's own components, as far as the program uses them, each over real elements of the browser.
import * as glassEasel from "glass-easel";

const COMMON = ["hoverClass", "ariaRole", "ariaLabel", "ariaChecked", "ariaSelected", "userSelect"];

export function defineBuiltins(main) {
  const space = new glassEasel.ComponentSpace();
  for (const [name, made] of Object.entries(BUILTINS)) {
    const { properties = {}, attached, observers = {} } = made;
    const common = Object.fromEntries(COMMON.map((each) => [each, { type: null, value: "" }]));
    const component = space.defineComponent({
      is: name,
      options: { virtualHost: false },
      properties: { ...common, ...properties },
      observers: {
        ariaRole(value) { set(this.$$, "role", value); },
        ariaLabel(value) { set(this.$$, "aria-label", value); },
        ...observers,
      },
      lifetimes: {
        attached() {
          set(this.$$, "role", this.data.ariaRole);
          set(this.$$, "aria-label", this.data.ariaLabel);
          attached?.call(this);
        },
      },
    });
    main.setGlobalUsingComponent(name, component);
  }
}

function set(element, name, value) {
  if (!element) return; // of a page that is gone
  if (value === "" || value === null || value === undefined || value === false) element.removeAttribute(name);
  else element.setAttribute(name, String(value));
}

/** An element of the browser inside a leaf, kept as `inner`. */
function put(component, tag, attributes = {}) {
  const inner = document.createElement(tag);
  Object.assign(inner, attributes);
  component.$$.append(inner);
  component.inner = inner;
  const label = component.data.ariaLabel;
  if (label) inner.setAttribute("aria-label", label);
  return inner;
}

const tell = (component, name, detail) => glassEasel.triggerEvent(component, name, detail, {});

function typed(tag) {
  return {
    properties: {
      value: String, placeholder: String, placeholderClass: String, disabled: Boolean, password: Boolean, confirmType: String,
      maxlength: { type: Number, value: 140 },
    },
    observers: {
      value(value) { if (this.inner && this.inner.value !== value) this.inner.value = value; },
      password(value) { if (this.inner && tag === "input") this.inner.type = value ? "password" : "text"; },
    },
    attached() {
      const { value, placeholder, password, maxlength } = this.data;
      const inner = put(this, tag, { value, placeholder, maxLength: maxlength });
      if (tag === "input") inner.type = password ? "password" : "text";
      inner.autocomplete = "off";
      inner.addEventListener("input", () => tell(this, "input", { value: inner.value, cursor: inner.selectionStart }));
      inner.addEventListener("keydown", (event) => {
        if (event.key === "Enter" && tag === "input") tell(this, "confirm", { value: inner.value });
      });
    },
  };
}

const BUILTINS = {
  view: {},
  text: {},
  label: {},
  button: {
    properties: { disabled: Boolean, openType: String, type: String },
    observers: { disabled(value) { set(this.$$, "disabled", value && "disabled"); } },
    attached() {
      set(this.$$, "disabled", this.data.disabled && "disabled");
      this.$$.setAttribute("role", "button");
      this.$$.addEventListener("click", () => {
        if (this.data.openType === "agreePrivacyAuthorization") tell(this, "agreeprivacyauthorization", {});
      });
    },
  },
  image: {
    properties: { src: String, mode: String },
    observers: { src(value) { if (this.inner) this.inner.src = value; } },
    attached() {
      const inner = put(this, "img");
      if (this.data.src) inner.src = this.data.src;
      inner.alt = this.data.ariaLabel || "";
      inner.style.objectFit = this.data.mode === "aspectFit" ? "contain" : "fill";
    },
  },
  input: typed("input"),
  textarea: typed("textarea"),
  slider: {
    properties: { min: Number, max: Number, step: Number, value: Number, activeColor: String, backgroundColor: String, blockSize: Number },
    observers: { value(value) { if (this.inner) this.inner.value = value; } },
    attached() {
      const { min, max, step, value } = this.data;
      const inner = put(this, "input", { type: "range", min, max, step });
      inner.value = value;
      inner.addEventListener("input", () => tell(this, "changing", { value: Number(inner.value) }));
      inner.addEventListener("change", () => tell(this, "change", { value: Number(inner.value) }));
    },
  },
  switch: {
    properties: { checked: Boolean, color: String },
    observers: { checked(value) { if (this.inner) this.inner.checked = value; } },
    attached() {
      const inner = put(this, "input", { type: "checkbox", checked: this.data.checked });
      inner.addEventListener("change", () => tell(this, "change", { value: inner.checked }));
    },
  },
  progress: {
    properties: { percent: Number, strokeWidth: Number, activeColor: String, backgroundColor: String, borderRadius: Number },
    observers: { percent(value) { if (this.inner) this.inner.value = value; } },
    attached() { put(this, "progress", { max: 100, value: this.data.percent }); },
  },
  "rich-text": {
    properties: { nodes: String, space: String },
    observers: { nodes(value) { if (this.$$) this.$$.innerHTML = value; } },
    attached() { this.$$.innerHTML = this.data.nodes; },
  },
};

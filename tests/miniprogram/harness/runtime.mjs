// In the browser: WeChat's part of a mini program. Components by glass-easel, a stack of pages, navigation and tabs.
import * as glassEasel from "glass-easel";
import { MiniProgramEnv } from "glass-easel-miniprogram-adapter";
import { defineBuiltins } from "./builtins.mjs";
import { makeWx } from "./wx.mjs";

const MOST_PAGES = 10;
const TAG = /^(touch|mouse|transition|animation)/;

export function start(program) {
  const space = prepare(program);
  const stack = makeStack(program, space);
  globalThis.wx = makeWx(program, stack);
  globalThis.getCurrentPages = () => stack.pages.map((page) => page.caller);
  globalThis.getApp = () => globalThis.theApp;
  globalThis.App = (app) => {
    globalThis.theApp = app;
  };
  program.runApp();
  for (const unit of program.units) register(space, unit);
  globalThis.theApp.onLaunch?.({});
  stack.switchTab(program.app.pages[0]);
  globalThis.stack = stack;
}

function prepare(program) {
  const env = new MiniProgramEnv();
  const context = new glassEasel.CurrentWindowBackendContext();
  mendContext(context);
  const backend = env.associateBackend(context);
  const codeSpace = env.createCodeSpace("", true);
  const space = codeSpace.getComponentSpace();
  space.updateComponentOptions({ writeFieldsToNode: false, useMethodCallerListeners: true });
  defineBuiltins(space);
  addStyle(program.css);
  for (const unit of program.units) {
    if (!unit.page) addStyle(unit.css); // before any page's own, as on a phone
    codeSpace.addComponentStaticConfig(unit.id, unit.json);
    const content = program.templates[unit.id];
    codeSpace.addCompiledTemplate(unit.id, { groupList: program.templates, content });
  }
  return { codeSpace, backend };
}

/** The backend draws `wx-view` for view, knows rpx in styles, and reports only what a finger does. */
function mendContext(context) {
  const builtin = (name) => (/^(page|view|text|button|image|input|textarea|slider|switch|progress|rich-text)$/.test(name) ? `wx-${name}` : name);
  context.document = {
    createElement(name) {
      const element = document.createElement(name === "page" ? "wx-page" : builtin(name));
      const set = element.setAttribute.bind(element);
      element.setAttribute = (key, value) =>
        set(key, key === "style" ? String(value).replace(/(-?[\d.]+)rpx/g, (_, n) => `${n / 7.5}vw`) : value);
      return element;
    },
    createTextNode: (text) => document.createTextNode(text),
    createDocumentFragment: () => document.createDocumentFragment(),
  };
  const listen = context.setListenerStats.bind(context);
  context.setListenerStats = (element, type, ...rest) => {
    if (TAG.test(type)) listen(element, type, ...rest);
  };
  context.onEvent((target, type, detail, options) => {
    if (type === "tap" && target.$$?.closest?.("wx-button[disabled]")) return;
    glassEasel.triggerEvent(target, type, detail, options);
  });
}

function register({ codeSpace }, unit) {
  codeSpace.componentEnv(unit.id, ({ Page, Component, Behavior }) => {
    Object.assign(globalThis, { Page, Component, Behavior });
    unit.run();
  });
}

function makeStack(program, { codeSpace, backend }) {
  const kept = new Map(); // tab pages stay alive
  const tabs = program.app.tabBar.list.map((tab) => tab.pagePath);
  const byId = new Map(program.units.map((unit) => [unit.id, unit]));
  const stack = { pages: [], tabs };
  const top = () => stack.pages[stack.pages.length - 1];

  function make(route, query) {
    const unit = byId.get(route);
    if (!unit?.page) throw new Error(`no page ${route}`);
    const screen = document.createElement("div");
    screen.className = "screen";
    const place = document.createElement("div");
    screen.append(place);
    document.querySelector("#screens").append(screen);
    const root = backend.createRoot("page", codeSpace, route);
    root.attach(screen, place);
    const caller = root.get();
    caller.route = route;
    const style = addStyle(unit.css, true);
    const page = { route, root, caller, screen, title: unit.json.navigationBarTitleText, style, scroll: 0 };
    caller.onLoad?.(query);
    requestAnimationFrame(() => caller.onReady?.());
    return page;
  }

  function show(page) {
    for (const other of document.querySelectorAll(".screen")) other.hidden = other !== page.screen;
    for (const style of document.querySelectorAll("style[data-page]")) style.disabled = style !== page.style;
    drawBars(program, stack, page);
    window.scrollTo(0, page.scroll);
    page.caller.onShow?.();
  }

  function hide() {
    const page = top();
    if (!page) return;
    page.scroll = window.scrollY;
    page.caller.onHide?.();
  }

  function unload(page) {
    page.caller.onUnload?.();
    page.root.release();
    page.screen.remove();
    page.style.remove();
  }

  stack.redraw = () => drawBars(program, stack, top());
  stack.top = top;
  stack.navigateTo = (route, query) => {
    if (stack.pages.length >= MOST_PAGES) throw new Error("webview count limit exceed");
    if (tabs.includes(route)) throw new Error("can not navigateTo a tabbar page");
    hide();
    const before = top();
    const page = make(route, query);
    if (top() !== before) return; // onLoad itself went elsewhere
    stack.pages.push(page);
    show(page);
  };
  stack.redirectTo = (route, query) => {
    if (tabs.includes(route)) throw new Error("can not redirectTo a tabbar page");
    unload(stack.pages.pop());
    const page = make(route, query);
    stack.pages.push(page);
    show(page);
  };
  stack.navigateBack = (delta = 1) => {
    for (let number = 0; number < delta && stack.pages.length > 1; number += 1) unload(stack.pages.pop());
    show(top());
  };
  stack.switchTab = (route) => {
    if (!tabs.includes(route)) throw new Error("can not switch to no-tabBar page");
    hide();
    while (stack.pages.length && !tabs.includes(top().route)) unload(stack.pages.pop());
    if (!kept.has(route)) kept.set(route, make(route, {}));
    stack.pages = [kept.get(route)];
    show(stack.pages[0]);
  };
  window.addEventListener("scroll", () => {
    if (window.scrollY + window.innerHeight >= document.documentElement.scrollHeight - 50) top()?.caller.onReachBottom?.();
  });
  return stack;
}

function addStyle(css, ofPage = false) {
  const style = document.createElement("style");
  if (ofPage) style.dataset.page = "";
  style.textContent = css;
  document.head.append(style);
  return style;
}

/** The bar with the title, and the tabs at the foot of a tab's page; colours from theme.json. */
function drawBars(program, stack, page) {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const colours = program.theme[dark ? "dark" : "light"];
  const colour = (value) => (value.startsWith("@") ? colours[value.slice(1)] : value);
  const bar = document.querySelector("#bar");
  const { window: shown, tabBar } = program.app;
  bar.style.background = colour(shown.navigationBarBackgroundColor);
  bar.style.color = colour(shown.navigationBarTextStyle);
  bar.querySelector("#title").textContent = page.title;
  const back = bar.querySelector("#back");
  back.hidden = stack.pages.length < 2;
  back.onclick = () => stack.navigateBack();
  document.body.style.background = colour(shown.backgroundColor);
  const foot = document.querySelector("#tabs");
  foot.hidden = !stack.tabs.includes(page.route);
  document.body.style.paddingBottom = foot.hidden ? "0" : "52px"; // a tab's page ends above its tabs
  foot.style.background = colour(tabBar.backgroundColor);
  foot.replaceChildren(
    ...tabBar.list.map((tab) => {
      const on = tab.pagePath === page.route;
      const button = document.createElement("button");
      const icon = document.createElement("img");
      icon.src = program.images[on ? tab.selectedIconPath : tab.iconPath];
      icon.alt = "";
      button.append(icon, tab.text);
      button.style.color = colour(on ? tabBar.selectedColor : tabBar.color);
      button.onclick = () => stack.switchTab(tab.pagePath);
      return button;
    }),
  );
}

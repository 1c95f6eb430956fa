// The parts of the program that need no phone.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { ROOT } from "./harness/program.mjs";

const require = createRequire(`${ROOT}/app.js`);
const { reader, utf8 } = require("./utils/events");
const TEXT = "乡医：血压 140/90 mmHg 😀\n";

test("text comes whole out of bytes cut anywhere", () => {
  const bytes = new TextEncoder().encode(TEXT);
  for (let size = 1; size <= bytes.length; size += 1) {
    const decode = utf8();
    let heard = "";
    for (let at = 0; at < bytes.length; at += size) heard += decode(bytes.slice(at, at + size));
    assert.equal(heard, TEXT);
  }
});

test("events come whole out of pieces, in order, with either end of line", () => {
  const sent = `event: triage\r\ndata: {"level":"routine"}\r\n\r\nevent: delta\ndata: {"text":"少吃盐"}\n\n: a remark\n\nevent: done\ndata: {"id":"1"}\n\n`;
  const bytes = new TextEncoder().encode(sent);
  for (const size of [1, 3, 7, 1000]) {
    const heard = [];
    const read = reader((event, data) => heard.push([event, data]));
    for (let at = 0; at < bytes.length; at += size) read(bytes.slice(at, at + size).buffer);
    assert.deepEqual(heard, [["triage", { level: "routine" }], ["delta", { text: "少吃盐" }], ["done", { id: "1" }]]);
  }
});

test("the last event waits for its end", () => {
  const heard = [];
  reader((event) => heard.push(event))(new TextEncoder().encode("event: delta\ndata: {}\n").buffer);
  assert.deepEqual(heard, []);
});

test("times are told on the phone's own clock, and what is no time is left out", () => {
  const { moment } = require("./utils/time");
  const local = new Date(2020, 1, 3, 4, 5);
  assert.equal(moment(local.toISOString()), "2020年2月3日 04:05");
  assert.equal(moment(null), "");
  assert.equal(moment("nonsense"), "");
});

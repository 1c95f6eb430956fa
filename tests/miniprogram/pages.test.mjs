// Every page's main path and failure path, clicked on the real box. The last test asserts an empty console.
import assert from "node:assert/strict";
import fs from "node:fs";
import { after, before, test } from "node:test";
import { PATIENCE_MS, openPhone, startBrowser } from "./harness/phone.mjs";

const facts = JSON.parse(process.env.XIANGYI_FACTS);
const WECHAT = `user${Date.now()}`; // nobody whom the box knows already
const faults = [];
let started;
let phone;

before(async () => {
  started = await startBrowser();
  phone = await openPhone(started, { box: facts.box, faults });
}, { timeout: 4 * PATIENCE_MS });

after(async () => {
  await started?.browser.close();
});

let broken = "";

/** One test goes on where the last one ended: after a failure the others would only fail too, and slowly. */
const page = (name, run) =>
  test(name, { timeout: 6 * PATIENCE_MS }, async (context) => {
    if (broken) return context.skip(`after ${broken}`);
    try {
      await run();
    } catch (error) {
      broken = name;
      console.log(`on the screen: ${await phone.page.locator("body").innerText()}\nconsole: ${faults.join("\n")}`);
      if (process.env.XIANGYI_SHOTS) await phone.page.screenshot({ path: `${process.env.XIANGYI_SHOTS}/failed.png` });
      throw error;
    }
    return undefined;
  });

/** Choose a file where the phone would open its album. */
async function choose(file) {
  const [chooser] = await Promise.all([phone.page.waitForEvent("filechooser"), phone.button("从相册选择").click()]);
  await chooser.setFiles(file);
}

async function logIn(password = facts.password) {
  await phone.title("登录");
  await phone.field("用户名").fill(facts.user);
  await phone.field("密码").fill(password);
  await phone.button(/^登录$/).click();
}

/** Back to a page with tabs, however deep one is. */
async function surface() {
  while (await phone.page.locator("#back").isVisible()) await phone.back();
}

async function enter(organ) {
  await surface();
  await phone.tab("首页");
  await phone.tap(organ);
}

async function api(path, options = {}) {
  const opened = await fetch(`${facts.inside}/api/v1/sessions`, {
    method: "POST", headers: { "content-type": "application/json" },
    body: JSON.stringify({ username: facts.user, password: facts.password }),
  });
  const { token } = await opened.json();
  const answer = await fetch(facts.inside + path, { ...options, headers: { Authorization: `Bearer ${token}` } });
  return answer.status === 204 ? null : answer.json();
}

page("home: browsed without a log-in, segmentation only with one", async () => {
  await phone.sees("登录后可以看头条");
  await phone.tap("肺与心脏");
  await phone.title("登录");
  await phone.back();
  await phone.title("乡医");
});

page("login: nothing, wrong, unbound, right, and back to where one was", async () => {
  await phone.button("登录").click();
  await phone.title("登录");
  await phone.button(/^登录$/).click();
  await phone.sees("请填写用户名和密码");
  await logIn("wrong-password");
  await phone.sees("用户名或密码不正确");
  await phone.turn({ code: `code-${WECHAT}-1` });
  await phone.button("微信登录").click();
  await phone.sees("还没有绑定账号");
  await phone.context.setOffline(true);
  await phone.button(/^登录$/).click();
  await phone.sees("连不上医院服务器");
  await phone.context.setOffline(false);
  await logIn();
  await phone.title("乡医");
  await phone.sees("条健康新闻");
});

page("home: headlines, and the last ones when there is no network", async () => {
  await phone.sees("健康报");
  await phone.context.setOffline(true);
  await phone.page.evaluate(() => globalThis.getCurrentPages()[0].onPullDownRefresh());
  await phone.sees("现在连不上医院");
  await phone.sees("条健康新闻");
  await phone.context.setOffline(false);
  await phone.page.evaluate(() => globalThis.getCurrentPages()[0].onPullDownRefresh());
  await phone.page.getByText("现在连不上医院").waitFor({ state: "hidden" });
});

page("home: a tunnel that stumbles twice is asked a third time", async () => {
  let stumbles = 2;
  await phone.context.route("**/api/v1/headlines", (route) => (stumbles-- > 0 ? route.fulfill({ status: 502, body: "<html>" }) : route.continue()));
  await phone.page.evaluate(() => globalThis.getCurrentPages()[0].onPullDownRefresh());
  assert.equal(stumbles, -1);
  await phone.sees("条健康新闻");
  assert.equal(await phone.page.getByText("现在连不上医院").isVisible(), false);
  await phone.context.unroute("**/api/v1/headlines");
});

page("headline: its address copied, a question about it prepared, a lost one told", async () => {
  await phone.page.locator(".screen:visible").getByText("条健康新闻").first().click();
  await phone.title("健康头条");
  await phone.button("复制原文地址").click();
  await phone.page.waitForFunction(() => globalThis.harness.done.some((each) => each.name === "copied"));
  assert.match((await phone.done("copied"))[0].data, /^https:\/\/news\.example\//);
  await phone.button("就这条新闻提问").click();
  await phone.title("在线问诊");
  assert.match(await phone.field("您的问题").inputValue(), /条健康新闻/);
  await phone.field("您的问题").fill("");
  await phone.tab("首页");
  await phone.open("pages/headline/headline", { id: "0" });
  await phone.sees("找不到这条头条");
  await phone.back();
});

page("segment: privacy is asked first, and a no is respected", async () => {
  await enter("眼底血管");
  await phone.title("眼底血管分割");
  await phone.button("从相册选择").click();
  await phone.sees("《乡医隐私保护指引》");
  await phone.button(/^不同意$/).click();
  await phone.sees("您没有同意隐私保护指引");
  await phone.button("从相册选择").click();
  const [chooser] = await Promise.all([phone.page.waitForEvent("filechooser"), phone.button("同意并继续").click()]);
  await chooser.setFiles(facts.retina);
  await phone.sees("确认图片");
});

page("segment: cancelled on its way, then sent once however often it is tapped", async () => {
  let release;
  const held = new Promise((resolve) => { release = resolve; });
  await phone.context.route("**/api/v1/studies", async (route) => {
    await held;
    await route.abort().catch(() => {});
  });
  await phone.button("开始分割").click();
  await phone.sees("取消上传");
  await phone.button("取消上传").click();
  await phone.sees("确认图片");
  await phone.button("开始分割").waitFor();
  release();
  await phone.context.unroute("**/api/v1/studies");
  const before = (await api("/api/v1/studies")).items.length;
  await phone.button("开始分割").dblclick();
  await phone.title("分割结果");
  await phone.sees("初步所见");
  assert.equal((await api("/api/v1/studies")).items.length, before + 1);
});

page("result: marks fade, the picture is saved with its label, a missing permission is asked for", async () => {
  await phone.sees("AI 生成");
  await phone.sees("仅供医生参考");
  const layer = phone.page.locator(".screen:visible wx-image[aria-label='AI 生成的标注']");
  await phone.page.locator(".screen:visible wx-slider input").fill("20");
  assert.match(await layer.getAttribute("style"), /opacity: 0\.2/);
  const sizes = await phone.page.$$eval(".stage img", (all) => all.map((image) => [image.naturalWidth, image.naturalHeight]));
  assert.deepEqual(sizes[0], sizes[1]);
  const [download] = await Promise.all([phone.page.waitForEvent("download"), phone.button("保存标注图").click()]);
  await phone.sees("已保存到相册");
  const saved = fs.readFileSync(await download.path());
  assert.ok(saved.length > 10000 && saved.includes("AIGC"), "the saved picture says by its metadata that it is AI-made");
  await phone.turn({ album: "denied", gives: false });
  await phone.button("保存标注图").click();
  await phone.sees("需要相册权限");
  await phone.modal("去设置");
  await phone.sees("没有打开相册权限");
  await phone.turn({ gives: true });
  await phone.button("保存标注图").click();
  await Promise.all([phone.page.waitForEvent("download"), phone.modal("去设置")]);
  await phone.sees("已保存到相册");
});

page("segment: what is no picture, what is too large, and smaller by agreement", async () => {
  await enter("肺与心脏");
  await choose(facts.text);
  await phone.button("开始分割").click();
  await phone.sees("只支持");
  await phone.button("换一张").click();
  await phone.turn({ limit: 11 * 1024 * 1024 });
  await choose(facts.chest);
  await phone.sees("微信最多能上传 10 MB");
  await phone.modal("不压缩");
  await phone.sees("超过微信 10 MB 的上限");
  await choose(facts.chest);
  await phone.modal(/^压缩$/);
  await phone.sees("已压缩");
  await phone.turn({ limit: 0 });
  await phone.context.setOffline(true);
  await phone.button("开始分割").click();
  await phone.sees("连不上医院服务器");
  await phone.context.setOffline(false);
});

page("result: the program is closed before it has ended, and taken up again from home", async () => {
  await phone.context.route("**/api/v1/studies/*?wait=*", (route) => route.abort());
  await phone.button("开始分割").click();
  await phone.title("分割结果");
  await phone.sees("网络不稳定");
  await phone.restart();
  await phone.turn({ agreed: true });
  await phone.sees("有一项影像正在分析");
  await phone.tap("有一项影像正在分析，点此查看结果");
  await phone.sees("网络不稳定");
  await phone.context.unroute("**/api/v1/studies/*?wait=*");
  await phone.sees("初步所见");
  await phone.sees("心脏最大横径");
  assert.equal((await phone.stored()).pending, undefined);
});

page("result: of a study that is not there, or another's", async () => {
  await phone.open("pages/result/result", { id: "0123456789abcdef01234567" });
  await phone.sees("找不到这项检查");
  await phone.back();
});

page("consult: nothing to ask, then chips and words as one question with sources", async () => {
  await surface();
  await phone.tab("问诊");
  await phone.button("提问").click();
  await phone.sees("请点选症状，或写下您的问题");
  await phone.tap("血压高");
  await phone.tap("一周以上");
  await phone.field("您的问题").fill("高血压平时怎么吃？");
  assert.equal(JSON.parse((await phone.stored()).draft), "高血压平时怎么吃？");
  await phone.button("提问").click();
  await phone.title("问诊回答");
  await phone.sees("血压高，一周以上。高血压平时怎么吃？");
  await phone.sees("依据的资料");
  await phone.page.locator(".screen:visible").getByText("展开").first().click();
  await phone.sees("收起");
  await phone.sees("临床医生审核");
  await phone.button(/^有用$/).click();
  await phone.page.locator(".screen:visible wx-button.button--main", { hasText: "有用" }).waitFor();
  assert.equal((await api("/api/v1/consultations")).items[0].rating, 1);
  assert.equal((await phone.stored()).draft, undefined);
});

page("answer: a question that follows, without a stream", async () => {
  await phone.turn({ streams: false });
  await phone.field("接着问").fill("可以喝酒吗？");
  await phone.button("追问").click();
  await phone.sees("可以喝酒吗？");
  await phone.button("追问").waitFor();
  const [newest, first] = (await api("/api/v1/consultations")).items;
  assert.equal(newest.question, "可以喝酒吗？");
  assert.equal(newest.previousId, first.id);
  await phone.turn({ streams: true });
  await phone.back();
});

page("answer: red flags get the advice above all, and the call", async () => {
  await phone.field("您的问题").fill("我爸突然胸口剧痛，出冷汗，喘不上气");
  await phone.tap("血压高");
  await phone.tap("一周以上");
  await phone.button("提问").click();
  await phone.sees("情况可能危急");
  await phone.button("拨打 120").click();
  await phone.page.waitForFunction(() => globalThis.harness.done.some((each) => each.name === "called"));
  assert.deepEqual((await phone.done("called"))[0].phoneNumber, "120");
  await phone.back();
});

page("answer: broken off, told, and asked again", async () => {
  await phone.field("您的问题").fill("感冒要吃抗生素吗？");
  await phone.context.setOffline(true);
  await phone.button("提问").click();
  await phone.sees("网络中断");
  await phone.sees("连不上医院服务器");
  await phone.context.setOffline(false);
  await phone.button("重新提问").click();
  await phone.button("追问").waitFor();
  await phone.back();
});

page("announcements: both kinds, the pinned first, markup shown as text", async () => {
  await surface();
  await phone.tab("消息");
  await phone.sees("秋冬流感疫苗开始接种");
  const titles = await phone.page.$$eval(".screen:not([hidden]) .item__head", (all) => all.map((each) => each.textContent));
  assert.deepEqual(titles, ["置顶秋冬流感疫苗开始接种", "<script>alert(1)</script>停诊通知"]);
  await phone.tap("健康科普");
  await phone.sees("高血压平时怎么吃");
  await phone.context.setOffline(true);
  await phone.tap("公告");
  await phone.sees("现在连不上医院");
  await phone.tap("秋冬流感疫苗开始接种");
  await phone.title("消息详情");
  await phone.sees("连不上医院服务器");
  await phone.context.setOffline(false);
  await phone.button("重试").click();
  await phone.sees("请带身份证");
});

page("announcement: a comment waits for approval, an empty one is refused", async () => {
  await phone.sees("还没有留言");
  await phone.button("提交留言").click();
  await phone.sees("请写下留言");
  await phone.field("留言").fill("<b>几点</b>开始？");
  await phone.button("提交留言").click();
  await phone.sees("管理员审核后");
  await phone.sees("<b>几点</b>开始？");
  await phone.sees("待审核");
  assert.equal(await phone.field("留言").inputValue(), "");
  await phone.back();
  await phone.open("pages/announcement/announcement", { kind: "announcements", id: "0123" });
  await phone.sees("找不到这篇内容");
  await phone.back();
});

page("profile: own studies and consultations lead to their pages", async () => {
  await surface();
  await phone.tab("我的");
  await phone.sees(facts.user);
  await phone.tap("肺与心脏");
  await phone.title("分割结果");
  await phone.sees("初步所见");
  await phone.back();
  await phone.tap("问诊", true);
  await phone.page.locator(".screen:visible .section", { hasText: "问诊" }).click();
  await phone.tap("感冒要吃抗生素吗？");
  await phone.title("问诊回答");
  await phone.sees("提问时间");
  await phone.back();
});

page("profile: large type, and a password that is changed", async () => {
  await surface();
  await phone.tab("我的");
  await phone.page.locator(".screen:visible .section", { hasText: "设置" }).click();
  await phone.page.locator(".screen:visible wx-switch input").check();
  await phone.page.locator(".screen:visible .page.large").waitFor();
  await phone.page.locator(".screen:visible wx-switch input").uncheck();
  await phone.button(/^修改密码$/).click();
  await phone.sees("请填写原密码和新密码");
  await phone.field("原密码").fill("wrong-password");
  await phone.field("新密码").fill("wang-password-2");
  await phone.field("再输一次新密码").fill("another");
  await phone.button(/^修改密码$/).click();
  await phone.sees("两次输入的新密码不一样");
  await phone.field("再输一次新密码").fill("wang-password-2");
  await phone.button(/^修改密码$/).click();
  await phone.sees("原密码不正确");
  await phone.field("原密码").fill(facts.password);
  await phone.button(/^修改密码$/).click();
  await phone.sees("密码已修改");
  for (const [label, text] of [["原密码", "wang-password-2"], ["新密码", facts.password], ["再输一次新密码", facts.password]])
    await phone.field(label).fill(text);
  await phone.button(/^修改密码$/).click();
  await phone.sees("密码已修改");
});

page("profile: bound to WeChat, signed out without a trace, logged in by WeChat", async () => {
  await phone.turn({ code: `code-${WECHAT}-2` });
  await phone.button(/^绑定$/).click();
  await phone.sees("已绑定，下次可以用微信登录");
  await phone.button("退出登录").click();
  await phone.modal("退出");
  await phone.sees("登录后可以看自己的影像和问诊");
  const kept = Object.keys(await phone.stored());
  assert.deepEqual(kept.filter((key) => !key.startsWith("list:") && key !== "large"), []);
  await phone.button("登录").click();
  await phone.turn({ code: `code-${WECHAT}-3` });
  await phone.button("微信登录").click();
  await phone.title("我的");
  await phone.sees(facts.user);
});

page("an expired session leads to the log-in, and back to where one was", async () => {
  await phone.page.locator(".screen:visible .section", { hasText: "影像" }).click();
  await phone.tap("肺与心脏");
  await phone.sees("初步所见");
  await api("/api/v1/sessions/others", { method: "DELETE" });
  await phone.button("保存标注图").click();
  await phone.title("登录");
  await logIn();
  await phone.title("分割结果");
  assert.deepEqual(await phone.where(), ["pages/profile/profile", "pages/result/result"]);
  await Promise.all([phone.page.waitForEvent("download"), phone.button("保存标注图").click()]);
  await phone.back();
});

page("profile: the own data are deleted by password, or it is said that this box cannot", async () => {
  await phone.page.locator(".screen:visible .section", { hasText: "设置" }).click();
  await phone.button("删除我的数据").click();
  await phone.button("确认删除").click();
  await phone.sees("请输入密码确认");
  await phone.field("密码").fill(facts.password);
  await phone.button("确认删除").click();
  await phone.modal("删除");
  await phone.sees(facts.deletes ? "数据已删除" : "医院的系统还不支持在手机上删除");
});

test("nothing went wrong on the console", () => {
  assert.deepEqual(faults, []);
});

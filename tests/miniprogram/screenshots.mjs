// Pictures of all ten pages in light, dark and large type, into the folder given: `node screenshots.mjs FOLDER`.
// Started by screenshots.py, which knows the box and puts three pictures side by side.
import path from "node:path";
import { openPhone, startBrowser } from "./harness/phone.mjs";

const facts = JSON.parse(process.env.XIANGYI_FACTS);
const folder = process.argv[2];
const faults = [];
const started = await startBrowser();

for (const mode of ["light", "dark", "large"]) {
  const phone = await openPhone(started, { box: facts.box, faults, dark: mode === "dark" });
  const shoot = async (name) => {
    await phone.page.waitForTimeout(400);
    await phone.page.screenshot({ path: path.join(folder, `${name}-${mode}.png`) });
  };
  if (mode === "large") {
    await phone.page.evaluate(() => localStorage.setItem("large", "true"));
    await phone.restart();
  }
  await phone.turn({ agreed: true });
  await phone.button("登录").click();
  await phone.title("登录");
  await shoot("login");
  await phone.field("用户名").fill(facts.user);
  await phone.field("密码").fill(facts.password);
  await phone.button(/^登录$/).click();
  await phone.sees("条健康新闻");
  await shoot("home");
  await phone.page.locator(".screen:visible").getByText("条健康新闻").first().click();
  await phone.sees("阅读原文");
  await shoot("headline");
  await phone.back();
  await phone.tap("肺与心脏");
  await phone.sees("怎么拍");
  await shoot("segment");
  const [chooser] = await Promise.all([phone.page.waitForEvent("filechooser"), phone.button("从相册选择").click()]);
  await chooser.setFiles(facts.chest);
  await phone.button("开始分割").click();
  await phone.sees("初步所见");
  await shoot("result");
  await phone.back();
  await phone.tab("问诊");
  await phone.tap("血压高");
  await phone.field("您的问题").fill("65 岁，有高血压，平时怎么吃？");
  await shoot("consult");
  await phone.button("提问").click();
  await phone.sees("依据的资料");
  await shoot("answer");
  await phone.back();
  await phone.tap("血压高");
  await phone.field("您的问题").fill("我爸突然胸口剧痛，出冷汗，喘不上气");
  await phone.button("提问").click();
  await phone.sees("情况可能危急");
  await shoot("emergency");
  await phone.back();
  await phone.tab("消息");
  await phone.sees("秋冬流感");
  await shoot("announcements");
  await phone.tap("秋冬流感疫苗开始接种");
  await phone.sees("提交留言");
  await shoot("announcement");
  await phone.back();
  await phone.tab("我的");
  await phone.sees("肺与心脏");
  await shoot("profile");
  await phone.page.locator(".screen:visible .section", { hasText: "设置" }).click();
  await shoot("settings");
  await phone.context.close();
}
await started.browser.close();
faults.forEach((fault) => console.error(fault));
process.exit(faults.length ? 1 : 0);

"""Can the language model answer? Segmentation does not hang on it, so its absence is no fault."""

from appliance.checks.check import OK, WARNING, Check, Context

MENDS = {
    "arriving": "请等待下载完成，期间图像分割照常可用。",
    "loading": "请稍候，模型正在载入。",
    "down": "请运行 make run 或 xiangyi up 启动乡医；若已启动，它会自动恢复，请稍候。",
    "off": "如需问诊，请在 xiangyi.toml 中启用，或换用更小的模型。",
}


def check(context: Context) -> Check:
    health = context.llm
    status = OK if health.state == "ready" else WARNING
    mend = "" if status == OK else MENDS.get(health.state, "请按上面的提示处理后重启乡医。")
    return Check("llm", "问诊模型", status, health.message_zh, mend)

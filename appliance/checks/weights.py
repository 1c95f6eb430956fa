"""Are the releases whole, each file by its hash?"""

from appliance.checks.check import FAULT, OK, WARNING, Check, Context
from appliance.releases import activation, shelf
from model import release
from model.tasks import TASKS


def check(context: Context) -> Check:
    title, served = "分割模型", []
    for organ, task in TASKS.items():
        serving = context.database.read(lambda db, organ=organ: activation.active(db, organ))  # type: ignore[misc]
        if serving is None:
            continue
        try:
            folder = shelf.find(context.settings.releases_dir, organ, serving)
            opened = release.load(folder, verify_hashes=context.thorough)
        except (release.ReleaseError, shelf.ReleaseNotFound) as error:
            mend = "模型文件损坏：请重新安装本软件。"
            return Check("weights", title, FAULT, f"{task.name_zh}：{error}", mend)
        served.append(f"{task.name_zh} {opened.version}")
    if not served:
        return Check("weights", title, FAULT, "没有任何模型。", "请重新安装本软件。")
    failed = [each for organ in TASKS if (each := _problem(context, organ))]
    if failed:
        mend = "请在“权重管理”中查看原因，换用其他版本。"
        return Check("weights", title, WARNING, "；".join(failed), mend)
    return Check("weights", title, OK, "、".join(served) + ("，校验无误。" if context.thorough else "。"))


def _problem(context: Context, organ: str) -> str | None:
    failed = context.database.read(lambda db: activation.problem(db, organ))
    return f"{TASKS[organ].name_zh} {failed['version']} 未能启用，已改用之前的版本" if failed else None

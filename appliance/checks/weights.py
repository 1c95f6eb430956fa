"""Are the releases whole, each file by its hash?"""

from appliance.checks.check import FAULT, OK, Check, Context
from model import release
from model.tasks import TASKS


def check(context: Context) -> Check:
    title, served = "分割模型", []
    for organ, task in TASKS.items():
        folder = release.newest(organ)
        if folder is None:
            continue
        try:
            opened = release.load(folder, verify_hashes=context.thorough)
        except release.ReleaseError as error:
            mend = "模型文件损坏：请重新安装本软件。"
            return Check("weights", title, FAULT, f"{task.name_zh}：{error}", mend)
        served.append(f"{task.name_zh} {opened.version}")
    if not served:
        return Check("weights", title, FAULT, "没有任何模型。", "请重新安装本软件。")
    return Check("weights", title, OK, "、".join(served) + ("，校验无误。" if context.thorough else "。"))

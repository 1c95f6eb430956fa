"""Is someone there to segment, and on what compute?"""

from appliance.checks.check import FAULT, OK, WARNING, Check, Context
from appliance.worker import live_workers


def check(context: Context) -> Check:
    title, workers = "分割服务", live_workers(context.database)
    if not workers:
        mend = "请运行 make run 或 xiangyi up 启动乡医；若已启动，请查看 worker 日志。"
        return Check("worker", title, FAULT, "没有运行。", mend)
    problem = next((worker["problem"] for worker in workers if worker["problem"]), None)
    if problem:
        return Check("worker", title, WARNING, problem, "请重新安装该模型后重启乡医。")
    return Check("worker", title, OK, f"运行中：{workers[0]['computes']}。")

"""Is there room for what people upload?"""

import shutil

from appliance.checks.check import FAULT, OK, WARNING, Check, Context

FAULT_BYTES, WARNING_BYTES = 1 * 1024**3, 5 * 1024**3


def check(context: Context) -> Check:
    free = shutil.disk_usage(context.settings.data_dir).free
    status = FAULT if free < FAULT_BYTES else WARNING if free < WARNING_BYTES else OK
    message = f"剩余 {free / 1024**3:.1f} GB（{context.settings.data_dir}）。"
    mend = "" if status == OK else "请删除不需要的文件或更换更大的磁盘，至少留出 5 GB。"
    return Check("disk", "磁盘空间", status, message, mend)

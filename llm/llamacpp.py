"""llama.cpp's own server, native code in this process: loads a model and answers on a loopback port that only we use.

xllamacpp carries it prebuilt: continuous batching, a cache of prompt prefixes, no compiler on site.
"""

import os
import secrets
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from llm import environ
from llm.errors import ArrivalError

# Prompts that the slots no longer hold, so that a passage that is asked for often is not read anew each time.
PROMPT_CACHE_MIB = 512
BATCH_TOKENS = 128  # read at once: other people's answers go on meanwhile
CONNECT_TIMEOUT_S = 5.0
_NO_LIBRARY = "本地模型运行库无法载入。请执行：sudo apt-get install -y libgomp1 ，之后会自动继续。"
_NO_MODEL = "模型文件 {0} 无法载入：文件损坏、不是对话模型，或内存不足。请重新拷贝。"
_NO_MEMORY = (
    "内存不足，本地问诊模型 {0} 无法载入。请关闭其他程序，或在设置里换用较小的模型；"
    "腾出内存后会自动继续，其他功能不受影响。"
)


class LlamaCpp:
    """One model that answers `slots` people at once, each within `context` tokens; `threads` 0: one per core."""

    def __init__(self, path: Path, name: str, context: int, threads: int, slots: int, whole: bool = False):
        """`whole`: the file is known to be what it should be, so that only memory can be wanting.

        Raises ArrivalError when there is no such model in the file or no memory for it.
        """
        environ.prepare_native()
        try:
            import xllamacpp
        except (ImportError, OSError) as error:
            raise ArrivalError(_NO_LIBRARY) from error
        key = secrets.token_hex(16)
        params = xllamacpp.CommonParams()
        params.model.path, params.model_alias = str(path), {name}
        params.n_ctx, params.n_parallel, params.kv_unified = context * slots, slots, False
        params.n_ubatch, params.cache_ram_mib = BATCH_TOKENS, PROMPT_CACHE_MIB
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads or len(os.sched_getaffinity(0))
        params.api_keys, params.ui, params.endpoint_slots, params.verbosity = [key], False, False, 1
        try:
            self._server = xllamacpp.Server(params)
        except (RuntimeError, MemoryError) as error:
            raise ArrivalError((_NO_MEMORY if whole else _NO_MODEL).format(path.name)) from error
        self._slots = slots
        self._headers = {"Authorization": f"Bearer {key}"}
        self.http = httpx.AsyncClient(
            base_url=self._server.listening_address,
            headers=self._headers,
            timeout=httpx.Timeout(None, connect=CONNECT_TIMEOUT_S),
            # Its connections were seen to close right after an answer: one question in ten that had waited was lost.
            limits=httpx.Limits(max_keepalive_connections=0),
            trust_env=False,
        )

    def read_ahead(self, instructions: str) -> None:
        """Each slot reads what every prompt begins with, so that the first people to ask need not wait for it.

        Raises httpx.HTTPError.
        """
        body = {"messages": [{"role": "system", "content": instructions}], "max_tokens": 1}
        url = f"{self._server.listening_address}/v1/chat/completions"

        def read(_slot: int) -> None:
            httpx.post(url, json=body, headers=self._headers, timeout=60, trust_env=False).raise_for_status()

        with ThreadPoolExecutor(self._slots) as slots:
            list(slots.map(read, range(self._slots)))

    def close(self) -> None:
        """Stop what is being answered and free the model's memory."""
        del self._server

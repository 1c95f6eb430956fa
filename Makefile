# make run: the whole box. make test: every test. make bench: speeds beside their peers.
# make bundle: one signed archive for a box without network; BUNDLE="--without-llm" and others by --help.
SHELL := /bin/bash
PYTHON ?= python3
PORT ?= 8080
DATA ?= var
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# Training runs in a process of its own, as it does in life: torch at work in one process with OpenVINO and
# ONNX Runtime's own OpenVINO was seen to damage the heap. The served box installs no torch.
# An installation with no network, three releases one after the other: 11 minutes and more. See provisioning/README.md.
OFFLINE := tests/provisioning/test_offline.py
TRAINING := tests/model/test_network.py tests/model/test_train.py tests/model/test_crossval.py

.PHONY: run test test-offline bench bundle lint clean

run: .venv/served
	@exec env XIANGYI_PORT="$(PORT)" XIANGYI_DATA_DIR="$(DATA)" $(BIN)/xiangyi up

test: .venv/tested
	@bash tests/system.sh
	@$(MAKE) --no-print-directory lint
	$(BIN)/python -m pytest $(addprefix --ignore ,$(TRAINING) $(OFFLINE))
	$(BIN)/python -m pytest $(TRAINING)

test-offline: .venv/tested
	$(BIN)/python -m pytest $(OFFLINE)

lint: .venv/tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/tested
	$(BIN)/python -m tests.bench

bundle: .venv/served
	@$(BIN)/python provisioning/bundle/build.py $(BUNDLE)

clean:
	rm -rf .venv build *.egg-info

# A stamp is written last, so that an installation that was broken off is taken up again.
.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "需要 Python 3.11 或更新版本；请运行 sudo apt-get install -y python3 python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv .venv || \
		{ echo "无法建立 .venv：请运行 sudo apt-get install -y python3-venv" >&2; exit 1; }

.venv/served: pyproject.toml | .venv/bin/python
	@free=$$(df -Pm . | awk 'NR==2 {print $$4}'); [ "$$free" -ge 3000 ] || \
		{ echo "磁盘空间不足：此处只剩 $$free MB，安装需要 3000 MB；请清理磁盘后重试。" >&2; exit 1; }
	@echo "正在安装（首次约一两分钟）……"
	@$(BIN)/pip install -e . >.venv/install.log 2>&1 || \
		{ tail -5 .venv/install.log; echo "安装没有完成：请检查网络后再运行一次，已下载的部分不会重来。" >&2; exit 1; }
	@touch $@

.venv/tested: .venv/served
	$(BIN)/pip install -e '.[test]' >.venv/install.log 2>&1 || { tail -20 .venv/install.log >&2; exit 1; }
	@touch $@

#!/usr/bin/env bash
# What the tests need from Debian: a real browser and Chinese fonts. Tests that lack them skip and say so.
set -euo pipefail
missing=()
command -v chromium >/dev/null || missing+=(chromium)
fc-list 2>/dev/null | grep -q "Noto Sans CJK" || missing+=(fonts-noto-cjk fontconfig)
# For the mini program's tests; a Node from elsewhere brings its own npm, with which Debian's would quarrel.
command -v node >/dev/null || missing+=(nodejs)
command -v npm >/dev/null || command -v node >/dev/null || missing+=(npm)
[ ${#missing[@]} -eq 0 ] && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "tests want ${missing[*]}: sudo apt-get install -y ${missing[*]}" >&2
    exit 0
fi
apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"

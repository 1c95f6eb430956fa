"""The program that makes bundles, which lies outside of any package."""

import importlib.util

from support.box import ROOT

spec = importlib.util.spec_from_file_location("bundle_build", ROOT / "provisioning/bundle/build.py")
assert spec and spec.loader
build = importlib.util.module_from_spec(spec)
spec.loader.exec_module(build)

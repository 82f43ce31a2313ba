"""The fuzz targets run without their engine, on what hypothesis draws."""

import importlib.util
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st


def target(name):
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.one_input


TARGETS = {name: target(name) for name in ("fuzz_elf", "fuzz_tar")}


@pytest.mark.parametrize("name", TARGETS)
@settings(deadline=None, max_examples=150)
@given(raw=st.binary(max_size=4000))
def test_a_fuzz_target_accepts_any_bytes(name, raw):
    TARGETS[name](raw)

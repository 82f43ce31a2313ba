"""Real packages, fetched now, surveyed as layers: what ships siblings for other CPUs is no finding where it is native."""

from __future__ import annotations

import contextlib
import hashlib
import subprocess

import pytest

from scanner.binary.layers.limits import LayerLimits
from scanner.binary.program.survey.survey import read_layer
from scanner.binary.program.survey.survey_merge import merge
from scanner.domain.facts import Binfmt, Kernel
from scanner.domain.image.offers import Executable, FileKind, Layer, Program
from scanner.domain.platform.platform import Platform
from scanner.domain.verdict.survey import weigh
from scanner.domain.verdict.survey_ways import SurveyedProcess, survey_of
from tests.real.packages import PACKAGES, fetch, layer_of
from tests.real.require import missing

pytestmark = [pytest.mark.bench]

KERNELS = {
    "amd64": Kernel("Linux", "x86_64", platform=Platform("linux", "amd64"), ia32=True, binfmt=Binfmt(enabled=True)),
    "arm64": Kernel(
        "Linux", "aarch64", platform=Platform("linux", "arm64"), aarch32=False, binfmt=Binfmt(enabled=True)
    ),
    "s390x": Kernel("Linux", "s390x", platform=Platform("linux", "s390x"), binfmt=Binfmt(enabled=True)),
}
CHAIN = tuple(Executable(f"/usr/bin/{name}", "interpreter", FileKind.ELF) for name in ("node", "java"))


def opened(raw):
    @contextlib.asynccontextmanager
    async def open_layer(_layer, start=0, end=None):
        yield chunks(raw[start:end])

    async def chunks(raw):
        for at in range(0, len(raw), 65536):
            yield raw[at : at + 65536]

    return open_layer


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.file)
async def test_a_package_from_its_registry_is_judged_like_its_record(package, tmp_path):
    try:
        archive = fetch(package, tmp_path)
    except (subprocess.SubprocessError, OSError) as error:
        missing(f"{package.name} cannot be fetched: {error}")
    raw = layer_of(package, archive)
    layer = Layer(f"sha256:{hashlib.sha256(raw).hexdigest()}", "tar", len(raw))
    survey = survey_of(merge([await read_layer(layer, opened(raw), LayerLimits())]), SurveyedProcess())
    for at_run_time in ("", "a script decides"):
        program = Program(("node",), CHAIN, at_run_time=at_run_time)
        for cpu in package.native:
            assert weigh(KERNELS[cpu], program, survey).reason is None
        for cpu in package.foreign:
            assert weigh(KERNELS[cpu], program, survey).reason is not None

"""A registry of made-up images whose layers are really read, counted by what is asked of it."""

from __future__ import annotations

import contextlib
from dataclasses import replace

from scanner.binary.inspect import inspect
from scanner.binary.layers.limits import LayerLimits
from scanner.binary.program.survey.survey import read_layer
from scanner.domain.failure import Failure
from scanner.domain.image.offers import ImageFacts, Layer, Offer
from scanner.domain.image.reference import Digest, parse
from scanner.domain.plan import Plan
from scanner.domain.platform.platform import Platform
from scanner.domain.streams import StreamBroken
from scanner.domain.verdict.verdict import Depth
from scanner.registry.documents.image_config import read_config
from scanner.scan.images.image_surveys import ImageSurveys, Surveying
from scanner.scan.images.layer_surveys import LayerSurveys
from scanner.scan.scan import ScanLimits, Scanner

AMD64, ARM64 = Platform("linux", "amd64"), Platform("linux", "arm64")
REFERENCE = parse("r.example/app:1")


class SurveyedRegistry:
    """Answers for one image or index at any reference; ``opened`` are the digests of layers that were read."""

    def __init__(self, *images, max_image_bytes=1 << 32):
        self.blobs = {layer.digest: layer.body for image in images for layer in image.layers}
        self.offers = [_offer(image) for image in images]
        self.opened, self.resolved, self.broken = [], [], {}
        self.layers = LayerSurveys(self.read, per_registry=2)
        self.surveys = ImageSurveys(self.layers, self, max_image_bytes)

    async def resolve(self, _reference, *, depth, wanted=None):
        self.resolved.append(depth)
        shallow = {"config": None, "process": None, "layers": (), "config_digest": None}
        offers = tuple(
            o if depth is Depth.CONFIG and (wanted is None or wanted(o.entry)) else replace(o, **shallow)
            for o in self.offers
        )
        return ImageFacts(str(REFERENCE), Digest("sha256:" + "f" * 64), is_index=True, offers=offers)

    def last_known(self, _reference):
        return None

    @contextlib.asynccontextmanager
    async def open(self, layer, start=0, end=None):
        if layer.digest in self.broken:
            raise StreamBroken(self.broken[layer.digest])
        yield self._chunks(self.blobs[layer.digest][start:end])

    async def _chunks(self, raw):
        yield raw

    async def read(self, _reference, layer):
        self.opened.append(layer.digest)
        return await read_layer(layer, self.open, LayerLimits())

    async def inspect(self, _reference, offer, override, _host=""):
        return await inspect(offer, override, self.open)

    async def verdict(self, platform, *, now=True, want=None, depth=Depth.BINARY, deadline_s=None):
        """The verdict of the image planned on a plain host."""
        surveying = Surveying(self.surveys, now, want, deadline_s)
        scanner = Scanner(None, self, self.inspect, ScanLimits(depth), surveys=surveying)
        report = await scanner.against([platform], [Plan("r.example/app:1")])
        return report.findings[0].verdict


def _offer(image):
    said = read_config(image.config.body)
    assert not isinstance(said, Failure), said
    layers = tuple(Layer(each.digest, each.media_type, len(each.body)) for each in image.layers)
    return Offer(image.manifest.digest, said.platform, said.platform, said.process, layers)

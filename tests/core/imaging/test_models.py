"""The real networks on weights made here: imported as others' files are, computing what torch computes."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from clinseek_core.errors import InputError
from clinseek_core.imaging.model import ModelWorker, misfits, missing_packages
from clinseek_core.imaging.structures import STRUCTURES
from clinseek_core.imaging.weights import Weights, import_weights, weights_path
from clinseek_fixtures.film.shipped import films_path, shipped_films

pytestmark = pytest.mark.skipif(
    bool(missing_packages()),
    reason=f"{', '.join(missing_packages())} not installed: pip install 'clinseek-tui[cxr]'",
)
FILM = shipped_films()[0]
# Torch stays out of the tests' own process, which others share.
MAKE = """
import sys, torch
from clinseek_core.imaging import model_worker as m
torch.manual_seed(3)
folder = sys.argv[1]
net = m.densenet()
for p in net.features.parameters(): p.data.normal_(0, 0.05)
torch.save(net.state_dict(), folder + "/state.pt")
torch.save(net.state_dict(), folder + "/legacy.pt", _use_new_zipfile_serialization=False)
torch.save(net, folder + "/module.pt")
parallel = {"module." + name: value for name, value in net.state_dict().items()}
torch.save({"state_dict": parallel, "epoch": 3}, folder + "/nested.pt")
psp = m._pspnet()
torch.save(psp.state_dict(), folder + "/pspnet.pth")
"""
CHECK = """
import sys, io, json, torch, numpy as np
from PIL import Image
from clinseek_core.imaging import model_worker as m
xrv = m._library()
net = xrv.models.DenseNet(weights=None)
net.load_state_dict(torch.load(sys.argv[1], weights_only=True)); net.eval()
grey = np.asarray(Image.open(sys.argv[2]).convert("L")).astype(np.float32)
x = (2 * grey / 255 - 1) * 1024
side = min(x.shape)
x = torch.from_numpy(x[None, None])
x = xrv.datasets.XRayResizer(224)(x[0].numpy())
with torch.no_grad():
    features = torch.relu(net.features(torch.from_numpy(np.ascontiguousarray(x))[None].float()))
    logits = net.classifier(features.mean((2, 3)))
    raw = torch.sigmoid(logits)[0].numpy()
out = {}
for name, score, t in zip(net.targets, raw, xrv.models.model_urls["densenet121-res224-all"]["op_threshs"]):
    out[name] = float(score / (2 * t) if score < t else 1 - (1 - score) / (2 * (1 - t)))
print(json.dumps(out))
"""


def python(code: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    python(MAKE, str(folder))
    return folder


@pytest.fixture(scope="module")
def worker() -> Iterator[ModelWorker]:
    working = ModelWorker()
    yield working
    working.close()


def place(weights: Weights, folder: Path) -> tuple[str, str, str]:
    return weights.model, str(weights_path(folder, weights.model)), weights.sha256


def fits(worker: ModelWorker) -> Callable[[str, Mapping[str, Sequence[int]]], list[str]]:
    """The check of an import in a worker that has torch at hand: `misfits` imports it anew each time."""
    return lambda model, shapes: worker.call("misfits", model, dict(shapes), deadline_s=120)


def film() -> bytes:
    return (films_path() / FILM.file).read_bytes()


def test_every_form_that_torch_saves_gives_the_same_scores(
    made: Path, worker: ModelWorker, tmp_path: Path
) -> None:
    found = []
    for name in ("state.pt", "legacy.pt", "module.pt", "nested.pt"):
        weights = import_weights(made / name, tmp_path / name, fits(worker))
        assert weights.verified, name
        found.append(
            worker.call("classify", film(), *place(weights, tmp_path / name), deadline_s=120)["scores"]
        )
    assert all(scores == found[0] for scores in found)
    assert len(found[0]) == 18


def test_the_scores_are_those_that_the_library_would_give(
    made: Path, worker: ModelWorker, tmp_path: Path
) -> None:
    """Against the network taken apart: features, classifier, sigmoid, and the published operating points."""
    import json

    weights = import_weights(made / "state.pt", tmp_path, fits(worker))
    ours = worker.call("classify", film(), *place(weights, tmp_path), deadline_s=120)["scores"]
    theirs = json.loads(python(CHECK, str(made / "state.pt"), str(films_path() / FILM.file)))
    assert list(ours) == list(theirs)
    assert all(ours[name] == pytest.approx(theirs[name], abs=2e-3) for name in ours)
    assert len({round(score, 3) for score in ours.values()}) > 5


def test_the_segmentations_network_runs_and_masks_are_of_the_films_size(
    made: Path, worker: ModelWorker, tmp_path: Path
) -> None:
    weights = import_weights(made / "pspnet.pth", tmp_path, fits(worker))
    assert (weights.model, weights.verified) == ("pspnet-chestx-det", True)
    wide = io.BytesIO()
    Image.open(films_path() / FILM.file).convert("L").resize((300, 240)).save(wide, "PNG")
    asked = wide.getvalue(), list(STRUCTURES)
    answer = worker.call("segment", *asked, *place(weights, tmp_path), deadline_s=180)
    assert list(answer["metrics"]) == list(STRUCTURES)
    assert Image.open(io.BytesIO(answer["picture"])).size == (300, 240)
    assert sum(one["area_pixels"] for one in answer["metrics"].values()) > 0
    # A square of 240 in the middle is looked at.
    assert all(one["area_pixels"] <= 240 * 240 for one in answer["metrics"].values())


def test_weights_that_were_changed_after_their_import_are_not_loaded(
    made: Path, worker: ModelWorker, tmp_path: Path
) -> None:
    weights = import_weights(made / "state.pt", tmp_path, fits(worker))
    kept = weights_path(tmp_path, weights.model)
    data = bytearray(kept.read_bytes())
    data[-5] ^= 1
    kept.write_bytes(data)
    # Its digest is another now, so no network that is at hand already answers for it.
    changed = weights.model, str(kept), "0" * 64
    with pytest.raises(InputError, match="was changed since it was imported"):
        worker.call("classify", film(), *changed, deadline_s=120)


def test_weights_of_another_shape_are_told_before_they_are_kept(made: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not fit densenet121-res224-all"):
        import_weights(made / "pspnet.pth", tmp_path, misfits, "densenet121-res224-all")
    assert np.size(list(tmp_path.glob("*.safetensors"))) == 0

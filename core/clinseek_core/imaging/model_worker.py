"""The worker process that runs models on films: torch and TorchXRayVision are imported here and nowhere else.

Networks are built without weights and get them from safetensors alone: the library's own loading unpickles,
and is never used.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clinseek_core.errors import InputError
from clinseek_core.imaging.lungs import cardiothoracic_ratio, lung_fields
from clinseek_core.imaging.overlay import draw_masks
from clinseek_core.imaging.structures import STRUCTURES, heart_by_chest, measured
from clinseek_core.worker import serve

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Grey = npt.NDArray[np.uint8]
    Mask = npt.NDArray[np.bool_]

__all__ = ["densenet", "film_input", "finished"]

_NICE = 10
_CLASSIFIER_SIDE, _SEGMENTATION_SIDE = 224, 512
_WHITE = 255
_DIGITS = 4
"""Beyond them, a score differs between processors."""
_ENVIRONMENT = {
    # Threads that wait for each other by spinning make a busy machine many times slower.
    "OMP_WAIT_POLICY": "PASSIVE",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "TORCH_FORCE_WEIGHTS_ONLY_LOAD": "1",
}
_CLASSIFIER_WEIGHTS = "densenet121-res224-all"
"""Under this name the library knows the operating points and the input's size."""

_networks: dict[str, Any] = {}
"""By the digest of their weights."""


def _classify(_: Callable[[str], None], png: bytes, model: str, weights: str, sha256: str) -> dict[str, Any]:
    """Each label's score, in the network's order."""
    import torch  # noqa: PLC0415 - heavy: loaded with the first call

    network = _network(model, weights, sha256)
    with torch.inference_mode():
        scores = network(film_input(_pixels(png), _CLASSIFIER_SIDE))[0].tolist()
    return {
        "scores": {name: round(score, _DIGITS) for name, score in zip(network.targets, scores, strict=True)}
    }


def _segment(
    _: Callable[[str], None], png: bytes, organs: list[str], model: str, weights: str, sha256: str
) -> dict[str, Any]:
    """What is measured of each structure asked for, and a picture; the square in the middle is looked at."""
    import torch  # noqa: PLC0415 - heavy: loaded with the first call

    network = _network(model, weights, sha256)
    pixels = _pixels(png)
    with torch.inference_mode():
        likely = torch.sigmoid(network(film_input(pixels, _SEGMENTATION_SIDE)))[0]
    masks, metrics = {}, {}
    for name in organs:
        mask, confidence = _of_film(likely[STRUCTURES.index(name)], pixels)
        masks[name], metrics[name] = mask, measured(mask, pixels)
        if confidence is not None:
            metrics[name]["confidence_score"] = round(confidence, 3)
    ratio = None
    if {"Heart", "Left Lung", "Right Lung"} <= masks.keys():
        ratio = heart_by_chest(masks["Heart"], masks["Left Lung"] | masks["Right Lung"])
    return {"metrics": metrics, "ratio": ratio, "picture": draw_masks(pixels, masks)}


def _lungs(_: Callable[[str], None], png: bytes, organs: list[str]) -> dict[str, Any] | None:
    """The lung fields among the structures asked for, without any model; None where they are not found."""
    pixels = _pixels(png)
    fields = lung_fields(pixels)
    if fields is None:
        return None
    masks = {"Left Lung": fields.left, "Right Lung": fields.right}
    masks = {name: mask for name, mask in masks.items() if name in organs}
    ratio = cardiothoracic_ratio(fields)
    return {
        "metrics": {name: measured(mask, pixels) for name, mask in masks.items()},
        "ratio": None if ratio is None else round(ratio, 2),
        "picture": draw_masks(pixels, masks),
    }


def _misfits(_: Callable[[str], None], model: str, shapes: dict[str, list[int]]) -> list[str]:
    """How names and shapes of tensors differ from those of a model's network, a few of them."""
    ours = {name: tuple(tensor.shape) for name, tensor in _BUILDERS[model]().state_dict().items()}
    # Counters that networks older than torch 0.4.1 do not have, and that nothing reads after training.
    needed = {name for name in ours if not name.endswith(".num_batches_tracked")}
    theirs = {name: tuple(shape) for name, shape in shapes.items()}
    missing = sorted(needed - theirs.keys())
    others = sorted(theirs.keys() - ours.keys() - _KEPT_BESIDE)
    unlike = sorted(name for name in ours.keys() & theirs.keys() if ours[name] != theirs[name])
    found = (("missing", missing), ("not of this model", others), ("of another shape", unlike))
    return [f"{len(names)} {what}, such as {names[0]}" for what, names in found if names]


_KEPT_BESIDE = {"op_threshs"}
"""Tensors that a saved module has beside its network's own, which the library sets anew."""


def _network(model: str, weights: str, sha256: str) -> Any:
    """The network with its weights, ready to be asked; built once."""
    if sha256 not in _networks:
        import safetensors.torch  # noqa: PLC0415 - heavy: loaded with the first call

        try:
            stored = Path(weights).read_bytes()
        except OSError as error:
            raise InputError(f"{weights}: can't be read ({error}); import the weights again") from error
        if hashlib.sha256(stored).hexdigest() != sha256:
            raise InputError(f"{weights}: was changed since it was imported; import the weights again")
        tensors = {
            name: tensor
            for name, tensor in safetensors.torch.load(stored).items()
            if name not in _KEPT_BESIDE
        }
        network = _BUILDERS[model]()
        try:
            network.load_state_dict(tensors)
        except RuntimeError as error:
            raise InputError(f"{weights}: does not fit {model}; import the right weights") from error
        _networks[sha256] = finished(network)
    return _networks[sha256]


def densenet() -> Any:
    """The library's DenseNet-121, without weights."""
    xrv = _library()
    return xrv.models.DenseNet(weights=None)


def _pspnet() -> Any:
    """The library's PSPNet, whose own constructor would look for a file to unpickle."""
    parent = _library().baseline_models.chestx_det.PSPNet
    import torchvision  # noqa: PLC0415 - after the library, which needs it made fit
    from torchxrayvision.baseline_models.chestx_det.ptsemseg.pspnet import pspnet  # noqa: PLC0415 - as above

    class Unloaded(parent):  # type: ignore[misc, valid-type]  # of an untyped library
        """The network, its tensors named as in the file of weights."""

        def __init__(self) -> None:
            super(parent, self).__init__()
            self.transform = torchvision.transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
            self.model = pspnet(len(self.targets))

        def state_dict(self, *args: Any, **options: Any) -> Any:
            return self.model.state_dict(*args, **options)

        def load_state_dict(self, state: Any, **options: Any) -> Any:
            return self.model.load_state_dict(state, **options)

    network = Unloaded()
    if tuple(network.targets) != STRUCTURES:
        raise InputError("the installed torchxrayvision names other structures; install the extra cxr anew")
    return network


_BUILDERS: dict[str, Callable[[], Any]] = {
    "densenet121-res224-all": densenet,
    "densenet121-demonstration": densenet,
    "pspnet-chestx-det": _pspnet,
}
"""How the network of each known model is built, without weights."""


def finished(network: Any) -> Any:
    """The network as it is asked: its classifier's scores moved to the published operating points."""
    import torch  # noqa: PLC0415 - heavy: loaded with the first call

    xrv = _library()
    network.eval()
    if isinstance(network, xrv.models.DenseNet):
        published = xrv.models.model_urls[_CLASSIFIER_WEIGHTS]
        network.op_threshs = torch.tensor(published["op_threshs"])
        network.input_resolution = published["input_resolution"]
    return network


def _library() -> Any:
    """TorchXRayVision, with a torchvision that can be imported beside a CPU build of torch.

    The wheel of torchvision that PyPI has is made for CUDA: beside a torch without it, its extension is not
    loaded, and its import fails for want of two operators that are registered there. They are declared first.
    """
    import torch  # noqa: PLC0415 - heavy: loaded with the first call

    torch.set_num_threads(1)
    if torch.version.cuda is None and not _declared:
        _declare_operators(torch)
    import torchxrayvision  # noqa: PLC0415 - heavy: loaded with the first call

    return torchxrayvision


_declared: list[Any] = []
"""The library of operators; torch forgets them with it."""


def _declare_operators(torch: Any) -> None:
    try:
        import torchvision  # noqa: F401, PLC0415 - only to see whether it can be
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
    else:
        _declared.append(None)
        return
    import sys  # noqa: PLC0415 - only where an import has failed half way

    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[name]
    library = torch.library.Library("torchvision", "FRAGMENT")
    for operator in ("nms", "qnms"):
        library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _declared.append(library)


def film_input(pixels: Grey, side: int) -> Any:
    """The film as the library's networks want it: its middle square, of ±1024, in one channel."""
    import torch  # noqa: PLC0415 - heavy: loaded with the first call

    datasets = _library().datasets
    values = datasets.normalize(pixels, _WHITE)[None]
    return torch.from_numpy(datasets.XRayResizer(side)(datasets.XRayCenterCrop()(values)))[None]


def _of_film(likely: Any, pixels: Grey) -> tuple[Mask, float | None]:
    """A structure's mask at the film's size, and the mean probability within it; None for an empty one."""
    import numpy as np  # noqa: PLC0415 - heavy: loaded with the first call
    import torch  # noqa: PLC0415 - as above

    rows, columns = pixels.shape
    side = min(rows, columns)
    top, left = rows // 2 - side // 2, columns // 2 - side // 2
    grown = torch.nn.functional.interpolate(likely[None, None], size=(side, side), mode="bilinear")[
        0, 0
    ].numpy()
    mask = np.zeros(pixels.shape, dtype=bool)
    mask[top : top + side, left : left + side] = grown > 0.5
    inside = grown[grown > 0.5]
    return mask, float(inside.mean()) if inside.size else None


def _pixels(png: bytes) -> Grey:
    """The grey values of a film, which came as a PNG of one channel."""
    import numpy as np  # noqa: PLC0415 - heavy: loaded with the first call
    from PIL import Image  # noqa: PLC0415 - as above

    Image.MAX_IMAGE_PIXELS = None  # our own reader made it, within its bound
    return np.asarray(Image.open(io.BytesIO(png), formats=("PNG",)).convert("L"))


if __name__ == "__main__":
    os.environ.update(_ENVIRONMENT)
    os.nice(_NICE)
    serve({"classify": _classify, "segment": _segment, "lungs": _lungs, "misfits": _misfits})

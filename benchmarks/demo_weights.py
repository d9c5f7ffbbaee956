"""How well the demonstration weights tell phantoms apart: per finding, on films that they were not fitted to.

`python benchmarks/demo_weights.py [--films N]`, with the extra cxr installed.

The films are phantoms of patients that the fit has not seen, rendered anew. They go the real way: the stored
weights are expanded, imported as any file of weights is, and the classifier's worker process is asked with a
PNG. AUC is the area under the curve; sensitivity and specificity are at 0.5, each label's operating point.
Brackets hold a 95 % bootstrap interval over films (2,000 draws from one seed). These are drawn films: the
table says nothing of how anything does on films of people.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from clinseek_core.imaging.model import ModelWorker, misfits, missing_packages
from clinseek_core.imaging.weights import import_weights, weights_path
from clinseek_fixtures.film.demo import write_weights
from clinseek_fixtures.film.demo.films import rendered
from clinseek_fixtures.film.demo.head import auc
from clinseek_fixtures.film.demo.population import LABELS

HELD_OUT = 2
DRAWS = 2000


def scored(films: np.ndarray, folder: Path) -> list[dict[str, float]]:
    """The real classifier's scores of films, with the demonstration weights imported into a folder."""
    made = folder / "demonstration.safetensors"
    write_weights(made)
    weights = import_weights(made, folder, misfits)
    worker = ModelWorker()
    try:
        return [
            worker.call(
                "classify",
                png(film),
                weights.model,
                str(weights_path(folder, weights.model)),
                weights.sha256,
                deadline_s=120,
            )["scores"]
            for film in films
        ]
    finally:
        worker.close()


def png(film: np.ndarray) -> bytes:
    """The film as the worker is given it."""
    out = io.BytesIO()
    Image.fromarray(film).save(out, "PNG")
    return out.getvalue()


def interval(scores: np.ndarray, present: np.ndarray) -> tuple[float, float]:
    """The bootstrap interval of the area under the curve."""
    rng = np.random.RandomState(0)
    areas = []
    for _ in range(DRAWS):
        drawn = rng.randint(len(scores), size=len(scores))
        if 0 < present[drawn].sum() < len(drawn):
            areas.append(auc(scores[drawn], present[drawn]))
    low, high = np.percentile(areas, (2.5, 97.5))
    return float(low), float(high)


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--films", type=int, default=160, help="how many to render (default %(default)s)")
    options = parser.parse_args()
    missing = missing_packages()
    if missing:
        print(f"demo_weights: {', '.join(missing)} missing: pip install 'clinseek-tui[cxr]'", file=sys.stderr)
        return 2
    films, labels = rendered(HELD_OUT, options.films)
    with tempfile.TemporaryDirectory() as folder:
        said = scored(films, Path(folder))
    print(f"demonstration weights on {len(films)} phantoms not fitted to; no clinical model")
    print(f"{'label':14} {'films':>5}  {'AUC':22} sensitivity specificity")
    for label, present in zip(LABELS, labels.T, strict=True):
        scores = np.array([one[label] for one in said])
        low, high = interval(scores, present)
        area = f"{auc(scores, present):.3f} [{low:.3f}, {high:.3f}]"
        found, clear = (scores[present] > 0.5).mean(), (scores[~present] <= 0.5).mean()
        print(f"{label:14} {present.sum():5}  {area:22} {found:11.2f} {clear:11.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

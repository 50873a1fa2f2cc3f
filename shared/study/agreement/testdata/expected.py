"""Writes expected.json: invented opinions, and the figures that scipy and scikit-learn compute from them."""

import json
from pathlib import Path

import numpy as np
from scipy.stats import rankdata, spearmanr
from sklearn.metrics import cohen_kappa_score, precision_recall_fscore_support

CAPABILITIES = ["song", "plumage", "flight"]
STYLES = ["word", "list", "story"]
SOURCES = {"garden": 45, "marsh": 30, "zoo": 12}
rng = np.random.default_rng(5)

sources = [name for name, n in SOURCES.items() for _ in range(n)]
n = len(sources)
latent = rng.normal(size=(n, 3)) + np.array([{"garden": 0.0, "marsh": 1.0, "zoo": -1.0}[s] for s in sources])[:, None]
annotated = np.clip(np.round(1.5 * latent + 1.5), 0, 5).astype(int)
expected = np.clip(1.2 * latent + 1.8 + rng.normal(scale=(0.5, 1.0, 3.0), size=(n, 3)), 0, 5).round(2)
given = np.clip(np.round(expected), 0, 5).astype(int)
annotated[rng.random((n, 3)) < 0.05] = -1
given[rng.random((n, 3)) < 0.05] = -1
truth = rng.random((n, 3)) < (0.6, 0.3, 0.1)
guess = truth ^ (rng.random((n, 3)) < 0.2)


def figures(rows: np.ndarray) -> np.ndarray:
    """Returns Spearman, kappa, exact, within one and within-source for each capability."""
    out = []
    for c in range(3):
        keep = rows[(annotated[rows, c] >= 0) & (given[rows, c] >= 0)]
        a, g, e = annotated[keep, c], given[keep, c], expected[keep, c]
        x, y = [], []
        for name in ("garden", "marsh"):  # the sources with at least 20 samples
            own = np.array([sources[i] == name for i in keep])
            x.append(rankdata(a[own]) / own.sum() - (own.sum() + 1) / 2 / own.sum())
            y.append(rankdata(e[own]) / own.sum() - (own.sum() + 1) / 2 / own.sum())
        x, y = np.concatenate(x), np.concatenate(y)
        kappa = cohen_kappa_score(a, g, weights="quadratic", labels=range(6))
        within = (x * y).sum() / np.sqrt((x * x).sum() * (y * y).sum())
        out.append([spearmanr(a, e)[0], kappa, (a == g).mean(), (abs(a - g) <= 1).mean(), within])
    return np.array(out)


def styles(rows: np.ndarray) -> np.ndarray:
    """Returns precision, recall and F1 for each style, then for all styles together."""
    each = precision_recall_fscore_support(truth[rows], guess[rows], zero_division=0)[:3]
    micro = precision_recall_fscore_support(truth[rows], guess[rows], average="micro")[:3]
    return np.vstack([np.array(each).T, micro])


everything = np.arange(n)
resamples = [rng.integers(n, size=n) for _ in range(2000)]
result = {
    "capabilities": CAPABILITIES,
    "styles": STYLES,
    "samples": [
        {
            "source": sources[i],
            "annotated": {
                "ratings": annotated[i].tolist(),
                "styles": [s for s, has in zip(STYLES, truth[i], strict=True) if has],
            },
            "given": {
                "ratings": given[i].tolist(),
                "expected": expected[i].tolist(),
                "styles": [s for s, has in zip(STYLES, guess[i], strict=True) if has],
            },
        }
        for i in range(n)
    ],
    "figures": figures(everything).tolist(),
    "style_figures": styles(everything).tolist(),
    "of_zoo": figures(everything[-12:])[:, :4].mean(axis=0).tolist(),
    "mean_intervals": np.percentile([figures(r).mean(axis=0) for r in resamples], (2.5, 97.5), axis=0).T.tolist(),
    "micro_f1_interval": np.percentile([styles(r)[-1, 2] for r in resamples], (2.5, 97.5)).tolist(),
}
Path(__file__).with_name("expected.json").write_text(json.dumps(result) + "\n")

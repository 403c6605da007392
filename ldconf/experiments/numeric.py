"""The only door to numpy and scipy: both are the extra `stats`, and slow to import.

`scipy.special` is enough and is imported three times as fast as `scipy.stats`.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

from ldconf.core.errors import MissingPackage

try:
    import numpy as np
    from numpy.typing import NDArray
    from scipy import special
except ModuleNotFoundError as err:
    raise MissingPackage("statistics need", err.name or "numpy", "stats") from err

__all__ = ["Floats", "generator", "integrate", "np", "special"]

Floats = NDArray[np.float64]

# Tanh-sinh nodes: they crowd at both ends, so integrands may rise steeply there, as densities of
# beta distributions with a parameter below 1 do. `scipy.integrate` has the same rule, but importing
# it takes as long again as all of `scipy.special`.
_STEP = 2**-6
_STEPS = np.arange(-3.4, 3.4 + _STEP, _STEP)
_INNER = np.pi / 2 * np.sinh(_STEPS)
_AFTER = 1 / (1 + np.exp(-2 * _INNER))  # share of the range below each node, exact near 0
_WEIGHTS = np.pi * np.cosh(_STEPS) / (4 * np.cosh(_INNER) ** 2) * _STEP


def integrate(function: Callable[[Floats], Floats], lower: float, upper: float) -> float:
    """Return the integral of a vectorised function. Smooth ones are exact to about 1e-10."""
    if not upper > lower:
        return 0.0
    width = upper - lower
    return float(width * np.sum(_WEIGHTS * function(lower + width * _AFTER)))


def generator(*names: object) -> np.random.Generator:
    """Return random numbers that are the same for the same names, on every machine."""
    digest = sha256("\0".join(str(name) for name in names).encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], "big")))

"""Which planner prices indexes: the data-free shadow, HypoPG on the target, or a sandbox."""

from __future__ import annotations

from advisor.errors import PlannerUnavailable, SandboxError
from advisor.model.capture import Capture
from advisor.ports import CostEstimator, Progress, silent
from connectors.postgres import shadow
from connectors.postgres.hypopg import HypoPgPlanner
from connectors.postgres.sandbox import SandboxPlanner


def estimator(
    capture: Capture,
    url: str | None = None,
    kind: str = "auto",
    sandbox_url: str | None = None,
    progress: Progress = silent,
) -> CostEstimator:
    """Return the planner of that ``kind``: "auto", "shadow", "hypopg" or "sandbox".

    "auto" takes a sandbox when one is named, else the shadow, which asks nothing of the target. Close it when done.
    Raises :class:`PlannerUnavailable` or :class:`SandboxError` when it cannot be had.
    """
    if kind == "sandbox" or (kind == "auto" and sandbox_url):
        if not sandbox_url:
            raise SandboxError("--planner sandbox needs --sandbox URL, a database that may be changed.")
        return SandboxPlanner(sandbox_url, capture, progress)
    if kind == "hypopg":
        if not url:
            raise PlannerUnavailable("HypoPG works on a live database only; pass its URL, or use --planner shadow.")
        return HypoPgPlanner(url, capture, progress, fallback=_shadow)
    return _shadow(capture, progress)


def _shadow(capture: Capture, progress: Progress) -> CostEstimator:
    planner: CostEstimator = shadow.ShadowPlanner(capture, progress)
    return planner

"""What `harness tasks` tells of a task, as data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.plugin.tasks import TaskSpec
from harness.tasks.files import look_for


def facts_of(
    spec: TaskSpec, data: Sequence[Path] = (), cache: Path | None = None, beside: Path | None = None
) -> dict[str, Any]:
    """The task's description, and what of its data lies where."""
    folders = [*data, *([cache / "data"] if cache else [])]
    if spec.look is not None:
        places = spec.look(folders)
    else:
        places = look_for(spec, [*data, *([beside] if beside else [])])
    return {
        "name": spec.name,
        "kind": spec.kind,
        "description": spec.description,
        "input_shape": spec.input_shape,
        "classes": spec.classes,
        "class_names": list(spec.class_names),
        "sizes": dict(spec.sizes) if spec.sizes else None,
        "steps": spec.steps,
        "step_ms": spec.step_ms if spec.steps else None,
        "origin": spec.origin,
        "source": spec.source,
        "licence": spec.licence,
        "citation": spec.citation,
        "published": [published._asdict() for published in spec.published],
        "shared_samples": spec.shared_samples,
        "files": dict(spec.files),
        "parameters": {name: vars(parameter) for name, parameter in spec.parameters.items()},
        "places": places,
    }

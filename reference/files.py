"""The files that are generated from the settings models."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from reference.page import page
from reference.project import with_config
from reference.schema import stack_schema

ROOT: Final = Path(__file__).resolve().parent.parent


def files() -> Mapping[Path, str]:
    """Path and text of each file, as it should be."""
    schema, project = stack_schema(), ROOT / "Pulumi.yaml"
    introduction = (ROOT / "reference" / "introduction.md").read_text()
    return {
        ROOT / "docs" / "configuration.md": page(introduction, schema),
        ROOT / "docs" / "stack.schema.json": f"{json.dumps(schema, indent=2, ensure_ascii=False)}\n",
        project: with_config(project.read_text(), schema),
    }

"""Settings of matching."""

from typing import Annotated, Final

from pydantic import Field

from components.settings import Model
from components.settings.cloud_values import Networks
from components.settings.values import FOLDER, Bytes, Count, Cpu, pattern

MOST_DIMENSIONS: Final = 2000
"""An HNSW index of pgvector holds no longer vectors (https://github.com/pgvector/pgvector#hnsw)."""

ModelName = Annotated[
    str,
    pattern(
        r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9][A-Za-z0-9._-]{0,95}",
        "must be the name of a model: its owner, a slash, and its own name",
        "write e.g. intfloat/multilingual-e5-small",
    ),
]
Revision = Annotated[
    str,
    pattern(
        "[0-9a-f]{40}",
        "must be a commit of the model's repository: 40 digits and letters a to f, because a branch or a tag can move",
        "write e.g. 614241f622f53c4eeff9890bdc4f31cfecc418b3",
    ),
]

ModelSource = Annotated[
    str,
    pattern(FOLDER, "must be an HTTPS address without a query", "write e.g. https://models.example.org"),
]


class MatchingSettings(Model):
    """Embeddings and their index in each region: docs/matching.md."""

    enabled: bool = False
    """Whether each region has embedding servers, a vector index, and the service `sacred-matching`."""
    model: ModelName = "intfloat/multilingual-e5-small"
    """The model that turns texts into embeddings. Another one gets an empty table, and must be filled from the texts
    again: docs/runbooks/change-the-embedding-model.md."""
    revision: Revision = "614241f622f53c4eeff9890bdc4f31cfecc418b3"
    """Commit of the model's repository. Another one counts as another model."""
    dimension: Annotated[int, Field(ge=1, le=MOST_DIMENSIONS)] = 384
    """Numbers in an embedding, as the model makes them."""
    source: ModelSource = "https://huggingface.co"
    """Where the servers fetch the model: Hugging Face's hub, or a server that offers the same addresses."""
    source_networks: Networks = ()
    """Addresses of `source`, and of what it redirects to, as CIDR ranges. Network policies let the servers reach
    nothing else. Needed with `matching.enabled`."""
    min_replicas: Count = 1
    """Fewest embedding servers in each region."""
    max_replicas: Count = 3
    """Most embedding servers in each region."""
    queue_per_replica: Count = 8
    """Texts that may wait per server. With `scaling.enabled` there are so many servers that no more wait. Measure it;
    the default is an assumption."""
    cpu: Cpu = "1"
    """Processor time of an embedding server."""
    memory: Bytes = "2Gi"
    """Memory of an embedding server. The model must fit in it."""
    cache: Bytes = "2Gi"
    """Room for the model's files on the node. A server that starts on another node fetches them again."""

"""The columnar store: made once from a MIMIC-IV tree, it opens any one patient without reading the rest."""

from clinseek_core.ehr.store.layout import Manifest, Shard, SourceFile, read_manifest
from clinseek_core.ehr.store.making import DEFAULT_MEMORY, MIN_MEMORY, Progress, ingest
from clinseek_core.ehr.store.opening import Store, find_store

__all__ = [
    "DEFAULT_MEMORY",
    "MIN_MEMORY",
    "Manifest",
    "Progress",
    "Shard",
    "SourceFile",
    "Store",
    "find_store",
    "ingest",
    "read_manifest",
]

"""More pictures than one machine can read: a listing, read in parts that each become one Parquet file.

Other engines than Dask call `score_part`; docs/bulk.md shows how.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edge.bulk.part import score_part as score_part

__all__ = ["score_part"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'edge.bulk' has no attribute {name!r}")
    from edge.bulk.part import score_part

    return score_part

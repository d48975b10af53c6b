"""Our own API. Names of the wire are translated here and nowhere else.

A new part is one module with its ``OPERATIONS``, listed below. What a number, a verdict or a load
is stands in ``v0``.
"""

from __future__ import annotations

from perse.api.v1 import identification

OPERATIONS = (*identification.OPERATIONS,)

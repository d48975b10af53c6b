"""The contract. Names of the wire are translated here and nowhere else.

A new part of the contract is one module with its ``OPERATIONS``, listed below: see ``faces``.
"""

from __future__ import annotations

from perse.api.v0 import enrolments, faces, login, voices

OPERATIONS = (
    *login.OPERATIONS,
    *faces.OPERATIONS,
    *enrolments.OPERATIONS,
    *voices.OPERATIONS,
)

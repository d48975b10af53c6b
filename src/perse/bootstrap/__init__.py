"""The composition root: from settings to running services. The only place that wires."""

from __future__ import annotations

from perse.bootstrap.access import open_keys, open_signing_keys, open_storage
from perse.bootstrap.faces import FaceServices, open_faces
from perse.bootstrap.services import Services, open_services
from perse.bootstrap.weights import PackOnDisk, obtain_networks

__all__ = [
    "FaceServices",
    "PackOnDisk",
    "Services",
    "obtain_networks",
    "open_faces",
    "open_keys",
    "open_services",
    "open_signing_keys",
    "open_storage",
]

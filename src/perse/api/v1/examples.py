"""Answers as documentation shows them. The numbers are made up; a test holds the shapes."""

from __future__ import annotations

from typing import Any

from perse.api.v0.examples import COMPARE, ENROLLED, EXAMPLE_TOKEN, RECORDING
from perse.api.v1.identification_wire import EXAMPLE as IDENTIFIED

SUBJECT_ID = EXAMPLE_TOKEN
SAMPLE_ID = "0b8f4b0e-64a5-4c8c-8f6e-9b0f0a3d1c22"
_VOICE_ID = "d5a1a3a6-7f0e-4c27-9a36-52b1a0c9e833"
_MADE_AT = "2026-11-28T09:30:00.123456Z"
_SAID = {"time_taken": 0.004, "status": 200}

DETAILS: dict[str, Any] = {"external_id": "account-4711", "collections": ["staff"]}

_SUBJECT: dict[str, Any] = {
    "id": SUBJECT_ID,
    **DETAILS,
    "faces": 2,
    "voices": 1,
    "version": 4,
    "created_at": _MADE_AT,
    "updated_at": "2026-11-28T09:31:10.5Z",
}
SUBJECT: dict[str, Any] = {**_SUBJECT, **_SAID}
SUBJECT_PAGE: dict[str, Any] = {
    "subjects": [_SUBJECT],
    "next_cursor": "MTc5NTg1ODIwMDEyMzQ1NiA2ZjFiNWE1Mi04YTRlLTRmMGMtOWY2ZC0xZDNkOGUwYzdhMTE",
    **_SAID,
}
RECEIPT: dict[str, Any] = {
    "receipt": "eyJhbGciOiJFZERTQSJ9.eyJldmVudCI6InNhbXBsZV9kZWxldGVkIn0.c2lnbmF0dXJl",
    **_SAID,
}

_COLLECTION: dict[str, Any] = {"name": "staff", "subjects": 120, "created_at": _MADE_AT}
COLLECTION: dict[str, Any] = {**_COLLECTION, **_SAID}
COLLECTIONS: dict[str, Any] = {"collections": [_COLLECTION], **_SAID}
REMOVED: dict[str, Any] = _SAID

_FACE: dict[str, Any] = {
    "id": SAMPLE_ID,
    "model": "sface",
    "quality": ENROLLED["quality"],
    "created_at": _MADE_AT,
}
_VOICE: dict[str, Any] = {
    "id": _VOICE_ID,
    "model": "campplus",
    "quality": {
        **RECORDING["voice_metrics"],
        "decoded_s": 4.72,
        "agreement": 0.71,
        "crowding": -3.4,
    },
    "created_at": _MADE_AT,
}
_SPEECH: dict[str, Any] = {
    "net_speech_total": 2.816,
    "net_speech_wanted": 5.0,
    "net_speech_enough": False,
    "guidance": "Record 2.2 s more of this person speaking.",
}
_DUPLICATES: dict[str, Any] = {
    key: IDENTIFIED["face"][key] for key in ("candidates", "threshold", "subjects", "partial")
}
FACE_ADDED: dict[str, Any] = {
    **_FACE,
    "displaced_receipt": RECEIPT["receipt"],
    "duplicates": _DUPLICATES,
    **_SAID,
}
VOICE_ADDED: dict[str, Any] = {**_VOICE, **_SPEECH, **_SAID}
FACES: dict[str, Any] = {"faces": [_FACE], **_SAID}
VOICES: dict[str, Any] = {"voices": [_VOICE], **_SPEECH, **_SAID}

_EVIDENCE: dict[str, Any] = {
    "decision": "match",
    "similarity": 0.91,
    "similarity_assessable": True,
    "similarity_supported": True,
    "threshold": 0.8,
    "thresholds": COMPARE["thresholds"],
    "operating_points": COMPARE["operating_points"],
    "best": 0.89,
    "best_sample": SAMPLE_ID,
    "samples_compared": 2,
    "other_networks": 0,
}
VERIFIED: dict[str, Any] = {
    "decision": "match",
    "rule": "fused",
    "policy": "fused",
    "face": {
        **_EVIDENCE,
        "recognisability": 0.96,
        "liveness_score": 0.93,
        "liveness_threshold": 0.7,
        "liveness_assessable": True,
    },
    "voice": {
        **_EVIDENCE,
        "similarity": 0.66,
        "threshold": 0.6,
        "thresholds": {"1e-1": 0.5, "1e-2": 0.6, "1e-3": 0.7},
        "operating_points": {"similarity": "catalogue"},
        "best": 0.66,
        "best_sample": _VOICE_ID,
        "samples_compared": 1,
        "recording": RECORDING,
    },
    "fused": {"similarity": 0.95, "similarity_supported": True, "threshold": 0.8},
    "models": {
        **COMPARE["models"],
        "speech_detector": "silero_vad",
        "speaker_embedder": "campplus",
    },
    "time_taken": 0.071,
    "status": 200,
}

SESSION_ID = "2f5f7c0a-3a8e-4c0a-9d57-0f0c4c6a8b11"
_SIGNED = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIyZjVmN2MwYSJ9.c2lnbmF0dXJl"
SESSION_ORDER: dict[str, Any] = {
    "kind": "head_turns",
    "ttl_s": 300,
    "subject_id": SUBJECT_ID,
    "on_pass": "verify",
    "correlation_id": "device-17",
    "origin": "https://shop.example",
    "client_declaration_enduser_consent": True,
}
_OPENED: dict[str, Any] = {
    "session_id": SESSION_ID,
    "kind": "head_turns",
    "state": "created",
    "created_at": _MADE_AT,
    "expires_at": "2026-11-28T09:35:00.123456Z",
    "subject_id": SUBJECT_ID,
    "on_pass": "verify",
    "correlation_id": "device-17",
}
OPENED: dict[str, Any] = {
    **_OPENED,
    "client_token": _SIGNED,
    "capture_url": f"https://bio.example/capture/#token={_SIGNED}",
    "socket_url": "wss://bio.example/v1/liveness/socket",
    **_SAID,
}
SESSION: dict[str, Any] = {
    **_OPENED,
    "state": "passed",
    "started_at": "2026-11-28T09:30:12.5Z",
    "ended_at": "2026-11-28T09:30:24.75Z",
    "reasons": [],
    "scores": {"pad": 0.93, "same_face": 0.71, "relief": 0.82, "longest_answer_s": 2.4},
    "limits": {"pad": 0.7, "same_face_cosine": 0.35, "relief": 0.3, "answer_s": 8.0},
    "frames": 104,
    "best_frame_sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "verification": {
        "decision": "match",
        "similarity": 0.93,
        "similarity_assessable": True,
        "threshold": 0.8,
        "samples_compared": 2,
    },
    "models": COMPARE["models"],
    "verdict": _SIGNED,
    **_SAID,
}

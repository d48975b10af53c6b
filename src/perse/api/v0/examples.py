"""Answers as documentation shows them. The numbers are made up; a test holds the shapes."""

from __future__ import annotations

from typing import Any

_DETECTOR = {"face_detector": "yunet"}
_GOOD_LOW = {"pass": True, "direction": "lower_is_better", "guidance": ""}
_GOOD_HIGH = {"pass": True, "direction": "higher_is_better", "guidance": ""}

LOGIN: dict[str, Any] = {
    "token": "eyJhbGciOiJFZERTQSJ9.eyJpc3MiOiJwZXJzZSJ9.c2lnbmF0dXJl",
    "time_taken": 0.002,
    "status": 200,
}

_FACE: dict[str, Any] = {
    "landmarks": {
        "right_eye": [412, 388],
        "left_eye": [520, 384],
        "nose": [470, 452],
        "mouth_right": [424, 512],
        "mouth_left": [516, 510],
    },
    "bounding_box": [360, 270, 218, 300],
    "face_metrics": {
        "underexposure": 0.08,
        "overexposure": 0.0,
        "sharpness": 0.81,
        "color": 0.02,
        "rotation": 31.4,
    },
    "liveness_score": 0.97,
    "liveness_assessable": True,
    "recognisability": 0.96,
    "pose": {"yaw": 31.0, "pitch": -4.0, "roll": 2.0},
    "detector_score": 0.98,
    "verdicts": {
        "underexposure": _GOOD_LOW,
        "overexposure": _GOOD_LOW,
        "sharpness": _GOOD_HIGH,
        "color": _GOOD_LOW,
        "rotation": {
            "pass": False,
            "direction": "lower_is_better",
            "guidance": "Look straight into the camera.",
        },
        "liveness": _GOOD_HIGH,
        "recognisability": _GOOD_HIGH,
    },
}

DETECT: dict[str, Any] = {
    "total_faces": 1,
    "faces": [_FACE],
    "image_metrics": {
        "underexposure": 0.11,
        "overexposure": 0.01,
        "sharpness": 0.77,
        "color": 0.02,
    },
    "default_thresholds": {
        "underexposure": 0.95,
        "overexposure": 0.03,
        "sharpness": 0.3,
        "color": 0.5,
        "rotation": 25.0,
        "liveness": 0.7,
        "recognisability": 0.2,
    },
    "operating_points": {"similarity": "catalogue", "liveness": "catalogue"},
    "models": _DETECTOR,
    "time_taken": 0.041,
    "status": 200,
}

COMPARE: dict[str, Any] = {
    "similarity": 0.87,
    "liveness_score": 0.93,
    "liveness_assessable": True,
    "recognisability": 0.96,
    "similarity_assessable": True,
    "default_thresholds": {"similarity": 0.8, "liveness": 0.7},
    "defaultThresholds": {"similarity": 0.8, "liveness": 0.7},
    "thresholds": {"1e-2": 0.6, "1e-3": 0.7, "1e-4": 0.8, "1e-5": 0.9},
    "operating_points": {"similarity": "catalogue", "liveness": "catalogue"},
    "similarity_supported": True,
    "cosine": 0.54,
    "models": {**_DETECTOR, "face_embedder": "sface"},
    "time_taken": 0.052,
    "status": 200,
}

RECORDING: dict[str, Any] = {
    "decoded_s": 4.72,
    "voice_metrics": {
        "net_speech": 2.816,
        "signal_to_noise": 24.5,
        "clipping": 0.0,
        "bandwidth": 4000.0,
    },
    "verdicts": {
        "net_speech": _GOOD_HIGH,
        "signal_to_noise": _GOOD_HIGH,
        "clipping": _GOOD_LOW,
        "bandwidth": {
            "pass": False,
            "direction": "higher_is_better",
            "guidance": "Record at 16 kHz or more, not through a telephone line.",
        },
    },
}

VOICE_COMPARE: dict[str, Any] = {
    "similarity": 0.72,
    "default_thresholds": {"similarity": 0.6},
    "defaultThresholds": {"similarity": 0.6},
    "thresholds": {"1e-1": 0.5, "1e-2": 0.6, "1e-3": 0.7},
    "operating_points": {"similarity": "catalogue"},
    "similarity_supported": True,
    "similarity_assessable": True,
    "cosine": 0.72,
    "recordings": [RECORDING, RECORDING],
    "models": {"speech_detector": "silero_vad", "speaker_embedder": "campplus"},
    "time_taken": 0.064,
    "status": 200,
}

EXAMPLE_TOKEN = "6f1b5a52-8a4e-4f0c-9f6d-1d3d8e0c7a11"  # noqa: S105 - a made-up one

ENROLLED: dict[str, Any] = {
    "user_token": EXAMPLE_TOKEN,
    "model": "sface",
    "quality": {
        "underexposure": 0.08,
        "overexposure": 0.0,
        "sharpness": 0.81,
        "color": 0.02,
        "rotation": 6.4,
        "recognisability": 0.97,
    },
    "created_at": "2026-11-23T20:15:00.123456Z",
    "updated_at": "2026-11-23T20:15:00.123456Z",
    "time_taken": 0.048,
    "status": 200,
}

LIST: dict[str, Any] = {
    "user_tokens": [EXAMPLE_TOKEN],
    "total_users": 1,
    "time_taken": 0.001,
    "status": 200,
}

DELETED: dict[str, Any] = {
    "receipt": "eyJ0eXAiOiJwZXJzZS1yZWNlaXB0K2p3dCJ9.eyJpc3MiOiJwZXJzZSJ9.c2lnbmF0dXJl",
    "time_taken": 0.004,
    "status": 200,
}

"""How well the measures of a recording are found: noise of known level, and telephone.

python -m benchmarks.voice_quality --recordings ../shared/data/voice_dev --weights data/weights
"""

from __future__ import annotations

import argparse
import datetime
from pathlib import Path

import numpy as np

from perse.domain.samples import VoiceSample
from perse.domain.speech import speech_mask
from perse.domain.voice_quality import VoiceRequirements, assess_voice
from perse.networks.silero_vad import SileroSpeechDetector
from training.voice.degradations import narrow_band, white
from training.voice.trials import Recording, open_voice_networks, read_recordings

EVERY = 13
RATIOS_DB = (0, 5, 10, 20)


def noisy(recording: Recording, detector: SileroSpeechDetector, ratio_db: float) -> VoiceSample:
    """White noise so far below the power of the speech alone."""
    sample = recording.sample
    spoken = sample.samples[speech_mask(sample, detector.detect(sample))]
    power = float(np.mean(np.square(spoken, dtype=np.float64))) / 10 ** (ratio_db / 10)
    noise = white(len(sample.samples), np.random.default_rng(0)) * np.sqrt(power)
    return VoiceSample((sample.samples + noise).astype(np.float32), sample.rate_hz)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recordings", type=Path, required=True)
    parser.add_argument("--weights", type=Path, required=True)
    given = parser.parse_args()
    detector = open_voice_networks(given.weights).detector
    recordings = read_recordings(given.recordings)[::EVERY]
    print(f"{datetime.date.today()}: {len(recordings)} recordings")
    for ratio_db in RATIOS_DB:
        samples = [noisy(recording, detector, ratio_db) for recording in recordings]
        found = [assess_voice(s, detector.detect(s)).snr_db for s in samples if detector.detect(s)]
        low, middle, high = np.percentile(found, (5, 50, 95))
        print(f"true ratio {ratio_db} dB: found {middle:.1f} dB ({low:.1f} .. {high:.1f})")
    least_hz = VoiceRequirements().bandwidth_hz
    for name, change in (("as recorded", None), ("through 8 kHz", narrow_band)):
        samples = [change(r.sample) if change else r.sample for r in recordings]
        narrow = [assess_voice(s, detector.detect(s)).bandwidth_hz < least_hz for s in samples]
        print(f"{name}: {np.mean(narrow):.1%} called telephone")


if __name__ == "__main__":
    main()

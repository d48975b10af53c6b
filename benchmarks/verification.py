"""Several samples of a person, and face and voice together: what their similarities are worth.

    python -m benchmarks.verification --voices ../shared/data/voice_dev --weights data/weights

Arguments are those of ``training.fusion.fit``. People are split into halves: everything is fitted
on one half and judged on the other, each in turn, and the rates are means of both. In brackets:
95 %, by resampling people. Chimeric people: every face is joined with every voice.
"""

from __future__ import annotations

import datetime

from benchmarks.face_and_voice import report_fusion
from benchmarks.several_samples import report_samples, report_webcams
from training.fusion.fit import fusion_arguments, read_modalities


def main() -> None:
    given = fusion_arguments(__doc__)
    faces, voices = read_modalities(given)
    print(datetime.date.today())
    report_webcams(given.faces, faces["standard"])
    for pack, modality in faces.items():
        report_samples(f"faces, {pack}", modality, (3, 4, 6))
    report_samples("voices", voices, (10,))
    for pack, modality in faces.items():
        report_fusion(pack, modality, voices, taught_on=faces["standard"])


if __name__ == "__main__":
    main()

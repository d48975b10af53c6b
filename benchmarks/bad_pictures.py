"""What damage that two pictures share does to faces: every treatment, on both pictures, alone.

    python -m benchmarks.bad_pictures

On people whom recognisability was not fitted on (training/recognisability), through the pipelines
of the packs. FMR is that at the threshold of a stated 1e-4: of the cosines as they are, and as the
server decides now. "matched": mated pairs, both treated alike. "recognised": treated pictures that
match a good one of the person, before and now, and what recognisability told of them. Captures are
kept, so that an interrupted run goes on; they are biometric data, in a folder of mode 0700.
"""

from __future__ import annotations

import argparse

from perse.evaluation.treatments import TREATMENTS
from perse.weights.catalogue import load_catalog
from perse.weights.recognisability import shipped_recognisability
from training.recognisability.bank import EVERY, MILD, UNKNOWN, UNTREATED
from training.recognisability.captures import PACKS, Run, add_arguments, read_bank
from training.recognisability.rates import cosine_at, report

PARTS = {
    "test": (UNTREATED, *TREATMENTS, "wide_lens", "waves", *UNKNOWN),
    # More people, where two hundred pictures hardly tell a rate from what is promised.
    "mated": (UNTREATED, *sorted(MILD - {UNTREATED}), "shrunk_40", "shrunk_30", "jpeg_5", "burnt"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Rates of faces whose pictures share damage.")
    add_arguments(parser)
    given = parser.parse_args()
    for part, names in PARTS.items():
        run = Run(given.captures, given.data_dir, part, given.every, given.seconds)
        if not run({name: EVERY[name] for name in names}):
            print("the time is up: run the same command to go on")
    for pack in PACKS:
        embedder = load_catalog().cards_of(pack)["face_embedder"].name
        model = shipped_recognisability(embedder)
        assert model is not None
        for part, names in PARTS.items():
            print(f"\n{pack} ({embedder}), part {part}; least recognisability {model.least}")
            report(model, read_bank(given.captures, part, pack, names), cosine_at(embedder))


if __name__ == "__main__":
    main()

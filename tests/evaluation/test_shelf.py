"""Real evaluations, kept in a folder as ``--json`` prints them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from perse.domain.decisions import OperatingPoint, SimilarityScale
from perse.domain.identification import SearchClaims
from perse.evaluation.comparison_rates import Question, rate_comparisons
from perse.evaluation.groups import Group
from perse.evaluation.identification_rates import SearchQuestion, rate_searches
from perse.evaluation.liveness_rates import PadQuestion, rate_liveness
from perse.evaluation.results import plain
from perse.evaluation.samples import compare_all_samples
from perse.evaluation.shelf import EvaluationShelf
from tests.evaluation.synthetic import PROVENANCE, samples, templates
from tests.evaluation.test_liveness_rates import presented


def test_what_the_commands_print_can_be_shown_without_a_files_name(tmp_path: Path) -> None:
    found = samples(templates(30, 4, noise=1.5), 4, failures=1)
    groups = [Group("sex", "f", np.arange(120) < 60)]
    question = Question(PROVENANCE, 1e-2, (0.5, 1e-3))
    faces, _ = rate_comparisons(compare_all_samples(found), question, groups)
    live: list[float | None] = [0.4 + n / 200 for n in range(100)]
    presentations, scores = presented([*live, None], paper=[0.1, 0.6], screen=[0.3, 0.2])
    pad, _ = rate_liveness(presentations, scores, PadQuestion(PROVENANCE, 0.1, 0.5), [])
    claims = SearchClaims(
        SimilarityScale([OperatingPoint(1e-2, 0.3), OperatingPoint(1e-4, 0.5)]), 1e-4
    )
    searches, _ = rate_searches(found, SearchQuestion(PROVENANCE, 0.5, claims))
    for name, result in (("faces", faces), ("pad", pad), ("searches", searches)):
        (tmp_path / f"{name}.json").write_text(json.dumps(plain(result)))
    shelf = EvaluationShelf(tmp_path)
    known = {it.name: it for it in shelf.all()}
    assert faces.decision is not None
    assert known["faces"].headline["fnmr"] == faces.decision.fnmr.share
    assert {"apcer", "bpcer"} <= known["pad"].headline.keys()
    assert {"fpir", "fnir"} <= known["searches"].headline.keys()
    assert known["searches"].kind == "identification"
    for one in known.values():
        assert one.result["people"] > 0
        assert one.result["notes"] is not None
        text = json.dumps(one.result)
        assert not [it.name for it in found.files if it.name in text]

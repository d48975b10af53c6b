from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from perse.domain.decisions import OperatingPoint, SimilarityScale
from perse.domain.identification import SearchClaims
from perse.evaluation.comparison_rates import Question, rate_comparisons
from perse.evaluation.groups import Group
from perse.evaluation.identification_rates import SearchQuestion, rate_searches
from perse.evaluation.identification_report import identification_page
from perse.evaluation.liveness_rates import PadQuestion, rate_liveness
from perse.evaluation.liveness_report import liveness_page
from perse.evaluation.report import comparison_page
from perse.evaluation.sample_files import SampleFile
from perse.evaluation.samples import Samples, compare_all_samples
from tests.evaluation.synthetic import PROVENANCE, samples, templates
from tests.evaluation.test_liveness_rates import presented

NASTY = '<script>alert("x")</script>&.jpg'


@pytest.fixture(scope="module")
def face_page() -> str:
    found = samples(templates(30, 4, noise=1.5), 4, failures=1)
    files = (*found.files[:5], SampleFile(Path("x"), NASTY, "person-1"), *found.files[6:])
    outcomes = list(found.outcomes)
    outcomes[5] = outcomes[60]
    compared = compare_all_samples(Samples(files, tuple(outcomes)))
    groups = [Group("sex", "<f>", np.arange(120) < 60)]
    question = Question(PROVENANCE, 1e-2, (0.5, 1e-3), notes=("A note.",))
    return comparison_page(*rate_comparisons(compared, question, groups))


@pytest.fixture(scope="module")
def pad_page() -> str:
    live: list[float | None] = [0.4 + n / 200 for n in range(100)]
    presentations, found = presented([*live, None], paper=[0.1, 0.6], screen=[0.3, 0.2])
    question = PadQuestion(PROVENANCE, 0.1, 0.5)
    return liveness_page(*rate_liveness(presentations, found, question, []))


@pytest.fixture(scope="module")
def search_page() -> str:
    found = samples(templates(30, 4, noise=1.5), 4, failures=1)
    files = (*found.files[:5], SampleFile(Path("x"), NASTY, "person-1"), *found.files[6:])
    outcomes = list(found.outcomes)
    outcomes[5] = outcomes[60]
    claims = SearchClaims(
        SimilarityScale([OperatingPoint(1e-2, 0.3), OperatingPoint(1e-4, 0.5)]), 1e-4
    )
    question = SearchQuestion(PROVENANCE, 0.5, claims)
    return identification_page(*rate_searches(Samples(files, tuple(outcomes)), question))


@pytest.mark.parametrize("page", ["face_page", "pad_page", "search_page"])
def test_a_report_needs_nothing_but_itself(page: str, request: pytest.FixtureRequest) -> None:
    text = request.getfixturevalue(page)
    links = re.findall(r"""(?:src|href)\s*=\s*["']([^"']*)|url\(([^)]*)\)|@import""", text)
    assert all((link or url).lstrip("\"'").startswith("#") for link, url in links)
    assert text.count("<svg") == text.count("</svg>") >= 2
    assert "<script" not in text


@pytest.mark.parametrize("page", ["face_page", "pad_page", "search_page"])
def test_every_element_is_closed(page: str, request: pytest.FixtureRequest) -> None:
    class Balance(HTMLParser):
        void = frozenset({"meta", "br", "img", "link"})

        def __init__(self) -> None:
            super().__init__()
            self.open: list[str] = []

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            if tag not in self.void:
                self.open.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert self.open.pop() == tag

    balance = Balance()
    balance.feed(request.getfixturevalue(page))
    assert balance.open == []


def test_names_of_files_and_groups_are_text(face_page: str) -> None:
    assert NASTY not in face_page
    assert NASTY in unescape(face_page)
    assert "&lt;script&gt;alert(" in face_page
    assert "&lt;f&gt;" in face_page


def test_a_report_says_what_the_data_cannot(face_page: str, pad_page: str) -> None:
    assert re.search(r"[\d,]+ non-mated pairs support FMR 4\.4e-4, not 1e-4", face_page)
    assert "A note." in face_page
    assert "100 bona fide presentations support BPCER 3 %, not 1 %" in pad_page


def test_figures_of_the_report_are_those_of_the_result(face_page: str) -> None:
    for words in ("Failure to acquire", "Equal error rate", "server now, stated 1e-3", "DET curve"):
        assert words in face_page

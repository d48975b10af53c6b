"""The campaign of hostile inputs, on a few blocks and on a reader that has a fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.campaign.__main__ import block_of, run_campaign
from tests.campaign.families import Family, families


def _faulty(data: bytes) -> str:
    if data[:1] > b"\xf0":
        raise RuntimeError("this reader cannot stand large numbers")
    return "read"


FAULTY = Family("faulty", {"ones": b"\x01" * 40}, _faulty, kept=0, share=1.0)


def test_a_fault_is_kept_as_a_file(tmp_path: Path) -> None:
    progress = run_campaign([FAULTY], inputs=1000, folder=tmp_path)["faulty"]
    assert progress.inputs == 1000
    assert progress.answers["read"] == 1000 - len(progress.faults)
    assert progress.faults
    for fault in progress.faults:
        with pytest.raises(RuntimeError):
            _faulty(Path(fault).read_bytes())


def test_a_campaign_goes_on_after_its_last_block(tmp_path: Path) -> None:
    first = run_campaign([FAULTY], inputs=1000, folder=tmp_path)["faulty"]
    both = run_campaign([FAULTY], inputs=2000, folder=tmp_path)["faulty"]
    whole = run_campaign([FAULTY], inputs=2000, folder=tmp_path / "another")["faulty"]
    assert (first.blocks, both.blocks) == (1, 2)
    assert both.answers == whole.answers


def test_every_family_takes_its_good_inputs() -> None:
    with families(patience_s=10) as every:
        assert sum(family.share for family in every) == pytest.approx(1)
        for family in every:
            assert {family.take(good) for good in family.good.values()} <= {"decoded", "200"}


def test_every_family_outlives_damaged_inputs() -> None:
    with families() as every:
        for family in every:
            inputs = list(block_of(family, 0))
            assert inputs == list(block_of(family, 0))
            assert len({family.take(data) for data in inputs[::10]}) > 1

"""The list of guards that are taken away in turn fits the code; `make test-mutants` tries them."""

from __future__ import annotations

from tests.mutants import ROOT, fits, listed


def test_each_mutant_changes_one_place_and_names_tests_that_exist() -> None:
    mutants = listed()
    assert len(mutants) >= 40
    assert [mutant.before for mutant in mutants if not fits(mutant)] == []
    assert all(mutant.before != mutant.after for mutant in mutants)
    for mutant in mutants:
        assert (ROOT / mutant.test_file).exists()

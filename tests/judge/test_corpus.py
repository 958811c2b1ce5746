"""The corpus itself: attacks are well formed."""

import json

import pytest
from corpus import ERRORS, NO_WIN, REFUSALS, attacks

ATTACKS = attacks()


def test_there_are_enough_attacks_in_both_forms():
    assert len(ATTACKS) >= 70
    assert {a.form for a in ATTACKS} == {"plan", "model_new"}
    assert len({a.name for a in ATTACKS}) == len(ATTACKS)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda a: a.name)
def test_attack_is_well_formed(attack):
    assert attack.reasons and attack.reasons <= REFUSALS | ERRORS | {NO_WIN}
    assert attack.problem.exists()
    if attack.form == "plan":
        plan = json.loads((attack.path / "plan.json").read_text())
        assert plan["burnish_plan"] == 1
        assert "steps" in plan and "result" in plan

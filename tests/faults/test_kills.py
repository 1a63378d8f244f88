"""Commands that are killed at any moment lose nothing: files are whole, and the next run ends as if nothing were.

``POSELIFTER_KILLS=200`` makes so many kills; without it they are 20.
"""

import os
from collections import Counter
from random import Random

import pytest
from faults.harness import DONE, kill_at_random, reference

#: Kills of each command among 20.
KILLS = {'train': 6, 'database': 3, 'convert': 3, 'lift': 3, 'film': 3, 'fit-body': 1, 'export': 1}


@pytest.mark.parametrize('name', KILLS)
def test_killed_at_any_moment(name, commands, tmp_path, told):
    command, rng = commands[name], Random(name)
    whole = reference(command, tmp_path / 'whole')
    times = max(1, round(KILLS[name] * int(os.environ.get('POSELIFTER_KILLS', 20)) / 20))
    outcomes: Counter[str] = Counter()
    while outcomes.total() - outcomes[DONE] < times:  # what was done before the signal came is no kill
        outcomes[kill_at_random(command, tmp_path / str(outcomes.total()), whole, rng)] += 1
        assert outcomes[DONE] <= 4 + 3 * times
    words = ', '.join(f'{count} {outcome}' for outcome, count in sorted(outcomes.items()))
    told(f'{name} ({whole.seconds:.1f} s undisturbed): {times} kills: {words}')

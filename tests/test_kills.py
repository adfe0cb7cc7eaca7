import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.extensive
@pytest.mark.backend
@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked")
def test_trainings_that_are_killed_at_20_random_moments_end_as_one_that_is_not():
    command = [sys.executable, str(ROOT / "benchmarks" / "soak.py"), "--kills", "20", "--epochs", "4"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    found = json.loads(result.stdout)
    assert (found["kills"], found["different"], found["left over"], found["failed"]) == (20, [], [], 0)
    assert found["finished"] > 0

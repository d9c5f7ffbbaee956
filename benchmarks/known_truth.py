"""How far triage agrees with the known truth of the recorded runs: precision and recall of each code.

python benchmarks/known_truth.py
"""

from __future__ import annotations

from collections import Counter

from clinseek_fixtures import world_store_path
from clinseek_fixtures.recorded import known_truth, recorded_path
from clinseek_replay.audit import audit
from clinseek_replay.audit.known import EhrTimes
from clinseek_replay.evidence.report import examined
from clinseek_replay.recordings import open_recordings
from clinseek_replay.triage import triage


def main() -> None:
    """Print a line for each code; runs whose codes are not known are left out."""
    times = EhrTimes(world_store_path())
    both, planted, told = Counter[str](), Counter[str](), Counter[str]()
    runs = 0
    for truth in known_truth():
        run = open_recordings([recorded_path() / truth.journal]).run(0)
        if truth.gold is None or run.subject_id is None:
            continue
        leaks = audit(run, times=times.patient(run.subject_id))
        known = examined(run, world_store_path()).known
        result = triage(run, leaks=(leaks.findings, leaks.not_verified), known=known)
        found = {finding.code for finding in result.findings if finding.tier != "S"}
        planted.update(truth.codes)
        told.update(found)
        both.update(found & set(truth.codes))
        runs += 1
    print(f"{runs} runs\n\ncode  planted  found  precision  recall")
    for code in sorted(planted | told):
        precision = f"{both[code] / told[code]:.2f}" if told[code] else "-"
        recall = f"{both[code] / planted[code]:.2f}" if planted[code] else "-"
        print(f"{code:<5} {planted[code]:>7} {told[code]:>6} {precision:>10} {recall:>7}")


if __name__ == "__main__":
    main()

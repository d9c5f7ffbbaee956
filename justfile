# Every recipe is meant to run as `uv run just RECIPE`: the tools come from the project's environment.

set shell := ["bash", "-euo", "pipefail", "-c"]

# List the recipes.
default:
    @just --list --unsorted

# Run the tests; ARGS go to pytest.
test *ARGS:
    pytest -n 2 -m "not slow" {{ ARGS }}

# Run the tests with many examples or many kills.
test-slow *ARGS:
    pytest -n 2 -m slow {{ ARGS }}

# Lint, format and types.
check: lint types

# Lint, and see that every file is formatted.
lint:
    ruff check
    ruff format --check

# Check types, strictly, in all four packages.
types:
    mypy

# Measure: first paint, the engine beside its baseline, stores, ingest, results, candidates, recordings, analyses, pages.
bench:
    python benchmarks/first_paint.py
    python benchmarks/stepping.py
    python benchmarks/engine.py --sizes 10k,200k,2m
    python benchmarks/store_growth.py
    python benchmarks/ingest.py
    python benchmarks/sql_guard.py
    python benchmarks/observation_size.py
    python benchmarks/candidate_speed.py
    python benchmarks/candidate_quality.py
    python benchmarks/recordings.py
    python benchmarks/analyses.py
    python benchmarks/bench.py
    python benchmarks/known_truth.py
    python benchmarks/web_search.py
    python benchmarks/imaging.py
    python benchmarks/image_pane.py
    python -c "import torch" 2>/dev/null && python benchmarks/demo_weights.py || echo "demo_weights.py needs the extra cxr"

# Make the README's picture anew, from a real run on the bundled world.
screenshot:
    env -u NO_COLOR -u COLORFGBG -u TEXTUAL_THEME TEXTUAL_COLOR_SYSTEM=truecolor \
        python docs/screenshot.py docs/images/debugger.svg

# Make the bundled world anew, from its seed, its store, and the cases built from it.
world:
    python -m clinseek_fixtures.generate fixtures/clinseek_fixtures/world
    rm -rf fixtures/clinseek_fixtures/world/{bench.jsonl,store}
    clinseek-tui ingest fixtures/clinseek_fixtures/world fixtures/clinseek_fixtures/world/store \
        --ccs fixtures/clinseek_fixtures/world/ccs
    chmod -R a+rX fixtures/clinseek_fixtures/world/store
    clinseek-tui cases build --per-task 4 --out fixtures/clinseek_fixtures/world/bench.jsonl
    chmod 644 fixtures/clinseek_fixtures/world/bench.jsonl

# Make the recorded runs and their known truth anew.
recorded:
    rm -rf fixtures/clinseek_fixtures/recordings
    python -m clinseek_fixtures.recorded.make fixtures/clinseek_fixtures/recordings
    chmod -R u=rwX,go=rX fixtures/clinseek_fixtures/recordings

# Render the phantom films anew (a minute or two); commit all of them or none: another machine rounds otherwise.
films:
    python -m clinseek_fixtures.film.make fixtures/clinseek_fixtures/films

# Fit the demonstration weights anew to phantoms (some twenty minutes, extra cxr). They are no clinical model.
demo-weights:
    python -m clinseek_fixtures.film.demo.fit fixtures/clinseek_fixtures/films/demo_weights.npz

# Make the journal's JSON Schema anew, from the events.
schema:
    python -m clinseek_core.journal.schema > docs/formats/journal.schema.json

# Make the tables in docs anew: from the temporal contract, and from the rules of triage.
docs:
    python docs/contract_tables.py docs/temporal-contract.md
    python docs/triage_codes.py docs/triage.md

# Run the seeker on a patient of the real MIMIC-IV demo, then replay its journal.
demo-real:
    #!/usr/bin/env bash
    set -euo pipefail
    demo="${CLINSEEK_MIMIC_DEMO:-}"
    if [ ! -f "$demo/hosp/patients.csv.gz" ] && [ ! -f "$demo/hosp/patients.csv" ]; then
        echo "demo-real: CLINSEEK_MIMIC_DEMO ${demo:+(}${demo:-is not set}${demo:+) holds no hosp/patients.csv.gz}." >&2
        echo "It must name the folder of the MIMIC-IV Clinical Database Demo, with hosp/ and icu/ in it." >&2
        echo "The demo is open: https://physionet.org/content/mimic-iv-demo/ (no account needed)." >&2
        exit 2
    fi
    journal="runs/demo-real-$(date +%Y%m%d-%H%M%S).jsonl"
    clinseek-tui run --headless --ehr "$demo" --subject 10000032 --at "2180-07-23 20:00:00" \
        --question "Which diagnoses explain why this patient came to the hospital?" --out "$journal"
    clinseek-tui replay "$journal" --plain

# Build the wheel and the sdist into dist/.
build:
    rm -rf dist
    python -m build

# Install WHAT (by default the built wheel) with pip into an environment of its own; use it from an empty folder.
smoke *WHAT:
    #!/usr/bin/env bash
    set -euo pipefail
    room=$(mktemp -d)
    trap 'rm -rf "$room"' EXIT
    python -m venv "$room/env"
    "$room/env/bin/pip" install -qq {{ if WHAT == "" { "dist/*.whl" } else { WHAT } }}
    mkdir "$room/empty"
    cd "$room/empty"
    export PATH="$room/env/bin:$PATH"
    clinseek-tui --version
    clinseek-tui run --headless --out traj.jsonl
    clinseek-tui replay traj.jsonl --plain
    clinseek-tui replay traj.jsonl --plain --step 1

# Run the tests on the lowest versions that pyproject.toml allows, in an environment of their own.
test-lowest:
    #!/usr/bin/env bash
    set -euo pipefail
    room=$(mktemp -d)
    trap 'rm -rf "$room"' EXIT
    uv venv -q -p python "$room/env"
    uv pip compile -q --no-header --resolution lowest-direct --only-binary :all: pyproject.toml -o "$room/lowest.txt"
    uv pip install -q -p "$room/env" -r "$room/lowest.txt" --group test -e .
    PATH="$room/env/bin:$PATH" pytest -n 2 -m "not slow" --ignore-glob "*snapshot*"

# Run the tests of the web with its extra (menus left out, PDF), in an environment of their own.
test-web:
    #!/usr/bin/env bash
    set -euo pipefail
    room=$(mktemp -d)
    trap 'rm -rf "$room"' EXIT
    uv venv -q -p python "$room/env"
    uv pip install -q -p "$room/env" --group test -e ".[web]"
    PATH="$room/env/bin:$PATH" pytest -n 2 -m "not slow" tests/core/web

# Run the tests of the networks that look at films, with the extra cxr in an environment of their own (1.6 GB).
test-cxr:
    #!/usr/bin/env bash
    set -euo pipefail
    room=$(mktemp -d)
    trap 'rm -rf "$room"' EXIT
    python -m venv "$room/env"
    torch=$(sed -n '/^cxr = /,/]/s/.*"\(torch==[^"]*\)".*/\1/p' pyproject.toml)
    "$room/env/bin/pip" install -qq "$torch"
    "$room/env/bin/pip" install -qq -e ".[cxr]" pytest hypothesis
    # The tests would be skipped, and nothing be seen of it.
    "$room/env/bin/python" -c "from clinseek_core.imaging.model import missing_packages as m; assert not m(), m()"
    "$room/env/bin/python" -m pytest tests/core/imaging/test_models.py tests/fixtures/test_demo_weights.py

# Train a tiny model on runs of the seeker, serve it, and let it run a case (minutes on a CPU; its answers are poor).
tiny-finetune:
    #!/usr/bin/env bash
    set -euo pipefail
    room=$(mktemp -d)
    trap 'kill ${server:-} 2>/dev/null || true; rm -rf "$room"' EXIT
    python -m venv "$room/env"
    torch=$(sed -n 's/^ *"\(torch==[^"]*\)".*/\1/p' pyproject.toml | head -1)
    "$room/env/bin/pip" install -qq "$torch" 2>/dev/null
    "$room/env/bin/pip" install -qq -e ".[train]"
    clinseek-tui bench --web off --out "$room/runs"
    clinseek-tui export "$room/runs" --to sft --out "$room/train" --min-f1 0.5 --validation-share 0
    "$room/env/bin/python" docs/training/finetune.py "$room/train" "$room/tiny" --config docs/training/tiny.toml
    "$room/env/bin/python" docs/training/serve.py "$room/tiny" --port 8011 >"$room/serve.log" 2>&1 &
    server=$!
    for _ in $(seq 60); do grep -q serving "$room/serve.log" && break; sleep 1; done
    clinseek-tui run --headless --web off --model tiny --base-url http://127.0.0.1:8011/v1 --max-rounds 6 \
        --text-answers after_nudges --out "$room/student.jsonl" || true
    clinseek-tui replay "$room/student.jsonl" --plain

# Make the data card of the bundled cases' runs by the seeker anew.
sft-card:
    #!/usr/bin/env bash
    set -euo pipefail
    room=$(mktemp -d)
    trap 'rm -rf "$room"' EXIT
    clinseek-tui bench --web off --out "$room/runs"
    clinseek-tui export "$room/runs" --to sft --out "$room/train" --min-f1 0.5 --drop-marked
    cp "$room/train/card.md" docs/sft-data-card.md

# Check, test, build and try the wheel, then tag the version; pushing and uploading are left to a person.
release: check test build smoke
    #!/usr/bin/env bash
    set -euo pipefail
    version=$(python -c "import clinseek_core; print(clinseek_core.__version__)")
    [ -z "$(git status --porcelain)" ] || { echo "release: commit or put away the changes first" >&2; exit 2; }
    grep -q "^## \[$version\] - " CHANGELOG.md ||
        { echo "release: CHANGELOG.md has no dated section for $version" >&2; exit 2; }
    git tag -a "v$version" -m "clinseek-tui $version"
    echo "tagged v$version; dist/ holds what was tried"

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

# Measure: first paint, the engine beside its baseline, stores, ingest, results, candidates, recordings, analyses.
bench:
    python benchmarks/first_paint.py
    python benchmarks/engine.py --sizes 10k,200k,2m
    python benchmarks/store_growth.py
    python benchmarks/ingest.py
    python benchmarks/sql_guard.py
    python benchmarks/observation_size.py
    python benchmarks/candidate_speed.py
    python benchmarks/candidate_quality.py
    python benchmarks/recordings.py
    python benchmarks/analyses.py

# Make the README's picture anew, from a real run on the bundled world.
screenshot:
    env -u NO_COLOR -u COLORFGBG -u TEXTUAL_THEME TEXTUAL_COLOR_SYSTEM=truecolor \
        python docs/screenshot.py docs/images/debugger.svg

# Make the bundled world anew, from its seed.
world:
    python -m clinseek_fixtures.generate fixtures/clinseek_fixtures/world

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

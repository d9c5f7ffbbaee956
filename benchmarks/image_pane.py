"""How long a film takes to come, the first one and by a key, in the app on a terminal of its own.

Each key is timed from its press to the last byte of what it changes. Beside them stands a hello-world app of
Textual whose key repaints its whole screen with other text, in the same rounds.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import measure
from terminal import COLOURS, HELLO, middle, on_a_terminal, print_keys

CASE = "cxr_change_comparison_90000102_21521010T185300_consolidation"
"""A bundled case with two films."""


def first_frames(journal: Path, size: tuple[int, int], rounds: int) -> None:
    """From the start to the first film, beside the start of hello world."""
    hello, film = [], []
    for _ in range(rounds):
        with on_a_terminal(["-c", HELLO], size, COLOURS["24-bit"]) as screen:
            hello.append(screen.until(b"Hello, world"))
        with on_a_terminal(["-m", "clinseek_tui", "replay", str(journal)], size, COLOURS["24-bit"]) as screen:
            screen.until(b"Timeline")
            screen.settle()
            # The first film of a program: its process starts and loads what decodes films.
            film.append(screen.press("3")[0])
    print(f"{'hello world, first frame':34} {middle(hello)}")
    print(f"{'key 3: the first film of a program':34} {middle(film)}")


def keys(journal: Path, size: tuple[int, int], presses: int) -> None:
    """Each key's repaint, beside hello world's."""
    with on_a_terminal(["-c", HELLO], size, COLOURS["24-bit"]) as screen:
        screen.until(b"Hello, world")
        screen.settle()
        print_keys("hello world, all text anew", [screen.press("x") for _ in range(presses)])
    for colours, environ in COLOURS.items():
        command = ["-m", "clinseek_tui", "replay", str(journal)]
        with on_a_terminal(command, size, environ) as screen:
            screen.until(b"Timeline")
            screen.press("3")
            screen.settle()
            # Both films are decoded once before: a swap is between films that were looked at.
            for key in ",.":
                screen.press(key)
            for name, pair in (
                ("swap of two films", ",."),
                ("contrast", "()"),
                ("closer, further", "+-"),
                ("the film before at its side", "pp"),
            ):
                taken = [screen.press(pair[press % 2]) for press in range(presses)]
                print_keys(f"{name}, {colours}", taken)


def main() -> None:
    """Make a run on a case with two films, and look at them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--presses", type=int, default=100, help="of each key; 100 by default")
    parser.add_argument("--rounds", type=int, default=5, help="of starts; 5 by default")
    args = parser.parse_args()
    measure.announce("image_pane")
    with tempfile.TemporaryDirectory() as folder:
        journal = Path(folder) / "films.jsonl"
        command = [sys.executable, "-m", "clinseek_tui", "run", CASE, "--headless", "--web", "off"]
        subprocess.run([*command, "--out", str(journal)], check=True, capture_output=True)
        for size in ((120, 40), (160, 44)):
            print(f"\n{size[0]}x{size[1]}")
            first_frames(journal, size, args.rounds)
            keys(journal, size, args.presses)


if __name__ == "__main__":
    main()

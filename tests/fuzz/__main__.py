"""Looks for inputs that break what must hold: `python -m tests.fuzz [NAME…] [--seconds N]`.

Each harness has a process of its own. What it finds new is kept in `build/fuzz/NAME`; an input that breaks something is
put into the corpus, where the tests play it from then on. `--seed-corpus` writes the ordinary inputs anew.
"""

import argparse
import hashlib
import subprocess
import sys
from pathlib import Path

from tests.fuzz.harness import INPUT_BYTES_MAX, corpus_of, find, names

INSTRUMENTED = ["relay", "jmespath", "jwt"]
FOUND = Path("build/fuzz")
SECONDS_AN_INPUT, MEMORY_MB = 10, 1024


def command(name: str, found: Path, artifacts: Path, *options: str) -> list[str]:
    """Return what plays a corpus, and then makes new inputs of it. found: where those worth keeping are put."""
    found.mkdir(parents=True, exist_ok=True)
    bounds = [f"-timeout={SECONDS_AN_INPUT}", f"-rss_limit_mb={MEMORY_MB}", f"-max_len={INPUT_BYTES_MAX}"]
    told = [*bounds, f"-artifact_prefix={artifacts}/", *options]
    return [sys.executable, "-m", "tests.fuzz", "--inside", name, *told, str(found), str(corpus_of(name))]


def fuzz(name: str, arguments: list[str]) -> None:
    """Be the process of one harness. It ends the program itself."""
    import atheris  # type: ignore[import-untyped]  # noqa: PLC0415 - instruments what is imported after it

    with atheris.instrument_imports(include=INSTRUMENTED):
        check = find(name).check
    atheris.Setup([name, *arguments], check)
    atheris.Fuzz()


def write_seeds(name: str) -> None:
    """Write the inputs to begin with. One that is the same has the same name."""
    folder = corpus_of(name)
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("seed-*"):
        old.unlink()
    for seed in find(name).seeds():
        (folder / f"seed-{hashlib.sha256(seed).hexdigest()[:12]}").write_bytes(seed)


def main(arguments: list[str]) -> int:
    """Return 1 where an input broke something."""
    if arguments[:1] == ["--inside"]:
        fuzz(arguments[1], arguments[2:])
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(names()))
    parser.add_argument("--seconds", type=int, default=60, help="how long each harness looks")
    parser.add_argument("--seed-corpus", action="store_true", help="write the ordinary inputs, and look for nothing")
    given = parser.parse_args(arguments)
    wanted = given.names or names()
    if given.seed_corpus:
        for name in wanted:
            write_seeds(name)
        return 0
    ends = [
        subprocess.run(command(name, FOUND / name, corpus_of(name), f"-max_total_time={given.seconds}"), check=False)
        for name in wanted
    ]
    return 1 if any(end.returncode for end in ends) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

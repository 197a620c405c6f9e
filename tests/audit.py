"""Asks the advisory database about every package that the image is made of: `python -m tests.audit`.

A known fault ends it with 1, and so does a package that only some advisories could be asked about. Where no advisory
can be had at all, as on a machine without that way out, it says so loudly and ends with 0: nothing was found out.
"""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

PINS = Path(__file__).parents[1] / "config" / "image" / "requirements.txt"


def main() -> int:
    """Print what was found out; return the exit code."""
    command = [sys.executable, "-m", "pip_audit", "--disable-pip", "--progress-spinner=off", "--format=json"]
    asked = subprocess.run([*command, "-r", str(PINS)], capture_output=True, text=True, check=False)
    try:
        packages = json.loads(asked.stdout)["dependencies"]
    except ValueError:
        print(
            "audit: NOT DONE, no advisory could be asked for:", asked.stderr.strip().splitlines()[-1:], file=sys.stderr
        )
        return 0
    return judge(packages)


def judge(packages: Sequence[Mapping[str, Any]]) -> int:
    """Tell what is known of each package. packages: as pip-audit lists them."""
    skipped = [package for package in packages if "skip_reason" in package]
    if len(skipped) == len(packages):
        print("audit: NOT DONE, the advisory database does not answer here", file=sys.stderr)
        return 0
    for package in skipped:
        print(f"audit: {package['name']}: not asked about: {package['skip_reason']}", file=sys.stderr)
    for package in packages:
        for fault in package.get("vulns", ()):
            fixed = ", ".join(fault["fix_versions"]) or "nowhere yet"
            name = f"{package['name']} {package['version']}"
            print(f"audit: {name}: {fault['id']}, mended in {fixed}: run config/image/lock", file=sys.stderr)
    faults = sum(len(package.get("vulns", ())) for package in packages)
    print(f"audit: {len(packages) - len(skipped)} packages asked about, {faults} faults known")
    return 1 if faults or skipped else 0


if __name__ == "__main__":
    sys.exit(main())

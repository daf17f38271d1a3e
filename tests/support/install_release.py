#!/usr/bin/env python
"""Replaces pip in deploy.sh: `install_release.py SOURCE RELEASE` takes 0.2 s, pip 40 s.

The release's environment has its own wordai_jobs; all other packages are those of the tests.
"""

import shutil
import sys
import sysconfig
import venv
from pathlib import Path

_SCRIPT = """#!{python}
import sys
from wordai_jobs.cli.main import main
sys.exit(main())
"""


def main() -> None:
    source, release = Path(sys.argv[1]), Path(sys.argv[2])
    environment = release / "venv"
    venv.create(environment, symlinks=True)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(environment)}))
    shutil.copytree(source / "wordai_jobs", packages / "wordai_jobs")
    (packages / "other_packages.pth").write_text(sysconfig.get_path("purelib"))
    script = environment / "bin" / "wordai-jobs"
    script.write_text(_SCRIPT.format(python=environment / "bin" / "python"))
    script.chmod(0o755)


if __name__ == "__main__":
    main()

"""Prints name, version and licence of each installed package; the image keeps the list."""

import sys
from importlib.metadata import distributions

for package in sorted(distributions(), key=lambda it: it.name.lower()):
    known = package.metadata
    classifiers = [it for it in known.get_all("Classifier", []) if it.startswith("License ::")]
    licence = known.get("License-Expression") or "; ".join(
        it.rpartition(" :: ")[2] for it in classifiers
    )
    # Some packages have the whole text in this field.
    licence = licence or known.get("License", "unknown").partition("\n")[0]
    sys.stdout.write(f"{package.name} {package.version}: {licence}\n")

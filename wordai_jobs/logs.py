"""What the operator reads: one event a line, on standard error."""

import logging


def configure() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for noisy in ("pymongo", "urllib3", "cachecontrol"):
        logging.getLogger(noisy).setLevel(logging.WARNING)

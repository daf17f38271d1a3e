"""`wordai-jobs doctor`: whether a server can run here, and what to do if not."""

from dataclasses import asdict

import click

from wordai_jobs.cli.exits import Exit
from wordai_jobs.cli.output import as_json_option, print_json
from wordai_jobs.cli.settings import config_option


@click.command()
@config_option
@as_json_option
def doctor(as_json: bool) -> Exit:
    """Check whether the server can run here.

    The checks are: configuration, sign-in, storage, object store, secret key, port, database,
    identity, indexes, renderers and their sandbox; with the engine celery also broker, workers and
    clock. Each finding is `ok`, a `warning`, or a `problem` with advice. The exit code is 1 if
    there is a problem. You can run this before the first start, and while the server runs: then the
    server is asked whether it is ready.

    \b
    Example:
      wordai-jobs doctor --config /etc/wordai-jobs/config.toml
    """
    from wordai_jobs.doctor import Level, findings

    found = []
    for finding in findings():
        found.append(finding)
        if not as_json:
            click.echo(f"{finding.level:8} {finding.check}: {finding.detail}")
            if finding.advice:
                click.echo(f"{'':8} -> {finding.advice}")
    problems = sum(finding.level is Level.PROBLEM for finding in found)
    if as_json:
        print_json({"problems": problems, "checks": [asdict(finding) for finding in found]})
    return Exit.FAILED if problems else Exit.DONE

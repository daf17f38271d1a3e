"""The program `wordai-jobs`: all commands. Every error becomes one line and an exit code."""

import logging
import sys
from io import TextIOWrapper

import click

from wordai_jobs import __version__
from wordai_jobs.cli import doctor, jobs, library, operations, parts, submit, users
from wordai_jobs.cli.connection import TOKEN_VARIABLE
from wordai_jobs.cli.exits import MEANINGS, Exit
from wordai_jobs.client.errors import ClientError, NotAuthenticated
from wordai_jobs.errors import DatabaseError, StartError, StorageError, StorageFull


@click.group(
    epilog=MEANINGS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(__version__, message="wordai-jobs %(version)s")
def program() -> None:
    """Turns PDFs into chapters of books.

    \b
    Commands for users talk to a server over HTTP. They take its address and your token from the
    first of these that has them:
      --server and --token
      WORDAI_URL and WORDAI_TOKEN in the environment
      server = "…" and token = "…" in ~/.config/wordai-jobs/client.toml (chmod 600)
    The default address is http://127.0.0.1:8000.

    \b
    Commands for operators (serve, worker, doctor, sweep, join, create-indexes, backup, restore,
    users) read the server's settings: the file that --config or WORDAI_JOBS_CONFIG names, or
    config.toml in this folder, and the variables WORDAI_JOBS_<SECTION>__<KEY>. The command
    move-storage needs none of them.

    \b
    Example, with a server in mode dev on this machine:
      export WORDAI_TOKEN=$(wordai-jobs token alice)
      wordai-jobs submit book.pdf --new-book "My book" --title "Chapter 1" --wait
    """


for command in (
    submit.submit,
    jobs.status,
    jobs.jobs,
    jobs.books,
    jobs.cancel,
    jobs.retry,
    library.chapters,
    library.text,
    library.search,
    library.move,
    library.rename,
    library.delete,
    parts.outline,
    parts.parts,
    library.download,
    jobs.token,
    operations.serve,
    operations.worker,
    doctor.doctor,
    operations.sweep,
    operations.join,
    operations.create_indexes,
    operations.backup,
    operations.restore,
    operations.move_storage,
    users.users,
):
    program.add_command(command)


def main() -> None:
    """Run the command in the arguments, and end the process with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A title with characters that this terminal cannot show must not fail the command.
            stream.reconfigure(errors="replace")
    # Problems are shown once, as the command's error; `serve` sets up its own log.
    logging.getLogger("wordai_jobs").addHandler(logging.NullHandler())
    sys.exit(_run())


def _run() -> int:
    try:
        return program.main(prog_name="wordai-jobs", standalone_mode=False) or Exit.DONE
    except click.Abort:
        return Exit.INTERRUPTED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except NotAuthenticated as error:
        advice = f"set {TOKEN_VARIABLE}, or --token, to a valid token"
        return _fail(f"{error.detail}: {advice}", Exit.REFUSED)
    except ClientError as error:
        return _fail(error.detail, Exit.REFUSED)
    except DatabaseError as error:
        return _fail(f"MongoDB: {error.message} (mongodb.uri)", Exit.FAILED)
    except StorageError as error:
        return _fail(f"Storage: {error.message}", Exit.FAILED)
    except StorageFull as error:
        return _fail(error.detail, Exit.FAILED)
    except StartError as error:
        return _fail(str(error), Exit.FAILED)
    except OSError as error:
        problem = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        return _fail(problem, Exit.FAILED)


def _fail(line: str, code: Exit) -> Exit:
    click.echo(f"wordai-jobs: {line}", err=True)
    return code


if __name__ == "__main__":
    main()

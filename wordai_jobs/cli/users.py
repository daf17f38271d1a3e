"""Commands for operators about the data of users."""

from dataclasses import asdict

import click

from wordai_jobs.cli import bar
from wordai_jobs.cli.output import as_json_option, print_json, print_table
from wordai_jobs.cli.settings import config_option


@click.group()
def users() -> None:
    """Commands for operators about the data of users.

    They run on the server's machine with its settings, and also while the server runs.
    """


@users.command(name="list")
@config_option
@as_json_option
def list_users(as_json: bool) -> None:
    """List all users who have stored anything.

    \b
    Example:
      wordai-jobs users list
    """
    from wordai_jobs.config import load_config
    from wordai_jobs.users import list_users

    found = list_users(load_config())
    if as_json:
        print_json({"users": [asdict(usage) for usage in found]})
        return
    rows = [
        (
            bar.size(usage.stored_bytes),
            str(usage.books),
            str(usage.chapters),
            str(usage.unfinished_jobs),
            usage.user_id,
        )
        for usage in found
    ]
    print_table(("STORED", "BOOKS", "CHAPTERS", "UNFINISHED JOBS", "USER"), rows)


@users.command()
@click.argument("user_id", metavar="USER")
@config_option
@as_json_option
def usage(user_id: str, as_json: bool) -> None:
    """Show how much USER has stored.

    \b
    Example:
      wordai-jobs users usage alice
    """
    from wordai_jobs.config import load_config
    from wordai_jobs.users import usage

    config = load_config()
    found = usage(config, user_id)
    if as_json:
        print_json(asdict(found))
        return
    limit = bar.size(config.limits.max_stored_mb_per_user * 1024 * 1024)
    for name, value in (
        ("books", found.books),
        ("chapters", f"{found.chapters} with {found.pages} pages, {bar.size(found.page_bytes)}"),
        ("PDFs", f"{found.uploads}, {bar.size(found.upload_bytes)}"),
        ("stored", f"{bar.size(found.stored_bytes)} of {limit}"),
        ("jobs", f"{found.jobs}, {found.unfinished_jobs} of them unfinished"),
        ("positions", found.positions),
    ):
        click.echo(f"{name:10}{value}")


@users.command(name="delete-user-data")
@click.argument("user_id", metavar="USER")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@config_option
@as_json_option
def delete_user_data(user_id: str, yes: bool, as_json: bool) -> None:
    """Delete everything of USER: books, chapters, PDFs, positions and jobs.

    Unfinished jobs are cancelled first. This cannot be undone. First disable the user where users
    sign in: a token that is still valid could store something new. Backups keep what they have, and
    a running server may show the last jobs of the user for ten more minutes.

    \b
    Example:
      wordai-jobs users delete-user-data alice
    """
    from wordai_jobs.config import load_config
    from wordai_jobs.users import delete_user_data

    if not yes:
        click.confirm(f"Delete everything of {user_id}?", abort=True, err=True)
    deleted = delete_user_data(load_config(), user_id)
    if as_json:
        print_json(asdict(deleted))
    elif deleted.is_empty:
        click.echo(f"Nothing of {user_id} is stored")
    else:
        click.echo(
            f"Deleted of {user_id}: {_count(deleted.books, 'book')}, "
            f"{_count(deleted.chapters, 'chapter')}, {_count(deleted.uploads, 'PDF')}, "
            f"{_count(deleted.positions, 'position')}, {_count(deleted.jobs, 'job')} "
            f"({deleted.unfinished_jobs} of them cancelled); {bar.size(deleted.stored_bytes)}"
        )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"

"""``entrenous server admin audit``: who did what here, and whether anybody has changed that."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from entrenous.cli.options import JsonOption, examples
from entrenous.cli.output import note, one_line, say
from entrenous.cli.run import NOT_GENUINE
from entrenous.cli.server.admin.office import tell, when, work
from entrenous.cli.server.configured import ConfigOption
from entrenous.cli.server.data import DataOption

if TYPE_CHECKING:
    from entrenous.server.operating import Admin, Verdict


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "audit",
        epilog=examples(
            "entrenous server admin audit",
            "entrenous server admin audit --after 120 --json",
            "entrenous server admin audit --verify",
            "entrenous server admin audit --verify --noted 9f86d081884c7d65…",
        ),
    )(server_audit)


def server_audit(
    context: typer.Context,
    after: Annotated[int, typer.Option(metavar="N", min=0, help="Only actions behind this number.")] = 0,
    verify: Annotated[bool, typer.Option("--verify", help="Check the chain of hashes instead.")] = False,
    noted: Annotated[
        str | None, typer.Option(metavar="DIGEST", help="With --verify: a digest noted before must be there still.")
    ] = None,
    data: DataOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what operators have done: number, time, who, what, to whom.

    Each row is hashed with those before it, so an edit shows with --verify. Whoever can write the database could make
    the whole chain anew, or cut off its end: against that, note the digest elsewhere now and then. A running server
    logs each, too.
    """
    if verify or noted is not None:
        verdict = work(context, data, config, lambda admin: _verify(admin, noted))
        _tell(verdict, as_json=as_json)
        return

    async def main(admin: "Admin") -> None:
        async for row in admin.audit(after):
            line = f"{row.number:>6}  {when(row.at_ms // 1000)}  {row.actor}  {row.action}  {row.target}  {row.detail}"
            tell("action", row, one_line(line).rstrip(), as_json=as_json)

    work(context, data, config, main)


async def _verify(admin: "Admin", noted: str | None) -> "Verdict":
    from entrenous.server.operating import verify as look_through

    try:
        digest = None if noted is None else bytes.fromhex(noted)
    except ValueError:
        raise typer.BadParameter("A digest is hexadecimal.", param_hint="--noted") from None
    return await look_through(admin.storage, digest)


def _tell(verdict: "Verdict", *, as_json: bool) -> None:
    good = verdict.broken_at is None and verdict.knows_noted is not False
    if as_json:
        fields = {"rows": verdict.rows, "head": verdict.head.hex(), "broken_at": verdict.broken_at}
        say(json.dumps({"type": "verdict", "good": good, **fields, "knows_noted": verdict.knows_noted}))
    elif good:
        say(f"{verdict.rows} actions, each following from those before. Digest: {verdict.head.hex()}")
    elif verdict.broken_at is not None:
        note(f"The log was changed: action {verdict.broken_at} does not follow from those before it.")
    else:
        note("The digest that was noted is not in the log: actions were cut off, or all of it was made anew.")
    if not good:
        raise typer.Exit(NOT_GENUINE)

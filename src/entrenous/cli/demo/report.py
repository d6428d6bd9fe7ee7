"""What the demo prints: who read what, what the server stored, and what the search found."""

from collections.abc import Iterable

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from entrenous.cli.demo.person import Person
from entrenous.cli.demo.stage import StoredEntry
from entrenous.cli.leaks import Finding


class Report:
    """Prints the demo's acts as they end."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def act(self, number: int, title: str) -> None:
        """Announce an act."""
        self._console.print(f"[bold]{number}[/bold]  {title}")

    def transcript(self, person: Person, remark: str) -> None:
        """Show what one person read."""
        lines = Text()
        for sender, text in person.transcript():
            lines.append(f"{sender:>6}  ", style="bold")
            lines.append(f"{text}\n")
        self._console.print(Panel(lines, title=f"{person.name} read ({remark})", title_align="left"))

    def stored(self, entries: Iterable[StoredEntry]) -> None:
        """Show what the server keeps of the same conversation."""
        table = Table(title="What the server stored of it", title_justify="left")
        table.add_column("entry", justify="right")
        table.add_column("bytes", justify="right")
        table.add_column("which")
        table.add_column("ciphertext begins with")
        for entry in entries:
            table.add_row(str(entry.sequence), f"{entry.size:,}", entry.kind, entry.head.hex(" ", 4))
        self._console.print(table)

    def searched(self, plaintexts: int, forms: int, places: dict[str, bytes], findings: list[Finding]) -> None:
        """Show what was searched for, where, and with what result."""
        size = sum(len(data) for data in places.values())
        self._console.print(
            f"   searched {len(places)} places ({size:,} bytes: the server's database, WAL, keys and log, every byte "
            f"on the sockets, the clients' stores and logs) for {plaintexts} plaintexts in {forms} forms"
        )
        for finding in findings:
            self._console.print(f"   [red]LEAK[/red] {finding.needle.name} ({finding.needle.form}) in {finding.place}")
        if not findings:
            self._console.print("   [green]nothing found[/green]")

    def control(self, expected: int, found: int) -> None:
        """Show whether the search can find anything at all."""
        colour = "green" if found == expected else "red"
        result = f"[{colour}]{found:,} of {expected:,} found[/{colour}]"
        self._console.print(f"   the same search over a copy into which they were written: {result}")

    def verdict(self, *, passed: bool, seconds: float) -> None:
        """The last line."""
        if passed:
            self._console.print(f"[bold green]It holds.[/bold green] {seconds:.0f} s")
        else:
            self._console.print(f"[bold red]It does not hold.[/bold red] {seconds:.0f} s")

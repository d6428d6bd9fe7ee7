"""The explanation as data, for programs: every byte of every value, in hexadecimal."""

from typing import Any

from entrenous.explain.model import Explanation, Told, Value


def listing(explanation: Explanation) -> list[dict[str, Any]]:
    """One object a step, in JSON's types."""
    return [_step(told) for told in explanation.steps()]


def _step(told: Told) -> dict[str, Any]:
    step = told.step
    return {
        "number": told.number,
        "chapter": told.chapter.name,
        "title": step.title,
        "what": step.what,
        "why": step.why,
        "without": step.without,
        "values": [_value(value) for value in step.values],
        "checks": list(step.checks),
        "attacks": [{"what": each.what, "refused_by": each.refused_by, "error": each.error} for each in step.attempts],
        "standards": [{"standard": source.standard, "section": source.section} for source in step.sources],
        "pages": [f"docs/spec/{page.file}#{page.anchor}" for page in step.pages],
    }


def _value(value: Value) -> dict[str, Any]:
    data = value.data
    shown = {"bytes": len(data), "hex": data.hex()} if isinstance(data, bytes) else {"text": data}
    return {"name": value.name, **shown, "known_to": [who.name.lower() for who in value.known_to], "note": value.note}

"""What makes a struct an immutable value: it is made once, compared, hashed and shown by its fields.

``dataclasses`` would write and compile six functions for each of a hundred structs, a tenth of what a server's start
takes; here those that differ are compiled together, and the others are the same for all.
"""

import dataclasses
from typing import Any, NoReturn, TypeVar

from entrenous.errors import UsageError

T = TypeVar("T")


class Value:
    """The base of structs: what does not depend on which fields there are."""

    __slots__ = ()

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> NoReturn:
        raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")

    def __repr__(self) -> str:
        shown = ", ".join(
            f"{field.name}={getattr(self, field.name)!r}"
            for field in dataclasses.fields(self)  # type: ignore[arg-type]  # as_value makes each subclass one
            if field.repr
        )
        return f"{type(self).__qualname__}({shown})"

    def __reduce__(self) -> tuple[Any, ...]:
        fields = dataclasses.fields(self)  # type: ignore[arg-type]  # see __repr__
        return type(self), tuple(getattr(self, field.name) for field in fields)


def as_value(cls: type[T]) -> type[T]:
    """A subclass of ``Value`` with slots for its annotated fields, and with what depends on them.

    Raises:
        UsageError: a field is more than a name, a type and a default.
    """
    # Without any function of its own, a dataclass is what tells others of its fields.
    made = dataclasses.dataclass(init=False, repr=False, eq=False, slots=True)(cls)
    text, names = _written(made)
    exec(compile(text, f"<{cls.__name__}>", "exec"), names)  # noqa: S102 the text is made of our own fields' names
    for name in ("__init__", "__eq__", "__hash__"):
        if name not in cls.__dict__ or (name == "__hash__" and cls.__dict__[name] is None):
            function = names[name]
            function.__qualname__ = f"{cls.__qualname__}.{name}"
            setattr(made, name, function)
    return made


def _written(cls: type) -> tuple[str, dict[str, Any]]:
    """The text of the three functions, and the names in it."""
    names: dict[str, Any] = {"__name__": cls.__module__}
    taken, put = ["self"], []
    fields = dataclasses.fields(cls)
    for number, field in enumerate(fields):
        if not field.init or field.kw_only or field.default_factory is not dataclasses.MISSING:
            raise UsageError(f"{cls.__name__}.{field.name} is more than a struct's field can be")
        # What stands in a frozen value's slots is put there directly.
        names[f"put_{number}"] = getattr(cls, field.name).__set__
        put.append(f" put_{number}(self, {field.name})")
        if field.default is dataclasses.MISSING:
            taken.append(field.name)
        else:
            names[f"default_{number}"] = field.default
            taken.append(f"{field.name}=default_{number}")
    ours = "".join(f"self.{field.name}," for field in fields if field.compare)
    theirs = "".join(f"other.{field.name}," for field in fields if field.compare)
    lines = [
        f"def __init__({', '.join(taken)}):",
        *(put or [" pass"]),
        "def __eq__(self, other):",
        f" return ({ours}) == ({theirs}) if other.__class__ is self.__class__ else NotImplemented",
        "def __hash__(self):",
        f" return hash(({ours}))",
    ]
    return "\n".join(lines), names

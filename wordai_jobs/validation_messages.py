"""What people read about a field of a request, or a setting, that is wrong."""

from collections.abc import Sequence

from pydantic import ValidationError
from pydantic_core import ErrorDetails

_WHOLE_NUMBER = "must be a whole number"
_TRUE_OR_FALSE = "must be true or false"
# By the library's name of the problem; in braces, what it says about it.
_MESSAGES = {
    "missing": "is required",
    "extra_forbidden": "is not a field of this request",
    "string_type": "must be text",
    "string_unicode": "must be text",
    # Of text: lists have checks of their own.
    "too_short": "must not be empty",
    "too_long": "must have at most {max_length} characters",
    "string_too_short": "must not be empty",
    "string_too_long": "must have at most {max_length} characters",
    "int_type": _WHOLE_NUMBER,
    "int_parsing": _WHOLE_NUMBER,
    "int_parsing_size": _WHOLE_NUMBER,
    "int_from_float": _WHOLE_NUMBER,
    "finite_number": _WHOLE_NUMBER,
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "bool_type": _TRUE_OR_FALSE,
    "bool_parsing": _TRUE_OR_FALSE,
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "dict_type": "must be a table",
    "string_pattern_mismatch": "must match {pattern}",
    "model_type": "must be an object",
    "value_error": "{error}",
}
_LONGEST_NAME = 60


def message_of(error: ValidationError) -> str:
    """The first problem: `parts[2].title must not be empty`."""
    problem = first_problem(error)
    return f"{_field(problem['loc'])} {message_about(problem)}"


def first_problem(error: ValidationError) -> ErrorDetails:
    return error.errors(include_url=False, include_input=False)[0]


def message_about(problem: ErrorDetails) -> str:
    """Without the name of the field: `must not be empty`."""
    message = _MESSAGES.get(problem["type"], "is not valid")
    return message.format(**problem.get("ctx", {}))


def _field(location: Sequence[str | int]) -> str:
    """The name of a field. Unknown fields have names of the client's choice."""
    name = ""
    for part in location:
        name += f"[{part}]" if isinstance(part, int) else f".{part}"
    name = name.removeprefix(".")[:_LONGEST_NAME]
    if not name:  # the library reads no further than a name with half a character in it
        return "The name of a field"
    return "".join(letter if letter.isprintable() else "?" for letter in name)

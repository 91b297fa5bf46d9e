"""What a value may look like in a Send V2 request, with every tolerance (contract send_v2, "sendMail: fields").

Text may arrive as a whole number (its digits are meant), a boolean as ``"true"``, a whole number as ``"18"``;
null and the empty string are the same as nothing. The sentences say what would be right.
"""

import re
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from gateway.incoming import StoredBytes

# What would end a header line in some reader of mail: C0, DEL, NEL and the Unicode separators.
ONE_LINE = "^[^\x00-\x1f\x7f\x85\u2028\u2029]*$"
LARGEST = 2**63 - 1
LONGEST_TEXT = 25_000_000
_WHOLE = re.compile(r"[+-]?[0-9]{1,19}")
_DIGITS = core_schema.no_info_after_validator_function(str, core_schema.int_schema(strict=True))
# Read by pydantic-core throughout, for text is most of every request.
_EITHER = core_schema.union_schema(
    [core_schema.str_schema(strict=True), _DIGITS],
    mode="left_to_right",
    custom_error_type="text",
    custom_error_message="must be text",
)


def wrong(sentence: str) -> PydanticCustomError:
    """A value that is not as it should be, in our own words."""
    return PydanticCustomError("invalid", "{sentence}", {"sentence": sentence})


@dataclass(frozen=True)
class Line:
    """One line of text of at most ``limit`` characters: what may end in a header, or names something."""

    limit: int

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        one_line = core_schema.str_schema(max_length=self.limit, pattern=ONE_LINE)
        return core_schema.nullable_schema(core_schema.chain_schema([_EITHER, one_line]))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "maxLength": self.limit}


@dataclass(frozen=True)
class Text:
    """Text of any number of lines. The limit, even where nobody reaches it, has pydantic-core look at the text and
    refuse lone surrogates; a pattern over a whole body would cost more than reading the rest of the letter."""

    limit: int = LONGEST_TEXT

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        bounded = core_schema.chain_schema([_EITHER, core_schema.str_schema(max_length=self.limit)])
        return core_schema.nullable_schema(core_schema.no_info_after_validator_function(_without_nul, bounded))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string"} if self.limit == LONGEST_TEXT else {"type": "string", "maxLength": self.limit}


def _without_nul(value: str) -> str:
    if "\x00" in value:
        raise wrong("must not contain NUL characters")
    return value


@dataclass(frozen=True)
class Base64:
    """Bytes in base64; where they are many, a face may have decoded them already."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        either = core_schema.union_schema(
            [core_schema.str_schema(strict=True), core_schema.is_instance_schema(StoredBytes)],
            custom_error_type="text",
            custom_error_message="must be text",
        )
        return core_schema.nullable_schema(either)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string"}


@dataclass(frozen=True)
class Boolean:
    """True, false, or either as text in any case."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(_read_boolean)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "boolean"}


def _read_boolean(value: object) -> bool | None:
    if value is None or value is True or value is False:
        return value
    if isinstance(value, str) and (word := value.lower()) in ("true", "false", ""):
        return word == "true" if word else None
    raise wrong("must be true or false")


@dataclass(frozen=True)
class Whole:
    """A whole number between two, as number or text."""

    least: int = 1
    most: int = LARGEST

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self._read)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.least, "maximum": self.most}

    def _read(self, value: object) -> int | None:
        if value is None or value == "":
            return None
        if isinstance(value, str) and _WHOLE.fullmatch(value):
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise wrong("must be a whole number")
        if not self.least <= value <= self.most:
            raise wrong(f"must be between {self.least} and {self.most}")
        return value

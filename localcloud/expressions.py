"""Repairs to how moto's interpreter evaluates paths and text; see :mod:`localcloud.interpreter`.

Step Functions reads paths as Jayway JsonPath does: a path that can only name one place gives that value, any other a
list of all it finds. moto wraps ``$.list[0].name`` in a list, and formats text with Python's ``str.format``.
"""

import functools
import json
import re
from typing import Any

from jsonpath_ng.ext.parser import parse
from moto.stepfunctions.parser.api import HistoryEventType, TaskFailedEventDetails
from moto.stepfunctions.parser.asl.antlt4utils import antlr4utils
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent, FailureEventException
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.common.string.string_expression import StringIntrinsicFunction
from moto.stepfunctions.parser.asl.component.intrinsic.argument.argument import ArgumentLiteral
from moto.stepfunctions.parser.asl.component.intrinsic.function.statesfunction.generic.string_format import StringFormat
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.asl.parse import preprocessor
from moto.stepfunctions.parser.asl.parse.intrinsic.intrinsic_parser import IntrinsicParser
from moto.stepfunctions.parser.asl.parse.intrinsic.preprocessor import Preprocessor
from moto.stepfunctions.parser.asl.utils import json_path

from localcloud.repairs import expect, modules_with

_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_INDEFINITE = re.compile(r"\.\.|\*|\[\?|\[[^\]]*[:,][^\]]*\]")
_ESCAPE = re.compile(r"\\(.)")
_LETTERS = {"n": "\n", "t": "\t", "r": "\r"}
# escaped braces travel as characters that no text holds until Format has replaced its {}
_BRACES = {"{": "\ue000", "}": "\ue001"}
_UNBRACE = str.maketrans({"\ue000": "{", "\ue001": "}"})


def repair() -> None:
    """Apply every repair of this module."""
    original = json_path.extract_json
    expect(original, "isinstance(matches[0].context.path, Index)")
    users = modules_with("extract_json", original)
    assert len(users) >= 8, f"moto changed: only {len(users)} modules use extract_json"
    for module in users:
        module.extract_json = extract
    _read_strings_as_json()
    expect(Preprocessor._text_of_str, "Preprocessor._replace_escaped_characters")  # noqa: SLF001 replaced below
    Preprocessor._replace_escaped_characters = staticmethod(_unescape)  # noqa: SLF001
    expect(ArgumentLiteral._eval_argument, "return self.definition_value")  # noqa: SLF001
    ArgumentLiteral._eval_argument = _literal  # noqa: SLF001
    expect(StringFormat._eval_body, "string_format.format(*values_str_repr)")  # noqa: SLF001
    StringFormat._eval_body = _format  # noqa: SLF001
    expect(StringIntrinsicFunction._eval_body, "self.function.eval(env=env)")  # noqa: SLF001
    StringIntrinsicFunction._eval_body = _evaluate_function  # noqa: SLF001


def _read_strings_as_json() -> None:
    """moto reads the definition's strings as Python's, and does not decode those with intrinsic functions at all."""
    original = antlr4utils.from_string_literal
    expect(original, "ast.literal_eval(")
    users = modules_with("from_string_literal", original)
    assert users, "moto changed: no module uses from_string_literal"
    for module in users:
        module.from_string_literal = _string
    inner = preprocessor.Preprocessor._inner_string_of  # noqa: SLF001 replaced below
    expect(inner, "inner_str = inner_str[1:-1]")
    preprocessor.Preprocessor._inner_string_of = staticmethod(  # noqa: SLF001
        lambda parser_rule_context: None if inner(parser_rule_context) is None else _string(parser_rule_context)
    )
    expect(preprocessor.Preprocessor.visitString_intrinsic_function, "STRINGINTRINSICFUNC().getText()[1:-1]")
    preprocessor.Preprocessor.visitString_intrinsic_function = _intrinsic_function


def _string(parser_rule_context: Any) -> str:
    text: str = parser_rule_context.getText()
    return str(json.loads(text)) if text.startswith('"') else text


def _intrinsic_function(_: Any, context: Any) -> Any:
    text = json.loads(context.STRINGINTRINSICFUNC().getText())
    function, _parser = IntrinsicParser.parse(text)
    return StringIntrinsicFunction(intrinsic_function_derivation=text, function=function)


def extract(path: str, data: Any) -> Any:
    """The value at ``path``, or a list of values when the path can name several places."""
    found = [match.value for match in _parsed(path).find(data)]
    if is_indefinite(path):
        return found
    if not found:
        raise json_path.NoSuchJsonPathError(json_path=path, data=data)
    return found[0]


def is_indefinite(path: str) -> bool:
    """Whether a path holds a wildcard, a slice, a union, a filter or a deep scan."""
    return bool(_INDEFINITE.search(_QUOTED.sub("''", path))) and path != "$"


@functools.lru_cache(maxsize=1024)
def _parsed(path: str) -> Any:
    return parse(path)


def _unescape(match: re.Match[str]) -> str:
    character = match[1]
    return _LETTERS.get(character) or _BRACES.get(character) or character


def _literal(self: Any, env: Any) -> Any:
    del env  # a literal needs nothing of the execution
    value = self.definition_value
    return value.translate(_UNBRACE) if isinstance(value, str) else value


def _evaluate_function(self: Any, env: Any) -> None:
    """What goes wrong inside a function is States.IntrinsicFailure; moto makes it States.Runtime."""
    try:
        self.function.eval(env=env)
    except (FailureEventException, json_path.NoSuchJsonPathError):
        raise
    except Exception as error:
        name = StatesErrorNameType.StatesIntrinsicFailure
        cause = f"The function '{self.intrinsic_function_derivation}' had the following error: {error}"
        details = TaskFailedEventDetails(error=name.to_name(), cause=cause)
        raise FailureEventException(
            FailureEvent(
                env=env,
                error_name=StatesErrorName(typ=name),
                event_type=HistoryEventType.TaskFailed,
                event_details=EventDetails(taskFailedEventDetails=details),
            )
        ) from error


def _format(self: Any, env: Any) -> None:
    """``States.Format``: each {} is replaced by the next value, nothing else has a meaning."""
    self.argument_list.eval(env=env)
    template, *values = env.stack.pop()
    first = self.argument_list.arguments[0]
    if isinstance(first, ArgumentLiteral):
        template = first.definition_value
    parts = template.split("{}")
    if len(parts) - 1 != len(values):
        raise ValueError(
            f"States.Format: {template.translate(_UNBRACE)!r} has {len(parts) - 1} {{}} for {len(values)} values"
        )
    texts = [self._to_str_repr(value) for value in values]
    filled = "".join(text for pair in zip(parts, [*texts, ""], strict=True) for text in pair)
    env.stack.append(filled.translate(_UNBRACE))

"""YAML as configuration wants it: safe, and a key that stands twice is an error."""

from __future__ import annotations

from typing import Any

import yaml


class _TwiceError(yaml.MarkedYAMLError):
    """A key that stands twice: for PyYAML that is valid."""


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader keeps the last of two equal keys without a word; this one refuses."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT002 -- PyYAML's signature
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                if key.value in seen:
                    problem = f"{key.value} stands twice: remove one"
                    raise _TwiceError(problem=problem, problem_mark=key.start_mark)
                seen.add(key.value)
        return super().construct_mapping(node, deep)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:  # noqa: FBT002 -- PyYAML's signature
        """Say the line of a value that PyYAML lets its own errors through for."""
        try:
            return super().construct_object(node, deep)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            # Such as 2020-99-99, `!!bool x`, `!!int ""`.
            problem = f"{str(node.value)[:100]!r} is no {node.tag.rpartition(':')[2]}"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark) from error


def load(content: bytes) -> Any:
    """Load one document. Raises ValueError with the line on what is not valid YAML."""
    try:
        return yaml.load(content, Loader=_Loader)  # noqa: S506 -- derived from SafeLoader
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        what = "" if isinstance(error, _TwiceError) else "not valid YAML: "
        raise ValueError(f"{line}{what}{error.problem}") from error
    except yaml.YAMLError as error:
        raise ValueError(f"not valid YAML: {str(error).splitlines()[0]}") from error
    except (OverflowError, RecursionError, ValueError) as error:
        # What PyYAML lets through for "\\UFFFFFFFF", `[[[[...`.
        raise ValueError(f"not valid YAML: {type(error).__name__}: {error}") from error

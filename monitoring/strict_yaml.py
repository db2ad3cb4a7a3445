"""YAML as configuration wants it: safe, and a key that stands twice is an error."""

from __future__ import annotations

from typing import Any

import yaml


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader keeps the last of two equal keys without a word; this one refuses."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT002 -- PyYAML's signature
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                if key.value in seen:
                    raise ValueError(
                        f"line {key.start_mark.line + 1}: {key.value} stands twice: remove one"
                    )
                seen.add(key.value)
        return super().construct_mapping(node, deep)


def load(content: bytes) -> Any:
    """Load one document. Raises ValueError with the line on what is not valid YAML."""
    try:
        return yaml.load(content, Loader=_Loader)  # noqa: S506 -- derived from SafeLoader
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise ValueError(f"{line}not valid YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        raise ValueError(f"not valid YAML: {str(error).splitlines()[0]}") from error
    except (AttributeError, LookupError, OverflowError, RecursionError, TypeError) as error:
        # What PyYAML lets through for `!!bool x`, `!!timestamp x`, `!!int ""`, `[[[[...`.
        raise ValueError(f"not valid YAML: {type(error).__name__}: {error}") from error

"""YAML as people write settings: names stay as they are written, and no key is given twice. Imports YAML when used.

YAML 1.1, which PyYAML reads, takes `no`, `on` and `yes` for truth values, `010` for eight, `1:30` for ninety and
`1e-3` for a text, and lets the last of two equal keys win.
"""

import math
import re
from typing import Any

from recipes.arguments.names import printable, shown

_FLOAT = r"[-+]?(\d[\d_]*\.[\d_]*|\.\d[\d_]*)([eE][-+]?\d+)?|[-+]?\d+[eE][-+]?\d+|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
# Kind of a scalar without quotation marks -> its pattern, and the characters with which it may begin; others are texts.
_KINDS = {
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "bool": (r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    "int": (r"[-+]?(0|[1-9][\d_]*)", list("-+0123456789")),
    "float": (_FLOAT, list("-+.0123456789")),
    "merge": (r"<<", ["<"]),
}


# Bounds on what a stranger may write: levels of nesting, values in all, and characters once aliases are replaced.
MOST_LEVELS = 20
MOST_VALUES = 25_000
MOST_CHARACTERS = 2**18
_MOST_DIGITS = 400


def load(text: str) -> Any:
    """The value of the YAML `text`; keys of mappings are texts, as they are written.

    Raises:
        ValueError: If `text` is not YAML, gives a key twice, has a tag (`!!name`, which may stand for a type of
            Python), or goes beyond the bounds of this module, also by aliases.
    """
    import yaml

    class Loader(yaml.SafeLoader):
        yaml_implicit_resolvers = {}  # noqa: RUF012  (as PyYAML has it)
        levels = values = 0

        def compose_node(self, parent, index):
            event = self.peek_event()
            if getattr(event, "tag", None) is not None:
                raise yaml.YAMLError(f"tags are not read. Received: {shown(event.tag)}")
            self.levels, self.values = self.levels + 1, self.values + 1
            if self.levels > MOST_LEVELS or self.values > MOST_VALUES:
                bound = f"{MOST_LEVELS} levels" if self.levels > MOST_LEVELS else f"{MOST_VALUES:,} values"
                raise yaml.YAMLError(f"it has more than {bound}")
            node = super().compose_node(parent, index)
            self.levels -= 1
            is_number = node.tag.endswith((":int", ":float"))
            if is_number and len(node.value) > _MOST_DIGITS:
                raise yaml.YAMLError(f"a number has more than {_MOST_DIGITS} digits")
            return node

        def get_single_node(self):
            node = super().get_single_node()
            if node is not None and _characters(node, {}) > MOST_CHARACTERS:
                raise yaml.YAMLError(f"it has more than {MOST_CHARACTERS:,} characters where aliases are replaced")
            return node

        def construct_mapping(self, node, deep=False):
            self.flatten_mapping(node)
            seen = set()
            for key, _ in node.value:
                if not isinstance(key.value, str):
                    raise yaml.YAMLError("a name must be a text")
                if key.value in seen:
                    raise yaml.YAMLError(f"{shown(key.value)} is given twice")
                seen.add(key.value)
            return {key.value: self.construct_object(value, deep=deep) for key, value in node.value}

    for kind, (pattern, first) in _KINDS.items():
        Loader.add_implicit_resolver(f"tag:yaml.org,2002:{kind}", re.compile(f"(?:{pattern})$"), first)
    if len(text) > MOST_CHARACTERS:
        raise ValueError(f"not valid YAML for settings: it has more than {MOST_CHARACTERS:,} characters")
    try:
        return yaml.load(text, Loader)
    except yaml.YAMLError as error:
        raise ValueError(f"not valid YAML: {printable(' '.join(str(error).split()))}") from None


def _characters(node, known: dict) -> int:
    """Number of characters of all scalars below a YAML node, with those of an alias counted each time.

    Args:
        node: Node of PyYAML.
        known: Counts so far, by the identity of the node; infinite while a node is counted, so that one that contains
            itself is beyond every bound.
    """
    if isinstance(node.value, str):
        return len(node.value) + 1
    if id(node) not in known:
        known[id(node)] = math.inf
        inner = [part for item in node.value for part in (item if isinstance(item, tuple) else (item,))]
        known[id(node)] = 1 + sum(_characters(part, known) for part in inner)
    return known[id(node)]


def dump(settings: dict) -> str:
    """`settings` as YAML that readers of YAML 1.1 and of 1.2 read alike."""
    import yaml

    class Dumper(yaml.SafeDumper):
        pass

    # So that the text `1e3` is quoted.
    Dumper.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(f"(?:{_FLOAT})$"), list("-+.0123456789"))
    return yaml.dump(settings, Dumper=Dumper, sort_keys=False, default_flow_style=None, width=100)

"""YAML as people write settings: names stay as they are written, and no key is given twice. Imports YAML when used.

YAML 1.1, which PyYAML reads, takes `no`, `on` and `yes` for truth values, `010` for eight, `1:30` for ninety and
`1e-3` for a text, and lets the last of two equal keys win.
"""

import re
from typing import Any

_FLOAT = r"[-+]?(\d[\d_]*\.[\d_]*|\.\d[\d_]*)([eE][-+]?\d+)?|[-+]?\d+[eE][-+]?\d+|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
# Kind of a scalar without quotation marks -> its pattern, and the characters with which it may begin; others are texts.
_KINDS = {
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "bool": (r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    "int": (r"[-+]?(0|[1-9][\d_]*)", list("-+0123456789")),
    "float": (_FLOAT, list("-+.0123456789")),
    "merge": (r"<<", ["<"]),
}


def load(text: str) -> Any:
    """The value of the YAML `text`; keys of mappings are texts, as they are written.

    Raises:
        ValueError: If `text` is not YAML, or gives a key twice.
    """
    import yaml

    class Loader(yaml.SafeLoader):
        yaml_implicit_resolvers = {}  # noqa: RUF012  (as PyYAML has it)

        def construct_mapping(self, node, deep=False):
            self.flatten_mapping(node)
            names = [key.value for key, _ in node.value]
            unreadable = next((name for name in names if not isinstance(name, str)), None)
            if unreadable is not None:
                raise yaml.YAMLError("a name must be a text")
            twice = next((name for name in names if names.count(name) > 1), None)
            if twice is not None:
                raise yaml.YAMLError(f"{twice!r} is given twice")
            return {key.value: self.construct_object(value, deep=deep) for key, value in node.value}

    for kind, (pattern, first) in _KINDS.items():
        Loader.add_implicit_resolver(f"tag:yaml.org,2002:{kind}", re.compile(f"(?:{pattern})$"), first)
    try:
        return yaml.load(text, Loader)
    except yaml.YAMLError as error:
        raise ValueError(f"not valid YAML: {' '.join(str(error).split())}") from None


def dump(settings: dict) -> str:
    """`settings` as YAML that readers of YAML 1.1 and of 1.2 read alike."""
    import yaml

    class Dumper(yaml.SafeDumper):
        pass

    # So that the text `1e3` is quoted.
    Dumper.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(f"(?:{_FLOAT})$"), list("-+.0123456789"))
    return yaml.dump(settings, Dumper=Dumper, sort_keys=False, default_flow_style=None, width=100)

"""Run textbook experiments on training deep networks: numbers and a picture of each, or all as one page."""

import json
import time
from pathlib import Path
from tempfile import TemporaryFile

from recipes import lab
from recipes.arguments.text_table import table_lines, text_of
from recipes.cli.arguments import Parser, add_json
from recipes.cli.starting import start_keras

GALLERY = "gallery.html"


def run(arguments: list[str]) -> None:
    """`keras-recipes lab NAME [--output FOLDER]`, `lab all` and `lab list`."""
    parser = Parser("lab", usage="keras-recipes lab NAME|all|list [--output FOLDER] [--json]")
    parser.add_argument("name", metavar="NAME", help="an experiment, all for a page of all, list for their names")
    help_of_output = "folder of the picture, or of gallery.html (default: lab)"
    parser.add_argument("--output", metavar="FOLDER", default="lab", help=help_of_output)
    add_json(parser)
    options = parser.parse(arguments)
    if options.name == "list":
        print(json.dumps(lab.EXPERIMENTS, indent=2) if options.json else _listed())
        return
    name = "all" if options.name == "all" else lab.known(options.name)
    folder = _writable(Path(options.output))
    start_keras(training=True)
    if name == "all":
        _make_gallery(folder, options.json)
    else:
        _make_picture(name, folder, options.json)


def _listed() -> str:
    return "\n".join(table_lines(lab.EXPERIMENTS.items(), left=(0, 1)))


def _writable(folder: Path) -> Path:
    """The folder, made where it is not there, in which a file can be written: asked before the work."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        raise type(error)(
            f"--output must be a folder that can be written to. Received: {folder} ({error.strerror})"
        ) from None


def _make_picture(name: str, folder: Path, as_json: bool) -> None:
    from recipes.disk.whole import write_whole
    from recipes.lab.picture import write_picture

    result = lab.run(name)
    file = folder / f"{name}.png"
    write_whole(file, lambda path: write_picture(result, path))
    if as_json:
        print(json.dumps({**result.to_dict(), "picture": str(file)}, indent=2))
    else:
        print(text_of(str(result).split("\n")))
        print(f"\npicture: {file}")


def _make_gallery(folder: Path, as_json: bool) -> None:
    from recipes.disk.whole import write_text_whole
    from recipes.lab.gallery import gallery_of

    results, width = {}, max(map(len, lab.names()))
    for name in lab.names():
        start = time.monotonic()
        results[name] = lab.run(name)
        if not as_json:
            print(f"{name:<{width}}  {time.monotonic() - start:5.1f} s  {lab.EXPERIMENTS[name]}", flush=True)
    file = folder / GALLERY
    write_text_whole(file, gallery_of(results))
    if as_json:
        print(json.dumps({name: result.to_dict() for name, result in results.items()}, indent=2))
    else:
        print(f"written to {file}")

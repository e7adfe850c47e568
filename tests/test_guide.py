"""The guide is a site that can be read offline, tells everything there is, and only what is so."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.exceptions import Abort, PluginError
from PIL import Image
from typer.testing import CliRunner

from companion.cli.app import app
from companion.control.controller import bundled_controllers
from companion.control.osc import OscKnobs
from companion.control.osc_tree import places
from companion.control.parameters import BY_NAME, PARAMETERS
from companion.control.preset import bundled_presets, load_preset, parse_preset
from companion.session.trouble import KINDS
from companion.system.errors import CompanionError
from guide import commands, errors, findings, trouble
from guide.hooks import section
from guide.tables import TABLES
from guide.wording import GAP, calls, said_in
from tests.companion.stage.pictures import MOST_BYTES
from training.__main__ import make_app

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
NAMES = {page: page.relative_to(DOCS).as_posix() for page in PAGES}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The guide, built as `make guide` does; a warning is an error."""
    folder = tmp_path_factory.mktemp("site")
    build(load_config(str(ROOT / "mkdocs.yml"), site_dir=str(folder), strict=True))
    return folder


def read(site: Path, name: str) -> str:
    """A page's text as a reader sees it."""
    page = (site / name).read_text(encoding="utf-8").partition("<article")[2]
    return " ".join(unescape(re.sub(r"<[^>]+>", "", page)).split())


def blocks(language: str) -> Iterator[tuple[str, str]]:
    """The fenced blocks of a language, each with its page."""
    for page, name in NAMES.items():
        for block in re.findall(
            rf"^```{language}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.M | re.S
        ):
            yield name, block


def shown() -> list[str]:
    """Every command that a page shows, in a block or within a line, once."""
    lines = [
        line
        for name, block in blocks("sh")
        for line in block.splitlines()
        if name != "training.md" or re.fullmatch(r"python -m training .*[^\\]", line)
        if not line.startswith("scp ")
    ]
    for page in PAGES:
        lines += re.findall(r"`((?:companion|make|pip) [^`]+)`", page.read_text(encoding="utf-8"))
    return sorted({line for line in lines if "COMMAND" not in line})


class TestSite:
    def test_nothing_is_fetched_from_elsewhere(self, site: Path) -> None:
        fetched = r"<(?:script|link|img|iframe|source)[^>]+(?:src|href)=\"?(?:https?:)?//[^> ]+"
        pages = [page for page in site.rglob("*.html") if page.name != "404.html"]
        assert len(pages) > 20
        for page in pages:
            assert re.findall(fetched, page.read_text(encoding="utf-8")) == [], page.name
        for style in site.rglob("*.css"):
            assert not re.search(r"@import|url\(['\"]?(https?:)?//", style.read_text()), style.name

    def test_every_knob_is_on_its_page(self, site: Path) -> None:
        text = read(site, "knobs.html")
        for knob in PARAMETERS:
            assert f" {knob.name} " in text
            assert knob.description in text
            assert all(choice in text for choice in knob.choices)

    def test_every_osc_address_is_on_its_page(self, site: Path) -> None:
        text = read(site, "osc.html")
        for place in places(["PLAYER"]):
            assert f" {place.address.removesuffix('/normalised')} " in text
            if not place.normalised:
                assert place.description.removeprefix("PLAYER: ") in text

    def test_every_command_is_on_its_page_with_its_options(self, site: Path) -> None:
        text = read(site, "commands.html")
        assert len(commands.names()) > 12
        for words in commands.names():
            assert f"{words} " in text
        for option in ("--stage", "--resume", "--write", "--forget", "--mix", "--host"):
            assert f" {option} " in text

    def test_every_preset_and_controller_file_is_named(self, site: Path) -> None:
        presets, midi = read(site, "presets.html"), read(site, "midi.html")
        assert all(f" {name} " in presets for name in bundled_presets())
        assert all(f" {name} " in midi for name in bundled_controllers())

    def test_the_pages_beside_the_code_are_in_it(self, site: Path) -> None:
        for name in ("architecture", "training", "codec/index", "weights", "data", "coherence"):
            assert f'href="{name}.html"' in (site / "index.html").read_text(), name
        assert (site / "evaluation" / "index.html").is_file()

    def test_a_link_that_leads_nowhere_is_no_site(self, tmp_path: Path) -> None:
        docs = tmp_path / "docs"
        docs.mkdir()
        (docs / "index.md").write_text("[gone](gone.md)")
        config = load_config(
            str(ROOT / "mkdocs.yml"),
            docs_dir=str(docs),
            site_dir=str(tmp_path / "site"),
            nav=None,
            plugins=[],
            strict=True,
        )
        with pytest.raises(Abort):
            build(config)


class TestPages:
    def test_all_that_can_be_made_is_on_a_page(self) -> None:
        asked = [
            name
            for page in PAGES
            for name in re.findall(r"^<!-- made: ([\w-]+) -->$", text(page), re.M)
        ]
        assert sorted(asked) == sorted(TABLES)

    @pytest.mark.parametrize("line", shown(), ids=str)
    def test_a_command_that_is_shown_exists(self, line: str) -> None:
        words = shlex.split(line, comments=True)
        while words[0] == "pw-jack" or "=" in words[0]:
            words = words[1:]
        if words[0] == "companion":
            done = CliRunner().invoke(app, [*words[1:], "--help"])
            assert done.exit_code == 0, done.output
            assert f"companion {words[1]}" in {" ".join(c.split()[:2]) for c in commands.names()}
        elif words[:3] == ["python", "-m", "training"]:
            done = CliRunner().invoke(make_app(), [*words[3:], "--help"])
            assert done.exit_code == 0, done.output
        elif words[0] == "make":
            assert re.search(rf"^{words[1]}:", (ROOT / "Makefile").read_text(), re.M)
        elif words[0] == "oscsend":
            assert turned(words) == words[3].removesuffix("/normalised").rpartition("/")[2]
        elif words[:2] == ["pip", "install"]:
            extras = re.findall(r"\[(\w+)\]", line)
            project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
            assert extras and set(extras) <= set(project["optional-dependencies"])
        else:
            assert words[:3] == ["sudo", "apt-get", "install"], line
            assert words[-1] in (ROOT / "Makefile").read_text()

    @pytest.mark.parametrize(
        ("page", "block"), [each for each in blocks("yaml") if each[0] != "training.md"]
    )
    def test_a_preset_that_is_shown_is_one(self, page: str, block: str) -> None:
        whole = block if "players:" in block else f"players: [{{name: bass}}]\n{block}"
        assert parse_preset(whole, page).players

    def test_knobs_that_are_named_exist(self) -> None:
        named = re.findall(r"\*\*`(\w+)`\*\*", text(DOCS / "knobs.md"))
        assert named
        assert set(named) <= set(BY_NAME)

    def test_pictures_are_small_and_shown(self) -> None:
        used = {Path(each).name for page in PAGES for each in PICTURE.findall(text(page))}
        files = sorted((DOCS / "images").iterdir())
        assert {file.name for file in files} <= used
        for file in files:
            assert file.stat().st_size < MOST_BYTES
            with Image.open(file) as picture:
                assert min(picture.size) > 300

    def test_a_section_of_the_readme_is_shared_as_it_is(self) -> None:
        whole = section("MIDI")
        part = section("MIDI", "**A mapping**")
        assert whole.endswith(part)
        assert part.startswith("**A mapping**") and "### OSC" not in part
        with pytest.raises(PluginError, match="no 'Cooking'"):
            section("Cooking")

    def test_readme_leads_to_it(self) -> None:
        assert "(docs/index.md)" in (ROOT / "README.md").read_text(encoding="utf-8")


class TestMessages:
    def test_every_kind_of_trouble_has_its_words_and_its_advice(self) -> None:
        assert set(trouble.ADVICE) == set(KINDS)
        for kind in KINDS:
            assert trouble.lines_of(kind), kind

    @pytest.mark.parametrize("name", ["bas", "/nowhere/rig.yaml"])
    def test_an_error_that_is_printed_is_found(self, name: str) -> None:
        with pytest.raises(CompanionError) as raised:
            load_preset(name)
        assert found(str(raised.value), errors.errors())

    def test_a_doctor_line_that_is_printed_is_found(self) -> None:
        from companion.setup.weights import weights

        (finding,) = weights(Path("/nowhere"))
        rows = [row.split(" | ") for row in findings.findings().splitlines()]
        assert any(
            found(finding.said, row[2]) and finding.do in row[3]
            for row in rows
            if row[0] == f"| `{finding.grade}`" and row[1] == finding.about
        )

    def test_words_are_read_from_functions_and_calls(self) -> None:
        (said,) = said_in("companion/session/jam.py", "_gone")
        assert said == f"MIDI {GAP} {GAP} is gone"
        with pytest.raises(KeyError, match="no_such_function"):
            said_in("companion/session/jam.py", "no_such_function")
        assert list(calls("companion/session/trouble.py", "CompanionError")) == []


PICTURE = re.compile(r"!\[[^\]]{10,}\]\(([^)]+)\)")  # with words for those who do not see it


def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def found(message: str, page: str) -> bool:
    """Whether a message is one of a page's, with its gaps filled in."""
    lines = [re.sub(r"\\(.)", r"\1", line.removeprefix("- ")) for line in page.splitlines()]
    return any(
        re.fullmatch(re.escape(line).replace(GAP, ".*"), message, re.DOTALL)
        for line in lines
        if len(line.replace(GAP, "")) > 10
    )


def turned(words: list[str]) -> str:
    """The knob that an `oscsend` turns in the band."""
    store = load_preset("band").store()
    knobs = OscKnobs(store)
    convert = {"f": float, "i": int, "s": str}
    kinds = "".join(words[4:5])
    knobs.receive(words[3], *(convert[k](v) for k, v in zip(kinds, words[5:], strict=True)))
    assert (knobs.accepted, knobs.last_error) == (1, "")
    return store.drain()[0].name

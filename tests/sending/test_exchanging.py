"""Templates as files: written, read back byte for byte, refused with every fault and its line (proof S22)."""

import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from gateway.caller import Caller
from gateway.errors import Refusal
from sending import editorial, exchanging, template_archives, template_files
from sending.models import Template, TemplateVersion
from sending.template_archives import below, unzipped, zipped
from sending.template_files import Fault
from tests.factories import make_client
from tests.sending.factories import make_template

pytestmark = pytest.mark.django_db
EDITOR = Caller.house("szerkeszto")
HEAD = {"name": "LEVEL", "description": "", "clients": [], "versions": {}}


def _site() -> None:
    client, _ = make_client(name="számlázó")
    make_template("SZÁMLA/ÉRTESÍTŐ", subject="Első", text="Szöveg\r\nkét sor\n", status="RETIRED")
    second = make_template(
        "SZÁMLA/ÉRTESÍTŐ", subject="{{ recipientName }}", text="", html="<p>ű</p>",
        list_unsubscribe="mailto:a@example.org", letter="#sys.inputs.data.len()\n",
        sample={"recipientName": "Elek", "properties": {"b": "1", "a": [1.5, True, None]}},
    )  # fmt: skip
    editorial.create_version(
        caller=EDITOR, template_id=second.template_id, words={"subject": "S", "text": "T"}, at_least=7
    )
    Template.objects.filter(pk=second.template_id).update(description="Számláról\nértesít")
    second.template.clients.add(client)
    make_template("teszt", text="x")
    make_template("TESZT", text="y")


def _take(files: dict[str, bytes], **options: Any) -> list[str]:
    return [str(one) for one in exchanging.take_in(caller=EDITOR, files=files, **options)]


def _rows() -> list[tuple[Any, ...]]:
    words = ("subject", "text", "html", "list_unsubscribe", "letter", "sample")
    return list(TemplateVersion.objects.order_by("template__name", "version").values_list("version", "status", *words))


def _level(**parts: str | bytes) -> dict[str, bytes]:
    """One template LEVEL with one version of these files; ``head`` its head."""
    head = parts.pop("head", json.dumps(HEAD))
    named = {"LEVEL/template.json": head} | {
        f"LEVEL/v1/{name.replace('__', '.')}": text
        for name, text in ({"subject__txt": "Tárgy", "text__txt": "Szöveg"} | parts).items()
    }
    return {path: text if isinstance(text, bytes) else text.encode() for path, text in named.items() if text != "-"}


def _refused(files: dict[str, bytes], **options: Any) -> list[str]:
    before = (Template.objects.count(), _rows())
    with pytest.raises(Refusal) as refused:
        exchanging.take_in(caller=EDITOR, files=files, **options)
    assert (Template.objects.count(), _rows()) == before
    return [problem.detail for problem in refused.value.problems]


def test_a_site_written_out_is_read_back_byte_for_byte() -> None:
    _site()
    files = exchanging.export()
    rows = _rows()
    assert files["SZ%C3%81MLA%2F%C3%89RTES%C3%8DT%C5%90/v1/text.txt"] == "Szöveg\r\nkét sor\n".encode()
    assert json.loads(files["SZ%C3%81MLA%2F%C3%89RTES%C3%8DT%C5%90/template.json"]) == {
        "name": "SZÁMLA/ÉRTESÍTŐ",
        "description": "Számláról\nértesít",
        "clients": ["számlázó"],
        "versions": {"1": "RETIRED", "2": "ENABLED", "7": "DRAFT"},
    }
    # Names that a file system may take for one another are told apart.
    assert len({path.partition("/")[0].casefold() for path in files}) == 3
    Template.objects.all().delete()
    assert _take(files, enable=True) == [
        "SZÁMLA/ÉRTESÍTŐ v1: new, RETIRED",
        "SZÁMLA/ÉRTESÍTŐ v2: new, ENABLED",
        "SZÁMLA/ÉRTESÍTŐ v7: new, DRAFT",
        "TESZT v1: new, ENABLED",
        "teszt v1: new, ENABLED",
    ]
    assert _rows() == rows
    assert exchanging.export() == files
    assert {version.author for version in TemplateVersion.objects.all()} == {"szerkeszto"}


def test_a_layout_that_cannot_be_set_enables_nothing() -> None:
    files = _level(letter__typ="#nincs", head=json.dumps(HEAD | {"versions": {"1": "ENABLED"}}))
    (told,) = _refused(files, enable=True)
    assert told.startswith("LEVEL/v1: cannot be enabled: ")
    (taken,) = exchanging.take_in(caller=EDITOR, files=files)
    assert (taken.status, len(taken.doubts)) == ("DRAFT", 1)


def test_what_comes_in_is_a_draft_unless_it_is_to_be_enabled() -> None:
    _site()
    files = exchanging.export()
    Template.objects.all().delete()
    _take(files)
    assert {status for _, status, *_ in _rows()} == {"DRAFT"}
    assert _take(files, enable=True)[1] == "SZÁMLA/ÉRTESÍTŐ v2: here already, ENABLED"
    assert exchanging.export() == files


def test_what_is_here_already_stays_as_it_is() -> None:
    _site()
    rows, files = _rows(), exchanging.export()
    assert {line.partition(": ")[2] for line in _take(files, enable=True)} == {
        "here already, RETIRED", "here already, ENABLED", "here already, DRAFT",
    }  # fmt: skip
    crlf = {path: data.replace(b"\r\n", b"\n") for path, data in files.items()}
    _take(crlf)
    assert _rows() == rows


def test_other_words_under_a_number_that_is_taken_get_the_next_and_only_once() -> None:
    make_template("LEVEL", subject="Tárgy", text="Régi")
    files = _level()
    for said in ("LEVEL v1 → v2: new, DRAFT", "LEVEL v1 → v2: here already, DRAFT"):
        assert _take(files) == [said]
    assert [(version, status, text) for version, status, _, text, *_ in _rows()] == [
        (1, "ENABLED", "Régi"), (2, "DRAFT", "Szöveg"),
    ]  # fmt: skip


def test_two_versions_that_say_the_same_stay_two() -> None:
    make_template("LEVEL", text="x")
    make_template("LEVEL", text="y")
    make_template("LEVEL", text="x")
    files, rows = exchanging.export(), _rows()
    Template.objects.all().delete()
    _take(files, enable=True)
    assert _rows() == rows
    _take(files, enable=True)
    assert _rows() == rows


def test_a_dry_run_tells_and_does_nothing() -> None:
    assert _take(_level(), dry_run=True) == ["LEVEL v1: new, DRAFT"]
    assert not Template.objects.exists()


def test_who_may_use_a_template_here_is_not_told_by_files() -> None:
    client, _ = make_client(name="itteni")
    make_client(name="másik")
    version = make_template("LEVEL", text="x")
    version.template.clients.add(client)
    _take(_level(head=json.dumps(HEAD | {"clients": ["másik"], "description": "új"})))
    template = Template.objects.get()
    assert ([one.name for one in template.clients.all()], template.description) == (["itteni"], "új")


def test_a_new_template_kept_to_clients_that_are_not_here_is_not_opened_to_all() -> None:
    found = _refused(_level(head=json.dumps(HEAD | {"clients": ["nincs"]})))
    assert found == ["LEVEL/template.json: clients: there is no client nincs here"]


def test_new_drafts_come_with_what_an_editor_should_look_at() -> None:
    (taken,) = exchanging.take_in(caller=EDITOR, files=_level(text__txt="a\n{{ nincs }}"))
    assert taken.doubts == ("text: Line 2: nincs is not known", "the sample lacks nincs")


def test_every_fault_of_every_file_is_told_with_its_line() -> None:
    files = _level(
        head='{"name": "LEVEL",\n "nmae": "x"}',
        subject__txt="{{ ",
        text__txt="jó\n{% if %}",
        body__html=b"jo\n\xff",
        list_unsubscribe__txt="x" * 501,
        sample__json='{"a": 1,\n}',
    ) | {
        "LEVEL/v1/text.md": b"x",
        "LEVEL/v2/subject.txt": b"x",
        "LEVEL/v0/text.txt": b"x",
        "MASIK/template.json": b'{"name": "LEVEL", "versions": {"3": "DRAFT", "x": "y"}, '
        b'"description": 1, "clients": [1]}',
        "NEVTELEN/template.json": b"[]",
        "README.md": b"x",
    }  # fmt: skip
    assert sorted(_refused(files)) == sorted(
        [
            "LEVEL/template.json: nmae: unknown member; there are name, description, clients, versions",
            "LEVEL/v0/text.txt: is no file of a template: template.json or v1/subject.txt, v1/text.txt, v1/body.html, "
            "v1/list_unsubscribe.txt, v1/letter.typ, v1/sample.json",
            "LEVEL/v1/body.html:2: is not UTF-8",
            "LEVEL/v1/list_unsubscribe.txt: must be at most 500 characters",
            "LEVEL/v1/sample.json:2: the file is not JSON: Expecting property name enclosed in double quotes at "
            "line 2, column 1",
            "LEVEL/v1/subject.txt:1: unexpected 'end of template'",
            "LEVEL/v1/text.md: is no file of a template: template.json or v1/subject.txt, v1/text.txt, v1/body.html, "
            "v1/list_unsubscribe.txt, v1/letter.typ, v1/sample.json",
            "LEVEL/v1/text.txt:2: Expected an expression, got 'end of statement block'",
            "LEVEL/v2: text.txt: required, unless body.html is given",
            "MASIK/template.json: clients: must be a list of names",
            "MASIK/template.json: description: must be text",
            "MASIK/template.json: name: LEVEL/template.json has the same",
            "MASIK/template.json: versions: there is no folder v3",
            "MASIK/template.json: versions: there is no folder vx",
            "NEVTELEN/template.json: must be an object: names and values",
            "NEVTELEN/template.json: name: must be 1 to 100 printable characters",
            "README.md: is no file of a template: template.json or v1/subject.txt, v1/text.txt, v1/body.html, "
            "v1/list_unsubscribe.txt, v1/letter.typ, v1/sample.json",
        ]
    )


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        ({"subject__txt": "-"}, "LEVEL/v1: subject.txt: required"),
        ({"text__txt": "-"}, "LEVEL/v1: text.txt: required, unless body.html is given"),
        ({"text__txt": "a\nb\0"}, "LEVEL/v1/text.txt:2: must not contain NUL characters"),
        ({"text__txt": "\ufeffa"}, "LEVEL/v1/text.txt: begins with a byte order mark: save it as UTF-8 without one"),
        ({"text__txt": "{{ x.__class__ }}"},
         "LEVEL/v1/text.txt:1: __class__ cannot be reached: its name begins with _"),
        ({"sample__json": '{"a": "\\u0000"}'}, "LEVEL/v1/sample.json: a: must not contain NUL characters"),
        ({"sample__json": '{"a": 1, "a": 2}'}, "LEVEL/v1/sample.json: a: given twice in one object"),
        ({"sample__json": '{"a":' * 100_000}, "LEVEL/v1/sample.json: the file is nested more than 64 levels deep"),
        ({"head": json.dumps(HEAD | {"versions": {"1": "LIVE"}})},
         "LEVEL/template.json: versions: 1 must be one of DRAFT, ENABLED, RETIRED"),
        ({"head": json.dumps(HEAD | {"name": "x" * 101})},
         "LEVEL/template.json: name: must be 1 to 100 printable characters"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_taken_says_why(parts: dict[str, str], sentence: str) -> None:
    assert sentence in _refused(_level(**parts))


def test_nothing_in_nothing_out() -> None:
    assert _refused({}) == [".: holds no template: no folder with template.json"]


def test_faults_beyond_number_are_counted() -> None:
    found = _refused({f"x{number}.txt": b"" for number in range(1000)})
    assert (len(found), found[-1]) == (201, "and 800 more faults")


def _archive(*entries: tuple[str | zipfile.ZipInfo, bytes], compression: int = zipfile.ZIP_DEFLATED) -> io.BytesIO:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", compression) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return content


def _link() -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("LEVEL/v1/text.txt")
    info.external_attr = 0o120777 << 16
    return info


@pytest.mark.parametrize(
    ("archive", "fault"),
    [
        (_archive(("../x.txt", b"")), "../x.txt: is no path within the archive"),
        (_archive(("a/../../x.txt", b"")), "a/../../x.txt: is no path within the archive"),
        (_archive(("/etc/passwd", b"")), "/etc/passwd: is no path within the archive"),
        (_archive(("a\\x.txt", b"")), "a\\x.txt: is no path within the archive"),
        (_archive(("a\nb.txt", b"")), "a�b.txt: is no path within the archive"),
        (_archive((_link(), b"/etc/passwd")), "LEVEL/v1/text.txt: is no ordinary file"),
        (_archive(("a.txt", b"x"), compression=zipfile.ZIP_LZMA),
         "a.txt: is compressed in a way that is not read here: use deflate"),
        (io.BytesIO(b"PK\x05\x06"), "the archive: is no ZIP archive, or a damaged one"),
        (io.BytesIO(b""), "the archive: is no ZIP archive, or a damaged one"),
        (io.BytesIO(_archive(("a.txt", b"x" * 999)).getvalue().replace(b"x" * 3, b"yyy", 1)[:-30]),
         "the archive: is no ZIP archive, or a damaged one"),
    ],
)  # fmt: skip
def test_s22_s20_an_archive_keeps_within_itself(archive: io.BytesIO, fault: str) -> None:
    faults: list[Fault] = []
    assert unzipped(archive, faults) == {}
    assert [str(one) for one in faults] == [fault]


def test_s22_an_archive_that_swells_is_read_no_further_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    faults: list[Fault] = []
    bomb = _archive(("a.txt", b"\0" * 50_000_000), ("b.txt", b"b"))
    assert len(bomb.getvalue()) < 100_000
    assert unzipped(bomb, faults) == {"b.txt": b"b"}
    assert [str(one) for one in faults] == ["a.txt: is larger than 2,097,152 bytes"]
    monkeypatch.setattr(template_archives, "MOST_BYTES", 10)
    monkeypatch.setattr(template_archives, "MOST_FILES", 3)
    monkeypatch.setattr(template_archives, "LARGEST_ARCHIVE", 1000)
    for archive, sentence in (
        (_archive(("a", b"123456"), ("b", b"123456")), "b: there are more than 3 files or 10 bytes"),
        (_archive(*((name, b"") for name in "abcd")), "d: there are more than 3 files or 10 bytes"),
        (io.BytesIO(os.urandom(1001)), "the archive: is larger than 1,000 bytes"),
    ):
        faults.clear()
        unzipped(archive, faults)
        assert [str(one) for one in faults] == [sentence]


def test_an_archive_is_the_same_whenever_it_is_made() -> None:
    files = _level()
    assert zipped(files) == zipped(dict(reversed(files.items())))
    faults: list[Fault] = []
    assert (unzipped(io.BytesIO(zipped(files)), faults), faults) == (files, [])


def test_what_systems_and_archivers_add_is_passed_over(tmp_path: Path) -> None:
    names = ["LEVEL/.DS_Store", "__MACOSX/LEVEL/._template.json", "Thumbs.db", ".git/config"]
    faults: list[Fault] = []
    assert unzipped(_archive(*((name, b"x") for name in names)), faults) == {}
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    assert (below(tmp_path, faults), faults) == ({}, [])


def test_s20_links_out_of_a_folder_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / "v1").symlink_to(tmp_path)
    (folder / "text.txt").symlink_to(tmp_path / "secret.txt")
    os.mkfifo(folder / "pipe")
    faults: list[Fault] = []
    assert below(folder, faults) == {}
    assert [str(one) for one in faults] == [f"{name}: is no ordinary file" for name in ("pipe", "text.txt", "v1")]


@pytest.mark.parametrize("target", ["templates", "templates.zip"])
def test_commands_write_out_and_take_in(tmp_path: Path, capsys: pytest.CaptureFixture[str], target: str) -> None:
    _site()
    rows, files = _rows(), exchanging.export()
    place = tmp_path / target
    call_command("export_templates", str(place))
    assert capsys.readouterr().out == f"exported: {len(files)} files to {place}\n"
    assert [path.name for path in tmp_path.iterdir()] == [target]
    Template.objects.all().delete()
    call_command("import_templates", str(place), "--dry-run")
    assert capsys.readouterr().out.endswith("would be imported: 5 versions\n")
    assert not Template.objects.exists()
    call_command("import_templates", str(place), "--enable", "--json")
    assert [one["status"] for one in json.loads(capsys.readouterr().out)] == [
        "RETIRED", "ENABLED", "DRAFT", "ENABLED", "ENABLED",
    ]  # fmt: skip
    assert _rows() == rows
    with pytest.raises(CommandError, match="exist|not empty"):
        call_command("export_templates", str(place))


def test_commands_name_what_is_wrong_and_leave_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_template("LEVEL", text="x")
    place = tmp_path / "out"
    with pytest.raises(CommandError, match="template NINCS not found; template SEM not found"):
        call_command("export_templates", str(place), "--template", "LEVEL", "--template", "SEM", "--template", "NINCS")
    with pytest.raises(CommandError, match="No such file"):
        call_command("export_templates", str(tmp_path / "nowhere" / "out"))
    assert list(tmp_path.iterdir()) == []
    call_command("export_templates", str(place), "--template", "LEVEL", "--json")
    assert json.loads(capsys.readouterr().out) == {"done": "exported", "files": 3, "target": str(place)}
    (place / "LEVEL" / "v1" / "text.txt").write_text("{% if %}")
    (place / "LEVEL" / "v1" / "subject.txt").write_text("{{")
    rows = _rows()
    with pytest.raises(CommandError) as refused:
        call_command("import_templates", str(place))
    assert str(refused.value).splitlines() == [
        "LEVEL/v1/subject.txt:1: unexpected 'end of template'",
        "LEVEL/v1/text.txt:1: Expected an expression, got 'end of statement block'",
    ]
    with pytest.raises(CommandError, match="No such file"):
        call_command("import_templates", str(tmp_path / "nowhere"))
    assert _rows() == rows


class _Compared(str):
    """A path that counts how often one is compared with another."""

    count = 0
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        _Compared.count += self is not other
        return super().__eq__(other)


def test_s22_no_file_of_many_is_compared_with_all_others() -> None:
    faults: list[Fault] = []
    files = {_Compared(f"T{number}/template.json"): b"" for number in range(500)}
    assert template_files.read(files, faults) == []
    assert (len(faults), _Compared.count) == (500, 0)

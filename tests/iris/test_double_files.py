from __future__ import annotations

from typing import Any

import pytest

from tests.iris.double.hooks import ServerError, User
from tests.iris.double.instance import Instance
from tests.iris.double.status import OK, status_text

USER = User("perfwatch", "%SYS")


def call(instance: Instance, method: str, *arguments: Any) -> Any:
    """Call a class method of %Library.File."""
    return instance.class_method(USER, "%Library.File", method, list(arguments))


def test_files_and_directories_are_told_apart(instance: Instance) -> None:
    """Both exist; only one is a directory."""
    instance.files.write("/data/one.html", b"123")
    assert [call(instance, "Exists", path) for path in ("/data/one.html", "/data/", "/x")] == [
        1,
        1,
        0,
    ]
    assert call(instance, "DirectoryExists", "/data") == 1
    assert call(instance, "DirectoryExists", "/data/one.html") == 0
    assert call(instance, "NormalizeDirectory", "/data") == "/data/"
    assert call(instance, "ManagerDirectory") == "/usr/irissys/mgr/"


def test_size_and_date_of_a_file(instance: Instance) -> None:
    """The date is local unless UTC is asked for; a missing file has a negative size."""
    instance.files.write("/data/one.html", b"123")
    instance.advance(60)
    assert call(instance, "GetFileSize", "/data/one.html") == 3
    assert call(instance, "GetFileDateModified", "/data/one.html") == "67895,28830"
    assert call(instance, "GetFileDateModified", "/data/one.html", 1) == "67895,25230"
    assert call(instance, "GetFileSize", "/data/none") < 0
    assert call(instance, "GetFileDateModified", "/data/none") == ""


def test_deleting(instance: Instance) -> None:
    """It says whether it went well."""
    instance.files.write("/data/one.html", b"")
    instance.files.undeletable.add("/data/one.html")
    assert call(instance, "Delete", "/data/one.html") == 0
    instance.files.undeletable.clear()
    assert [call(instance, "Delete", "/data/one.html") for _ in range(2)] == [1, 0]


def test_a_stream_gives_a_file_in_pieces(instance: Instance) -> None:
    """Each byte is a character, whatever it is, and places are counted from 1."""
    content = bytes(range(256)) * 3
    instance.files.write("/data/bytes", content)
    stream = instance.class_method(USER, "%Stream.FileBinary", "%New", []).object
    assert instance.object_method(USER, stream, "LinkToFile", ["/data/bytes"]) == OK
    assert instance.property_get(USER, stream, "Size") == len(content)
    first = instance.object_method(USER, stream, "Read", [500])
    assert instance.property_get(USER, stream, "AtEnd") == 0
    instance.object_method(USER, stream, "MoveTo", [501])
    rest = instance.object_method(USER, stream, "Read", [])
    assert (first + rest).encode("latin-1") == content
    assert instance.property_get(USER, stream, "AtEnd") == 1
    for method, *arguments in (("Rewind",), ("LinkToFile", "/data/bytes")):
        instance.object_method(USER, stream, method, arguments)
        assert instance.object_method(USER, stream, "Read", [2]) == "\0\1"


def test_a_stream_of_nothing(instance: Instance) -> None:
    """A missing directory is an error, a missing file is empty; other members do not exist."""
    stream = instance.class_method(USER, "%Stream.FileBinary", "%New", []).object
    status = instance.object_method(USER, stream, "LinkToFile", ["/nowhere/x"])
    assert "ERROR #5019" in status_text(status)
    assert instance.class_method(USER, "%SYSTEM.Status", "GetErrorText", [status]).count("5019")
    assert instance.object_method(USER, stream, "LinkToFile", ["/usr/irissys/mgr/x"]) == OK
    assert instance.object_method(USER, stream, "Read", [10]) == ""
    with pytest.raises(ServerError, match="<METHOD DOES NOT EXIST>"):
        instance.object_method(USER, stream, "CopyFrom", [])
    with pytest.raises(ServerError, match="<PROPERTY DOES NOT EXIST>"):
        instance.property_get(USER, stream, "Length")

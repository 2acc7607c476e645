"""What engines compile is kept, in a folder that the user chooses, where they say nothing in the user's cache."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gradlaw.running.caches import FOLDERS, PLAIN, keep_compiled


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in (*FOLDERS, *PLAIN):
        monkeypatch.setenv(name, "")  # remembered, so that it is as before in the end
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def test_a_folder_in_the_users_cache_is_named(home: Path) -> None:
    keep_compiled()
    place = Path(os.environ["JAX_COMPILATION_CACHE_DIR"])
    assert place.is_relative_to(home / "gradlaw")
    keep_compiled()
    assert Path(os.environ["JAX_COMPILATION_CACHE_DIR"]) == place


def test_what_the_user_says_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", "elsewhere")
    keep_compiled()
    assert os.environ["JAX_COMPILATION_CACHE_DIR"] == "elsewhere"

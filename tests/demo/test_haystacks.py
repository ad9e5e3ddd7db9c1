"""Every file of the installation is searched, and no other."""

from pathlib import Path

from demo.day import haystacks
from demo.installation import Installation


def test_the_server_s_log_is_searched_wherever_it_lies(tmp_path: Path) -> None:
    root, elsewhere = tmp_path / "demo", tmp_path / "vault" / "postgres.log"
    ours = ("logs/worker.log", "root.key")
    theirs = ("ats-nordlys.sqlite", "logs/ats-nordlys.log", "postgres/postgres/base/1")
    for name in (*ours, *theirs, "postgres/postgres.log"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x")
    home = Installation(root, 8000)
    for log in (root / "postgres/postgres.log", elsewhere):
        assert set(haystacks.files(home, log)) == {log, *(root / name for name in ours)}

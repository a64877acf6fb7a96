"""Steps on a node: atomic, repeatable, and never about other records than the node's."""

import os
from pathlib import Path

import msgspec
import pytest

from fanout.errors import PlanError
from fanout.records import ALL_NODES, Classified, NodeSummary, Procured, rerun_list
from fanout.seal import sealed
from fanout.shared import SharedFiles
from tests.unit.worker.conftest import PLAN, RUN, Share
from worker.nodes import NodeFolder, process, procure, read_results


def folder_of(share: Share, index: int = 0, *, plan_hash: str = PLAN, reruns: str = ALL_NODES) -> NodeFolder:
    return NodeFolder.of_child(share.files, run=RUN, plan_hash=plan_hash, reruns=reruns, index=index)


def test_the_three_directories_hold_ids_data_and_results(share: Share) -> None:
    share.prepare(0)
    procure(folder_of(share))
    process(folder_of(share))
    tree = share.tree()
    assert sorted(tree) == [
        f"{RUN}/00000/data/records.json",
        f"{RUN}/00000/prep/node.json",
        f"{RUN}/00000/results/records.jsonl",
        f"{RUN}/00000/results/summary.json",
    ]
    lines = tree[f"{RUN}/00000/results/records.jsonl"].splitlines()
    assert [msgspec.json.decode(line, type=Classified).id for line in lines] == ["R0000000", "R0000001"]
    summary = msgspec.json.decode(tree[f"{RUN}/00000/results/summary.json"], type=NodeSummary)
    assert (summary.records, summary.statistics.readings) == (2, 48)


def test_a_step_that_is_repeated_changes_nothing(share: Share) -> None:
    share.prepare(0)
    for step in (procure, process):
        step(folder_of(share))
        before = {path: path.stat().st_ino for path in share.root.rglob("*")}
        assert step(folder_of(share)) == "stands"
        assert {path: path.stat().st_ino for path in share.root.rglob("*")} == before


@pytest.mark.parametrize("damage", [b"", b"{", b'{"schema":"stepbatch/procured/1"}'])
def test_data_that_an_attempt_left_damaged_is_fetched_again(share: Share, damage: bytes) -> None:
    share.prepare(0)
    procure(folder_of(share))
    whole = share.tree()
    (share.root / RUN / "00000" / "data" / "records.json").write_bytes(damage)
    procure(folder_of(share))
    assert share.tree() == whole


def test_data_of_another_plan_does_not_count_as_done(share: Share) -> None:
    node = share.prepare(0)
    data = share.root / RUN / "00000" / "data"
    data.mkdir()
    other = Procured(plan_hash="b" * 64, node=0, records=())
    (data / "records.json").write_bytes(sealed(other))
    procure(folder_of(share))
    found = msgspec.json.decode((data / "records.json").read_bytes(), type=Procured)
    assert (found.plan_hash, len(found.records)) == (PLAN, len(node.ids))


def test_data_of_other_records_is_not_processed(share: Share) -> None:
    share.prepare(0)
    procure(folder_of(share))
    data = share.root / RUN / "00000" / "data" / "records.json"
    whole = msgspec.json.decode(data.read_bytes(), type=Procured)
    data.write_bytes(sealed(msgspec.structs.replace(whole, records=whole.records[:1])))
    with pytest.raises(PlanError, match="does not hold the records of node 0"):
        process(folder_of(share))


def test_results_without_their_summary_do_not_count(share: Share) -> None:
    share.prepare(0)
    procure(folder_of(share))
    process(folder_of(share))
    (share.root / RUN / "00000" / "results" / "summary.json").unlink()
    with pytest.raises(PlanError, match=r"summary\.json is missing"):
        read_results(folder_of(share))
    assert process(folder_of(share)) == "processed 2 records"


def test_an_attempt_that_dies_between_lines_and_summary_leaves_nothing_that_counts(
    share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    share.prepare(0)
    procure(folder_of(share))
    write = SharedFiles.write
    written: list[str] = []

    def die_at_the_second(self: SharedFiles, name: str, content: bytes) -> None:
        if written:
            raise KeyboardInterrupt
        written.append(name)
        write(self, name, content)

    monkeypatch.setattr(SharedFiles, "write", die_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        process(folder_of(share))
    monkeypatch.undo()
    assert process(folder_of(share)) == "processed 2 records"


def test_lines_that_were_changed_since_are_not_delivered(share: Share) -> None:
    share.prepare(0)
    procure(folder_of(share))
    process(folder_of(share))
    lines = share.root / RUN / "00000" / "results" / "records.jsonl"
    lines.write_bytes(lines.read_bytes()[:-1])
    with pytest.raises(PlanError, match="is not what the step before wrote"):
        read_results(folder_of(share))


DOCUMENTS = ("prep/node.json", "data/records.json", "results/summary.json", "results/records.jsonl")


def change_a_digit(path: Path) -> None:
    """The last digit, so that the file stays as readable as it was."""
    text = path.read_text()
    place = max(index for index, letter in enumerate(text) if letter.isdigit())
    path.write_text(f"{text[:place]}{(int(text[place]) + 1) % 10}{text[place + 1 :]}")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_one_changed_digit_in_what_a_step_hands_on_stops_the_next_and_a_repeated_run_makes_it_anew(
    share: Share, name: str
) -> None:
    node = share.prepare(0)
    procure(folder_of(share))
    process(folder_of(share))
    whole = share.tree()
    home = share.root / RUN / "00000"
    change_a_digit(home / name)
    if name == "data/records.json":  # it is read where no results stand
        (home / "results" / "summary.json").unlink()
        with pytest.raises(PlanError, match="its seal does not fit; the same run started again makes it anew"):
            process(folder_of(share))
    else:
        with pytest.raises(PlanError, match="makes it anew"):
            read_results(folder_of(share))
    (home / "prep" / "node.json").write_bytes(sealed(node))  # as a repeated run prepares it
    procure(folder_of(share))
    process(folder_of(share))
    read_results(folder_of(share))
    assert share.tree() == whole


def test_a_step_whose_predecessor_wrote_nothing_says_so(share: Share) -> None:
    share.prepare(0)
    with pytest.raises(PlanError, match=r"data/records\.json is missing"):
        process(folder_of(share))


def test_a_node_of_another_plan_is_refused(share: Share) -> None:
    share.prepare(0, plan_hash="b" * 64)
    with pytest.raises(
        PlanError, match="is of node 0 of plan bbbbbbbbbbbb, this job was started for node 0 of plan aaaa"
    ):
        folder_of(share)


def test_a_node_that_was_never_prepared_is_refused(share: Share) -> None:
    with pytest.raises(PlanError, match=r"00007/prep/node\.json is missing"):
        folder_of(share, 7)


def test_a_repeated_runs_children_take_the_nodes_that_are_left(share: Share) -> None:
    for node in (3, 17):
        share.prepare(node)
    name, content = rerun_list([3, 17])
    share.files.folder(RUN).folder("reruns").write(name, content)
    assert [folder_of(share, index, reruns=name).node.node for index in (0, 1)] == [3, 17]
    with pytest.raises(PlanError, match="child 2 has no node: the rerun list has 2"):
        folder_of(share, 2, reruns=name)


def test_a_rerun_list_that_is_gone_is_named(share: Share) -> None:
    with pytest.raises(PlanError, match=r"reruns/none\.txt is missing"):
        folder_of(share, 0, reruns="none.txt")


def test_a_write_that_fails_leaves_the_old_content_and_no_debris(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = SharedFiles(str(tmp_path))
    files.write("a.json", b"old")

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OSError, match="No space left"):
        files.write("a.json", b"new")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a.json": b"old"}

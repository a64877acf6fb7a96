"""Laws of the records pipeline: whatever Batch answers and however records are divided."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fanout.errors import InputError, JobsUnknownError
from fanout.records import Readings, Statistics, node_of_child, rerun_list
from fanout.shared import safe_name
from watch_jobs import ENDED, UNDER_WAY, Memory, decide
from worker.readings import BEYOND, LOWEST, classify, fetch, statistics

JOBS = {"procure": "a", "process": "b", "deliver": "c"}
STATUSES = st.sampled_from([*sorted(ENDED), *sorted(UNDER_WAY), "SUSPENDED", "", "succeeded"])
REPLIES = st.one_of(
    st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), STATUSES),
    st.builds(RuntimeError, st.sampled_from(["throttled", "no connection"])),
)
READINGS = st.lists(st.integers(10, 19_999), min_size=1).map(tuple)
RECORDS = st.lists(st.builds(Readings, id=st.just("R"), values=READINGS))


@given(st.lists(st.tuples(REPLIES, st.floats(0, 400))))
def test_the_end_is_seen_exactly_when_every_job_is_seen_to_have_ended(looks: list[tuple[Any, float]]) -> None:
    memory, now = Memory(), 0.0
    for reply, pause in looks:
        now += pause
        over = not isinstance(reply, Exception) and all(reply.get(job) in ENDED for job in JOBS.values())
        try:
            memory = decide(JOBS, reply, memory, now=now)
        except JobsUnknownError:
            assert not over
            return
        assert (memory.status == "ENDED") == over
        assert memory.wait_seconds >= 1


@given(st.lists(st.integers(0, 9_999), min_size=1, max_size=200, unique=True))
def test_a_rerun_list_gives_each_child_its_node(nodes: list[int]) -> None:
    _, content = rerun_list(nodes)
    assert [node_of_child(content, child) for child in range(len(nodes))] == nodes


@given(RECORDS, st.integers(0, 20_000), st.data())
def test_statistics_of_a_whole_are_those_of_its_parts_added_up(
    records: list[Readings], above: int, data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(records)))
    parts = [statistics(records[:cut], above), statistics(records[cut:], above)]
    assert Statistics.add_up(parts) == statistics(records, above)
    assert statistics(records, above).open == sum(len(classify(record, above).open_hours) for record in records)


@given(st.text(min_size=1, max_size=20), st.integers(0, 2**63 - 1), st.integers(1, 48))
def test_readings_lie_where_they_are_documented_to_lie(record_id: str, seed: int, hours: int) -> None:
    values = fetch(record_id, seed=seed, hours=hours).values
    assert len(values) == hours
    assert all(LOWEST <= value < BEYOND for value in values)


@given(st.text())
def test_a_safe_name_is_one_component_below_where_it_is_put(name: str) -> None:
    try:
        safe_name(name)
    except InputError:
        return
    assert name not in {"", ".", ".."}
    assert not set(name) & {"/", "\\", "\0", "\n"}

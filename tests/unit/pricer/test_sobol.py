"""Sobol points: the published directions, their balance, and what scrambling may not change."""

import numpy as np
import pytest

from pricer.normals import BitArray
from pricer.sobol import MAX_DIMENSIONS, ScrambledSobol, direction_numbers


def streams(count: int) -> list[np.random.BitGenerator]:
    return [np.random.Philox(np.random.SeedSequence([7, number])) for number in range(count)]


def unscrambled(dimensions: int, log2_points: int) -> BitArray:
    columns = direction_numbers(dimensions)[:, None, :log2_points]
    points = ScrambledSobol(columns=columns, shifts=np.zeros((dimensions, 1), np.uint32))
    return points.block(0, log2_points)[:, 0]


def test_the_first_points_are_the_published_ones() -> None:
    # Joe and Kuo's notes on new-joe-kuo-6, by their index in natural (not Gray code) order
    first = unscrambled(3, 3) / 2.0**32
    assert first[0].tolist() == [0, 0.5, 0.25, 0.75, 0.125, 0.625, 0.375, 0.875]
    assert first[1].tolist() == [0, 0.5, 0.75, 0.25, 0.625, 0.125, 0.375, 0.875]
    assert first[2].tolist() == [0, 0.5, 0.75, 0.25, 0.375, 0.875, 0.625, 0.125]


def test_direction_numbers_of_high_dimensions_follow_their_recurrence() -> None:
    numbers = direction_numbers(MAX_DIMENSIONS)
    assert ((numbers >> np.arange(31, -1, -1, dtype=np.uint32)) & 1 == 1).all()  # v_j is odd: a unit triangle
    with pytest.raises(ValueError, match="4097 Sobol dimensions"):
        direction_numbers(MAX_DIMENSIONS + 1)


def test_every_scramble_has_one_point_in_every_elementary_interval() -> None:
    points = ScrambledSobol.of(200, 10, streams(3)).block(0, 10)
    cells = np.sort(points >> np.uint32(22), axis=2)
    assert (cells == np.arange(1024)).all()


def test_the_first_two_coordinates_are_a_zero_two_net_after_scrambling() -> None:
    points = ScrambledSobol.of(2, 10, streams(1)).block(0, 10)[:, 0]
    for bits in range(11):
        boxes = (points[0].astype(np.uint64) >> np.uint64(32 - bits) << np.uint64(10 - bits)) | (
            points[1].astype(np.uint64) >> np.uint64(22 + bits)
        )
        assert len(set(boxes.tolist())) == 1024


def test_blocks_are_the_whole_in_pieces() -> None:
    points = ScrambledSobol.of(5, 9, streams(2))
    pieces = [points.block(index, 6) for index in range(8)]
    assert (np.concatenate(pieces, axis=2) == points.block(0, 9)).all()


def test_more_points_keep_the_earlier_ones() -> None:
    few, many = (ScrambledSobol.of(5, size, streams(2)).block(0, 6) for size in (6, 9))
    assert (few == many).all()


def test_a_scramble_does_not_depend_on_its_neighbours() -> None:
    together = ScrambledSobol.of(5, 6, streams(3)).block(0, 6)
    alone = ScrambledSobol.of(5, 6, streams(3)[2:]).block(0, 6)
    assert (together[:, 2:] == alone).all()


def test_scrambled_points_are_uniform_each() -> None:
    first = ScrambledSobol.of(50, 3, streams(400)).block(0, 3) / 2.0**32
    assert first[:, :, 5].mean(axis=1) == pytest.approx(np.full(50, 0.5), abs=5 / np.sqrt(12 * 400))


def test_coordinates_beyond_the_published_ones_are_random_and_leave_the_others_alone() -> None:
    many = ScrambledSobol.of(MAX_DIMENSIONS + 60, 10, streams(2))
    beyond = many.block(0, 10)[MAX_DIMENSIONS:] / 2.0**32
    assert beyond.mean(axis=2) == pytest.approx(np.full((60, 2), 0.5), abs=5 / np.sqrt(12 * 1024))
    together = np.corrcoef(beyond[:, 0]) - np.eye(60)
    assert np.mean(np.square(together)) < 2 / 1024
    assert (many.block(3, 8) == many.block(0, 10)[:, :, 768:]).all()
    cells = np.sort(many.block(0, 10)[:MAX_DIMENSIONS:97] >> np.uint32(22), axis=2)
    assert (cells == np.arange(1024)).all()

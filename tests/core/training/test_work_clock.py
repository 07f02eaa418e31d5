"""Computing and waiting on a machine that is made up: its clocks are set by hand."""

from __future__ import annotations

import pytest

from core.training.work_clock import WorkClock


class Machine:
    """Runs iterations."""

    def __init__(self) -> None:
        self.wall_s = 100.0
        self.processor_s = 7.0

    def clock(self, *, threads: int = 2, on_processor: bool = True) -> WorkClock:
        return WorkClock(
            threads=threads, on_processor=on_processor, wall=lambda: self.wall_s, processor=lambda: self.processor_s
        )

    def iterate(
        self, clock: WorkClock, count: int, *, share: float = 1.0, work_s: float = 1.0, cores: float = 2.0
    ) -> None:
        """Iterations while others leave this share of the cores."""
        for _ in range(count):
            self.processor_s += work_s
            self.wall_s += work_s / cores / share
            clock.look()


@pytest.fixture
def machine() -> Machine:
    return Machine()


def test_an_idle_machine_computes_all_the_time(machine: Machine) -> None:
    clock = machine.clock()
    machine.iterate(clock, 100)
    assert clock.wall_s == pytest.approx(50)
    assert clock.computing_s == pytest.approx(50)
    assert clock.waiting_s == 0


def test_iterations_that_others_slow_down_are_waiting(machine: Machine) -> None:
    """By the clock alone a busy machine learned nothing."""
    clock = machine.clock()
    machine.iterate(clock, 60)
    machine.iterate(clock, 40, share=0.1)
    assert clock.wall_s == pytest.approx(30 + 200)
    assert clock.computing_s == pytest.approx(50, rel=0.15)
    assert clock.waiting_s == pytest.approx(180, rel=0.05)


def test_a_machine_that_was_never_idle_is_told_from_the_cores_that_two_threads_need(machine: Machine) -> None:
    clock = machine.clock()
    machine.iterate(clock, 24, share=0.1)
    assert clock.wall_s == pytest.approx(120)
    assert clock.computing_s == pytest.approx(24 / 1.5)


def test_one_thread_needs_one_core(machine: Machine) -> None:
    clock = machine.clock(threads=1)
    machine.iterate(clock, 20, cores=1.0)
    assert clock.waiting_s == 0


def test_a_sleeping_machine_waits(machine: Machine) -> None:
    clock = machine.clock()
    machine.iterate(clock, 20)
    machine.wall_s += 3600
    clock.look()
    assert clock.computing_s == pytest.approx(10)
    assert clock.waiting_s == pytest.approx(3600)


def test_on_a_graphics_card_only_the_clock_counts(machine: Machine) -> None:
    clock = machine.clock(on_processor=False)
    machine.iterate(clock, 20, share=0.1)
    assert clock.waiting_s == 0
    assert clock.budget_s == clock.wall_s


def test_a_budget_ends_by_the_clock_in_the_end(machine: Machine) -> None:
    clock = machine.clock()
    machine.iterate(clock, 10)
    assert clock.budget_s == pytest.approx(clock.computing_s)
    machine.wall_s += 1e5
    clock.look()
    assert clock.budget_s == pytest.approx(clock.wall_s / 3)


def test_a_resumed_training_counts_on(machine: Machine) -> None:
    clock = machine.clock()
    clock.start(wall_s=300.0, computing_s=100.0)
    machine.iterate(clock, 20)
    assert (clock.wall_s, clock.computing_s, clock.waiting_s) == pytest.approx((310, 110, 200))


def test_ticks_that_are_too_short_to_measure_are_put_together(machine: Machine) -> None:
    """Processor time comes in steps on some systems: most iterations seemed to have used none."""
    clock = machine.clock()
    for step in range(4000):
        machine.wall_s += 0.001
        machine.processor_s = 7.0 + 0.016 * (step * 0.002 // 0.016)
        clock.look()
    assert clock.computing_s == pytest.approx(4.0, rel=0.1)

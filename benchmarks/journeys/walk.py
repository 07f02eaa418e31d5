"""A journey step by step: what each took, and that a reload and a second tab change nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, Page

from benchmarks.journeys.person import Person, Tally
from core.jobs.rows import active_jobs
from core.settings import Settings
from core.store import Store
from core.store.round_records import RoundState

_LOOK_MS: Final = 500
"""How often the queue is looked at."""

VIEWPORT: Final = {"width": 1440, "height": 1000}


class DisturbedError(Exception):
    """A reload or a second tab lost something or did something twice."""


@dataclass(slots=True)
class Step:
    """A step of a journey and what it took."""

    journey: str
    name: str
    tally: Tally


@dataclass(slots=True)
class Walk:
    """All journeys of a run.

    Parameters
    ----------
    browser, url
        Where they are walked.
    images
        The micrographs.
    folder
        For files that are taken away.
    settings
        Of the server, where it was started for this: then what is stored is looked at, too.
    disturb
        Whether the page is loaded again and opened in a second tab after each step.
    pictures
        Folder for a picture after each step; None: no pictures.
    """

    browser: Browser
    url: str
    images: Sequence[Path]
    folder: Path
    settings: Settings | None = None
    disturb: bool = False
    pictures: Path | None = None
    steps: list[Step] = field(default_factory=list)
    people: dict[str, Person] = field(default_factory=dict)

    def person(self, name: str = "Ada") -> Person:
        """Somebody's own browser, the same at each call."""
        if name not in self.people:
            context = self.browser.new_context(viewport=VIEWPORT, accept_downloads=True)  # type: ignore[arg-type]
            self.people[name] = Person(context, self.url, name)
        return self.people[name]

    def close(self) -> None:
        """Close everybody's tabs before the server stops, so that none of them asks it once more."""
        for person in self.people.values():
            person.context.close()
        self.people.clear()

    @contextmanager
    def step(
        self, journey: str, name: str, *shows: str, who: str = "Ada", again: bool = True, elsewhere: str = ""
    ) -> Iterator[Person]:
        """Count what is done inside.

        Parameters
        ----------
        journey, name
            As in the table.
        shows
            Patterns of texts that the page shows afterwards, also when it is loaded again.
        who
            The person.
        again
            Whether the page may be disturbed afterwards.
        elsewhere
            What a second tab shows; "": the same.
        """
        person = self.person(who)
        person.tally = Tally()
        yield person
        for pattern in shows:
            person.see(re.compile(pattern))
        step = Step(journey, name, person.tally)
        self.steps.append(step)
        print(f"{journey}: {name}: {step.tally}", flush=True)
        if self.pictures is not None:
            self.pictures.mkdir(parents=True, exist_ok=True)
            number = len(self.steps)
            person.page.screenshot(path=self.pictures / f"{number:02}-{re.sub(r'[^a-z0-9]+', '-', name.lower())}.png")
        if self.disturb and again:
            self._disturbed(person, name, shows, [elsewhere] if elsewhere else shows)
        person.tally = Tally()

    def _disturbed(self, person: Person, name: str, shows: Sequence[str], elsewhere: Sequence[str]) -> None:
        """Load the page again, open it in a second tab, and compare what is stored."""
        self._until_idle(person)  # what was begun ends anyway: a promoted model segments the pool
        before = self._stored()
        person.page.reload()
        person.settled()
        _shown(person, person.page, shows, f"{name}, after a reload")
        other = person.second_tab()
        _shown(person, other, elsewhere, f"{name}, in a second tab")
        other.close()
        after = self._stored()
        if after != before:
            raise DisturbedError(f"{name}: {before} became {after} by a reload and a second tab.")

    def _until_idle(self, person: Person) -> None:
        """Wait until the engine has nothing to do; between two steps of a round it has no job, and goes on."""
        if self.settings is None:
            return
        store = Store(self.settings)
        try:
            while active_jobs(store=store) or _running_rounds(store):
                person.page.wait_for_timeout(_LOOK_MS)
        finally:
            store.close()

    def _stored(self) -> dict[str, Any]:
        """How much there is of everything that a person made."""
        if self.settings is None:
            return {}
        store = Store(self.settings)
        try:
            images = store.images.all()
            return {
                "projects": len(store.projects.all()),
                "images": len(images),
                "label maps": sum(len(store.revisions.of_image(image.id)) for image in images),
                "drafts": sum(len(store.drafts.of_image(image.id)) for image in images),
                "evaluations": sum(len(store.evaluations.of_project(project.id)) for project in store.projects.all()),
                "rounds": sum(len(store.rounds.of_project(project.id)) for project in store.projects.all()),
            }
        finally:
            store.close()


def _running_rounds(store: Store) -> int:
    rounds = [record for project in store.projects.all() for record in store.rounds.of_project(project.id)]
    return sum(record.state is RoundState.RUNNING for record in rounds)


def _shown(person: Person, page: Page, shows: Sequence[str], where: str) -> None:
    kept, person.page = person.page, page
    try:
        for pattern in shows:
            person.see(re.compile(pattern), timeout_ms=30_000)
    except AssertionError as error:
        raise DisturbedError(f"{where}: {pattern!r} is not there.") from error
    finally:
        person.page = kept

"""What the doctor says of label maps in other classes than their project, and of work that began on them."""

from __future__ import annotations

from core.annotation.label_repair import ForeignMap, MisreadWork, aside, foreign_maps, misread_work, repair
from core.doctor.doctor import Finding, Level
from core.program import COMMAND
from core.rounds.new_work import rounds_that_learned
from core.store.store import Store


def repair_findings(store: Store) -> tuple[Finding, ...]:
    """Repair every label map that can be; what was done, and what is left to do."""
    foreign = [
        foreign_map
        for foreign_map in foreign_maps(store)
        if not foreign_map.repaired and foreign_map.translation is not None
    ]
    for each in foreign:
        repair(store, each)
    count = f"{len(foreign):,} label map{'' if len(foreign) == 1 else 's'}"
    kept = f"; the original files are in {aside(store)}" if foreign else ""
    done = Finding(Level.OK, "repair", f"{count} rewritten with the classes of the project{kept}")
    return (done, *foreign_findings(store))


def foreign_findings(store: Store) -> list[Finding]:
    """What is to be said of label maps that are or were in other classes than their project."""
    findings = []
    for foreign in foreign_maps(store):
        what = f"label map {foreign.revision.id}"
        where = f"{foreign.image_name} in {foreign.project_name}"
        if foreign.translation is None:
            findings.append(
                Finding(
                    Level.PROBLEM, what, f"{where}: its model and the project have no classes in common",
                    "Open the image on the Segment page with this model and match the classes there, or use "
                    "another model.",
                )
            )  # fmt: skip
        elif not foreign.repaired:
            findings.append(
                Finding(
                    Level.NOTE,
                    what,
                    (
                        f"{where}: written with other classes by an earlier version; classes are matched by name when "
                        "it is read"
                    ),
                    (
                        f"Stop Cristae and run `{COMMAND} doctor --repair`. The label map is rewritten; the old one is "
                        "kept."
                    ),
                )
            )
        findings += [_misread(store, foreign, work) for work in misread_work(store, foreign)]
    return findings


def _misread(store: Store, foreign: ForeignMap, work: MisreadWork) -> Finding:
    """Work that took misread labels over."""
    detail = (
        f"{work.image_name} in {work.project_name}, by {work.author or 'unknown'}: {work.pixels:,} pixels come "
        "from a label map with misread classes"
    )
    if work.what == "draft":
        return Finding(
            Level.PROBLEM, f"draft {work.id}", detail, ("Discard the draft on the Correct page and start again.")
        )
    project_id = store.images.get(foreign.revision.image_id).project_id
    rounds = [str(round_.number) for round_ in rounds_that_learned(store, project_id, work.id)]
    learned = f"; used for training in round {', '.join(rounds)}" if rounds else ""
    return Finding(
        Level.PROBLEM,
        f"correction {work.id}",
        detail + learned,
        "Check it on the Review page: undo the approval or reject it, and correct the image again"
        + ("; train again without it." if rounds else "."),
    )

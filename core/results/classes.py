"""Classes of a prediction and of a project: the same by their names, whatever their ids."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.label_scheme import LabelScheme


@dataclass(frozen=True, slots=True)
class ClassMatch:
    """How the classes of a prediction become those of a project; make it with `match_classes`.

    Parameters
    ----------
    ids
        Id in the prediction to id in the project, 0 where the project has no such class.
    unknown
        Classes of the prediction that the project does not have: their pixels count as background.
    missing
        Classes of the project that the prediction does not know: never found.
    """

    ids: dict[int, int]
    unknown: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def any_in_common(self) -> bool:
        """Whether there is anything to compare."""
        return any(self.ids.values())

    def translated(self, labels_yx: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A prediction in the ids of the project; the array itself where nothing changes.

        Parameters
        ----------
        labels_yx
            uint8, ids of the prediction. Ids of no class stay, and are refused when they are scored.

        Returns
        -------
        ndarray
            uint8, same shape.
        """
        if all(one == other for one, other in self.ids.items()):
            return labels_yx
        table = np.arange(256, dtype=np.uint8)
        for one, other in self.ids.items():
            table[one] = other
        result: NDArray[np.uint8] = table[labels_yx]
        return result


def match_classes(prediction: LabelScheme, project: LabelScheme) -> ClassMatch:
    """Classes of the same name (upper and lower case alike) are the same.

    Examples
    --------
    >>> from core.label_scheme import LabelClass
    >>> one, other = (LabelClass(i, n, "#ff0000", "#ff0000") for i, n in ((1, "Nucleus"), (2, "golgi")))
    >>> match = match_classes(LabelScheme((one, other)), LabelScheme((LabelClass(2, "nucleus", "#ff0000", "#ff0000"),)))
    >>> match.ids, match.unknown, match.missing
    ({1: 2, 2: 0}, ('golgi',), ())
    """
    known = {item.name.strip().casefold(): item.id for item in project.classes}
    ids = {item.id: known.get(item.name.strip().casefold(), 0) for item in prediction.classes}
    unknown = tuple(item.name for item in prediction.classes if not ids[item.id])
    missing = tuple(item.name for item in project.classes if item.id not in ids.values())
    return ClassMatch(ids, unknown, missing)

"""What every class of job parameters has: plain values in and out, and the things that a job is about."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from core.jobs.plain_values import PlainValues


@dataclass(frozen=True, slots=True, kw_only=True)
class Subjects:
    """The things that a job is about: who may see it, what it is called and what must stay for it follow from these.

    Parameters
    ----------
    project_id
        The project that it works in; None: that of its image, or none.
    image_id
        The one image that it is about.
    model_id
        The one model that it uses or makes.
    target_id
        Another project that it brings something to.
    name
        What people call it, where that is none of the things above.
    image_ids, revision_ids
        Everything of the project that it names, ``image_id`` included or not.
    model_ids
        Further models that must stay while it waits or runs.
    upload_id, import_batch_id
        Files that came for it.
    path
        The one file or folder of the server that it reads.
    paths
        The files of the server that it reads, where they are many.
    """

    project_id: str | None = None
    image_id: str | None = None
    model_id: str | None = None
    target_id: str | None = None
    name: str = ""
    image_ids: tuple[str, ...] = ()
    revision_ids: tuple[str, ...] = ()
    model_ids: tuple[str, ...] = ()
    upload_id: str | None = None
    import_batch_id: str | None = None
    path: str = ""
    paths: tuple[str, ...] = ()

    @property
    def models(self) -> frozenset[str]:
        """Every model that it uses, makes or starts from."""
        return frozenset(model_id for model_id in (self.model_id, *self.model_ids) if model_id)

    @property
    def files(self) -> tuple[str, ...]:
        """Everything of the server that it reads."""
        return tuple(path for path in (self.path, *self.paths) if path)

    @property
    def title(self) -> str:
        """What it is called by itself; "" where its image, project or model says it better."""
        return self.name or self.path

    @property
    def content(self) -> frozenset[str]:
        """Every image and label map that it names."""
        return frozenset(image_id for image_id in (self.image_id, *self.image_ids, *self.revision_ids) if image_id)


@dataclass(frozen=True, kw_only=True)
class JobParams(PlainValues, ABC):
    """What a job is asked to do. Each kind has a class of its own, beside its row in `core.jobs.kinds`.

    Fields are plain JSON values, enums of strings, or tuples and mappings of such.

    Parameters
    ----------
    fenced
        Whether its paths came from a browser: whoever reads them asks again.
    """

    kind: ClassVar[str]

    fenced: bool = False

    @property
    @abstractmethod
    def subjects(self) -> Subjects:
        """The things that it is about."""

    def to_json(self) -> dict[str, Any]:
        """Plain values for the row; what is empty, as it is by itself, is left out."""
        values = {field.name: (getattr(self, field.name), field.default) for field in fields(self)}
        kept = {name for name, (value, default) in values.items() if value or value != default}
        return {name: value for name, value in super().to_json().items() if name in kept}

    @classmethod
    def _named(cls) -> str:
        return f"Jobs of the kind {cls.kind!r}"

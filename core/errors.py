"""The errors that Cristae raises on purpose, in one tree.

Each says what happened with the actual values (``cause``) and what the user can do about it (``remedy``)::

    CristaeError
    ├── SettingsError          an environment variable or the settings file
    ├── ImageError             a micrograph that cannot be read or used
    ├── LabelMapError          a label map, mask or label scheme
    │   ├── UnclearMaskError   light or dark, either part of the mask may be the object
    │   ├── UnclearObjectsError  nobody says which class the objects are
    │   └── UnknownColorsError colours that no class has
    ├── DatasetError           a dataset folder as a whole
    ├── ModelError             a model in the store, or one being imported
    ├── TrainingError          a training run that cannot start or go on
    │   └── TrainingLostError  its process is gone without a word; going on may work
    ├── PredictionError        a prediction that cannot start or go on
    ├── StoreError             the database and the files behind it
    │   ├── NotFoundError      no such project, image, revision, model, job
    │   ├── StorageFullError   no space left, or the data folder is read-only
    │   ├── StoreBusyError     another process has the database; the same again may work
    │   └── DataFolderGoneError  the data folder or the database file is not there any more
    ├── AnnotationError        a draft, or what was painted on it
    │   ├── PostTooLargeError  more at once than is taken
    │   ├── DraftHeldError     somebody else has it open
    │   └── DraftClosedError   it was submitted or discarded
    ├── AccessError            somebody may not do this
    │   └── RoleError          a role in a project does not allow it
    ├── ReviewError            a decision, comment or mark that cannot be kept
    │   └── DecidedError       somebody else has decided, withdrawn or replaced it meanwhile
    ├── RoundError             a round that cannot start, go on or be decided
    │   └── RoundChangedError  somebody else has changed it meanwhile
    ├── CatalogueError         a catalogue of models, or one entry of it, that cannot be used
    ├── FetchError             a file at an address elsewhere that cannot be fetched
    │   └── FetchDelayedError  not at this moment; the same again may work
    └── JobError               a job that cannot be queued, run or cancelled
        ├── JobCancelledError  somebody asked for the job to stop
        └── JobPausedError     somebody asked for the job to stop and to go on later
"""

from __future__ import annotations

from dataclasses import dataclass


class CristaeError(Exception):
    """Base of every error that Cristae raises on purpose.

    Parameters
    ----------
    cause
        What happened, with the actual values: "image is 1024 x 1024 px but its mask is 1024 x 1023 px".
    remedy
        What to do about it: "Export both at the same size."
    """

    def __init__(self, cause: str, remedy: str = "") -> None:
        super().__init__(cause, remedy)
        self.cause = cause
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.cause} {self.remedy}".strip()


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something cannot be used or begun, told before anybody tries.

    Parameters
    ----------
    cause, remedy
        As in `CristaeError`.
    where
        Name of the file or image that it is about, where it is about one of many.
    """

    cause: str
    remedy: str
    where: str = ""

    def __str__(self) -> str:
        return f"{self.cause} {self.remedy}".strip()

    @classmethod
    def of(cls, error: CristaeError, about: str = "") -> Refusal:
        """What an error says; with what it is about before it."""
        return cls(f"{about}: {error.cause}" if about else error.cause, error.remedy)

    @classmethod
    def at(cls, where: str, error: CristaeError) -> Refusal:
        """What an error says of one of many files or images."""
        return cls(error.cause, error.remedy, where)


class SettingsError(CristaeError):
    """An environment variable or the settings file holds something unusable."""


class ImageError(CristaeError):
    """A micrograph that cannot be read or used."""


class LabelMapError(CristaeError):
    """A label map, mask or label scheme that cannot be read or used."""


class UnclearMaskError(LabelMapError):
    """A mask whose light part or dark part may be the object; a person has to say which."""


class UnclearObjectsError(LabelMapError):
    """Ids of objects of which nobody says the class."""


class UnknownColorsError(LabelMapError):
    """A picture with colours that no class has; a person has to say what they are."""


class DatasetError(CristaeError):
    """A dataset folder that does not hold what its description says."""


class ModelError(CristaeError):
    """A model in the store, or one being imported, that cannot be used."""


class TrainingError(CristaeError):
    """A training run that cannot start or go on."""


class TrainingLostError(TrainingError):
    """The training process is gone without a word: killed, or out of memory. What it finished is kept."""


class PredictionError(CristaeError):
    """A prediction that cannot start or go on."""


class AnnotationError(CristaeError):
    """A draft, or what was painted on it, that cannot be used."""


class PostTooLargeError(AnnotationError):
    """A browser sent more at once than is taken."""


class DraftHeldError(AnnotationError):
    """Somebody else has the draft open.

    Parameters
    ----------
    holder
        Who: id, name, seen_at (ISO 8601), as plain values.
    """

    def __init__(self, cause: str, remedy: str, holder: dict[str, str]) -> None:
        super().__init__(cause, remedy)
        self.holder = holder


class DraftClosedError(AnnotationError):
    """The draft was submitted or discarded: it does not change any more."""


class AccessError(CristaeError):
    """Somebody's role does not allow this, or nobody knows who they are."""


class RoleError(AccessError):
    """A person's role in a project does not allow what they asked for; it is told in the project's audit log.

    Parameters
    ----------
    person
        As they call themselves; "" where nobody said.
    permission
        What they lack, as `core.access.roles.Permission` writes it.
    project_id
        Where.
    """

    def __init__(self, cause: str, remedy: str, *, person: str, permission: str, project_id: str) -> None:
        super().__init__(cause, remedy)
        self.person = person
        self.permission = permission
        self.project_id = project_id


class ReviewError(CristaeError):
    """A decision, comment, mark or assignment that cannot be kept."""


class DecidedError(ReviewError):
    """The review is over: it was decided, withdrawn or replaced meanwhile."""


class RoundError(CristaeError):
    """A round of training that cannot start, go on or be decided."""


class RoundChangedError(RoundError):
    """Somebody else has changed the round meanwhile."""


class StoreError(CristaeError):
    """The database, or the files behind it."""


class NotFoundError(StoreError):
    """No project, image, revision, model or job has this id."""


class StorageFullError(StoreError):
    """No space left on the device, or the data folder cannot be written."""


class StoreBusyError(StoreError):
    """Another process has the database locked for too long; nothing was kept, and the same again may work."""


class DataFolderGoneError(StoreError):
    """The data folder or the database file has gone, or is another one; nothing was kept."""


class CatalogueError(CristaeError):
    """A catalogue of models, or one entry of it, that cannot be used."""


class FetchError(CristaeError):
    """A file at an address elsewhere that cannot be fetched."""


class FetchDelayedError(FetchError):
    """It cannot be fetched at this moment; the same again may work.

    ``wait_s`` is set where the server has said how long to wait, in seconds.
    """

    wait_s: float | None = None


class JobError(CristaeError):
    """A job that cannot be queued, run or cancelled."""


class JobCancelledError(JobError):
    """Somebody asked for the job to stop."""


class JobPausedError(JobError):
    """Somebody asked for the job to stop and to go on later."""

"""``model``: the model store."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from core.cli.console import done, notice, stdout
from core.cli.pixel_size import pixel_size_option
from core.errors import ModelError
from core.exchange.model_format import ModelFormat
from core.models.store import TRASH_DAYS, ModelStore, StoredModel, open_model
from core.settings import current_settings
from core.training.verdict import undertrained_warning, verdict_of
from core.wording import counted

app = typer.Typer(help="Import, list, show, rename, archive, export and delete models.", no_args_is_help=True)


def find_model(model: str, *, project_id: str | None = None) -> StoredModel:
    """A model by its id, by its folder, or the current one of a project; without a project, the default one.

    Raises
    ------
    ModelError
        No such model, or the store is empty.
    """
    store = ModelStore(current_settings().models_dir)
    if not model:
        proposed = store.default() if project_id is None else _current(store, project_id)
        if proposed is None:
            raise ModelError(
                f"There is no model in {store.models_dir}.", "Train one, or import one with `model import FILE`."
            )
        return proposed
    folder = Path(model)
    return open_model(folder) if (folder / "card.json").is_file() else store.get(model)


def model_warning(model: StoredModel) -> str:
    """What its makers warn of, and that it is undertrained; "" where nothing is to be said."""
    return " ".join(text for text in (model.card.warning, undertrained_warning(model.card)) if text)


def warn_of(model: StoredModel) -> None:
    """Print that, before the model is used."""
    for text in (model.card.warning, undertrained_warning(model.card)):
        if text:
            notice(text)


def _current(models: ModelStore, project_id: str) -> StoredModel | None:
    """As pages propose it; the database is opened only where a project is known."""
    from core.learning.current_model import proposed_model
    from core.store.store import current_store

    return proposed_model(current_store(), models, project_id)


@app.command("import")
def import_model(
    file: Annotated[Path, typer.Argument(help="nnU-Net results folder or exported zip, bundle (.zip), model folder.")],
    name: Annotated[str, typer.Option(help="Display name; default: from the file.")] = "",
    pixel_size: Annotated[
        float | None,
        pixel_size_option("Training pixel size, overriding the file (nnU-Net models do not record it)."),
    ] = None,
    default: Annotated[bool, typer.Option("--default", help="Make it the default model.")] = False,
) -> None:
    """Import a model into the store. Weights are read without executing code from the file.

    Example: `python -m core model import Dataset001_Liver.zip --pixel-size 8 --name "Liver 2D"`
    """
    from core.exchange.importing import import_model as import_any

    store = ModelStore(current_settings().models_dir)
    stored = import_any(file, store, pixel_size_nm=pixel_size, name=name or None)
    if default:
        store.set_default(stored.id)
    if stored.pixel_size_nm is None:
        notice("The pixel size of this model is unknown: images are not rescaled. Specify it with --pixel-size.")
    done(f"Imported as {stored.id} ({len(stored.folds)} fold(s), {stored.size_bytes / 1e6:.1f} MB)")


@app.command("get")
def get_model(
    name: Annotated[str, typer.Argument(help="Id in the catalogue; without one, the catalogue is listed.")] = "",
    list_only: Annotated[bool, typer.Option("--list", help="List the catalogue.")] = False,
    folder: Annotated[
        Path | None, typer.Option("--from", help="Folder with the model's files, where there is no network.")
    ] = None,
    accept: Annotated[bool, typer.Option("--accept-licence", help="Accept the licence without being asked.")] = False,
) -> None:
    """Fetch a ready model of the catalogue. Size and licence are shown and accepted first; nothing is fetched before.

    Example: `python -m core model get must-em-human-liver`
    """
    from core.cli.model_catalogue import fetch_entry, list_catalogue

    if list_only or not name:
        list_catalogue()
    else:
        fetch_entry(name, folder=folder, accept=accept)


@app.command("list")
def list_models() -> None:
    """List the models in the store."""
    store = ModelStore(current_settings().models_dir)
    models, broken = store.scan()
    default = store.default()
    table = Table(title=f"Models in {store.models_dir}")
    for column in ("id", "name", "classes", "nm/px", "preset", "created", "minutes", "iterations", "MB"):
        table.add_column(column, overflow="fold")
    for model in models:
        mark = " (default)" if default and model.id == default.id else " (archived)" if model.archived else ""
        size = "–" if model.pixel_size_nm is None else f"{model.pixel_size_nm:g}"
        classes = ", ".join(item.name for item in model.scheme.classes)
        megabytes = f"{model.size_bytes / 1e6:.1f}"
        table.add_row(
            model.id + mark, model.card.name, classes, size, model.card.preset, model.card.created, *_length(model),
            megabytes,
        )  # fmt: skip
    stdout.print(table)
    for item in broken:
        notice(f"{item.id} cannot be used: {item.reason}")


def _length(model: StoredModel) -> tuple[str, str]:
    """Minutes and iterations of its training."""
    training = model.card.training
    mark = " (undertrained)" if verdict_of(model.card).undertrained else ""
    minutes = f"{training.minutes:.0f}" if training.minutes else "–"
    return minutes, (f"{training.iterations:,}" if training.iterations else "–") + mark


@app.command()
def show(model: Annotated[str, typer.Argument(help="Id in the store, or a model folder.")]) -> None:
    """Print a model's card as JSON."""
    import json

    typer.echo(json.dumps(find_model(model).card.to_json(), indent=2, ensure_ascii=False))


@app.command()
def export(
    model: Annotated[str, typer.Argument(help="Id in the store, or a model folder.")],
    out: Annotated[Path, typer.Option(help="Zip file to write.")],
    format: Annotated[
        ModelFormat, typer.Option(help="nnunet: for nnUNetv2_predict_from_modelfolder; bundle: for another Cristae.")
    ] = ModelFormat.BUNDLE,
) -> None:
    """Write a model to a file.

    Example: `python -m core model export starter --format nnunet --out starter.zip`
    """
    from core.exchange.bundle import export_bundle
    from core.exchange.nnunet_export import export_nnunet

    stored = find_model(model)
    (export_nnunet if format is ModelFormat.NNUNET else export_bundle)(stored, out)
    done(f"{stored.id} written to {out}")


@app.command("default")
def set_default(model: Annotated[str, typer.Argument(help="Id in the store.")]) -> None:
    """Make a model the default."""
    ModelStore(current_settings().models_dir).set_default(model)
    done(f"{model} is now the default")


@app.command()
def delete(
    model: Annotated[str, typer.Argument(help="Id in the store.")],
    yes: Annotated[bool, typer.Option("--yes", help="Delete without confirmation.")] = False,
) -> None:
    """Permanently delete a model; `model trash` can be undone."""
    if not yes:
        typer.confirm(f"Permanently delete the model {model}?", abort=True)
    ModelStore(current_settings().models_dir).delete(model)
    done(f"{model} deleted")


@app.command()
def rename(
    model: Annotated[str, typer.Argument(help="Id in the store.")],
    name: Annotated[str, typer.Argument(help="New display name; the id does not change.")],
) -> None:
    """Rename a model."""
    stored = ModelStore(current_settings().models_dir).rename(model, name)
    done(f"{stored.id} is now named {stored.card.name}")


@app.command()
def archive(
    model: Annotated[str, typer.Argument(help="Id in the store.")],
    undo: Annotated[bool, typer.Option("--undo", help="Unarchive the model.")] = False,
) -> None:
    """Archive a model: it remains usable, but is not listed."""
    stored = ModelStore(current_settings().models_dir).archive(model, not undo)
    done(f"{stored.id} is {'unarchived' if undo else 'archived'}")


@app.command()
def trash(model: Annotated[str, typer.Argument(help="Id in the store.")]) -> None:
    """Move a model to the trash, unless a job uses it."""
    from core.curation.model_use import trash_model
    from core.store.store import current_store

    settings = current_settings()
    trash_model(current_store(), ModelStore(settings.models_dir), model)
    done(f"{model} is in the trash for {TRASH_DAYS} days: `model restore {model}` restores it")


@app.command()
def restore(
    model: Annotated[str, typer.Argument(help="Id of the deleted model; without an id, the trash is listed.")] = "",
) -> None:
    """Restore a model from the trash."""
    store = ModelStore(current_settings().models_dir)
    if model:
        store.restore(model)
        done(f"{model} is restored")
        return
    for item in store.trashed():
        typer.echo(f"{item.id}  {item.name}  {counted(item.days_left, 'day')} left")

"""Where a model scores poorly: what that means, and the ways to a better one."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from core.access.roles import Permission
from core.evaluation.poor_scores import PoorScores, poor_scores
from core.evaluation.report import EvaluationReport
from core.evaluations.read import evaluated_images
from core.learning.training_labels import labels_to_learn_from
from core.store.records import EvaluationRecord, ImageRecord, Split
from ui import context
from ui.access import allowed
from ui.errors import plain
from ui.pages import CORRECT_PAGE, TRAIN_PAGE
from ui.parts.first_labels import SECTION
from ui.parts.help import help_link
from ui.state import Query


def poor_words(poor: PoorScores, report: EvaluationReport) -> str:
    """What is poor, in a sentence or two."""
    said = []
    if poor.classes:
        named = ", ".join(f"{report.scheme.name_of(class_id)} ({dice:.2f})" for class_id, dice in poor.classes)
        said.append(f"Low mean Dice: {named}.")
    if poor.mean is not None:
        said.append(f"The mean Dice over the classes is {poor.mean:.2f}.")
    return " ".join(said)


def poor_scores_panel(row: EvaluationRecord, report: EvaluationReport) -> None:
    """Nothing where no class scores poorly; otherwise the ways to a better model."""
    poor = poor_scores(report)
    if not poor:
        return
    images = {image.id: image for image in context.store().images.all(row.project_id)}
    learned_from = labels_to_learn_from(context.store(), row.project_id)
    teachable = any(images[image_id].split is not Split.TEST for image_id in learned_from if image_id in images)
    with st.container(border=True, key="results-poor"):
        st.markdown(
            f":material/trending_down: **Poor scores.** {plain(poor_words(poor, report))} To improve the model:"
        )
        ways = [
            "**Fine-tune the model**: correct places similar to its errors, and train it further."
            if teachable
            else (
                "**Train your own model**: no image outside the test set has labels yet. Annotate regions in "
                "some images, then train."
            )
        ]
        if poor.classes:
            names = ", ".join(report.scheme.name_of(class_id) for class_id, _ in poor.classes)
            ways.append(f"Check that references and model define **{plain(names)}** in the same way.")
        ways.append("Check the **pixel size** of the images: at the wrong scale, segmentation fails.")
        st.markdown("\n".join(f"{number}. {way}" for number, way in enumerate(ways, 1)))
        with st.container(horizontal=True, vertical_alignment="center"):
            _to_correct(row, report, poor, images)
            if teachable and allowed(Permission.TRAIN, row.project_id):
                target = {Query.PROJECT.value: row.project_id}
                st.page_link(TRAIN_PAGE, label="Draw labels", icon=":material/model_training:", query_params=target)
            help_link(SECTION, label="Show steps")


def _to_correct(
    row: EvaluationRecord, report: EvaluationReport, poor: PoorScores, images: Mapping[str, ImageRecord]
) -> None:
    """The image that scores least, on the prediction that was scored: a test image leads to like places from there."""
    if poor.worst_image is None or not allowed(Permission.PAINT, row.project_id):
        return
    name = report.images[poor.worst_image].name
    image = next(
        (
            evaluated_image
            for evaluated_image in evaluated_images(context.store(), row.id)
            if evaluated_image.name == name
        ),
        None,
    )
    if image is None or image.image_id not in images:
        return
    target = {Query.PROJECT.value: row.project_id, Query.IMAGE.value: image.image_id}
    if image.prediction_id:
        target[Query.REVISION.value] = image.prediction_id
    if poor.classes:  # what is there was taken for background, mostly
        target |= {Query.CLASS.value: str(poor.classes[0][0]), Query.DOUBT.value: "0"}
    tested = images[image.image_id].split is Split.TEST
    label = "Correct similar places" if tested else "Correct worst image"
    st.page_link(CORRECT_PAGE, label=label, icon=":material/brush:", query_params=target)

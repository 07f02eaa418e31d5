"""nnU-Net's planners, and a small one of our own on the same machinery. Training process only: imports nnU-Net."""

from __future__ import annotations

from typing import Any

from nnunetv2.experiment_planning.experiment_planners.default_experiment_planner import ExperimentPlanner
from nnunetv2.experiment_planning.experiment_planners.residual_unets.residual_encoder_unet_planners import (
    nnUNetPlannerResEncL,
    nnUNetPlannerResEncM,
)

from core.training.presets import COMPACT_BATCH, COMPACT_FEATURES, COMPACT_PATCH_PX, Preset


class CompactPlanner(ExperimentPlanner):  # type: ignore[misc]
    """nnU-Net's default planner with a fixed small network instead of one that fills a graphics card."""

    def get_plans_for_configuration(
        self, spacing: Any, median_shape: Any, data_identifier: str, approximate_n_voxels_dataset: float, _cache: Any
    ) -> dict[str, Any]:
        """nnU-Net's hook: one configuration of the plans."""
        stages = len(COMPACT_FEATURES)
        step = 2 ** (stages - 1)
        patch = [
            min(COMPACT_PATCH_PX, max(step * self.UNet_featuremap_min_edge_length, -(-int(edge) // step) * step))
            for edge in median_shape
        ]
        schemes, use_mask = self.determine_normalization_scheme_and_whether_mask_is_used_for_norm()
        data, data_arguments, labels, labels_arguments = self.determine_resampling()
        scores, scores_arguments = self.determine_segmentation_softmax_export_fn()
        return {
            "data_identifier": data_identifier,
            "preprocessor_name": self.preprocessor_name,
            "batch_size": COMPACT_BATCH,
            "patch_size": patch,
            "median_image_size_in_voxels": list(median_shape),
            "spacing": list(spacing),
            "normalization_schemes": schemes,
            "use_mask_for_norm": use_mask,
            "resampling_fn_data": data.__name__,
            "resampling_fn_seg": labels.__name__,
            "resampling_fn_data_kwargs": data_arguments,
            "resampling_fn_seg_kwargs": labels_arguments,
            "resampling_fn_probabilities": scores.__name__,
            "resampling_fn_probabilities_kwargs": scores_arguments,
            "architecture": {
                "network_class_name": "dynamic_network_architectures.architectures.unet.PlainConvUNet",
                "arch_kwargs": {
                    "n_stages": stages,
                    "features_per_stage": list(COMPACT_FEATURES),
                    "conv_op": "torch.nn.modules.conv.Conv2d",
                    "kernel_sizes": [[3, 3]] * stages,
                    "strides": [[1, 1]] + [[2, 2]] * (stages - 1),
                    "n_conv_per_stage": [2] * stages,
                    "n_conv_per_stage_decoder": [2] * (stages - 1),
                    "conv_bias": True,
                    "norm_op": "torch.nn.modules.instancenorm.InstanceNorm2d",
                    "norm_op_kwargs": {"eps": 1e-5, "affine": True},
                    "dropout_op": None,
                    "dropout_op_kwargs": None,
                    "nonlin": "torch.nn.LeakyReLU",
                    "nonlin_kwargs": {"inplace": True},
                },
                "_kw_requires_import": ["conv_op", "norm_op", "dropout_op", "nonlin"],
            },
        }


PLANNERS: dict[Preset, type[ExperimentPlanner]] = {
    Preset.COMPACT: CompactPlanner,
    Preset.STANDARD: ExperimentPlanner,
    Preset.RESENC_M: nnUNetPlannerResEncM,
    Preset.RESENC_L: nnUNetPlannerResEncL,
}

"""Synthetic liver micrographs with exact labels. Pure: arrays and files out."""

from core.phantom.dataset import write_phantom_dataset
from core.phantom.look import Look
from core.phantom.phantom import Phantom, generate_phantom

__all__ = ["Look", "Phantom", "generate_phantom", "write_phantom_dataset"]

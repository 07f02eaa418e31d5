"""Taking images with their label maps away: as files with a manifest, or as a dataset folder that imports again."""

"""What people take away: single files of an image, packages of many, dataset folders that import again."""
